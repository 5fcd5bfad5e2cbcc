"""Files that travel with mail, and files that are still coming up in pieces.

Contents are kept by their SHA-256, once, however many copies of a mail there are. What came in
one request is a row of `blobs`; a large file stays in the pieces in which it was uploaded, so
that it is never in memory as a whole.
"""

import base64
import hashlib
import secrets
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass

SCHEMA = """
CREATE TABLE IF NOT EXISTS attachments (
    id TEXT PRIMARY KEY, message_id TEXT NOT NULL, position INTEGER NOT NULL,
    name TEXT NOT NULL, content_type TEXT NOT NULL, is_inline INTEGER NOT NULL,
    content_id TEXT, size INTEGER NOT NULL, sha256 TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS attachments_by_message ON attachments (message_id, position);
CREATE INDEX IF NOT EXISTS attachments_by_content ON attachments (sha256);
CREATE TABLE IF NOT EXISTS blobs (sha256 TEXT PRIMARY KEY, content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY, digest TEXT NOT NULL, message_id TEXT NOT NULL, name TEXT NOT NULL,
    content_type TEXT NOT NULL, is_inline INTEGER NOT NULL, content_id TEXT,
    size INTEGER NOT NULL, received INTEGER NOT NULL, expires_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS pieces (
    upload_id TEXT NOT NULL, start INTEGER NOT NULL, content BLOB NOT NULL,
    PRIMARY KEY (upload_id, start));
CREATE TABLE IF NOT EXISTS uploaded (sha256 TEXT PRIMARY KEY, upload_id TEXT NOT NULL);
"""
TABLES = ("attachments", "blobs", "uploads", "pieces", "uploaded")


@dataclass(frozen=True)
class Attachment:
    """A file that travels with a mail, before it is stored."""

    name: str
    content_type: str
    content: bytes
    is_inline: bool = False
    content_id: str | None = None


@dataclass(frozen=True)
class StoredAttachment:
    """A file of a stored message; `Files.content` returns its bytes."""

    id: str
    name: str
    content_type: str
    is_inline: bool
    content_id: str | None
    size: int
    sha256: str


@dataclass(frozen=True)
class Upload:
    """A file that comes in pieces, in order; `received` is where the next one starts."""

    id: str
    digest: str  # of the secret in its address
    message_id: str
    name: str
    content_type: str
    is_inline: bool
    content_id: str | None
    size: int
    received: int
    expires_at: float


class Files:
    """All files of the sandbox.

    What changes a message's files is part of the caller's transaction; a step of an upload is
    a transaction of its own.
    """

    def __init__(self, db: sqlite3.Connection):
        self._db = db
        self._db.executescript(SCHEMA)

    def of(self, message_id: str) -> list[StoredAttachment]:
        """Return what travels with a message, in the order it was attached."""
        rows = self._db.execute(
            "SELECT id, name, content_type, is_inline, content_id, size, sha256"
            " FROM attachments WHERE message_id = ? ORDER BY position",
            (message_id,),
        )
        return [
            StoredAttachment(id_, name, kind, bool(inline), content_id, size, sha256)
            for id_, name, kind, inline, content_id, size, sha256 in rows
        ]

    def pieces(self, one: StoredAttachment) -> Iterator[bytes]:
        """Yield the bytes of a file, as many at a time as came at a time."""
        query = "SELECT content FROM blobs WHERE sha256 = ?"
        if whole := self._db.execute(query, (one.sha256,)).fetchone():
            yield whole[0]
            return
        query = "SELECT upload_id FROM uploaded WHERE sha256 = ?"
        yield from self._pieces(self._db.execute(query, (one.sha256,)).fetchone()[0])

    def content(self, one: StoredAttachment) -> bytes:
        """Return the bytes of a file."""
        return b"".join(self.pieces(one))

    def attach(self, message_id: str, one: Attachment | StoredAttachment) -> str:
        """Add a file, new or already stored with another message; return its new id."""
        if isinstance(one, StoredAttachment):
            return self._add(message_id, one, one.size, one.sha256)
        sha256 = hashlib.sha256(one.content).hexdigest()
        if not self._known(sha256):
            self._db.execute("INSERT INTO blobs VALUES (?, ?)", (sha256, one.content))
        return self._add(message_id, one, len(one.content), sha256)

    def remove(self, attachment_id: str) -> None:
        """Take a file off its message."""
        self._db.execute("DELETE FROM attachments WHERE id = ?", (attachment_id,))
        self.sweep()

    def remove_all(self, message_id: str) -> None:
        """Take every file off a message, also those still coming."""
        for table in ("attachments", "uploads"):
            self._db.execute(f"DELETE FROM {table} WHERE message_id = ?", (message_id,))
        self.sweep()

    def move(self, message_id: str, new_id: str) -> None:
        """Follow a message whose id has changed."""
        for table in ("attachments", "uploads"):
            query = f"UPDATE {table} SET message_id = ? WHERE message_id = ?"
            self._db.execute(query, (new_id, message_id))

    def start(self, upload: Upload, now: float) -> None:
        """Begin a file that comes in pieces; those that nobody went on with are forgotten."""
        row = tuple(vars(upload).values())
        with self._db:
            self.sweep(now)
            self._db.execute(f"INSERT INTO uploads VALUES ({', '.join('?' * len(row))})", row)

    def upload(self, upload_id: str) -> Upload | None:
        """Return a file that is still coming."""
        row = self._db.execute("SELECT * FROM uploads WHERE id = ?", (upload_id,)).fetchone()
        return Upload(*row) if row else None

    def add_piece(self, upload: Upload, content: bytes, expires_at: float) -> str | None:
        """Store the next piece; with the last one attach the file and return its id."""
        row = (upload.id, upload.received, content)
        received = upload.received + len(content)
        with self._db:
            self._db.execute("INSERT INTO pieces VALUES (?, ?, ?)", row)
            query = "UPDATE uploads SET received = ?, expires_at = ? WHERE id = ?"
            self._db.execute(query, (received, expires_at, upload.id))
            return self._finish(upload) if received == upload.size else None

    def cancel(self, upload: Upload) -> None:
        """Give a file up that is still coming."""
        with self._db:
            self._forget(upload)

    def sweep(self, now: float = 0.0) -> None:
        """Forget contents that nothing refers to, and uploads that ended before `now`."""
        self._db.execute("DELETE FROM uploads WHERE expires_at < ?", (now,))
        for table in ("blobs", "uploaded"):
            used = f"SELECT 1 FROM attachments WHERE attachments.sha256 = {table}.sha256"
            self._db.execute(f"DELETE FROM {table} WHERE NOT EXISTS ({used})")
        self._db.execute(
            "DELETE FROM pieces WHERE upload_id NOT IN"
            " (SELECT id FROM uploads UNION SELECT upload_id FROM uploaded)"
        )

    def _finish(self, upload: Upload) -> str:
        digest = hashlib.sha256()
        for piece in self._pieces(upload.id):
            digest.update(piece)
        sha256 = digest.hexdigest()
        if not self._known(sha256):
            self._db.execute("INSERT INTO uploaded VALUES (?, ?)", (sha256, upload.id))
        attachment_id = self._add(upload.message_id, upload, upload.size, sha256)
        self._forget(upload)
        return attachment_id

    def _forget(self, upload: Upload) -> None:
        self._db.execute("DELETE FROM uploads WHERE id = ?", (upload.id,))
        self.sweep()

    def _pieces(self, upload_id: str) -> Iterator[bytes]:
        query = "SELECT start FROM pieces WHERE upload_id = ? ORDER BY start"
        for (start,) in self._db.execute(query, (upload_id,)).fetchall():
            query = "SELECT content FROM pieces WHERE upload_id = ? AND start = ?"
            yield self._db.execute(query, (upload_id, start)).fetchone()[0]

    def _known(self, sha256: str) -> bool:
        query = "SELECT 1 FROM blobs WHERE sha256 = ? UNION SELECT 1 FROM uploaded WHERE sha256 = ?"
        return self._db.execute(query, (sha256, sha256)).fetchone() is not None

    def _add(
        self, message_id: str, one: Attachment | StoredAttachment | Upload, size: int, sha256: str
    ) -> str:
        query = "SELECT coalesce(max(position) + 1, 0) FROM attachments WHERE message_id = ?"
        position = self._db.execute(query, (message_id,)).fetchone()[0]
        described = (one.name, one.content_type, one.is_inline, one.content_id, size, sha256)
        row = (new_id(), message_id, position, *described)
        self._db.execute("INSERT INTO attachments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        return row[0]


async def one_by_one(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Read on this thread, where the database is; others are served in between."""
    for piece in pieces:
        yield piece


def new_id() -> str:
    """Return an id in the shape of Exchange's: long, base64url, beginning with AAMk."""
    return "AAMkAD" + base64.urlsafe_b64encode(secrets.token_bytes(60)).decode()
