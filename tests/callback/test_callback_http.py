"""The HTTP of the listener: odd requests, foreign hosts, idle connections."""

import http.client
import socket
import threading
import time
from contextlib import ExitStack
from urllib.parse import urlencode

import pytest
import requests

from graphhelpers import (
    CallbackServer,
)
from tests.kit import until

from .listening import CODE, browse, good, raw, still_waits


@pytest.mark.case("F001", "F002", "F005", "N34")
@pytest.mark.parametrize("path", ["/", "/favicon.ico", "/connect/get_token", "/Connect/get_token/"])
def test_another_path_is_another_address(server, attempt, path):
    base = server.url.removesuffix("/connect/get_token/")
    page = browse(f"{base}{path}?{urlencode({'code': CODE, 'state': attempt.state})}")
    assert page.status_code == 404
    still_waits(server, attempt)


@pytest.mark.case("F003", "F039", "N53")
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "BREW"])
def test_another_method_is_not_allowed(server, attempt, method):
    page = requests.request(method, good(server, attempt), timeout=5)
    assert page.status_code == 405 and page.headers["Allow"] == "GET, HEAD, POST"
    still_waits(server, attempt)


@pytest.mark.case("F004", "N53")
def test_head_has_no_body_and_no_effect(server, attempt):
    page = requests.head(good(server, attempt), timeout=5)
    assert page.status_code == 200 and page.content == b""
    still_waits(server, attempt)


@pytest.mark.case("F035", "F036", "N54")
@pytest.mark.parametrize(
    ("host", "status"),
    [
        (b"evil.example", b"421"),
        (b"localhost:1", b"421"),
        (b"a\r\nHost: b", b"400"),
        (None, b"400"),
    ],
)
def test_a_foreign_host_is_turned_away(app, server, attempt, host, status):
    path = good(server, attempt).split("/", 3)[3].encode()
    header = b"Host: " + host + b"\r\n" if host else b""
    answer = raw(app, b"GET /" + path + b" HTTP/1.1\r\n" + header + b"\r\n")
    assert answer.split()[1] == status
    still_waits(server, attempt)


@pytest.mark.case("F019", "F020", "F024", "F031", "F034", "N55")
@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /connect/get_token/?code=x&state={state}\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200) + b"\r\n\r\n",
        b"GET /" + b"x" * 1_000_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 300 + b"\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
        b"GET http://evil.example/connect/get_token/?code=x HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /connect/get_token/ HTTP/1.1\r\nContent-Length: abc\r\n\r\n",
        b"POST /connect/get_token/ HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /connect/get_token/ HTTP/1.1\r\nContent-Length: 9999999\r\n\r\nx",
        b"POST /connect/get_token/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"POST /connect/get_token/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        bytes(range(256)) * 256,
    ],
)
def test_odd_bytes_are_harmless(app, server, attempt, request_bytes):
    try:
        answer = raw(app, request_bytes.replace(b"{state}", attempt.state.encode()))
        assert b" 200 " not in answer.split(b"\r\n")[0]
    except ConnectionError:
        pass  # closed on us while we still sent
    still_waits(server, attempt)


@pytest.mark.case("F026", "F027", "F028", "F030")
@pytest.mark.parametrize(
    "begun", [b"", b"GET /conn", b"POST / HTTP/1.1\r\nContent-Length: 99999\r\n\r\nx"]
)
def test_two_hundred_connections_that_say_nothing_hold_nobody_up(app, attempt, begun):
    port = int(app.redirect_uri.split(":")[2].split("/")[0])
    threads = threading.active_count()
    with ExitStack() as idle, CallbackServer(app, attempt) as server:
        for _ in range(200):
            connection = socket.create_connection(("127.0.0.1", port), timeout=5)
            idle.enter_context(connection).sendall(begun)
        began = time.monotonic()
        still_waits(server, attempt)
        assert time.monotonic() - began < 5  # each connection is given 10 s
        stopping = time.monotonic()
        server.stop()
        assert time.monotonic() - stopping < 5
    until(lambda: threading.active_count() == threads)


def test_a_browser_that_keeps_the_connection_open_gets_its_page(server, attempt):
    connection = http.client.HTTPConnection(server.url.split("/")[2], timeout=5)
    connection.request("GET", good(server, attempt).split("/", 3)[3].join(["/", ""]))
    assert connection.getresponse().read().startswith(b"<!doctype html>")
    connection.close()


@pytest.mark.case("F051", "N04", "N38")
def test_the_page_leaks_nothing_and_loads_nothing(server, attempt):
    page = browse(good(server, attempt))
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert "http" not in page.text.replace("<!doctype html>", "").replace(server.url, "")
    assert not [name for name in page.headers if name.startswith("Access-Control")]
