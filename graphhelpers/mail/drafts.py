"""Drafts, and a look into Sent Items (Microsoft: "Create message", "List messages")."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ..errors import MessageError
from ..registration import Registration
from ..wire import Answer, Progress
from .message import OWN_ID, Message
from .once import Receipt, needs
from .sending import got, send_mail
from .uploading import upload

if TYPE_CHECKING:
    from ..tokens import Token

SENT_ITEMS = "/v1.0/me/mailFolders/sentitems/messages"


@dataclass(frozen=True)
class Draft:
    """A message in the folder Drafts: `send_draft` sends it, or the person does in Outlook."""

    id: str = field(repr=False)
    subject: str
    recipients: tuple[str, ...]
    message: Message = field(repr=False)


def save_draft(
    app: Registration, token: "Token", message: Message, *, progress: Progress | None = None
) -> Draft:
    """Save a message, with its files, in Drafts: `POST /v1.0/me/messages`.

    Needs Mail.ReadWrite. A second call with the same Message gives the same draft. When a file
    can't be uploaded, the error says whether the draft is removed again, or left for another
    call to go on with. Raises MessageError, also for a message that was sent and for MIME;
    GraphError and NoAnswer, with the outcome "unknown" only where a send before left it so.
    """
    _check(message)
    with message._sent.lock:
        if message._sent.known():
            raise MessageError.of("sent already")
        draft_id = upload(app, token, message, progress)
    return Draft(draft_id, message.subject, message.recipients, message)


def send_draft(app: Registration, token: "Token", draft: Draft) -> Receipt:
    """Send what `save_draft` saved, once: `POST /v1.0/me/messages/{id}/send`. See send_mail."""
    return send_mail(app, token, draft.message)


def last_sent(app: Registration, token: "Token", count: int = 10) -> list[dict[str, Any]]:
    """Return the newest mails of Sent Items: subject, sentDateTime, toRecipients, id.

    Needs Mail.Read. What was just sent may not be there yet. Raises as `find_sent` does.
    """
    needs(token, "Mail.Read", "Mail.ReadWrite")
    members = "id,subject,sentDateTime,toRecipients,hasAttachments"
    query = {"$select": members, "$orderby": "sentDateTime desc", "$top": count}
    return list(got(app, token, f"{SENT_ITEMS}?{urlencode(query)}").get("value", []))


def find_sent(app: Registration, token: "Token", message: Message) -> Receipt | None:
    """Look for a message in Sent Items by its own id, which settles an "unknown".

    Found, it was sent, and `send_mail` gives the same Receipt from now on. None says nothing:
    Sent Items lags behind. Needs Mail.Read. Raises GraphError, NoAnswer, and MessageError, also
    for an EmailMessage: no document says that Exchange keeps the Message-ID of MIME.
    """
    _check(message)
    needs(token, "Mail.Read", "Mail.ReadWrite")
    ours = f"p:p/id eq '{OWN_ID}' and p/value eq '{message.id}'"
    query = {"$filter": f"singleValueExtendedProperties/any({ours})", "$select": "id"}
    with message._sent.lock:
        path = f"{SENT_ITEMS}?{urlencode(query)}"
        if message._sent.receipt is None and got(app, token, path).get("value"):
            message._sent.ends(Answer(200, {}, b""), message.recipients)
        return message._sent.receipt


def _check(message: object) -> None:
    if not isinstance(message, Message):
        raise MessageError.of("only a Message", kind=type(message).__name__)
