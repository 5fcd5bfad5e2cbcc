"""What a body may hold: the types of Graph's metadata (entra-and-graph.md 7.5, 8)."""

import pytest

from tests.sandbox.graph import FILE, GRACE, caller, gateway

UNREADABLE = (
    "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is"
    " of valid JSON format."
)


def unknown(name, kind):
    """Return what is said to a property that its type doesn't have."""
    return (
        f"The property '{name}' does not exist on type 'microsoft.graph.{kind}'. Make sure to only"
        " use property names that are defined by the type or mark the type as open type."
    )


def node(found, expected):
    """Return what is said where JSON has another shape than the type."""
    return (
        f"An unexpected '{found}' node was found when reading from the JSON reader."
        f" A '{expected}' node was expected."
    )


def literal(value, kind):
    """Return what is said to a value of another type."""
    return f"Cannot convert the literal '{value}' to the expected type '{kind}'."


@pytest.fixture
def call(sandbox, http, token_for_all):
    """Call Graph with a token that may do everything here."""
    return caller(sandbox, http, token_for_all)


@pytest.fixture
def accepted(sandbox, http):
    """Return every mail the sandbox took."""
    return lambda: http.get(f"{sandbox.authority}/_control/mailbox").json()


ADDRESS = {"address": GRACE}


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"subjekt": "x"}, unknown("subjekt", "message")),
        ({"SubJect": "x"}, unknown("SubJect", "message")),
        ({"body": {"text": "x"}}, unknown("text", "itemBody")),
        ({"toRecipients": [ADDRESS]}, unknown("address", "recipient")),
        ({"toRecipients": [{"emailAddress": {"mail": GRACE}}]}, unknown("mail", "emailAddress")),
        ({"from": {"emailAdress": ADDRESS}}, unknown("emailAdress", "recipient")),
        ({"replyTo": [{"EmailAddress": {"Adress": ""}}]}, unknown("Adress", "emailAddress")),
        ({"flag": {"status": "flagged"}}, unknown("status", "followupFlag")),
        ({"flag": {"dueDateTime": {"date": "x"}}}, unknown("date", "dateTimeTimeZone")),
        ({"internetMessageHeaders": [{"key": "x"}]}, unknown("key", "internetMessageHeader")),
        ({"attachments": [{"@odata.type": FILE, "data": "x"}]}, unknown("data", "fileAttachment")),
        ({"odata.type": "x"}, "The annotation 'odata.type' was found. This annotation is either"
         " not recognized or not expected at the current position."),
        ({"attachments": [{"odata.type": FILE}]}, "Cannot create an abstract class."),  # U, so on
        ({"attachments": [None]}, node("PrimitiveValue", "StartObject")),
        ({"subject": 5}, literal("5", "Edm.String")),
        ({"subject": {}}, node("StartObject", "PrimitiveValue")),
        ({"body": "x"}, node("PrimitiveValue", "StartObject")),
        ({"body": {"contentType": "markdown"}}, literal("markdown", "microsoft.graph.bodyType")),
        ({"toRecipients": GRACE}, node("PrimitiveValue", "StartArray")),
        ({"toRecipients": {"emailAddress": ADDRESS}}, node("StartObject", "StartArray")),
        ({"toRecipients": [GRACE]}, node("PrimitiveValue", "StartObject")),
        ({"toRecipients": [{"emailAddress": GRACE}]}, node("PrimitiveValue", "StartObject")),
        ({"importance": "urgent"}, literal("urgent", "microsoft.graph.importance")),
        ({"isReadReceiptRequested": "perhaps"}, literal("perhaps", "Edm.Boolean")),
        ({"isRead": []}, node("StartArray", "PrimitiveValue")),
        ({"categories": "a"}, node("PrimitiveValue", "StartArray")),
        ({"flag": {"flagStatus": "red"}}, literal("red", "microsoft.graph.followupFlagStatus")),
        ({"attachments": [{"@odata.type": FILE, "contentBytes": "%"}]}, literal("%", "Edm.Binary")),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_types_is_400(call, accepted, message, words):
    expected = (400, "RequestBodyRead", words)
    assert gateway(call("POST", "me/sendMail", json={"message": message})) == expected
    assert gateway(call("POST", "me/messages", json=message)) == expected
    assert accepted() == []


JSON = "application/json"


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code", "words"),
    [
        (b"", JSON, 400, "BadRequest", "Empty Payload. JSON content expected."),
        (b"{", JSON, 400, "BadRequest", UNREADABLE),
        (b"{'message': {}}", JSON, 400, "BadRequest", UNREADABLE),  # taken in 2015; today U
        (b"{}", None, 400, "BadRequest", UNREADABLE),
        (b"[" * 100_000, JSON, 400, "BadRequest", UNREADABLE),
        (b'{"message": {"subject": "\\ud800"}}', JSON, 400, "BadRequest", UNREADABLE),
        (b"\xff\xfe", JSON, 400, "BadRequest", UNREADABLE),
        (b"a=b", "application/x-www-form-urlencoded", 415, "RequestBodyRead",
         "A supported MIME type could not be found that matches the content type of the response."
         " None of the supported type(s) 'Microsoft.OData.ODataMediaType' matches the content type"
         " 'application/x-www-form-urlencoded'."),
    ],
)  # fmt: skip
def test_a_body_that_cannot_be_read_is_refused(call, body, content_type, status, code, words):
    headers = {"Content-Type": content_type} if content_type else {}
    for path in ("me/sendMail", "me/messages"):
        answer = call("POST", path, data=body, headers=headers)
        assert gateway(answer) == (status, code, words)
