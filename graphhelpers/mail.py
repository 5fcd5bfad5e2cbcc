"""Task 5: compose a message and send it as the signed-in person, once."""

import mimetypes
import re
import threading
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import GraphError, MessageError, NoAnswer
from .help_cards import card
from .registration import Registration
from .wire import Answer, Progress, call_graph

if TYPE_CHECKING:
    from .tokens import Token

MOST_RECIPIENTS = 500  # Microsoft: "message resource type", to + cc + bcc
BETWEEN_COMMAS = re.compile(r'(?:"[^"]*"|[^,;])+')  # but not inside quotes
ADDRESS = re.compile(r"(?=.{3,254}$)[\w.!#$%&'*+/=?^`{|}~-]+@[\w-]+(\.[\w-]+)*", re.ASCII)
LARGEST_ATTACHMENTS = 3 * 10**6 - 1  # bytes in all: in Base64 the request stays below 4 MB


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
            object.__setattr__(self, name, _recipients(name, getattr(self, name), seen))
        if not seen or len(seen) > MOST_RECIPIENTS:
            raise MessageError(f"The message has {len(seen)} recipients.", *card("recipients"))
        _check_text("subject", self.subject, control="")
        _check_text("body", self.body, control="\r\n\t")
        given = self.attachments
        paths = (given,) if isinstance(given, str | Path) else given
        object.__setattr__(self, "attachments", tuple(Path(path) for path in paths))

    def as_json(self) -> dict[str, Any]:
        """Return the body of the sendMail request (Microsoft: "user: sendMail")."""
        message = {
            "subject": self.subject,
            "body": {"contentType": "html" if self.html else "text", "content": self.body},
            "toRecipients": self.to,
            "ccRecipients": self.cc,
            "bccRecipients": self.bcc,
            "attachments": _attached(self.attachments),
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
        message._sent.unknown = NoAnswer("Sending was stopped.", *card("interrupted"), "unknown")
        try:
            path = "/v1.0/me/sendMail"
            answer = call_graph(app.cloud, "POST", path, token.access_token, content, progress)
            if not 200 <= answer.status < 300:  # any 2xx is final, whatever else it says
                raise _refused(answer, "unknown" if answer.status >= 500 else "not sent")
        except (GraphError, NoAnswer) as error:
            message._sent.unknown = error if error.outcome == "unknown" else None
            raise
        message._sent.unknown = None
        message._sent.receipt = Receipt(
            "sent", message.recipients, datetime.now(UTC), answer.headers.get("request-id", "")
        )
        return message._sent.receipt


def _refused(answer: Answer, outcome: str | None) -> GraphError:
    """Build the error from Graph's body, or from the status alone when the body is another's."""
    error = (answer.json or {}).get("error")
    error = error if isinstance(error, dict) else {}
    inner = error.get("innerError")
    request_id = answer.headers.get("request-id") or (
        inner.get("request-id") if isinstance(inner, dict) else None
    )
    message = str(error.get("message") or "")
    if answer.status == 429 and (wait := answer.headers.get("Retry-After")):
        message += f" Graph asks to wait {wait} s, longer than a call may last here."
    code = str(error.get("code") or "without a code")
    return GraphError(answer.status, code, message, str(request_id or ""), outcome)


def _recipients(
    name: str, given: str | Iterable[str], seen: set[str]
) -> tuple[dict[str, dict[str, str]], ...]:
    """Return Graph's recipient objects, each address once in the whole message."""
    texts = [given] if isinstance(given, str) else list(given)
    found = []
    for text in texts:
        _check_text(name, text, control="")
        for part in filter(None, map(str.strip, BETWEEN_COMMAS.findall(text))):
            person, bracket, address = part.rpartition("<")
            person, address = person.strip(' "'), address.removesuffix(">" if bracket else "")
            if not ADDRESS.fullmatch(address):
                raise MessageError(f"{part!r} in `{name}` is not an address.", *card("address"))
            if address.lower() not in seen:
                seen.add(address.lower())
                email = {"address": address} | ({"name": person} if person else {})
                found.append({"emailAddress": email})
    return tuple(found)


def _check_text(name: str, text: object, control: str) -> None:
    if not isinstance(text, str):
        raise MessageError(f"`{name}` is {type(text).__name__}, not text.", *card("not text"))
    for position, character in enumerate(text, 1):
        surrogate = "\ud800" <= character <= "\udfff"
        if surrogate or (character < " " or character == "\x7f") and character not in control:
            which = f"U+{ord(character):04X}, at position {position}"
            raise MessageError(f"`{name}` has a forbidden character: {which}.", *card("text"))


def _attached(paths: Iterable[str | Path]) -> list[dict[str, str]]:
    """Read the files as Graph's fileAttachment (Microsoft: "fileAttachment resource type")."""
    files, room = [], LARGEST_ATTACHMENTS
    for path in map(Path, paths):
        _check_text("attachments", path.name, control="")
        content = _content(path, room)
        room -= len(content)
        files.append(
            {
                "@odata.type": "#microsoft.graph.fileAttachment",
                "name": path.name,
                "contentType": mimetypes.guess_type(path.name)[0] or "application/octet-stream",
                "contentBytes": b64encode(content).decode("ascii"),
            }
        )
    return files


def _content(path: Path, room: int) -> bytes:
    try:
        if not path.is_file():
            raise FileNotFoundError(2, "it is not a file that exists")
        with path.open("rb") as file:
            content = file.read(room + 1)
    except OSError as error:
        what = f"The attachment {str(path)!r} can't be read."
        raise MessageError(what, *card("attachment", reason=error.strerror)) from None
    if len(content) > room:
        what = f"With {str(path)!r} the attachments reach 3 MB."
        raise MessageError(what, *card("attachment size"))
    return content
