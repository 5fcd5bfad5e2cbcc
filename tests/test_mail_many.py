"""Many mails by `$batch`: an outcome for each, and none of them twice."""

import json
import re
import threading
import time
from collections import Counter
from email.message import EmailMessage

import pytest

from graphhelpers import (
    GraphError,
    MessageError,
    send_mail,
    send_many,
    wire,
    wire_log,
)  # fmt: skip
from graphhelpers.mail import many
from graphhelpers.mail.message import LARGEST_REQUEST

from .issued import trap_token
from .kit import app_at, asked, bend, control, mails
from .letters import ADA, BATCH, SEND, arrived, hello, letters, mimes, said
from .trap import Trap


@pytest.mark.parametrize(("count", "batches"), [(0, 0), (1, 1), (20, 1), (21, 2), (45, 3)])
def test_twenty_mails_go_with_one_request(app, sandbox, token, count, batches):
    messages = letters(count)
    outcomes = send_many(app, token, messages)
    assert said(outcomes) == ["sent"] * count and [one.message for one in outcomes] == messages
    assert asked(sandbox, BATCH) == batches
    assert arrived(sandbox) == sorted(one.subject for one in messages)
    assert all(one.receipt.recipients == (ADA,) and one.receipt.request_id for one in outcomes)


def test_the_same_call_again_asks_nobody(app, sandbox, token):
    messages = letters(25)
    first = send_many(app, token, [*messages, messages[3]])
    assert len(first) == 25 and said(send_many(app, token, messages)) == ["sent"] * 25
    assert send_mail(app, token, messages[7]) is first[7].receipt
    assert asked(sandbox, BATCH) == 2 and len(mails(sandbox)) == 25


def test_what_was_sent_before_is_not_sent(app, sandbox, token):
    messages = letters(3)
    receipt = send_mail(app, token, messages[1])
    assert send_many(app, token, messages)[1].receipt is receipt and len(mails(sandbox)) == 3


def test_progress_counts_mails_and_tells_the_time_left(app, sandbox, token):
    notes = []
    send_many(app, token, letters(45), progress=lambda *note: notes.append(note))
    assert [note[:2] for note in notes] == [(20, 45), (40, 45), (45, 45)]
    assert all(re.fullmatch(r"\d+ of 45 mails, about \d+ s left", note[2]) for note in notes)


# --- An outcome for each


@pytest.mark.parametrize(
    ("fault", "outcome", "made"),
    [
        ({"status": 400}, "not sent", 0),
        ({"status": 403}, "not sent", 0),
        ({"status": 500}, "unknown", 0),
        ({"status": 503, "deliver": True, "retry_after": 1}, "unknown", 1),
        ({"status": 504, "deliver": True}, "unknown", 1),
        ({"status": 204, "deliver": True}, "sent", 1),
    ],
)
def test_one_bad_answer_is_of_one_mail(app, sandbox, token, fault, outcome, made):
    bend(sandbox, SEND, delay_s=0.001)
    bend(sandbox, SEND, **fault)
    messages = letters(4)
    outcomes = send_many(app, token, messages)
    assert said(outcomes) == ["sent", outcome, "sent", "sent"]
    assert len(mails(sandbox)) == 3 + made
    if outcome != "sent":
        assert isinstance(outcomes[1].error, GraphError) and str(fault["status"]) in repr(
            outcomes[1]
        )
        again = send_many(app, token, messages)
        assert said(again)[1] == ("unknown" if outcome == "unknown" else "sent")
        assert len(mails(sandbox)) == 3 + made + (outcome == "not sent")


@pytest.mark.case("N69", "F172")
def test_a_throttled_mail_waits_as_long_as_it_says_and_goes_once(app, sandbox, token):
    bend(sandbox, SEND, status=429, retry_after=1, count=2)
    notes, began = [], time.monotonic()
    outcomes = send_many(app, token, letters(5), progress=lambda *note: notes.append(note))
    assert said(outcomes) == ["sent"] * 5 and time.monotonic() - began >= 1
    assert asked(sandbox, BATCH) == 2 and len(mails(sandbox)) == 5
    assert (3, 5, "throttled: waiting 1 s, as the service asked") in notes


@pytest.mark.case("N69")
def test_a_pause_too_long_is_told_at_once_and_the_rest_not_tried(app, sandbox, token):
    bend(sandbox, SEND, status=429, retry_after=120)
    messages = letters(25)
    outcomes = send_many(app, token, messages)
    assert Counter(said(outcomes)) == {"sent": 19, "not sent": 6}
    assert "wait 120 s" in outcomes[0].error.why and "not tried" in outcomes[-1].error.what
    assert said(send_many(app, token, messages)) == ["sent"] * 25 and len(mails(sandbox)) == 25


def test_pauses_without_progress_end(app, sandbox, token, monkeypatch):
    monkeypatch.setattr(many, "DEADLINE_S", 2.0)
    bend(sandbox, SEND, status=429, retry_after=0.4, count=100)
    outcomes = send_many(app, token, letters(2))
    assert said(outcomes) == ["not sent"] * 2 and mails(sandbox) == []


def test_two_threads_send_the_same_mails_once(app, sandbox, token):
    messages, told = letters(40), []
    threads = [
        threading.Thread(target=lambda: told.append(said(send_many(app, token, messages))))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert arrived(sandbox) == sorted(one.subject for one in messages)
    assert all("not sent" not in outcomes for outcomes in told) and len(told) == 3


def test_what_was_sent_stays_sent_when_its_file_is_gone(app, sandbox, token, tmp_path):
    path = tmp_path / "gone.txt"
    path.write_text("x")
    messages = letters(2, attachments=path)
    first = send_many(app, token, messages)
    path.unlink()
    assert [one.receipt for one in send_many(app, token, messages)] == [
        one.receipt for one in first
    ]


# --- What would meet all of them


@pytest.mark.case("F138")
def test_where_nobody_listens_one_mail_is_tried(sandbox):
    with Trap(b"") as trap:
        app = app_at(trap)
    outcomes = send_many(app, trap_token(), mimes(5))
    assert said(outcomes) == ["not sent"] * 5 and len(wire_log) == 1
    assert "not tried" in outcomes[1].error.what


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"status": 401}, "not sent"),
        ({"status": 429, "retry_after": 120}, "not sent"),
        ({"drop_after": 0}, "unknown"),
    ],
)
def test_what_would_meet_every_single_mail_ends_it(app, sandbox, token, fault, outcome):
    bend(sandbox, SEND, **fault, count=9)
    messages = mimes(3)
    assert said(send_many(app, token, messages)) == [outcome, "not sent", "not sent"]
    assert asked(sandbox, SEND) == 1
    control(sandbox, "DELETE", "faults")  # and what is unknown stays so, but stops no other
    first = "sent" if outcome == "not sent" else outcome
    assert said(send_many(app, token, messages)) == [first, "sent", "sent"]


def test_what_was_sent_before_is_told_so_though_the_run_ends_earlier(app, sandbox, token):
    many_letters, many_mimes = letters(25), mimes(2)
    for one in (many_letters[-1], many_mimes[-1]):
        send_mail(app, token, one)
    bend(sandbox, BATCH, status=401)
    outcomes = said(send_many(app, token, [*many_letters, *many_mimes]))
    assert outcomes == ["not sent"] * 24 + ["sent", "not sent", "sent"]


@pytest.mark.parametrize("fault", [{"status": 403}, {"status": 504}])
def test_what_is_of_one_mail_ends_nothing(app, sandbox, token, fault):
    bend(sandbox, SEND, **fault)
    assert said(send_many(app, token, mimes(3)))[1:] == ["sent", "sent"]


def test_a_token_that_no_mail_of_a_batch_is_sent_with_ends_it(app, sandbox, token):
    bend(sandbox, SEND, status=401, count=100)
    assert said(send_many(app, token, letters(60))) == ["not sent"] * 60
    assert asked(sandbox, BATCH) == 1


@pytest.mark.parametrize("status", [400, 413])
def test_a_batch_that_is_refused_as_a_whole_goes_mail_by_mail(app, sandbox, token, status):
    bend(sandbox, BATCH, status=status)
    bend(sandbox, SEND, delay_s=0.001)
    bend(sandbox, SEND, status=400)  # the one to blame
    assert said(send_many(app, token, letters(4))) == ["sent", "not sent", "sent", "sent"]
    assert len(mails(sandbox)) == 3


def test_pauses_of_no_time_end_too(app, sandbox, token, monkeypatch):
    monkeypatch.setattr(many, "DEADLINE_S", 1.5)
    bend(sandbox, SEND, status=429, retry_after=0, count=10_000)
    assert said(send_many(app, token, letters(2))) == ["not sent"] * 2


def test_each_mail_that_goes_alone_is_counted_and_its_pause_told(app, sandbox, token):
    notes = []
    bend(sandbox, SEND, status=429, retry_after=1)
    send_many(app, token, mimes(3), progress=lambda *note: notes.append(note))
    assert notes[0] == (0, 3, "throttled: waiting 1 s, as the service asked")
    assert [note[:2] for note in notes[1:]] == [(1, 3), (2, 3), (3, 3)]


# --- What goes its own way


def test_a_batch_stays_below_four_megabytes(app, sandbox, token, tmp_path):
    path = tmp_path / "one.bin"
    path.write_bytes(bytes(1_000_000))
    assert said(send_many(app, token, letters(7, attachments=path))) == ["sent"] * 7
    assert asked(sandbox, BATCH) == 3 and len(mails(sandbox)) == 7


@pytest.mark.case("N71")
@pytest.mark.parametrize("spare", [0, 100, 9_000, 11_000])
def test_a_mail_of_nearly_four_megabytes_holds_up_no_other(app, sandbox, token, spare):
    room = LARGEST_REQUEST - hello(body="")._text_size - spare
    messages = [hello(body="x" * room), *letters(3)]
    assert said(send_many(app, token, messages)) == ["sent"] * 4 and len(mails(sandbox)) == 4
    batches = [one for one in wire_log if one.request.endswith("$batch")]
    assert [one.answer for one in batches] == ["200"] * len(batches)


def test_mime_and_large_files_go_one_by_one_among_the_others(app, sandbox, writer, tmp_path):
    path = tmp_path / "large.bin"
    path.write_bytes(bytes(3_000_000))
    mime = EmailMessage()
    mime["To"], mime["Subject"] = ADA, "mime"
    mime.set_content("x")
    outcomes = send_many(app, writer, [hello(), mime, hello(attachments=path), hello()])
    assert said(outcomes) == ["sent"] * 4 and len(mails(sandbox)) == 4
    assert (asked(sandbox, BATCH), asked(sandbox, SEND)) == (1, 3)  # one of them by itself


def test_a_file_that_went_away_is_of_one_mail(app, sandbox, token, tmp_path):
    path = tmp_path / "gone.txt"
    path.write_text("x")
    messages = [hello(), hello(attachments=path), hello()]
    path.unlink()
    outcomes = send_many(app, token, messages)
    assert said(outcomes) == ["sent", "not sent", "sent"] and "gone.txt" in outcomes[1].error.what


@pytest.mark.parametrize("wrong", ["text", None, 7, {"subject": "x"}])
def test_what_is_no_message_is_refused_before_any_goes(app, sandbox, token, wrong):
    wrongs = [hello(), wrong] if not isinstance(wrong, dict) else [hello(), json.dumps(wrong)]
    with pytest.raises(MessageError, match="is no message"):
        send_many(app, token, wrongs)
    assert mails(sandbox) == []


@pytest.mark.case("F172")
def test_one_request_at_a_time_is_under_way(app, sandbox, token, monkeypatch):
    under_way, most, call = 0, 0, wire._logged

    def counted(*args):
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        try:
            return call(*args)
        finally:
            under_way -= 1

    monkeypatch.setattr(wire, "_logged", counted)
    send_many(app, token, letters(60))
    assert most == 1 and len(mails(sandbox)) == 60


@pytest.mark.case("F193")
def test_the_outcomes_show_as_a_table_with_foreign_text_escaped(app, sandbox, token):
    evil = "<script>alert(1)</script>"
    bend(sandbox, SEND, status=504)
    outcomes = send_many(app, token, [hello(subject=evil), hello()])
    shown = outcomes._repr_html_()
    assert "<script" not in shown and "&lt;script&gt;" in shown and "✗ unknown" in shown
    assert repr(outcomes) == "1 unknown, 1 sent" and "✓ sent" in shown
    assert repr(send_many(app, token, [])) == "no mails"
