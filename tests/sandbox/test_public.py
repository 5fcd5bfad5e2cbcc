"""The sandbox behind a proxy: a browser-facing address beside the one that kernels use."""

import base64
import json
import re
import zlib
from types import SimpleNamespace
from urllib.parse import urljoin, urlsplit

import pytest

from graphsandbox import background, public
from tests.sandbox import client, raw
from tests.sandbox.stripping import LIES, stripping_proxy

PREFIX = "/user/ada/proxy/{port}"
PORT_OF_ADA = 20_000 + zlib.crc32(b"/user/ada/") % 10_000


@pytest.fixture
def proxy():
    with stripping_proxy() as one:
        yield one


@pytest.fixture
def proxied(serve, proxy, tmp_path):
    """A sandbox that was told where browsers come from, as its ready line has it."""

    def start(name="home"):
        _, line = serve("--public", proxy.address + PREFIX, home=tmp_path / name)
        return SimpleNamespace(**line)

    return start


@pytest.fixture
def away(serve):
    """A sandbox whose proxy is on another machine."""
    _, line = serve("--public", "https://hub.example/user/ada/proxy/{port}/")
    return SimpleNamespace(**line)


def claims(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def through(sandbox, browser, user="ada@contoso.example"):
    """Sign in by the pages behind the proxy; return the code."""
    there = SimpleNamespace(**vars(sandbox) | {"authority": sandbox.public})
    return client.sign_in(there, browser, user)["code"]


def test_the_ready_line_tells_browsers_and_kernels_apart(away):
    port = urlsplit(away.authority).port
    assert away.authority == away.graph == f"http://localhost:{port}"
    assert away.public == f"https://hub.example/user/ada/proxy/{port}"
    assert (away.portal, away.mailbox) == (f"{away.public}/portal", f"{away.public}/mailbox")


def test_the_registered_app_also_has_the_usual_redirect_uri_by_way_of_the_proxy(away):
    assert away.redirect_uris == [
        f"https://hub.example/user/ada/proxy/{PORT_OF_ADA}/connect/get_token/",
        "http://localhost:8000/connect/get_token/",
        "http://127.0.0.1:8000/connect/get_token/",
    ]


def test_the_redirect_uri_to_use_comes_first_whatever_the_sandbox_was_told_before(serve, tmp_path):
    told = ["https://one.example/{port}", "https://two.example/{port}"]
    for address in (told[0], told[1], told[0], None):
        process, line = serve(*(["--public", address] if address else []), home=tmp_path / "home")
        first = (address or "http://localhost:{port}").replace("{port}", "8000")
        assert line["redirect_uris"][0] == f"{first}/connect/get_token/"
        process.terminate()
        process.wait(10)


def test_without_a_proxy_there_is_no_public_address(sandbox):
    assert sandbox.public is None
    assert sandbox.portal == f"{sandbox.authority}/portal"


def test_a_sign_in_goes_through_a_proxy_that_strips_its_prefix(proxied, http):
    sandbox = proxied()
    code = through(sandbox, http)
    tokens = client.redeem(sandbox, http, code).json()
    assert claims(tokens["id_token"])["iss"] == f"{sandbox.authority}/{sandbox.tenant}/v2.0"
    me = http.get(f"{sandbox.graph}/v1.0/me", headers=client.bearer(tokens["access_token"]))
    assert me.json()["userPrincipalName"] == "ada@contoso.example"


def test_every_link_form_and_style_of_a_proxied_page_stays_below_the_prefix(proxied, http):
    sandbox = proxied()
    for path in ("/", "/portal", "/portal/new", f"/portal/apps/{sandbox.client_id}", "/mailbox"):
        page = http.get(sandbox.public + path)
        links = re.findall(r'(?:href|action|src)="([^"]+)"', page.text)
        assert links and "on your notebook&#39;s computer" in page.text
        for link in links:
            if not link.startswith(("data:", "#")):
                assert urljoin(page.url, link).startswith(sandbox.public), (path, link)


def test_a_form_of_a_proxied_page_is_taken_and_left_for_another_below_the_prefix(proxied, http):
    sandbox = proxied()
    page = http.get(f"{sandbox.public}/portal/new")
    csrf = re.search('name="csrf" value="([^"]+)"', page.text)[1]
    form = {"csrf": csrf, "name": "Mine", "audience": "AzureADMyOrg", "platform": "web", "uri": ""}
    origin = {"Origin": sandbox.public.partition("/user")[0]}
    answer = http.post(f"{sandbox.public}/portal/new", form, headers=origin)
    assert answer.url.startswith(f"{sandbox.public}/portal/apps/")
    assert "The app is registered." in answer.text


def test_two_sandboxes_behind_one_host_keep_their_cookies_apart(proxied, http):
    one, other = proxied("one"), proxied("other")
    through(one, http, "ada@contoso.example")
    paths = {cookie.path for cookie in http.cookies}
    assert paths == {urlsplit(one.public).path}
    page = http.get(
        client.sign_in_url(SimpleNamespace(**vars(other) | {"authority": other.public}))
    )
    assert "Pick an account" in page.text
    assert {cookie.path for cookie in http.cookies} == {
        urlsplit(one.public).path,
        urlsplit(other.public).path,
    }


def test_straight_to_loopback_cookies_belong_to_the_whole_host(proxied, http):
    http.get(f"{proxied().authority}/portal")
    assert [cookie.path for cookie in http.cookies] == ["/"]


def test_a_cookie_that_came_by_https_is_never_sent_without(away):
    address = f"/common/oauth2/v2.0/authorize?client_id={away.client_id}&response_type=code"
    address += f"&redirect_uri={client.REDIRECT_URI}&scope=openid"
    page = raw.send(away, raw.head("GET", address, "Host: hub.example")).decode()
    csrf = re.search(f"graphsandbox_csrf=([^;]+); .*Path={urlsplit(away.public).path};", page)[1]
    body = f"csrf={csrf}&user=ada%40contoso.example".encode()
    lines = ["Host: hub.example", "Origin: https://hub.example", f"Content-Length: {len(body)}"]
    lines += [f"Cookie: graphsandbox_csrf={csrf}"]
    lines += ["Content-Type: application/x-www-form-urlencoded"]
    answer = raw.send(away, raw.head("POST", address, *lines) + body).decode()
    (session,) = re.findall("set-cookie: (ESTSAUTH_.*)", answer, re.IGNORECASE)
    assert f"Path={urlsplit(away.public).path};" in session and "Secure" in session


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("hub.example", 200), ("HUB.example", 200), ("localhost", 200),
        ("hub.example:8443", 421), ("evil.example", 421), ("hub.example.evil.example", 421),
        ("a.hub.example", 421), ("", 421),
    ],
)  # fmt: skip
def test_the_gate_knows_the_public_host_and_no_other(away, host, status):
    answer = raw.send(away, raw.head("GET", "/_control/ready", f"Host: {host}"))
    assert answer.startswith(b"HTTP/1.1 %d" % status)


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("hub.example", "https://hub.example", 200),
        ("hub.example", "http://hub.example", 403),
        ("hub.example", "https://evil.example", 403),
        ("hub.example", "http://localhost", 403),
        ("localhost", "https://hub.example", 403),
    ],
)
def test_the_gate_knows_the_public_origin_and_no_other(away, host, origin, status):
    lines = (f"Host: {host}", f"Origin: {origin}", "Content-Length: 0")
    answer = raw.send(away, raw.head("POST", "/_control/reset", *lines))
    assert answer.startswith(b"HTTP/1.1 %d" % status)


@pytest.mark.parametrize("path", ["/portal", "/common/v2.0/.well-known/openid-configuration", "/"])
def test_forged_forwarding_changes_no_byte_of_an_answer(away, path):
    cookie = f"Cookie: graphsandbox_csrf={'c' * 43}"
    lies = [f"{name}: {value}" for name, value in LIES.items()]

    def answer(*more):
        whole = raw.send(away, raw.head("GET", path, "Host: hub.example", cookie, *more))
        return re.sub(rb"(?i)\r\ndate: [^\r]+", b"", whole)

    assert answer() == answer(*lies)
    assert b"evil" not in answer(*lies)


def test_forwarding_makes_no_host_of_ours(away):
    lines = ("Host: evil.example", "X-Forwarded-Host: hub.example")
    assert raw.send(away, raw.head("GET", "/", *lines)).startswith(b"HTTP/1.1 421")


def test_discovery_is_for_kernels_and_the_device_page_for_people(away, http):
    found = http.get(f"{away.authority}/common/v2.0/.well-known/openid-configuration").json()
    assert found["token_endpoint"] == f"{away.authority}/common/oauth2/v2.0/token"
    assert away.public not in json.dumps(found)
    asked = {"display_name": "TV", "platform": "publicClient", "redirect_uris": []}
    app = http.post(f"{away.authority}/_control/register", json=asked).json()
    form = {"client_id": app["client_id"], "scope": "openid"}
    said = http.post(f"{away.authority}/common/oauth2/v2.0/devicecode", form).json()
    assert said["verification_uri"] == f"{away.public}/devicelogin"


def test_a_proxy_that_strips_nothing_is_answered_as_well(serve, http):
    _, line = serve("--public", "https://hub.example/services/graphsandbox")
    sandbox = SimpleNamespace(**line)
    for path in ("/services/graphsandbox/portal", "/services/graphsandbox/", "/portal"):
        answer = raw.send(sandbox, raw.head("GET", path, "Host: hub.example"))
        assert answer.startswith(b"HTTP/1.1 200"), path
    bare = raw.send(sandbox, raw.head("GET", "/services/graphsandbox", "Host: hub.example"))
    assert b"location: /services/graphsandbox/\r\n" in bare
    nowhere = raw.send(
        sandbox, raw.head("GET", "/services/graphsandboxes/portal", "Host: localhost")
    )
    assert nowhere.startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize(
    "address",
    ["http://hub.example", "hub.example", "https://", "https://u:p@hub.example", "https://h/?q",
     "https://h/#f", "javascript:alert(1)", "https://h/a/../b", "https://h/%2e%2e/b", "https://h/\n"],
)  # fmt: skip
def test_what_is_no_base_address_is_refused_at_the_start(run, tmp_path, address):
    process = run("-m", "graphsandbox", "--home", str(tmp_path), f"--public={address}")
    assert process.wait(20) == 1
    assert "The public address" in process.stderr.read()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        (
            {"JUPYTERHUB_PUBLIC_URL": "https://hub.example/user/ada/"},
            "https://hub.example/user/ada/proxy/{port}",
        ),
        (
            {"JUPYTERHUB_PUBLIC_URL": "https://a", "GRAPHSANDBOX_PUBLIC": "https://b/{port}"},
            "https://b/{port}",
        ),
    ],
)
def test_connect_goes_by_what_the_hub_says_of_itself(monkeypatch, environment, expected):
    for name in ("GRAPHSANDBOX_PUBLIC", "JUPYTERHUB_PUBLIC_URL", "JUPYTERHUB_SERVICE_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert background.public_address() == expected


def test_connect_starts_a_sandbox_with_the_public_address(run, tmp_path):
    told = {"JUPYTERHUB_PUBLIC_URL": "https://hub.example/user/ada/"}
    code = "import graphsandbox; s = graphsandbox.connect(); print(s.authority, s.public)"
    process = run("-c", code, env={**told, "GRAPHSANDBOX_HOME": str(tmp_path)})
    authority, address = process.communicate(timeout=30)[0].split()
    assert address == f"https://hub.example/user/ada/proxy/{urlsplit(authority).port}"


def test_a_standard_port_is_left_out_as_browsers_leave_it_out():
    assert str(public.parse("https://Hub.example:443/x", 1)) == "https://hub.example/x"
    assert str(public.parse("http://localhost:80", 1)) == "http://localhost"
    assert public.parse("https://hub.example:8443", 1).host == "hub.example:8443"
