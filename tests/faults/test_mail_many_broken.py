"""Many mails when a batch fails, an interrupt comes, or threads meet: none is doubled or lost."""

import json
import os
import signal
import threading
from collections import Counter
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphhelpers import (
    NoAnswer,
    send_mail,
    send_many,
)  # fmt: skip
from tests.issued import trap_token
from tests.kit import app_at, app_of, as_json, bend, control, mails, until
from tests.letters import BATCH, SEND, hello, letters, mimes, said
from tests.trap import Trap, answer, reset

# --- The batch itself fails


@pytest.mark.parametrize(
    ("fault", "outcome", "made"),
    [
        ({"status": 504, "deliver": True}, "unknown", 20),
        ({"status": 500}, "unknown", 0),
        ({"drop_after": 0}, "unknown", 20),
        ({"drop_after": 100}, "unknown", 20),
        ({"status": 401}, "not sent", 0),
        ({"status": 429, "retry_after": 120}, "not sent", 0),
    ],
)
def test_a_lost_batch_is_told_and_never_repeated(app, sandbox, token, fault, outcome, made):
    bend(sandbox, BATCH, **fault)
    messages = letters(30)
    outcomes = send_many(app, token, messages)
    assert said(outcomes) == [outcome] * 20 + ["not sent"] * 10 and len(mails(sandbox)) == made
    again = said(send_many(app, token, messages))
    assert again == ["unknown" if outcome == "unknown" else "sent"] * 20 + ["sent"] * 10
    assert len(mails(sandbox)) == made + (30 if outcome == "not sent" else 10)


ODD = [
    as_json({"responses": [{"id": "0", "status": 202}]}),  # nothing about the second
    as_json({"responses": [{"id": "0", "status": 202}, {"id": "1", "status": "202"}]}),
    as_json({"responses": [{"id": "0", "status": 202}, None, 7, {"id": "1"}]}),
    as_json({"responses": [{"id": 0, "status": 202, "headers": 7}, {"status": 202}]}),
]


@pytest.mark.parametrize("script", ODD)
def test_a_mail_the_answer_does_not_name_is_unknown(script):
    messages = letters(2)
    with Trap(script) as trap:
        app = app_at(trap)
        for _ in range(2):
            assert said(send_many(app, trap_token(), messages)) == ["sent", "unknown"]
        assert len(trap.requests) == 1


@pytest.mark.parametrize(
    "script",
    [
        as_json({"responses": {"0": 202}}), as_json([]), as_json({}), answer(b"<html>"),
        answer(b"", "202 Accepted"), reset,
    ],
)  # fmt: skip
def test_an_answer_that_is_none_leaves_all_unknown(script):
    messages = letters(2)
    with Trap(script) as trap:
        app = app_at(trap)
        for _ in range(2):
            outcomes = send_many(app, trap_token(), messages)
            assert said(outcomes) == ["unknown"] * 2
        assert len(trap.requests) == 1


def test_where_nobody_listens_nothing_was_sent():
    with Trap(b"") as trap:
        app = app_at(trap)
    outcomes = send_many(app, trap_token(), letters(25))
    assert said(outcomes) == ["not sent"] * 25 and isinstance(outcomes[0].error, NoAnswer)


@pytest.mark.skipif(os.name == "nt", reason="Windows can't interrupt one thread")
def test_after_an_interrupt_the_same_call_goes_on():
    def interrupt(connection) -> None:
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        connection.recv(1)

    messages = letters(22)
    good = [{"id": str(number), "status": 202} for number in range(2)]
    with Trap(interrupt, as_json({"responses": good})) as trap:
        app = app_at(trap)
        with pytest.raises(KeyboardInterrupt):
            send_many(app, trap_token(), messages)
        outcomes = send_many(app, trap_token(), messages)
    assert said(outcomes) == ["unknown"] * 20 + ["sent"] * 2
    assert len(json.loads(trap.requests[1].partition(b"\r\n\r\n")[2])["requests"]) == 2


@pytest.mark.case("F135", "N69")
def test_an_interrupt_of_a_pause_leaves_no_mail_of_the_batch_under_way(app, sandbox, token):
    def interrupted(*_note):
        raise KeyboardInterrupt

    bend(sandbox, BATCH, status=429, retry_after=5)
    messages = letters(3)
    with pytest.raises(KeyboardInterrupt):
        send_many(app, token, messages, progress=interrupted)
    assert said(send_many(app, token, messages)) == ["sent"] * 3 and len(mails(sandbox)) == 3


@pytest.mark.case("F142")
def test_an_interrupt_of_a_large_mail_leaves_the_others_as_they_are(app, sandbox, writer, tmp_path):
    def interrupted(_done, _total, note):
        if "large.bin" in note:
            raise KeyboardInterrupt

    path = tmp_path / "large.bin"
    path.write_bytes(bytes(3_000_000))
    messages = [*letters(2), hello(subject="large", attachments=path), *letters(2)]
    with pytest.raises(KeyboardInterrupt):
        send_many(app, writer, messages, progress=interrupted)
    assert said(send_many(app, writer, messages)) == ["sent"] * 5 and len(mails(sandbox)) == 5


@pytest.mark.case("F142")
def test_what_another_thread_is_sending_is_waited_for(app, sandbox, token):
    bend(sandbox, SEND, delay_s=0.5)
    message = hello()
    other = threading.Thread(target=send_mail, args=(app, token, message))
    other.start()
    until(lambda: message._sent.under_way.is_set())
    outcomes = send_many(app, token, [message, hello()])
    other.join()
    assert said(outcomes) == ["sent"] * 2 and len(mails(sandbox)) == 2


@pytest.mark.case("F142")
def test_what_a_batch_of_another_thread_is_sending_is_waited_for(app, sandbox, token):
    bend(sandbox, BATCH, delay_s=0.5)
    messages = letters(3)
    other = threading.Thread(target=send_many, args=(app, token, messages))
    other.start()
    until(lambda: messages[2]._sent.under_way.is_set())
    assert send_mail(app, token, messages[2]).outcome == "sent"
    other.join()
    assert len(mails(sandbox)) == 3


def test_threads_with_the_same_mails_in_another_order_do_not_wait_for_each_other(
    app, sandbox, token
):
    messages = letters(20)
    orders = [messages, messages[::-1], messages[10:] + messages[:10]] * 3
    threads = [threading.Thread(target=send_many, args=(app, token, one)) for one in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert not any(thread.is_alive() for thread in threads) and len(mails(sandbox)) == 20


# --- All of it, in any order


def subject_of(mail) -> str:
    return mail["Subject"] if isinstance(mail, EmailMessage) else mail.subject


SEND_DRAFT = "/v1.0/me/messages/{id}/send"
FAULTS = st.sampled_from(
    [
        (SEND, {"status": 400}), (SEND, {"status": 429, "retry_after": 0.01}),
        (SEND, {"status": 503, "deliver": True}), (SEND, {"status": 504}),
        (SEND, {"delay_s": 0.001}), (SEND, {"drop_after": 0}), (SEND, {"status": 401}),
        (BATCH, {"status": 504, "deliver": True}), (BATCH, {"drop_after": 0}),
        (BATCH, {"status": 500}), (BATCH, {"status": 401}), (BATCH, {"status": 400}),
        (BATCH, {"status": 413}), (BATCH, {"status": 429, "retry_after": 0.01}),
        (BATCH, {"status": 429, "retry_after": 120}),
        (SEND_DRAFT, {"status": 504, "deliver": True}), (SEND_DRAFT, {"status": 403}),
    ]
)  # fmt: skip
# An example takes a tenth of a second: a twelfth of what the profile asks for.
SOME = settings(max_examples=settings().max_examples // 12)


@pytest.mark.case("F135", "F137", "F139", "F142", "N50")
@SOME
@given(
    count=st.integers(0, 45),
    others=st.tuples(st.integers(0, 2), st.integers(0, 1)),
    stops=st.lists(st.integers(0, 5), max_size=2),
    faults=st.lists(FAULTS, max_size=8),
)
def test_whatever_breaks_none_is_doubled_and_none_is_lost(
    one_sandbox, writer, tmp_path_factory, count, others, stops, faults
):
    control(one_sandbox, "POST", "reset")
    path = tmp_path_factory.getbasetemp() / "three.bin"
    path.write_bytes(bytes(3_000_000))
    large = [hello(subject=f"large {n}", attachments=path) for n in range(others[1])]
    app, messages = app_of(one_sandbox), [*large, *letters(count), *mimes(others[0])]
    for place, fault in faults:
        bend(one_sandbox, place, **fault)
    stops = [*stops, -1]  # after so many notes, and at last not at all
    while stops or faults:
        if not (faults := faults[1:]):
            control(one_sandbox, "DELETE", "faults")
        left = stops.pop(0) if stops else -1

        def progress(*_note):
            nonlocal left
            left -= 1
            if left == -1:
                raise KeyboardInterrupt

        try:
            outcomes = send_many(app, writer, messages, progress=progress)
        except KeyboardInterrupt:
            outcomes = []
        made = Counter(mail["subject"] for mail in mails(one_sandbox))
        assert all(number == 1 for number in made.values())
        told = {subject_of(one.message): one.outcome for one in outcomes}
        assert {subject for subject, word in told.items() if word == "sent"} <= made.keys()
        assert all(told[subject] in ("sent", "unknown") for subject in made if outcomes)
    assert len(outcomes) == len(messages) and "not sent" not in told.values()
