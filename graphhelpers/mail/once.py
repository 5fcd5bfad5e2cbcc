"""The promise of this folder: a mail goes out at most once, and what is unknown is called so."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..errors import GraphError, MessageError, NoAnswer
from ..wire import Answer, retry_after_s

if TYPE_CHECKING:
    from ..tokens import Token


@dataclass(frozen=True)
class Receipt:
    """Graph took the mail (202); delivery comes later, and a failure of it as a mail."""

    outcome: str
    recipients: tuple[str, ...]
    sent_at: datetime = field(repr=False)
    request_id: str = field(repr=False)  # names this call to Microsoft's support


class Sent:
    """What became of a message: the lock holds a second sender back until that is known."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.receipt: Receipt | None = None
        self.unknown: GraphError | NoAnswer | None = None
        self.under_way = False  # until an answer says otherwise (an interrupt, say) nobody knows
        self.draft_id: str | None = None  # where it lies in Drafts, with all its files

    def known(self, again: bool = False) -> Receipt | None:
        """Return the Receipt when it was sent, and raise when that is unknown."""
        if (self.unknown or self.under_way) and not self.receipt and not again:
            raise self.unknown or NoAnswer.of("interrupted", "unknown")
        return None if again else self.receipt

    def claimed(self) -> Receipt | None:
        """Take the message for sending, or return the Receipt; raises as `known` does."""
        with self.lock:
            receipt = self.known()
            self.under_way = receipt is None
            return receipt

    def fails(self, error: GraphError | NoAnswer, subject: str = "") -> None:
        """Keep the error when it leaves the outcome unknown, and name the draft there is."""
        self.unknown, self.under_way = error if error.outcome == "unknown" else None, False
        if self.draft_id:
            words = f"Its draft {subject!r} was in Drafts; if it's still there, nothing was sent."
            error.retold(f"{words} {error.fix}", str(error.outcome))

    def ends(self, answer: Answer, recipients: tuple[str, ...]) -> Receipt:
        """Keep what Graph answered: a Receipt, or the GraphError that is raised."""
        if not 200 <= answer.status < 300:  # any 2xx is final, whatever else it says
            raise refused(answer, "not sent" if 400 <= answer.status < 500 else "unknown")
        request_id = answer.headers.get("request-id", "")
        self.receipt = Receipt("sent", recipients, datetime.now(UTC), request_id)
        self.unknown, self.under_way = None, False
        return self.receipt


def needs(token: "Token", *scopes: str) -> None:
    """Raise MessageError when none of the scopes was granted, before anything goes out."""
    granted = {name.lower().rpartition("/")[2] for name in token.scope.split()}
    if granted and not granted & {scope.lower() for scope in scopes}:
        raise MessageError.of("permission", scope=scopes[0])


def refused(answer: Answer, outcome: str | None = None) -> GraphError:
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
