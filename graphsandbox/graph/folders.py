"""Mail folders, each by its id or its well-known name (Microsoft: "mailFolder")."""

from typing import Any

from starlette.responses import Response

from ..message import FOLDERS
from . import access, filters, messages, shown
from .call import Call
from .errors import refused
from .query import envelope, page, select

TYPE = "microsoft.graph.mailFolder"


async def listing(call: Call) -> Response:
    """GET /me/mailFolders: those that every mailbox has, as far as `$filter` lets them through."""
    access.opened(call, *access.READ)
    top, skip = page(call)
    every = [_members(call, name) for name in FOLDERS]
    holds, _ = filters.condition(call.options.get("$filter", "true"), set(every[0]))
    found = [one for one in every if holds(one)]
    value = [select(call, one, TYPE, ["id"]) for one in found[skip : skip + top]]
    context = shown.context(call, "mailFolders")
    return call.data(envelope(call, context, value, len(found), top, skip))


async def show(call: Call) -> Response:
    """GET /me/mailFolders/{id or name}: one folder."""
    access.opened(call, *access.READ)
    context = {"@odata.context": shown.context(call, "mailFolders/$entity")}
    return call.data({**context, **select(call, _members(call, named(call)), TYPE, ["id"])})


async def messages_of(call: Call) -> Response:
    """GET /me/mailFolders/{id or name}/messages: what is in one folder."""
    access.opened(call, *access.READ)
    folder = named(call)
    context = f"mailFolders('{call.request.path_params['folder']}')/messages"
    return await messages.page_of(call, folder, context)


async def create_in(call: Call) -> Response:
    """POST /me/mailFolders/{id or name}/messages: a draft, in this folder."""
    access.opened(call, *access.WRITE)
    return await messages.create_in(call, named(call))


def named(call: Call) -> str:
    """Return the well-known name of the folder that the address names."""
    asked = call.request.path_params["folder"]
    for name in FOLDERS:
        if asked == shown.folder_id(call.person.oid, name) or asked.lower() == name:
            return name
    raise refused("item_not_found")


def _members(call: Call, name: str) -> dict[str, Any]:
    counts = call.request.app.state.mailboxes.counts(call.person.oid)
    total, unread = counts.get(name, (0, 0))
    return {
        "id": shown.folder_id(call.person.oid, name),
        "displayName": FOLDERS[name],
        "parentFolderId": shown.folder_id(call.person.oid, "msgfolderroot"),
        "childFolderCount": 0,
        "unreadItemCount": unread,
        "totalItemCount": total,
        "isHidden": False,
    }
