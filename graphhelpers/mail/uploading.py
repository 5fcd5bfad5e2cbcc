"""Files too large for one request (Microsoft: "Attach large files").

A draft is made first, each file goes to it in ranges, and then it is sent. A range whose answer
was lost is not guessed about: the service is asked where the next one starts.
"""

import re
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote

from ..clouds import is_loopback, parts_of
from ..display import Secret
from ..errors import GraphError, GraphHelpersError, NoAnswer
from ..registration import Registration
from ..wire import DEADLINE_S, Answer, Progress, call_graph, call_upload
from .attachment import LARGEST_IN_REQUEST, Attachment
from .message import Message
from .once import needs, refused

if TYPE_CHECKING:
    from ..tokens import Token

RANGE = 12 * 320 * 1024  # bytes, below the 4 MB of Microsoft; all that is in memory at a time
MOST_SESSIONS = 3  # for one file, when one expires
GONE = -1  # in place of a range: the session has ended or expired


def upload(
    app: Registration, token: "Token", message: Message, progress: Progress | None = None
) -> str:
    """Make the draft with all its files, and return its id; `progress` counts bytes."""
    needs(token, "Mail.ReadWrite")
    is_large = message.is_large
    content = message.as_json(with_files=not is_large)["message"]
    try:
        answer = _called(app, token, "POST", "/v1.0/me/messages", content)
    except (GraphError, NoAnswer) as error:
        if getattr(error, "status", 500) < 500:
            raise
        words = f"Nothing was sent. A draft {message.subject!r} may lie in Drafts: delete it there."
        raise error.retold(words, "not sent") from None
    draft_id = quote(str((answer.json or {}).get("id", "")))
    done, total = 0, sum(one.size for one in message.files)
    try:
        for one in message.files if is_large else ():
            _Upload(app, token, f"/v1.0/me/messages/{draft_id}/attachments", one, progress).run(
                done, total
            )
            done += one.size
    except BaseException as error:
        left = _removed(app, token, draft_id, message.subject)
        if isinstance(error, GraphHelpersError):
            advice = "" if isinstance(error, NoAnswer) else error.fix
            raise error.retold(f"Nothing was sent. {left} {advice}", "not sent") from None
        raise
    return draft_id


@dataclass
class _Upload:
    """One file on its way to a draft."""

    app: Registration
    token: "Token"
    path: str  # of the draft's attachments
    file: Attachment
    progress: Progress | None

    def run(self, done: int, total: int) -> None:
        """Add the file; before it `done` of `total` bytes were there."""
        self.done, self.total = done, total
        if (size := self.file.size) <= LARGEST_IN_REQUEST:
            _called(self.app, self.token, "POST", self.path, self.file.read())
            return self.say(size)
        item = {"attachmentType": "file", "size": size, **self.file.as_json()}
        with self.file.opened() as file:
            for _ in range(MOST_SESSIONS):
                content = {"AttachmentItem": item}
                path = f"{self.path}/createUploadSession"
                answer = _called(self.app, self.token, "POST", path, content)
                url = _checked(self.app, (answer.json or {}).get("uploadUrl"))
                # A session ends with its last range, and the answer to that may have been lost.
                if self.in_ranges(url, file, size) or self.arrived(size):
                    return self.say(size)
        raise NoAnswer.of("upload", name=self.file.name, reason="its upload sessions expired")

    def in_ranges(self, url: Secret, file: BinaryIO, size: int) -> bool:
        """Send what the session expects until all is there; False when the session is gone."""
        start, ends, pause_s = 0, time.monotonic() + DEADLINE_S, 0.25
        while True:
            self.say(start)
            file.seek(start)
            content = file.read(min(RANGE, size - start))
            if len(content) < min(RANGE, size - start):
                raise OSError(0, "It was changed while it was read")
            expected = self.sent(url, start, content, size, ends)
            if expected in (size, GONE):
                return expected == size
            if expected > start:
                ends, pause_s = time.monotonic() + DEADLINE_S, 0.25
            elif time.monotonic() + pause_s > ends - 1:
                reason = f"no range of it arrived within {DEADLINE_S:.0f} s"
                raise NoAnswer.of("upload", name=self.file.name, reason=reason)
            else:
                time.sleep(pause_s)
                pause_s *= 2
            start = expected

    def sent(self, url: Secret, start: int, content: bytes, size: int, ends: float) -> int:
        """Send a range, and return where the next one starts: `size` when this was the last.

        When its answer is lost or odd the session itself is asked, and knows.
        """
        place = {"Content-Range": f"bytes {start}-{start + len(content) - 1}/{size}"}
        for method, headers, body in (("PUT", place, content), ("GET", {}, b"")):
            now = time.monotonic()
            try:  # with a third of the time left for the question
                by = now + (ends - now) * 2 / 3
                answer = call_upload(self.app.cloud, method, url, headers, body, by)
            except NoAnswer:
                continue
            if answer.status in (404, 410):
                return GONE
            if 200 <= answer.status < 300:
                expected = _first_expected(answer)
                if expected is None and method == "PUT":
                    return size
                return GONE if expected is None or not 0 <= expected < size else expected
            if 400 <= answer.status < 500 and answer.status not in (408, 409, 416):
                raise refused(answer, "not sent")
        return start

    def arrived(self, size: int) -> bool:
        """Say whether the draft has the file, which a second session would add once more."""
        answer = _called(self.app, self.token, "GET", f"{self.path}?$select=name,size")
        files = (answer.json or {}).get("value")
        return isinstance(files, list) and any(
            isinstance(one, dict) and (one.get("name"), one.get("size")) == (self.file.name, size)
            for one in files
        )

    def say(self, sent: int) -> None:
        if self.progress:
            mb = f"{sent / 1e6:.1f} of {self.file.size / 1e6:.1f} MB"
            self.progress(self.done + sent, self.total, f"{self.file.name}: {mb}")


def _checked(app: Registration, given: object) -> Secret:
    """Return an upload URL; on one that isn't https anybody on the way could read the file."""
    parts = parts_of(given if isinstance(given, str) else "")
    here = is_loopback(parts.hostname) and app.cloud.graph.startswith("http:")
    if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and here)):
        raise NoAnswer.of("upload address", "not sent", host=parts.hostname)
    return Secret(given)


def _first_expected(answer: Answer) -> int | None:
    """Return where the next range starts; Microsoft writes "2097152", elsewhere "2097152-"."""
    ranges = (answer.json or {}).get("nextExpectedRanges")
    first = ranges[0] if isinstance(ranges, list) and ranges else ""
    found = re.match(r"[0-9]{1,15}", str(first))
    return int(found[0]) if found else None


def _called(
    app: Registration, token: "Token", method: str, path: str, content: dict[str, Any] | None = None
) -> Answer:
    answer = call_graph(app.cloud, method, path, token.access_token, content or b"")
    if not 200 <= answer.status < 300:
        raise refused(answer, "not sent")
    return answer


def _removed(app: Registration, token: "Token", draft_id: str, subject: str) -> str:
    """Delete the draft of an upload that failed, and say so, or that it is left."""
    with suppress(GraphHelpersError):
        _called(app, token, "DELETE", f"/v1.0/me/messages/{draft_id}")
        return "The draft was removed again."
    return f"The draft {subject!r} is left in Drafts: delete it there."
