"""An app that signs in by itself: the token it gets, and what it can't do with it."""

import jwt
import pytest

from tests.sandbox.entra import register, token_request

GRAPH = "https://graph.microsoft.com"
DEFAULT = f"{GRAPH}/.default"


def ask(app, http, version="v2.0", tenant=None, **changes):
    usual = {"resource": GRAPH} if version == "v1" else {"scope": DEFAULT}
    fields = {"grant_type": "client_credentials", **usual, **changes}
    return token_request(app, http, version, tenant or app.tenant, **fields)


def refusal(answer):
    body = answer.json()
    return answer.status_code, body["error"], body["error_description"].split(" Trace ID")[0]


@pytest.mark.parametrize("door", [None, "contoso.example", "organizations"])
@pytest.mark.parametrize("scope", [DEFAULT, ".default"])
def test_an_app_gets_an_access_token_and_no_other(sandbox, http, door, scope):
    fields = ask(sandbox, http, tenant=door, scope=scope).json()
    assert set(fields) == {"token_type", "expires_in", "ext_expires_in", "access_token"}
    assert (fields["token_type"], fields["expires_in"]) == ("Bearer", 3599)


def test_v1_answers_in_texts(sandbox, http):
    fields = ask(sandbox, http, "v1").json()
    assert all(isinstance(value, str) for value in fields.values())
    assert (fields["resource"], fields["expires_in"]) == (GRAPH, "3599")
    assert int(fields["expires_on"]) - int(fields["not_before"]) == 3900
    assert not {"refresh_token", "id_token", "scope"} & set(fields)


def test_the_token_names_the_app_and_no_person(sandbox, http):
    token = ask(sandbox, http).json()["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert (claims["idtyp"], claims["appid"]) == ("app", sandbox.client_id)
    assert claims["oid"] == claims["sub"]
    assert (claims["aud"], claims["tid"]) == (GRAPH, sandbox.tenant)
    assert claims["exp"] - claims["iat"] == 3900
    assert not {"scp", "upn", "name", "roles"} & set(claims)


@pytest.mark.parametrize("path", ["me", "me/messages", "me/sendMail", "me/mailFolders/inbox"])
def test_graph_knows_no_me_where_nobody_signed_in(sandbox, http, path):
    headers = {"Authorization": f"Bearer {ask(sandbox, http).json()['access_token']}"}
    method = "POST" if path.endswith("sendMail") else "GET"
    answer = http.request(method, f"{sandbox.graph}/v1.0/{path}", headers=headers)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "BadRequest")
    assert error["message"] == "/me request is only valid with delegated authentication flow."


@pytest.mark.parametrize("path", ["v1.0/users/{0}", "v1.0/users/{0}/messages", "oidc/userinfo"])
def test_graph_tells_an_app_without_a_permission_of_its_own_nothing(sandbox, http, path):
    headers = {"Authorization": f"Bearer {ask(sandbox, http).json()['access_token']}"}
    answer = http.get(f"{sandbox.graph}/{path.format(sandbox.user)}", headers=headers)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (403, "Authorization_RequestDenied")
    assert error["message"] == "Insufficient privileges to complete the operation."


@pytest.mark.parametrize("door", ["common", "consumers"])
def test_it_needs_a_tenant(sandbox, http, door):
    audience = "AzureADandPersonalMicrosoftAccount"
    app = register(sandbox, http, sign_in_audience=audience)
    assert refusal(ask(app, http, tenant=door)) == (
        400,
        "invalid_request",
        "AADSTS9001023: The grant type is not supported over the /common or /consumers"
        " endpoints. Please use the /organizations or tenant-specific endpoint.",
    )


@pytest.mark.parametrize("scope", ["User.Read", f"{GRAPH}/User.Read", f"openid {DEFAULT}"])
def test_single_permissions_can_not_be_asked_for(sandbox, http, scope):
    assert refusal(ask(sandbox, http, scope=scope)) == (
        400,
        "invalid_scope",
        f"AADSTS1002012: The provided value for scope {scope} is not valid. Client credential"
        " flows must have a scope value with /.default suffixed to the resource identifier"
        " (application ID URI).",
    )


REFUSED = {
    "no scope": ("v2.0", {"scope": None}, 900144),
    "v1's resource on v2.0": ("v2.0", {"resource": GRAPH}, 901002),
    "no resource": ("v1", {"resource": None}, 900144),
    "another resource": ("v2.0", {"scope": "https://vault.example/.default"}, 500011),
    "another resource on v1": ("v1", {"resource": "https://vault.example"}, 50001),
    "a wrong secret": ("v2.0", {"client_secret": "wrong"}, 7000215),
    "no secret": ("v2.0", {"client_secret": None}, 7000218),
    "an unknown app": ("v2.0", {"client_id": "nobody"}, 700016),
    "an unknown tenant": ("v2.0", {"tenant": "fabrikam.example"}, 90002),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_app_is_refused_for(sandbox, http, case):
    version, changes, number = REFUSED[case]
    answer = ask(sandbox, http, version, **changes)
    assert answer.status_code in (400, 401) and answer.json()["error_codes"] == [number]
