"""Asking who signed in: the userinfo endpoints of both versions."""

import jwt
import pytest

from tests.sandbox.entra import redeem, sign_in

FORBIDDEN = "Insufficient privileges to complete the operation."


def signed_in(sandbox, http, version="v2.0", **changes):
    """Return the fields of a token answer."""
    code = sign_in(sandbox, http, version, **changes)["code"]
    return redeem(sandbox, http, code, version).json()


def address(sandbox, http, version):
    folder = "" if version == "v1" else "v2.0/"
    metadata = f"{sandbox.authority}/common/{folder}.well-known/openid-configuration"
    return http.get(metadata).json()["userinfo_endpoint"]


def ask(sandbox, http, token, version="v2.0", method="GET"):
    headers = {"Authorization": f"Bearer {token}"}
    return http.request(method, address(sandbox, http, version), headers=headers)


def test_the_metadata_names_microsofts_addresses(sandbox, http):
    assert address(sandbox, http, "v2.0") == f"{sandbox.graph}/oidc/userinfo"
    assert address(sandbox, http, "v1") == f"{sandbox.authority}/common/openid/userinfo"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_userinfo_tells_what_the_scopes_allow(sandbox, http, method):
    tokens = signed_in(sandbox, http, scope="openid profile email User.Read")
    told = ask(sandbox, http, tokens["access_token"], method=method).json()
    assert told == {
        "sub": told["sub"],
        "name": "Ada Lovelace",
        "family_name": "Lovelace",
        "given_name": "Ada",
        "picture": f"{sandbox.graph}/v1.0/me/photo/$value",
        "email": "ada@contoso.example",
    }


def test_the_subject_is_the_id_tokens(sandbox, http):
    tokens = signed_in(sandbox, http, scope="openid")
    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert ask(sandbox, http, tokens["access_token"]).json() == {"sub": claims["sub"]}


def test_a_token_without_openid_is_forbidden(sandbox, http):
    token = signed_in(sandbox, http, scope="User.Read")["access_token"]
    answer = ask(sandbox, http, token)
    assert (answer.status_code, answer.json()["error"]["message"]) == (403, FORBIDDEN)


def test_v1_asks_for_no_scope(sandbox, http):
    tokens = signed_in(sandbox, http, "v1")
    told = ask(sandbox, http, tokens["access_token"], "v1").json()
    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert (told["sub"], told["name"]) == (claims["sub"], "Ada Lovelace")
    assert told["email"] == "ada@contoso.example"


@pytest.mark.parametrize("version", ["v1", "v2.0"])
@pytest.mark.parametrize("token", ["", "x", "a.b.c"])
def test_no_good_token_is_told_nothing(sandbox, http, version, token):
    answer = ask(sandbox, http, token, version)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"
    assert answer.headers["www-authenticate"].startswith("Bearer ")


def test_an_id_token_opens_nothing(sandbox, http):
    assert ask(sandbox, http, signed_in(sandbox, http)["id_token"]).status_code == 401


def test_an_unknown_tenant_has_no_userinfo(sandbox, http):
    answer = http.get(f"{sandbox.authority}/fabrikam.example/openid/userinfo")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_tenant")
