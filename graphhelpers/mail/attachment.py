"""A file that travels with a mail: looked at when it is named, read when the mail goes out."""

import mimetypes
import re
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import MessageError

CONTROL = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")  # would end a line, or no text
LARGEST_IN_REQUEST = 3 * 10**6 - 1  # bytes of all files (Microsoft: "Attach large files")
Stamp = tuple[int, int]  # bytes, and when it was changed last


@dataclass(frozen=True)
class Attachment:
    """A file that travels with a mail; `name` is what the recipient sees, else the file's own.

    With a `content_id` it is a picture in the HTML: `<img src="cid:logo">` for "logo".
    """

    path: str | Path
    name: str | None = None
    content_id: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", path_of(self.path))
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
        return self.piece()[1][0]

    def piece(self, start: int = 0, size: int = 0, was: Stamp | None = None) -> tuple[bytes, Stamp]:
        """Read a part of the file, and the stamp by which to see whether it is changed later.

        Raises MessageError when it can't be read, or is no longer what its stamp was.
        """
        path = Path(self.path)
        try:
            before = path.stat()
            if not path.is_file():  # to open a pipe would wait for its other end
                raise OSError(0, "It is a folder, a pipe or a device, and no file")
            with path.open("rb") as file:
                file.seek(start)
                content = file.read(size)
            now, then = ((one.st_size, one.st_mtime_ns) for one in (path.stat(), before))
            if now != (was or then):
                raise OSError(0, "It was changed while it was read")
        except OSError as error:
            raise MessageError.of("attachment", path=str(path), reason=error.strerror) from None
        return content, now

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
        content, _ = self.piece(0, LARGEST_IN_REQUEST + 1)
        if len(content) > LARGEST_IN_REQUEST:
            raise MessageError.of("attachment", path=str(self.path), reason="It has grown")
        return self.as_json(content)


def check_text(name: str, text: object, forbidden: re.Pattern[str] = CONTROL) -> None:
    """Refuse what is no text, or would not be one line of a header, by MessageError."""
    if not isinstance(text, str):
        raise MessageError.of("not text", name=name, kind=type(text).__name__)
    if found := forbidden.search(text):
        raise MessageError.of("text", name=name, code=ord(found[0]), position=found.start() + 1)


def path_of(given: Any) -> Path:
    """Return a path; raises MessageError for what is none."""
    path = str(given) if isinstance(given, Path) else given
    check_text("attachments", path)
    return Path(path)
