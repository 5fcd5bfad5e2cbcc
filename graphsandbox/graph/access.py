"""Which mailbox a call opens, and the message in it that its address names."""

from ..mailboxes import Mailboxes
from ..message import Message
from .call import Call
from .errors import GraphError

WRITE = ("Mail.ReadWrite",)
READ_BODY = ("Mail.Read", *WRITE)
READ = (*READ_BODY, "Mail.ReadBasic")


def opened(call: Call, *scopes: str) -> Mailboxes:
    """Return the mailboxes, when the token lets this call use the mailbox of the address.

    That is one's own: nobody has shared a mailbox in the sandbox.
    """
    if not call.may(*scopes) or call.person != call.user:
        raise denied()
    if not call.person.has_mailbox:
        text = "REST API is not yet supported for this mailbox."
        raise GraphError(404, "MailboxNotEnabledForRESTAPI", text)
    return call.request.app.state.mailboxes


def message(call: Call, *scopes: str) -> tuple[Mailboxes, Message]:
    """Return the mailboxes and the message that the address names."""
    mailboxes = opened(call, *scopes)
    found = mailboxes.message(call.request.path_params["id"], owner=call.person.oid)
    if found is None:
        raise not_found()
    return mailboxes, found


def denied() -> GraphError:
    """Return the refusal of a call that the token doesn't allow."""
    text = "Access is denied. Check credentials and try again."
    return GraphError(403, "ErrorAccessDenied", text)


def not_found() -> GraphError:
    """Return the refusal of an id that leads nowhere."""
    text = "The specified object was not found in the store."
    return GraphError(404, "ErrorItemNotFound", text)
