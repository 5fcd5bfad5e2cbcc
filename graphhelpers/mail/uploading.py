"""Files too large for one request (Microsoft: "Attach large files").

A draft is made first, each file goes to it in ranges, and then it is sent. A range whose answer
was lost is not guessed about: the service is asked where the next one starts.
"""

import re
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..clouds import is_loopback, parts_of
from ..display import Secret
from ..errors import GraphHelpersError, MessageError, NoAnswer
from ..help_cards import cause
from ..registration import Registration
from ..wire import DEADLINE_S, Answer, Progress, call_graph, call_upload, pause, retry_after_s
from .attachment import LARGEST_IN_REQUEST
from .message import Message
from .once import Begun, needs, refused

if TYPE_CHECKING:
    from ..tokens import Token

MESSAGES = "/v1.0/me/messages"
RANGE = 12 * 320 * 1024  # bytes, below the 4 MB of Microsoft; all that is in memory at a time
MOST_SESSIONS = 3  # for one file, when one expires
GONE = -1  # in place of a range: the session has ended or expired


def upload(
    app: Registration, token: "Token", message: Message, progress: Progress | None = None
) -> str:
    """Return the id of the message's draft once it has all files; `progress` counts bytes.

    When a file was changed or the service refuses it, the draft is removed; when the upload just
    broke off, or was interrupted, the next call goes on with it. Every error says which.
    """
    sent = message._sent
    if not (sent.draft and sent.draft.done == len(sent.draft.stamps)):
        needs(token, "Mail.ReadWrite")
        try:
            _Upload(app, token, message, progress).run()
        except BaseException as error:
            words = f"Nothing was sent. {_left(app, token, message, error)}"
            if isinstance(error, GraphHelpersError):
                advice = "" if isinstance(error, NoAnswer) else error.fix
                raise error.retold(f"{words} {advice}", "not sent") from None
            error.add_note(words)
            raise
    return sent.draft.id if sent.draft else ""


@dataclass
class _Upload:
    """A message on its way to Drafts, with its files when they are large."""

    app: Registration
    token: "Token"
    message: Message
    progress: Progress | None

    def run(self) -> None:
        """Make the draft, or take the one begun before, and add what it lacks."""
        files, sent = self.message.files if self.message.is_large else (), self.message._sent
        stamps = [one.piece()[1] for one in files]
        self.done = self.place = 0  # bytes, of whole files and in all
        self.total = sum(size for size, _ in stamps) or 1
        if is_new := sent.draft is None:
            content = self.message.as_json(with_files=not files)["message"]
            answer = self.called("POST", MESSAGES, content)
            if not (draft_id := (answer.json or {}).get("id")):
                raise NoAnswer.of("no draft id", "unknown", status=answer.status)
            sent.draft = Begun(quote(str(draft_id)), self.message.subject, stamps)
        draft = self.draft = sent.draft
        if draft.stamps != stamps:
            raise MessageError.of("files changed")
        for number, (self.file, (self.size, _)) in enumerate(zip(files, stamps, strict=True)):
            if number >= draft.done:
                if is_new or not self.has_one_more():  # the answer may have been lost
                    self.add()
                self.say(self.size)
                draft.done, draft.url, is_new = number + 1, None, True
            self.done += self.size

    def add(self) -> None:
        """Add a file, by a session when it is large; what counts is that the draft then has it."""
        path = f"{MESSAGES}/{self.draft.id}/attachments"
        file = {"attachmentType": "file", "size": self.size, **self.file.as_json()}
        for _ in range(MOST_SESSIONS):
            start = self.told(time.monotonic() + DEADLINE_S) if self.draft.url else 0
            if self.size <= LARGEST_IN_REQUEST:
                self.called("POST", path, self.file.read())
            elif not self.draft.url:
                begin, item = f"{path}/createUploadSession", {"AttachmentItem": file}
                self.draft.url = _checked(self.app, self.called("POST", begin, item))
            if self.draft.url:
                self.in_ranges(start)
            if self.has_one_more():
                return
            self.draft.url = None
        raise NoAnswer.of("upload", name=self.file.name, reason="its upload sessions expired")

    def in_ranges(self, start: int) -> None:
        """Send what the session expects, until all is there or the session is gone."""
        furthest, ends, pause_s = -1, 0.0, 0.25
        while start not in (self.size, GONE):
            if start > furthest:
                furthest, ends, pause_s = start, time.monotonic() + DEADLINE_S, 0.25
            elif time.monotonic() + pause_s > ends - 1:
                reason = f"no range of it arrived within {DEADLINE_S:.0f} s"
                raise NoAnswer.of("upload", name=self.file.name, reason=reason)
            else:
                time.sleep(pause_s)
                pause_s *= 2
            self.say(start)
            stamp = self.draft.stamps[self.draft.done]
            content, _ = self.file.piece(start, min(RANGE, self.size - start), stamp)
            start = self.told(ends, start, content)

    def told(self, ends: float, start: int = 0, content: bytes = b"") -> int:
        """Send the session a range, or just ask; return where the next one starts.

        After the last one that is the file's size. When the answer is lost or odd the session
        itself is asked, which knows; it is `start` where that isn't told either.
        """
        url, now, last = self.draft.url or Secret(""), time.monotonic(), start + len(content) - 1
        place = {"Content-Range": f"bytes {start}-{last}/{self.size}"} if content else {}
        try:  # with a third of the time left for a question
            by, method = now + (ends - now) * 2 / 3, "PUT" if content else "GET"
            answer = call_upload(self.app.cloud, method, url, place, content, by)
        except NoAnswer:
            return self.told(ends, start) if content else start
        status, expected = answer.status, _first_expected(answer)
        if status == 429:
            pause_s = retry_after_s(answer) or 1.0
            if time.monotonic() + pause_s > ends - 1:
                raise refused(answer, "not sent")
            pause(pause_s, self.note)
        elif status in (404, 410):
            return GONE
        elif 400 <= status < 500 and status not in (408, 409, 416):
            raise refused(answer, "not sent")
        elif 200 <= status < 300 and not (content and expected == GONE):
            return expected if expected < self.size else GONE
        elif status in (200, 201) and last + 1 == self.size:
            return self.size
        return self.told(ends, start) if content else start

    def has_one_more(self) -> bool:
        """Say whether the draft has a file besides those known to be there; two are an error.

        A file's name tells nothing, since two may be alike, and neither does Microsoft's size.
        """
        path = f"{MESSAGES}/{self.draft.id}/attachments?$select=id&$top=1000"
        files = _member(self.called("GET", path), "value")
        more = len(files) - self.draft.done if isinstance(files, list) else -1
        if more not in (0, 1):
            raise MessageError.of("draft incomplete")
        return more == 1

    def called(self, method: str, path: str, content: dict[str, Any] | None = None) -> Answer:
        bearer = self.token.access_token
        answer = call_graph(self.app.cloud, method, path, bearer, content or b"", self.note)
        if not 200 <= answer.status < 300:
            raise refused(answer, "not sent" if answer.status < 500 else "unknown")
        return answer

    def say(self, sent: int) -> None:
        self.place = self.done + sent
        self.note(0, 1, f"{self.file.name}: {sent / 1e6:.1f} of {self.size / 1e6:.1f} MB")

    def note(self, _done: float, _total: float, note: str) -> None:
        if self.progress:
            self.progress(self.place, self.total, note)


def _left(app: Registration, token: "Token", message: Message, error: BaseException) -> str:
    """Say what became of the draft; it is removed when a file or the service ended the upload."""
    draft, status, subject = message._sent.draft, getattr(error, "status", 0), message.subject
    if draft is None:
        is_none = getattr(error, "outcome", "unknown") == "not sent"
        return "" if is_none else cause("draft perhaps", subject=subject)
    if not isinstance(error, MessageError) and (status in (0, 401, 429) or status >= 500):
        return cause("draft begun", subject=subject)
    message._sent.draft = None
    with suppress(GraphHelpersError):
        answer = call_graph(app.cloud, "DELETE", f"{MESSAGES}/{draft.id}", token.access_token)
        if answer.status in (200, 202, 204, 404):
            return cause("draft removed")
    return cause("draft left", subject=subject)


def _checked(app: Registration, answer: Answer) -> Secret:
    """Return an upload URL; on one that isn't https anybody on the way could read the file."""
    given = _member(answer, "uploadUrl")
    parts = parts_of(given if isinstance(given, str) else "")
    here = is_loopback(parts.hostname) and app.cloud.graph.startswith("http:")
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and here)):
        raise NoAnswer.of("upload address", "not sent", host=parts.hostname)
    return Secret(given)


def _member(answer: Answer, name: str) -> Any:
    """Return a member of the answer; of an upload session the letter case differs by cloud."""
    return {key.lower(): value for key, value in (answer.json or {}).items()}.get(name.lower())


def _first_expected(answer: Answer) -> int:
    """Return where the next range starts; Microsoft writes "2097152", elsewhere "2097152-"."""
    ranges = _member(answer, "nextExpectedRanges")
    found = re.match("[0-9]{1,15}", str(ranges[0])) if isinstance(ranges, list) and ranges else None
    return int(found[0]) if found else GONE
