"""What a mail is: checked when it is written, and turned into what Graph takes."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from unicodedata import normalize
from uuid import uuid4

import idna

from ..errors import MessageError
from .attachment import CONTROL, LARGEST_IN_REQUEST, Attachment, check_text, path_of
from .once import Sent

MOST_RECIPIENTS = 500  # Microsoft: "message resource type", to + cc + bcc
BETWEEN_COMMAS = re.compile(r'(?:"[^"]*"|[^,;])+')  # but not inside quotes
ADDRESS = re.compile(r"(?=.{3,254}$)[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(\.[\w-]+)*", re.ASCII)
CONTROL_BUT_LINES = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
LARGEST_FILES = 150 * 2**20  # bytes of all of them (Microsoft: "Attach large files")
LARGEST_REQUEST = 4 * 2**20 - 1  # bytes, in which a file takes four for three
# A property of our own, by which a mail is found again in Sent Items, where Microsoft shows no
# headers of one's own (Microsoft: "Outlook extended properties overview").
OWN_ID = "String {7b1f3f2c-5c1e-4d0f-9a70-6f2d8e5c9b11} Name graphhelpers-id"


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
        files = _several(self.attachments)
        given = tuple(one if isinstance(one, Attachment) else path_of(one) for one in files)
        object.__setattr__(self, "attachments", given)
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

    @cached_property
    def _text_size(self) -> int:
        return len(json.dumps(self.as_json(with_files=False)))


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


def _several(given: Any) -> list[Any]:
    """Return what was given, one or several, as a list."""
    several = isinstance(given, Iterable) and not isinstance(given, str | bytes | Mapping)
    return list(given) if several else [given]
