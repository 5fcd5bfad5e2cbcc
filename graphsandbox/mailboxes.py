"""Mail on disk: each person's copies, and one record of every mail that was accepted.

A copy is a message in somebody's folder. The record is a copy too, in the folder ACCEPTED of
nobody, so that it stays as it was sent whatever people do to theirs. A mail and all its copies
are one transaction: after `kill -9` it is there whole, or not at all.
"""

import base64
import hashlib
import json
import secrets
import sqlite3
from dataclasses import dataclass
from typing import Any

from . import directory
from .directory import User
from .store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, owner TEXT NOT NULL,
    folder TEXT NOT NULL, received_at REAL NOT NULL, is_read INTEGER NOT NULL,
    content TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS messages_by_owner ON messages (owner, folder, number);
CREATE TABLE IF NOT EXISTS attachments (
    id TEXT PRIMARY KEY, message_id TEXT NOT NULL, position INTEGER NOT NULL,
    name TEXT NOT NULL, content_type TEXT NOT NULL, is_inline INTEGER NOT NULL,
    content_id TEXT, size INTEGER NOT NULL, sha256 TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS attachments_by_message ON attachments (message_id, position);
CREATE TABLE IF NOT EXISTS blobs (sha256 TEXT PRIMARY KEY, content BLOB NOT NULL);
"""

INBOX, SENT, ACCEPTED = "inbox", "sentitems", "accepted"  # well-known folder names, and ours
NOBODY = ""  # the owner of what is in ACCEPTED
RECIPIENT_FIELDS = ("toRecipients", "ccRecipients", "bccRecipients")


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
    """A file of a stored message; `Mailboxes.content` returns its bytes."""

    id: str
    name: str
    content_type: str
    is_inline: bool
    content_id: str | None
    size: int
    sha256: str


@dataclass(frozen=True)
class Message:
    """One copy of a mail. `content` has the members of Graph's message, in camelCase."""

    id: str
    owner: str  # the person's object id, or NOBODY
    folder: str
    received_at: float  # seconds since 1970, by the sandbox's clock
    is_read: bool
    content: dict[str, Any]

    @property
    def subject(self) -> str:
        """The subject, "" when there is none."""
        return self.content.get("subject") or ""

    @property
    def sender(self) -> str:
        """The address it comes from."""
        return self.content["from"]["emailAddress"]["address"]

    @property
    def body(self) -> str:
        """The body as it was sent, text or HTML."""
        return self.content["body"]["content"]

    @property
    def is_html(self) -> bool:
        """Whether the body is HTML."""
        return self.content["body"]["contentType"] == "html"

    def recipients(self, *fields: str) -> list[str]:
        """Return the addresses in these fields; by default in To, Cc and Bcc."""
        found = [one for name in fields or RECIPIENT_FIELDS for one in self.content.get(name, [])]
        return [one["emailAddress"]["address"] for one in found]


class Mailboxes:
    """All mail of the sandbox."""

    def __init__(self, store: Store):
        self._store = store
        self._db: sqlite3.Connection = store.db
        self._db.executescript(SCHEMA)

    def accept(
        self,
        sender: User,
        content: dict[str, Any],
        attachments: list[Attachment],
        save_to_sent: bool = True,
    ) -> str:
        """Take a mail: record it, put copies where they belong, and return the record's id.

        When this returns, the mail is on disk.
        """
        without_bcc = {**content, "bccRecipients": []}
        with self._db:
            number = self._add(NOBODY, ACCEPTED, content, attachments)
            if save_to_sent:
                self._add(sender.oid, SENT, content, attachments)
            for person in _people(content):
                self._add(person.oid, INBOX, without_bcc, attachments)
        return number

    def messages(
        self, owner: str, folder: str | None = None, top: int | None = None, skip: int = 0
    ) -> list[Message]:
        """Return somebody's messages, newest first; of one folder, or of all."""
        rows = self._db.execute(
            "SELECT id, owner, folder, received_at, is_read, content FROM messages"
            " WHERE owner = ? AND (folder = ? OR ? IS NULL)"
            " ORDER BY number DESC LIMIT ? OFFSET ?",
            (owner, folder, folder, -1 if top is None else top, skip),
        )
        return [_message(row) for row in rows]

    def accepted(self) -> list[Message]:
        """Return every mail that was accepted, newest first."""
        return self.messages(NOBODY, ACCEPTED)

    def message(self, message_id: str, owner: str | None = None) -> Message | None:
        """Return one message; with `owner` only when it is that person's."""
        row = self._db.execute(
            "SELECT id, owner, folder, received_at, is_read, content FROM messages"
            " WHERE id = ? AND (owner = ? OR ? IS NULL)",
            (message_id, owner, owner),
        ).fetchone()
        return _message(row) if row else None

    def attachments(self, message_id: str) -> list[StoredAttachment]:
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

    def content(self, attachment: StoredAttachment) -> bytes:
        """Return the bytes of an attachment."""
        query = "SELECT content FROM blobs WHERE sha256 = ?"
        return self._db.execute(query, (attachment.sha256,)).fetchone()[0]

    def reset(self) -> None:
        """Forget every mail."""
        with self._db:
            for table in ("messages", "attachments", "blobs"):
                self._db.execute(f"DELETE FROM {table}")

    def _add(
        self, owner: str, folder: str, content: dict[str, Any], attachments: list[Attachment]
    ) -> str:
        message_id, is_read = _new_id(), folder != INBOX
        self._db.execute(
            "INSERT INTO messages (id, owner, folder, received_at, is_read, content)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (message_id, owner, folder, self._store.now(), is_read, json.dumps(content)),
        )
        for position, one in enumerate(attachments):
            self._attach(message_id, position, one)
        return message_id

    def _attach(self, message_id: str, position: int, one: Attachment) -> None:
        sha256 = hashlib.sha256(one.content).hexdigest()
        row = (one.name, one.content_type, one.is_inline, one.content_id, len(one.content), sha256)
        self._db.execute(
            "INSERT INTO attachments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (_new_id(), message_id, position, *row),
        )
        self._db.execute("INSERT OR IGNORE INTO blobs VALUES (?, ?)", (sha256, one.content))


def _people(content: dict[str, Any]) -> list[User]:
    """Return the people of the directory among the recipients, each once."""
    fields = [one for name in RECIPIENT_FIELDS for one in content.get(name, [])]
    wanted = {one["emailAddress"]["address"].lower() for one in fields}
    return [one for one in directory.USERS if one.mail and one.mail.lower() in wanted]


def _message(row: tuple[Any, ...]) -> Message:
    *head, is_read, content = row
    return Message(*head, bool(is_read), json.loads(content))


def _new_id() -> str:
    """Return an id in the shape of Exchange's: long, base64url, beginning with AAMk."""
    return "AAMkAD" + base64.urlsafe_b64encode(secrets.token_bytes(60)).decode()
