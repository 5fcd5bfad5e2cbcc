"""sendMail, and reading what it left (entra-and-graph.md 7.2, 7.5, 7.9)."""

import base64
import hashlib
import json

import pytest

from tests.sandbox import client
from tests.sandbox.client import bearer, mail_to

GRACE = "grace@contoso.example"


@pytest.fixture
def send(sandbox, http, token):
    """Post a sendMail body; return the answer."""

    def post(body, path="v1.0/me/sendMail", content_type="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = bearer(token) | ({"Content-Type": content_type} if content_type else {})
        return http.post(f"{sandbox.graph}/{path}", data=data, headers=headers)

    return post


@pytest.fixture
def accepted(sandbox, http):
    """Return every mail the sandbox took."""
    return lambda: http.get(f"{sandbox.authority}/_control/mailbox").json()


def refusal(answer):
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


@pytest.mark.parametrize("version", ["v1.0", "beta"])
@pytest.mark.parametrize(
    "action", ["sendMail", "sendmail", "microsoft.graph.sendMail", "Microsoft.Graph.SendMail"]
)
def test_sending_is_202_and_nothing_more(send, accepted, version, action):
    answer = send(mail_to(GRACE, subject="One"), path=f"{version}/me/{action}")
    assert (answer.status_code, answer.content) == (202, b"")
    assert "request-id" in answer.headers and "x-ms-ags-diagnostic" in answer.headers
    assert [mail["subject"] for mail in accepted()] == ["One"]


def test_the_spelling_of_the_2015_sample_is_taken(send, accepted):
    body = {
        "Message": {
            "Subject": "Welcome",
            "Body": {"ContentType": "HTML", "Content": "<h1>Hi</h1>"},
            "ToRecipients": [{"EmailAddress": {"Address": "someone@example.org"}}],
        },
        "SaveToSentItems": "true",
    }
    content_type = "application/json;odata.metadata=minimal;odata.streaming=true"
    assert send(body, "beta/me/microsoft.graph.sendMail", content_type).status_code == 202
    [mail] = accepted()
    assert mail["recipients"] == ["someone@example.org"]
    assert (mail["subject"], mail["body"]) == ("Welcome", "<h1>Hi</h1>")


def test_a_copy_stands_in_sent_items_and_in_each_inbox(sandbox, http, token, send):
    hidden = {"bccRecipients": [{"emailAddress": {"address": "ZOE@contoso.example"}}]}
    send(mail_to(GRACE, "out@example.org", subject="Copies", **hidden))
    mine = read(sandbox, http, token)
    assert [one["bccRecipients"][0]["emailAddress"]["address"] for one in mine] == [
        "ZOE@contoso.example"
    ]
    for user in (GRACE, "zoe@contoso.example"):
        [got] = read(sandbox, http, client.access_token(sandbox, http, user=user))
        assert got["subject"] == "Copies" and got["isRead"] is False
        assert got["from"]["emailAddress"]["address"] == sandbox.user
        assert got["bccRecipients"] == []


def read(sandbox, http, token, query=""):
    answer = http.get(f"{sandbox.graph}/v1.0/me/messages{query}", headers=bearer(token))
    return answer.json()["value"]


@pytest.mark.parametrize("no", [False, "false", "False"])
def test_sent_items_can_be_left_out(sandbox, http, token, send, no):
    assert send({**mail_to(GRACE), "saveToSentItems": no}).status_code == 202
    assert read(sandbox, http, token) == []


def test_a_mail_to_oneself_is_in_both_folders(sandbox, http, token, send):
    send(mail_to(sandbox.user))
    assert len({one["parentFolderId"] for one in read(sandbox, http, token)}) == 2


def test_attachments_arrive_byte_for_byte(send, accepted):
    data = bytes(range(256)) * 100
    file = {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": "bytes.bin",
        "contentType": "application/octet-stream",
        "contentBytes": base64.b64encode(data).decode(),
    }
    assert send(mail_to(GRACE, attachments=[file])).status_code == 202
    expected = {"name": "bytes.bin", "size": 25600, "sha256": hashlib.sha256(data).hexdigest()}
    assert accepted()[0]["attachments"] == [expected]


def test_a_message_that_was_read_can_be_sent_again_as_it_is(sandbox, http, token, send):
    send(mail_to(GRACE, importance="High", categories=["a"], replyTo=[]))
    [message] = read(sandbox, http, token)
    assert send({"message": message}).status_code == 202
    assert [one["importance"] for one in read(sandbox, http, token)] == ["high", "high"]


def test_bcc_alone_is_enough(send):
    message = {"bccRecipients": [{"emailAddress": {"address": GRACE}}]}
    assert send({"message": message}).status_code == 202


def test_500_recipients_are_taken_and_501_are_not(send, accepted):
    addresses = [f"u{n}@example.org" for n in range(501)]
    assert send(mail_to(*addresses[:500])).status_code == 202
    assert refusal(send(mail_to(*addresses)))[:2] == (400, "ErrorInvalidRecipients")
    assert len(accepted()) == 1


def test_a_misspelt_parameter_is_named(send):
    assert "'mesage'" in refusal(send({"mesage": {}}))[2]
    assert "missing parameters are: Message" in refusal(send({"saveToSentItems": True}))[2]


def test_a_body_over_4_mb_is_413_in_graphs_form(send, accepted):
    status, code, _ = refusal(send(b"x" * (4 * 1024 * 1024 + 1)))
    assert (status, code) == (413, "RequestEntityTooLarge")
    assert send(mail_to(GRACE, body="x" * 4_000_000)).status_code == 202
    assert len(accepted()) == 1


def test_only_headers_that_begin_with_x_may_be_added(send):
    good, bad = ([{"name": name, "value": "1"}] for name in ("X-Lesson", "Subject"))
    assert send(mail_to(GRACE, internetMessageHeaders=good)).status_code == 202
    refused = refusal(send(mail_to(GRACE, internetMessageHeaders=bad)))
    assert refused[:2] == (400, "InvalidInternetMessageHeader")


def test_a_listing_comes_in_pages_newest_first(sandbox, http, token, send):
    for number in range(12):
        send(mail_to("out@example.org", subject=f"Mail {number}"))
    first = http.get(f"{sandbox.graph}/v1.0/me/messages", headers=bearer(token)).json()
    second = http.get(first["@odata.nextLink"], headers=bearer(token)).json()
    subjects = [one["subject"] for one in first["value"] + second["value"]]
    assert subjects == [f"Mail {number}" for number in range(11, -1, -1)]
    assert len(first["value"]) == 10 and "@odata.nextLink" not in second
    assert [one["subject"] for one in read(sandbox, http, token, "?$top=1&$skip=3")] == ["Mail 8"]


@pytest.mark.parametrize("query", ["$top=-1", "$top=x", "$top=1001", "$skip=1.5"])
def test_a_page_of_an_impossible_size_is_refused(sandbox, http, token, query):
    answer = http.get(f"{sandbox.graph}/v1.0/me/messages?{query}", headers=bearer(token))
    assert refusal(answer)[:2] == (400, "BadRequest")


def test_one_message_is_read_by_its_id_and_only_by_its_owner(sandbox, http, token, send):
    send(mail_to("out@example.org", subject="Mine"))
    [mine] = read(sandbox, http, token)
    url = f"{sandbox.graph}/v1.0/me/messages/{mine['id']}"
    assert http.get(url, headers=bearer(token)).json()["subject"] == "Mine"
    other = client.access_token(sandbox, http, user=GRACE)
    assert refusal(http.get(url, headers=bearer(other)))[:2] == (404, "ErrorItemNotFound")


def test_reading_needs_mail_read(sandbox, http):
    token = client.access_token(sandbox, http, scope="Mail.Send")
    answer = http.get(f"{sandbox.graph}/v1.0/me/messages", headers=bearer(token))
    assert refusal(answer)[:2] == (403, "ErrorAccessDenied")


def test_mail_readbasic_shows_all_but_the_body(sandbox, http, token, send):
    send(mail_to("out@example.org", body="secret plan"))
    basic = client.access_token(sandbox, http, scope="Mail.ReadBasic")
    [seen] = read(sandbox, http, basic)
    [whole] = read(sandbox, http, token)
    assert set(whole) - set(seen) == {"body", "bodyPreview"}
