"""The people of the sandbox: who may sign in where, and what Graph and the mail know of them."""

import base64
import json
import re

import pytest

from tests.sandbox import client, entra
from tests.sandbox.client import bearer, mail_to

ADA, ALAN = "ada@contoso.example", "alan@outlook.example"
NO_MAILBOX = "charles@contoso.example"
GUEST, GUEST_MAIL = "mary_fabrikam.example#EXT#@contoso.example", "mary@fabrikam.example"
DISABLED = "konrad@contoso.example"
MEMBERS = [ADA, "grace@contoso.example", "zoe@contoso.example"]
EVERYBODY = [*MEMBERS, ALAN, NO_MAILBOX, GUEST]
WORK = [*MEMBERS, NO_MAILBOX, GUEST]
CONSUMERS = "9188040d-6c67-4c5b-b112-36a304b66dad"


def offered(page):
    able, _, _ = page.text.partition("<details")
    return re.findall(r'name="user" value="([^"]+)"', able)


def json_of(part):
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def app_for(sandbox, http, audience):
    return entra.register(sandbox, http, sign_in_audience=audience)


def graph(sandbox, http, method, path, user, **options):
    """Call Graph as this person, through an app that everybody may use."""
    everybody = app_for(sandbox, http, "AzureADandPersonalMicrosoftAccount")
    scope = client.SCOPE + " User.ReadBasic.All"
    token = client.access_token(everybody, http, scope=scope, user=user)
    return http.request(method, f"{sandbox.graph}/v1.0/{path}", headers=bearer(token), **options)


@pytest.mark.parametrize(
    ("audience", "tenant", "accounts"),
    [
        ("AzureADMyOrg", "contoso.example", WORK),
        ("AzureADMultipleOrgs", "common", WORK),
        ("AzureADandPersonalMicrosoftAccount", "common", EVERYBODY),
        ("AzureADandPersonalMicrosoftAccount", "organizations", WORK),
        ("AzureADandPersonalMicrosoftAccount", "consumers", [ALAN]),
        ("PersonalMicrosoftAccount", "consumers", [ALAN]),
    ],
)
def test_the_accounts_offered_are_those_of_the_app_and_the_door(
    sandbox, http, audience, tenant, accounts
):
    app = app_for(sandbox, http, audience)
    assert offered(entra.authorize(app, http, tenant=tenant)) == accounts


def test_the_sign_in_page_says_what_is_special_about_an_account(sandbox, http):
    app = app_for(sandbox, http, "AzureADandPersonalMicrosoftAccount")
    text = entra.visible_text(entra.authorize(app, http))
    for special in (
        "grace@contoso.example Administrator",
        "alan@outlook.example Personal account",
        "charles@contoso.example Has no mailbox",
        "mary@fabrikam.example Guest of Contoso",
        "konrad@contoso.example Account is disabled",
    ):
        assert special in text


def test_a_personal_account_belongs_to_the_tenant_of_all_of_them(sandbox, http):
    app = app_for(sandbox, http, "PersonalMicrosoftAccount")
    code = entra.sign_in(app, http, tenant="consumers", user=ALAN)["code"]
    answer = entra.redeem(app, http, code, tenant="consumers", client_info="1").json()
    claims = json_of(answer["id_token"].split(".")[1])
    assert claims["tid"] == CONSUMERS
    assert re.fullmatch(r"00000000-0000-0000-[0-9a-f]{4}-[0-9a-f]{12}", claims["oid"])
    assert json_of(answer["client_info"]) == {"uid": claims["oid"], "utid": CONSUMERS}


def test_mail_to_a_personal_account_lands_in_its_inbox(sandbox, http, token):
    url = f"{sandbox.graph}/v1.0/me/sendMail"
    sent = http.post(url, json=mail_to(ALAN, subject="To Alan"), headers=bearer(token))
    assert sent.status_code == 202
    inbox = graph(sandbox, http, "GET", "me/mailFolders/inbox/messages", ALAN).json()["value"]
    assert [mail["subject"] for mail in inbox] == ["To Alan"]
    answer = graph(sandbox, http, "POST", "me/sendMail", ALAN, json=mail_to(ADA, subject="Back"))
    assert answer.status_code == 202
    [back] = graph(sandbox, http, "GET", "me/mailFolders/inbox/messages", ADA).json()["value"]
    assert back["from"]["emailAddress"] == {"name": "Alan Turing", "address": ALAN}


def test_mail_to_a_guest_leaves_for_the_home_of_the_guest(sandbox, http, token):
    url = f"{sandbox.graph}/v1.0/me/sendMail"
    http.post(url, json=mail_to(GUEST_MAIL), headers=bearer(token))
    [mail] = http.get(f"{sandbox.authority}/_control/mailbox").json()
    assert mail["recipients"] == [GUEST_MAIL]
    page = http.get(f"{sandbox.mailbox}", params={"user": GUEST})
    assert page.status_code == 404
    assert "Mary" not in http.get(sandbox.mailbox).text


@pytest.mark.parametrize("user", [NO_MAILBOX, GUEST])
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "me/messages"), ("GET", "me/mailFolders"), ("POST", "me/sendMail")],
)
def test_who_has_no_mailbox_here_signs_in_but_mail_is_not_enabled(
    sandbox, http, user, method, path
):
    assert graph(sandbox, http, "GET", "me", user).json()["userPrincipalName"] == user
    body = mail_to(ADA) if method == "POST" else None
    answer = graph(sandbox, http, method, path, user, json=body)
    assert answer.status_code == 404
    assert answer.json()["error"] == {
        "code": "MailboxNotEnabledForRESTAPI",
        "message": "REST API is not yet supported for this mailbox.",
    }
    assert http.get(f"{sandbox.authority}/_control/mailbox").json() == []


def test_a_guest_is_told_from_a_member(sandbox, http):
    path = "me?$select=userType,mail,otherMails,accountEnabled"
    guest = graph(sandbox, http, "GET", path, GUEST).json()
    assert (guest["userType"], guest["mail"]) == ("Guest", GUEST_MAIL)
    assert (guest["otherMails"], guest["accountEnabled"]) == ([GUEST_MAIL], True)
    assert graph(sandbox, http, "GET", path, NO_MAILBOX).json()["userType"] == "Member"


def test_a_directory_knows_its_members_and_guests_and_no_personal_account(sandbox, http):
    found = graph(sandbox, http, "GET", f"users/{GUEST.replace('#', '%23')}", ADA)
    assert found.json()["displayName"] == "Mary Kenneth Keller"
    path = f"users/{ALAN}"
    assert graph(sandbox, http, "GET", path, ADA).json()["error"]["code"] == (
        "Request_ResourceNotFound"
    )
    assert graph(sandbox, http, "GET", path, ALAN).json()["mail"] == ALAN
    path = f"users/{ADA}/messages"
    assert graph(sandbox, http, "GET", path, ALAN).json()["error"]["code"] == "ResourceNotFound"
