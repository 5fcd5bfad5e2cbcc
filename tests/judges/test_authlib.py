"""Authlib's client for requests, and joserfc to check what it was given.

It takes everything from the discovery document, which OAuth2Session leaves to its caller to read.
"""

import pytest
from authlib.common.errors import AuthlibBaseError
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet

from tests.sandbox.entra import register

SCOPES = "openid profile offline_access User.Read"


@pytest.fixture
def metadata(sandbox, http):
    address = f"{sandbox.authority}/{sandbox.tenant}/v2.0/.well-known/openid-configuration"
    return http.get(address).json()


@pytest.fixture
def app(sandbox, metadata, person):
    """Make the app's client; the tests close each."""
    made = []

    def client(**changes) -> OAuth2Session:
        known = {
            "client_id": sandbox.client_id,
            "client_secret": sandbox.client_secret,
            "scope": SCOPES,
            "redirect_uri": person.redirect_uri,
            "token_endpoint": metadata["token_endpoint"],
            "code_challenge_method": "S256",
        }
        made.append(OAuth2Session(**known | changes))
        return made[-1]

    yield client
    for one in made:
        one.close()


@pytest.fixture
def sign_in(metadata, person):
    """Sign a person in; return the token."""

    def run(client, ask=None, verifier=None, **wishes):
        asked = {"nonce": "n-1", "code_verifier": generate_token(48), **(ask or {})}
        link, state = client.create_authorization_url(metadata["authorization_endpoint"], **asked)
        back = person.opens(link, **wishes)
        known = {"authorization_response": back, "state": state}
        return client.fetch_token(code_verifier=verifier or asked["code_verifier"], **known)

    return run


@pytest.mark.parametrize("way", ["client_secret_basic", "client_secret_post"])
def test_it_signs_a_person_in_and_refreshes(sandbox, app, sign_in, way):
    client = app(token_endpoint_auth_method=way)
    token = sign_in(client)
    assert token["scope"] == "openid profile User.Read"
    me = client.get(f"{sandbox.graph}/v1.0/me").json()
    assert me["userPrincipalName"] == sandbox.user

    fresh = client.refresh_token(client.metadata["token_endpoint"])
    assert fresh["access_token"] != token["access_token"]
    assert fresh["refresh_token"] != token["refresh_token"]
    assert client.get(f"{sandbox.graph}/v1.0/me").status_code == 200


def test_it_refreshes_by_itself_before_a_call(sandbox, app, sign_in):
    saved = []
    client = app(update_token=lambda token, **old: saved.append((token, old)))
    token = sign_in(client)
    client.token = {**token, "expires_at": 1}
    assert client.get(f"{sandbox.graph}/v1.0/me").status_code == 200
    ((fresh, old),) = saved
    assert old == {"refresh_token": token["refresh_token"]}
    assert fresh["access_token"] != token["access_token"]


def checked(id_token, metadata, keys, **changes) -> CodeIDToken:
    """Check an id_token as OpenID Connect Core asks for (section 3.1.3.7)."""
    algorithms = metadata["id_token_signing_alg_values_supported"]
    token = jwt.decode(id_token, keys, algorithms=algorithms)
    wanted = {"iss": metadata["issuer"], "aud": changes.pop("client_id"), **changes}
    claims = CodeIDToken(token.claims, token.header, {"iss": {"value": wanted["iss"]}}, wanted)
    claims.validate()
    return claims


def test_the_id_token_stands_every_check(sandbox, http, metadata, app, sign_in):
    keys = KeySet.import_key_set(http.get(metadata["jwks_uri"]).json())
    token = sign_in(app())
    known = {"client_id": sandbox.client_id, "nonce": "n-1"}
    claims = checked(token["id_token"], metadata, keys, **known)
    assert claims["preferred_username"] == sandbox.user
    assert (claims["aud"], claims["tid"]) == (sandbox.client_id, sandbox.tenant)


def test_a_changed_id_token_does_not(sandbox, http, metadata, app, sign_in):
    keys = KeySet.import_key_set(http.get(metadata["jwks_uri"]).json())
    head, _, rest = sign_in(app())["id_token"].partition(".")
    _, _, signature = rest.partition(".")
    other = sign_in(app(), {"nonce": "n-2"})["id_token"].split(".")[1]
    with pytest.raises(BadSignatureError):
        jwt.decode(f"{head}.{other}.{signature}", keys, algorithms=["RS256"])


def test_its_metadata_name_the_endpoint_of_the_person_too(sandbox, metadata, app, sign_in):
    client = app()
    sign_in(client)
    said = client.get(metadata["userinfo_endpoint"]).json()
    assert said["name"] and said["sub"]


def refused(sign_in, client, *asked, **wishes) -> tuple[str, str]:
    """Return the error that Authlib raises, and the first word of its description."""
    with pytest.raises(AuthlibBaseError) as refusal:
        sign_in(client, *asked, **wishes)
    return refusal.value.error, (refusal.value.description or "").partition(":")[0]


@pytest.mark.parametrize("way", ["client_secret_basic", "client_secret_post"])
def test_it_reports_a_wrong_secret(app, sign_in, way):
    client = app(client_secret="wrong~secret", token_endpoint_auth_method=way)
    assert refused(sign_in, client) == ("invalid_client", "AADSTS7000215")


def test_it_reports_a_missing_secret(app, sign_in):
    client = app(client_secret=None, token_endpoint_auth_method="none")
    assert refused(sign_in, client) == ("invalid_client", "AADSTS7000218")


def test_it_reports_a_secret_that_a_public_client_must_not_send(sandbox, http, app, sign_in):
    uris = ["http://localhost/connect/get_token/"]
    public = register(sandbox, http, platform="publicClient", redirect_uris=uris)
    client = app(client_id=public.client_id, client_secret=public.client_secret)
    assert refused(sign_in, client)[1] == "AADSTS700025"
    client = app(client_id=public.client_id, token_endpoint_auth_method="none")
    assert sign_in(client)["token_type"] == "Bearer"


def test_it_reports_a_wrong_verifier(app, sign_in):
    wrong = {"verifier": "another-verifier-" * 3}
    assert refused(sign_in, app(), **wrong) == ("invalid_grant", "AADSTS501481")


def test_it_reports_a_code_that_was_used(metadata, app, person):
    client = app()
    verifier = generate_token(48)
    where = metadata["authorization_endpoint"]
    link, _ = client.create_authorization_url(where, code_verifier=verifier)
    back = person.opens(link)
    client.fetch_token(authorization_response=back, code_verifier=verifier)
    with pytest.raises(OAuthError, match="invalid_grant: AADSTS54005: "):
        client.fetch_token(authorization_response=back, code_verifier=verifier)


def test_it_leaves_the_reading_of_error_in_the_redirect_to_its_caller(app, sign_in):
    # OAuth2Session looks for "code=" only. Without it, it asks as the app itself, with scopes
    # that are a person's; and `error_subcode=cancel` it takes for a code.
    assert refused(sign_in, app(), decline=True) == ("invalid_scope", "AADSTS1002012")
    assert refused(sign_in, app(), cancel=True)[0] == "missing_code"


def test_it_reports_a_refresh_token_that_is_none(app):
    client = app()
    with pytest.raises(OAuthError, match="invalid_grant: AADSTS9002313: "):
        client.refresh_token(client.metadata["token_endpoint"], refresh_token="made-up")


def test_it_hands_on_that_a_token_is_too_old_for_graph(sandbox, app, sign_in, later):
    client = app()
    sign_in(client)
    later(2 * 3600)  # the sandbox's clock: Authlib thinks the token is good
    answer = client.get(f"{sandbox.graph}/v1.0/me")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (401, "InvalidAuthenticationToken")
    assert "Lifetime validation failed, the token is expired." in error["message"]
