"""Many mails: twenty with one request (Microsoft: "Combine requests with JSON batching").

Graph works on at most four of a batch at a time for one mailbox, and one batch goes out after
the other. What was sent is never sent again, so that after any stop the same call goes on.
"""

import json
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from email.message import EmailMessage
from threading import Event
from typing import TYPE_CHECKING, Any

from requests.structures import CaseInsensitiveDict

from ..display import escaped, table
from ..errors import GraphError, GraphHelpersError, MessageError, NoAnswer
from ..exchanges import JSON
from ..registration import Registration
from ..wire import DEADLINE_S, Answer, Progress, call_graph, pause, retry_after_s
from .message import LARGEST_REQUEST, Message
from .mime import prepared
from .once import Receipt, refused
from .sending import send_mail

if TYPE_CHECKING:
    from ..tokens import Token

MOST_IN_BATCH = 20  # Microsoft: "Combine requests with JSON batching"
LARGEST_BATCH = LARGEST_REQUEST - 10_000  # bytes, without what a batch writes around its requests
Mail = Message | EmailMessage
Found = Receipt | GraphHelpersError


@dataclass(frozen=True)
class Outcome:
    """What became of one message: `.outcome` is "sent", "not sent" or "unknown"."""

    message: Mail = field(repr=False)
    outcome: str
    receipt: Receipt | None = field(default=None, repr=False)
    error: GraphHelpersError | None = None


class Outcomes(list[Outcome]):
    """What became of each message, in their order; shows itself as a table."""

    def __repr__(self) -> str:
        counts = Counter(one.outcome for one in self)
        return ", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "no mails"

    def _repr_html_(self) -> str:
        rows = {}
        for number, one in enumerate(self, 1):
            mail = one.message
            subject = mail["Subject"] if isinstance(mail, EmailMessage) else mail.subject
            why = f": {one.error.what} {one.error.why}" if one.error else ""
            rows[f"{number}. {subject}"] = f"{'✓' if one.receipt else '✗'} {one.outcome}{why}"
        return table(repr(self), rows) if rows else escaped(repr(self))


def send_many(
    app: Registration, token: "Token", messages: Iterable[Mail], *, progress: Progress | None = None
) -> Outcomes:
    """Send each message once, twenty with a request: `POST /v1.0/$batch`.

    A throttled message waits as long as Graph asks, and is tried again while that fits into
    30 s. What would meet all of them ends it: no answer, a token that isn't accepted, or too long
    a pause. Call again with the same messages then, and only what wasn't sent goes out; what is
    "unknown" is listed, and stays so until `find_sent` or `send_mail(…, again=True)`. Those with
    large files, and MIME, go last, one by one. `progress` counts mails. Raises MessageError for
    what is no message.
    """
    every = list(dict.fromkeys(messages))
    for one in every:
        if not isinstance(one, Message | EmailMessage):
            raise MessageError.of("no message", kind=type(one).__name__)
    return _Many(app, token, progress, every).run()


@dataclass
class _Many:
    app: Registration
    token: "Token"
    progress: Progress | None
    every: list[Mail]
    found: dict[Mail, Found] = field(default_factory=dict)
    stopped: bool = False  # by what would meet all others: now it is only told what they are

    def run(self) -> Outcomes:
        """Send them, first in batches, then one by one what goes alone."""
        self.began, since, backoff_s = time.monotonic(), time.monotonic(), 1.0
        self.waiting = [one for one in self.every[::-1] if isinstance(one, Message)]
        self.alone: list[Mail] = [one for one in self.every if isinstance(one, EmailMessage)]
        while self.waiting:
            throttled = self.sent(batch := self.next_batch())
            if not throttled or len(throttled) < len(batch):
                since, backoff_s = time.monotonic(), 1.0
            asked = [retry_after_s(answer) for answer in throttled.values()]
            pause_s = max((backoff_s if one is None else one for one in asked), default=0.0)
            backoff_s *= 2
            if throttled and time.monotonic() + pause_s > since + DEADLINE_S - 1:
                self.stopped = True
            elif not self.stopped:
                self.waiting += reversed(throttled)
                self.found = {one: self.found[one] for one in self.found if one not in throttled}
                self.say()
                pause(pause_s, self.note)
        for mail in self.alone:
            self.send_alone(mail)
            self.say()
        rest = dict.fromkeys(self.every, MessageError.of("not tried"))
        return Outcomes(_outcome(one, found) for one, found in (rest | self.found).items())

    def next_batch(self) -> dict[Message, dict[str, Any]]:
        """Take from those that wait what fits into one request; what doesn't is to go alone."""
        batch: dict[Message, dict[str, Any]] = {}
        room = LARGEST_BATCH
        while self.waiting and len(batch) < MOST_IN_BATCH:
            mail = self.waiting.pop()
            try:
                if mail._sent.receipt:  # looked at before its files, which may be gone by now
                    self.found[mail] = mail._sent.receipt
                    continue
                content = {} if mail._sent.draft or mail.is_large else mail.as_json()
                size = len(json.dumps(content))
                if not content or size > LARGEST_BATCH:
                    self.alone.append(mail)
                elif size > room:
                    self.waiting.append(mail)
                    break
                else:
                    batch[mail], room = content, room - size
            except MessageError as error:
                self.found[mail] = error
        return batch

    def sent(self, batch: dict[Message, dict[str, Any]]) -> dict[Message, Answer]:
        """Send a batch, and return which of its mails were throttled.

        Meanwhile no other thread can send one of them. Each takes the locks in the same order,
        or two could wait for each other.
        """
        with ExitStack() as held:
            for mail in sorted(batch, key=lambda one: one.id):
                held.enter_context(mail._sent.lock)
            known: dict[Mail, Found] = {m: f for m in batch if (f := m._sent.settled())}
            self.found |= known
            going = {mail: content for mail, content in batch.items() if mail not in known}
            return self.answered(going) if going and not self.stopped else {}

    def answered(self, going: dict[Message, dict[str, Any]]) -> dict[Message, Answer]:
        """Call Graph, keep what became of each mail, and return which were throttled."""
        inner = {"method": "POST", "url": "/me/sendMail", "headers": {"Content-Type": JSON}}
        numbered = enumerate(going.values())
        content = {"requests": [{"id": str(n), **inner, "body": one} for n, one in numbered]}
        bearer, path, under_way = self.token.access_token, "/v1.0/$batch", Event()
        for mail in going:
            mail._sent.under_way = under_way
        try:
            answer = call_graph(self.app.cloud, "POST", path, bearer, content, self.note, under_way)
            responses = (answer.json or {}).get("responses")
            if answer.status != 200 or not isinstance(responses, list):
                raise refused(answer, "not sent" if 400 <= answer.status < 500 else "unknown")
        except (GraphError, NoAnswer) as error:
            failed: dict[Mail, Found] = {mail: mail._sent.fails(error) for mail in going}
            if getattr(error, "status", 0) in (400, 413):  # one is to blame: each by itself, then
                self.alone += going
            else:
                self.found, self.stopped = self.found | failed, True
            return {}
        named = {str(one.get("id")): one for one in responses if isinstance(one, dict)}
        answers = {mail: _answer(named.get(str(number))) for number, mail in enumerate(going)}
        for mail, one in answers.items():
            try:
                self.found[mail] = mail._sent.ends(one, mail.recipients)
            except (GraphError, NoAnswer) as error:
                self.found[mail] = mail._sent.fails(error)
        self.stopped = all(one and one.status == 401 for one in answers.values())
        return {mail: one for mail, one in answers.items() if one and one.status == 429}

    def send_alone(self, mail: Mail) -> None:
        """Send a mail that goes into no batch."""
        try:
            sent, *_ = prepared(mail)
            with sent.lock:  # another thread may be sending it
                settled = sent.settled()
            if not self.stopped:
                self.found[mail] = send_mail(self.app, self.token, mail, progress=self.note)
            elif settled:
                self.found[mail] = settled
        except GraphHelpersError as error:
            self.found[mail] = error
            status = -1 if isinstance(error, MessageError) else getattr(error, "status", 0)
            self.stopped = self.stopped or (status in (0, 401, 429) and not settled)

    def note(self, _done: float, _total: float, note: str) -> None:
        if self.progress:
            self.progress(len(self.found), len(self.every), note)

    def say(self) -> None:
        if done := len(self.found):
            left_s = (time.monotonic() - self.began) / done * (len(self.every) - done)
            self.note(0, 1, f"{done} of {len(self.every)} mails, about {left_s:.0f} s left")


def _outcome(mail: Mail, found: Found) -> Outcome:
    receipt, error = (found, None) if isinstance(found, Receipt) else (None, found)
    return Outcome(mail, found.outcome or "not sent", receipt, error)


def _answer(one: Any) -> Answer | None:
    """Return an inner answer like any other; None when it is none."""
    if not isinstance(one, dict) or not isinstance(one.get("status"), int):
        return None
    pairs = one["headers"].items() if isinstance(one.get("headers"), dict) else ()
    text = CaseInsensitiveDict({str(name): str(value) for name, value in pairs})
    return Answer(one["status"], text, json.dumps(one.get("body")).encode())
