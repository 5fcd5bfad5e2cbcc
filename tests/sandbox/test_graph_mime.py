"""Mail as MIME: sent so, and read so (entra-and-graph.md 7.2, 7.5)."""

import base64
import email
import email.policy
from email.message import EmailMessage

import pytest

from tests.sandbox import client
from tests.sandbox.client import bearer, mail_to

GRACE = "grace@contoso.example"
PIXEL = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


@pytest.fixture
def send(sandbox, http, token):
    """Send bytes as sendMail's MIME form; return the answer."""

    def post(body, content_type="text/plain"):
        headers = bearer(token) | {"Content-Type": content_type}
        return http.post(f"{sandbox.graph}/v1.0/me/sendMail", data=body, headers=headers)

    return post


@pytest.fixture
def get(sandbox, http, token):
    return lambda path: http.get(f"{sandbox.graph}/v1.0/{path}", headers=bearer(token))


@pytest.fixture
def accepted(sandbox, http):
    """Return every mail the sandbox took."""
    return lambda: http.get(f"{sandbox.authority}/_control/mailbox").json()


def refusal(answer):
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


def written() -> EmailMessage:
    mail = EmailMessage()
    mail["Subject"] = "Grüße"
    mail["To"] = f"Grace Hopper <{GRACE}>, out@example.org"
    mail["Cc"] = "zoe@contoso.example"
    mail["X-Lesson"] = "4"
    mail.set_content("Guten Morgen, Zoë")
    mail.add_attachment(PIXEL, maintype="image", subtype="png", filename="pixel.png")
    return mail


def test_a_mail_is_sent_as_base64_of_its_mime_source(send, get, accepted):
    answer = send(base64.encodebytes(written().as_bytes()))
    assert (answer.status_code, answer.content) == (202, b"")
    [mail] = accepted()
    assert (mail["subject"], mail["body"]) == ("Grüße", "Guten Morgen, Zoë\n")
    assert mail["recipients"] == [GRACE, "out@example.org", "zoe@contoso.example"]
    [file] = mail["attachments"]
    assert (file["name"], file["size"]) == ("pixel.png", len(PIXEL))
    [sent] = get("me/messages?$select=internetMessageHeaders").json()["value"]
    assert sent["internetMessageHeaders"] == []  # in Sent Items they don't show, but travel:
    assert b"X-Lesson: 4\r\n" in get(f"me/messages/{sent['id']}/$value").content


def test_html_is_preferred_where_a_mail_has_both(send, get):
    mail = written()
    mail.clear_content()
    mail.set_content("plain")
    mail.add_alternative("<b>rich</b>", subtype="html")
    assert send(base64.b64encode(mail.as_bytes())).status_code == 202
    [sent] = get("me/messages").json()["value"]
    assert sent["body"]["contentType"] == "html" and "<b>rich</b>" in sent["body"]["content"]


@pytest.mark.parametrize("body", [b"%%%", b"", b"To: a@b.c", "ü".encode()])
def test_what_is_no_base64_is_refused(send, accepted, body):
    code = "ErrorMimeContentInvalidBase64String"
    assert refusal(send(body)) == (400, code, "Invalid base64 string for MIME content.")
    assert accepted() == []


@pytest.mark.parametrize(
    "source",
    [b"Subject: x\n\nx", b"garbage", b"To: bad\n\nx", b"To: =?x?=\n\n", b"\x00\xff\n\n",
     b"To: \nContent-Type: text/plain; charset=zz\n\n\xff"],
)  # fmt: skip
def test_a_mail_that_reaches_nobody_is_refused(send, accepted, source):
    assert refusal(send(base64.b64encode(source)))[0] == 400
    assert accepted() == []


@pytest.mark.parametrize(
    "head",
    [b"Content-Type: text/plain; charset=unheard-of", b"Content-Type: multipart/mixed",
     b"Content-Type: message/rfc822", b"Content-Type: ;;;", b"Subject: \xff\xfe",
     b"Content-Type: multipart/mixed; boundary=x", b"Date: never", b"Content-Transfer-Encoding: zz",
     b"X-A: =?utf-8?b?/////w==?=", b"Subject: =?utf-8?q?=ED=A0=80?=", b"From: <", b"Cc: (((,;<"],
)  # fmt: skip
def test_odd_mail_is_taken_or_refused_but_never_breaks_anything(send, head):
    source = b"To: a@example.org\n" + head + b"\n\n--x\n\n\xff body\n--x--"
    assert send(base64.b64encode(source)).status_code in (202, 400, 403)


def test_mime_in_another_name_is_refused(send, accepted):
    mail = written()
    mail["From"] = GRACE
    assert refusal(send(base64.b64encode(mail.as_bytes())))[:2] == (403, "ErrorSendAsDenied")
    assert accepted() == []


def test_the_source_of_a_mail_is_what_a_mail_program_opens(sandbox, http, token, get):
    file = {
        "@odata.type": "#microsoft.graph.fileAttachment", "name": "Zoë's pixel.png",
        "contentType": "image/png", "contentBytes": base64.b64encode(PIXEL).decode(),
    }  # fmt: skip
    headers = [{"name": "X-Lesson", "value": "one\r\nBcc: evil@example.org"}]
    message = mail_to(
        GRACE, subject="Grüße\r\nX-Evil: 1", body="Zeile\nZwei", attachments=[file],
        internetMessageHeaders=headers,
    )  # fmt: skip
    url = f"{sandbox.graph}/v1.0/me/sendMail"
    assert http.post(url, json=message, headers=bearer(token)).status_code == 202
    [sent] = get("me/messages").json()["value"]
    answer = get(f"me/messages/{sent['id']}/$value")
    assert answer.headers["content-type"].startswith("text/plain")
    mail = email.message_from_bytes(answer.content, policy=email.policy.default)
    assert mail["Subject"] == "Grüße X-Evil: 1" and mail["X-Evil"] is None
    assert mail["Bcc"] is None and mail["Message-ID"] == sent["internetMessageId"]
    assert (mail["From"], mail["To"]) == (
        "Ada Lovelace <ada@contoso.example>", "grace@contoso.example",
    )  # fmt: skip
    assert mail.get_body().get_content().split() == ["Zeile", "Zwei"]
    [part] = mail.iter_attachments()
    assert (part.get_filename(), part.get_content()) == ("Zoë's pixel.png", PIXEL)


@pytest.mark.parametrize(
    "odd",
    [
        {"toRecipients": [{"emailAddress": {"address": "zoë@exämple.org", "name": '"\\<,;:\0'}}]},
        {"attachments": [{"contentType": "message/rfc822", "name": "\u202e\r\n", "isInline": True,
                          "contentId": "<\r\n\0>", "contentBytes": "/w=="}]},
        {"attachments": [{"contentType": "text/ü; charset", "name": "x" * 500}]},
        {"attachments": [{"contentType": "multipart/mixed", "contentBytes": "/w=="}]},
        {"internetMessageHeaders": [{"name": "X- :\n", "value": "\0\x7f"}, {"name": "x-ü"}]},
        {"subject": "\0\x1b\u2028" + "ü" * 2000, "body": {"content": "\r\n.\r\n\0" + "x" * 5000}},
        {"replyTo": [{"emailAddress": {"address": "@@"}}, {}]},
    ],
)  # fmt: skip
def test_every_mail_has_a_source(sandbox, http, token, get, odd):
    for file in odd.get("attachments", []):
        file["@odata.type"] = "#microsoft.graph.fileAttachment"
    url = f"{sandbox.graph}/v1.0/me/sendMail"
    message = {"message": {**mail_to(GRACE)["message"], **odd}}
    assert http.post(url, json=message, headers=bearer(token)).status_code == 202
    [sent] = get("me/messages").json()["value"]
    answer = get(f"me/messages/{sent['id']}/$value")
    assert answer.status_code == 200 and b"Message-ID" in answer.content


def test_a_source_can_be_sent_again(send, get, accepted):
    send(base64.b64encode(written().as_bytes()))
    [sent] = get("me/messages").json()["value"]
    source = get(f"me/messages/{sent['id']}/$value").content
    assert send(base64.b64encode(source)).status_code == 202
    again, first = accepted()
    for name in ("subject", "recipients", "attachments"):
        assert again[name] == first[name]


def test_a_draft_can_be_made_of_mime(sandbox, http):
    token = client.access_token(sandbox, http, scope="Mail.ReadWrite")
    headers = bearer(token) | {"Content-Type": "text/plain"}
    body = base64.b64encode(b"Subject: Later\n\nunfinished")
    made = http.post(f"{sandbox.graph}/v1.0/me/messages", data=body, headers=headers)
    assert made.status_code == 201
    assert (made.json()["subject"], made.json()["isDraft"]) == ("Later", True)
