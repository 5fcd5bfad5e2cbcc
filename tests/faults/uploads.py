"""What the tests of uploads share: addresses to bend, files, and a look at what became of them."""

import hashlib
import os
from pathlib import Path

import pytest

from graphhelpers import (
    GraphHelpersError,
    send_mail,
    wire_log,
)  # fmt: skip
from graphhelpers.mail.uploading import RANGE
from graphhelpers.wire import call_graph
from tests.kit import mails

UPLOAD = "/api/v2.0/Users('{id}')/Messages('{id}')/AttachmentSessions('{id}')"
START = "/v1.0/me/messages/{id}/attachments/createUploadSession"
SEND_DRAFT = "/v1.0/me/messages/{id}/send"
DRAFTS = "/v1.0/me/messages"
WRITER = {"scope": "Mail.Send Mail.ReadWrite"}
SIZE = 3 * RANGE - 5_000  # three ranges
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
