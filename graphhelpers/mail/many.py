"""Many mails: twenty with one request (Microsoft: "Combine requests with JSON batching").

Graph works on at most four of a batch at a time for one mailbox, and one batch goes out after
the other. What was sent is never sent again, so that after any stop the same call goes on.
"""

import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

from requests.structures import CaseInsensitiveDict

from ..display import escaped, table
from ..errors import GraphError, GraphHelpersError, MessageError, NoAnswer
from ..registration import Registration
from ..wire import DEADLINE_S, Answer, Progress, call_graph, pause, retry_after_s
from .message import LARGEST_REQUEST, Message
from .once import Receipt, refused
from .sending import send_mail

if TYPE_CHECKING:
    from ..tokens import Token

MOST_IN_BATCH = 20  # Microsoft: "Combine requests with JSON batching"
Mail = Message | EmailMessage


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
            mark = "✓" if one.outcome == "sent" else "✗"
            rows[f"{number}. {subject}"] = f"{mark} {one.outcome}{why}"
        return table(repr(self), rows) if rows else escaped(repr(self))


def send_many(
    app: Registration,
    token: "Token",
    messages: Iterable[Mail],
    *,
    progress: Progress | None = None,
) -> Outcomes:
    """Send each message once, twenty with a request: `POST /v1.0/$batch`.

    A throttled message waits as long as Graph asks, and is tried again while that fits into
    30 s. When a whole batch fails the rest isn't tried: call again with the same messages, and
    only what wasn't sent goes out; what is "unknown" is listed, and stays so until `find_sent`
    or `send_mail(…, again=True)`. Those with large files, and MIME, go one by one. `progress`
    counts mails. Raises MessageError for what is no message.
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
    found: dict[Mail, Receipt | GraphHelpersError] = field(default_factory=dict)

    def run(self) -> Outcomes:
        """Send all of them, batch by batch, until a batch as a whole fails."""
        self.waiting, self.began = self.every[::-1], time.monotonic()
        waited_s, backoff_s, stopped = 0.0, 1.0, None
        while self.waiting and not stopped:
            batch = self.next_batch()
            throttled, stopped = self.sent(batch) if batch else ([], None)
            self.say()
            if len(throttled) < len(batch):
                waited_s, backoff_s = 0.0, 1.0
            if throttled and not stopped:
                asked = [retry_after_s(answer) for _, answer in throttled]
                pause_s = max(backoff_s if one is None else one for one in asked)
                waited_s, backoff_s = waited_s + pause_s, backoff_s * 2
                if waited_s > DEADLINE_S - 1:
                    stopped = refused(throttled[0][1], "not sent")
                    self.found |= dict.fromkeys((one for one, _ in throttled), stopped)
                else:
                    self.waiting += [one for one, _ in reversed(throttled)]
                    pause(pause_s, self.progress, len(self.found), len(self.every))
        for one in self.waiting:  # none, unless it stopped
            self.found[one] = MessageError.of("not tried")
        return Outcomes(_outcome(one, self.found[one]) for one in self.every)

    def next_batch(self) -> list[tuple[Message, dict[str, Any]]]:
        """Take from those that wait what fits into one request; what goes alone is sent."""
        batch: list[tuple[Message, dict[str, Any]]] = []
        room = LARGEST_REQUEST - 10_000  # for what a batch writes around its requests
        while self.waiting and len(batch) < MOST_IN_BATCH:
            mail = self.waiting[-1]
            try:
                if isinstance(mail, Message) and (receipt := mail._sent.known()):
                    self.found[mail] = receipt
                elif isinstance(mail, EmailMessage) or mail._sent.draft_id or mail.is_large:
                    self.found[mail] = send_mail(self.app, self.token, mail)
                else:
                    content = mail.as_json()
                    room -= len(json.dumps(content))
                    if room < 0 and batch:
                        break
                    if receipt := mail._sent.claimed():  # another thread was faster
                        self.found[mail] = receipt
                    else:
                        batch.append((mail, content))
            except GraphHelpersError as error:
                self.found[mail] = error
            self.waiting.pop()
        return batch

    def sent(
        self, batch: list[tuple[Message, dict[str, Any]]]
    ) -> tuple[list[tuple[Message, Answer]], GraphHelpersError | None]:
        """Send a batch; return which mails were throttled, and why the batch failed, if it did."""
        kind = {"Content-Type": "application/json"}
        inner = {"method": "POST", "url": "/me/sendMail", "headers": kind}
        requests = [{"id": str(n), **inner, "body": c} for n, (_, c) in enumerate(batch)]
        bearer, path = self.token.access_token, "/v1.0/$batch"
        try:
            answer = call_graph(
                self.app.cloud, "POST", path, bearer, {"requests": requests}, self.progress
            )
            responses = (answer.json or {}).get("responses")
            if answer.status != 200 or not isinstance(responses, list):
                raise refused(answer, "not sent" if 400 <= answer.status < 500 else "unknown")
        except (GraphError, NoAnswer) as error:
            for mail, _ in batch:
                mail._sent.fails(error)
                self.found[mail] = error
            return [], error
        answers = {str(one.get("id")): one for one in responses if isinstance(one, dict)}
        throttled = []
        for number, (mail, _) in enumerate(batch):
            if (one := _answer(answers.get(str(number)))) is None:
                self.found[mail] = NoAnswer.of("interrupted", "unknown")
            elif one.status == 429:
                mail._sent.under_way = False
                throttled.append((mail, one))
            else:
                try:
                    self.found[mail] = mail._sent.ends(one, mail.recipients)
                except GraphError as error:
                    mail._sent.fails(error)
                    self.found[mail] = error
        return throttled, None

    def say(self) -> None:
        if self.progress and self.found:
            done, total = len(self.found), len(self.every)
            left_s = (time.monotonic() - self.began) / done * (total - done)
            self.progress(done, total, f"{done} of {total} mails, about {left_s:.0f} s left")


def _outcome(mail: Mail, found: Receipt | GraphHelpersError) -> Outcome:
    if isinstance(found, Receipt):
        return Outcome(mail, "sent", found)
    return Outcome(mail, found.outcome or "not sent", None, found)


def _answer(one: Any) -> Answer | None:
    """Return an inner answer like any other; None when it is none."""
    if not isinstance(one, dict) or not isinstance(one.get("status"), int):
        return None
    headers = one.get("headers")
    pairs = headers.items() if isinstance(headers, dict) else ()
    text = CaseInsensitiveDict({str(name): str(value) for name, value in pairs})
    return Answer(one["status"], text, json.dumps(one.get("body")).encode())
