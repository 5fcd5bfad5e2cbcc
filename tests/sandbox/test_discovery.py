"""The metadata documents and the keys."""

import pytest

NOBODY = "11111111-2222-4333-8444-555555555555"


def metadata(sandbox, http, tenant, version):
    folder = "" if version == "v1" else "v2.0/"
    return http.get(f"{sandbox.authority}/{tenant}/{folder}.well-known/openid-configuration")


@pytest.mark.parametrize("tenant", ["common", "organizations"])
def test_v2s_shared_document_leaves_the_tenant_open(sandbox, http, tenant):
    document = metadata(sandbox, http, tenant, "v2.0").json()
    assert document["issuer"] == sandbox.authority + "/{tenantid}/v2.0"
    assert document["tenant_region_scope"] is None


@pytest.mark.parametrize("door", ["contoso.example", None])
def test_the_tenants_document_names_it(sandbox, http, door):
    tenant = door or sandbox.tenant
    base = f"{sandbox.authority}/{tenant}"
    document = metadata(sandbox, http, tenant, "v2.0").json()
    assert document["issuer"] == f"{sandbox.authority}/{sandbox.tenant}/v2.0"
    assert document["authorization_endpoint"] == f"{base}/oauth2/v2.0/authorize"
    assert document["token_endpoint"] == f"{base}/oauth2/v2.0/token"
    assert document["end_session_endpoint"] == f"{base}/oauth2/v2.0/logout"


def test_v1_has_its_own_issuer_and_endpoints(sandbox, http):
    base = f"{sandbox.authority}/{sandbox.tenant}"
    document = metadata(sandbox, http, sandbox.tenant, "v1").json()
    assert document["issuer"] == f"{base}/"
    assert document["authorization_endpoint"] == f"{base}/oauth2/authorize"
    assert document["token_endpoint"] == f"{base}/oauth2/token"
    assert document["jwks_uri"] == f"{sandbox.authority}/common/discovery/keys"
    assert document["scopes_supported"] == ["openid"]
    assert document["microsoft_multi_refresh_token"] is True


def test_personal_accounts_have_one_fixed_issuer(sandbox, http):
    document = metadata(sandbox, http, "consumers", "v2.0").json()
    known = "9188040d-6c67-4c5b-b112-36a304b66dad"
    assert document["issuer"] == f"{sandbox.authority}/{known}/v2.0"


def test_v2_says_what_microsoft_says(sandbox, http):
    document = metadata(sandbox, http, "common", "v2.0").json()
    assert document["response_modes_supported"] == ["query", "fragment", "form_post"]
    assert document["subject_types_supported"] == ["pairwise"]
    assert document["id_token_signing_alg_values_supported"] == ["RS256"]
    assert document["scopes_supported"] == ["openid", "profile", "email", "offline_access"]
    assert document["response_types_supported"] == [
        "code",
        "id_token",
        "code id_token",
        "id_token token",
    ]
    assert document["request_uri_parameter_supported"] is False
    assert "code_challenge_methods_supported" not in document  # though PKCE works


@pytest.mark.parametrize("version", ["v1", "v2.0"])
def test_every_endpoint_of_the_document_answers(sandbox, http, version):
    document = metadata(sandbox, http, "common", version).json()
    names = [name for name in document if name.endswith(("_endpoint", "_uri"))]
    assert set(names) >= {"authorization_endpoint", "token_endpoint", "jwks_uri"}
    for name in names:
        assert http.get(document[name]).status_code != 404, name


@pytest.mark.parametrize("version", ["v1", "v2.0"])
def test_an_unknown_tenant_has_no_metadata(sandbox, http, version):
    answer = metadata(sandbox, http, NOBODY, version)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_tenant")
    assert answer.json()["error_description"].startswith(
        f"AADSTS90002: Tenant '{NOBODY}' not found. Check to make sure you have the correct tenant"
    )


@pytest.mark.parametrize("path", ["discovery/keys", "discovery/v2.0/keys"])
def test_the_keys_are_published_for_every_door(sandbox, http, path):
    documents = [
        http.get(f"{sandbox.authority}/{door}/{path}").json()
        for door in ("common", "organizations", sandbox.tenant)
    ]
    assert documents[0] == documents[1] == documents[2]
    assert http.get(f"{sandbox.authority}/{NOBODY}/{path}").status_code == 400


def test_a_key_has_microsofts_members(sandbox, http):
    (key,) = http.get(f"{sandbox.authority}/common/discovery/v2.0/keys").json()["keys"]
    assert set(key) == {"kty", "use", "kid", "x5t", "n", "e", "x5c", "issuer"}
    assert (key["kty"], key["use"], key["e"]) == ("RSA", "sig", "AQAB")
    assert key["kid"] == key["x5t"]
    assert key["issuer"] == sandbox.authority + "/{tenantid}/v2.0"


def test_v1s_keys_do_not_say_who_signs(sandbox, http):
    (key,) = http.get(f"{sandbox.authority}/common/discovery/keys").json()["keys"]
    assert "issuer" not in key
