"""Send a mail, at most once (Microsoft: "user: sendMail", "message: send")."""

from base64 import b64encode
from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import getaddresses
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ..errors import GraphError, MessageError, NoAnswer
from ..registration import Registration
from ..wire import Progress, call_graph
from .attachment import check_text
from .message import LARGEST_REQUEST, MOST_RECIPIENTS, Message
from .once import Receipt, Sent, refused
from .uploading import upload

if TYPE_CHECKING:
    from ..tokens import Token

SEND = "/v1.0/me/sendMail"

# Of each EmailMessage by its content: one that was changed is another mail.
_mimes: WeakKeyDictionary[EmailMessage, dict[bytes, Sent]] = WeakKeyDictionary()


def whoami(app: Registration, token: "Token") -> dict[str, Any]:
    """Return the signed-in person's profile: `GET /v1.0/me`. Raises GraphError, NoAnswer."""
    return got(app, token, "/v1.0/me")


def send_mail(
    app: Registration,
    token: "Token",
    message: Message | EmailMessage,
    *,
    again: bool = False,
    progress: Progress | None = None,
) -> Receipt:
    """Send a message as the signed-in person: `POST /v1.0/me/sendMail`.

    With 3 MB of attachments or more it becomes a draft, to which they are uploaded; this needs
    Mail.ReadWrite. An EmailMessage goes as it is, in MIME. A second call with the same message
    gives the same Receipt, or raises the same "unknown", unless `again=True`. `progress` is
    called with (done, total, note), of an upload in bytes.

    Raises GraphError when Graph says no, NoAnswer when its answer is lost, and MessageError for
    what can't be sent; each tells by `.outcome` whether the mail is "not sent" or "unknown".
    """
    sent, recipients, content = _prepared(message)
    subject = str(message["Subject"]) if isinstance(message, EmailMessage) else message.subject
    with sent.lock:
        if receipt := sent.known(again):
            return receipt
        path = SEND
        if isinstance(message, Message):
            sent.draft_id = None if again else sent.draft_id
            if sent.draft_id or message.is_large:
                sent.draft_id = sent.draft_id or upload(app, token, message, progress)
                path, content = f"/v1.0/me/messages/{sent.draft_id}/send", b""
            else:
                content = message.as_json()
        sent.under_way = True
        try:
            answer = call_graph(app.cloud, "POST", path, token.access_token, content, progress)
            return sent.ends(answer, recipients)
        except (GraphError, NoAnswer) as error:
            sent.fails(error, subject)
            raise


def _prepared(
    message: Message | EmailMessage,
) -> tuple[Sent, tuple[str, ...], bytes | Mapping[str, Any]]:
    """Return what is known of a message, whom it is for, and of MIME the content."""
    if isinstance(message, Message):
        return message._sent, message.recipients, {}
    if not isinstance(message, EmailMessage):
        raise MessageError.of("no message", kind=type(message).__name__)
    for name, value in message.items():
        check_text(name, str(value))
    fields = [str(value) for name in ("To", "Cc", "Bcc") for value in message.get_all(name, [])]
    recipients = tuple(dict.fromkeys(address for _, address in getaddresses(fields) if address))
    if not 0 < len(recipients) <= MOST_RECIPIENTS:
        raise MessageError.of("recipients", count=len(recipients))
    try:
        content = b64encode(message.as_bytes(policy=SMTP))
    except (ValueError, LookupError, TypeError) as error:  # such as an unknown charset
        raise MessageError.of("mime", kind=type(error).__name__) from None
    if len(content) > LARGEST_REQUEST:
        raise MessageError.of("message size", size=len(content))
    known = _mimes.setdefault(message, {})
    return known.setdefault(sha256(content).digest(), Sent()), recipients, content


def got(app: Registration, token: "Token", path: str) -> dict[str, Any]:
    """Return the JSON at a path of Graph; raises GraphError when there is none."""
    answer = call_graph(app.cloud, "GET", path, token.access_token)
    if answer.status != 200 or answer.json is None:
        raise refused(answer)
    return answer.json
