"""Sending: the action sendMail, and `send` on a draft (Microsoft: "user: sendMail")."""

from starlette.responses import Response

from . import attachments, compose, content, mime
from .access import message, opened
from .call import Call
from .errors import refused


async def send(call: Call) -> Response:
    """POST /me/sendMail: 202 says that the mail was taken, not that it has arrived."""
    if call.person != call.user and call.may("Mail.Send.Shared"):
        raise refused("may_not_send_as")
    mailboxes = opened(call, "Mail.Send")
    if call.content_type == "text/plain":
        draft = mime.read(await call.request.body())
    else:
        draft = compose.send_mail(await call.payload())
    content.check_sender(call.user, draft.content)
    written = content.changed(content.new(call.user), draft.content, call.user)
    mail = content.as_sent(call.user, written)
    mailboxes.accept(call.user, mail, draft.attachments, draft.save_to_sent)
    return call.accepted()


async def send_draft(call: Call) -> Response:
    """POST /me/messages/{id}/send: the draft goes out as it is, and leaves Drafts."""
    mailboxes, draft = message(call, "Mail.Send")
    if not draft.is_draft:
        raise refused("sent_already")
    compose.check_recipients(draft.content)
    content.check_sender(call.user, draft.content)
    attachments.check_room(call, draft)
    mailboxes.send(call.user, draft, content.as_sent(call.user, draft.content))
    return call.accepted()
