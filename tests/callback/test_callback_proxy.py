"""The listener behind a proxy: what a Jupyter hub or a tunnel hands on from the browser."""

import socket
from urllib.parse import urlencode, urlsplit

import psutil
import pytest

from graphhelpers import (
    CallbackError,
    CallbackServer,
    Registration,
    SignInTimeout,
    start_sign_in,
    wire_log,
)
from graphhelpers.registration import listens_at
from tests.kit import free_port

from .listening import CODE

# What jupyter-server-proxy adds to a request, and the cookies that come with it.
ADDED = {
    "X-Forwarded-Context": "/user/ada/proxy/{port}",
    "X-Forwarded-Prefix": "/user/ada/proxy/{port}",
    "X-Forwarded-Host": "hub.example",
    "X-Forwarded-Proto": "https",
    "Cookie": "jupyterhub-session-id=canary~cookie",
}


def app_behind(uri: str) -> Registration:
    return Registration("11112222-bbbb-3333-cccc-4444dddd5555", redirect_uri=uri)


@pytest.fixture(params=["https://hub.example", "http://localhost:9000"])
def hub(request):
    return request.param


@pytest.fixture
def ada(hub):
    return app_behind(f"{hub}/user/ada/proxy/{free_port()}/connect/get_token/")


def handed_on(app, query: str, path: str | None = None, **changes: str) -> tuple[int, str]:
    """Play the proxy: bring a browser's request to the listener; return status and page."""
    _host, port, arrives, _names = listens_at(app.redirect_uri)
    headers = {"Host": urlsplit(app.redirect_uri).netloc, **ADDED}
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    lines = [f"GET {path or arrives}?{query} HTTP/1.1"]
    lines += [f"{name}: {value.format(port=port)}" for name, value in headers.items()]
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = b""
        while more := connection.recv(65536):
            answer += more
    return int(answer.split()[1]), answer.decode()


def code_for(attempt, **more: str) -> str:
    return urlencode({"code": CODE, "state": attempt.state} | more)


def test_the_answer_comes_through_a_jupyter_proxy(ada):
    wire_log.clear()
    attempt = start_sign_in(ada)
    with CallbackServer(ada, attempt) as server:
        status, page = handed_on(ada, code_for(attempt))
        assert (status, server.wait(1)) == (200, CODE)
    assert "canary" not in page + str(list(wire_log)) + wire_log[0].http
    public = urlsplit(ada.redirect_uri)
    assert wire_log[0].request == f"GET {public.path}"
    assert wire_log[0].origin == f"{public.scheme}://{public.netloc}"


def test_a_proxy_that_hands_the_whole_path_on_is_understood(hub):
    path = f"/user/ada/proxy/absolute/{free_port()}/connect/get_token/"
    app = app_behind(hub + path)
    attempt = start_sign_in(app)
    with CallbackServer(app, attempt) as server:
        assert handed_on(app, code_for(attempt), path="/connect/get_token/")[0] == 404
        assert handed_on(app, code_for(attempt), path=path)[0] == 200
        assert server.wait(1) == CODE


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost:{port}", "127.0.0.1:{port}", "a.{hub}"]
)
def test_only_the_host_of_the_public_address_is_answered(ada, hub, host):
    attempt = start_sign_in(ada)
    with CallbackServer(ada, attempt) as server:
        host = host.replace("{hub}", urlsplit(hub).netloc)
        assert handed_on(ada, code_for(attempt), Host=host)[0] == 421
        assert handed_on(ada, code_for(attempt))[0] == 200
        assert server.wait(1) == CODE


@pytest.mark.parametrize(
    "path", ["/user/ada/connect/get_token/", "/connect/get_token", "/", "/user/ada{rest}"]
)
def test_only_the_path_behind_the_proxy_is_answered(ada, path):
    attempt = start_sign_in(ada)
    with CallbackServer(ada, attempt) as server:
        path = path.replace("{rest}", urlsplit(ada.redirect_uri).path)
        status, page = handed_on(ada, code_for(attempt), path=path)
        assert status == 404 and ada.redirect_uri in page
        with pytest.raises(SignInTimeout, match="another path") as caught:
            server.wait(0.05)
        assert ada.redirect_uri in caught.value.what


FORGED = {
    "X_Forwarded_Host": "evil.example",
    "X_Forwarded_Proto": "http",
    "X_Forwarded_Prefix": "/user/eve/proxy/1",
    "X_Forwarded_For": "203.0.113.9",
    "Forwarded": "host=evil.example;proto=http",
}


def test_what_a_request_says_of_its_way_changes_nothing(ada):
    attempt = start_sign_in(ada)
    with CallbackServer(ada, attempt) as server:
        for query in (code_for(attempt, state="stranger"), f"code={CODE}"):
            status, page = handed_on(ada, query, **FORGED)
            assert status == 400 and "evil" not in page and "eve" not in page
        hub = urlsplit(ada.redirect_uri).netloc
        forged = {"Host": "evil.example", "X_Forwarded_Host": hub}
        assert handed_on(ada, code_for(attempt), **forged)[0] == 421
        status, page = handed_on(ada, code_for(attempt), **FORGED)
        assert status == 200 and "evil" not in page and "Location" not in page
        assert server.wait(1) == CODE


def test_an_answer_for_ada_is_none_for_bob(hub):
    ada, bob = (
        app_behind(f"{hub}/user/{name}/proxy/{free_port()}/connect/get_token/")
        for name in ("ada", "bob")
    )
    adas, bobs = start_sign_in(ada), start_sign_in(bob)
    with CallbackServer(ada, adas) as hers, CallbackServer(bob, bobs) as his:
        status, page = handed_on(bob, code_for(adas))
        assert status == 400 and "another sign-in" in page and CODE not in page
        with pytest.raises(CallbackError, match="not the address that ends this sign-in"):
            his.accept(f"{ada.redirect_uri}?{code_for(adas)}")
        with pytest.raises(SignInTimeout, match="another state"):
            his.wait(0.05)
        assert handed_on(ada, code_for(adas))[0] == 200
        assert hers.wait(1) == CODE


def test_only_loopback_is_bound_whatever_the_public_address_says(ada):
    with CallbackServer(ada, start_sign_in(ada)):
        port = listens_at(ada.redirect_uri)[1]
        mine = psutil.Process().net_connections("inet")
        bound = {c.laddr.ip for c in mine if c.laddr.port == port and c.status == "LISTEN"}
        assert bound and bound <= {"127.0.0.1", "::1"}


def test_the_public_address_may_be_pasted(ada):
    attempt = start_sign_in(ada)
    server = CallbackServer(ada, attempt)
    port = listens_at(ada.redirect_uri)[1]
    with pytest.raises(CallbackError, match="pasted text"):
        server.accept(f"http://localhost:{port}/connect/get_token/?{code_for(attempt)}")
    assert server.accept(f"{ada.redirect_uri}?{code_for(attempt)}") == CODE


@pytest.mark.parametrize("host", ["localhost:{port}", "localhost", "name-{port}.app.github.dev"])
def test_a_tunnel_calls_us_by_its_name_or_by_ours(host):
    port = free_port()
    app = app_behind(f"https://name-{port}.app.github.dev/connect/get_token/")
    attempt = start_sign_in(app)
    with CallbackServer(app, attempt) as server:
        assert handed_on(app, code_for(attempt), Host="name-1.app.github.dev")[0] == 421
        assert handed_on(app, code_for(attempt), Host=host)[0] == 200
        assert server.wait(1) == CODE


def test_where_the_address_tells_no_port_it_has_to_be_named():
    app = app_behind("https://login.example/connect/get_token/")
    attempt, port = start_sign_in(app), free_port()
    for unknown in (None, 0, 99_999, "8000"):
        with pytest.raises(CallbackError, match="needs a port") as caught:
            CallbackServer(app, attempt, port=unknown).start()
        assert app.redirect_uri in caught.value.what and "port=8000" in caught.value.fix
    with CallbackServer(app, attempt, port=port) as server:
        query = f"GET /connect/get_token/?{code_for(attempt)} HTTP/1.1\r\nHost: login.example\r\n"
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(f"{query}\r\n".encode())
            assert connection.recv(65536).split()[1] == b"200"
        assert server.wait(1) == CODE
    assert CallbackServer(app, start_sign_in(app)).url == app.redirect_uri
    other = start_sign_in(app)
    assert CallbackServer(app, other).accept(f"{app.redirect_uri}?{code_for(other)}") == CODE
