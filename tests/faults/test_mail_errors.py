"""Graph's no to a mail, in whatever form it comes: what is said of it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphhelpers import GraphError, send_mail, whoami
from graphhelpers.display import escaped
from tests.issued import trap_token
from tests.kit import app_at, as_json, signed_in
from tests.letters import ADA, hello, sent_to
from tests.trap import Trap, answer

# --- A clear no


@pytest.mark.case("F131", "F170")
def test_a_403_of_any_form_names_the_scope_and_sends_nothing():
    for body in (b"", b"<html>", b'{"error": {"code": "ErrorAccessDenied", "message": "No."}}'):
        error, again, requests = sent_to(answer(body, "403 Forbidden"))
        assert (error.status, error.outcome, requests) == (403, "not sent", 2)
        assert "Mail.Send" in error.fix and "Sign in again" in error.fix and again is not error


@pytest.mark.case("F131")
def test_whoami_without_its_scope_names_user_read(app):
    with pytest.raises(GraphError, match="403") as caught:
        whoami(app, signed_in(app, "Mail.Send"))
    assert "User.Read" in caught.value.fix and caught.value.outcome is None


@pytest.mark.case("F131", "F170")
def test_a_401_of_any_form_names_the_line_that_refreshes_and_refreshes_nothing():
    for body in (b"", b"<html>", b'{"error": {"code": "InvalidAuthenticationToken"}}'):
        error, _, requests = sent_to(answer(body, "401 Unauthorized"))
        assert "token = refresh(app, token)" in error.fix and requests == 2
        assert error.outcome == "not sent"


@pytest.mark.case("F132")
def test_the_addresses_that_graph_rejects_are_named():
    said = f'One recipient is not valid., Recipient "{ADA}" is not resolved.'
    told = {"error": {"code": "ErrorInvalidRecipients", "message": said}}
    error, _, _ = sent_to(as_json(told, "400 Bad Request"))
    assert ADA in error.why and "name@domain" in error.fix and error.outcome == "not sent"


@pytest.mark.case("F133")
def test_a_404_says_that_the_account_has_no_mailbox():
    for code in ("MailboxNotEnabledForRESTAPI", "ErrorNonExistentMailbox", "ResourceNotFound", ""):
        error, _, _ = sent_to(as_json({"error": {"code": code}}, "404 Not Found"))
        assert "mailbox" in error.why and "account" in error.fix and error.outcome == "not sent"


@pytest.mark.case("F134", "N57")
def test_a_413_says_what_to_leave_out():
    for code in ("RequestEntityTooLarge", "ErrorMessageSizeExceeded", "x"):
        script = as_json({"error": {"code": code}}, "413 Too Large", "Retry-After: 1")
        error, _, requests = sent_to(script)
        assert error.outcome == "not sent" and requests == 2  # one request a call: no waiting
        assert "larger" in error.why and ("3 MB" in error.fix or "Send less" in error.fix)


# --- Error bodies of every shape


BODIES = [
    b"", b"<html><script>alert(1)</script>", b"null", b"[]", b'"x"', b"7", b"\xff\xfe",
    b'{"error": "x"}', b'{"error": []}', b'{"error": {"code": {"a": 1}, "message": ["b"]}}',
    b'{"error": {"code": 7, "message": null, "innerError": "x"}}', b"[" * 100_000, b'{"error":',
    b'{"error": {"message": "' + b"x" * 100_000 + b'"}}',
    b'{"error": {"code": "' + b"x" * 100_000 + b'", "message": "y"}}',
]  # fmt: skip


@pytest.mark.case("F170", "F171")
def test_an_error_of_any_form_is_told_by_its_status_with_its_request_id():
    for body in BODIES:
        error, _, _ = sent_to(answer(body, "400 Bad Request", "request-id: 0b1c-22"))
        assert (error.status, error.outcome, error.request_id) == (400, "not sent", "0b1c-22")
        assert "400" in error.what and "request-id 0b1c-22" in error.why
        assert len(str(error)) < 5_000
        assert not any(part in str(error) for part in ("script", "{", "['"))


@pytest.mark.case("F171")
def test_html_in_an_error_is_shown_and_does_not_run():
    message = f'<img src=x onerror=alert(1)> "{ADA}" \u202e\x1b[2J'
    told = {"error": {"code": "<b>x</b>", "message": message, "innerError": {"request-id": "7"}}}
    error, _, _ = sent_to(as_json(told, "400 Bad Request"))
    html = escaped(error)  # as the forms show it
    assert "<img" not in html and "<b>" not in html and "&lt;img" in html and ADA in html
    assert "\u202e" not in str(error) and "\x1b" not in str(error) and error.request_id == "7"


SCALAR = st.none() | st.booleans() | st.integers() | st.text(max_size=9)
PART = SCALAR | st.lists(SCALAR, max_size=2) | st.dictionaries(st.text(max_size=3), SCALAR)
ERROR = st.dictionaries(st.sampled_from(["code", "message", "innerError"]), PART)
BODY = st.fixed_dictionaries({"error": PART | ERROR}) | PART


@pytest.mark.hypothesis
@pytest.mark.case("F170", "F171")
def test_whatever_the_body_the_error_is_typed_and_says_what_became_of_the_mail():
    with Trap(b"") as trap:
        app, token = app_at(trap), trap_token()

        @given(
            st.sampled_from([400, 401, 403, 404, 409, 413, 422, 500, 503]),
            st.binary(max_size=60) | BODY.map(lambda value: json.dumps(value).encode()),
        )
        def holds(status, body):
            trap.script = [answer(body, f"{status} No", "request-id: 0b1c")]
            with pytest.raises(GraphError) as caught:
                send_mail(app, token, hello())
            error = caught.value
            assert error.status == status and isinstance(error.code, str) and error.code
            assert error.outcome == ("not sent" if status < 500 else "unknown")
            assert "0b1c" in error.why and len(str(error)) < 5_000 and error.fix

        holds()
