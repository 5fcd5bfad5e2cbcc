import http.client
import socket
import threading
import time
from urllib.parse import urlencode

import pytest
import requests

from graphhelpers import (
    CallbackError,
    CallbackServer,
    Registration,
    SignInRefused,
    SignInTimeout,
    start_sign_in,
    wire_log,
)

from .kit import until

CODE = "0.canary-code~1"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture(params=["127.0.0.1", "localhost"])
def app(request):
    uri = f"http://{request.param}:{free_port()}/connect/get_token/"
    return Registration("11112222-bbbb-3333-cccc-4444dddd5555", redirect_uri=uri)


@pytest.fixture
def attempt(app):
    return start_sign_in(app)


@pytest.fixture
def server(app, attempt):
    with CallbackServer(app, attempt) as server:
        yield server


def browse(url: str, **kwargs) -> requests.Response:
    return requests.get(url, timeout=5, allow_redirects=False, **kwargs)


def good(server, attempt, **more) -> str:
    return f"{server.url}?{urlencode({'code': CODE, 'state': attempt.state} | more)}"


def raw(app, data: bytes, read: bool = True) -> bytes:
    port = int(app.redirect_uri.split(":")[2].split("/")[0])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(data)
        answer = b""
        while read and (more := connection.recv(65536)):
            answer += more
        return answer


def still_waits(server, attempt) -> None:
    assert browse(good(server, attempt)).status_code == 200
    assert server.wait(1) == CODE


def test_the_code_comes_out_and_the_page_sends_back_to_the_notebook(server, attempt):
    page = browse(good(server, attempt, session_state="x", client_info="y"))
    assert page.status_code == 200 and "go back to the notebook" in page.text
    assert server.wait(5) == CODE
    assert CODE not in repr(server.wait(5)) and CODE not in page.text


def test_the_page_leaks_nothing_and_loads_nothing(server, attempt):
    page = browse(good(server, attempt))
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert "http" not in page.text.replace("<!doctype html>", "").replace(server.url, "")
    assert not [name for name in page.headers if name.startswith("Access-Control")]


def test_a_code_that_comes_before_anyone_waits_is_not_lost(server, attempt):
    browse(good(server, attempt))
    time.sleep(0.05)
    assert server.wait(0) == CODE and server.wait(0) == CODE


def test_the_waiting_caller_wakes_at_once(server, attempt):
    woken = []
    waiter = threading.Thread(target=lambda: woken.append((server.wait(5), time.monotonic())))
    waiter.start()
    browse(good(server, attempt))
    waiter.join()
    answered = time.monotonic()
    assert woken[0][0] == CODE and answered - woken[0][1] < 0.5


def test_form_post_is_taken_like_a_query(server, attempt):
    form = {"code": CODE, "state": attempt.state}
    assert requests.post(server.url, data=form, timeout=5).status_code == 200
    assert server.wait(1) == CODE


def test_a_refusal_with_the_right_state_ends_the_wait(server, attempt):
    said = "AADSTS65004: <script>User declined</script> to consent.\r\nTrace ID: 1"
    refusal = {"error": "access_denied", "error_description": said, "error_uri": "javascript:x"}
    page = browse(f"{server.url}?{urlencode(refusal | {'state': attempt.state})}")
    assert page.status_code == 400
    assert "<script>" not in page.text and "javascript:" not in page.text
    with pytest.raises(SignInRefused) as caught:
        server.wait(5)
    assert caught.value.error == "access_denied" and caught.value.error_codes == [65004]
    assert "Accept" in caught.value.fix


def test_cancel_has_no_description_and_is_told_all_the_same(server, attempt):
    browse(f"{server.url}?error=access_denied&error_subcode=cancel&state={attempt.state}")
    with pytest.raises(SignInRefused, match="access_denied") as caught:
        server.wait(5)
    assert caught.value.error_description == "" and len(caught.value.why) > 20


@pytest.mark.parametrize(
    "fields",
    [
        "code=x",
        "code=x&state=",
        "code=x&state=stranger",
        "error=access_denied",
        "error=access_denied&state=stranger",
        "state={state}",
        "code=&state={state}",
        "code=x&code=y&state={state}",
        "code=x&state={state}&state={state}",
        "code=%ff%fe&state={state}",
        "code=a%0d%0ab&state={state}",
        "code=%00&state={state}",
        "code=x&state={state}&iss=https://evil.example/v2.0",
        "code=x&state={state}" + "&a=1" * 10_000,
        "",
    ],
)
def test_what_is_not_this_attempts_answer_is_refused_and_the_wait_goes_on(server, attempt, fields):
    assert browse(f"{server.url}?{fields.format(state=attempt.state)}").status_code == 400
    still_waits(server, attempt)


def test_the_right_issuer_is_taken(server, attempt):
    issuer = "https://login.microsoftonline.com/11112222-bbbb-3333-cccc-4444dddd5555/v2.0"
    assert browse(good(server, attempt, iss=issuer)).status_code == 200


@pytest.mark.parametrize("path", ["/", "/favicon.ico", "/connect/get_token", "/Connect/get_token/"])
def test_another_path_is_another_address(server, attempt, path):
    base = server.url.removesuffix("/connect/get_token/")
    page = browse(f"{base}{path}?{urlencode({'code': CODE, 'state': attempt.state})}")
    assert page.status_code == 404
    still_waits(server, attempt)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "BREW"])
def test_another_method_is_not_allowed(server, attempt, method):
    page = requests.request(method, good(server, attempt), timeout=5)
    assert page.status_code == 405 and page.headers["Allow"] == "GET, HEAD, POST"
    still_waits(server, attempt)


def test_head_has_no_body_and_no_effect(server, attempt):
    page = requests.head(good(server, attempt), timeout=5)
    assert page.status_code == 200 and page.content == b""
    still_waits(server, attempt)


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


@pytest.mark.parametrize(
    "begun", [b"", b"GET /conn", b"POST / HTTP/1.1\r\nContent-Length: 99999\r\n\r\nx"]
)
def test_two_hundred_connections_that_say_nothing_hold_nobody_up(app, attempt, begun):
    port = int(app.redirect_uri.split(":")[2].split("/")[0])
    threads = threading.active_count()
    with CallbackServer(app, attempt) as server:
        idle = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(200)]
        for connection in idle:
            connection.sendall(begun)
        began = time.monotonic()
        still_waits(server, attempt)
        assert time.monotonic() - began < 1
        stopping = time.monotonic()
    assert time.monotonic() - stopping < 1
    for connection in idle:
        connection.close()
    until(lambda: threading.active_count() == threads)


def test_after_the_answer_no_other_is_admitted(server, attempt):
    browse(good(server, attempt))
    again = browse(good(server, attempt, code="another"))
    assert again.status_code == 409 and "already received" in again.text
    assert server.wait(0) == CODE


def test_the_state_is_spent_even_when_the_listener_starts_again(app, attempt):
    server = CallbackServer(app, attempt).start()
    browse(good(server, attempt))
    server.stop()
    with server:
        assert browse(good(server, attempt)).status_code == 409
        assert server.wait(0) == CODE


def test_stopping_gives_the_port_back_at_once_and_may_be_repeated(app, attempt):
    server = CallbackServer(app, attempt)
    port = int(app.redirect_uri.split(":")[2].split("/")[0])
    for _ in range(5):
        assert server.start() is server.start()
        server.stop()
        server.stop()
        socket.create_server(("127.0.0.1", port)).close()


def test_stopping_ends_a_wait_with_a_clear_error(app, attempt):
    server = CallbackServer(app, attempt).start()
    threading.Timer(0.1, server.stop).start()
    with pytest.raises(CallbackError, match="listener was stopped"):
        server.wait(5)
    with server:
        still_waits(server, attempt)


def test_a_cell_run_again_takes_over_from_its_earlier_run(app, attempt):
    earlier = CallbackServer(app, attempt).start()
    second = start_sign_in(app)
    with CallbackServer(app, second) as server:
        assert browse(good(server, attempt)).status_code == 400
        still_waits(server, second)
    with pytest.raises(CallbackError):
        earlier.wait(0)


def test_a_port_taken_by_another_program_is_named(app, attempt):
    port = int(app.redirect_uri.split(":")[2].split("/")[0])
    with socket.create_server(("127.0.0.1", port)):
        with pytest.raises(CallbackError, match=f"port {port}") as caught:
            CallbackServer(app, attempt).start()
        assert str(port) in caught.value.fix and "another port" in caught.value.fix
    with CallbackServer(app, attempt) as server:
        still_waits(server, attempt)


def test_a_time_out_names_the_expected_address_and_what_did_arrive(server, attempt):
    with pytest.raises(SignInTimeout, match="Nothing came") as caught:
        server.wait(0.05)
    assert server.url in caught.value.what and "AADSTS50011" in caught.value.why
    browse(f"{server.url}?code=x&state=old")
    with pytest.raises(SignInTimeout, match="another state.*: 1"):
        server.wait(0.05)
    browse(f"{server.url[:-1]}?code=x&state={attempt.state}")
    with pytest.raises(SignInTimeout, match="another path.*: 1"):
        server.wait(0.05)


def test_a_pasted_address_passes_the_same_checks(app, attempt):
    server = CallbackServer(app, attempt)  # it needs no listener
    for wrong in (
        CODE,
        "https://login.microsoftonline.com/common/oauth2/v2.0/authorize?code=x",
        good(server, attempt).replace(attempt.state, "stranger"),
        good(server, attempt).replace("/get_token/", "/get_token"),
        good(server, attempt).replace("state=", "state=\n"),
        "",
    ):
        with pytest.raises(CallbackError, match="pasted text"):
            server.accept(wrong)
    assert server.accept(f"  {good(server, attempt)}#\n") == CODE
    with pytest.raises(CallbackError, match="already received"):
        server.accept(good(server, attempt))


def test_an_address_may_be_pasted_after_the_wait_was_given_up(app, attempt):
    with CallbackServer(app, attempt) as server, pytest.raises(SignInTimeout):
        server.wait(0.05)
    assert server.accept(good(server, attempt)) == CODE
    assert server.wait(0) == CODE


def test_a_pasted_refusal_is_a_refusal(app, attempt):
    with pytest.raises(SignInRefused, match="access_denied"):
        CallbackServer(app, attempt).accept(
            f"{app.redirect_uri}?error=access_denied&state={attempt.state}"
        )


def test_two_attempts_on_two_ports_do_not_mix(attempt, app):
    other_app = Registration(app.client_id, redirect_uri=f"http://localhost:{free_port()}/cb")
    other = start_sign_in(other_app)
    with CallbackServer(app, attempt) as one, CallbackServer(other_app, other) as two:
        assert browse(good(two, attempt)).status_code == 400
        browse(good(two, other, code="second"))
        browse(good(one, attempt))
        assert (one.wait(1), two.wait(1)) == (CODE, "second")


def test_an_interrupt_gives_the_port_back(app, attempt):
    port = int(app.redirect_uri.split(":")[2].split("/")[0])
    with pytest.raises(KeyboardInterrupt), CallbackServer(app, attempt):
        raise KeyboardInterrupt
    socket.create_server(("127.0.0.1", port)).close()


def test_a_path_less_redirect_uri_comes_back_with_a_slash():
    uri = f"http://localhost:{free_port()}"
    app = Registration("11112222-bbbb-3333-cccc-4444dddd5555", redirect_uri=uri)
    attempt = start_sign_in(app)
    with CallbackServer(app, attempt) as server:
        assert browse(f"{uri}/?code=a&state={attempt.state}").status_code == 200
        assert server.wait(1) == "a"


def test_the_callback_is_in_the_wire_log_without_its_code(server, attempt):
    wire_log.clear()
    browse(good(server, attempt))
    assert [str(e) for e in wire_log] == ["browser -> notebook: GET /connect/get_token/ -> 200"]
    assert CODE not in str(wire_log[0].sent) and wire_log[0].sent["state"] == attempt.state


def test_a_browser_that_keeps_the_connection_open_gets_its_page(server, attempt):
    connection = http.client.HTTPConnection(server.url.split("/")[2], timeout=5)
    connection.request("GET", good(server, attempt).split("/", 3)[3].join(["/", ""]))
    assert connection.getresponse().read().startswith(b"<!doctype html>")
    connection.close()
