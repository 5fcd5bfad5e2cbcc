"""Task 5: compose a message and send it as the signed-in person, once."""

import json
import mimetypes
import re
import threading
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import GraphError, MessageError, NoAnswer
from .help_cards import said
from .registration import Registration
from .wire import Answer, Progress, call_graph, retry_after_s

if TYPE_CHECKING:
    from .tokens import Token

MOST_RECIPIENTS = 500  # Microsoft: "message resource type", to + cc + bcc
BETWEEN_COMMAS = re.compile(r'(?:"[^"]*"|[^,;])+')  # but not inside quotes
ADDRESS = re.compile(r"(?=.{3,254}$)[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(\.[\w-]+)*", re.ASCII)
CONTROL = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")  # would end a line, or no text
CONTROL_BUT_LINES = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
LARGEST_ATTACHMENTS = 3 * 10**6 - 1  # bytes in all (Microsoft: "Attach large files")
LARGEST_REQUEST = 4 * 2**20 - 1  # bytes, in which a file takes four for three


@dataclass(frozen=True)
class Receipt:
    """Graph took the mail (202); delivery comes later, and a failure of it as a mail."""

    outcome: str
    recipients: tuple[str, ...]
    sent_at: datetime = field(repr=False)
    request_id: str = field(repr=False)  # names this call to Microsoft's support


@dataclass(frozen=True, eq=False)
class Message:
    """A mail to send; each recipient is `ada@contoso.example` or `Ada <ada@contoso.example>`.

    `to`, `cc` and `bcc` are one address, several separated by commas, or a list. `attachments`
    are paths. Raises MessageError for what can't be sent. One Message is sent at most once.
    """

    subject: str
    body: str
    to: str | Iterable[str]
    cc: str | Iterable[str] = ()
    bcc: str | Iterable[str] = ()
    html: bool = False
    attachments: Iterable[str | Path] = ()
    _sent: "_Sent" = field(default_factory=lambda: _Sent(), init=False, repr=False)

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for name in ("to", "cc", "bcc"):
            object.__setattr__(self, name, tuple(_recipients(name, getattr(self, name), seen)))
        if not seen or len(seen) > MOST_RECIPIENTS:
            raise MessageError(*said("recipients", count=len(seen)))
        _check_text("subject", self.subject, CONTROL)
        _check_text("body", self.body, CONTROL_BUT_LINES)
        paths = map(Path, _lines("attachments", self.attachments))
        object.__setattr__(self, "attachments", tuple(paths))
        # What can't be sent is told now; the files are read once more when it is sent.
        if (size := len(json.dumps(self.as_json()))) > LARGEST_REQUEST:
            raise MessageError(*said("message size", size=size))

    def as_json(self) -> dict[str, Any]:
        """Return the body of the sendMail request (Microsoft: "user: sendMail")."""
        message = {
            "subject": self.subject,
            "body": {"contentType": "html" if self.html else "text", "content": self.body},
            "toRecipients": self.to,
            "ccRecipients": self.cc,
            "bccRecipients": self.bcc,
            "attachments": list(_attached(self.attachments)),
        }
        kept = {name: value for name, value in message.items() if value or name == "subject"}
        return {"message": kept, "saveToSentItems": True}

    @property
    def recipients(self) -> tuple[str, ...]:
        """Every address, in the order to, cc, bcc."""
        return tuple(r["emailAddress"]["address"] for r in (*self.to, *self.cc, *self.bcc))


class _Sent:
    """What became of a message: the lock holds a second sender back until that is known."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.receipt: Receipt | None = None
        self.unknown: Exception | None = None


def whoami(app: Registration, token: "Token") -> dict[str, Any]:
    """Return the signed-in person's profile: `GET /v1.0/me`. Raises GraphError, NoAnswer."""
    answer = call_graph(app.cloud, "GET", "/v1.0/me", token.access_token)
    if answer.status != 200 or answer.json is None:
        raise _refused(answer, None)
    return answer.json


def send_mail(
    app: Registration,
    token: "Token",
    message: Message,
    *,
    again: bool = False,
    progress: Progress | None = None,
) -> Receipt:
    """Send a message as the signed-in person: `POST /v1.0/me/sendMail`.

    A second call with the same Message gives the same Receipt, or raises the same "unknown",
    unless `again=True`. Raises GraphError when Graph says no, and NoAnswer when its answer is
    lost; both tell by `.outcome` whether the mail is "not sent" or its fate is "unknown".
    """
    with message._sent.lock:
        if message._sent.receipt and not again:
            return message._sent.receipt
        if message._sent.unknown and not again:
            raise message._sent.unknown
        content = message.as_json()
        # Until an answer says otherwise (an interrupt, say), nobody knows.
        message._sent.unknown = NoAnswer(*said("interrupted"), "unknown")
        try:
            path = "/v1.0/me/sendMail"
            answer = call_graph(app.cloud, "POST", path, token.access_token, content, progress)
            if not 200 <= answer.status < 300:  # any 2xx is final, whatever else it says
                raise _refused(answer, "not sent" if 400 <= answer.status < 500 else "unknown")
        except (GraphError, NoAnswer) as error:
            message._sent.unknown = error if error.outcome == "unknown" else None
            raise
        message._sent.unknown = None
        request_id = answer.headers.get("request-id", "")
        message._sent.receipt = Receipt("sent", message.recipients, datetime.now(UTC), request_id)
        return message._sent.receipt


def _refused(answer: Answer, outcome: str | None) -> GraphError:
    """Build the error from Graph's body, or from the status alone when the body is another's."""
    error = (answer.json or {}).get("error")
    message = _text_at(error, "message")[:300]  # what follows it must be seen, too
    if answer.status == 429 and (pause_s := retry_after_s(answer)) is not None:
        message += f" Graph asks to wait {pause_s:.6g} s; a call here lasts 30 s at most."
    code = _text_at(error, "code") or "without a code"
    request_id = answer.headers.get("request-id") or _text_at(error, "innerError", "request-id")
    return GraphError(answer.status, code, message.strip(), request_id, outcome)


def _text_at(body: object, *names: str) -> str:
    """Return the text at this place of the body, or "" where there is none."""
    for name in names:
        body = body.get(name) if isinstance(body, dict) else None
    return body if isinstance(body, str) else ""


def _recipients(name: str, given: object, seen: set[str]) -> Iterator[dict[str, Any]]:
    """Yield Graph's recipient objects, each address once in the whole message."""
    for text in _lines(name, given):
        for part in filter(None, map(str.strip, BETWEEN_COMMAS.findall(text))):
            person, bracket, address = part.rpartition("<")
            person, address = person.strip(' "'), address.removesuffix(">" if bracket else "")
            if not ADDRESS.fullmatch(address):
                raise MessageError(*said("address", part=part, name=name))
            if address.lower() not in seen:
                seen.add(address.lower())
                email = {"address": address} | ({"name": person} if person else {})
                yield {"emailAddress": email}


def _lines(name: str, given: Any) -> Iterator[str]:
    """Yield what was given, one text or path or several, each as a text of one line."""
    several = isinstance(given, Iterable) and not isinstance(given, str | bytes | Mapping)
    for one in given if several else [given]:
        text = str(one) if isinstance(one, Path) else one
        _check_text(name, text, CONTROL)
        yield text


def _check_text(name: str, text: object, forbidden: re.Pattern[str]) -> None:
    if not isinstance(text, str):
        raise MessageError(*said("not text", name=name, kind=type(text).__name__))
    if found := forbidden.search(text):
        code, position = ord(found[0]), found.start() + 1
        raise MessageError(*said("text", name=name, code=code, position=position))


def _attached(paths: Iterable[str | Path]) -> Iterator[dict[str, str]]:
    """Read the files as Graph's fileAttachment (Microsoft: "fileAttachment resource type")."""
    room = LARGEST_ATTACHMENTS
    for path in map(Path, paths):
        content = _content(path, room)
        room -= len(content)
        yield {
            "@odata.type": "#microsoft.graph.fileAttachment",
            "name": path.name,
            "contentType": mimetypes.guess_type(path.name)[0] or "application/octet-stream",
            "contentBytes": b64encode(content).decode("ascii"),
        }


def _content(path: Path, room: int) -> bytes:
    try:
        before = path.stat()
        if not path.is_file():
            raise OSError(0, "It is a folder, a pipe or a device, and no file")
        with path.open("rb") as file:
            content = file.read(room + 1)
        if (path.stat().st_size, path.stat().st_mtime_ns) != (before.st_size, before.st_mtime_ns):
            raise OSError(0, "It was changed while it was read")
    except OSError as error:
        told = said("attachment", path=repr(str(path)), reason=error.strerror)
        raise MessageError(*told) from None
    if len(content) > room:
        raise MessageError(*said("attachments size", path=repr(str(path))))
    return content
