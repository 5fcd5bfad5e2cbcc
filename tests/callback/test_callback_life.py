"""When the listener begins and ends, and what its wait says."""

import socket
import threading
import time

import pytest

from graphhelpers import (
    CallbackError,
    CallbackServer,
    Registration,
    SignInTimeout,
    start_sign_in,
)
from tests.kit import free_port

from .listening import CODE, browse, good, still_waits


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


@pytest.mark.case("F008", "F043", "F045")
def test_a_cell_run_again_takes_over_from_its_earlier_run(app, attempt):
    earlier = CallbackServer(app, attempt).start()
    second = start_sign_in(app)
    with CallbackServer(app, second) as server:
        assert browse(good(server, attempt)).status_code == 400
        still_waits(server, second)
    with pytest.raises(CallbackError):
        earlier.wait(0)


@pytest.mark.case("F043")
def test_an_earlier_run_that_is_stopped_late_leaves_the_newest_in_charge(app, attempt):
    first, second = (CallbackServer(app, attempt).start() for _ in range(2))
    first.stop()
    with CallbackServer(app, attempt) as third:  # takes over from the second
        still_waits(third, attempt)
    with pytest.raises(CallbackError):
        second.wait(0)


@pytest.mark.case("F042")
def test_a_port_taken_by_another_program_is_named(app, attempt):
    port = int(app.redirect_uri.split(":")[2].split("/")[0])
    with socket.create_server(("127.0.0.1", port)):
        with pytest.raises(CallbackError, match=f"port {port}") as caught:
            CallbackServer(app, attempt).start()
        assert str(port) in caught.value.fix and "another port" in caught.value.fix
    with CallbackServer(app, attempt) as server:
        still_waits(server, attempt)


@pytest.mark.case("F001", "F007", "F048", "F084")
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


@pytest.mark.case("F045")
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


def test_the_waiting_caller_wakes_at_once(server, attempt):
    woken = []
    waiter = threading.Thread(target=lambda: woken.append((server.wait(5), time.monotonic())))
    waiter.start()
    browse(good(server, attempt))
    waiter.join()
    answered = time.monotonic()
    assert woken[0][0] == CODE and answered - woken[0][1] < 0.5


def test_a_code_that_comes_before_anyone_waits_is_not_lost(server, attempt):
    browse(good(server, attempt))
    time.sleep(0.05)
    assert server.wait(0) == CODE and server.wait(0) == CODE
