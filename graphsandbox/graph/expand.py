"""`$expand` of a message: its files, and what an app has noted on it."""

from typing import Any

from ..message import EXTENDED, Message
from . import access, attachments, options
from .call import Call
from .errors import refused


def of(call: Call, one: Message) -> dict[str, Any]:
    """Return the members that `$expand` adds to a message."""
    added: dict[str, Any] = {}
    for item in options.EXPANDED.finditer(call.options.get("$expand", "")):
        is_files = item[0].lower() == "attachments"
        added |= _files(call, one) if is_files else _notes(one, item[1])
    return added


def _files(call: Call, one: Message) -> dict[str, Any]:
    """Return the files with their content, to which Mail.ReadBasic gives no right."""
    if not call.may(*access.READ_BODY):
        raise refused("access_denied")
    found = attachments.whole(call.request.app.state.mailboxes, one)
    return {"attachments@odata.context": attachments.context(call, one), "attachments": found}


def _notes(one: Message, wanted: str | None) -> dict[str, Any]:
    notes = one.content.get(EXTENDED) or []
    return {EXTENDED: [note for note in notes if wanted in (None, note["id"])]}
