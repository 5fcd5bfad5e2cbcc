"""Messages of a mailbox: list, read, write drafts, change, delete (Microsoft: "message")."""

from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from ..mailboxes import DRAFTS
from . import compose, content, shown
from .access import READ, WRITE, message, opened
from .call import Call
from .errors import GraphError
from .query import page

# What may be changed once a message has been sent (Microsoft: "Update message").
AFTER_SENDING = {"categories", "flag", "importance", "inferenceClassification", "isRead"}


async def listing(call: Call) -> Response:
    """GET /me/messages: newest first, a page at a time."""
    mailboxes = opened(call, *READ)
    top, skip = page(call)
    found = mailboxes.messages(call.person.oid, top=top + 1, skip=skip)
    answer: dict[str, Any] = {"@odata.context": shown.context(call, "messages")}
    answer["value"] = [shown.message(call, one) for one in found[:top]]
    if len(found) > top > 0:
        asked = dict(call.request.query_params) | {"$top": str(top), "$skip": str(skip + top)}
        answer["@odata.nextLink"] = f"{call.url}?{urlencode(asked)}"
    return call.data(answer)


async def create(call: Call) -> Response:
    """POST /me/messages: a draft."""
    mailboxes = opened(call, *WRITE)
    asked = compose.message(await call.payload())
    asked.content.pop("isRead", None)
    written = content.changed(content.new(call.user), asked.content, call.user)
    draft = mailboxes.save_draft(call.person, written, asked.attachments, DRAFTS)
    return _one(call, draft, 201)


async def show(call: Call) -> Response:
    """GET /me/messages/{id}: one message."""
    return _one(call, message(call, *READ)[1])


async def change(call: Call) -> Response:
    """PATCH /me/messages/{id}: a draft as a whole, of a sent message what is one's own."""
    mailboxes, before = message(call, *WRITE)
    asked = compose.message(await call.payload())
    fixed = set() if before.is_draft else _set(asked.content) - AFTER_SENDING
    if fixed or asked.attachments:
        text = "Set action is invalid for property."
        raise GraphError(400, "ErrorInvalidPropertySet", text)
    is_read = asked.content.pop("isRead", None)
    after = content.changed(before.content, asked.content, call.user)
    return _one(call, mailboxes.change(before, after, is_read))


async def delete(call: Call) -> Response:
    """DELETE /me/messages/{id}: to Deleted Items, and from there for good."""
    mailboxes, found = message(call, *WRITE)
    mailboxes.delete(found)
    return call.done()


def _set(asked: dict[str, Any]) -> set[str]:
    """Return the members that carry something; what only Exchange sets was read as null."""
    return {name for name, value in asked.items() if value is not None}


def _one(call: Call, found: Any, status: int = 200) -> Response:
    context = {"@odata.context": shown.context(call, "messages/$entity")}
    return call.data({**context, **shown.message(call, found)}, status)
