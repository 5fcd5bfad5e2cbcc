"""How a message looks in Graph's answers (Microsoft: "message resource type")."""

import base64
import datetime
import hashlib
import html
import re
from typing import Any

from .. import public
from ..message import EXTENDED, RECIPIENT_FIELDS, SENT, Message
from .call import Call
from .query import select

TYPE = "microsoft.graph.message"
READ_BODY = ("Mail.Read", "Mail.ReadWrite")
BODY_MEMBERS = ("body", "bodyPreview", "uniqueBody")
ONLY_SELECTED = ("internetMessageHeaders", "uniqueBody")
ALWAYS = ("@odata.etag", "id")
SORTED_BY = {  # what `$filter` and `$orderby` may look at, beside the body
    "id", "createdDateTime", "lastModifiedDateTime", "changeKey", "categories",
    "receivedDateTime", "sentDateTime", "hasAttachments", "internetMessageId", "subject",
    "importance", "parentFolderId", "conversationId", "isDeliveryReceiptRequested",
    "isReadReceiptRequested", "isRead", "isDraft", "inferenceClassification", "sender", "from",
    "flag", EXTENDED,
}  # fmt: skip
PREFER = re.compile(r'outlook\.body-content-type\s*=\s*"?(text|html)\b', re.IGNORECASE)
TAG = re.compile(r"<(/?[A-Za-z0-9]*+)[^<>]*+>")
HIDDEN = ("head", "script", "style")
BREAKS = ("br", "/p", "/div", "/li", "/tr", *(f"/h{n}" for n in range(1, 7)))
PREVIEW = 255  # characters
LONGEST_SEARCH = 20_000  # characters that the preview is looked for in
HTML_HEAD = (
    '<html><head>\r\n<meta http-equiv="Content-Type" content="text/html; charset=utf-8">'
    "</head><body>"
)


def message(call: Call, one: Message, expanded: dict[str, Any]) -> dict[str, Any]:
    """Return a message with the members that the call asks for, and those it expands."""
    every = members(call, one)
    del every[EXTENDED]
    if "$select" not in call.options:
        every = {name: value for name, value in every.items() if name not in ONLY_SELECTED}
    hidden = () if call.may(*READ_BODY) else BODY_MEMBERS
    found = select(call, every | expanded, TYPE, (*ALWAYS, *expanded))
    return {name: value for name, value in found.items() if name not in hidden}


def sortable(call: Call) -> set[str]:
    """Return the members that a listing may be filtered and sorted by."""
    return SORTED_BY | ({"body", "bodyPreview"} if call.may(*READ_BODY) else set())


def members(call: Call, one: Message) -> dict[str, Any]:
    """Return a message as Graph shows it, all members, in Graph's order."""
    content = one.content
    when = time(one.received_at)
    files = call.request.app.state.mailboxes.attachments(one.id)
    body = _body(one, preferred(call))
    headers = content.get("internetMessageHeaders") or []
    change = digest(f"{one.id} {content.get('changes', 0)}")
    return {
        "@odata.etag": f'W/"{change}"',
        "id": one.id,
        "createdDateTime": when,
        "lastModifiedDateTime": time(one.changed_at),
        "changeKey": change,
        "categories": content.get("categories") or [],
        "receivedDateTime": when,
        "sentDateTime": when,
        "hasAttachments": any(not file.is_inline for file in files),
        "internetMessageId": content["internetMessageId"],
        "subject": one.subject,
        "bodyPreview": _preview(one),
        "importance": content.get("importance") or "normal",
        "parentFolderId": folder_id(one.owner, one.folder),
        "conversationId": content["conversationId"],
        "conversationIndex": _index(content["conversationId"]),
        "isDeliveryReceiptRequested": bool(content.get("isDeliveryReceiptRequested")),
        "isReadReceiptRequested": bool(content.get("isReadReceiptRequested")),
        "isRead": one.is_read,
        "isDraft": one.is_draft,
        "webLink": f"{public.base(call.request)}/mailbox/{one.id}",
        "inferenceClassification": content.get("inferenceClassification") or "focused",
        "body": body,
        "sender": content["sender"],
        "from": content["from"],
        **{name: content[name] for name in RECIPIENT_FIELDS},
        "replyTo": content["replyTo"],
        "flag": content.get("flag") or {"flagStatus": "notFlagged"},
        # In Sent Items Microsoft shows none (microsoft-graph-docs#2716, #18761; seen 2018 to 2025).
        "internetMessageHeaders": headers if one.folder != SENT else [],
        "uniqueBody": body,
        EXTENDED: content.get(EXTENDED) or [],
    }


def preferred(call: Call) -> str | None:
    """Return the kind of body that `Prefer: outlook.body-content-type` asks for."""
    found = PREFER.search(", ".join(call.request.headers.getlist("prefer")))
    return found[1].lower() if found else None


def applied(call: Call) -> dict[str, str]:
    """Return the header that says which preference was kept to (RFC 7240 §3)."""
    kind = preferred(call)
    return {"Preference-Applied": f'outlook.body-content-type="{kind}"'} if kind else {}


def _body(one: Message, kind: str | None) -> dict[str, str]:
    """Return the body as it was sent, or as the kind that is preferred."""
    if kind == "text" and one.is_html:
        return {"contentType": "text", "content": _as_text(one.body)}
    if kind == "html" and not one.is_html:
        lines = html.escape(one.body, quote=False).replace("\n", "<br>\n")
        return {"contentType": "html", "content": _page(lines)}
    content = _page(one.body) if one.is_html else one.body
    return {"contentType": one.content["body"]["contentType"], "content": content}


def _as_text(body: str) -> str:
    """Return what a piece of HTML says; what breaks a line there breaks one here."""
    pieces, said, hidden = TAG.split(" ".join(body.split())), [], ""
    for tag, text in zip(["", *pieces[1::2]], pieces[::2], strict=True):
        tag = tag.lower()
        if hidden:
            hidden = "" if tag == f"/{hidden}" else hidden
        elif tag in HIDDEN:
            hidden = tag
        said.append("" if hidden else "\n" * (tag in BREAKS) + text)
    lines = html.unescape("".join(said)).strip().split("\n")
    return "\r\n".join(line.strip() for line in lines)


def _page(body: str) -> str:
    """Return HTML as a page; Exchange makes a whole one of a piece."""
    if re.search(r"(?i)<html[\s>]", body[:LONGEST_SEARCH]):
        return body
    return f"{HTML_HEAD}{body}</body></html>\r\n"


def _index(conversation: str) -> str:
    """Return the place in a conversation: Exchange's 22 bytes for its first message."""
    rest = hashlib.sha256(conversation.encode()).digest()[:21]
    return base64.b64encode(b"\x01" + rest).decode()


def _preview(one: Message) -> str:
    """Return the beginning of the body as text."""
    body = one.body[:LONGEST_SEARCH]
    if one.is_html:
        body = " ".join(_as_text(body).split())
    return body[:PREVIEW]


def context(call: Call, what: str) -> str:
    """Return `@odata.context`: what kind of thing the answer holds, and whose it is."""
    return f"{call.root}/$metadata#users('{call.person.oid}')/{what}"


def folder_id(owner: str, name: str) -> str:
    """Return the id of a person's folder."""
    return "AAMkADf" + digest(owner + name)


def time(seconds: float) -> str:
    """Return an Edm.DateTimeOffset."""
    return moment(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(seconds: float) -> datetime.datetime:
    """Return a time of the sandbox's clock, in UTC."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def digest(text: str) -> str:
    """Return a text that looks like Exchange's keys and depends on `text` alone."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()
