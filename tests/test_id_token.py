"""Reading a token, which shows, and verifying the id_token, which proves."""

import json
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphhelpers import (
    Secret,
    TokenInvalid,
    exchange_code,
    read_jwt,
    start_sign_in,
    verify_id_token,
)
from tests.issued import jwt_of, trap_token
from tests.kit import app_of, code_of, signed_in


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


@given(st.lists(PART, max_size=5).map(".".join) | st.text())
def test_reading_gives_two_objects_or_a_typed_error_whatever_comes(text):
    try:
        header, claims = read_jwt(text)
    except TokenInvalid as error:
        assert str(error).count("\n") == 2
    else:
        assert isinstance(header, dict) and isinstance(claims, dict)


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
