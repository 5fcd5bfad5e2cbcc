"""id_tokens that must not be trusted, each well signed but for the one thing."""

import json
import math
import time
from base64 import urlsafe_b64encode

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from graphhelpers import (
    NoAnswer,
    Registration,
    Secret,
    TokenInvalid,
    sandbox_cloud,
    start_sign_in,
    verify_id_token,
)
from tests.issued import html, jwt_of, trap_token
from tests.kit import app_at, as_json
from tests.trap import Trap, answer


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


@pytest.mark.case("F120", "N45")
@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
def test_clocks_may_differ_by_five_minutes_and_no_more(issuer, claim):
    late = -1 if claim == "exp" else 1
    for off_s, good in ((290, True), (310, False)):
        signed = issuer.sign(issuer.claims(**{claim: int(time.time()) + late * off_s}))
        if good:
            assert issuer.verify(signed)
        else:
            with pytest.raises(TokenInvalid, match="clock"):
                issuer.verify(signed)


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
