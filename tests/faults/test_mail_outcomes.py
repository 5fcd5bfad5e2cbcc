"""What became of a mail: "sent", "not sent" or "unknown", and never two of one."""

import threading
import time

import pytest

from graphhelpers import GraphError, NoAnswer, send_mail, wire, wire_log
from graphhelpers.forms import mail_composer
from tests.form_hands import parts
from tests.issued import trap_token
from tests.kit import app_at, as_json, asked, bend, control, mails, until
from tests.letters import GRACE, SEND, hello, sent_to
from tests.trap import Trap, answer, reset

TAKEN = answer(b"", "202 Accepted", "request-id: 0b1c")


# --- Throttling


@pytest.mark.case("F135", "N51", "N57", "N69")
def test_a_429_is_waited_for_as_long_as_it_says_and_the_mail_goes_once(app, sandbox, token):
    bend(sandbox, SEND, status=429, retry_after=2)
    notes, began = [], time.monotonic()
    receipt = send_mail(app, token, hello(), progress=lambda *note: notes.append(note))
    assert receipt.outcome == "sent" and 2 <= time.monotonic() - began < 6
    assert asked(sandbox, SEND) == 2 and len(mails(sandbox)) == 1
    assert [note[2].split()[2] for note in notes] == ["2", "1"]


@pytest.mark.case("F136", "N51", "N69")
@pytest.mark.parametrize(
    ("retry_after", "said"),
    [
        ("120", "wait 120 s"),
        ("Fri, 01 Jan 2100 00:00:00 GMT", " s;"),
        ("9" * 400, "wait inf s"),
        ("1e3", "Too many requests"),
        ("-5", "Too many requests"),
        ("soon", "Too many requests"),
        ("", "Too many requests"),
    ],
)
def test_a_429_without_end_gives_up_and_says_when_to_try_again(monkeypatch, retry_after, said):
    monkeypatch.setattr(wire, "DEADLINE_S", 1.9)  # no pause of a second fits
    with Trap(answer(b"", "429 Throttled", f"Retry-After: {retry_after}"), TAKEN) as trap:
        message = hello()
        with pytest.raises(GraphError, match="429") as caught:
            send_mail(app_at(trap), trap_token(), message)
        assert said in caught.value.why and "try again" in caught.value.fix
        assert caught.value.outcome == "not sent" and len(trap.requests) == 1
        assert send_mail(app_at(trap), trap_token(), message).outcome == "sent"


@pytest.mark.case("F136", "N69")
def test_fifty_429_end_within_the_deadline_and_the_message_is_kept(
    app, sandbox, token, monkeypatch
):
    monkeypatch.setattr(wire, "DEADLINE_S", 2.0)
    bend(sandbox, SEND, status=429, retry_after=0.1, count=50)
    began, message = time.monotonic(), hello()
    with pytest.raises(GraphError, match="429") as caught:
        send_mail(app, token, message)
    assert time.monotonic() - began < 3 and 2 <= asked(sandbox, SEND) < 15
    assert "wait 0.1 s" in caught.value.why and caught.value.outcome == "not sent"
    control(sandbox, "DELETE", "faults")
    assert send_mail(app, token, message).outcome == "sent" and len(mails(sandbox)) == 1


@pytest.mark.case("F172", "N69")
def test_ten_threads_that_send_at_once_are_not_throttled(app, sandbox, token):
    control(sandbox, "POST", "limits", enabled=True)
    bend(sandbox, SEND, delay_s=0.05, count=10)
    threads = [
        threading.Thread(target=send_mail, args=(app, token, hello(subject=str(number))))
        for number in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({mail["subject"] for mail in mails(sandbox)}) == len(mails(sandbox)) == 10
    assert [exchange.answer for exchange in wire_log] == ["202"] * 10


# --- Nobody knows


@pytest.mark.case("F137", "N50", "N57", "N70")
@pytest.mark.parametrize("deliver", [True, False])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_after_a_5xx_the_outcome_is_unknown_and_the_mail_is_not_sent_again(
    app, sandbox, token, status, deliver
):
    for count, retry_after in enumerate((None, 0, 1, "Fri, 01 Jan 2100 00:00:00 GMT", "soon"), 1):
        bend(sandbox, SEND, status=status, deliver=deliver, retry_after=retry_after)
        message = hello(subject=str(count))
        for _ in range(2):
            with pytest.raises(GraphError, match=str(status)) as caught:
                send_mail(app, token, message)
            assert caught.value.outcome == "unknown" and "Sent Items" in caught.value.fix
        assert asked(sandbox, SEND) == count and len(mails(sandbox)) == (deliver and count)
    assert send_mail(app, token, message, again=True).outcome == "sent"


@pytest.mark.case("F137", "N50")
def test_any_other_fault_of_the_service_is_unknown_too():
    for status in (501, 505, 507, 509, 599, 600, 999):
        for code in ("x", "temporarily_unavailable", "ErrorAccessDenied"):
            script = as_json({"error": {"code": code}}, f"{status} Odd", "Retry-After: 0")
            error, again, requests = sent_to(script)
            assert error is again and (error.outcome, requests) == ("unknown", 1)
            assert "Sent Items" in error.fix  # and never "try again", whatever the code


@pytest.mark.case("F138", "N50")
def test_when_nobody_listens_nothing_was_sent_and_it_may_be_sent_later(app, sandbox, token):
    with Trap(b"") as gone:
        pass
    message, began = hello(), time.monotonic()
    with pytest.raises(NoAnswer, match="nothing listens") as caught:
        send_mail(app_at(gone), trap_token(), message)
    assert caught.value.outcome == "not sent" and time.monotonic() - began < 5
    assert send_mail(app, token, message).outcome == "sent" and len(mails(sandbox)) == 1


@pytest.mark.case("F139", "N50")
def test_an_answer_lost_after_the_mail_was_taken_is_unknown(app, sandbox, token):
    for count, length in enumerate((0, 1, 9, 11), 1):  # bytes; its status stands in 9 to 12
        bend(sandbox, SEND, drop_after=length)
        message = hello()
        for _ in range(2):
            with pytest.raises(NoAnswer) as caught:
                send_mail(app, token, message)
            assert caught.value.outcome == "unknown" and "Sent Items" in caught.value.fix
        assert asked(sandbox, SEND) == len(mails(sandbox)) == count


@pytest.mark.case("F139", "F140")
def test_a_202_whose_rest_is_lost_is_never_sent_again(app, sandbox, token):
    for count, length in enumerate((12, 13, 30, 60), 1):
        bend(sandbox, SEND, drop_after=length)
        message, outcomes = hello(), set()
        for _ in range(2):
            try:
                outcomes.add(send_mail(app, token, message).outcome)
            except NoAnswer as error:
                outcomes.add(error.outcome)
        assert outcomes in ({"sent"}, {"unknown"})
        assert asked(sandbox, SEND) == len(mails(sandbox)) == count


@pytest.mark.case("F139", "N50")
@pytest.mark.parametrize(
    "loss",
    [
        reset,
        lambda connection: None,
        lambda connection: connection.sendall(b"\x00\xff garbage\r\n\r\n"),
        lambda connection: connection.sendall(b"HTTP/1.1 103 Early\r\nLink: </x>\r\n\r\n"),
    ],
    ids=["reset", "closed", "no HTTP", "interim"],
)
def test_an_answer_lost_in_any_other_way_is_unknown_too(loss):
    error, again, requests = sent_to(loss)
    assert error is again and (error.outcome, requests) == ("unknown", 1)


@pytest.mark.case("F139", "N50")
def test_a_connection_lost_in_the_middle_of_a_large_mail_is_never_a_success(tmp_path):
    (tmp_path / "large.bin").write_bytes(bytes(2_900_000))
    with Trap(b"") as trap:
        trap._serve = lambda connection: connection.close()  # before the body is read
        message = hello(attachments=tmp_path / "large.bin")
        for _ in range(2):
            with pytest.raises(NoAnswer) as caught:
                send_mail(app_at(trap), trap_token(), message)
    assert caught.value.outcome == "unknown"  # its bytes had begun to leave


# --- Sent


@pytest.mark.case("F140", "N70")
@pytest.mark.parametrize("status", [200, 201, 202, 203, 204, 206, 226, 299])
def test_any_2xx_is_final_whatever_else_it_says(status):
    bodies = [b"", b"<html>Hotel", b"[]", b"\xff", b'{"error": {"code": "x", "message": "y"}}']
    for body in bodies[: 1 if status == 204 else None]:
        receipt, again, requests = sent_to(answer(body, f"{status} Fine", "Retry-After: 120"))
        assert receipt is again and (receipt.outcome, requests) == ("sent", 1)


@pytest.mark.case("F141", "F142")
def test_ten_threads_with_one_message_send_one_mail(app, sandbox, token):
    bend(sandbox, SEND, delay_s=0.1)
    message, receipts = hello(), []

    def send():
        receipts.append(send_mail(app, token, message))

    threads = [threading.Thread(target=send) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, receipts))) == 1 and len(receipts) == 10
    assert asked(sandbox, SEND) == len(mails(sandbox)) == 1


@pytest.mark.case("F141")
def test_two_clicks_on_send_are_one_mail(app, sandbox, token):
    bend(sandbox, SEND, delay_s=0.2)
    form = mail_composer(app, token)
    fields = parts(form)
    fields["To"].value = GRACE
    fields["Send"].click()
    fields["Send"].click()
    until(lambda: form.value)
    until(lambda: not fields["Send"].disabled)
    assert asked(sandbox, SEND) == len(mails(sandbox)) == 1


@pytest.mark.case("F142", "N50")
def test_a_cell_that_is_run_again_sends_nothing_unless_it_says_again(app, sandbox, token):
    message = hello()
    first = send_mail(app, token, message)
    assert all(send_mail(app, token, message) is first for _ in range(3))
    assert len(mails(sandbox)) == 1
    assert send_mail(app, token, message, again=True) is not first
    assert len(mails(sandbox)) == 2


@pytest.mark.case("N20")
def test_the_token_travels_in_the_header_and_nowhere_else():
    with Trap(TAKEN) as trap:
        send_mail(app_at(trap), trap_token(), hello())
        head, _, body = trap.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert [line for line in lines if b"canary" in line] == [b"Authorization: Bearer canary~old"]
    assert lines[0] == b"POST /v1.0/me/sendMail HTTP/1.1" and b"canary" not in body
