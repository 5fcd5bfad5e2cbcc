"""Each refusal of Graph: the request that provokes it, and the words (entra-and-graph.md 7.5).

The words are written out here once more; nothing is taken from the sandbox's own table.
"""

import base64

import pytest

from tests.sandbox import client, entra, raw
from tests.sandbox.client import mail_to
from tests.sandbox.graph import FILE, GRACE, caller, exchange, gateway

NOBODY = "nobody@contoso.example"
MEBIBYTE = 1024 * 1024

DENIED = "Access is denied. Check credentials and try again."
SEND_AS = (
    "The user account which was used to submit this request does not have the right to send mail"
    " on behalf of the specified sending account., Cannot submit message."
)
NO_DOTS = (
    "IDX14100: JWT is not well formed, there are no dots (.).\nThe token needs to be in JWS or JWE"
    " Compact Serialization Format. (JWS): 'EncodedHeader.EncodedPayload.EncodedSignature'. (JWE):"
    " 'EncodedProtectedHeader.EncodedEncryptedKey.EncodedInitializationVector.EncodedCiphertext"
    ".EncodedAuthenticationTag'."
)
INVALID = "At least one recipient is not valid., "
UNRESOLVED = " is not resolved. All recipients must be resolved before a message can be submitted."
TOO_LARGE = (
    "The message exceeds the maximum supported size., Cannot save changes made to an item to store."
)
NOT_FOUND = "The specified object was not found in the store."


@pytest.fixture
def call(sandbox, http, token_for_all):
    """Call Graph with a token that may do everything here."""
    return caller(sandbox, http, token_for_all)


@pytest.fixture
def accepted(sandbox, http):
    """Return every mail the sandbox took."""
    return lambda: http.get(f"{sandbox.authority}/_control/mailbox").json()


@pytest.mark.parametrize(
    ("authorization", "words"),
    [
        (None, "Access token is empty."),
        ("Bearer", "Access token is empty."),
        ("Bearer no-dots", NO_DOTS),
        ("Bearer a.b.c", "CompactToken parsing failed with error code: 80049217"),
        ("Bearer TOKENAAAA", "Access token validation failure. Invalid signature."),  # wording: U
    ],
)
def test_a_bad_token_is_401(sandbox, http, token_for_all, authorization, words):
    headers = (
        {"Authorization": authorization.replace("TOKEN", token_for_all)} if (authorization) else {}
    )
    for method, path in (("GET", "me"), ("POST", "me/sendMail"), ("GET", "nowhere")):
        answer = http.request(method, f"{sandbox.graph}/v1.0/{path}", headers=headers)
        assert gateway(answer) == (401, "InvalidAuthenticationToken", words)
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="", authorization_uri=')


def test_an_expired_token_is_401(sandbox, http, call):
    entra.advance(sandbox, http, 7200)
    words = "Lifetime validation failed, the token is expired."
    assert gateway(call("GET", "me")) == (401, "InvalidAuthenticationToken", words)


def test_a_token_for_another_audience_is_401(sandbox, http, call):
    arrived = entra.sign_in(sandbox, http)
    id_token = entra.redeem(sandbox, http, arrived["code"]).json()["id_token"]
    words = "Access token validation failure. Invalid audience."
    answer = call("GET", "me", token=id_token)
    assert gateway(answer) == (401, "InvalidAuthenticationToken", words)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "me/sendMail"), ("GET", "me/messages"), ("POST", "me/messages"),
        ("GET", "me/mailFolders"), ("GET", "me/mailFolders/inbox/messages"),
        ("POST", f"users/{GRACE}/messages"), ("GET", "me/messages/x/attachments"),
        ("POST", "me/messages/x/send"), ("DELETE", "me/messages/x"),
    ],
)  # fmt: skip
def test_without_the_permission_mail_is_403(sandbox, http, call, method, path):
    weak = client.access_token(sandbox, http, scope="User.Read")
    answer = call(method, path, token=weak, json=None if method == "GET" else {})
    assert exchange(answer) == (403, "ErrorAccessDenied", DENIED)


def test_the_mailbox_of_another_is_403(call, token, accepted):
    assert exchange(call("GET", f"users/{GRACE}/messages")) == (403, "ErrorAccessDenied", DENIED)
    send = f"users/{GRACE}/sendMail"
    answer = call("POST", send, token=token, json=mail_to(GRACE))
    assert exchange(answer) == (403, "ErrorAccessDenied", DENIED)
    answer = call("POST", send, json=mail_to(GRACE))  # with Mail.Send.Shared
    assert exchange(answer) == (403, "ErrorSendAsDenied", SEND_AS)
    assert accepted() == []


@pytest.mark.parametrize("member", ["from", "sender", "From"])
def test_another_sender_is_403(call, accepted, member):
    message = mail_to(GRACE, **{member: {"emailAddress": {"address": GRACE}}})
    answer = call("POST", "me/sendMail", json=message)
    assert exchange(answer) == (403, "ErrorSendAsDenied", SEND_AS)
    assert accepted() == []


def test_the_profile_of_another_is_403(call):
    words = "Insufficient privileges to complete the operation."  # U
    assert gateway(call("GET", f"users/{GRACE}")) == (403, "Authorization_RequestDenied", words)


BAD = {"emailAddress": {"address": "bad"}}


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({}, f"{INVALID}A message can't be sent because it contains no recipients."),
        ({"toRecipients": []}, f"{INVALID}A message can't be sent because it contains no"
         " recipients."),
        ({"toRecipients": [BAD]}, f'{INVALID}Recipient "bad"{UNRESOLVED}'),
        ({"ccRecipients": [BAD]}, f'{INVALID}Recipient "bad"{UNRESOLVED}'),
        ({"bccRecipients": [BAD]}, f'{INVALID}Recipient "bad"{UNRESOLVED}'),
        ({"ToRecipients": [{"EmailAddress": {"Name": "x"}}]}, f'{INVALID}Recipient ""{UNRESOLVED}'),
        # The limit is documented, its words are not known.
        (mail_to(*[f"u{n}@example.org" for n in range(501)])["message"],
         f"{INVALID}A message can't have more than 500 recipients."),
    ],
)  # fmt: skip
def test_recipients_who_cannot_be_reached_are_400(call, accepted, message, words):
    answer = call("POST", "me/sendMail", json={"message": message})
    assert exchange(answer) == (400, "ErrorInvalidRecipients", words)
    draft = call("POST", "me/messages", json=message).json()
    answer = call("POST", f"me/messages/{draft['id']}/send", data=b"")
    assert exchange(answer) == (400, "ErrorInvalidRecipients", words)
    assert accepted() == []


def test_mime_that_is_no_base64_is_400(call):
    words = "Invalid base64 string for MIME content."
    expected = (400, "ErrorMimeContentInvalidBase64String", words)
    plain = {"Content-Type": "text/plain"}
    for body in (b"To: a@b.c\r\n\r\nHello", b"", b"YWJj*"):
        assert exchange(call("POST", "me/sendMail", data=body, headers=plain)) == expected


def test_a_body_over_4_mb_is_413(call):
    answer = call("POST", "me/sendMail", data=b"x" * (4 * MEBIBYTE + 1))
    words = "The maximum request length supported is 4MB."  # on the wire also with 400
    assert gateway(answer) == (413, "RequestEntityTooLarge", words)


def attached(call, draft, size):
    content = base64.b64encode(b"x" * size).decode()
    one = {"@odata.type": FILE, "name": "x", "contentBytes": content}
    return call("POST", f"me/messages/{draft}/attachments", json=one)


def started(call, draft, size):
    item = {"AttachmentItem": {"attachmentType": "file", "name": "x", "size": size}}
    return call("POST", f"me/messages/{draft}/attachments/createUploadSession", json=item)


def test_a_message_over_35_mb_is_400_where_that_is_the_limit(sandbox, call, http):
    expected = (400, "ErrorMessageSizeExceeded", TOO_LARGE)
    http.post(f"{sandbox.graph}/_control/limits", json={"enabled": False, "message_mb": 35})
    draft = call("POST", "me/messages", json=mail_to(GRACE)["message"]).json()["id"]
    assert exchange(started(call, draft, 35 * MEBIBYTE + 1)) == expected
    assert started(call, draft, 35 * MEBIBYTE).status_code == 201
    content = base64.b64encode(b"x" * (2 * MEBIBYTE)).decode()
    one = {"@odata.type": FILE, "name": "x", "contentBytes": content}
    for _ in range(17):
        answer = call("POST", f"me/messages/{draft}/attachments", json=one)
        assert answer.status_code == 201
    assert exchange(attached(call, draft, 2 * MEBIBYTE)) == expected
    assert exchange(started(call, draft, 3 * MEBIBYTE)) == expected
    answer = started(call, draft, 150 * MEBIBYTE + 1)
    words = "The message exceeds the maximum supported size."
    assert exchange(answer) == (400, "ErrorMessageSizeExceeded", words)


def test_what_two_uploads_make_too_large_is_not_sent(sandbox, http, call, accepted):
    limits = f"{sandbox.graph}/_control/limits"
    http.post(limits, json={"enabled": False, "message_mb": 4})
    draft = call("POST", "me/messages", json=mail_to(GRACE)["message"]).json()["id"]
    size = 3 * MEBIBYTE
    for answer in [started(call, draft, size), started(call, draft, size)]:
        ranges = {"Content-Range": f"bytes 0-{size - 1}/{size}"}
        http.put(answer.json()["uploadUrl"], b"x" * size, headers=ranges)
    answer = call("POST", f"me/messages/{draft}/send", data=b"")
    assert exchange(answer) == (400, "ErrorMessageSizeExceeded", TOO_LARGE)
    assert accepted() == []


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        ("me/messages/AAMkAD", (404, "ErrorItemNotFound", NOT_FOUND)),  # U
        ("me/mailFolders/nowhere", (404, "ErrorItemNotFound", NOT_FOUND)),  # U
        (f"users/{NOBODY}/messages",
         (404, "ResourceNotFound", "Resource could not be discovered.")),
    ],
)  # fmt: skip
def test_what_is_not_there_is_404(call, path, refusal):
    assert exchange(call("GET", path)) == refusal


def test_a_user_who_is_not_there_is_404(call):
    words = (
        f"Resource '{NOBODY}' does not exist or one of its queried reference-property objects are"
        " not present."
    )  # U
    answer = gateway(call("GET", f"users/{NOBODY}"))
    assert answer == (404, "Request_ResourceNotFound", words)


@pytest.mark.parametrize(
    ("path", "segment"),
    [
        ("me/sendEmail", "sendEmail"), ("sendMail", "sendMail"), ("me/mail", "mail"),
        ("me/messages/x/sned", "sned"), ("me/messages/x/attachments/y/z", "z"),
        ("me/mailFolders/inbox/mails", "mails"), (f"users/{GRACE}/mesages/x", "mesages"),
        ("users", "users"), ("users/x/users", "users"), ("me/users", "users"),
        ("me/sendMail/now", "now"),
    ],
)  # fmt: skip
def test_a_wrong_path_is_400_and_names_the_segment(call, path, segment):
    words = f"Resource not found for the segment '{segment}'."
    assert gateway(call("POST", path, json={})) == (400, "BadRequest", words)


@pytest.mark.parametrize(
    ("method", "path", "what"),
    [
        *(("POST", f"me/messages/x/{action}", action)
          for action in ("reply", "replyAll", "forward", "move", "copy", "createReply",
                         "createReplyAll", "createForward", "microsoft.graph.reply", "REPLY")),
        ("GET", "me/messages/delta", "delta"), ("GET", "me/messages/delta()", "delta()"),
        ("GET", "me/messages/$count", "$count"), ("POST", "me/mailFolders", "POST mailFolders"),
        ("PATCH", "me/mailFolders/inbox", "PATCH inbox"),
        ("DELETE", "me/mailFolders/inbox", "DELETE inbox"),
        ("GET", f"users/{GRACE}/messages/$count", "$count"),
        *((method, f"me/{path}", path)
          for method, path in (
              ("GET", "mailFolders/delta"), ("GET", "mailFolders/inbox/messages/delta"),
              ("GET", "mailFolders/inbox/messages/$count"), ("POST", "mailFolders/inbox/move"),
              ("GET", "mailFolders/inbox/childFolders"), ("PATCH", "mailFolders/inbox/messages/x"),
              ("POST", "mailFolders/inbox/messages/x/reply"))),
    ],
)  # fmt: skip
def test_what_graph_does_and_the_sandbox_does_not_is_501(call, method, path, what):
    answer = call(method, path, json={}, headers={"Accept": "*/*"})
    assert gateway(answer) == (501, "NotImplemented", f"The sandbox doesn't do '{what}'.")


def test_a_count_may_be_asked_for_as_text(call):
    answer = call("GET", "me/messages/$count", headers={"Accept": "text/plain"})
    assert answer.status_code == 501


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "me/sendMail", "POST"), ("POST", "me", "GET"), ("GET", "$batch", "POST")],
)
def test_a_wrong_method_is_405(call, method, path, allowed):
    answer = call(method, path, json={})
    assert gateway(answer)[:1] == (405,)
    assert answer.headers["Allow"] == allowed


def test_an_answer_in_xml_is_406_and_nothing_is_done(call, accepted):
    for accept in ("application/xml", "text/html, image/png;q=0.9"):
        answer = call("POST", "me/sendMail", json=mail_to(GRACE), headers={"Accept": accept})
        assert gateway(answer)[:1] == (406,)
    assert accepted() == []
    for accept in ("application/json;odata.metadata=full", "text/html, */*;q=0.8", ""):
        assert call("GET", "me", headers={"Accept": accept}).status_code == 200


def test_a_post_without_a_length_is_411(sandbox, call, token_for_all, accepted):
    draft = call("POST", "me/messages", json=mail_to(GRACE)["message"]).json()["id"]
    lines = ("Host: localhost", f"Authorization: Bearer {token_for_all}")
    wire = raw.head("POST", f"/v1.0/me/messages/{draft}/send", *lines)
    assert raw.send(sandbox, wire).startswith(b"HTTP/1.1 411 ")
    assert accepted() == []


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (500, "ErrorInternalServerError"), (502, "UnknownError"),
        (503, "serviceNotAvailable"), (504, "UnknownError"),
    ],
)  # fmt: skip
def test_trouble_on_the_other_side_has_graphs_codes(sandbox, http, call, status, code):
    fault = {"path": "/v1.0/me/sendMail", "status": status, "retry_after": 3}
    http.post(f"{sandbox.graph}/_control/faults", json=fault)
    answer = call("POST", "me/sendMail", json=mail_to(GRACE))
    assert gateway(answer)[:2] == (status, code)
    assert answer.headers["Retry-After"] == "3"


UPLOAD = "/api/v2.0/Users('u')/Messages('m')/AttachmentSessions('s')"
EXPIRED = "Lifetime validation failed, the token is expired."
UNLIKE_MAIL = "Insufficient privileges to complete the operation."  # U
GONE = " does not exist or one of its queried reference-property objects are not present."  # U


def bent(sandbox, http, status, path, method="GET"):
    """Return the answer of a path that a fault bends."""
    http.post(f"{sandbox.graph}/_control/faults", json={"path": path, "status": status})
    return http.request(method, sandbox.graph + path)


@pytest.mark.parametrize("path", ["me", "me/sendMail", "users/x/messages", "$batch"])
def test_a_401_by_a_fault_is_one_of_a_token(sandbox, http, path):
    answer = bent(sandbox, http, 401, f"/v1.0/{path}")
    assert gateway(answer) == (401, "InvalidAuthenticationToken", EXPIRED)
    assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="", authorization_uri=')


@pytest.mark.parametrize(
    "path", ["/v1.0/me/sendMail", "/beta/me/messages/x", "/v1.0/users/x/mailFolders"]
)
def test_a_403_or_404_by_a_fault_is_exchanges(sandbox, http, path):
    assert exchange(bent(sandbox, http, 403, path)) == (403, "ErrorAccessDenied", DENIED)
    assert exchange(bent(sandbox, http, 404, path)) == (404, "ErrorItemNotFound", NOT_FOUND)


@pytest.mark.parametrize(("path", "name"), [("me", "me"), ("users/x", "x")])
def test_a_403_or_404_of_a_person_is_the_directorys(sandbox, http, path, name):
    answer = bent(sandbox, http, 403, f"/v1.0/{path}")
    assert gateway(answer) == (403, "Authorization_RequestDenied", UNLIKE_MAIL)
    answer = bent(sandbox, http, 404, f"/v1.0/{path}")
    assert gateway(answer) == (404, "Request_ResourceNotFound", f"Resource '{name}'{GONE}")


def test_an_upload_is_refused_by_a_fault_as_without_one(sandbox, http):
    for status, code in ((401, "InvalidAuthenticationToken"), (404, "ErrorItemNotFound")):
        answer = bent(sandbox, http, status, UPLOAD, "PUT")
        assert exchange(answer)[:2] == (status, code)
        assert "WWW-Authenticate" not in answer.headers
