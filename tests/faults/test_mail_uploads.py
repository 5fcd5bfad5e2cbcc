"""Files of 3 to 150 MB: whole on arrival, or nothing is sent and no draft left unnamed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from graphhelpers import (
    Attachment,
    GraphError,
    MessageError,
    save_draft,
    send_mail,
)  # fmt: skip
from graphhelpers.mail import uploading
from graphhelpers.mail.uploading import RANGE
from graphhelpers.wire import call_graph
from tests.faults.uploads import (
    DRAFTS,
    SIZE,
    START,
    UPLOAD,
    arrived_whole,
    drafts,
    not_sent,
    puts,
    sessions,
    sha256,
    written,
)
from tests.kit import asked, bend, control, mails
from tests.letters import SEND, hello

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
