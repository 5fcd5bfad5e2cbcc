"""Mail of the signed-in person: sendMail, and reading messages (Microsoft: "message")."""

import base64
import datetime
import hashlib
import html
import re
import uuid
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from .. import directory
from ..directory import User
from ..mailboxes import Mailboxes, Message
from . import compose
from .call import Call
from .errors import GraphError
from .reading import payload

READ_BODY = ("Mail.Read", "Mail.ReadWrite")
READ_SCOPES = (*READ_BODY, "Mail.ReadBasic")
BODY_MEMBERS = ("body", "bodyPreview")
PAGE, LARGEST_PAGE = 10, 1000
PREVIEW = 255  # characters
LONGEST_SEARCH = 20_000  # characters that the preview is looked for in


async def send(call: Call) -> Response:
    """POST /me/sendMail: 202 says that the mail was taken, not that it has arrived."""
    mailboxes = _mailboxes(call, "Mail.Send")
    request = call.request
    body = await request.body()
    draft = compose.send_mail(payload(request.headers.get("content-type", ""), body))
    _check_sender(call.user, draft.content)
    content = _as_sent(call.user, draft.content)
    mailboxes.accept(call.user, content, draft.attachments, draft.save_to_sent)
    return call.accepted()


async def listing(call: Call) -> Response:
    """GET /me/messages: newest first, a page at a time."""
    mailboxes = _mailboxes(call, *READ_SCOPES)
    top = _whole(call, "$top", PAGE)
    skip = _whole(call, "$skip", 0)
    if top > LARGEST_PAGE:
        raise _bad_query(
            f"The limit of '{LARGEST_PAGE}' for Top query has been exceeded."
            f" The value from the incoming request is '{top}'."
        )
    found = mailboxes.messages(call.user.oid, top=top + 1, skip=skip)
    answer: dict[str, Any] = {"@odata.context": _context(call)}
    answer["value"] = [_shown(call, one) for one in found[:top]]
    if len(found) > top > 0:
        asked = dict(call.request.query_params) | {"$top": str(top), "$skip": str(skip + top)}
        answer["@odata.nextLink"] = f"{call.root}/me/messages?{urlencode(asked)}"
    return call.data(answer)


async def show(call: Call) -> Response:
    """GET /me/messages/{id}: one message."""
    mailboxes = _mailboxes(call, *READ_SCOPES)
    message = mailboxes.message(call.request.path_params["id"], owner=call.user.oid)
    if message is None:
        text = "The specified object was not found in the store."
        raise GraphError(404, "ErrorItemNotFound", text)
    return call.data({"@odata.context": _context(call) + "/$entity", **_shown(call, message)})


def _mailboxes(call: Call, *scopes: str) -> Mailboxes:
    """Return the mailboxes, when the token lets this call use the person's own."""
    if not call.may(*scopes):
        text = "Access is denied. Check credentials and try again."
        raise GraphError(403, "ErrorAccessDenied", text)
    if call.user.mail is None:
        text = "REST API is not yet supported for this mailbox."
        raise GraphError(404, "MailboxNotEnabledForRESTAPI", text)
    return call.request.app.state.mailboxes


def _check_sender(user: User, content: dict[str, Any]) -> None:
    """Refuse to send in somebody else's name."""
    for field in ("from", "sender"):
        address = ((content.get(field) or {}).get("emailAddress") or {}).get("address")
        if address and address.lower() not in (user.upn.lower(), str(user.mail).lower()):
            raise GraphError(
                403,
                "ErrorSendAsDenied",
                "The user account which was used to submit this request does not have the right"
                " to send mail on behalf of the specified sending account., Cannot submit message.",
            )


def _as_sent(user: User, draft: dict[str, Any]) -> dict[str, Any]:
    """Return the message with what Exchange adds to it on its way out."""
    sender = {"emailAddress": {"name": user.display_name, "address": user.mail}}
    body = draft.get("body") or {}
    return {
        **{name: value for name, value in draft.items() if value is not None},
        "subject": draft.get("subject") or "",
        "body": {
            "contentType": body.get("contentType") or "text",
            "content": body.get("content") or "",
        },
        "sender": sender,
        "from": sender,
        **{name: _named(draft.get(name)) for name in compose.RECIPIENT_FIELDS},
        "replyTo": draft.get("replyTo") or [],
        "internetMessageId": f"<{uuid.uuid4()}@{directory.TENANT_DOMAIN}>",
        "conversationId": "AAQkAD" + _digest(uuid.uuid4().hex),
    }


def _named(recipients: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """Return recipients with a name each; without one the address stands for it."""
    addresses = [one["emailAddress"] for one in recipients or []]
    return [
        {"emailAddress": {"name": one.get("name") or one["address"], "address": one["address"]}}
        for one in addresses
    ]


def _shown(call: Call, message: Message) -> dict[str, Any]:
    """Return a message as Graph shows it, members in Graph's order."""
    content = message.content
    when = _time(message.received_at)
    files = call.request.app.state.mailboxes.attachments(message.id)
    shown = {
        "@odata.etag": f'W/"{_digest(message.id)}"',
        "id": message.id,
        "createdDateTime": when,
        "lastModifiedDateTime": when,
        "changeKey": _digest(message.id),
        "categories": content.get("categories") or [],
        "receivedDateTime": when,
        "sentDateTime": when,
        "hasAttachments": any(not one.is_inline for one in files),
        "internetMessageId": content["internetMessageId"],
        "subject": message.subject,
        "bodyPreview": _preview(message),
        "importance": content.get("importance") or "normal",
        "parentFolderId": "AAMkADf" + _digest(message.owner + message.folder),
        "conversationId": content["conversationId"],
        "isDeliveryReceiptRequested": bool(content.get("isDeliveryReceiptRequested")),
        "isReadReceiptRequested": bool(content.get("isReadReceiptRequested")),
        "isRead": message.is_read,
        "isDraft": False,
        "webLink": f"{call.request.app.state.authority}/mailbox/{message.id}",
        "inferenceClassification": content.get("inferenceClassification") or "focused",
        "body": content["body"],
        "sender": content["sender"],
        "from": content["from"],
        **{name: content[name] for name in compose.RECIPIENT_FIELDS},
        "replyTo": content["replyTo"],
        "flag": content.get("flag") or {"flagStatus": "notFlagged"},
    }
    hidden = () if call.may(*READ_BODY) else BODY_MEMBERS
    return {name: value for name, value in shown.items() if name not in hidden}


def _preview(message: Message) -> str:
    """Return the beginning of the body as text."""
    body = message.body[:LONGEST_SEARCH]
    if message.is_html:
        body = re.sub(r"(?is)<(script|style|head)\b.*?</\1\s*>|<[^>]*>", " ", body)
        body = " ".join(html.unescape(body).split())
    return body[:PREVIEW]


def _context(call: Call) -> str:
    return f"{call.root}/$metadata#users('{call.user.oid}')/messages"


def _whole(call: Call, option: str, default: int) -> int:
    """Return the whole number of a query option."""
    text = call.request.query_params.get(option, str(default))
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise _bad_query(
            f"Invalid value '{text}' for {option} query option found. The {option} query option"
            " requires a non-negative integer value."
        )
    return int(text)


def _bad_query(why: str) -> GraphError:
    return GraphError(400, "BadRequest", why, gateway=True)


def _time(seconds: float) -> str:
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()
