"""Mail on disk: each person's copies, and one record of every mail that was accepted.

A copy is a message in somebody's folder. The record is a copy too, in the folder ACCEPTED of
nobody, so that it stays as it was sent whatever people do to theirs. A mail and all its copies
are one transaction: after `kill -9` it is there whole, or not at all.
"""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from . import postmaster
from .directory import User
from .files import TABLES, Attachment, Files, StoredAttachment, new_id
from .message import (
    ACCEPTED,
    DELETED,
    DRAFTS,
    EXTENDED,
    INBOX,
    NOBODY,
    RECIPIENT_FIELDS,
    SENT,
    Message,
)  # fmt: skip
from .store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    number INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, owner TEXT NOT NULL,
    folder TEXT NOT NULL, received_at REAL NOT NULL, is_read INTEGER NOT NULL,
    content TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS messages_by_owner ON messages (owner, folder, number);
CREATE INDEX IF NOT EXISTS messages_of_all_folders ON messages (owner, number);
CREATE INDEX IF NOT EXISTS messages_unread ON messages (owner, folder, is_read);
CREATE INDEX IF NOT EXISTS messages_by_sender ON messages (
    owner, folder, json_extract(content, '$.from.emailAddress.address'), number);
"""


class Mailboxes:
    """All mail of the sandbox."""

    def __init__(self, store: Store):
        self._store = store
        self._db: sqlite3.Connection = store.db
        self._db.executescript(SCHEMA)
        self.files = Files(self._db)

    def accept(
        self,
        sender: User,
        content: dict[str, Any],
        attachments: Sequence[Attachment | StoredAttachment],
        save_to_sent: bool = True,
    ) -> str:
        """Take a mail: record it, put copies where they belong, and return the record's id.

        When this returns, the mail is on disk.
        """
        with self._db:
            return self._deliver(sender, content, attachments, save_to_sent)

    def save_draft(
        self,
        owner: User,
        content: dict[str, Any],
        attachments: Sequence[Attachment] = (),
        folder: str = DRAFTS,
    ) -> Message:
        """Keep a message that is yet to be sent, and return it."""
        with self._db:
            draft_id = self._add(owner.oid, folder, {**content, "isDraft": True}, attachments)
        return self._existing(draft_id)

    def change(
        self, message: Message, content: dict[str, Any], is_read: bool | None = None
    ) -> Message:
        """Write a message anew, and return it as it is now."""
        content = {**content, "changedAt": self._store.now()}
        content["changes"] = content.get("changes", 0) + 1
        read = message.is_read if is_read is None else is_read
        with self._db:
            query = "UPDATE messages SET content = ?, is_read = ? WHERE id = ?"
            self._db.execute(query, (json.dumps(content), read, message.id))
        return self._existing(message.id)

    def send(self, sender: User, draft: Message, content: dict[str, Any]) -> None:
        """Send a draft as `content`; it leaves its folder, and all is one transaction."""
        with self._db:
            self._deliver(sender, content, self.files.of(draft.id), save_to_sent=True)
            self._remove(draft)

    def delete(self, message: Message) -> None:
        """Move a message to Deleted Items, where it has another id; from there, remove it."""
        with self._db:
            if message.folder == DELETED:
                self._remove(message)
                return
            moved = new_id()
            query = "UPDATE messages SET id = ?, folder = ? WHERE id = ?"
            self._db.execute(query, (moved, DELETED, message.id))
            self.files.move(message.id, moved)

    def attach(self, draft: Message, one: Attachment) -> StoredAttachment:
        """Add a file to a draft."""
        with self._db:
            attachment_id = self.files.attach(draft.id, one)
        return next(one for one in self.files.of(draft.id) if one.id == attachment_id)

    def detach(self, one: StoredAttachment) -> None:
        """Take a file off its message."""
        with self._db:
            self.files.remove(one.id)

    def counts(self, owner: str) -> dict[str, tuple[int, int]]:
        """Return how many messages each folder of a person has, and how many are unread."""
        rows = self._db.execute(
            "SELECT folder, count(*), sum(NOT is_read) FROM messages WHERE owner = ?"
            " GROUP BY folder",
            (owner,),
        )
        return {folder: (total, unread) for folder, total, unread in rows}

    def messages(
        self, owner: str, folder: str | None = None, top: int | None = None, skip: int = 0
    ) -> list[Message]:
        """Return somebody's messages, newest first; of one folder, or of all."""
        # Without an OR, so that one of the indexes gives the order.
        place, values = ("", ()) if folder is None else (" AND folder = ?", (folder,))
        rows = self._db.execute(
            "SELECT id, owner, folder, received_at, is_read, content FROM messages"
            f" WHERE owner = ?{place} ORDER BY number DESC LIMIT ? OFFSET ?",
            (owner, *values, -1 if top is None else top, skip),
        )
        return [_message(row) for row in rows]

    def accepted(self) -> list[Message]:
        """Return every mail that was accepted, newest first."""
        return self.messages(NOBODY, ACCEPTED)

    def accepted_of(self, person: User) -> list[Message]:
        """Return what this person sent, and what arrived from others; newest first.

        What they sent is the record, with Bcc; what arrived is their own copy, without.
        """
        records = self._sent_by(str(person.mail))
        copies = [one for one in self.messages(person.oid) if one.folder not in (SENT, DRAFTS)]
        others = [one for one in copies if one.sender not in (person.mail, postmaster.ADDRESS)]
        arrived = [one for one in others if not one.is_draft]
        return sorted(records + arrived, key=lambda one: one.received_at, reverse=True)

    def _sent_by(self, address: str) -> list[Message]:
        rows = self._db.execute(
            "SELECT id, owner, folder, received_at, is_read, content FROM messages"
            " WHERE owner = ? AND folder = ?"
            " AND json_extract(content, '$.from.emailAddress.address') = ? ORDER BY number DESC",
            (NOBODY, ACCEPTED, address),
        )
        return [_message(row) for row in rows]

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
        return self.files.of(message_id)

    def content(self, attachment: StoredAttachment) -> bytes:
        """Return the bytes of an attachment."""
        return self.files.content(attachment)

    def reset(self) -> None:
        """Forget every mail."""
        with self._db:
            for table in ("messages", *TABLES):
                self._db.execute(f"DELETE FROM {table}")

    def _existing(self, message_id: str) -> Message:
        message = self.message(message_id)
        assert message is not None  # noqa: S101 (for the type; its callers made it)
        return message

    def _deliver(
        self,
        sender: User,
        content: dict[str, Any],
        attachments: Sequence[Attachment | StoredAttachment],
        save_to_sent: bool,
    ) -> str:
        # Neither Bcc nor a named property travels to others.
        arriving = {**content, "bccRecipients": [], EXTENDED: []}
        number = self._add(NOBODY, ACCEPTED, content, attachments)
        if save_to_sent:
            self._add(sender.oid, SENT, content, attachments)
        everybody, people = _recipients(content), self._store.people
        for person in people.with_mailbox(everybody):
            self._add(person.oid, INBOX, arriving, attachments)
        if unknown := [one for address, one in everybody.items() if people.lacks(address)]:
            self._add(sender.oid, INBOX, postmaster.report(content, unknown), ())
        return number

    def _add(
        self,
        owner: str,
        folder: str,
        content: dict[str, Any],
        attachments: Sequence[Attachment | StoredAttachment],
    ) -> str:
        message_id, is_read = new_id(), folder != INBOX
        self._db.execute(
            "INSERT INTO messages (id, owner, folder, received_at, is_read, content)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (message_id, owner, folder, self._store.now(), is_read, json.dumps(content)),
        )
        for one in attachments:
            self.files.attach(message_id, one)
        return message_id

    def _remove(self, message: Message) -> None:
        self._db.execute("DELETE FROM messages WHERE id = ?", (message.id,))
        self.files.remove_all(message.id)


def _recipients(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return all recipients by their addresses in lower case, each once."""
    everybody = [one for name in RECIPIENT_FIELDS for one in content.get(name, [])]
    return {one["emailAddress"]["address"].lower(): one for one in everybody}


def _message(row: tuple[Any, ...]) -> Message:
    message_id, owner, folder, received_at, is_read, content = row
    return Message(message_id, owner, folder, received_at, bool(is_read), json.loads(content))
