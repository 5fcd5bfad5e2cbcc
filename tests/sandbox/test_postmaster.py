"""What comes back of a mail to an address of the tenant that nobody has."""

import pytest

from tests.sandbox import client
from tests.sandbox.client import bearer, mail_to

GRACE = "grace@contoso.example"
EXCHANGE = "MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@contoso.example"


@pytest.fixture
def send(sandbox, http, token):
    def post(*recipients, **members):
        body = mail_to(*recipients, **members)
        url = f"{sandbox.graph}/v1.0/me/sendMail"
        assert http.post(url, json=body, headers=bearer(token)).status_code == 202

    return post


@pytest.fixture
def inbox(sandbox, http, token):
    url = f"{sandbox.graph}/v1.0/me/mailFolders/inbox/messages"
    return lambda token=token: http.get(url, headers=bearer(token)).json()["value"]


def addresses(recipients):
    return [one["emailAddress"]["address"] for one in recipients]


def test_the_sender_is_told_whom_a_mail_did_not_reach(sandbox, http, send, inbox):
    hidden = {"bccRecipients": [{"emailAddress": {"address": "lost@contoso.example"}}]}
    send(GRACE, "Gone@Contoso.example", "out@example.org", subject="Lunch?", **hidden)
    [report] = inbox()
    assert report["subject"] == "Undeliverable: Lunch?" and report["isRead"] is False
    assert report["from"] == report["sender"]
    assert report["from"]["emailAddress"] == {"name": "Microsoft Outlook", "address": EXCHANGE}
    assert addresses(report["toRecipients"]) == ["Gone@Contoso.example", "lost@contoso.example"]
    assert report["bodyPreview"].startswith("Delivery has failed to these recipients or groups:")
    assert "550 5.1.10 RESOLVER.ADR.RecipientNotFound" in report["body"]["content"]
    # Whoever was reached has the mail, and hears nothing of it.
    [mail] = inbox(client.access_token(sandbox, http, user=GRACE))
    assert mail["subject"] == "Lunch?" and mail["conversationId"] == report["conversationId"]


def test_a_report_is_no_mail_that_was_accepted(sandbox, http, send):
    send("lost@contoso.example", subject="One")
    accepted = http.get(f"{sandbox.authority}/_control/mailbox").json()
    assert [one["subject"] for one in accepted] == ["One"]


@pytest.mark.parametrize("address", ["charles@contoso.example", "ada.x@contoso.example"])
def test_an_account_without_a_mailbox_is_not_reached(send, inbox, address):
    send(address, address.upper())
    [report] = inbox()
    assert addresses(report["toRecipients"]) == [address.upper()]


@pytest.mark.parametrize(
    "address", ["konrad@contoso.example", "x@contoso.example.org", "x@notcontoso.example"]
)
def test_of_a_mailbox_and_of_other_organizations_nothing_comes_back(send, inbox, address):
    send(address)
    assert inbox() == []


def test_a_draft_that_reaches_nobody_is_told_of_too(sandbox, http, inbox):
    token = client.access_token(sandbox, http, scope=f"{client.SCOPE} Mail.ReadWrite")
    url = f"{sandbox.graph}/v1.0/me/messages"
    asked = mail_to("lost@contoso.example", subject="Kept")["message"]
    draft = http.post(url, json=asked, headers=bearer(token)).json()["id"]
    assert http.post(f"{url}/{draft}/send", headers=bearer(token)).status_code == 202
    assert [one["subject"] for one in inbox()] == ["Undeliverable: Kept"]


def test_what_was_written_is_escaped_in_the_report(send, inbox):
    hostile = {"address": "lost&more@contoso.example", "name": "<img src=x onerror=alert(1)>"}
    send(subject="<b>", toRecipients=[{"emailAddress": hostile}])
    [report] = inbox()
    assert "&lt;img src=x onerror=alert(1)&gt; (lost&amp;more@" in report["body"]["content"]
    assert "<img" not in report["body"]["content"]
