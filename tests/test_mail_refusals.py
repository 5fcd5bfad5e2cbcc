"""Graph's no: what is said of it, and that nothing was sent."""

import pytest

from graphhelpers import GraphError, refresh, send_mail, wire_log

from .issued import trap_token
from .kit import app_at, as_json, asked, bend, control, mails, signed_in
from .letters import SEND, hello
from .trap import Trap, answer


def refused(app, sandbox, token, message, status: int) -> GraphError:
    with pytest.raises(GraphError, match=str(status)) as caught:
        send_mail(app, token, message)
    error = caught.value
    assert (error.status, error.outcome) == (status, "not sent")
    assert error.request_id and error.request_id in str(error) and len(error.fix) > 20
    assert asked(sandbox, SEND) == 1 and mails(sandbox) == []
    return error


def test_an_expired_token_is_not_sent_with(app, sandbox):
    token = signed_in(app)
    control(sandbox, "POST", "clock", advance_s=4000)
    message = hello()
    error = refused(app, sandbox, token, message, 401)
    assert error.code == "InvalidAuthenticationToken" and "refresh(app, token)" in error.fix
    assert send_mail(app, refresh(app, token), message).outcome == "sent"


@pytest.mark.case("N65")
def test_a_missing_permission_is_named(app, sandbox):
    error = refused(app, sandbox, signed_in(app, "openid", "User.Read"), hello(), 403)
    assert error.code == "ErrorAccessDenied" and "Mail.Send" in error.fix


def test_a_token_that_is_none_is_refused(app, sandbox):
    refused(app, sandbox, trap_token(), hello(), 401)


def test_the_wire_log_shows_graphs_word_for_it_and_no_token(app, sandbox):
    refused(app, sandbox, trap_token(), hello(), 401)
    assert wire_log[-1].received["error"]["code"] == "InvalidAuthenticationToken"
    assert "canary" not in str([vars(exchange) for exchange in wire_log])


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 413, 422])
def test_a_no_is_not_sent_and_may_be_tried_again(app, sandbox, token, status):
    bend(sandbox, SEND, status=status)
    message = hello()
    refused(app, sandbox, token, message, status)
    assert send_mail(app, token, message).outcome == "sent"


@pytest.mark.parametrize(
    ("status", "code", "message", "cure"),
    [
        (
            "400 Bad Request",
            "ErrorInvalidRecipients",
            'Recipient "a@b" is not resolved.',
            "name@domain",
        ),
        (
            "404 Not Found",
            "MailboxNotEnabledForRESTAPI",
            "REST API is not yet supported",
            "Outlook",
        ),
        ("403 Forbidden", "ErrorSendAsDenied", "does not have the right", "Send As"),
        ("413 Payload Too Large", "RequestEntityTooLarge", "4MB", "3 MB"),
        ("403 Forbidden", "never heard of", "", "scope"),
    ],
)
def test_graphs_words_are_kept_and_the_cure_is_added(status, code, message, cure):
    inner = {"request-id": "0b1c"}
    error = {"error": {"code": code, "message": message, "innerError": inner}}
    with Trap(as_json(error, status)) as trap, pytest.raises(GraphError, match=code) as caught:
        send_mail(app_at(trap), trap_token(), hello())
    assert message in caught.value.why and cure in caught.value.fix
    assert caught.value.request_id == "0b1c"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html><script>alert(1)</script>", b"null", b"[]", b'"x"', b'{"error": "x"}',
        b'{"error": {"code": {"a": 1}, "message": ["<b>"], "innerError": 7}}', b"\xff\xfe",
        b'{"error": {"message": "' + b"x" * 100_000 + b'"}}', b"[" * 200_000,
    ],
)  # fmt: skip
def test_an_error_in_any_form_is_told_by_its_status(body):
    with Trap(answer(body, "403 Forbidden")) as trap, pytest.raises(GraphError) as caught:
        send_mail(app_at(trap), trap_token(), hello())
    assert (caught.value.status, caught.value.outcome) == (403, "not sent")
    assert len(str(caught.value)) < 5_000
