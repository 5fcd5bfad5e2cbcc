"""Files of a message: list, read, add, remove (Microsoft: "fileAttachment resource type")."""

import base64
from typing import Any

from starlette.responses import Response

from ..files import StoredAttachment
from ..mailboxes import Mailboxes
from ..message import Message
from . import access, compose, shown
from .call import Call
from .errors import refused
from .query import LARGEST_PAGE, envelope, page, select

TYPE = "microsoft.graph.fileAttachment"
ALWAYS = ("@odata.type", "@odata.mediaContentType", "id")
CONTENT = "contentBytes"


async def listing(call: Call) -> Response:
    """GET .../attachments: all of them, with their content unless `$select` leaves it out."""
    mailboxes, message = access.message(call, *access.READ_BODY)
    top, skip = page(call, LARGEST_PAGE)
    every = mailboxes.attachments(message.id)
    value = [_shown(call, mailboxes, message, one) for one in every[skip : skip + top]]
    return call.data(envelope(call, context(call, message), value, len(every), top, skip))


async def create(call: Call) -> Response:
    """POST .../attachments: a file of up to 3 MB, as JSON."""
    mailboxes, message = access.message(call, *access.WRITE)
    check_draft(message)
    one = compose.attachment(await call.payload())
    check_room(call, message, len(one.content))
    stored = mailboxes.attach(message, one)
    return _one(call, mailboxes, message, stored, 201)


async def show(call: Call) -> Response:
    """GET .../attachments/{id}: one of them."""
    return _one(call, *_found(call, *access.READ_BODY))


async def value(call: Call) -> Response:
    """GET .../attachments/{id}/$value: the file itself."""
    mailboxes, _, stored = _found(call, *access.READ_BODY)
    return call.stream(mailboxes.files.pieces(stored), "application/octet-stream", size=stored.size)


async def delete(call: Call) -> Response:
    """DELETE .../attachments/{id}: off the message, for good."""
    mailboxes, _, stored = _found(call, *access.WRITE)
    mailboxes.detach(stored)
    return call.done()


def check_draft(message: Message) -> None:
    """Refuse to add to a message that has been sent."""
    if not message.is_draft:
        raise refused("not_a_draft")


def check_room(call: Call, message: Message, more: int = 0) -> None:
    """Refuse what is, or becomes, larger than the mailbox takes."""
    state = call.request.app.state
    files = sum(one.size for one in state.mailboxes.attachments(message.id))
    if files + more > state.throttle.limits.message_mb * 1024 * 1024:
        raise refused("message_too_large")


def _found(call: Call, *scopes: str) -> tuple[Mailboxes, Message, StoredAttachment]:
    mailboxes, message = access.message(call, *scopes)
    wanted = call.request.path_params["file"]
    for one in mailboxes.attachments(message.id):
        if one.id == wanted:
            return mailboxes, message, one
    raise refused("item_not_found")


def _one(
    call: Call, mailboxes: Mailboxes, message: Message, stored: StoredAttachment, status: int = 200
) -> Response:
    entity = {"@odata.context": context(call, message) + "/$entity"}
    return call.data({**entity, **_shown(call, mailboxes, message, stored)}, status)


def _shown(
    call: Call, mailboxes: Mailboxes, message: Message, stored: StoredAttachment
) -> dict[str, Any]:
    """Return a file with the members that are asked for; only then its content is read."""
    return _with_content(mailboxes, stored, select(call, _members(message, stored), TYPE, ALWAYS))


def whole(mailboxes: Mailboxes, message: Message) -> list[dict[str, Any]]:
    """Return all files of a message with all their members."""
    every = mailboxes.attachments(message.id)
    return [_with_content(mailboxes, one, _members(message, one)) for one in every]


def _members(message: Message, stored: StoredAttachment) -> dict[str, Any]:
    """Return a file as Graph shows it, but for its content."""
    return {
        "@odata.type": f"#{TYPE}",
        "@odata.mediaContentType": stored.content_type,
        "id": stored.id,
        "lastModifiedDateTime": shown.time(message.changed_at),
        "name": stored.name,
        "contentType": stored.content_type,
        "size": stored.size,
        "isInline": stored.is_inline,
        "contentId": stored.content_id,
        "contentLocation": None,
        CONTENT: None,
    }


def _with_content(
    mailboxes: Mailboxes, stored: StoredAttachment, found: dict[str, Any]
) -> dict[str, Any]:
    if CONTENT in found:
        found[CONTENT] = base64.b64encode(mailboxes.content(stored)).decode()
    return found


def context(call: Call, message: Message) -> str:
    """Return what kind of thing the files of a message are."""
    return shown.context(call, f"messages('{message.id}')/attachments")
