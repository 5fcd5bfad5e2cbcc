"""The listener under fault: whatever comes before the browser does, its answer is taken."""

import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from graphhelpers import (
    CallbackError,
    CallbackServer,
    Registration,
    RegistrationError,
    SignInTimeout,
    start_sign_in,
)
from tests.kit import free_port
from tests.trap import reset

from .listening import CODE, browse, good, port_of, raw, still_waits

ROOT = Path(__file__).parents[2]


def connected(stack: ExitStack, app) -> socket.socket:
    return stack.enter_context(socket.create_connection(("127.0.0.1", port_of(app)), timeout=5))


@pytest.mark.case("F026", "F027", "F028", "F029", "F030")
def test_two_hundred_idle_and_fifty_dribbling_connections_hold_nobody_up(app, server, attempt):
    ended = threading.Event()
    with ExitStack() as stack:
        for _ in range(200):
            connected(stack, app)
        slow = [connected(stack, app) for _ in range(50)]

        def dribble() -> None:
            for byte in b"GET /connect/get_token/?code=x&state=" + b"y" * 100:
                for connection in slow:
                    connection.send(bytes([byte]))
                if ended.wait(0.05):
                    return

        dribbling = threading.Thread(target=dribble)
        dribbling.start()
        time.sleep(0.2)
        began = time.monotonic()
        still_waits(server, attempt)
        took_s = time.monotonic() - began
        ended.set()
        dribbling.join()
    assert took_s < 1


@pytest.mark.case("F026", "F028", "F029", "F030")
@pytest.mark.soak
def test_a_stalled_connection_is_dropped_after_its_time(app, server, attempt):
    with ExitStack() as stack:
        idle = [connected(stack, app) for _ in range(3)]
        idle[1].send(b"GET /connect")
        idle[2].send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\nx")
        for connection in idle:
            connection.settimeout(15)
            assert connection.recv(1) == b""
    still_waits(server, attempt)


@pytest.mark.case("F032")
def test_a_reset_in_the_middle_of_a_request_is_silent(app, server, attempt, capfd):
    for begun in (b"", b"GET /connect", b"POST / HTTP/1.1\r\nContent-Length: 99\r\n\r\nx"):
        with socket.create_connection(("127.0.0.1", port_of(app)), timeout=5) as connection:
            connection.sendall(begun)
            reset(connection)
    still_waits(server, attempt)
    assert capfd.readouterr() == ("", "")


@pytest.mark.case("F033", "F037")
@pytest.mark.parametrize(
    "head",
    [
        "GET {target} HTTP/1.0\r\n\r\n",
        "GET {target} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n",
        "GET {target} HTTP/1.1\r\nhost: LOCALHOST:{port}\r\n\r\n",
        "GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n",
        "GET {target} HTTP/1.1\r\nHost: [::1]:{port}\r\n\r\n",
    ],
)
def test_each_of_our_own_names_is_served_also_in_http_1_0(app, server, attempt, head):
    target = good(server, attempt).removeprefix(server.url.removesuffix("/connect/get_token/"))
    answer = raw(app, head.format(target=target, port=port_of(app)).encode())
    assert answer.startswith(b"HTTP/1.1 200 ") and server.wait(1) == CODE


@pytest.mark.case("F033", "F006")
def test_http_1_0_passes_the_same_checks(app, server, attempt):
    assert raw(app, b"GET /connect/get_token/?code=x HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 400")
    still_waits(server, attempt)


@pytest.mark.case("F040", "N55")
@pytest.mark.parametrize(
    ("headers", "form", "query", "status"),
    [
        ("Content-Length: {n}", "code=canary~c&state={s}", "?state={s}", b"400"),
        ("Content-Length: {n}", "code=canary~c&code=canary~d&state={s}", "", b"400"),
        ("Content-Length: {n}", "code=canary~c", "", b"400"),
        ("Content-Length: {n}\r\nContent-Length: 1", "code=canary~c&state={s}", "", b"400"),
        ("Content-Length: {n}\r\nTransfer-Encoding: chunked", "code=c&state={s}", "", b"400"),
        ("Transfer-Encoding: chunked", "5\r\ncode=\r\n0\r\n\r\n", "", b"400"),
        ("Content-Length: 70000", "x" * 70000, "", b"413"),
    ],
)
def test_a_form_passes_the_same_checks(app, server, attempt, headers, form, query, status):
    form, query = form.format(s=attempt.state), query.format(s=attempt.state)
    kind = "Content-Type: application/x-www-form-urlencoded"
    head = f"POST /connect/get_token/{query} HTTP/1.1\r\nHost: localhost:{port_of(app)}\r\n"
    answer = raw(app, f"{head}{kind}\r\n{headers.format(n=len(form))}\r\n\r\n{form}".encode())
    assert answer.split(b" ")[1] == status
    still_waits(server, attempt)


@pytest.mark.case("F030", "F040")
def test_a_form_that_was_cut_short_is_no_answer(app, server, attempt):
    form = f"state={attempt.state}&code={CODE}"
    head = f"POST /connect/get_token/ HTTP/1.1\r\nHost: localhost:{port_of(app)}\r\n"
    head += "Content-Type: application/x-www-form-urlencoded\r\n"
    with socket.create_connection(("127.0.0.1", port_of(app)), timeout=5) as connection:
        connection.sendall(f"{head}Content-Length: {len(form)}\r\n\r\n{form[:-4]}".encode())
        connection.shutdown(socket.SHUT_WR)
        assert b" 200 " not in connection.recv(65536)
    still_waits(server, attempt)


@pytest.mark.case("F039")
@pytest.mark.parametrize("more", ["", "Access-Control-Request-Private-Network: true\r\n"])
def test_a_pre_flight_grants_nothing(app, server, attempt, more):
    head = f"OPTIONS /connect/get_token/ HTTP/1.1\r\nHost: localhost:{port_of(app)}\r\n"
    head += "Origin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n"
    answer = raw(app, f"{head}{more}\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 405 ") and b"access-control" not in answer.lower()
    still_waits(server, attempt)


@pytest.mark.case("F038")
def test_no_page_permits_another_site_to_read_it(server, attempt):
    for url in (server.url, good(server, attempt), server.url + "x"):
        page = browse(url, headers={"Origin": "https://evil.example"})
        assert not [name for name in page.headers if name.lower().startswith("access-control")]


HOLDS = """
import sys
from graphhelpers import CallbackServer, Registration, start_sign_in
app = Registration("11112222-bbbb-3333-cccc-4444dddd5555", redirect_uri=sys.argv[1])
server = CallbackServer(app, start_sign_in(app)).start()
print("listening", flush=True)
server.wait(30)
"""


def start_program(program: str, *arguments: str) -> subprocess.Popen[str]:
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", program, *arguments], cwd=ROOT, **streams)


@pytest.mark.case("F044", "F047")
def test_another_notebook_at_the_port_is_told_and_its_end_frees_the_port(app, attempt):
    with start_program(HOLDS, app.redirect_uri) as other:
        assert other.stdout.readline() == "listening\n"
        with pytest.raises(
            CallbackError, match="another notebook that waits for a sign-in"
        ) as caught:
            CallbackServer(app, attempt).start()
        assert str(port_of(app)) in caught.value.what
        other.kill()
    with CallbackServer(app, attempt) as server:  # the state of that kernel's attempt died with it
        assert browse(f"{server.url}?code=x&state=of-the-old-kernel").status_code == 400
        still_waits(server, attempt)


INTERRUPTED = """
import random, signal, socket, sys, threading, time, os
from graphhelpers import CallbackServer, Registration, start_sign_in
port, turns = int(sys.argv[1]), int(sys.argv[2])
app = Registration("11112222-bbbb-3333-cccc-4444dddd5555",
                   redirect_uri=f"http://localhost:{port}/connect/get_token/")
chance = random.Random(7)

def interrupt(after_s):
    time.sleep(after_s)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(after_s / 4)
    os.kill(os.getpid(), signal.SIGINT)

def cell():
    with CallbackServer(app, start_sign_in(app)) as server:
        server.wait(0.004)

interrupted = 0
for turn in range(turns):
    try:
        thread = threading.Thread(target=interrupt, args=(chance.random() * 0.03,))
        thread.start()
        try:
            for _ in range(20):
                try:
                    cell()
                except Exception as error:
                    assert type(error).__name__ == "SignInTimeout", error
        finally:
            thread.join()
    except KeyboardInterrupt:
        interrupted += 1
    while thread.is_alive():
        try:
            thread.join()
        except KeyboardInterrupt:
            pass
    try:
        time.sleep(0.01)
    except KeyboardInterrupt:
        pass
    with CallbackServer(app, start_sign_in(app)):  # the cell runs again
        pass
    socket.create_server(("127.0.0.1", port)).close()
    left = [t.name for t in threading.enumerate() if t is not threading.main_thread()]
    assert not left, left
print("interrupted", interrupted)
"""


@pytest.mark.case("F046")
@pytest.mark.parametrize("app", ["localhost"], indirect=True)
def test_an_interrupt_at_any_moment_leaves_the_port_to_the_next_run(app):
    with start_program(INTERRUPTED, str(port_of(app)), "40") as program:
        said, errors = program.communicate(timeout=30)
    assert (program.returncode, errors) == (0, "")
    assert int(said.split()[1]) > 30


@pytest.mark.case("F049", "N29")
@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "192.168.1.20", "my-laptop", "example.com"])
def test_no_address_that_others_could_reach_is_listened_at(host):
    with pytest.raises(RegistrationError, match="host must be localhost or 127.0.0.1"):
        Registration(
            "11112222-bbbb-3333-cccc-4444dddd5555", redirect_uri=f"http://{host}:8000/get_token/"
        )


@pytest.mark.case("F049", "N29")
def test_only_loopback_is_bound_and_only_while_the_sign_in_lasts(app, attempt):
    def bound() -> list[str]:
        mine = psutil.Process().net_connections("inet")
        return [c.laddr.ip for c in mine if c.laddr.port == port_of(app) and c.status == "LISTEN"]

    server = CallbackServer(app, attempt)
    assert bound() == []
    with server:
        assert bound() and set(bound()) <= {"127.0.0.1", "::1"}
    assert bound() == []


@pytest.mark.case("F053")
def test_a_fault_inside_the_listener_reaches_the_waiting_cell(app, capfd):
    by_hand = SimpleNamespace(state=5)  # no text, as start_sign_in would have made it
    with CallbackServer(app, by_hand) as server:
        assert browse(f"{server.url}?code=x&state=5").status_code == 500
        with pytest.raises(CallbackError, match="unexpected AttributeError"):
            server.wait(5)
    assert capfd.readouterr() == ("", "")


@pytest.mark.case("F054")
def test_a_wait_ends_in_its_time_whatever_the_clock_on_the_wall_says(server):
    def jump(*_anything: object) -> float:
        return 4_000_000_000.0

    clock, time.time = time.time, jump
    try:
        began = time.monotonic()
        with pytest.raises(SignInTimeout):
            server.wait(0.3)
        assert 0.25 < time.monotonic() - began < 1
    finally:
        time.time = clock


def sign_in_often(times: int) -> None:
    uri = f"http://localhost:{free_port()}/connect/get_token/"
    app = Registration("11112222-bbbb-3333-cccc-4444dddd5555", redirect_uri=uri)
    process = psutil.Process()
    before = None
    for turn in range(times):
        attempt = start_sign_in(app)
        with CallbackServer(app, attempt) as server:
            still_waits(server, attempt)
        if turn == 5:
            before = threading.active_count(), process.num_fds()
    assert (threading.active_count(), process.num_fds()) == before


@pytest.mark.case("F055")
def test_fifty_sign_ins_leave_nothing_open():
    sign_in_often(50)


@pytest.mark.soak
def test_a_thousand_sign_ins_leave_nothing_open():
    sign_in_often(1_000)


@pytest.mark.case("F019", "F020", "F023")
def test_large_requests_cost_no_memory(app, server, attempt):
    tracemalloc.start()
    try:
        for big in (b"GET /" + b"x" * 5_000_000, b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 500_000):
            try:
                raw(app, big)
            except ConnectionError:
                pass  # it was closed while we still sent
        assert tracemalloc.get_traced_memory()[1] < 15_000_000  # our own five among them
    finally:
        tracemalloc.stop()
    still_waits(server, attempt)
