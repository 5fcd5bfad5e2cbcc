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
def test_the_tenants_document_names_it_by_its_id(sandbox, http, door):
    base = f"{sandbox.authority}/{sandbox.tenant}"
    document = metadata(sandbox, http, door or sandbox.tenant, "v2.0").json()
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
    names = {name for name in document if name.endswith(("_endpoint", "_uri"))}
    assert names >= {"authorization_endpoint", "token_endpoint", "jwks_uri"}
    names.discard("kerberos_endpoint")  # the sandbox has no Kerberos
    for name in names:
        assert http.get(document[name]).status_code != 404, name


SHARED_FIELDS = {
    "issuer", "authorization_endpoint", "token_endpoint", "device_authorization_endpoint",
    "end_session_endpoint", "jwks_uri", "userinfo_endpoint", "response_modes_supported",
    "token_endpoint_auth_methods_supported", "response_types_supported", "scopes_supported",
    "subject_types_supported", "id_token_signing_alg_values_supported", "claims_supported",
    "http_logout_supported", "frontchannel_logout_supported", "tenant_region_scope",
    "cloud_instance_name", "cloud_graph_host_name", "msgraph_host", "rbac_url",
}  # fmt: skip


@pytest.mark.parametrize("door", ["common", "organizations", "consumers", "contoso.example"])
def test_a_document_has_microsofts_fields_and_no_other(sandbox, http, door):
    v1, v2 = (metadata(sandbox, http, door, version).json() for version in ("v1", "v2.0"))
    assert set(v1) == SHARED_FIELDS | {"microsoft_multi_refresh_token"}
    assert set(v2) == SHARED_FIELDS | {"request_uri_parameter_supported", "kerberos_endpoint"}
    methods = ["client_secret_post", "private_key_jwt", "client_secret_basic"]
    for document in (v1, v2):
        assert document["token_endpoint_auth_methods_supported"] == methods
        assert document["cloud_instance_name"] == "microsoftonline.com"
        assert document["cloud_graph_host_name"] == "graph.windows.net"
        assert document["msgraph_host"] == "graph.microsoft.com"
        assert document["rbac_url"] == "https://pas.windows.net"
        assert document["http_logout_supported"] is True
        assert document["frontchannel_logout_supported"] is True
    types = ["code", "id_token", "code id_token", "token id_token", "token"]
    assert v1["response_types_supported"] == types


def test_v2_keeps_the_keys_at_the_same_door_and_v1_at_the_shared_one(sandbox, http):
    base = f"{sandbox.authority}/{sandbox.tenant}"
    v1, v2 = (metadata(sandbox, http, sandbox.tenant, one).json() for one in ("v1", "v2.0"))
    assert v2["jwks_uri"] == f"{base}/discovery/v2.0/keys"
    assert v1["jwks_uri"] == f"{sandbox.authority}/common/discovery/keys"


@pytest.mark.parametrize(("version", "path"), [("v1", "keys"), ("v2.0", "v2.0/keys")])
def test_an_app_may_ask_for_keys_of_its_own(sandbox, http, version, path):
    folder = "" if version == "v1" else "v2.0/"
    address = f"{sandbox.authority}/common/{folder}.well-known/openid-configuration"
    keys = http.get(address, params={"appid": sandbox.client_id}).json()["jwks_uri"]
    assert keys == f"{sandbox.authority}/common/discovery/{path}?appid={sandbox.client_id}"
    assert http.get(keys).json() == http.get(keys.partition("?")[0]).json()


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
    for key in http.get(f"{sandbox.authority}/common/discovery/v2.0/keys").json()["keys"]:
        assert set(key) == {"kty", "use", "kid", "x5t", "n", "e", "x5c", "issuer"}
        assert (key["kty"], key["use"], key["e"]) == ("RSA", "sig", "AQAB")
        assert key["kid"] == key["x5t"]
        assert key["issuer"] == sandbox.authority + "/{tenantid}/v2.0"


def test_v1s_keys_do_not_say_who_signs(sandbox, http):
    keys = http.get(f"{sandbox.authority}/common/discovery/keys").json()["keys"]
    assert keys
    assert not [key for key in keys if "issuer" in key]
