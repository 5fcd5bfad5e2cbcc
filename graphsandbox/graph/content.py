"""What a message holds when it is kept, and what Exchange adds to it."""

import uuid
from typing import Any

from .. import directory
from ..directory import User
from ..message import RECIPIENT_FIELDS
from .errors import refused
from .shown import digest

PEOPLE = (*RECIPIENT_FIELDS, "replyTo")
OWN = ("isDraft", "changes", "changedAt")  # what a draft has and a mail on its way has not


def new(user: User) -> dict[str, Any]:
    """Return a message in which nothing is written yet."""
    return {
        "subject": "",
        "body": {"contentType": "text", "content": ""},
        "sender": _from(user),
        "from": _from(user),
        **{name: [] for name in PEOPLE},
        "internetMessageId": f"<{uuid.uuid4()}@{directory.TENANT_DOMAIN}>",
        "conversationId": "AAQkAD" + digest(uuid.uuid4().hex),
    }


def changed(before: dict[str, Any], asked: dict[str, Any], user: User) -> dict[str, Any]:
    """Return a message with what is asked for written into it; null takes a member back."""
    content = {name: value for name, value in before.items() if name not in asked}
    empty = new(user)
    for name, value in asked.items():
        if value is None:
            content |= {name: empty[name]} if name in empty else {}
        elif name == "body":
            content["body"] = {
                "contentType": value.get("contentType") or "text",
                "content": value.get("content") or "",
            }
        elif name in PEOPLE:
            content[name] = [_named(one) for one in value]
        else:
            content[name] = _named(value) if name in ("from", "sender") else value
    return content


def as_sent(user: User, content: dict[str, Any]) -> dict[str, Any]:
    """Return a message as it leaves: from the person who sends it."""
    kept = {name: value for name, value in content.items() if name not in OWN}
    return {**kept, "sender": _from(user), "from": _from(user)}


def check_sender(user: User, content: dict[str, Any]) -> None:
    """Refuse to send in somebody else's name."""
    for field in ("from", "sender"):
        address = ((content.get(field) or {}).get("emailAddress") or {}).get("address")
        if address and address.lower() not in (user.upn.lower(), str(user.mail).lower()):
            raise refused("may_not_send_as")


def _from(user: User) -> dict[str, Any]:
    return {"emailAddress": {"name": user.display_name, "address": user.mail}}


def _named(recipient: dict[str, Any] | None) -> dict[str, Any]:
    """Return a recipient with a name; without one the address stands for it."""
    one = (recipient or {}).get("emailAddress") or {}
    address = one.get("address") or ""
    return {"emailAddress": {"name": one.get("name") or address, "address": address}}
