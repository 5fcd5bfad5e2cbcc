import json
import math
import time
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from graphhelpers import (
    GraphHelpersError,
    NoAnswer,
    Registration,
    Secret,
    Token,
    TokenInvalid,
    TokenRefused,
    exchange_code,
    read_jwt,
    refresh,
    sandbox_cloud,
    start_sign_in,
    verify_id_token,
    whoami,
    wire,
    wire_log,
)
from graphhelpers.tokens import LONGEST_LIFE_S, SHORT_LIFE_S

from .kit import app_at, app_of, as_json, asked, bend, code_of, control, signed_in
from .trap import Trap, answer, drip, reset

TOKEN_V2 = "/{tenant}/oauth2/v2.0/token"
CODE = Secret("canary~code")
GOOD = {
    "token_type": "Bearer",
    "scope": "openid Mail.Send",
    "expires_in": 3599,
    "access_token": "canary~access",
}


# --- The exchange, against the sandbox


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


def trap_token(**changes) -> Token:
    known = {
        "access_token": Secret("canary~old"),
        "id_token": None,
        "refresh_token": Secret("canary~refresh"),
        "scope": "",
        "expires_at": datetime.now(UTC),
    }
    return Token(**known | changes)


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


# --- What no honest token endpoint says


def exchange_at(trap: Trap) -> Token:
    app = app_at(trap)
    return exchange_code(app, start_sign_in(app), CODE)


def fails_once(*script: object) -> GraphHelpersError:
    """Return the error of an exchange that met this; it was asked once and shows no secret."""
    wire_log.clear()
    with Trap(*script) as trap, pytest.raises(GraphHelpersError) as caught:
        exchange_at(trap)
    assert len(trap.requests) == 1
    error = caught.value
    text = f"{error} {error!r} {error._render_traceback_()} {vars(error)}"
    assert "canary" not in text + repr(wire_log) + str([vars(e) for e in wire_log])
    assert len(str(error)) < 5_000
    return error


def html(status: str = "200 OK") -> bytes:
    page = b"<html><title>Hotel network</title>Please log in</html>"
    return answer(page, status, "Content-Type: text/html")


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
        ("nan", SHORT_LIFE_S), ([], SHORT_LIFE_S), ({}, SHORT_LIFE_S), ("", SHORT_LIFE_S),
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


# --- Reading a JWT


def jwt_of(header: object, claims: object, signature: str = "c2ln") -> str:
    parts = (urlsafe_b64encode(json.dumps(part).encode()) for part in (header, claims))
    return ".".join([*(part.decode().rstrip("=") for part in parts), signature])


def test_reading_shows_header_and_claims(app):
    token = signed_in(app)
    header, claims = read_jwt(token.id_token)
    assert header["alg"] == "RS256" and claims["aud"] == app.client_id
    assert read_jwt(token.access_token)[1]["scp"]
    assert read_jwt(jwt_of({"alg": "none"}, {"name": "Zoë"}, ""))[1] == {"name": "Zoë"}


@pytest.mark.case("F125")
@pytest.mark.parametrize(
    "text",
    [
        "", ".", "..", "...", "a.b", "a.b.c", "a.b.c.d", jwt_of({}, {}) + ".x", jwt_of({}, [1]),
        jwt_of("x", {}), jwt_of({}, None), jwt_of({}, 7), "ä.ö.ü", "\ud800.\ud800.x",
        f"{'A' * 5}.{'A' * 4}.x", "EwB4A8l6BAAU",
        f"{urlsafe_b64encode(b'[' * 200_000).decode()}.e30.x",
        f"{urlsafe_b64encode(b'{} x').decode()}.e30.x", "_w.e30.x",
    ],
)  # fmt: skip
def test_what_is_no_jwt_is_a_typed_error(text):
    with pytest.raises(TokenInvalid, match="not a JWT"):
        read_jwt(text)


PART = st.one_of(
    st.binary(max_size=60).map(lambda data: urlsafe_b64encode(data).decode().rstrip("=")),
    st.recursive(st.none() | st.integers() | st.text(), st.lists).map(
        lambda value: urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
    ),
    st.dictionaries(st.text(), st.floats() | st.text()).map(
        lambda value: urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
    ),
    st.text(max_size=40),
)


@settings(deadline=None)
@given(st.lists(PART, max_size=5).map(".".join) | st.text())
def test_reading_gives_two_objects_or_a_typed_error_whatever_comes(text):
    try:
        header, claims = read_jwt(text)
    except TokenInvalid as error:
        assert str(error).count("\n") == 2
    else:
        assert isinstance(header, dict) and isinstance(claims, dict)


# --- Verifying an id_token


def test_the_sandboxs_id_token_verifies(app):
    attempt = start_sign_in(app)
    token = exchange_code(app, attempt, code_of(app, attempt))
    claims = verify_id_token(app, attempt, token)
    assert claims == read_jwt(token.id_token)[1]
    assert claims["nonce"] == attempt.nonce and claims["aud"] == app.client_id


@pytest.mark.case("N67")
def test_by_way_of_common_the_issuer_is_that_of_the_persons_tenant(app, sandbox):
    common = app_of(sandbox, tenant="common")
    attempt = start_sign_in(common)
    token = exchange_code(common, attempt, code_of(common, attempt))
    assert verify_id_token(common, attempt, token)["tid"] == sandbox.tenant


def test_over_tls_too(graph_sandbox_tls):
    app = app_of(graph_sandbox_tls)
    attempt = start_sign_in(app)
    token = exchange_code(app, attempt, code_of(app, attempt))
    assert verify_id_token(app, attempt, token)["iss"].startswith("https://")


def test_a_version_1_id_token_reads_but_never_verifies(app):
    attempt = start_sign_in(app, endpoint="v1")
    token = exchange_code(app, attempt, code_of(app, attempt))
    assert read_jwt(token.id_token)[1]["nonce"] == attempt.nonce
    with pytest.raises(TokenInvalid, match="says 'none'"):
        verify_id_token(app, attempt, token)


@pytest.mark.case("F127")
def test_without_openid_there_is_nothing_to_verify(app):
    attempt = start_sign_in(app, ["User.Read"])
    token = exchange_code(app, attempt, code_of(app, attempt))
    assert token.id_token is None
    with pytest.raises(TokenInvalid, match="there is none"):
        verify_id_token(app, attempt, token)


@pytest.mark.case("F122", "N43", "N35")
def test_another_attempt_does_not_take_it(app):
    attempt = start_sign_in(app)
    token = exchange_code(app, attempt, code_of(app, attempt))
    with pytest.raises(TokenInvalid, match="nonce"):
        verify_id_token(app, start_sign_in(app), token)


@pytest.mark.case("F120")
def test_another_app_does_not_take_it(app, sandbox):
    attempt = start_sign_in(app)
    token = exchange_code(app, attempt, code_of(app, attempt))
    other = app_of(sandbox, client_id="99999999-bbbb-3333-cccc-4444dddd5555")
    with pytest.raises(TokenInvalid, match="[Aa]udience"):
        verify_id_token(other, attempt, token)


@pytest.mark.parametrize("claim", ["name", "sub", "exp", "nonce"])
def test_a_tampered_claim_shows(app, claim):
    attempt = start_sign_in(app)
    token = exchange_code(app, attempt, code_of(app, attempt))
    header, claims = read_jwt(token.id_token)
    forged = claims | {claim: claims[claim] + 1 if claim == "exp" else f"{claims[claim]}x"}
    text = jwt_of(header, forged, token.id_token.split(".")[2])
    with pytest.raises(TokenInvalid, match="[Ss]ignature"):
        verify_id_token(app, attempt, trap_token(id_token=Secret(text)))


class Issuer:
    """A sign-in service of our own: it publishes its key, and signs whatever we like."""

    tenant = "5f6ae2d1-3c1b-4d0e-9a57-2b8f1c0e7d42"
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def __init__(self, trap: Trap):
        self.trap, self.app = trap, app_at(trap)
        self.attempt = start_sign_in(self.app)
        self.metadata = {
            "issuer": f"{trap.url}/{{tenantid}}/v2.0",
            "jwks_uri": f"{trap.url}/common/discovery/v2.0/keys",
        }
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        self.keys = [{"kty": "EC", "kid": "another"}, public | {"kid": "k1", "use": "sig"}]

    def claims(self, **changes) -> dict[str, object]:
        now = int(time.time())
        known = {
            "iss": f"{self.trap.url}/{self.tenant}/v2.0",
            "aud": self.app.client_id,
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
            "sub": "a-b-c",
            "tid": self.tenant,
            "nonce": self.attempt.nonce,
        }
        return {name: value for name, value in (known | changes).items() if value is not ...}

    def sign(self, claims: dict[str, object], **header) -> str:
        body = json.dumps(claims).encode()
        return jwt.PyJWS().encode(body, self.key, "RS256", {"kid": "k1"} | header)

    def verify(self, text: str) -> dict[str, object]:
        self.trap.script = [as_json(self.metadata), as_json({"keys": self.keys})]
        return verify_id_token(self.app, self.attempt, trap_token(id_token=Secret(text)))


@pytest.fixture
def issuer():
    with Trap(b"") as trap:
        yield Issuer(trap)


def test_the_issuer_of_these_tests_signs_well(issuer):
    claims = issuer.claims()
    assert issuer.verify(issuer.sign(claims)) == claims
    asked_for = [request.split(b" ")[1] for request in issuer.trap.requests]
    assert asked_for == [
        b"/common/v2.0/.well-known/openid-configuration",
        b"/common/discovery/v2.0/keys",
    ]


@pytest.mark.case("F120", "F121", "F122", "F123", "F126", "N42", "N43", "N45", "N47")
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"aud": "99999999-bbbb-3333-cccc-4444dddd5555"}, "[Aa]udience"),
        ({"aud": ...}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": 7}, "claim"),
        ({"iss": "https://login.microsoftonline.com/x/v2.0"}, "issuer"),
        ({"iss": ...}, "iss"),
        ({"iss": ["x"]}, "iss"),
        ({"tid": "99999999-bbbb-3333-cccc-4444dddd5555"}, "issuer"),
        ({"tid": "../evil"}, "tid"),
        ({"tid": ...}, "tid"),
        ({"nonce": "another"}, "nonce"),
        ({"nonce": ...}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"exp": time.time() - 3600}, "clock"),
        ({"nbf": time.time() + 3600}, "clock"),
        ({"iat": time.time() + 3600}, "clock"),
        ({"exp": ...}, "exp"),
        ({"exp": "soon"}, "exp"),
        ({"exp": math.inf}, "exp"),
        ({"exp": math.nan}, "exp"),
        ({"sub": ...}, "sub"),
        ({"sub": 7}, "[Ss]ubject"),
        ({"azp": "another", "aud": ["11112222-bbbb-3333-cccc-4444dddd5555", "b"]}, "azp"),
        ({"azp": "another"}, "azp"),
        ({"aud": ["11112222-bbbb-3333-cccc-4444dddd5555", "b"]}, "azp"),
    ],
)
def test_a_claim_that_does_not_fit_is_refused_though_well_signed(issuer, change, why):
    with pytest.raises(TokenInvalid, match=why) as caught:
        issuer.verify(issuer.sign(issuer.claims(**change)))
    assert "does not verify" in caught.value.what and "none of its claims" in caught.value.fix


@pytest.mark.case("F124", "N45")
@pytest.mark.parametrize(("claim", "offset_s"), [("exp", -60), ("nbf", 60)])
def test_clocks_may_differ_by_a_minute(issuer, claim, offset_s):
    assert issuer.verify(issuer.sign(issuer.claims(**{claim: time.time() + offset_s})))


VALUE = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9), st.just([]),
    st.just({}), st.lists(st.text(max_size=9) | st.integers(), max_size=3),
)  # fmt: skip


@pytest.mark.case("F128")
def test_whatever_the_claims_hold_the_answer_is_claims_or_a_typed_error(issuer):
    @settings(deadline=None)
    @given(st.dictionaries(st.sampled_from(sorted(issuer.claims())), VALUE, max_size=3))
    def check(changes):
        claims = issuer.claims(**changes)
        try:
            assert issuer.verify(issuer.sign(claims))["aud"]
        except TokenInvalid:
            pass
        else:
            assert changes.keys() <= {"exp", "iat", "nbf", "sub"}

    check()


def public_pem(issuer: Issuer) -> bytes:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return issuer.key.public_key().public_bytes(serialization.Encoding.PEM, form)


@pytest.mark.case("F119", "N46")
def test_an_unsigned_token_is_refused(issuer):
    for alg in ("none", "None", "nOnE", "", None, 7, ["RS256"], "HS256", "PS256", "ES256"):
        text = jwt_of({"alg": alg, "kid": "k1"}, issuer.claims(), "")
        with pytest.raises(TokenInvalid, match="RS256"):
            issuer.verify(text)
    with pytest.raises(TokenInvalid):
        issuer.verify(jwt_of({"alg": "RS256", "kid": "k1"}, issuer.claims(), ""))
    assert all(b"discovery" not in request for request in issuer.trap.requests[:-2])


@pytest.mark.case("N46")
def test_the_public_key_is_no_shared_secret(issuer):
    """HS256 with the public key as the secret (RFC 8725 §2.1)."""
    import hashlib
    import hmac

    unsigned = jwt_of({"alg": "HS256", "kid": "k1"}, issuer.claims(), "").rstrip(".")
    mac = hmac.digest(public_pem(issuer), unsigned.encode(), hashlib.sha256)
    text = f"{unsigned}.{urlsafe_b64encode(mac).decode().rstrip('=')}"
    with pytest.raises(TokenInvalid, match="HS256"):
        issuer.verify(text)


@pytest.mark.parametrize(
    "header", [{"kid": "k2"}, {"kid": "another"}, {"kid": "../k1"}, {"kid": ""}]
)
def test_a_key_that_is_not_published_proves_nothing(issuer, header):
    with pytest.raises(TokenInvalid, match="no published key"):
        issuer.verify(issuer.sign(issuer.claims(), **header))


def test_another_key_under_the_same_name_proves_nothing(issuer):
    text = issuer.sign(issuer.claims())
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    issuer.keys = [jwt.algorithms.RSAAlgorithm.to_jwk(other, as_dict=True) | {"kid": "k1"}]
    with pytest.raises(TokenInvalid, match="[Ss]ignature"):
        issuer.verify(text)


@pytest.mark.case("N48")
def test_a_token_cannot_say_where_its_key_is(issuer):
    with Trap(as_json({"keys": []})) as thief:
        mine = jwt.algorithms.RSAAlgorithm.to_jwk(issuer.key.public_key(), as_dict=True)
        text = issuer.sign(issuer.claims(), jku=thief.url, x5u=thief.url, jwk=mine)
        assert issuer.verify(text)  # by the published key, and by nothing in the header
        issuer.keys = []
        with pytest.raises(TokenInvalid, match="no published key"):
            issuer.verify(text)
    assert thief.requests == []


@pytest.mark.case("N49")
def test_a_header_that_must_be_understood_is_refused(issuer):
    """By us, since PyJWT did so only from 2.12 on (RFC 7515 §4.1.11)."""
    text = issuer.sign(issuer.claims(), crit=["x"], x=1)
    with pytest.raises(TokenInvalid, match="without crit"):
        issuer.verify(text)


@pytest.mark.parametrize(
    "jwks_uri",
    ["{thief}/keys", "//{host}/keys", "http://[", "", None, 7, "/keys", "file:///etc/passwd",
     "{own}@{host}/keys", "{own}.evil.example/keys"],
)  # fmt: skip
def test_keys_come_from_the_authority_and_nowhere_else(issuer, jwks_uri):
    with Trap(as_json({"keys": issuer.keys})) as thief:
        if isinstance(jwks_uri, str):
            host = thief.url.removeprefix("http://")
            jwks_uri = jwks_uri.format(thief=thief.url, host=host, own=issuer.trap.url)
        issuer.metadata["jwks_uri"] = jwks_uri
        with pytest.raises(TokenInvalid, match="another host"):
            issuer.verify(issuer.sign(issuer.claims()))
    assert thief.requests == []


@pytest.mark.parametrize(
    "key",
    [7, None, {}, {"n": 7}, {"n": "!!"}, {"n": ""}, {"e": "AA"}, {"kty": "oct", "k": "AAAA"},
     {"kty": "EC"}, {"kty": 7}, {"n": "ü"}, {"d": "AA"}],
)  # fmt: skip
def test_a_published_key_that_is_none_proves_nothing(issuer, key):
    issuer.keys = [issuer.keys[1] | key if key else key] if isinstance(key, dict) else [key]
    with pytest.raises(TokenInvalid):
        issuer.verify(issuer.sign(issuer.claims()))


@pytest.mark.case("F117")
def test_a_private_key_that_is_published_is_a_typed_error(issuer):
    published = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(issuer.key))
    issuer.keys = [published | {"kid": "k1"}]
    with pytest.raises(TokenInvalid, match="does not verify"):
        issuer.verify(issuer.sign(issuer.claims()))


@pytest.mark.parametrize("keys", [{}, {"keys": None}, {"keys": {}}, {"keys": "k1"}, [], None])
def test_a_key_set_that_is_none_is_a_typed_error(issuer, keys):
    text = issuer.sign(issuer.claims())
    issuer.trap.script = [as_json(issuer.metadata), as_json(keys)]
    with pytest.raises(TokenInvalid):
        verify_id_token(issuer.app, issuer.attempt, trap_token(id_token=Secret(text)))


@pytest.mark.parametrize("said", [html(), html("404 Not Found"), as_json([]), answer(b"")])
def test_metadata_that_is_none_is_a_typed_error(issuer, said):
    text = issuer.sign(issuer.claims())
    issuer.trap.script = [said]
    with pytest.raises(TokenInvalid, match="did not come from the sign-in service"):
        verify_id_token(issuer.app, issuer.attempt, trap_token(id_token=Secret(text)))


@pytest.mark.parametrize("issued_by", [None, 7, "", "https://evil.example/{tenantid}/v2.0"])
def test_the_issuer_is_the_published_one(issuer, issued_by):
    issuer.metadata["issuer"] = issued_by
    with pytest.raises(TokenInvalid, match="issuer"):
        issuer.verify(issuer.sign(issuer.claims()))


def test_proving_needs_the_network_and_says_so():
    with Trap(b"") as trap:
        issuer = Issuer(trap)
        text = issuer.sign(issuer.claims())
    with pytest.raises(NoAnswer, match="nothing listens"):
        verify_id_token(issuer.app, issuer.attempt, trap_token(id_token=Secret(text)))


def test_in_every_cloud_the_keys_are_asked_of_that_cloud():
    cloud = sandbox_cloud("https://login.invalid/", "https://graph.invalid")
    app = Registration("11112222-bbbb-3333-cccc-4444dddd5555", cloud=cloud)
    assert app.cloud.metadata_url("common").startswith("https://login.invalid/common/v2.0/")
