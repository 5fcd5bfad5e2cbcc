"""The promise of this folder: a mail goes out at most once, and what is unknown is called so."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..display import Secret
from ..errors import GraphError, GraphHelpersError, MessageError, NoAnswer
from ..help_cards import cause
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


@dataclass
class Begun:
    """A draft, and how far its files have got: with this a call goes on where one broke off."""

    id: str = field(repr=False)
    subject: str  # by which the person finds it in Drafts
    stamps: list[tuple[int, int]]  # of each file: bytes, and when it was changed last
    done: int = 0  # so many of them are known to be there
    url: Secret | None = None  # of the next one's upload session


class Sent:
    """What became of a message: the lock holds a second sender back until that is known."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.receipt: Receipt | None = None
        self.unknown: GraphHelpersError | None = None
        self.under_way = threading.Event()  # set until an answer ends it: till then nobody knows
        self.draft: Begun | None = None  # where it lies in Drafts, and which of its files are there

    def known(self, again: bool = False) -> Receipt | None:
        """Return the Receipt when it was sent, and raise when that is unknown."""
        settled = None if again else self.settled()
        if isinstance(settled, GraphHelpersError):
            raise settled
        return settled

    def settled(self) -> Receipt | GraphHelpersError | None:
        """Return what was sent or is unknown; of what may be sent, None."""
        stopped = NoAnswer.of("interrupted", "unknown") if self.under_way.is_set() else None
        return self.receipt or self.unknown or stopped

    def fails(self, error: GraphHelpersError) -> GraphHelpersError:
        """Keep the error when it leaves the outcome unknown, and name the draft there is."""
        if self.draft and getattr(error, "status", 0) == 404:
            error.retold(cause("draft gone", subject=self.draft.subject), "unknown")
            self.draft = None  # deleted by hand, or sent by hand: who knows?
        elif self.draft:
            words = cause("draft there", subject=self.draft.subject)
            error.retold(f"{words} {error.fix}", str(error.outcome))
        self.unknown = error if error.outcome == "unknown" else None
        self.under_way = threading.Event()  # not cleared: it is of all the mails of a batch
        return error

    def ends(self, answer: Answer | None, recipients: tuple[str, ...]) -> Receipt:
        """Keep what Graph answered: a Receipt, or the GraphError that is raised.

        None is an answer about other mails that leaves this one out.
        """
        if answer is None:
            raise NoAnswer.of("interrupted", "unknown")
        if not 200 <= answer.status < 300:  # any 2xx is final, whatever else it says
            raise refused(answer, "not sent" if 400 <= answer.status < 500 else "unknown")
        request_id = answer.headers.get("request-id", "")
        self.receipt = Receipt("sent", recipients, datetime.now(UTC), request_id)
        self.unknown, self.draft, self.under_way = None, None, threading.Event()
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
