"""What the listener takes for this attempt's answer, and what not."""

from urllib.parse import urlencode

import pytest
import requests

from graphhelpers import (
    CallbackError,
    CallbackServer,
    Registration,
    SignInRefused,
    SignInTimeout,
    start_sign_in,
    wire_log,
)
from tests.kit import free_port

from .listening import CODE, browse, good, still_waits


@pytest.mark.case("F016", "F018")
def test_the_code_comes_out_and_the_page_sends_back_to_the_notebook(server, attempt):
    page = browse(good(server, attempt, session_state="x", client_info="y"))
    assert page.status_code == 200 and "go back to the notebook" in page.text
    assert server.wait(5) == CODE
    assert CODE not in repr(server.wait(5)) and CODE not in page.text


@pytest.mark.case("F040")
def test_form_post_is_taken_like_a_query(server, attempt):
    form = {"code": CODE, "state": attempt.state}
    assert requests.post(server.url, data=form, timeout=5).status_code == 200
    assert server.wait(1) == CODE


@pytest.mark.case("F012", "F014", "F015", "N19")
def test_a_refusal_with_the_right_state_ends_the_wait(server, attempt):
    said = "AADSTS65004: <script>User declined</script> to consent.\r\nTrace ID: 1"
    refusal = {"error": "access_denied", "error_description": said, "error_uri": "javascript:x"}
    page = browse(f"{server.url}?{urlencode(refusal | {'state': attempt.state})}")
    assert page.status_code == 400
    assert "<script>" not in page.text and "javascript:" not in page.text
    with pytest.raises(SignInRefused) as caught:
        server.wait(5)
    assert caught.value.error == "access_denied" and caught.value.error_codes == [65004]
    assert "Accept" in caught.value.fix


@pytest.mark.case("F012")
def test_cancel_has_no_description_and_is_told_all_the_same(server, attempt):
    browse(f"{server.url}?error=access_denied&error_subcode=cancel&state={attempt.state}")
    with pytest.raises(SignInRefused, match="access_denied") as caught:
        server.wait(5)
    assert caught.value.error_description == "" and len(caught.value.why) > 20


@pytest.mark.case(
    "F006",
    "F007",
    "F009",
    "F010",
    "F011",
    "F013",
    "F017",
    "F021",
    "F022",
    "F023",
    "F038",
    "N01",
    "N17",
    "N31",
)
@pytest.mark.parametrize(
    "fields",
    [
        "code=x",
        "code=x&state=",
        "code=x&state=stranger",
        "error=access_denied",
        "error=access_denied&state=stranger",
        "state={state}",
        "code=&state={state}",
        "code=x&code=y&state={state}",
        "code=x&state={state}&state={state}",
        "code=%ff%fe&state={state}",
        "code=a%0d%0ab&state={state}",
        "code=%00&state={state}",
        "code=x&state={state}&iss=https://evil.example/v2.0",
        "code=x&state={state}" + "&a=1" * 10_000,
        "",
    ],
)
def test_what_is_not_this_attempts_answer_is_refused_and_the_wait_goes_on(server, attempt, fields):
    assert browse(f"{server.url}?{fields.format(state=attempt.state)}").status_code == 400
    still_waits(server, attempt)


@pytest.mark.case("F018", "N33")
def test_the_right_issuer_is_taken(server, attempt):
    issuer = "https://login.microsoftonline.com/11112222-bbbb-3333-cccc-4444dddd5555/v2.0"
    assert browse(good(server, attempt, iss=issuer)).status_code == 200


@pytest.mark.case("F041", "N39")
def test_after_the_answer_no_other_is_admitted(server, attempt):
    browse(good(server, attempt))
    again = browse(good(server, attempt, code="another"))
    assert again.status_code == 409 and "already received" in again.text
    assert server.wait(0) == CODE


@pytest.mark.case("F008", "F041")
def test_the_state_is_spent_even_when_the_listener_starts_again(app, attempt):
    server = CallbackServer(app, attempt).start()
    browse(good(server, attempt))
    server.stop()
    with server:
        assert browse(good(server, attempt)).status_code == 409
        assert server.wait(0) == CODE


@pytest.mark.case("F070", "F071")
def test_a_pasted_address_passes_the_same_checks(app, attempt):
    server = CallbackServer(app, attempt)  # it needs no listener
    for wrong in (
        CODE,
        "https://login.microsoftonline.com/common/oauth2/v2.0/authorize?code=x",
        good(server, attempt).replace(attempt.state, "stranger"),
        good(server, attempt).replace("/get_token/", "/get_token"),
        good(server, attempt).replace("state=", "state=\n"),
        "",
    ):
        with pytest.raises(CallbackError, match="pasted text"):
            server.accept(wrong)
    assert server.accept(f"  {good(server, attempt)}#\n") == CODE
    with pytest.raises(CallbackError, match="already received"):
        server.accept(good(server, attempt))


@pytest.mark.case("F070")
def test_an_address_may_be_pasted_after_the_wait_was_given_up(app, attempt):
    with CallbackServer(app, attempt) as server, pytest.raises(SignInTimeout):
        server.wait(0.05)
    assert server.accept(good(server, attempt)) == CODE
    assert server.wait(0) == CODE


def test_a_pasted_refusal_is_a_refusal(app, attempt):
    with pytest.raises(SignInRefused, match="access_denied"):
        CallbackServer(app, attempt).accept(
            f"{app.redirect_uri}?error=access_denied&state={attempt.state}"
        )


def test_a_path_less_redirect_uri_comes_back_with_a_slash():
    uri = f"http://localhost:{free_port()}"
    app = Registration("11112222-bbbb-3333-cccc-4444dddd5555", redirect_uri=uri)
    attempt = start_sign_in(app)
    with CallbackServer(app, attempt) as server:
        assert browse(f"{uri}/?code=a&state={attempt.state}").status_code == 200
        assert server.wait(1) == "a"


@pytest.mark.case("F052")
def test_the_callback_is_in_the_wire_log_without_its_code(server, attempt):
    wire_log.clear()
    browse(good(server, attempt))
    assert [str(e) for e in wire_log] == ["browser -> notebook: GET /connect/get_token/ -> 200"]
    assert CODE not in str(wire_log[0].sent) and wire_log[0].sent["state"] == attempt.state
