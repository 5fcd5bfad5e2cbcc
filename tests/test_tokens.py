"""Tokens: the exchange of a code, and the refresh, as the sandbox answers them."""

from datetime import UTC, datetime, timedelta

import pytest

from graphhelpers import (
    GraphHelpersError,
    TokenInvalid,
    TokenRefused,
    exchange_code,
    refresh,
    start_sign_in,
    whoami,
    wire_log,
)
from tests.issued import GOOD, TOKEN_V2, trap_token
from tests.kit import app_at, app_of, as_json, asked, code_of, control, signed_in
from tests.trap import Trap


def test_a_code_becomes_tokens(app):
    token = signed_in(app)
    assert token.access_token and token.id_token and token.refresh_token
    assert {"openid", "Mail.Send"} <= set(token.scope.split())
    left = token.expires_at - datetime.now(UTC)
    assert timedelta(seconds=3590) < left <= timedelta(seconds=3599)
    assert token.raw["expires_in"] == 3599 and "resource" not in token.raw
    assert whoami(app, token)["displayName"]


def test_version_1_answers_in_text_and_always_with_all_three_tokens(app):
    token = signed_in(app, endpoint="v1")
    assert token.access_token and token.id_token and token.refresh_token
    assert token.raw["expires_in"] == "3599" and token.raw["resource"] == app.cloud.resource
    left = token.expires_at - datetime.now(UTC)
    assert timedelta(seconds=3590) < left <= timedelta(seconds=3599)
    assert whoami(app, token)["displayName"]


def test_the_answer_is_kept_as_it_came_and_shows_no_token(app):
    token = signed_in(app)
    assert token.raw["access_token"] == token.access_token
    shown = f"{token} {token!r} {token._repr_html_()} {vars(token)} {wire_log!r}"
    shown += wire_log._repr_html_() + str([vars(exchange) for exchange in wire_log])
    for secret in (token.access_token, token.id_token, token.refresh_token, app.client_secret):
        assert secret not in shown
    assert "Mail.Send" in repr(token) and "UTC" in repr(token)


@pytest.mark.case("F095", "N05")
def test_what_was_granted_may_be_less_than_what_was_asked(app):
    assert "Mail.Send" not in signed_in(app, "openid", "User.Read").scope


@pytest.mark.case("F062", "F094", "N63")
def test_without_offline_access_there_is_no_refresh_token(app):
    token = signed_in(app, "openid", "User.Read")
    assert token.refresh_token is None and "None: sign in again" in repr(token)
    with pytest.raises(TokenInvalid, match="no refresh token") as caught:
        refresh(app, token)
    assert "offline_access" in caught.value.fix


@pytest.mark.case("F080", "N07")
def test_a_code_works_only_once(app, sandbox):
    attempt = start_sign_in(app)
    code = code_of(app, attempt)
    exchange_code(app, attempt, code)
    with pytest.raises(TokenRefused, match="already redeemed") as caught:
        exchange_code(app, attempt, code)
    assert (caught.value.error, caught.value.error_codes) == ("invalid_grant", [54005])
    assert "Sign in again" in caught.value.fix and code not in str(caught.value)
    assert asked(sandbox, TOKEN_V2) == 2


@pytest.mark.case("F079", "N62")
def test_a_code_is_good_for_ten_minutes(app, sandbox):
    attempt = start_sign_in(app)
    code = code_of(app, attempt)
    control(sandbox, "POST", "clock", advance_s=700)
    with pytest.raises(TokenRefused, match="expired") as caught:
        exchange_code(app, attempt, code)
    assert caught.value.error_codes == [70008] and "at once" in caught.value.fix


@pytest.mark.case("N35", "N25")
def test_another_attempts_verifier_opens_nothing(app):
    attempt = start_sign_in(app)
    code = code_of(app, attempt)
    with pytest.raises(TokenRefused) as caught:
        exchange_code(app, start_sign_in(app), code)
    assert caught.value.error == "invalid_grant" and caught.value.error_codes == [501481]
    assert exchange_code(app, attempt, code)  # a refused request spends no code


@pytest.mark.case("F082", "N64", "N09", "N11")
@pytest.mark.parametrize(
    ("change", "error", "number", "cure"),
    [
        ({"client_secret": "wrong~secret"}, "invalid_client", 7000215, "Value"),
        ({"client_secret": None}, "invalid_client", 7000218, "client_secret"),
        (
            {"client_id": "99999999-bbbb-3333-cccc-4444dddd5555"},
            "unauthorized_client",
            700016,
            "Application (client) ID",
        ),
        (
            {"redirect_uri": "http://localhost:8000/connect/other/"},
            "invalid_grant",
            500112,
            "one Registration",
        ),
        ({"tenant": "nowhere.example"}, "invalid_tenant", 90002, "tenant"),
    ],
)
def test_a_wrong_value_at_the_token_endpoint_is_named(app, sandbox, change, error, number, cure):
    attempt = start_sign_in(app)
    code = code_of(app, attempt)
    with pytest.raises(TokenRefused, match=error) as caught:
        exchange_code(app_of(sandbox, **{"redirect_uri": app.redirect_uri} | change), attempt, code)
    assert caught.value.error_codes == [number] and cure in caught.value.fix
    assert "wrong~secret" not in str(caught.value) + repr(caught.value)
    assert exchange_code(app, attempt, code)


@pytest.mark.case("F081")
def test_an_expired_secret_is_told_from_a_wrong_one(app, sandbox):
    control(sandbox, "POST", "clock", advance_s=200 * 86_400)
    attempt = start_sign_in(app)
    with pytest.raises(TokenRefused, match="expired") as caught:
        exchange_code(app, attempt, code_of(app, attempt))
    assert caught.value.error == "invalid_client" and "Certificates & secrets" in caught.value.fix


@pytest.mark.case("F085")
@pytest.mark.parametrize(
    ("platform", "cure"), [("publicClient", "Leave client_secret away"), ("spa", "Web platform")]
)
def test_an_app_registered_on_another_platform_is_told_so(app, sandbox, platform, cure):
    made = control(sandbox, "POST", "register", platform=platform, redirect_uris=[app.redirect_uri])
    secret = made["client_secret"] if platform == "publicClient" else None
    other = app_of(
        sandbox,
        client_id=made["client_id"],
        client_secret=secret,
        redirect_uri=app.redirect_uri,
    )
    attempt = start_sign_in(other)
    with pytest.raises(TokenRefused) as caught:
        exchange_code(other, attempt, code_of(other, attempt))
    assert cure in caught.value.fix


@pytest.mark.case("N64")
def test_a_public_client_needs_no_secret(app, sandbox):
    made = control(
        sandbox, "POST", "register", platform="publicClient", redirect_uris=[app.redirect_uri]
    )
    public = app_of(sandbox, client_id=made["client_id"], client_secret=None)
    assert whoami(public, signed_in(public))["displayName"]


# --- Refreshing


@pytest.mark.parametrize("endpoint", ["v1", "v2.0"])
def test_refreshing_gives_a_fresh_token_of_the_same_kind(app, sandbox, endpoint):
    token = signed_in(app, endpoint=endpoint)
    control(sandbox, "POST", "clock", advance_s=4000)
    with pytest.raises(GraphHelpersError, match="401"):
        whoami(app, token)
    fresh = refresh(app, token)
    assert fresh.access_token != token.access_token and fresh.endpoint == endpoint
    assert whoami(app, fresh)["displayName"]
    assert set(fresh.scope.split()) == set(token.scope.split())


@pytest.mark.case("F109", "N12")
def test_the_old_refresh_token_is_kept_when_no_new_one_comes():
    with Trap(as_json(GOOD)) as trap:
        fresh = refresh(app_at(trap), trap_token())
    assert fresh.refresh_token == "canary~refresh" and fresh.access_token == "canary~access"


@pytest.mark.case("N12")
def test_a_new_refresh_token_replaces_the_old_one():
    with Trap(as_json(GOOD | {"refresh_token": "canary~new"})) as trap:
        assert refresh(app_at(trap), trap_token()).refresh_token == "canary~new"


@pytest.mark.case("F110")
def test_a_refused_refresh_asks_for_a_new_sign_in_and_is_not_repeated(app, sandbox):
    token = signed_in(app)
    control(sandbox, "POST", "clock", advance_s=91 * 86_400)
    with pytest.raises(TokenRefused, match="not refreshed") as caught:
        refresh(app, token)
    assert caught.value.error == "invalid_grant" and "Sign in again" in caught.value.fix
    assert asked(sandbox, TOKEN_V2) == 2
