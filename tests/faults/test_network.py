"""The network under fault: a call ends in its answer, or in one error that says what is known."""

import gzip
import http.client
import os
import socket
import threading
import time
import tracemalloc
from functools import partial
from http.cookiejar import CookieJar

import pytest

from graphhelpers import (
    MICROSOFT,
    NoAnswer,
    Secret,
    exchange_code,
    sandbox_cloud,
    start_sign_in,
    wire,
)
from graphhelpers.deadline import THREAD, idle, session
from graphhelpers.wire import call_graph, get_published, post_form
from tests.kit import app_at, as_json, until
from tests.trap import Trap, answer, drip, reset, silence

TOKEN = Secret("canary~access-token-0123456789")
FORM = {"grant_type": "authorization_code", "client_secret": Secret("canary~client-secret")}


def post(trap: Trap):
    cloud = sandbox_cloud(trap.url, trap.url)
    return post_form(cloud, cloud.endpoint("common", "token"), FORM)


def get(trap: Trap):
    cloud = sandbox_cloud(trap.url, trap.url)
    return call_graph(cloud, "GET", "/v1.0/me", TOKEN)


@pytest.fixture
def short_deadline(monkeypatch):
    monkeypatch.setattr(wire, "DEADLINE_S", 1.0)


@pytest.mark.case("F096", "N15", "N22", "N52")
@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308, 399])
@pytest.mark.parametrize("ask", [post, get])
def test_no_redirect_is_followed_with_a_secret_in_hand(ask, status):
    with Trap(answer(b"{}")) as thief:
        moved = answer(b"", f"{status} Moved", f"Location: {thief.url}/token?canary~=1")
        with Trap(moved) as trap, pytest.raises(NoAnswer, match="redirect") as caught:
            ask(trap)
        assert thief.requests == [] and len(trap.requests) == 1
    assert caught.value.outcome == "not sent" and thief.url not in str(caught.value)


@pytest.mark.case("F100")
@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_ca_bundle_that_is_not_there_is_named(monkeypatch, name):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(name, "/nowhere/ca.pem")
    with pytest.raises(NoAnswer, match=name) as caught:
        get_published(MICROSOFT, MICROSOFT.metadata_url("common"))
    assert caught.value.outcome == "not sent"


@pytest.mark.case("F101", "N50")
@pytest.mark.parametrize(
    "break_off",
    [
        reset,
        lambda connection: None,
        lambda connection: connection.sendall(b"HTTP/1.1 200"),
        lambda connection: connection.sendall(answer(b'{"access_token": "canary~x', length=900)),
        lambda connection: connection.sendall(b"\x16\x03\x01 not HTTP at all\r\n\r\n"),
        lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}"),
        lambda connection: connection.sendall(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n"
        ),
        lambda connection: connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"
        ),
    ],
    ids="reset close status cut tls length chunk gzip".split(),
)
def test_an_answer_that_breaks_off_is_never_asked_for_again(break_off):
    with Trap(break_off, as_json({"access_token": "x"})) as trap:
        app = app_at(trap)
        with pytest.raises(Exception) as caught:
            exchange_code(app, start_sign_in(app), "canary~code-0123456789abcdef")
        assert len(trap.requests) == 1
    if isinstance(caught.value, NoAnswer):
        assert caught.value.outcome == "unknown"


@pytest.mark.case("F101", "F139", "N50")
@pytest.mark.parametrize("status", ["101 Switching", "103 Early Hints", "199 Odd"])
def test_a_provisional_answer_is_no_answer_and_none_is_taken_for_another_calls(status):
    def hint(connection: socket.socket) -> None:
        connection.sendall(f"HTTP/1.1 {status}\r\n\r\n".encode())
        time.sleep(0.3)
        connection.sendall(answer(b"", "202 Accepted"))  # which belongs to the first call

    with Trap(hint, answer(b"{}", "403 Forbidden")) as trap:
        with pytest.raises(NoAnswer, match="provisional") as caught:
            get(trap)
        assert caught.value.outcome == "unknown"
        assert get(trap).status == 403 and len(trap.requests) == 2


@pytest.mark.case("F102", "F103")
@pytest.mark.parametrize(
    "dawdle",
    [
        pytest.param(silence, id="never answers"),
        pytest.param(drip(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 99, 0.1), id="drips its headers"),
        pytest.param(drip(answer(b"y" * 99), 0.02), id="drips its answer"),
        pytest.param(
            drip(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 20, 0.02
            ),
            id="drips its chunks",
        ),
    ],
)
def test_the_whole_call_has_one_deadline(short_deadline, dawdle):
    began = time.monotonic()
    with Trap(dawdle) as trap:
        with pytest.raises(NoAnswer, match="no complete answer came") as caught:
            post(trap)
        assert time.monotonic() - began < 2.0
    assert caught.value.outcome == "unknown"


@pytest.mark.case("F102", "F103")
def test_a_tls_handshake_that_never_ends_is_no_endless_wait(monkeypatch):
    monkeypatch.setattr(wire, "CONNECT_S", 0.5)
    with Trap(silence) as trap:
        url = trap.url.replace("http", "https")
        began = time.monotonic()
        with pytest.raises(NoAnswer) as caught:
            get_published(sandbox_cloud(url, url), f"{url}/common")
        assert time.monotonic() - began < 1.5
    assert caught.value.outcome == "not sent"


@pytest.mark.case("F104")
@pytest.mark.parametrize("announced", [True, False])
def test_an_endless_answer_is_cut_at_the_cap(announced):
    sent = 0

    def flood(connection: socket.socket) -> None:
        nonlocal sent
        length = b"Content-Length: 1000000000\r\n" if announced else b""
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n")
        while sent < 200_000_000:
            sent += connection.send(b"x" * 65536)

    with Trap(flood) as trap:
        tracemalloc.start()
        try:
            with pytest.raises(NoAnswer, match="larger than 4 MB"):
                post(trap)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 20_000_000 and sent < 100_000_000


@pytest.mark.case("F104")
def test_a_small_answer_that_unpacks_to_a_huge_one_is_cut_too():
    packed = gzip.compress(b"x" * 200_000_000, 9)
    with Trap(answer(packed, "200 OK", "Content-Encoding: gzip")) as trap:
        tracemalloc.start()
        try:
            with pytest.raises(NoAnswer, match="larger than 4 MB"):
                post(trap)
            assert tracemalloc.get_traced_memory()[1] < 30_000_000
        finally:
            tracemalloc.stop()


@pytest.mark.case("F104")
def test_what_is_below_the_cap_is_taken_whole_also_packed():
    large = b'{"a": "' + b"x" * (4 * 2**20 - 9) + b'"}'
    packed = answer(gzip.compress(b'{"b": 1}'), "200 OK", "Content-Encoding: gzip")
    with Trap(answer(large), packed) as trap:
        assert len(post(trap).json["a"]) == 4 * 2**20 - 9
        assert post(trap).json == {"b": 1}


@pytest.mark.case("F105", "F107")
def test_loopback_uses_neither_proxy_nor_netrc(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login thief password thief\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with Trap(answer(b"{}")) as proxy, Trap(answer(b'{"mine": 1}')) as trap:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert post(trap).json == {"mine": 1}
        assert get(trap).json == {"mine": 1}
        assert proxy.requests == []
        form, call = (request.split(b"\r\n\r\n")[0] for request in trap.requests)
    assert b"\r\nAuthorization: Bearer canary~access-token-0123456789" in call
    assert b"authorization" not in form.lower()


@pytest.mark.case("F106")
def test_on_the_way_to_microsoft_the_proxy_is_used(monkeypatch):
    with Trap(answer(b"", "403 Forbidden")) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        with pytest.raises(NoAnswer, match="proxy") as caught:
            get_published(MICROSOFT, MICROSOFT.metadata_url("common"))
        assert proxy.requests[0].startswith(b"CONNECT login.microsoftonline.com:443 ")
    assert caught.value.outcome == "not sent"


@pytest.mark.case("F116")
def test_cookies_are_neither_kept_nor_sent():
    with Trap(answer(b"{}", "200 OK", "Set-Cookie: canary~cookie=1; Path=/")) as trap:
        post(trap), get(trap), post(trap)
        assert not any(b"cookie" in request.lower() for request in trap.requests)
    cookies = session(True, os.getpid()).cookies
    assert isinstance(cookies, CookieJar) and not list(cookies)


@pytest.mark.case("F172", "N69")
def test_no_more_than_four_calls_go_to_one_host_at_once():
    inside, most, lock = 0, 0, threading.Lock()

    def slowly(connection: socket.socket) -> None:
        nonlocal inside, most
        with lock:
            inside, most = inside + 1, max(most, inside + 1)
        time.sleep(0.1)
        with lock:
            inside -= 1
        connection.sendall(answer(b'{"a": 1}', "200 OK", "Connection: close"))

    answers = []
    with Trap(slowly) as trap:
        threads = [threading.Thread(target=lambda: answers.append(get(trap))) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(answers) == 10 and most == 4


@pytest.mark.case("F172")
def test_waiting_for_a_place_among_the_four_is_no_trouble_with_the_network(monkeypatch):
    monkeypatch.setattr(wire, "CONNECT_S", 0.2)

    def slowly(connection: socket.socket) -> None:
        time.sleep(0.3)
        connection.sendall(answer(b'{"a": 1}', "200 OK", "Connection: close"))

    answers = []
    with Trap(slowly) as trap:
        threads = [threading.Thread(target=lambda: answers.append(get(trap))) for _ in range(9)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [one.status for one in answers] == [200] * 9


@pytest.mark.case("F172")
def test_a_call_that_was_cut_makes_room_for_the_next(short_deadline):
    awake = threading.Event()

    def served(connection: socket.socket) -> None:
        if awake.wait(1.5):
            connection.sendall(answer(b'{"a": 1}', "200 OK", "Connection: close"))

    with Trap(served) as trap:
        asks = partial(pytest.raises, NoAnswer, get, trap)
        threads = [threading.Thread(target=asks) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        awake.set()
        assert get(trap).json == {"a": 1}


@pytest.mark.case("F260")
def test_an_address_that_takes_no_connection_is_given_up_soon(monkeypatch):
    assert wire.CONNECT_S < 9  # and so an error comes within ten seconds
    monkeypatch.setattr(wire, "CONNECT_S", 1.0)
    # A full queue takes no connection more, and its packets are dropped: as with no network.
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        try:
            began = time.monotonic()
            with pytest.raises(NoAnswer, match="no connection to it was to be had") as caught:
                get_published(sandbox_cloud(url, url), f"{url}/common")
            assert time.monotonic() - began < 2
        finally:
            for filler in fillers:
                filler.close()
        until_calls_end()
    assert caught.value.outcome == "not sent" and "sandbox" in caught.value.fix


def until_calls_end() -> None:
    threads = [thread for thread in threading.enumerate() if thread.name == THREAD]
    until(lambda: all(thread in idle or not thread.is_alive() for thread in threads), 20)


@pytest.mark.case("N56", "N20", "N22", "F219")
def test_the_token_travels_in_the_header_alone_and_no_line_break_gets_into_one():
    with Trap(as_json({"id": "1"})) as trap:
        call_graph(sandbox_cloud(trap.url, trap.url), "GET", "/v1.0/me", TOKEN)
        line, *headers = trap.requests[0].split(b"\r\n")
        assert b"canary" not in line
        assert sum(b"canary" in header for header in headers) == 1
        broken = Secret("canary~a\r\nX-Evil: canary~b")
        with pytest.raises(NoAnswer) as caught:
            call_graph(sandbox_cloud(trap.url, trap.url), "GET", "/v1.0/me", broken)
        assert len(trap.requests) == 1
    assert caught.value.outcome == "not sent"


@pytest.mark.case("F211")
def test_debug_output_of_http_client_shows_nothing(monkeypatch, capsys):
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    with Trap(answer(b'{"access_token": "canary~access"}')) as trap:
        post(trap), get(trap)
    assert "canary" not in str(capsys.readouterr())


@pytest.mark.case("N58")
def test_json_goes_out_as_ascii_and_may_come_in_with_a_mark_before_it():
    with Trap(answer(b'\xef\xbb\xbf{"a": "\xc3\xa4"}')) as trap:
        cloud = sandbox_cloud(trap.url, trap.url)
        got = call_graph(cloud, "POST", "/v1.0/me/sendMail", TOKEN, {"a": "\N{SNOWMAN}"})
        assert got.json == {"a": "ä"}
        head, _, body = trap.requests[0].partition(b"\r\n\r\n")
    assert b"\r\nContent-Type: application/json\r\n" in head + b"\r\n" and body.isascii()
