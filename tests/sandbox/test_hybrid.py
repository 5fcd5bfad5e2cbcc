"""An id_token beside the code: `response_type=code id_token` (OpenID Connect Core §3.3)."""

import base64
import hashlib
import re

import jwt
import pytest

from tests.sandbox.entra import (
    REDIRECT_URI,
    arrived,
    authorize,
    press,
    redeem,
    register,
)

VERSIONS = ("v1", "v2.0")
HYBRID = {"response_type": "code id_token", "nonce": "n-1"}


@pytest.fixture
def app(sandbox, http):
    """An app whose registration ticks "ID tokens"."""
    return register(sandbox, http, id_tokens_by_authorize=True)


def sign_in(app, http, version, **changes):
    page = press(http, authorize(app, http, version, **HYBRID, **changes), user=app.user)
    return press(http, page, consent="accept")


def verified(app, http, id_token):
    """Return the claims of an id_token, checked with the published keys."""
    keys = jwt.PyJWKSet(http.get(f"{app.authority}/common/discovery/v2.0/keys").json()["keys"])
    key = keys[jwt.get_unverified_header(id_token)["kid"]]
    return jwt.decode(id_token, key, algorithms=["RS256"], audience=app.client_id)


@pytest.mark.parametrize("version", VERSIONS)
def test_code_and_id_token_arrive_in_the_fragment_bound_to_each_other(app, http, version):
    answer = sign_in(app, http, version, response_mode=None)
    assert answer.headers["location"].startswith(f"{REDIRECT_URI}#code=")
    fields = arrived(answer)
    claims = verified(app, http, fields["id_token"])
    half = hashlib.sha256(fields["code"].encode()).digest()[:16]
    assert claims["c_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    assert claims["nonce"] == "n-1" and claims["ver"] == ("1.0" if version == "v1" else "2.0")
    assert redeem(app, http, fields["code"], version).status_code == 200


def test_the_id_token_of_the_token_endpoint_has_no_code_to_be_bound_to(app, http):
    fields = arrived(sign_in(app, http, "v2.0"))
    claims = verified(app, http, redeem(app, http, fields["code"]).json()["id_token"])
    assert claims["nonce"] == "n-1" and "c_hash" not in claims


def test_both_may_come_by_form_post(app, http):
    page = sign_in(app, http, "v2.0", response_mode="form_post")
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    assert {"code", "id_token", "state", "session_state"} == set(fields)
    assert verified(app, http, fields["id_token"])["aud"] == app.client_id


REFUSED = {
    "no nonce": (
        {"nonce": None},
        "invalid_request",
        "AADSTS900144: The request body must contain the following parameter: 'nonce'.",
    ),
    "an answer in the query": (
        {"response_mode": "query"},
        "unsupported_response_mode",
        "AADSTS70007: 'query' is not a supported value of 'response_mode' when requesting a token.",
    ),
    "no openid": ({"scope": "User.Read"}, "invalid_scope", "AADSTS70011: The provided request"),
    "a token by itself": (
        {"response_type": "id_token token"},
        "unsupported_response_type",
        "AADSTS700054: response_type 'id_token token' is not enabled for the application.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_hybrid_request_is_refused_for(app, http, case):
    changes, error, words = REFUSED[case]
    fields = arrived(authorize(app, http, **{**HYBRID, **changes}))
    assert fields["error"] == error
    assert fields["error_description"].startswith(words)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["code id_token", "id_token code"])
def test_an_app_that_did_not_tick_id_tokens_gets_none(sandbox, http, version, kind):
    answer = authorize(sandbox, http, version, response_type=kind, nonce="n-1")
    assert answer.headers["location"].startswith(f"{REDIRECT_URI}#error=unsupported_response_type")
    assert arrived(answer)["error_description"].startswith(
        f"AADSTS700054: response_type '{kind}' is not enabled for the application."
    )
