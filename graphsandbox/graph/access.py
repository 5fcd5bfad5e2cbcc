"""Which mailbox a call opens, and the message in it that its address names."""

from ..mailboxes import Mailboxes
from ..message import Message
from .call import Call
from .errors import refused

WRITE = ("Mail.ReadWrite",)
READ_BODY = ("Mail.Read", *WRITE)
READ = (*READ_BODY, "Mail.ReadBasic")


def opened(call: Call, *scopes: str) -> Mailboxes:
    """Return the mailboxes, when the token lets this call use the mailbox of the address.

    That is one's own: nobody has shared a mailbox in the sandbox.
    """
    if not call.may(*scopes) or call.person != call.user:
        raise refused("access_denied")
    if not call.person.has_mailbox:
        raise refused("no_mailbox")
    mailboxes: Mailboxes = call.request.app.state.mailboxes
    return mailboxes


def message(call: Call, *scopes: str) -> tuple[Mailboxes, Message]:
    """Return the mailboxes and the message that the address names."""
    mailboxes = opened(call, *scopes)
    found = mailboxes.message(call.request.path_params["id"], owner=call.person.oid)
    if found is None:
        raise refused("item_not_found")
    return mailboxes, found
