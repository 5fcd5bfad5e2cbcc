import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphhelpers import (
    DEFAULT_REDIRECT_URI,
    MICROSOFT,
    US_GOV_L4,
    Registration,
    RegistrationError,
    sandbox_cloud,
)
from graphhelpers.registration import listens_at

CLIENT_ID = "11112222-bbbb-3333-cccc-4444dddd5555"
TENANT_ID = "5f6ae2d1-3c1b-4d0e-9a57-2b8f1c0e7d42"
SECRET = "qWe8Q~" + "aSdF-yXcV_bNm.1234567890qwertzuiop"  # in two pieces, for the leak guard


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPHHELPERS_HOME", str(tmp_path / "kept"))
    return tmp_path / "kept"


@pytest.mark.case("F192")
def test_what_is_saved_is_loaded_again_per_cloud(home):
    Registration(CLIENT_ID, SECRET, tenant="contoso.example").save()
    Registration(CLIENT_ID, None, cloud=US_GOV_L4).save()
    loaded = Registration.load()
    assert (loaded.client_id, loaded.client_secret, loaded.tenant, loaded.cloud) == (
        CLIENT_ID, SECRET, "contoso.example", MICROSOFT,
    )  # fmt: skip
    assert Registration.load(US_GOV_L4).client_secret is None


def test_a_sandbox_keeps_no_address(home):
    first = sandbox_cloud("http://localhost:1111", "http://localhost:1111")
    path = Registration(CLIENT_ID, SECRET, cloud=first).save()
    assert "1111" not in path.read_text("utf-8").replace(CLIENT_ID, "")
    second = sandbox_cloud("http://localhost:2222", "http://localhost:2222")
    assert Registration.load(second).cloud.authority == "http://localhost:2222"


@pytest.mark.case("F173")
def test_nothing_saved_says_where_to_register():
    with pytest.raises(RegistrationError, match="01_register"):
        Registration.load()


def test_a_default_serves_where_nothing_is_saved():
    ready_made = Registration(CLIENT_ID)
    assert Registration.load(default=ready_made) is ready_made
    Registration(CLIENT_ID, SECRET).save()
    assert Registration.load(default=ready_made).client_secret == SECRET


@pytest.mark.case("F189")
def test_forgetting_takes_one_cloud_only_and_twice_is_fine():
    Registration(CLIENT_ID, SECRET).save()
    Registration(CLIENT_ID, SECRET, cloud=US_GOV_L4).save()
    Registration.forget()
    Registration.forget()
    assert Registration.load(US_GOV_L4)
    with pytest.raises(RegistrationError):
        Registration.load()


@pytest.mark.case("F179")
@pytest.mark.skipif(os.name != "posix", reason="file modes are a POSIX matter")
def test_the_file_is_for_its_owner_only_whatever_the_umask(home):
    before = os.umask(0)
    try:
        path = Registration(CLIENT_ID, SECRET).save()
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@pytest.mark.case("F174")
@pytest.mark.parametrize("damage", ["", "{", "[]", '{"Microsoft": 1}', "[" * 100_000, "\x00"])
def test_a_damaged_file_is_moved_aside_and_told(home, damage):
    path = Registration(CLIENT_ID, SECRET).save()
    path.write_text(damage, "utf-8")
    with pytest.raises(RegistrationError, match="moved aside"):
        Registration.load()
    assert [p.read_text("utf-8") for p in home.glob("*.damaged-*")] == [damage]
    Registration(CLIENT_ID, SECRET).save()
    assert Registration.load().client_secret == SECRET


def test_a_home_that_cannot_be_written_to_is_told(home):
    home.write_text("a file where the folder should be")
    with pytest.raises(RegistrationError, match="can't be saved in") as caught:
        Registration(CLIENT_ID, SECRET).save()
    assert "GRAPHHELPERS_HOME" in caught.value.fix


@pytest.mark.case("F207")
def test_the_secret_is_not_shown():
    app = Registration(CLIENT_ID, SECRET)
    assert SECRET not in repr(app) and SECRET not in f"{vars(app)}"
    assert app.client_secret == SECRET


def refused(**changes) -> str:
    values = {"client_id": CLIENT_ID, "client_secret": SECRET} | changes
    with pytest.raises(RegistrationError) as caught:
        Registration(**values)
    assert SECRET not in str(caught.value)
    return str(caught.value)


@pytest.mark.case("F059", "N64")
def test_a_secret_shaped_like_a_guid_is_the_secrets_id():
    assert "Copy the Value" in refused(client_secret="aaaabbbb-1111-2222-3333-444455556666")


@pytest.mark.case("F057")
@pytest.mark.parametrize("extra", [" ", "\n", "\u200b", "\t", "\ufeff", '"'])
@pytest.mark.parametrize("name", ["client_id", "client_secret", "tenant"])
def test_what_a_copy_brings_along_is_refused_with_its_position(name, extra):
    value = {"client_id": CLIENT_ID, "client_secret": SECRET, "tenant": "common"}[name]
    assert f"position {len(value) + 1}" in refused(**{name: value + extra})
    assert "position 1" in refused(**{name: extra + value})


@pytest.mark.case("F058", "F060")
@pytest.mark.parametrize(
    "client_id",
    [
        "",
        "your-client-id",
        "<client id>",
        CLIENT_ID[:-1],
        "0" * 8 + "-0000" * 3 + "-" + "0" * 12,
        None,
        7,
    ],
)
def test_a_client_id_is_a_guid(client_id):
    refused(client_id=client_id)


@pytest.mark.case("F058")
@pytest.mark.parametrize(
    "tenant",
    [
        "https://login.microsoftonline.com/common",
        "contoso",
        "Common",
        "a b",
        "",
        "x.y/z",
        "..",
        None,
    ],
)
def test_a_tenant_is_a_name_and_never_an_address(tenant):
    refused(tenant=tenant)


@pytest.mark.parametrize(
    "tenant", ["common", "organizations", "consumers", TENANT_ID, "contoso.onmicrosoft.com"]
)
def test_each_kind_of_tenant_is_taken(tenant):
    assert Registration(CLIENT_ID, tenant=tenant).tenant == tenant


@pytest.mark.case("F067", "N03", "N66")
@pytest.mark.parametrize(
    "uri",
    [
        "https://localhost:8000/connect/get_token/",
        "https://127.0.0.1/connect/get_token/",
        "http://hub.example:8000/user/ada/proxy/8000/",
        "https://hub.example:99999/",
        "https://hub.example/proxy/65536/",
        "http://localhost:9000/proxy/99999/",
        "https://name-70000.app.github.dev/",
        "https://user@hub.example/",
        "https://hub.example/?query=1",
        "https://hub.example/#fragment",
        "https:///connect/get_token/",
        "https://hub.example\\.evil.example/",
        "https://[hub.example/",
        "http://example.com:8000/",
        "http://0.0.0.0:8000/",
        "http://192.168.1.2:8000/",
        "http://localhost/no/port",
        "http://localhost:0/",
        "http://localhost:99999/",
        "http://localhost:8000/#fragment",
        "http://localhost:8000/?query=1",
        "http://user@localhost:8000/",
        "http://localhost:8000.evil.example/",
        "localhost:8000",
        "http://[::1:8000/",
        "http://localhost:8000/" + "x" * 256,
        "",
    ],
)
def test_a_redirect_uri_that_could_not_work_is_refused(uri):
    refused(redirect_uri=uri)


@pytest.mark.case("N66", "N28")
@pytest.mark.parametrize(
    "uri",
    [
        DEFAULT_REDIRECT_URI,
        "http://127.0.0.1:8000/connect/get_token/",
        "http://localhost:8000/connect/get_token",
        "http://[::1]:49152/cb",
        "http://localhost:8000",
    ],
)
def test_a_loopback_uri_is_kept_as_typed(uri):
    assert Registration(CLIENT_ID, redirect_uri=uri).redirect_uri == uri


HUB = "hub.example"
HERE = "localhost"


@pytest.mark.parametrize(
    ("uri", "arrives"),
    [
        ("https://hub.example/user/ada/proxy/8000/cb/", (HERE, 8000, "/cb/", {HUB})),
        ("https://Hub.example:443/proxy/8000", (HERE, 8000, "/", {HUB})),
        ("https://hub.example:8443/proxy/8000/", (HERE, 8000, "/", {"hub.example:8443"})),
        ("https://hub.example/a/proxy/absolute/80/b", (HERE, 80, "/a/proxy/absolute/80/b", {HUB})),
        ("https://hub.example/proxy/8000/proxy/9/b", (HERE, 8000, "/proxy/9/b", {HUB})),
        ("https://hub.example/proxy/name/8000/", (HERE, 0, "/proxy/name/8000/", {HUB})),
        ("http://localhost:9000/u/proxy/8101/cb/", (HERE, 8101, "/cb/", {"localhost:9000"})),
        ("http://127.0.0.1:80/u/proxy/8101/cb/", (HERE, 8101, "/cb/", {"127.0.0.1"})),
        ("https://login.example/cb", (HERE, 0, "/cb", {"login.example"})),
        ("https://name-8000.evil.example/cb", (HERE, 0, "/cb", {"name-8000.evil.example"})),
    ],
)
def test_a_public_uri_tells_where_its_answer_arrives(uri, arrives):
    assert listens_at(Registration(CLIENT_ID, redirect_uri=uri).redirect_uri) == arrives


@pytest.mark.parametrize(
    "host",
    ["name-8000.app.github.dev", "a-b-c-8000.preview.app.github.dev", "x-8000.euw.devtunnels.ms"],
)
def test_a_tunnel_names_the_port_in_its_host(host):
    _here, port, path, names = listens_at(f"https://{host}/cb/")
    assert (port, path) == (8000, "/cb/")
    assert names == {host, HERE, "localhost:8000", "127.0.0.1:8000", "[::1]:8000"}


@given(st.text(max_size=60))
def test_any_text_is_either_a_registration_or_a_clear_refusal(text):
    for name in ("client_id", "client_secret", "redirect_uri", "tenant"):
        try:
            app = Registration(**{"client_id": CLIENT_ID, name: text})
        except RegistrationError as error:
            assert len(str(error).splitlines()) >= 3
        else:
            assert getattr(app, name) == text
