"""Refusals of Graph whose words no public report has: here as they are, lest they change unseen.

A client may go by status and code. The words of the others stand in test_graph_refusals.py.
"""

import base64

import pytest

from tests.sandbox import raw
from tests.sandbox.client import mail_to
from tests.sandbox.graph import FILE, GRACE, caller, exchange, gateway

MIME_TYPES = (
    "A supported MIME type could not be found that matches the acceptable MIME types for the"
    " request. The supported type(s) 'application/json' do not match any of the acceptable MIME"
    " types 'text/html'."
)
HEADER = "The internet message header name 'Subject' should start with 'x-' or 'X-'."
BY_GATEWAY = {
    "a method": (
        ("PUT", "me"),
        (405, "BadRequest", "Specified HTTP method is not allowed for the request target."),
    ),
    "what is accepted": (
        ("GET", "me", {"headers": {"Accept": "text/html"}}),
        (406, "NotAcceptable", MIME_TYPES),
    ),
    "a filter's form": (
        ("GET", "me/messages?$filter=isRead eq"),
        (400, "BadRequest", "Invalid filter clause: syntax error at position 9 in 'isRead eq'."),
    ),
    "a filter's property": (
        ("GET", "me/messages?$filter=colour eq 1"),
        (
            400,
            "BadRequest",
            "Could not find a property named 'colour' on type 'microsoft.graph.message'.",
        ),
    ),
    "an order": (
        ("GET", "me/messages?$orderby=subject sideways"),
        (400, "BadRequest", "Invalid orderby clause: syntax error in 'subject sideways'."),
    ),
    "a page's size": (
        ("GET", "me/messages?$top=1001"),
        (
            400,
            "BadRequest",
            "The limit of '1000' for Top query has been exceeded. The value from the incoming"
            " request is '1001'.",
        ),
    ),
    "a number": (
        ("GET", "me/messages?$skip=few"),
        (
            400,
            "BadRequest",
            "Invalid value 'few' for $skip query option found. The $skip query option requires a"
            " non-negative integer value.",
        ),
    ),
    "yes or no": (
        ("GET", "me/messages?$count=perhaps"),
        (400, "BadRequest", "Invalid value 'perhaps' for $count query option found."),
    ),
    "a parameter that is too much": (
        ("POST", "me/sendMail", {"json": mail_to(GRACE) | {"Priority": 1}}),
        (
            400,
            "RequestBodyRead",
            "The parameter 'Priority' in the request payload is not a valid parameter for the"
            " operation 'sendMail'.",
        ),
    ),
    "a parameter that is missing": (
        ("POST", "me/sendMail", {"json": {}}),
        (
            400,
            "RequestBodyRead",
            "One or more parameters of the operation 'sendMail' are missing from the request"
            " payload. The missing parameters are: Message.",
        ),
    ),
}
BY_EXCHANGE = {
    "too many recipients": (
        {"json": mail_to(*(f"p{one}@contoso.example" for one in range(501)))},
        (
            400,
            "ErrorInvalidRecipients",
            "At least one recipient is not valid., A message can't have more than 500 recipients.",
        ),
    ),
    "a header of its own": (
        {"json": mail_to(GRACE, **{"internetMessageHeaders": [{"name": "Subject", "value": "x"}]})},
        (400, "InvalidInternetMessageHeader", HEADER),
    ),
    "no mail in the MIME": (
        {
            "data": base64.b64encode(b"Content-Type: text/plain; charset=none\n\nHi"),
            "headers": {"Content-Type": "text/plain"},
        },
        (400, "ErrorMimeContentInvalid", "The MIME content can't be read."),
    ),
}

ME = {"id": "1", "method": "GET", "url": "/me"}
NO_TYPE = "Write request id : 1 does not contain Content-Type header or body."
BATCHES = {
    "Invalid batch payload format.": None,
    "Number of batch request steps must be from 1 to 20.": [],
    "Request Id has to be unique in a batch.": [ME, ME],
    "Each request of a batch must have an id.": [ME | {"id": 1}],
    "Request 1 has no valid method.": [ME | {"method": "BREW"}],
    "Request 1 must have a url relative to the version.": [ME | {"url": "https://a.example/"}],
    NO_TYPE: [ME | {"method": "POST", "body": {}}],
    "A body that is not JSON must be base64.": [
        ME | {"method": "PUT", "body": "%", "headers": {"Content-Type": "image/png"}}
    ],
    "Request 1 depends on a request that is not in the batch.": [ME | {"dependsOn": ["2"]}],
    "The requests of this batch wait for one another.": [ME | {"dependsOn": ["1"]}],
}
INSIDE = {
    "A request this one depends on has failed.": (424, "FailedDependency"),
    "A batch can't be inside a batch.": (400, "BadRequest"),
}


@pytest.fixture
def call(sandbox, http, token_for_all):
    """Call Graph with a token that may do everything here."""
    return caller(sandbox, http, token_for_all)


@pytest.fixture
def draft(call):
    """Return the path of a draft."""
    made = call("POST", "me/messages", json=mail_to(GRACE)["message"])
    return f"me/messages/{made.json()['id']}"


@pytest.mark.parametrize("case", BY_GATEWAY)
def test_the_gateway_says(call, case):
    (method, path, *options), expected = BY_GATEWAY[case]
    assert gateway(call(method, path, **(options[0] if options else {}))) == expected


@pytest.mark.parametrize("case", BY_EXCHANGE)
def test_exchange_says(call, case):
    options, expected = BY_EXCHANGE[case]
    assert exchange(call("POST", "me/sendMail", **options)) == expected


def test_other_attachments_than_files_are_refused_by_name(call, draft):
    item = {"@odata.type": "#microsoft.graph.itemAttachment", "name": "note"}
    words = "Only attachments of the type microsoft.graph.fileAttachment are known here."
    answer = call("POST", f"{draft}/attachments", json=item)
    assert gateway(answer) == (400, "RequestBodyRead", words)


def test_an_upload_needs_its_item(call, draft):
    words = "An attachmentItem of the type file, with its size, is needed."
    answer = call("POST", f"{draft}/attachments/createUploadSession", json={"AttachmentItem": {}})
    assert gateway(answer) == (400, "RequestBodyRead", words)


@pytest.mark.parametrize("words", BATCHES)
def test_a_batch_says(call, words):
    answer = call("POST", "$batch", json={"requests": BATCHES[words]})
    assert gateway(answer) == (400, "BadRequest", words)


def test_a_batch_says_inside(call):
    first = {"id": "0", "method": "GET", "url": "/me/nothing"}
    inner = [first, ME | {"dependsOn": ["0"]}, ME | {"id": "2", "url": "/$batch"}]
    answers = call("POST", "$batch", json={"requests": inner}).json()["responses"]
    said = {one["body"]["error"]["message"]: one for one in answers}
    for words, expected in INSIDE.items():
        assert (said[words]["status"], said[words]["body"]["error"]["code"]) == expected


def test_a_sent_mail_stays_as_it_is(call):
    assert call("POST", "me/sendMail", json=mail_to("ada@contoso.example")).status_code == 202
    [sent] = call("GET", "me/mailFolders/sentitems/messages").json()["value"]
    path = f"me/messages/{sent['id']}"
    again = exchange(call("POST", f"{path}/send", data=b""))
    assert again == (400, "ErrorInvalidRequest", "The message has been sent already.")
    changed = exchange(call("PATCH", path, json={"subject": "Other"}))
    assert changed == (400, "ErrorInvalidPropertySet", "Set action is invalid for property.")
    attached = exchange(call("POST", f"{path}/attachments", json=a_file()))
    words = "Files can be attached to a draft only."
    assert attached == (400, "ErrorInvalidRequest", words)


def test_an_upload_says(call, draft, http):
    start = f"{draft}/attachments/createUploadSession"
    small = {"attachmentType": "file", "name": "f", "size": 5}
    code = "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize"
    words = "Attachment size should not be less than minimum size."
    assert exchange(call("POST", start, json={"AttachmentItem": small})) == (400, code, words)
    item = small | {"size": 3_500_000}
    address = call("POST", start, json={"AttachmentItem": item}).json()["uploadUrl"]
    late = http.put(address, b"x", headers={"Content-Range": "bytes 1-1/3500000"})
    words = "The next range starts at 0 of 3500000 bytes."
    assert exchange(late) == (416, "ErrorInvalidRange", words)
    cut = exchange(http.get(address.partition("?")[0]))
    assert cut == (401, "InvalidAuthenticationToken", "The address is not complete.")
    assert http.delete(address).status_code == 204
    gone = exchange(http.get(address))
    assert gone == (404, "ErrorItemNotFound", "The upload session was not found.")


def test_a_post_without_a_length_says(sandbox, token_for_all, draft):
    lines = ("Host: localhost", f"Authorization: Bearer {token_for_all}")
    answer = raw.send(sandbox, raw.head("POST", f"/v1.0/{draft}/send", *lines))
    assert b'"code":"LengthRequired","message":"Content-Length required."' in answer


def a_file():
    content = base64.b64encode(b"x").decode()
    return {"@odata.type": FILE, "name": "f", "contentBytes": content}
