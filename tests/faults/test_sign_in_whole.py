"""A whole sign-in under fault: one redirect URI in both legs, odd clocks, no network, no 307."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from graphhelpers import (
    CallbackServer,
    NoAnswer,
    Registration,
    TokenInvalid,
    exchange_code,
    refresh,
    start_sign_in,
    verify_id_token,
    whoami,
)
from graphsandbox.visit import Wishes, visit
from tests.kit import app_at, as_json, code_of, control, signed_in
from tests.trap import Trap

GRANTED = {"access_token": "opaque", "token_type": "Bearer", "expires_in": 3599}


@pytest.mark.case("F056", "N09")
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize("endpoint", ["v1", "v2.0"])
def test_both_requests_name_the_one_redirect_uri_of_the_registration(host, endpoint):
    with Trap(as_json(GRANTED)) as trap:
        known = app_at(trap)
        uri = known.redirect_uri.replace("localhost", host)
        app = Registration(known.client_id, redirect_uri=uri, cloud=known.cloud)
        attempt = start_sign_in(app, endpoint=endpoint)
        exchange_code(app, attempt, "canary~code-0123456789abcdef")
        form = parse_qs(trap.requests[0].split(b"\r\n\r\n")[1].decode())
    asked = parse_qs(urlsplit(attempt.url).query)
    assert asked["redirect_uri"] == form["redirect_uri"] == [uri]


@pytest.mark.case("F111", "F110")
def test_a_refresh_that_reaches_nobody_leaves_the_token_as_it_was(app):
    token = signed_in(app)
    with Trap(as_json({})) as gone:
        away = app_at(gone)
    with pytest.raises(NoAnswer, match="nothing listens") as caught:
        refresh(away, token)
    assert caught.value.outcome == "not sent"
    assert refresh(app, token).access_token != token.access_token


@pytest.mark.case("F114")
@pytest.mark.parametrize("ahead_s", [86_400, -86_400])
def test_a_clock_that_is_a_day_wrong_costs_the_proof_and_nothing_else(app, sandbox, ahead_s):
    control(sandbox, "POST", "clock", advance_s=ahead_s)  # the service's clock beside ours
    attempt = start_sign_in(app)
    token = exchange_code(app, attempt, code_of(app, attempt))
    left = token.expires_at - datetime.now(UTC)
    assert timedelta(minutes=50) < left <= timedelta(hours=1)  # counted from the answer
    assert whoami(app, token)["userPrincipalName"]
    assert whoami(app, refresh(app, token))["userPrincipalName"]
    with pytest.raises(TokenInvalid, match="clock right"):
        verify_id_token(app, attempt, token)


@pytest.mark.case("N40")
def test_no_form_of_the_sign_in_pages_is_left_by_a_307(sandbox, app):
    seen = []
    with requests.Session() as session:
        session.trust_env = False
        session.hooks["response"] = lambda answer, **_: seen.append(answer)
        attempt = start_sign_in(app, prompt="consent")
        with CallbackServer(app, attempt) as server:
            visit(session, attempt.url, Wishes())
            assert server.wait(5)
    left = [answer.status_code for answer in seen if answer.request.method == "POST"]
    assert len(left) >= 2 and set(left) <= {200, 302, 303}


@pytest.mark.case("N21")
@pytest.mark.parametrize("header", [None, "Bearer canary~made-up", "Basic eA=="])
def test_a_refused_token_is_told_what_would_do(sandbox, header):
    with requests.Session() as session:
        session.trust_env = False
        session.auth = lambda request: request
        headers = {"Authorization": header} if header else {}
        answer = session.get(f"{sandbox.graph}/v1.0/me", headers=headers, timeout=5)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
