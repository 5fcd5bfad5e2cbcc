"""One message is sent at most once, whatever becomes of the answer."""

import os
import signal
import threading
import time

import pytest

from graphhelpers import GraphError, NoAnswer, send_mail, wire

from .issued import trap_token
from .kit import app_at, asked, bend, control, mails
from .letters import SEND, hello
from .trap import Trap, answer, drip, reset, silence

# --- At most once


def test_one_message_is_sent_once(app, sandbox, token):
    message = hello()
    first = send_mail(app, token, message)
    assert send_mail(app, token, message) is first
    assert asked(sandbox, SEND) == len(mails(sandbox)) == 1


def test_two_threads_send_one_message_once(app, sandbox, token):
    bend(sandbox, SEND, delay_s=0.2)
    message, receipts = hello(), []
    threads = [
        threading.Thread(target=lambda: receipts.append(send_mail(app, token, message)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert receipts[0] is receipts[1] and len(mails(sandbox)) == 1


def test_again_sends_it_again(app, sandbox, token):
    message = hello()
    first = send_mail(app, token, message)
    assert send_mail(app, token, message, again=True) is not first
    assert len(mails(sandbox)) == 2


def test_a_new_message_is_a_new_mail(app, sandbox, token):
    send_mail(app, token, hello()), send_mail(app, token, hello())
    assert len(mails(sandbox)) == 2


def test_any_success_is_final():
    for status in ("200 OK", "202 Accepted", "204 No Content"):
        with Trap(answer(b"", status)) as trap:
            assert send_mail(app_at(trap), trap_token(), hello()).outcome == "sent"


@pytest.mark.parametrize("deliver", [True, False])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_after_a_fault_of_the_service_nobody_knows_and_nothing_is_repeated(
    app, sandbox, token, status, deliver
):
    bend(sandbox, SEND, status=status, deliver=deliver, retry_after=0)
    message = hello()
    with pytest.raises(GraphError, match=str(status)) as caught:
        send_mail(app, token, message)
    assert caught.value.outcome == "unknown" and caught.value.request_id
    assert "Sent Items" in caught.value.fix
    with pytest.raises(GraphError) as again:
        send_mail(app, token, message)
    assert again.value is caught.value
    assert asked(sandbox, SEND) == 1 and len(mails(sandbox)) == deliver
    send_mail(app, token, message, again=True)
    assert len(mails(sandbox)) == 1 + deliver


@pytest.mark.parametrize("length", [0, 5, 11])
def test_an_answer_that_is_cut_off_leaves_it_unknown(app, sandbox, token, length):
    bend(sandbox, SEND, drop_after=length)
    message = hello()
    for _ in range(2):
        with pytest.raises(NoAnswer, match="broke") as caught:
            send_mail(app, token, message)
        assert caught.value.outcome == "unknown" and "Sent Items" in caught.value.fix
    assert asked(sandbox, SEND) == len(mails(sandbox)) == 1


@pytest.mark.parametrize(
    "misbehaviour",
    [
        pytest.param(reset, id="a reset"),
        pytest.param(silence, id="never answers"),
        pytest.param(drip(answer(b"{}", "202 Accepted"), 0.1), id="drips"),
        pytest.param(lambda connection: connection.sendall(b"\x00\xff\r\n\r\n"), id="no HTTP"),
    ],
)
def test_a_lost_answer_leaves_it_unknown(monkeypatch, misbehaviour):
    monkeypatch.setattr(wire, "DEADLINE_S", 1.0)
    began, message = time.monotonic(), hello()
    with Trap(misbehaviour) as trap:
        for _ in range(2):
            with pytest.raises(NoAnswer) as caught:
                send_mail(app_at(trap), trap_token(), message)
        assert len(trap.requests) == 1
    assert caught.value.outcome == "unknown" and time.monotonic() - began < 4
    assert "canary" not in str(caught.value)


@pytest.mark.skipif(os.name == "nt", reason="Windows can't interrupt one thread")
def test_an_interrupt_leaves_it_unknown():
    def interrupt(connection) -> None:
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        connection.recv(1)

    message = hello()
    with Trap(interrupt) as trap:
        with pytest.raises(KeyboardInterrupt):
            send_mail(app_at(trap), trap_token(), message)
        with pytest.raises(NoAnswer, match="stopped") as caught:
            send_mail(app_at(trap), trap_token(), message)
        assert len(trap.requests) == 1
    assert caught.value.outcome == "unknown" and "again=True" in caught.value.fix


def test_nobody_listening_means_not_sent_and_it_may_be_tried_again(app, sandbox, token):
    with Trap(b"") as trap:
        pass
    message = hello()
    for _ in range(2):
        with pytest.raises(NoAnswer, match="nothing listens") as caught:
            send_mail(app_at(trap), trap_token(), message)
        assert caught.value.outcome == "not sent"
    assert send_mail(app, token, message).outcome == "sent" and len(mails(sandbox)) == 1


# --- Throttling


def interrupted(*_note):
    raise KeyboardInterrupt


@pytest.mark.case("F135")
def test_an_interrupt_of_a_pause_leaves_nothing_under_way(app, sandbox, token):
    bend(sandbox, SEND, status=429, retry_after=5)
    message = hello()
    with pytest.raises(KeyboardInterrupt):
        send_mail(app, token, message, progress=interrupted)
    assert send_mail(app, token, message).outcome == "sent" and len(mails(sandbox)) == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows can't interrupt one thread")
def test_an_interrupt_after_a_pause_leaves_it_unknown():
    def interrupt(connection) -> None:
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        connection.recv(1)

    message = hello()
    with Trap(answer(b"", "429 Throttled", "Retry-After: 0.01"), interrupt) as trap:
        with pytest.raises(KeyboardInterrupt):
            send_mail(app_at(trap), trap_token(), message)
        with pytest.raises(NoAnswer, match="stopped"):
            send_mail(app_at(trap), trap_token(), message)
        assert len(trap.requests) == 2


def test_a_429_is_waited_for_once_and_said(app, sandbox, token):
    bend(sandbox, SEND, status=429, retry_after=0.3)
    notes, began = [], time.monotonic()
    receipt = send_mail(app, token, hello(), progress=lambda *note: notes.append(note))
    assert receipt.outcome == "sent" and 0.3 <= time.monotonic() - began < 3
    assert asked(sandbox, SEND) == 2 and len(mails(sandbox)) == 1
    assert len(notes) == 1 and "throttled" in notes[0][2]


def test_many_429_end_in_a_refusal_that_names_the_time(app, sandbox, token, monkeypatch):
    monkeypatch.setattr(wire, "DEADLINE_S", 2.0)
    bend(sandbox, SEND, status=429, retry_after=0.3, count=50)
    began, message = time.monotonic(), hello()
    with pytest.raises(GraphError, match="429 TooManyRequests") as caught:
        send_mail(app, token, message)
    assert time.monotonic() - began < 3
    assert caught.value.outcome == "not sent" and "0.3 s" in caught.value.why
    assert 2 <= asked(sandbox, SEND) < 10
    control(sandbox, "DELETE", "faults")
    assert send_mail(app, token, message).outcome == "sent"


def test_a_pause_that_is_too_long_is_not_begun(app, sandbox, token):
    bend(sandbox, SEND, status=429, retry_after=120)
    began = time.monotonic()
    with pytest.raises(GraphError, match="429") as caught:
        send_mail(app, token, hello())
    assert time.monotonic() - began < 2 and "120 s" in caught.value.why
    assert asked(sandbox, SEND) == 1
