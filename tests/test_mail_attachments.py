"""Files that travel inside the message."""

import hashlib
import json
import os

import pytest

from graphhelpers import MessageError, send_mail

from .kit import asked, mails
from .letters import SEND, hello


@pytest.fixture
def file(tmp_path):
    def make(name: str, content: bytes):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return make


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_attachments_arrive_byte_for_byte(app, sandbox, token, file):
    every_byte, nothing = bytes(range(256)) * 9, b""
    files = [
        file("a table.csv", b"1,2\r\n"),
        str(file("bücher.bin", every_byte)),
        file("empty", nothing),
    ]
    send_mail(app, token, hello(attachments=files))
    assert mails(sandbox)[0]["attachments"] == [
        {"name": "a table.csv", "size": 5, "sha256": sha256(b"1,2\r\n")},
        {"name": "bücher.bin", "size": 2304, "sha256": sha256(every_byte)},
        {"name": "empty", "size": 0, "sha256": sha256(nothing)},
    ]


def test_one_path_needs_no_list(app, sandbox, token, file):
    send_mail(app, token, hello(attachments=file("a.txt", b"a")))
    send_mail(app, token, hello(attachments=str(file("b.txt", b"b"))))
    assert [mail["attachments"][0]["name"] for mail in mails(sandbox)] == ["b.txt", "a.txt"]


def test_each_file_says_what_it_is(file):
    made = hello(attachments=[file("a.pdf", b"x"), file("b.unheard-of", b"x")]).as_json()
    kinds = [one["contentType"] for one in made["message"]["attachments"]]
    assert kinds == ["application/pdf", "application/octet-stream"]


@pytest.mark.parametrize("size", [2_900_000, 2_999_999])
def test_just_under_three_megabytes_fit_into_one_request(app, sandbox, token, file, size):
    content = os.urandom(size)
    message = hello(attachments=file("large.bin", content))
    assert len(json.dumps(message.as_json())) < 4 * 2**20
    send_mail(app, token, message)
    assert mails(sandbox)[0]["attachments"][0]["sha256"] == sha256(content)


@pytest.mark.parametrize(
    "sizes", [[3_000_000], [3_100_000], [2_000_000, 1_000_000], [1, 2_999_999]]
)
def test_three_megabytes_in_all_need_a_permission_and_no_request_tells_so(
    app, sandbox, token, file, sizes
):
    files = [file(f"{number}.bin", bytes(size)) for number, size in enumerate(sizes)]
    with pytest.raises(MessageError, match="doesn't hold Mail.ReadWrite") as caught:
        send_mail(app, token, hello(attachments=files))
    assert "3 MB" in caught.value.why and not asked(sandbox, SEND)
    assert not asked(sandbox, "/v1.0/me/messages")


def test_what_cannot_be_read_is_named_and_nothing_goes_out(app, sandbox, token, file, tmp_path):
    if hasattr(os, "mkfifo"):  # to read one would take for ever
        os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "missing.txt", tmp_path / "pipe", ""):
        with pytest.raises(MessageError, match="can't be read") as caught:
            send_mail(app, token, hello(attachments=[file("good.txt", b"x"), path]))
        assert "path" in caught.value.fix and len(caught.value.why) > 20
    assert asked(sandbox, SEND) == 0


def test_a_missing_attachment_is_told_before_anything_is_sent(tmp_path):
    with pytest.raises(MessageError, match="missing.txt"):
        hello(attachments=tmp_path / "missing.txt")


def test_a_message_survives_an_attachment_that_goes_away_for_a_while(app, sandbox, token, file):
    path = file("there.txt", b"at first")
    message = hello(attachments=path)
    path.unlink()
    with pytest.raises(MessageError, match="there.txt"):
        send_mail(app, token, message)
    path.write_text("again")
    assert send_mail(app, token, message).outcome == "sent"
    assert mails(sandbox)[0]["attachments"][0]["sha256"] == sha256(b"again")


def test_only_the_files_own_name_is_told(app, sandbox, token, file, tmp_path):
    file("a.txt", b"x")
    send_mail(app, token, hello(attachments=tmp_path / "." / ".." / tmp_path.name / "a.txt"))
    assert mails(sandbox)[0]["attachments"][0]["name"] == "a.txt"


@pytest.mark.parametrize("name", ["it's (quoted).txt", "x" * 250, "grüße 🚀.txt", "..txt", "-rf"])
def test_an_odd_file_name_arrives(app, sandbox, token, file, name):
    send_mail(app, token, hello(attachments=file(name, b"x")))
    assert mails(sandbox)[0]["attachments"][0]["name"] == name


@pytest.mark.parametrize("name", ["tab\t.txt", "line\n.txt", "\udcff.txt", "\x1b[2J"])
def test_a_file_name_that_cannot_be_told_is_refused(app, sandbox, token, file, name):
    with pytest.raises(MessageError, match="`attachments` has a forbidden character") as caught:
        send_mail(app, token, hello(attachments=file(name, b"x")))
    assert caught.value.outcome == "not sent" and asked(sandbox, SEND) == 0
