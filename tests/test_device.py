"""Signing in by a code that the person types on another page."""

import threading
import time
from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest

from graphhelpers import (
    CallbackError,
    NoAnswer,
    RegistrationError,
    SignInRefused,
    SignInTimeout,
    TokenInvalid,
    TokenRefused,
    start_device_sign_in,
    verify_id_token,
    whoami,
    wire_log,
)

from .issued import jwt_of
from .kit import app_at, app_of, as_json, bend, control, type_code
from .trap import Trap, answer, reset

STARTED = {
    "user_code": "ABCD-EFGH",
    "device_code": "canary~device",
    "verification_uri": "https://login.example/device",
    "expires_in": 900,
    "interval": 0.05,
}
TOKEN = as_json({"token_type": "Bearer", "access_token": "canary~access", "scope": "User.Read"})


def no(error: str, **more: str) -> bytes:
    return as_json({"error": error, **more}, "400 Bad Request")


PENDING = no("authorization_pending")


def started(**changes) -> bytes:
    members = {**STARTED, **changes}
    return as_json({name: value for name, value in members.items() if value is not None})


def polls(trap: Trap) -> list[dict[str, list[str]]]:
    return [parse_qs(one.partition(b"\r\n\r\n")[2].decode()) for one in trap.requests[1:]]


def test_a_person_types_the_code_and_the_app_has_a_verified_token(app):
    device = start_device_sign_in(app)
    threading.Timer(0.1, type_code, (device.verification_uri, device.user_code)).start()
    token = device.wait(20)
    assert verify_id_token(app, device, token)["aud"] == app.client_id
    assert whoami(app, token)["userPrincipalName"] and not token.not_granted
    assert device.wait(0) is token  # a cell run again
    secrets = (token.access_token, token.id_token, token.refresh_token, app.client_secret)
    log = "".join(one.http for one in wire_log)
    assert not any(secret in log for secret in secrets)
    assert "device_code=‹secret" in log


def test_it_shows_itself_as_text_and_as_a_link():
    with Trap(started()) as trap:
        device = start_device_sign_in(app_at(trap))
    until_then = f"{device.expires_at:%H:%M:%S} UTC"
    assert 890 < (device.expires_at - datetime.now(UTC)).total_seconds() <= 900
    assert repr(device) == f"Type ABCD-EFGH at https://login.example/device, until {until_then}"
    page = device._repr_html_()
    assert '<a href="https://login.example/device"' in page and "<code>ABCD-EFGH</code>" in page
    assert "canary" not in page + repr(device) + repr(vars(device))


@pytest.mark.case("F197", "F195")
@pytest.mark.parametrize(
    ("page", "link"),
    [
        ("https://login.example/", True),
        ("http://localhost:1/devicelogin", True),
        ("http://login.example/", False),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("http://localhost:1@evil.example/", False),
        ('https://x/"onclick="alert(1)', True),
        ("<script>alert(1)</script>", False),
    ],
)
def test_only_https_and_loopback_become_a_link_and_nothing_becomes_a_tag(page, link):
    with Trap(started(verification_uri=page, user_code="<b>")) as trap:
        shown = start_device_sign_in(app_at(trap))._repr_html_()
    assert ("<a href" in shown) == link
    assert "<script" not in shown and '"onclick' not in shown and "<code>&lt;b&gt;</code>" in shown


def test_it_asks_at_the_given_interval_and_slower_when_told_to():
    with Trap(started(interval=0.3), PENDING, PENDING, no("slow_down"), TOKEN) as trap:
        began = time.monotonic()
        device = start_device_sign_in(app_at(trap), scopes=("User.Read",))
        with pytest.raises(SignInTimeout, match="ABCD-EFGH.*within 2 s"):
            device.wait(2)
        assert len(polls(trap)) == 3 and 1.9 < time.monotonic() - began < 3
        assert device.wait(10).access_token == "canary~access"
        assert time.monotonic() - began > 0.9 + 5.3
    sent = polls(trap)[-1]
    assert sent["grant_type"] == ["urn:ietf:params:oauth:grant-type:device_code"]
    assert sent["device_code"] == ["canary~device"] and sent["client_secret"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("access_denied", SignInRefused),
        ("authorization_declined", SignInRefused),
        ("expired_token", SignInTimeout),
        ("bad_verification_code", TokenRefused),
        ("invalid_grant", TokenRefused),
        ("invalid_client", TokenRefused),
        ("never_heard_of", TokenRefused),
    ],
)
def test_each_end_that_the_service_names_is_told(error, kind):
    with Trap(started(), PENDING, no(error, error_description="AADSTS1: <b>No.</b>")) as trap:
        with pytest.raises(kind) as caught:
            start_device_sign_in(app_at(trap)).wait(10)
    assert type(caught.value) is kind and len(str(caught.value).splitlines()) == 3
    assert "canary" not in str(caught.value)
    if kind is not SignInTimeout:
        assert caught.value.error == error and caught.value.why == "AADSTS1: <b>No.</b>"


def test_a_person_who_declines_at_the_sandbox_ends_the_wait(app):
    device = start_device_sign_in(app)
    type_code(device.verification_uri, device.user_code, consent="cancel")
    with pytest.raises(SignInRefused, match="authorization_declined") as caught:
        device.wait(20)
    assert caught.value.error_codes == [65004]


def test_a_code_that_expires_at_the_sandbox_ends_the_wait(app, sandbox):
    device = start_device_sign_in(app)
    control(sandbox, "POST", "clock", advance_s=1000)
    with pytest.raises(SignInTimeout, match="has expired"):
        device.wait(20)


def test_its_own_clock_ends_the_wait_when_nobody_agreed():
    with Trap(started(expires_in=0.3), PENDING) as trap:
        device = start_device_sign_in(app_at(trap))
        began = time.monotonic()
        with pytest.raises(SignInTimeout, match="ABCD-EFGH has expired") as caught:
            device.wait()
        assert time.monotonic() - began < 2 and "https://login.example/device" in caught.value.why
        asked = len(trap.requests)
        with pytest.raises(SignInTimeout):
            device.wait()
        assert len(trap.requests) == asked


@pytest.mark.parametrize(
    "trouble",
    [
        reset,
        answer(b"<html>Log in to the hotel's network</html>", "200 OK", "Content-Type: text/html"),
        answer(b"", "502 Bad Gateway"),
        as_json({"error": "temporarily_unavailable"}, "503 Service Unavailable"),
        as_json({"error": "server_error"}, "500 Internal Server Error"),
    ],
)
def test_trouble_of_the_network_makes_it_slower_and_no_more(trouble):
    with Trap(started(), trouble, trouble, trouble, TOKEN) as trap:
        began = time.monotonic()
        assert start_device_sign_in(app_at(trap)).wait(10).access_token == "canary~access"
        assert 0.05 + 0.1 + 0.2 + 0.4 < time.monotonic() - began < 5


def test_a_time_out_tells_of_the_trouble():
    with Trap(started(), reset) as trap:
        with pytest.raises(SignInTimeout, match="when last asked: No answer from 127.0.0.1"):
            start_device_sign_in(app_at(trap)).wait(0.5)


def test_stop_ends_the_wait_in_another_thread_and_for_good():
    with Trap(started(interval=60)) as trap:
        device = start_device_sign_in(app_at(trap))
        ended = []

        def wait() -> None:
            try:
                device.wait()
            except CallbackError as error:
                ended.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        device.stop()
        device.stop()
        waiting.join(1)
        assert not waiting.is_alive() and "stopped" in ended[0].why
        with pytest.raises(CallbackError):
            device.wait()
    assert not polls(trap)


def test_two_waits_ask_as_often_as_one_and_share_the_token():
    with Trap(started(interval=0.2), PENDING, TOKEN) as trap:
        device, tokens = start_device_sign_in(app_at(trap)), []
        threads = [threading.Thread(target=lambda: tokens.append(device.wait())) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(polls(trap)) == 2 and tokens[0] is tokens[1]


@pytest.mark.parametrize("name", ["user_code", "verification_uri", "device_code"])
@pytest.mark.parametrize("value", [None, "", 7, "a\nb", "x\u202ey", ["a"]])
def test_an_answer_without_what_has_to_be_shown_is_refused(name, value):
    with Trap(started(**{name: value})) as trap, pytest.raises(TokenInvalid):
        start_device_sign_in(app_at(trap))


@pytest.mark.parametrize("odd", [None, -1, "soon", True, [], 1e300])
def test_an_interval_or_a_life_span_one_cannot_believe_is_the_rfcs(odd):
    with Trap(started(interval=odd, expires_in=odd)) as trap:
        device = start_device_sign_in(app_at(trap))
    left_s = (device.expires_at - datetime.now(UTC)).total_seconds()
    assert left_s > 890 or odd is True


def test_a_token_that_cannot_be_used_ends_the_wait():
    odd = as_json({"token_type": "mac", "access_token": "canary~access"})
    with Trap(started(), odd) as trap, pytest.raises(TokenInvalid, match="can't be used"):
        start_device_sign_in(app_at(trap)).wait(5)


def test_an_id_token_with_a_nonce_is_none_of_a_devices(app):
    unsigned = jwt_of({"alg": "none"}, {})
    with Trap(
        started(), as_json({"token_type": "Bearer", "access_token": "x", "id_token": unsigned})
    ) as trap:
        other = app_at(trap)
        device = start_device_sign_in(other)
        with pytest.raises(TokenInvalid, match="does not verify"):
            verify_id_token(other, device, device.wait(5))


def test_the_start_says_why_there_is_no_code(app, sandbox):
    with pytest.raises(RegistrationError, match="scopes"):
        start_device_sign_in(app, scopes="Mail.Send, User.Read")
    with pytest.raises(RegistrationError, match="not a Registration"):
        start_device_sign_in("app")
    bend(sandbox, "/{tenant}/oauth2/v2.0/devicecode", status=503)
    with pytest.raises((TokenRefused, TokenInvalid)):
        start_device_sign_in(app)
    unknown = app_of(sandbox, client_id="99999999-bbbb-3333-cccc-4444dddd5555")
    with pytest.raises(TokenRefused, match="700016|unauthorized_client"):
        start_device_sign_in(unknown)
    with Trap(reset) as trap, pytest.raises(NoAnswer):
        start_device_sign_in(app_at(trap))
