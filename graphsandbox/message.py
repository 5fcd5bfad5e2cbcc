"""A message as it is kept, and the folders it can be in."""

from dataclasses import dataclass
from typing import Any

# Well-known folder names, and ours.
INBOX, DRAFTS, SENT, DELETED = "inbox", "drafts", "sentitems", "deleteditems"
FOLDERS = {  # by Graph's names, with those that people see
    "archive": "Archive",
    DELETED: "Deleted Items",
    DRAFTS: "Drafts",
    INBOX: "Inbox",
    "junkemail": "Junk Email",
    "outbox": "Outbox",
    SENT: "Sent Items",
}
ACCEPTED = "accepted"
NOBODY = ""  # the owner of what is in ACCEPTED
EXTENDED = "singleValueExtendedProperties"  # what an app notes on a message, for itself
RECIPIENT_FIELDS = ("toRecipients", "ccRecipients", "bccRecipients")


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
    def is_draft(self) -> bool:
        """Whether it has not been sent yet; a deleted draft stays one."""
        return bool(self.content.get("isDraft"))

    @property
    def changed_at(self) -> float:
        """When it was last changed, in seconds since 1970."""
        at: float = self.content.get("changedAt", self.received_at)
        return at

    @property
    def sender(self) -> str:
        """The address it comes from."""
        address: str = self.content["from"]["emailAddress"]["address"]
        return address

    @property
    def body(self) -> str:
        """The body as it was sent, text or HTML."""
        body: str = self.content["body"]["content"]
        return body

    @property
    def is_html(self) -> bool:
        """Whether the body is HTML."""
        return bool(self.content["body"]["contentType"] == "html")

    def recipients(self, *fields: str) -> list[str]:
        """Return the addresses in these fields; by default in To, Cc and Bcc."""
        found = [one for name in fields or RECIPIENT_FIELDS for one in self.content.get(name, [])]
        return [one["emailAddress"]["address"] for one in found]
