"""What is in the tokens, and which access tokens Graph takes back."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import replace

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from graphsandbox import directory, tokens
from graphsandbox.grants import SignIn
from graphsandbox.keys import Keys
from graphsandbox.store import RedirectUri, Store
from tests.sandbox.entra import GRAPH, redeem, sign_in

AUTHORITY = "http://localhost:1"


def claims(token):
    return jwt.decode(token, options={"verify_signature": False})


def verified(sandbox, token, audience):
    """Return the claims after checking the signature with the published keys."""
    client = jwt.PyJWKClient(f"{sandbox.authority}/common/discovery/v2.0/keys")
    key = client.get_signing_key_from_jwt(token)
    return jwt.decode(token, key, algorithms=["RS256"], audience=audience)


@pytest.fixture
def fields(sandbox, http):
    return redeem(sandbox, http, sign_in(sandbox, http, nonce="n-1")["code"]).json()


# As an app sees them


def test_an_access_token_for_graph_is_a_v1_token_also_from_v2(sandbox, fields):
    token = fields["access_token"]
    told = verified(sandbox, token, "00000003-0000-0000-c000-000000000000")
    assert list(jwt.get_unverified_header(token)) == ["typ", "alg", "x5t", "kid"]
    assert told["ver"] == "1.0"
    assert told["iss"] == f"{sandbox.authority}/{sandbox.tenant}/"
    assert told["appid"] == sandbox.client_id
    assert told["appidacr"] == "1"
    assert told["scp"] == "Mail.Send openid profile User.Read"
    assert told["tid"] == sandbox.tenant
    assert told["upn"] == told["unique_name"] == sandbox.user
    assert set(told) >= {"oid", "sub", "name", "uti", "aio", "rh", "amr", "acr", "wids", "idtyp"}


def test_times_are_five_minutes_back_and_an_hour_ahead(fields):
    told = claims(fields["access_token"])
    assert told["iat"] == told["nbf"] == pytest.approx(time.time() - 300, abs=5)
    assert told["exp"] - told["iat"] == 3900


def test_scopes_with_graphs_address_give_its_address_as_audience(sandbox, http):
    code = sign_in(sandbox, http, scope=f"{GRAPH}/User.Read")["code"]
    token = redeem(sandbox, http, code).json()["access_token"]
    assert verified(sandbox, token, GRAPH)["scp"] == "User.Read"


def test_v2s_id_token_verifies_and_carries_the_nonce(sandbox, fields):
    token = fields["id_token"]
    told = verified(sandbox, token, sandbox.client_id)
    assert list(jwt.get_unverified_header(token)) == ["typ", "alg", "kid"]
    assert told["iss"] == f"{sandbox.authority}/{sandbox.tenant}/v2.0"
    assert (told["ver"], told["nonce"]) == ("2.0", "n-1")
    assert told["preferred_username"] == sandbox.user
    assert "email" not in told


def test_without_profile_the_id_token_names_nobody(sandbox, http):
    code = sign_in(sandbox, http, scope="openid")["code"]
    told = claims(redeem(sandbox, http, code).json()["id_token"])
    assert not {"oid", "tid", "name", "preferred_username", "email"} & set(told)
    assert told["sub"]


def test_email_tells_the_address(sandbox, http):
    code = sign_in(sandbox, http, scope="openid email")["code"]
    assert claims(redeem(sandbox, http, code).json()["id_token"])["email"] == sandbox.user


def test_v1s_id_token_is_unsigned_and_as_the_article_reads_it(sandbox, http):
    code = sign_in(sandbox, http, "v1")["code"]
    token = redeem(sandbox, http, code, "v1").json()["id_token"]
    header, payload, signature = token.split(".")
    assert json.loads(base64.urlsafe_b64decode(header + "==")) == {"typ": "JWT", "alg": "none"}
    assert signature == ""
    assert list(claims(token))[:13] == [
        "aud",
        "iss",
        "iat",
        "nbf",
        "exp",
        "ver",
        "tid",
        "oid",
        "upn",
        "unique_name",
        "sub",
        "family_name",
        "given_name",
    ]
    assert claims(token)["upn"] == sandbox.user


def test_v1s_id_token_carries_a_nonce_that_was_sent(sandbox, http):
    code = sign_in(sandbox, http, "v1", nonce="n-2")["code"]
    assert claims(redeem(sandbox, http, code, "v1").json()["id_token"])["nonce"] == "n-2"


# As Graph sees them


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path)
    yield store
    store.close()


@pytest.fixture
def keys(store):
    return Keys(store)


@pytest.fixture
def issue(store, keys):
    app = store.register("My app", [RedirectUri("http://localhost")])
    user = directory.USERS[0]
    sign_in = SignIn(
        "family", app.client_id, "web", "http://localhost", True, "common", user.oid, []
    )
    return tokens.Issue(keys, AUTHORITY, store.now(), app, user, sign_in)


@pytest.fixture
def token(issue):
    return tokens.access_token(issue, GRAPH, ["Mail.Send"])


@pytest.fixture
def check(keys, store):
    def check(text, now=None, authority=AUTHORITY):
        now = store.now() if now is None else now
        return tokens.check_access_token(text, keys, authority, now, store.grants.is_revoked)

    return check


def test_a_good_token_gives_its_claims(check, token):
    assert check(token)["scp"] == "Mail.Send"


def test_subjects_differ_from_app_to_app(issue, store):
    other = replace(issue, app=store.register("Other", []))
    assert issue.subject != other.subject


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "e30.W10.",
        "e30.e30",
        "é.é.é",
        "\x00.\x00.\x00",
        base64.urlsafe_b64encode(b"[" * 100_000).decode() + ".e30.x",
    ],
)
def test_what_is_no_token_is_malformed(check, text):
    with pytest.raises(tokens.TokenMalformed):
        check(text)


@pytest.mark.parametrize("seconds", [-301, 3601, 10**9])
def test_a_token_is_good_in_its_time_only(check, token, store, seconds):
    with pytest.raises(tokens.TokenExpired):
        check(token, now=store.now() + seconds)


def test_a_revoked_family_is_refused(check, token, store):
    store.grants.revoke("family")
    with pytest.raises(tokens.TokenRevoked):
        check(token)


def test_an_id_token_is_no_access_token(check, issue):
    with pytest.raises(tokens.WrongAudience):
        check(tokens.id_token_v2(issue, ["openid"]))


def test_an_unsigned_id_token_is_no_access_token(check, issue):
    with pytest.raises(tokens.BadSignature):
        check(tokens.id_token_v1(issue))


def test_a_token_for_another_api_is_refused(check, issue):
    with pytest.raises(tokens.WrongAudience, match="Invalid audience"):
        check(tokens.access_token(issue, "https://vault.azure.net", ["x"]))


def test_a_token_of_another_sandbox_address_is_refused(check, token):
    with pytest.raises(tokens.WrongIssuer):
        check(token, authority="http://localhost:2")


@pytest.mark.parametrize(
    "issuer",
    [
        "https://sts.windows.net/5f6ae2d1-3c1b-4d0e-9a57-2b8f1c0e7d42/",
        "https://login.microsoftonline.com/5f6ae2d1-3c1b-4d0e-9a57-2b8f1c0e7d42/v2.0",
        "https://login.microsoftonline.us/x/v2.0",
    ],
)
def test_one_of_microsofts_tokens_is_refused_and_told_so(check, token, issuer):
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    theirs = jwt.encode(claims(token) | {"iss": issuer}, stranger, "RS256", {"kid": "theirs"})
    with pytest.raises(tokens.WrongIssuer, match="issued by Microsoft"):
        check(theirs)


def forged(token, **header):
    """Return the token with another header and the signature it had."""
    _, payload, signature = token.split(".")
    text = json.dumps(jwt.get_unverified_header(token) | header).encode()
    return ".".join((base64.urlsafe_b64encode(text).rstrip(b"=").decode(), payload, signature))


def test_a_changed_payload_is_refused(check, token):
    header, payload, signature = token.split(".")
    more = claims(token) | {"scp": "Mail.Send Mail.ReadWrite"}
    payload = base64.urlsafe_b64encode(json.dumps(more).encode()).rstrip(b"=").decode()
    with pytest.raises(tokens.BadSignature, match="Invalid signature"):
        check(f"{header}.{payload}.{signature}")


def test_no_algorithm_is_no_signature(check, token, keys):
    bare = jwt.encode(claims(token), None, "none", {"kid": keys.current.kid})
    with pytest.raises(tokens.BadSignature):
        check(bare)


def test_the_public_key_is_no_shared_secret(check, token, keys):
    """The classic: HS256 with the published key as its secret (RFC 8725 §2.1)."""
    pem = keys.current.public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head = json.dumps({"typ": "JWT", "alg": "HS256", "kid": keys.current.kid}).encode()
    payload = token.split(".")[1]
    signed = base64.urlsafe_b64encode(head).rstrip(b"=") + b"." + payload.encode()
    mac = base64.urlsafe_b64encode(hmac.digest(pem, signed, hashlib.sha256)).rstrip(b"=")
    with pytest.raises(tokens.BadSignature):
        check((signed + b"." + mac).decode())


def test_a_strangers_key_is_refused_under_our_kid(check, token, keys):
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    theirs = jwt.encode(claims(token), stranger, "RS256", {"kid": keys.current.kid})
    with pytest.raises(tokens.BadSignature):
        check(theirs)


@pytest.mark.parametrize("kid", ["unknown", "", "../../etc/passwd", "' OR 1=1 --"])
def test_an_unknown_kid_is_refused(check, token, kid):
    with pytest.raises(tokens.BadSignature):
        check(forged(token, kid=kid))


@pytest.mark.parametrize("kid", [7, None, ["a"], {"a": 1}])
def test_a_kid_that_is_no_text_is_refused(check, token, kid):
    with pytest.raises(tokens.BadToken):
        check(forged(token, kid=kid))
