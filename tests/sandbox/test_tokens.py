"""What is in the tokens, and which access tokens Graph takes back."""

import base64
import hashlib
import json
import time
from dataclasses import replace

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from graphsandbox import directory, token_checks, tokens
from graphsandbox.grants import SignIn
from graphsandbox.keys import Keys
from graphsandbox.store import RedirectUri, Store
from tests.sandbox.entra import GRAPH, REDIRECT_URI, me, redeem, register, sign_in

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
    told = claims(fields["access_token"])
    assert told["aud"] == "00000003-0000-0000-c000-000000000000"
    assert told["ver"] == "1.0"
    assert told["iss"] == f"{sandbox.authority}/{sandbox.tenant}/"
    assert told["appid"] == sandbox.client_id
    assert told["appidacr"] == "1"
    assert told["scp"] == "Mail.Send openid profile User.Read"
    assert told["tid"] == sandbox.tenant
    assert told["upn"] == told["unique_name"] == sandbox.user
    assert told["wids"] == ["b79fbf4d-3ef9-4689-8143-76b194e85509"]
    assert (told["acct"], told["idtyp"], told["amr"], told["acr"]) == (0, "user", ["pwd"], "1")
    assert set(told) >= {"oid", "name", "uti", "aio", "rh", "puid", "xms_tcdt", "xms_tdbr"}
    assert "idp" not in told


def test_the_access_tokens_subject_is_graphs_own_and_names_the_apps_beside_it(fields):
    told, of_app = claims(fields["access_token"]), claims(fields["id_token"])["sub"]
    assert told["sub"] != of_app
    assert told["xms_st"] == {"sub": of_app}


def test_an_access_token_has_a_nonce_in_its_header_and_verifies_for_nobody(sandbox, fields):
    token = fields["access_token"]
    assert list(jwt.get_unverified_header(token)) == ["typ", "nonce", "alg", "x5t", "kid"]
    with pytest.raises(jwt.InvalidSignatureError):
        verified(sandbox, token, "00000003-0000-0000-c000-000000000000")


def test_the_signature_covers_the_nonces_digest(sandbox, fields):
    header, payload, signature = fields["access_token"].split(".")
    seen = json.loads(base64.urlsafe_b64decode(header + "=="))
    digest = base64.urlsafe_b64encode(hashlib.sha256(seen["nonce"].encode()).digest())
    inside = json.dumps(seen | {"nonce": digest.decode().rstrip("=")}, separators=(",", ":"))
    header = base64.urlsafe_b64encode(inside.encode()).decode().rstrip("=")
    token = f"{header}.{payload}.{signature}"
    assert verified(sandbox, token, "00000003-0000-0000-c000-000000000000")["ver"] == "1.0"


def test_an_administrator_is_seen_as_one(sandbox, http):
    code = sign_in(sandbox, http, user="grace@contoso.example")["code"]
    assert claims(redeem(sandbox, http, code).json()["access_token"])["wids"] == [
        "62e90394-69f5-4237-9190-012177145e10",
        "b79fbf4d-3ef9-4689-8143-76b194e85509",
    ]


@pytest.mark.parametrize("version", ["v1", "v2.0"])
def test_a_guests_tokens_name_the_home(sandbox, http, version):
    tenant, guest = sandbox.tenant, "mary_fabrikam.example#EXT#@contoso.example"
    code = sign_in(sandbox, http, version, tenant, user=guest)["code"]
    fields = redeem(sandbox, http, code, version, tenant).json()
    home = "https://sts.windows.net/a3c85e17-9d42-4b6f-8e01-6f2d7c94b058/"
    assert claims(fields["access_token"])["acct"] == 1
    for name in ("access_token", "id_token"):
        assert (claims(fields[name])["idp"], claims(fields[name])["tid"]) == (home, tenant)


@pytest.fixture
def alans(sandbox, http):
    """The tokens of a personal account, at an app that takes it."""
    app = register(
        sandbox,
        http,
        display_name="For everybody",
        redirect_uris=[REDIRECT_URI],
        sign_in_audience="AzureADandPersonalMicrosoftAccount",
    )
    scope = "openid profile email User.Read"
    code = sign_in(app, http, user="alan@outlook.example", scope=scope)["code"]
    return redeem(app, http, code).json()


def test_a_personal_accounts_access_token_is_no_jwt_and_graph_takes_it(sandbox, http, alans):
    token = alans["access_token"]
    assert token.startswith("EwB")
    assert "." not in token
    assert b"alan" not in base64.b64decode(token)
    told = me(sandbox, http, token).json()
    assert told["userPrincipalName"] == "alan@outlook.example"
    assert told["id"].startswith("00000000-0000-0000-")


def test_a_personal_accounts_id_token_is_of_the_consumer_tenant(sandbox, alans):
    told = claims(alans["id_token"])
    consumers = "9188040d-6c67-4c5b-b112-36a304b66dad"
    assert (told["tid"], told["iss"]) == (consumers, f"{sandbox.authority}/{consumers}/v2.0")
    assert told["preferred_username"] == told["email"] == "alan@outlook.example"


def test_times_are_five_minutes_back_and_an_hour_ahead(fields):
    told = claims(fields["access_token"])
    assert told["iat"] == told["nbf"] == pytest.approx(time.time() - 300, abs=5)
    assert told["exp"] - told["iat"] == 3900


def test_scopes_with_graphs_address_give_its_address_as_audience(sandbox, http):
    code = sign_in(sandbox, http, scope=f"{GRAPH}/User.Read")["code"]
    token = redeem(sandbox, http, code).json()["access_token"]
    assert (claims(token)["aud"], claims(token)["scp"]) == (GRAPH, "User.Read")


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
        return token_checks.check_access_token(text, keys, authority, now, store.grants.is_revoked)

    return check


def test_a_good_token_gives_its_claims(check, token):
    assert check(token)["scp"] == "Mail.Send"


def test_subjects_differ_from_app_to_app(issue, store):
    other = replace(issue, app=store.register("Other", []))
    assert issue.subject != other.subject


@pytest.mark.parametrize(("claim", "seconds"), [("nbf", -1), ("exp", 1), ("exp", 10**9)])
def test_a_token_is_good_in_its_time_only(check, token, claim, seconds):
    with pytest.raises(token_checks.TokenExpired):
        check(token, now=check(token)[claim] + seconds)


def test_a_revoked_family_is_refused(check, token, store):
    store.grants.revoke("family")
    with pytest.raises(token_checks.TokenRevoked):
        check(token)


def test_an_id_token_is_no_access_token(check, issue):
    with pytest.raises(token_checks.WrongAudience):
        check(tokens.id_token_v2(issue, ["openid"]))


def test_an_unsigned_id_token_is_no_access_token(check, issue):
    with pytest.raises(token_checks.BadSignature):
        check(tokens.id_token_v1(issue))


def test_a_token_for_another_api_is_refused(check, issue):
    with pytest.raises(token_checks.WrongAudience, match="Invalid audience"):
        check(tokens.access_token(issue, "https://vault.azure.net", ["x"]))


def test_a_token_of_another_sandbox_address_is_refused(check, token):
    with pytest.raises(token_checks.WrongIssuer):
        check(token, authority="http://localhost:2")


@pytest.mark.parametrize(
    "issuer",
    [
        "https://sts.windows.net/5f6ae2d1-3c1b-4d0e-9a57-2b8f1c0e7d42/",
        "https://login.microsoftonline.com/5f6ae2d1-3c1b-4d0e-9a57-2b8f1c0e7d42/v2.0",
        "https://login.microsoftonline.us/x/v2.0",
        "https://login.windows.net/x/",
    ],
)
def test_one_of_microsofts_tokens_is_refused_and_told_so(check, token, issuer):
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    theirs = jwt.encode(claims(token) | {"iss": issuer}, stranger, "RS256", {"kid": "theirs"})
    with pytest.raises(token_checks.WrongIssuer, match="issued by Microsoft"):
        check(theirs)
