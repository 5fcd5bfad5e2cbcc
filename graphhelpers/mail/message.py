"""What a mail is: checked when it is written, and turned into what Graph takes."""

import json
import mimetypes
import os
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from unicodedata import normalize
from uuid import uuid4

import idna

from ..errors import MessageError
from .once import Sent

MOST_RECIPIENTS = 500  # Microsoft: "message resource type", to + cc + bcc
BETWEEN_COMMAS = re.compile(r'(?:"[^"]*"|[^,;])+')  # but not inside quotes
ADDRESS = re.compile(r"(?=.{3,254}$)[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(\.[\w-]+)*", re.ASCII)
CONTROL = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")  # would end a line, or no text
CONTROL_BUT_LINES = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
# Bytes (Microsoft: "Attach large files"): the most in one request, and the most of all.
LARGEST_IN_REQUEST = 3 * 10**6 - 1
LARGEST_FILES = 150 * 2**20
LARGEST_REQUEST = 4 * 2**20 - 1  # bytes, in which a file takes four for three
# A property of our own, by which a mail is found again in Sent Items, where Microsoft shows no
# headers of one's own (Microsoft: "Outlook extended properties overview").
OWN_ID = "String {7b1f3f2c-5c1e-4d0f-9a70-6f2d8e5c9b11} Name graphhelpers-id"


@dataclass(frozen=True)
class Attachment:
    """A file that travels with a mail; `name` is what the recipient sees, else the file's own.

    With a `content_id` it is a picture in the HTML: `<img src="cid:logo">` for "logo".
    """

    path: str | Path
    name: str | None = None
    content_id: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", _path(self.path))
        if self.name is None:
            object.__setattr__(self, "name", Path(self.path).name)
        else:
            check_text("name", self.name)
            if not re.fullmatch(r"[^/\\]{1,255}", self.name):
                raise MessageError.of("attachment name", name=self.name)
        if self.content_id is not None and not re.fullmatch(r"[!-;=?-~]+", str(self.content_id)):
            raise MessageError.of("content id", content_id=self.content_id)

    @property
    def size(self) -> int:
        """Bytes; raises MessageError when this is no file that can be read."""
        with self.opened() as file:
            return os.fstat(file.fileno()).st_size

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Open the file; raises MessageError at the end when it is no longer what it was."""
        path = Path(self.path)
        try:
            before = path.stat()
            if not path.is_file():  # to open a pipe would wait for its other end
                raise OSError(0, "It is a folder, a pipe or a device, and no file")
            with path.open("rb") as file:
                yield file
            now = path.stat()
            if (now.st_size, now.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
                raise OSError(0, "It was changed while it was read")
        except OSError as error:
            raise MessageError.of("attachment", path=str(path), reason=error.strerror) from None

    def as_json(self, content: bytes | None = None) -> dict[str, Any]:
        """Return Graph's fileAttachment, or without `content` what describes one."""
        described: dict[str, Any] = {
            "name": self.name,
            "contentType": mimetypes.guess_type(str(self.name))[0] or "application/octet-stream",
        }
        if self.content_id:
            described |= {"contentId": self.content_id, "isInline": True}
        if content is None:
            return described
        described["contentBytes"] = b64encode(content).decode("ascii")
        return {"@odata.type": "#microsoft.graph.fileAttachment"} | described

    def read(self) -> dict[str, Any]:
        """Return it with its content, which fits into one request."""
        with self.opened() as file:
            content = file.read(LARGEST_IN_REQUEST + 1)
        if len(content) > LARGEST_IN_REQUEST:
            raise MessageError.of("attachment", path=str(self.path), reason="It has grown")
        return self.as_json(content)


@dataclass(frozen=True, eq=False)
class Message:
    """A mail to send; each recipient is `ada@contoso.example` or `Ada <ada@contoso.example>`.

    `to`, `cc` and `bcc` are one address, several separated by commas, or a list. `attachments`
    are paths, or `Attachment` objects, of 150 MB in all. Raises MessageError for what can't be
    sent. One Message is sent at most once; `id` is the kit's own, to find it in Sent Items.
    """

    subject: str
    body: str
    to: str | Iterable[str]
    cc: str | Iterable[str] = ()
    bcc: str | Iterable[str] = ()
    html: bool = False
    attachments: Iterable[str | Path | Attachment] = ()
    id: str = field(default_factory=lambda: str(uuid4()), init=False, repr=False)
    _sent: Sent = field(default_factory=Sent, init=False, repr=False)

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for name in ("to", "cc", "bcc"):
            object.__setattr__(self, name, tuple(_recipients(name, getattr(self, name), seen)))
        if not seen or len(seen) > MOST_RECIPIENTS:
            raise MessageError.of("recipients", count=len(seen))
        check_text("subject", self.subject, CONTROL)
        check_text("body", self.body, CONTROL_BUT_LINES)
        given = (_path(one) for one in _several(self.attachments))
        object.__setattr__(self, "attachments", tuple(given))
        # What can't be sent is told now; the files are looked at once more when it is sent.
        if (size := self._text_size) > LARGEST_REQUEST:
            raise MessageError.of("message size", size=size)
        room = LARGEST_FILES
        for one in self.files:
            room -= one.size
            if room < 0:
                raise MessageError.of("attachments size", path=str(one.path))

    @property
    def files(self) -> tuple[Attachment, ...]:
        """The attachments, each as an Attachment."""
        return tuple(a if isinstance(a, Attachment) else Attachment(a) for a in self.attachments)

    @property
    def recipients(self) -> tuple[str, ...]:
        """Every address, in the order to, cc, bcc."""
        return tuple(r["emailAddress"]["address"] for r in (*self.to, *self.cc, *self.bcc))

    @property
    def is_large(self) -> bool:
        """Whether its files don't fit into one request, so that each goes to a draft."""
        sizes = [one.size for one in self.files]
        in_json = self._text_size + sum(size * 4 // 3 + 1_000 for size in sizes)
        return sum(sizes) > LARGEST_IN_REQUEST or in_json > LARGEST_REQUEST

    def as_json(self, with_files: bool = True) -> dict[str, Any]:
        """Return the body of the sendMail request (Microsoft: "user: sendMail")."""
        message = {
            "subject": self.subject,
            "body": {"contentType": "html" if self.html else "text", "content": self.body},
            "toRecipients": self.to,
            "ccRecipients": self.cc,
            "bccRecipients": self.bcc,
            "attachments": [one.read() for one in self.files] if with_files else [],
            "singleValueExtendedProperties": [{"id": OWN_ID, "value": self.id}],
        }
        kept = {name: value for name, value in message.items() if value or name == "subject"}
        return {"message": kept, "saveToSentItems": True}

    @property
    def _text_size(self) -> int:
        return len(json.dumps(self.as_json(with_files=False)))


def check_text(name: str, text: object, forbidden: re.Pattern[str] = CONTROL) -> None:
    """Refuse what is no text, or would not be one line of a header, by MessageError."""
    if not isinstance(text, str):
        raise MessageError.of("not text", name=name, kind=type(text).__name__)
    if found := forbidden.search(text):
        raise MessageError.of("text", name=name, code=ord(found[0]), position=found.start() + 1)


def _recipients(name: str, given: object, seen: set[str]) -> Iterator[dict[str, Any]]:
    """Yield Graph's recipient objects, each address once in the whole message."""
    for text in _several(given):
        check_text(name, text)
        for part in filter(None, map(str.strip, BETWEEN_COMMAS.findall(text))):
            person, bracket, address = part.rpartition("<")
            person, address = person.strip(' "'), _ascii(address.removesuffix(">" * len(bracket)))
            if not ADDRESS.fullmatch(address):
                raise MessageError.of("address", part=part, name=name)
            if address.lower() not in seen:
                seen.add(address.lower())
                yield {"emailAddress": {"address": address} | ({"name": person} if person else {})}


def _ascii(address: str) -> str:
    """Return an address with its domain as the mail system knows it (RFC 5891)."""
    local, at, domain = address.rpartition("@")
    if not domain.isascii():
        with suppress(idna.IDNAError):
            domain = idna.encode(normalize("NFC", domain.lower())).decode("ascii")
    return local + at + domain


def _path(given: Any) -> Any:
    """Return a path; an Attachment, which has one, as it is."""
    if isinstance(given, Attachment):
        return given
    path = str(given) if isinstance(given, Path) else given
    check_text("attachments", path)
    return Path(path)


def _several(given: Any) -> list[Any]:
    """Return what was given, one or several, as a list."""
    several = isinstance(given, Iterable) and not isinstance(given, str | bytes | Mapping)
    return list(given) if several else [given]
