"""Messages of a mailbox: list, read, write drafts, change, delete (Microsoft: "message")."""

from typing import Any

from starlette.responses import Response

from ..message import DRAFTS, Message
from . import compose, content, expand, filters, mime, shown
from .access import READ, READ_BODY, WRITE, message, opened
from .call import Call
from .errors import refused
from .query import envelope, flag, page

# What may be changed once a message has been sent (Microsoft: "Update message").
AFTER_SENDING = {"categories", "flag", "importance", "inferenceClassification", "isRead"}


async def listing(call: Call) -> Response:
    """GET /me/messages: newest first, a page at a time."""
    return await page_of(call, None, "messages")


async def page_of(call: Call, folder: str | None, context: str) -> Response:
    """Answer with the messages of a folder, or of all, as the query options say."""
    mailboxes = opened(call, *READ)
    top, skip = page(call)
    owner, query = call.person.oid, call.options
    if "$filter" in query or "$orderby" in query:
        every = _picked(call, mailboxes.messages(owner, folder))
        total, found = len(every), every[skip : skip + top]
    else:
        found = mailboxes.messages(owner, folder, top + 1, skip)
        total = skip + len(found)  # or more: enough to say whether there is another page
        if flag(call, "$count"):
            counts = mailboxes.counts(owner)
            total = sum(n for name, (n, _) in counts.items() if folder in (None, name))
    value = [_shown(call, one) for one in found[:top]]
    answer = envelope(call, shown.context(call, context), value, total, top, skip)
    return call.data(answer, headers=shown.applied(call))


def _picked(call: Call, every: list[Message]) -> list[Message]:
    """Return the messages that `$filter` lets through, in the order of `$orderby`."""
    query, known = call.options, shown.sortable(call)
    holds, filtered = filters.condition(query.get("$filter", "true"), known)
    keys = filters.order(query["$orderby"], known) if "$orderby" in query else []
    if "$filter" in query:
        filters.check_order(filtered, [name for name, _, _ in keys])
    pairs = [(one, shown.members(call, one)) for one in every]
    pairs = [pair for pair in pairs if holds(pair[1])]
    for _, key, other_way in reversed(keys):
        pairs.sort(key=lambda pair: key(pair[1]), reverse=other_way)
    return [one for one, _ in pairs]


async def create(call: Call) -> Response:
    """POST /me/messages: a draft."""
    return await create_in(call, DRAFTS)


async def create_in(call: Call, folder: str) -> Response:
    """Make a draft in a folder."""
    mailboxes = opened(call, *WRITE)
    if call.content_type == "text/plain":
        asked = mime.read(await call.request.body(), finished=False)
    else:
        asked = compose.message(await call.payload())
    asked.content.pop("isRead", None)
    written = content.changed(content.new(call.user), asked.content, call.user)
    draft = mailboxes.save_draft(call.person, written, asked.attachments, folder)
    return _one(call, draft, 201)


async def show(call: Call) -> Response:
    """GET /me/messages/{id}: one message."""
    return _one(call, message(call, *READ)[1])


async def value(call: Call) -> Response:
    """GET /me/messages/{id}/$value: the message as MIME, for any mail program."""
    mailboxes, found = message(call, *READ_BODY)
    return call.stream(mime.source(mailboxes, found), "text/plain")


async def change(call: Call) -> Response:
    """PATCH /me/messages/{id}: a draft as a whole, of a sent message what is one's own."""
    mailboxes, before = message(call, *WRITE)
    asked = compose.message(await call.payload())
    fixed = set() if before.is_draft else _set(asked.content) - AFTER_SENDING
    if fixed or asked.attachments:
        raise refused("fixed_property")
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


def _one(call: Call, found: Message, status: int = 200) -> Response:
    context = {"@odata.context": shown.context(call, "messages/$entity")}
    return call.data({**context, **_shown(call, found)}, status, shown.applied(call))


def _shown(call: Call, one: Message) -> dict[str, Any]:
    return shown.message(call, one, expand.of(call, one))
