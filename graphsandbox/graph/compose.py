"""From the JSON of a mail to what it means, by the types of Graph's metadata (CSDL)."""

import mimetypes
import re
from dataclasses import dataclass
from typing import Any

from ..files import Attachment
from ..message import RECIPIENT_FIELDS
from .errors import refused
from .reading import (
    Reader,
    UnknownMember,
    binary,
    boolean,
    collection,
    ignored,
    members,
    one_of,
    structure,
    text,
    whole,
)

MOST_RECIPIENTS = 500  # Microsoft: to, cc and bcc together
ADDRESS = re.compile(r"""[^@\s<>(),;:"]+@[^@\s<>(),;:"]+""")
OLD_NAMESPACE = "microsoft.outlookservices."


@dataclass(frozen=True)
class Draft:
    """A mail that somebody asks for: to be sent, or to be kept."""

    content: dict[str, Any]
    attachments: list[Attachment]
    save_to_sent: bool


def send_mail(parsed: Any) -> Draft:
    """Read the parameters of the action sendMail."""
    asked = _parameters("sendMail", parsed, message=_message, saveToSentItems=boolean)
    if asked.get("message") is None:
        raise refused("missing_message")
    content, attachments = _parted(asked["message"])
    check_recipients(content)
    return Draft(content, attachments, asked.get("saveToSentItems") is not False)


def message(parsed: Any) -> Draft:
    """Read a message that is to be kept, and may be unfinished."""
    content, attachments = _parted(_message(parsed))
    return Draft(content, attachments, save_to_sent=True)


def attachment(parsed: Any) -> Attachment:
    """Read a file that is to be added to a draft."""
    return _attachment(parsed)


def attachment_item(parsed: Any) -> dict[str, Any]:
    """Read the parameters of the action createUploadSession."""
    asked = _parameters("createUploadSession", parsed, attachmentItem=_attachment_item)
    item = asked.get("attachmentItem") or {}
    if item.get("attachmentType", "file") != "file" or "size" not in item:
        raise refused("missing_item")
    name = item.get("name") or "attachment"
    return {
        "name": name,
        "contentType": item.get("contentType") or _guessed_type(name),
        "isInline": bool(item.get("isInline")),
        "contentId": item.get("contentId"),
        "size": item["size"] or 0,
    }


def _parted(content: dict[str, Any]) -> tuple[dict[str, Any], list[Attachment]]:
    """Part the members of a message that is sound from the files that come with it."""
    attachments = content.pop("attachments", None) or []
    _check_headers(content)
    return content, attachments


def _parameters(action: str, parsed: Any, **readers: Reader) -> dict[str, Any]:
    try:
        return members(parsed, readers, "")
    except UnknownMember as unknown:
        raise refused("unknown_parameter", name=unknown, action=action) from None


_recipient = structure(
    "microsoft.graph.recipient",
    emailAddress=structure("microsoft.graph.emailAddress", address=text, name=text),
)
_date_time = structure("microsoft.graph.dateTimeTimeZone", dateTime=text, timeZone=text)
_ATTACHMENT: dict[str, Reader] = {
    "name": text,
    "contentType": text,
    "contentBytes": binary,
    "isInline": boolean,
    "contentId": text,
    "contentLocation": text,
    "id": ignored,
    "size": ignored,
    "lastModifiedDateTime": ignored,
}


def _attachment(value: Any) -> Attachment:
    """Read a fileAttachment; the collection is of an abstract type, so each must name its own."""
    kind = str(value.get("@odata.type", "")) if isinstance(value, dict) else ""
    kind = kind.lower().lstrip("#").replace(OLD_NAMESPACE, "microsoft.graph.")
    if isinstance(value, dict) and kind != "microsoft.graph.fileattachment":
        raise refused("other_attachment" if kind else "untyped_attachment")
    found = members(value, _ATTACHMENT, "microsoft.graph.fileAttachment")
    name = found.get("name") or "attachment"
    return Attachment(
        name=name,
        content_type=found.get("contentType") or _guessed_type(name),
        content=found.get("contentBytes") or b"",
        is_inline=bool(found.get("isInline")),
        content_id=found.get("contentId"),
    )


_attachment_item = structure(
    "microsoft.graph.attachmentItem",
    attachmentType=one_of("microsoft.graph.attachmentType", "file", "item", "reference"),
    contentId=text,
    contentType=text,
    isInline=boolean,
    name=text,
    size=whole,
)


def _guessed_type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


_message = structure(
    "microsoft.graph.message",
    subject=text,
    body=structure(
        "microsoft.graph.itemBody",
        contentType=one_of("microsoft.graph.bodyType", "text", "html"),
        content=text,
    ),
    importance=one_of("microsoft.graph.importance", "low", "normal", "high"),
    inferenceClassification=one_of(
        "microsoft.graph.inferenceClassificationType", "focused", "other"
    ),
    toRecipients=collection(_recipient),
    ccRecipients=collection(_recipient),
    bccRecipients=collection(_recipient),
    replyTo=collection(_recipient),
    sender=_recipient,
    attachments=collection(_attachment),
    categories=collection(text),
    internetMessageHeaders=collection(
        structure("microsoft.graph.internetMessageHeader", name=text, value=text)
    ),
    flag=structure(
        "microsoft.graph.followupFlag",
        flagStatus=one_of(
            "microsoft.graph.followupFlagStatus", "notFlagged", "complete", "flagged"
        ),
        completedDateTime=_date_time,
        dueDateTime=_date_time,
        startDateTime=_date_time,
    ),
    singleValueExtendedProperties=collection(
        structure("microsoft.graph.singleValueLegacyExtendedProperty", id=text, value=text)
    ),
    isDeliveryReceiptRequested=boolean,
    isReadReceiptRequested=boolean,
    isRead=boolean,
    **{"from": _recipient},
    **dict.fromkeys(
        (
            "id", "changeKey", "createdDateTime", "lastModifiedDateTime", "bodyPreview",
            "conversationId", "conversationIndex", "hasAttachments", "internetMessageId",
            "isDraft", "parentFolderId", "receivedDateTime", "sentDateTime", "uniqueBody",
            "webLink", "extensions", "multiValueExtendedProperties",
        ),
        ignored,
    ),
)  # fmt: skip


def check_recipients(message: dict[str, Any]) -> None:
    """Refuse a mail for nobody, for too many, or for something that is no address."""
    found = [one for name in RECIPIENT_FIELDS for one in message.get(name) or []]
    if not found:
        raise refused("no_recipients")
    if len(found) > MOST_RECIPIENTS:
        raise refused("too_many_recipients", limit=MOST_RECIPIENTS)
    for one in found:
        address = (one.get("emailAddress") or {}).get("address") or ""
        if not ADDRESS.fullmatch(address):
            raise refused("unresolved_recipient", address=address)


def _check_headers(message: dict[str, Any]) -> None:
    """Refuse headers of one's own whose names don't begin with x- (Microsoft: message)."""
    for one in message.get("internetMessageHeaders") or []:
        name = one.get("name") or ""
        if not name.lower().startswith("x-"):
            raise refused("invalid_header", name=name)
