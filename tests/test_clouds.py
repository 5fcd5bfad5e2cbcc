import pytest

from graphhelpers import (
    CHINA,
    MICROSOFT,
    US_GOV_L4,
    US_GOV_L5,
    Cloud,
    Registration,
    RegistrationError,
    sandbox_cloud,
    start_sign_in,
)


def test_version_1_and_version_2_differ_in_the_path():
    assert MICROSOFT.endpoint("common", "authorize", "v1") == (
        "https://login.microsoftonline.com/common/oauth2/authorize"
    )
    assert MICROSOFT.endpoint("common", "token") == (
        "https://login.microsoftonline.com/common/oauth2/v2.0/token"
    )


def test_the_national_clouds_have_their_own_hosts():
    graphs = {cloud.graph for cloud in (MICROSOFT, US_GOV_L4, US_GOV_L5, CHINA)}
    assert graphs == {
        "https://graph.microsoft.com",
        "https://graph.microsoft.us",
        "https://dod-graph.microsoft.us",
        "https://microsoftgraph.chinacloudapi.cn",
    }
    assert CHINA.resource == CHINA.graph


def test_a_sandbox_is_asked_for_the_resource_that_it_imitates():
    cloud = sandbox_cloud("http://localhost:5000/", "http://localhost:5000")
    assert cloud.resource == MICROSOFT.resource == MICROSOFT.graph
    assert cloud.authority == "http://localhost:5000"
    assert cloud.resource == "https://graph.microsoft.com"


@pytest.mark.case("F066", "N02")
@pytest.mark.parametrize(
    "address",
    [
        "http://login.example",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example:80",
        "https://user:pw@login.example",
        "https://login.example?x=1",
        "ftp://localhost",
        "http://[::1",
        "",
    ],
)
def test_an_address_that_would_carry_secrets_in_the_open_is_refused(address):
    with pytest.raises(RegistrationError, match="address of a cloud"):
        Cloud("odd", address, "https://graph.example")


@pytest.mark.case("N02")
@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1:80", "127.8.9.1:80", "[::1]:80"])
def test_plain_http_is_taken_for_loopback(host):
    assert Cloud("here", f"http://{host}", f"http://{host}").resource == MICROSOFT.graph


def test_the_browser_has_an_address_of_its_own_where_a_proxy_stands_between():
    here, hub = "http://localhost:5000", "https://hub.example/services/sandbox"
    cloud = sandbox_cloud(here, here, None, f"{hub}/")
    assert cloud.endpoint("common", "authorize") == f"{hub}/common/oauth2/v2.0/authorize"
    assert cloud.endpoint("common", "logout", "v1") == f"{hub}/common/oauth2/logout"
    assert cloud.endpoint("common", "token") == f"{here}/common/oauth2/v2.0/token"
    assert cloud.metadata_url("common").startswith(here) and cloud.resource == MICROSOFT.graph
    app = Registration("11112222-bbbb-3333-cccc-4444dddd5555", cloud=cloud)
    assert start_sign_in(app).url.startswith(f"{hub}/common/oauth2/v2.0/authorize?")


@pytest.mark.parametrize("address", ["http://hub.example", "hub.example", "javascript:x", "", 7])
def test_the_browsers_address_is_checked_like_the_others(address):
    with pytest.raises(RegistrationError, match="address of a cloud"):
        sandbox_cloud("http://localhost:5000", "http://localhost:5000", public=address)


def test_an_endpoint_version_that_does_not_exist_is_refused():
    with pytest.raises(RegistrationError, match="v3"):
        MICROSOFT.endpoint("common", "token", "v3")
