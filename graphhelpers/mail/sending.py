"""Send a mail, at most once (Microsoft: "user: sendMail", "message: send")."""

from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

from ..errors import GraphError, NoAnswer
from ..registration import Registration
from ..wire import Progress, call_graph
from .message import Message
from .mime import prepared
from .once import Receipt, refused
from .uploading import MESSAGES, upload

if TYPE_CHECKING:
    from ..tokens import Token

SEND = "/v1.0/me/sendMail"


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
    Mail.ReadWrite. After an upload that broke off, or was interrupted, the same call goes on with
    it. An EmailMessage goes as it is, in MIME. A second call with the same message gives the same
    Receipt, or raises the same "unknown", unless `again=True`. `progress` is called with (done,
    total, note), of an upload in bytes.

    Raises GraphError when Graph says no, NoAnswer when its answer is lost, and MessageError for
    what can't be sent; each tells by `.outcome` whether the mail is "not sent" or "unknown".
    """
    sent, recipients, content = prepared(message)
    with sent.lock:
        if receipt := sent.known(again):
            return receipt
        if again and sent.draft:
            path = f"{MESSAGES}/{sent.draft.id}?$select=isDraft"
            asked = call_graph(app.cloud, "GET", path, token.access_token)
            if asked.status == 404 or (asked.json or {}).get("isDraft") is False:
                sent.draft = None  # it was sent, or deleted by hand
        path, bearer = SEND, token.access_token
        if isinstance(message, Message):
            if sent.draft or message.is_large:
                draft_id = upload(app, token, message, progress)
                path, content = f"{MESSAGES}/{draft_id}/send", b""
            else:
                content = message.as_json()
        try:
            answer = call_graph(app.cloud, "POST", path, bearer, content, progress, sent.under_way)
            return sent.ends(answer, recipients)
        except (GraphError, NoAnswer) as error:
            raise sent.fails(error) from None


def got(app: Registration, token: "Token", path: str) -> dict[str, Any]:
    """Return the JSON at a path of Graph; raises GraphError when there is none."""
    answer = call_graph(app.cloud, "GET", path, token.access_token)
    if answer.status != 200 or answer.json is None:
        raise refused(answer)
    return answer.json
