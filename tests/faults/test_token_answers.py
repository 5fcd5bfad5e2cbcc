"""Answers of a token endpoint that no honest service would send, and what becomes of them."""

import json
import math
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphhelpers import (
    NoAnswer,
    Secret,
    TokenInvalid,
    TokenRefused,
    exchange_code,
    refresh,
    start_sign_in,
    wire,
)
from graphhelpers.tokens import LONGEST_LIFE_S, SHORT_LIFE_S
from tests.issued import GOOD, TOKEN_V2, exchange_at, fails_once, html
from tests.kit import app_at, as_json, asked, bend, code_of
from tests.trap import Trap, answer, drip, reset


@pytest.mark.case("F072", "F073", "F074", "F075", "F076", "F117")
@pytest.mark.parametrize(
    "said",
    [
        pytest.param(html(), id="a captive portal"),
        pytest.param(html("502 Bad Gateway"), id="a gateway without its service"),
        pytest.param(html("503 Service Unavailable"), id="a service that is closed"),
        pytest.param(answer(b""), id="nothing"),
        pytest.param(answer(b"", "204 No Content"), id="no content"),
        pytest.param(answer(b'{"token_type": "Bearer", "acc'), id="half a JSON"),
        pytest.param(as_json([GOOD]), id="a list"),
        pytest.param(as_json("canary~access"), id="a string"),
        pytest.param(as_json(7), id="a number"),
        pytest.param(as_json(None), id="null"),
        pytest.param(as_json({}), id="an empty object"),
        pytest.param(as_json({"token_type": "Bearer"}), id="no token and no error"),
        pytest.param(answer(b"[" * 200_000), id="JSON that never closes"),
        pytest.param(answer(b'{"access_token": NaN, "token_type": "Bearer"}'), id="NaN"),
        pytest.param(answer(b'{"access_token": "\xff"}'), id="invalid UTF-8"),
        pytest.param(as_json({"message": "no such route"}, "404 Not Found"), id="another API"),
    ],
)
def test_an_answer_that_is_not_the_services_says_so_and_is_not_dumped(said):
    error = fails_once(said)
    assert isinstance(error, TokenInvalid) and "did not come from the sign-in service" in error.what
    assert "Hotel" not in str(error) and "sign in again" in error.fix


SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)
PART = SCALAR | st.lists(SCALAR, max_size=2) | st.dictionaries(st.text(max_size=3), SCALAR)
BODY = (
    st.dictionaries(st.sampled_from([*GOOD, "id_token", "refresh_token", "error"]), PART)
    | st.dictionaries(st.sampled_from([*GOOD, "id_token"]), PART).map(lambda odd: GOOD | odd)
    | PART
)


@pytest.mark.hypothesis
@pytest.mark.case("F072", "F088", "F089", "F090", "N13")
def test_whatever_is_answered_it_is_a_token_that_can_be_used_or_a_typed_error():
    with Trap(b"") as trap:

        @given(st.sampled_from([200, 200, 400]), st.binary(max_size=40) | BODY.map(json.dumps))
        def holds(status, body):
            content = body.encode() if isinstance(body, str) else body
            trap.script = [answer(content, f"{status} Odd")]
            asked_at = datetime.now(UTC)
            try:
                token = exchange_at(trap)
            except (TokenInvalid, TokenRefused) as error:
                assert error.what and error.why and error.fix and len(str(error)) < 5_000
            else:
                given = json.loads(content)
                assert status == 200 and "error" not in given
                assert given["token_type"].lower() == "bearer"
                assert token.access_token == given["access_token"] == token.raw["access_token"]
                assert token.refresh_token == (given.get("refresh_token") or None)
                # A life of less than the time it takes to look is over, and none all the same.
                latest = datetime.now(UTC) + timedelta(seconds=LONGEST_LIFE_S)
                assert asked_at < token.expires_at <= latest

        holds()


@pytest.mark.case("F088", "F089", "F090", "N13", "N10")
@pytest.mark.parametrize(
    "odd",
    [
        {"token_type": None},
        {"token_type": ...},
        {"token_type": "mac"},
        {"token_type": "pop"},
        {"token_type": ["Bearer"]},
        {"access_token": None},
        {"access_token": ""},
        {"access_token": ["canary~access"]},
        {"access_token": {"canary": 1}},
        {"access_token": 7},
        {"access_token": "canary\r\nX-Injected: 1"},
        {"access_token": "canary access"},
        {"access_token": "canary~äccess"},
        {"access_token": "canary\x00"},
        {"refresh_token": ["canary"]},
        {"refresh_token": "canary\n"},
        {"refresh_token": ""},
        {"id_token": {"canary": 1}},
        {"id_token": "canary\r\n"},
    ],
)
def test_an_answer_that_cannot_be_used_says_what_is_wrong_with_it(odd):
    said = {name: value for name, value in (GOOD | odd).items() if value is not ...}
    error = fails_once(as_json(said))
    assert isinstance(error, TokenInvalid) and "can't be used" in error.what
    assert next(iter(odd)) in error.why


@pytest.mark.case("F078", "F086", "N11")
@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"error": "invalid_grant"}, "400 Bad Request"),
        ({"error": "invalid_grant"}, "200 OK"),
        (GOOD | {"error": "invalid_grant"}, "200 OK"),
        (GOOD, "400 Bad Request"),
        ({"error": {"code": "x"}}, "400 Bad Request"),
        ({"error": 7, "error_description": ["a"], "error_codes": "x"}, "400 Bad Request"),
        ({"error": None}, "400 Bad Request"),
        ({"error": "x", "error_description": "y" * 100_000}, "400 Bad Request"),
        ({"error": "<script>", "error_description": "\u202e<b>\x1b[31m"}, "401 Unauthorized"),
    ],
)
def test_a_no_in_any_form_is_a_refusal(said, status):
    error = fails_once(as_json(said, status))
    assert isinstance(error, TokenRefused)
    assert "\x1b" not in str(error)


@pytest.mark.case("F083", "N60")
@pytest.mark.parametrize(
    "error",
    "unauthorized_client invalid_scope interaction_required consent_required"
    " temporarily_unavailable invalid_resource never_heard_of".split(),
)
def test_each_oauth_error_has_its_own_text_and_cure(error):
    said = fails_once(as_json({"error": error}, "400 Bad Request"))
    others = fails_once(as_json({"error": "invalid_grant"}, "400 Bad Request"))
    assert error in said.what
    assert said.why != others.why and said.fix != others.fix


@pytest.mark.case("F087", "N10")
@pytest.mark.parametrize("kind", ["bearer", "BEARER", "Bearer"])
def test_the_token_type_is_read_in_any_letter_case(kind):
    with Trap(as_json(GOOD | {"token_type": kind})) as trap:
        assert exchange_at(trap).access_token == "canary~access"


@pytest.mark.case("F077")
@pytest.mark.parametrize("kind", ["text/html", "text/plain; charset=latin-1", "application/jose"])
def test_a_good_answer_under_a_wrong_content_type_is_taken(kind):
    with Trap(as_json(GOOD, "200 OK", f"Content-Type: {kind}")) as trap:
        assert exchange_at(trap).scope == "openid Mail.Send"


@pytest.mark.case("F118", "N59")
def test_a_token_that_is_no_jwt_is_used_as_it_is():
    with Trap(as_json(GOOD | {"access_token": "EwB4A8l6BAAU+/="})) as trap:
        assert exchange_at(trap).access_token == "EwB4A8l6BAAU+/="


@pytest.mark.case("F091", "F092", "F093")
@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (3599, 3599), ("3599", 3599), (3599.5, 3599.5), ("3599.5", 3599.5), (..., SHORT_LIFE_S),
        (None, SHORT_LIFE_S), (-1, SHORT_LIFE_S), (0, SHORT_LIFE_S), ("soon", SHORT_LIFE_S),
        (10**30, SHORT_LIFE_S), (10**400, SHORT_LIFE_S), ("inf", SHORT_LIFE_S),
        ("nan", SHORT_LIFE_S), (366 * 86_400, 366 * 86_400), (366 * 86_400 + 1, 300), (1, 1),
        ([], SHORT_LIFE_S), ({}, SHORT_LIFE_S), ("", SHORT_LIFE_S),
        (LONGEST_LIFE_S + 1, SHORT_LIFE_S),
    ],
)  # fmt: skip
def test_a_life_span_one_cannot_believe_is_a_short_one(said, seconds):
    members = {name: v for name, v in (GOOD | {"expires_in": said}).items() if v is not ...}
    with Trap(as_json(members)) as trap:
        left = exchange_at(trap).expires_at - datetime.now(UTC)
    assert math.isclose(left.total_seconds(), seconds, abs_tol=5)


@pytest.mark.parametrize(
    ("misbehaviour", "outcome"),
    [
        pytest.param(reset, "unknown", id="a reset"),
        pytest.param(answer(b'{"acc', length=900), "unknown", id="less than announced"),
        pytest.param(answer(b"x" * 5_000_000), "unknown", id="5 MB"),
        pytest.param(drip(as_json(GOOD), 0.05), "unknown", id="drips"),
    ],
)
def test_a_code_is_never_redeemed_twice_when_the_answer_is_lost(monkeypatch, misbehaviour, outcome):
    monkeypatch.setattr(wire, "DEADLINE_S", 1.0)
    if isinstance(misbehaviour, bytes):
        data = misbehaviour
        misbehaviour = lambda connection: connection.sendall(data)  # noqa: E731
    error = fails_once(misbehaviour)
    assert isinstance(error, NoAnswer) and error.outcome == outcome


@pytest.mark.parametrize("status", [302, 307, 308])
def test_neither_secret_nor_code_follows_a_redirect(status):
    with Trap(as_json(GOOD)) as other:
        error = fails_once(answer(b"", f"{status} Moved", f"Location: {other.url}/token"))
    assert isinstance(error, NoAnswer) and other.requests == []


@pytest.mark.case("F097")
def test_a_busy_token_endpoint_is_waited_for(app, sandbox):
    attempt = start_sign_in(app)
    code = code_of(app, attempt)
    bend(sandbox, TOKEN_V2, status=429, retry_after=0.2)
    began = time.monotonic()
    assert exchange_code(app, attempt, code).access_token
    assert time.monotonic() - began >= 0.2 and asked(sandbox, TOKEN_V2) == 2


@pytest.mark.case("F098")
def test_a_service_in_trouble_is_not_asked_again(app, sandbox):
    attempt = start_sign_in(app)
    code = code_of(app, attempt)
    bend(sandbox, TOKEN_V2, status=503, retry_after=1)
    with pytest.raises(TokenRefused, match="temporarily_unavailable") as caught:
        exchange_code(app, attempt, code)
    assert "Wait a minute" in caught.value.fix and asked(sandbox, TOKEN_V2) == 1


def test_nobody_listening_means_that_the_code_is_still_good():
    with Trap(b"") as trap:
        pass
    with pytest.raises(NoAnswer, match="nothing listens") as caught:
        exchange_at(trap)
    assert caught.value.outcome == "not sent"


@pytest.mark.case("N10")
def test_a_scope_that_is_left_out_is_the_one_that_was_asked_for():
    without = {name: value for name, value in GOOD.items() if name != "scope"}
    with Trap(as_json(without), as_json(without)) as trap:
        app = app_at(trap)
        attempt = start_sign_in(app, "openid Mail.Send offline_access")
        token = exchange_code(app, attempt, "canary~code")
        assert token.scope == attempt.scope and token.not_granted == []
        assert refresh(app, replace(token, refresh_token=Secret("canary~r"))).scope == token.scope


@pytest.mark.case("N10")
def test_what_was_asked_for_in_vain_is_told_also_after_a_refresh():
    granted = "https://graph.microsoft.com/user.read openid"
    said = GOOD | {"scope": granted, "refresh_token": "canary~refresh"}
    with Trap(as_json(said)) as trap:
        app = app_at(trap)
        token = exchange_code(app, start_sign_in(app), "canary~code")
        for one in (token, refresh(app, token)):
            assert one.not_granted == ["Mail.Send"]
            assert "not granted   Mail.Send" in repr(one)
