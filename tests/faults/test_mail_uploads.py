"""Files of 3 to 150 MB: whole on arrival, or nothing is sent and no draft left unnamed."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphhelpers import (
    Attachment,
    GraphError,
    GraphHelpersError,
    MessageError,
    NoAnswer,
    Secret,
    save_draft,
    send_mail,
    wire_log,
)  # fmt: skip
from graphhelpers.mail import uploading
from graphhelpers.mail.uploading import RANGE
from graphhelpers.wire import Answer, call_graph
from tests.issued import trap_token
from tests.kit import app_at, app_of, as_json, asked, bend, control, mails
from tests.letters import SEND, hello
from tests.trap import Trap, answer, reset

UPLOAD = "/api/v2.0/Users('{id}')/Messages('{id}')/AttachmentSessions('{id}')"
START = "/v1.0/me/messages/{id}/attachments/createUploadSession"
SEND_DRAFT = "/v1.0/me/messages/{id}/send"
DRAFTS = "/v1.0/me/messages"
WRITER = {"scope": "Mail.Send Mail.ReadWrite"}
SIZE = 3 * RANGE - 5_000  # three ranges


def written(folder: Path, size: int = SIZE) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "large.bin"
    path.write_bytes(os.urandom(size))
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def drafts(app, writer) -> list[str]:
    path = "/v1.0/me/mailFolders/drafts/messages"
    answered = call_graph(app.cloud, "GET", path, writer.access_token)
    return [one["subject"] for one in answered.json["value"]]


def arrived_whole(sandbox, *paths: Path) -> None:
    [mail] = mails(sandbox)
    found = [(one["name"], one["size"], one["sha256"]) for one in mail["attachments"]]
    assert found == [(path.name, path.stat().st_size, sha256(path)) for path in paths]


def not_sent(app, writer, sandbox, message, match=None, kind=GraphHelpersError, **options):
    with pytest.raises(kind, match=match) as caught:
        send_mail(app, writer, message, **options)
    assert caught.value.outcome == "not sent" and mails(sandbox) == []
    return caught.value


def puts() -> list[tuple[str, str]]:
    return [
        (one.headers["Content-Range"], one.answer)
        for one in wire_log
        if one.request.startswith("PUT ")
    ]


def sessions() -> int:
    return len([one for one in wire_log if one.request.endswith("/createUploadSession")])


# --- The right way


@pytest.mark.case("F157", "F158", "N71")
@pytest.mark.parametrize(
    ("sizes", "started"),
    [
        ([2_999_999], 0),
        ([3_000_000], 1),
        ([3_000_001, 10], 1),
        ([2_000_000, 1_000_000], 0),
        ([3_000_000, RANGE + 1], 2),
    ],
)
def test_each_file_goes_the_way_of_its_size(app, sandbox, writer, tmp_path, sizes, started):
    paths = []
    for number, size in enumerate(sizes):
        paths.append(tmp_path / f"{number}.bin")
        paths[-1].write_bytes(os.urandom(size))
    send_mail(app, writer, hello(attachments=paths))
    arrived_whole(sandbox, *paths)
    assert sessions() == started and asked(sandbox, SEND) == (sum(sizes) < 3_000_000)


@pytest.mark.case("F159", "N71")
def test_ranges_go_in_order_each_below_four_megabytes(app, sandbox, writer, tmp_path):
    notes = []
    path = written(tmp_path)
    send_mail(app, writer, hello(attachments=path), progress=lambda *note: notes.append(note))
    arrived_whole(sandbox, path)
    last = SIZE - 1
    assert puts() == [
        (f"bytes 0-{RANGE - 1}/{SIZE}", "200"),
        (f"bytes {RANGE}-{2 * RANGE - 1}/{SIZE}", "200"),
        (f"bytes {2 * RANGE}-{last}/{SIZE}", "201"),
    ]
    assert RANGE < 4_000_000 and [note[:2] for note in notes] == [
        (done, SIZE) for done in (0, RANGE, 2 * RANGE, SIZE)
    ]
    assert "large.bin: " in notes[0][2] and " MB" in notes[0][2]


GROWTH = """
import re, sys
from pathlib import Path
from tests.kit import app_of, signed_in
from types import SimpleNamespace
from graphhelpers import Message, send_mail
box = SimpleNamespace(**dict(one.split("=", 1) for one in sys.argv[2:]), ca=None)
app = app_of(box)
token = signed_in(app, "openid", "User.Read", "Mail.Send", "Mail.ReadWrite")
send_mail(app, token, Message("small", "x", "ada@contoso.example"))
def peak():  # in KiB, of this program alone; getrusage counts its parent's, too
    return int(re.search("VmHWM:\\s+([0-9]+)", Path("/proc/self/status").read_text())[1])
before = peak()
send_mail(app, token, Message("large", "x", "ada@contoso.example", attachments=[sys.argv[1]]))
print(peak() - before)
"""


@pytest.mark.case("F159")
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells it there")
def test_150_mb_arrive_whole_and_take_little_memory(app, sandbox, tmp_path):
    path = written(tmp_path, 150 * 2**20)
    facts = ["authority", "graph", "client_id", "client_secret", "tenant"]
    told = [f"{name}={getattr(sandbox, name)}" for name in facts]
    command = [sys.executable, "-c", GROWTH, str(path), *told]
    grown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert int(grown.stdout) * 1024 <= 32 * 2**20
    mail = mails(sandbox)[0]
    assert mail["attachments"][0]["sha256"] == sha256(path)


def test_a_picture_in_the_text_keeps_its_content_id(app, sandbox, writer, tmp_path):
    (tmp_path / "dot.png").write_bytes(b"\x89PNG")
    dot = Attachment(tmp_path / "dot.png", name="a dot.png", content_id="dot@1")
    send_mail(app, writer, hello(html=True, body="<img src='cid:dot@1'>", attachments=[dot]))
    large = Attachment(written(tmp_path), content_id="large")
    send_mail(app, writer, hello(html=True, attachments=[dot, large]))
    path = "/v1.0/me/mailFolders/sentitems/messages"
    for number, expected in ((1, ["dot@1"]), (0, ["dot@1", "large"])):
        value = call_graph(app.cloud, "GET", path, writer.access_token).json["value"]
        files = f"{DRAFTS}/{value[number]['id']}/attachments?$select=name,contentId,isInline"
        found = call_graph(app.cloud, "GET", files, writer.access_token).json["value"]
        assert [one["contentId"] for one in found] == expected and found[0]["name"] == "a dot.png"
        assert all(one["isInline"] for one in found)


# --- What can't be sent is told before anything goes out


@pytest.mark.case("F160")
def test_above_150_mb_is_refused_at_once(tmp_path):
    path = tmp_path / "huge.bin"
    path.touch()
    os.truncate(path, 150 * 2**20 + 1)  # sparse: it takes no room
    with pytest.raises(MessageError, match="150 MB") as caught:
        hello(attachments=path)
    assert "35 MB" in caught.value.why
    os.truncate(path, 75 * 2**20 + 1)
    with pytest.raises(MessageError, match="150 MB"):
        hello(attachments=[path, path])


@pytest.mark.case("F160", "N74")
def test_what_is_too_large_for_the_mailbox_is_told_and_its_draft_removed(
    app, sandbox, writer, tmp_path
):
    control(sandbox, "POST", "limits", enabled=False, message_mb=5)
    message = hello(attachments=written(tmp_path))
    error = not_sent(app, writer, sandbox, message, "ErrorMessageSizeExceeded", GraphError)
    assert "draft was removed" in error.fix and drafts(app, writer) == []


@pytest.mark.case("F168", "N65")
def test_without_the_permission_nothing_is_begun(app, sandbox, token, tmp_path):
    message = hello(attachments=written(tmp_path))
    error = not_sent(app, token, sandbox, message, "doesn't hold Mail.ReadWrite", MessageError)
    assert "scopes" in error.fix and asked(sandbox, DRAFTS) == asked(sandbox, SEND) == 0


@pytest.mark.case("F167")
@pytest.mark.parametrize("name", ["../a", "a/b", "a\\b", "", "x" * 256, "a\r\nb", "\0", 7])
def test_a_name_that_is_none_is_refused(tmp_path, name):
    with pytest.raises(MessageError):
        Attachment(written(tmp_path, 1), name=name)


@pytest.mark.parametrize("content_id", ["", "a b", "<a>", "a\r\nb", "ä"])
def test_a_content_id_that_is_none_is_refused(tmp_path, content_id):
    with pytest.raises(MessageError, match="content id"):
        Attachment(written(tmp_path, 1), content_id=content_id)


# --- The file changes under our hands


@pytest.mark.case("F161")
@pytest.mark.parametrize("change", ["grows", "shrinks", "vanishes", "is another"])
def test_a_file_that_changes_on_its_way_is_not_sent(app, sandbox, writer, tmp_path, change):
    path = written(tmp_path)

    def progress(done, total, note):
        if done == RANGE:
            if change == "grows":
                os.truncate(path, SIZE + 1)
            elif change == "shrinks":
                os.truncate(path, RANGE + 5)
            elif change == "vanishes":
                path.unlink()
            else:
                os.utime(path, (1, 1))

    message = hello(attachments=path)
    error = not_sent(app, writer, sandbox, message, "large.bin", MessageError, progress=progress)
    assert "draft was removed" in error.fix and drafts(app, writer) == []
    written(tmp_path)
    assert send_mail(app, writer, message).outcome == "sent"
    arrived_whole(sandbox, path)


@pytest.mark.case("F161")
@pytest.mark.parametrize("size", [10, 3_000_000])
def test_a_file_that_vanishes_while_the_draft_is_made_is_not_sent(
    app, sandbox, writer, tmp_path, monkeypatch, size
):
    path, called = written(tmp_path, size), uploading.call_graph

    def vanishing(cloud, method, address, *rest):
        answered = called(cloud, method, address, *rest)
        if address == DRAFTS:
            path.unlink()
        return answered

    message = hello(attachments=path)
    monkeypatch.setattr(uploading, "call_graph", vanishing)
    if size == 10:  # it is in the draft
        assert save_draft(app, writer, message).subject == "Hello"
        return
    error = not_sent(app, writer, sandbox, message, "large.bin", MessageError)
    assert "draft was removed" in error.fix and drafts(app, writer) == []


@pytest.mark.parametrize("error", [BrokenPipeError(32, "Broken pipe"), ZeroDivisionError()])
def test_an_error_of_progress_is_its_own_and_names_the_draft(app, sandbox, writer, tmp_path, error):
    def progress(done, total, note):
        if done:
            raise error

    with pytest.raises(type(error)) as caught:
        send_mail(app, writer, hello(attachments=written(tmp_path)), progress=progress)
    assert "draft 'Hello' is in Drafts" in caught.value.__notes__[0]


# --- Stopped, and taken up again


@pytest.mark.case("F163")
@pytest.mark.parametrize("at", range(4))
def test_after_an_interrupt_the_same_call_goes_on_where_it_was(app, sandbox, writer, tmp_path, at):
    def progress(done, total, note):
        if done >= min(at * RANGE, SIZE):
            raise KeyboardInterrupt

    path = written(tmp_path)
    message = hello(attachments=path)
    with pytest.raises(KeyboardInterrupt) as caught:
        send_mail(app, writer, message, progress=progress)
    assert "make the same call again" in caught.value.__notes__[0]
    assert drafts(app, writer) == ["Hello"] and mails(sandbox) == []
    assert send_mail(app, writer, message).outcome == "sent" and len(puts()) == 3
    arrived_whole(sandbox, path)
    assert drafts(app, writer) == []


@pytest.mark.case("F163")
def test_files_that_were_there_are_not_uploaded_again(app, sandbox, writer, tmp_path):
    paths = [written(tmp_path / name, size) for name, size in (("a", SIZE), ("b", 9), ("c", SIZE))]

    def progress(done, total, note):
        if done > SIZE + 9 + RANGE:
            raise KeyboardInterrupt

    message = hello(attachments=paths)
    with pytest.raises(KeyboardInterrupt):
        send_mail(app, writer, message, progress=progress)
    send_mail(app, writer, message)
    assert len(puts()) == 6
    arrived_whole(sandbox, *paths)


@pytest.mark.case("F163")
@pytest.mark.parametrize("path", [DRAFTS + "/{id}/attachments", START])
def test_a_lost_answer_to_a_new_file_is_settled_by_the_next_call(
    app, sandbox, writer, tmp_path, path
):
    paths = [written(tmp_path / "a", 9), written(tmp_path / "b")]
    bend(sandbox, path, status=504, deliver=True)
    message = hello(attachments=paths)
    error = not_sent(app, writer, sandbox, message, "504", GraphError)
    assert "make the same call again" in error.fix
    assert send_mail(app, writer, message).outcome == "sent"
    arrived_whole(sandbox, *paths)


@pytest.mark.case("F161", "F163")
def test_a_file_that_changes_between_two_calls_is_not_patched_together(
    app, sandbox, writer, tmp_path
):
    def progress(done, total, note):
        if done:
            raise KeyboardInterrupt

    path = written(tmp_path)
    message = hello(attachments=path)
    with pytest.raises(KeyboardInterrupt):
        send_mail(app, writer, message, progress=progress)
    written(tmp_path)
    os.utime(path, (1, 1))  # its clock may be too coarse to see it
    error = not_sent(app, writer, sandbox, message, "no longer what they were", MessageError)
    assert "draft was removed" in error.fix and drafts(app, writer) == []
    assert send_mail(app, writer, message).outcome == "sent"
    arrived_whole(sandbox, path)


@pytest.mark.case("F164")
def test_a_session_that_expired_between_two_calls_is_begun_anew(app, sandbox, writer, tmp_path):
    def progress(done, total, note):
        if done:
            raise KeyboardInterrupt

    path = written(tmp_path)
    message = hello(attachments=path)
    with pytest.raises(KeyboardInterrupt):
        send_mail(app, writer, message, progress=progress)
    bend(sandbox, UPLOAD, status=404)
    assert send_mail(app, writer, message).outcome == "sent" and len(puts()) == 4
    arrived_whole(sandbox, path)


@pytest.mark.case("F169")
def test_a_draft_that_was_deleted_between_two_calls_is_made_anew(app, sandbox, writer, tmp_path):
    def progress(done, total, note):
        if done:
            raise KeyboardInterrupt

    message = hello(attachments=written(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        send_mail(app, writer, message, progress=progress)
    call_graph(app.cloud, "DELETE", f"{DRAFTS}/{message._sent.draft.id}", writer.access_token)
    not_sent(app, writer, sandbox, message, kind=GraphError)
    assert send_mail(app, writer, message).outcome == "sent" and len(mails(sandbox)) == 1


# --- Broken on the way


ODD_2XX = (200, 201, 202, 204)  # without nextExpectedRanges, which only the last range's may be
BROKEN = [
    {"status": 500},
    {"status": 503, "deliver": True},
    {"status": 504, "deliver": True},
    {"drop_after": 0},
    {"drop_after": 20, "status": 502},
    {"status": 409},
    {"status": 416, "deliver": True},
    {"status": 429, "retry_after": 0.01},
    *({"status": status, "deliver": deliver} for status in ODD_2XX for deliver in (True, False)),
]


@pytest.mark.case("F163", "F166")
@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("fault", BROKEN, ids=str)
def test_a_broken_range_is_taken_up_where_the_session_says(
    app, sandbox, writer, tmp_path, fault, number
):
    for _ in range(number):
        bend(sandbox, UPLOAD, delay_s=0.001)  # the ordinary answer
    bend(sandbox, UPLOAD, **fault)
    path = written(tmp_path)
    assert send_mail(app, writer, hello(attachments=path)).outcome == "sent"
    arrived_whole(sandbox, path)
    met = {"no answer", "502"} if "drop_after" in fault else {str(fault["status"])}
    assert puts()[number][1] in met


@pytest.mark.case("F164")
@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize(("number", "deliver"), [(0, False), (1, True), (2, False), (2, True)])
def test_an_expired_session_is_begun_anew_and_the_file_is_there_once(
    app, sandbox, writer, tmp_path, number, deliver, status
):
    for _ in range(number):
        bend(sandbox, UPLOAD, delay_s=0.001)
    bend(sandbox, UPLOAD, status=status, deliver=deliver)
    path = written(tmp_path)
    assert send_mail(app, writer, hello(attachments=path)).outcome == "sent"
    arrived_whole(sandbox, path)
    assert puts()[number][1] == str(status)
    assert sessions() == (1 if (number, deliver) == (2, True) else 2)


@pytest.mark.case("F164")
def test_a_session_that_expires_by_the_clock_is_begun_anew(
    app, sandbox, writer, tmp_path, monkeypatch
):
    called, calls = uploading.call_upload, []

    def an_hour_later(*args):
        calls.append(args)
        passes = 3_601 if len(calls) == 2 else 0
        control(sandbox, "POST", "clock", advance_s=passes)
        answered = called(*args)
        control(sandbox, "POST", "clock", advance_s=-passes)  # the token is still good
        return answered

    monkeypatch.setattr(uploading, "call_upload", an_hour_later)
    path = written(tmp_path)
    send_mail(app, writer, hello(attachments=path))
    arrived_whole(sandbox, path)
    assert sessions() == 2 and [status for _, status in puts()].count("404") == 1


@pytest.mark.case("F164")
def test_sessions_that_always_expire_end(app, sandbox, writer, tmp_path):
    bend(sandbox, UPLOAD, status=404, count=20)
    message = hello(attachments=written(tmp_path))
    error = not_sent(app, writer, sandbox, message, "large.bin", NoAnswer)
    assert len(puts()) == 3 and "'Hello' is in Drafts" in error.fix
    control(sandbox, "DELETE", "faults")
    assert send_mail(app, writer, message).outcome == "sent" and drafts(app, writer) == []


def test_a_range_that_never_gets_through_ends_within_its_time(
    app, sandbox, writer, tmp_path, monkeypatch
):
    monkeypatch.setattr(uploading, "DEADLINE_S", 2.0)
    bend(sandbox, UPLOAD, status=503, count=100)
    message = hello(attachments=written(tmp_path))
    error = not_sent(app, writer, sandbox, message, "large.bin", NoAnswer)
    assert "no range" in error.why and "'Hello' is in Drafts" in error.fix
    control(sandbox, "DELETE", "faults")
    assert send_mail(app, writer, message).outcome == "sent" and drafts(app, writer) == []


@pytest.mark.case("N69")
def test_a_pause_too_long_for_a_range_is_an_error_at_once(app, sandbox, writer, tmp_path):
    bend(sandbox, UPLOAD, status=429, retry_after=120)
    message = hello(attachments=written(tmp_path))
    error = not_sent(app, writer, sandbox, message, "wait 120 s", GraphError)
    assert len(puts()) == 1 and "'Hello' is in Drafts" in error.fix
    assert send_mail(app, writer, message).outcome == "sent" and drafts(app, writer) == []


@pytest.mark.case("N69")
def test_a_range_may_wait_as_long_as_its_time_allows_and_counts_it_down(
    app, sandbox, writer, tmp_path, monkeypatch
):
    monkeypatch.setattr(uploading, "DEADLINE_S", 4.0)  # a third of it is more than what is left
    bend(sandbox, UPLOAD, delay_s=0.001)
    bend(sandbox, UPLOAD, status=429, retry_after=2)
    notes, path = [], written(tmp_path)
    send_mail(app, writer, hello(attachments=path), progress=lambda *note: notes.append(note))
    arrived_whole(sandbox, path)
    waits = [note for note in notes if "throttled" in note[2]]
    assert [note[:2] for note in waits] == [(RANGE, SIZE)] * 2 and "waiting 2 s" in waits[0][2]


@pytest.mark.case("N69")
@pytest.mark.parametrize("path", [DRAFTS, START])
def test_drafts_and_sessions_count_their_pauses_down_too(app, sandbox, writer, tmp_path, path):
    bend(sandbox, path, status=429, retry_after=1)
    notes = []
    message = hello(attachments=written(tmp_path, 3_000_000))
    send_mail(app, writer, message, progress=lambda *note: notes.append(note))
    assert notes[0] == (0, 3_000_000, "throttled: waiting 1 s, as the service asked")


@pytest.mark.parametrize("path", [DRAFTS, START])
@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 504, "deliver": True}], ids=str)
def test_where_no_draft_or_session_is_to_be_had_nothing_is_sent(
    app, sandbox, writer, tmp_path, path, fault
):
    bend(sandbox, path, **fault)
    message = hello(attachments=written(tmp_path))
    error = not_sent(app, writer, sandbox, message, "50")
    assert "raft" in error.fix
    if drafts(app, writer):
        words = "may lie in Drafts" if path == DRAFTS else "is in Drafts"
        assert f"'Hello' {words}" in error.fix
    assert send_mail(app, writer, message).outcome == "sent" and len(mails(sandbox)) == 1


@pytest.mark.case("F169")
def test_a_draft_that_cannot_be_removed_is_named(app, sandbox, writer, tmp_path):
    bend(sandbox, "/v1.0/me/messages/{id}/attachments/createUploadSession", status=400)
    bend(sandbox, "/v1.0/me/messages/{id}", status=503)
    error = not_sent(app, writer, sandbox, hello(attachments=written(tmp_path)))
    assert "draft 'Hello' is left in Drafts" in error.fix and drafts(app, writer) == ["Hello"]


@pytest.mark.case("F169")
def test_a_draft_whose_sending_is_refused_stays_and_is_sent_the_next_time(
    app, sandbox, writer, tmp_path
):
    bend(sandbox, SEND_DRAFT, status=403)
    path = written(tmp_path)
    message = hello(attachments=path)
    error = not_sent(app, writer, sandbox, message, "403", GraphError)
    assert "draft 'Hello' was in Drafts" in error.fix and drafts(app, writer) == ["Hello"]
    assert send_mail(app, writer, message).outcome == "sent" and len(puts()) == 3
    arrived_whole(sandbox, path)


@pytest.mark.case("F137", "F169")
@pytest.mark.parametrize("deliver", [True, False])
def test_a_lost_answer_to_the_sending_of_a_draft_is_unknown(
    app, sandbox, writer, tmp_path, deliver
):
    bend(sandbox, SEND_DRAFT, status=504, deliver=deliver)
    message = hello(attachments=written(tmp_path))
    for _ in range(2):
        with pytest.raises(GraphError) as caught:
            send_mail(app, writer, message)
        assert caught.value.outcome == "unknown" and "'Hello'" in caught.value.fix
    assert len(mails(sandbox)) == deliver
    assert send_mail(app, writer, message, again=True).outcome == "sent"
    assert len(mails(sandbox)) == 1 + deliver


# --- The upload URL is a secret


CANARY = "http://127.0.0.1:{port}/up/a%2Fb?authtoken=canary~{word}&x=1"


@pytest.mark.case("F165", "N72")
def test_the_upload_url_is_used_as_it_is_without_a_token_and_never_shown(tmp_path):
    path, word = written(tmp_path, 3_000_000), "upload-0123456789"
    with Trap(b"") as trap:
        url = CANARY.format(port=trap.url.rpartition(":")[2], word=word)
        session = {"uploadUrl": url, "nextExpectedRanges": ["0-"]}
        trap.script = [
            as_json({"id": "AAMk1"}, "201 Created"),
            as_json(session, "201 Created"),
            answer(b"", "201 Created", f"Location: {url}"),
            as_json({"value": [{"id": "1"}]}),
            answer(b"", "202 Accepted"),
        ]
        send_mail(app_at(trap), trap_token(**WRITER), hello(attachments=path))
        put = trap.requests[2]
    assert put.startswith(f"PUT /up/a%2Fb?authtoken=canary~{word}&x=1 HTTP/1.1".encode())
    assert b"authorization" not in put.lower().partition(b"\r\n\r\n")[0]
    shown = repr(wire_log) + wire_log._repr_html_() + repr(wire_log.diagram()._repr_mimebundle_())
    shown += "".join(one.http + one.curl for one in wire_log)
    assert word not in shown and "authtoken" not in shown and "‹secret " in shown


@pytest.mark.case("F165", "N72")
@pytest.mark.parametrize("script", [[reset], [answer(b"x", "400 No")], [answer(b"", "302 Found")]])
def test_an_error_of_an_upload_tells_nothing_of_its_url(tmp_path, script, monkeypatch):
    monkeypatch.setattr(uploading, "DEADLINE_S", 1.5)
    path, word = written(tmp_path, 3_000_000), "upload-0123456789"
    with Trap(b"") as trap:
        url = CANARY.format(port=trap.url.rpartition(":")[2], word=word)
        created = as_json({"uploadUrl": url}, "201 Created")
        trap.script = [as_json({"id": "AAMk1"}, "201 Created"), created, *script]
        with pytest.raises(GraphHelpersError) as caught:
            send_mail(app_at(trap), trap_token(**WRITER), hello(attachments=path))
    error = caught.value
    assert error.outcome == "not sent" and word not in str(error) + repr(error) + repr(wire_log)


@pytest.mark.case("F165", "N72")
@pytest.mark.parametrize(
    "url", ["http://evil.example/up", "ftp://127.0.0.1/x", "", None, 7, "//x", "https://"]
)
def test_an_address_that_is_not_safe_gets_no_byte_of_the_file(tmp_path, url):
    path = written(tmp_path, 3_000_000)
    script = [as_json({"id": "AAMk1"}, "201 Created"), as_json({"uploadUrl": url}, "201 Created")]
    with Trap(*script, answer(b"", "204 No Content")) as trap:
        with pytest.raises(GraphHelpersError) as caught:
            send_mail(app_at(trap), trap_token(**WRITER), hello(attachments=path))
        assert not [one for one in trap.requests if one.startswith(b"PUT")]
    assert caught.value.outcome == "not sent"


# --- A session that writes its answers in its own way


def as_told(way: str, answered: Answer) -> Answer:
    """Return an answer of an upload session as another cloud, or a worse one, would write it."""
    ranges = (answered.json or {}).get("nextExpectedRanges")
    if way == "plain" or not ranges:
        return answered
    told = {
        "Pascal": {"NextExpectedRanges": ranges},
        "dash": {"nextExpectedRanges": [f"{ranges[0]}-{SIZE}", "9-"]},
        "odd": {"nextExpectedRanges": ["x"]},
        "none": {"nextExpectedRanges": []},
        "back": {"nextExpectedRanges": ["0"]},
        "beyond": {"nextExpectedRanges": ["999999999999"]},
    }[way]
    return Answer(answered.status, answered.headers, json.dumps(told).encode())


@contextmanager
def told_as(ways: list[str]):
    """Let each answer of an upload session be told in its way, and those after them plainly."""
    called, left = uploading.call_upload, list(ways)

    def call(*args):
        return as_told(left.pop(0) if left else "plain", called(*args))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uploading, "call_upload", call)
        yield


WAYS = ["Pascal", "dash", "odd", "none", "back", "beyond"]


@pytest.mark.case("F163")
@pytest.mark.parametrize("way", WAYS)
def test_however_the_session_tells_its_ranges_the_file_arrives(app, sandbox, writer, tmp_path, way):
    path = written(tmp_path)
    with told_as([way] * (9 if way in ("Pascal", "dash") else 2)):
        send_mail(app, writer, hello(attachments=path))
    arrived_whole(sandbox, path)
    assert way not in ("Pascal", "dash") or len(puts()) == 3


@pytest.mark.case("F163")
def test_a_session_that_goes_back_and_forth_ends_within_its_time(tmp_path, monkeypatch):
    monkeypatch.setattr(uploading, "DEADLINE_S", 2.0)
    path, began = written(tmp_path), time.monotonic()
    back, forth = (as_json({"nextExpectedRanges": [str(start)]}) for start in (0, RANGE))
    with Trap(b"") as trap:
        created = as_json({"id": "A", "uploadUrl": f"{trap.url}/up"}, "201 Created")
        trap.script = [created, created, *[forth, back] * 50]
        with pytest.raises(NoAnswer, match="no range") as caught:
            send_mail(app_at(trap), trap_token(**WRITER), hello(attachments=path))
    assert caught.value.outcome == "not sent" and time.monotonic() - began < 4


@pytest.mark.case("F164")
def test_two_files_alike_both_arrive_though_one_session_expires(app, sandbox, writer, tmp_path):
    paths = [written(tmp_path / name, 3_000_000) for name in ("a", "b")]
    bend(sandbox, UPLOAD, delay_s=0.001)
    bend(sandbox, UPLOAD, status=404)
    send_mail(app, writer, hello(attachments=paths))
    arrived_whole(sandbox, *paths)


@pytest.mark.case("F164")
@pytest.mark.parametrize("fault", [{"drop_after": 0}, {"status": 504, "deliver": True}], ids=str)
def test_a_file_whose_last_answer_was_lost_is_there_once_though_its_size_is_another(
    app, sandbox, writer, tmp_path, monkeypatch, fault
):
    called, sizes = uploading.call_graph, []

    def larger(cloud, method, address, *rest):  # as Exchange counts what it wraps around a file
        answered = called(cloud, method, address, *rest)
        for one in (answered.json or {}).get("value", ()):
            sizes.append(one["id"])
            one["size"] = 237 + one.get("size", 0)
        return answered

    monkeypatch.setattr(uploading, "call_graph", larger)
    for _ in range(2):
        bend(sandbox, UPLOAD, delay_s=0.001)
    bend(sandbox, UPLOAD, **fault)
    path = written(tmp_path)
    send_mail(app, writer, hello(attachments=path))
    arrived_whole(sandbox, path)
    assert sizes


@pytest.mark.case("F169")
@pytest.mark.parametrize("listed", [[], [{"id": "1"}, {"id": "2"}], None, "x"])
def test_a_draft_without_its_files_is_never_sent(tmp_path, listed):
    path = written(tmp_path, 3_000_000)
    with Trap(b"") as trap:
        created = as_json({"id": "A", "uploadUrl": f"{trap.url}/up"}, "201 Created")
        upload = [created, answer(b"", "201 Created"), as_json({"value": listed})]
        trap.script = [created, *upload * 3, answer(b"", "204 No Content")]
        with pytest.raises(GraphHelpersError) as caught:
            send_mail(app_at(trap), trap_token(**WRITER), hello(attachments=path))
        assert not [one for one in trap.requests if b"/send" in one[:200]]
    assert caught.value.outcome == "not sent" and "Nothing was sent" in caught.value.fix


# --- All of it, in any order


FAULT = st.sampled_from(
    [*BROKEN, {"delay_s": 0.001}, {"status": 404}, {"status": 410, "deliver": True}]
)
FILES = st.lists(
    st.one_of(st.integers(3_000_000, 9_000_000), st.integers(0, 1_000)), min_size=1, max_size=2
)
# An example takes a second: a fiftieth of what the profile asks for.
FEW = settings(max_examples=settings().max_examples // 50)


@pytest.mark.case("F163", "F164", "F166", "F169")
@FEW
@given(
    sizes=FILES.filter(lambda sizes: max(sizes) >= 3_000_000),
    faults=st.lists(FAULT, max_size=6),
    ways=st.lists(st.sampled_from(["plain", *WAYS]), max_size=6),
    stops=st.lists(st.integers(0, 18_000_000), max_size=2),
    are_pictures=st.booleans(),
)
def test_whatever_breaks_the_files_arrive_whole_and_once_or_nothing_does(
    one_sandbox, writer, sizes, faults, ways, stops, are_pictures
):
    control(one_sandbox, "POST", "reset")
    app = app_of(one_sandbox)
    for fault in faults:
        bend(one_sandbox, UPLOAD, **fault)
    with tempfile.TemporaryDirectory() as folder, told_as(ways):
        paths = [written(Path(folder) / str(n), size) for n, size in enumerate(sizes)]
        shown = [f"picture{n}" if are_pictures else None for n in range(len(paths))]
        files = [Attachment(path, None, cid) for path, cid in zip(paths, shown, strict=True)]
        message, stops = hello(attachments=files, html=are_pictures), list(stops)

        def progress(done, total, note):
            if stops and done >= stops[0]:
                stops.pop(0)
                raise KeyboardInterrupt

        for tries in range(4):
            if tries == 3:
                control(one_sandbox, "DELETE", "faults")
                stops = []
            left = ""
            try:
                send_mail(app, writer, message, progress=progress)
            except KeyboardInterrupt as stopped:
                left = stopped.__notes__[0]
            except GraphHelpersError as error:
                left = error.fix
            if not left:
                break
            assert mails(one_sandbox) == []
            assert ("is in Drafts" in left) == (drafts(app, writer) == ["Hello"])
        arrived_whole(one_sandbox, *paths)
        assert drafts(app, writer) == []


def test_a_secret_url_is_a_secret():
    assert "canary" not in repr(Secret("https://canary.example/up"))
