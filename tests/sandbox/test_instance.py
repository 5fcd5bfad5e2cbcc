"""Instance discovery: is this host a sign-in service?"""

import pytest


def ask(sandbox, http, endpoint, version="1.1"):
    query = {"api-version": version, "authorization_endpoint": endpoint}
    present = {name: value for name, value in query.items() if value is not None}
    return http.get(f"{sandbox.authority}/common/discovery/instance", params=present)


@pytest.mark.parametrize(
    "endpoint, metadata",
    [
        ("common/oauth2/authorize", "common/.well-known/openid-configuration"),
        ("common/oauth2/v2.0/authorize", "common/v2.0/.well-known/openid-configuration"),
        ("contoso.example/oauth2/v2.0/authorize", "contoso.example/v2.0/.well-known/openid-co"),
    ],
)
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_sandbox_knows_itself(sandbox, http, endpoint, metadata, version):
    found = ask(sandbox, http, f"{sandbox.authority}/{endpoint}", version).json()
    assert found["api-version"] == version
    assert found["tenant_discovery_endpoint"].startswith(f"{sandbox.authority}/{metadata}")
    assert http.get(found["tenant_discovery_endpoint"]).json()["issuer"]
    (one,) = found["metadata"]
    host = sandbox.authority.partition("://")[2]
    assert one["preferred_network"] == one["preferred_cache"] == host
    assert host in one["aliases"]


def test_another_name_of_loopback_is_the_same_instance(sandbox, http):
    address = f"{sandbox.authority.replace('localhost', '127.0.0.1')}/common/oauth2/authorize"
    assert ask(sandbox, http, address).status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "https://login.microsoftonline.com/common/oauth2/authorize",
        "http://localhost/common/oauth2/authorize",
        "http://localhost.evil.example/common",
        "http://[/common",
        "common",
    ],
)
def test_any_other_host_is_no_instance(sandbox, http, address):
    answer = ask(sandbox, http, address)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_instance")
    text = "AADSTS50049: Unknown or invalid instance. Trace ID: "
    assert answer.json()["error_description"].startswith(text)


def test_an_unknown_tenant_is_refused(sandbox, http):
    answer = ask(sandbox, http, f"{sandbox.authority}/fabrikam.example/oauth2/authorize")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_tenant")


@pytest.mark.parametrize("missing", ["api-version", "authorization_endpoint"])
def test_both_parameters_are_needed(sandbox, http, missing):
    query = {"api-version": "1.1", "authorization_endpoint": f"{sandbox.authority}/common/"}
    del query[missing]
    answer = http.get(f"{sandbox.authority}/common/discovery/instance", params=query)
    assert answer.json()["error_codes"] == [900144] and missing in answer.text


def test_an_unknown_version_is_refused(sandbox, http):
    answer = ask(sandbox, http, f"{sandbox.authority}/common/oauth2/authorize", "9")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
