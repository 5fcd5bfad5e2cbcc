"""Mail that Python's own `email` package built: it goes as it is (Microsoft: "Send mail")."""

import re
from base64 import b64encode
from email.message import EmailMessage
from email.utils import getaddresses
from hashlib import sha256
from typing import Any
from weakref import WeakKeyDictionary

from ..errors import MessageError
from .attachment import check_text
from .message import LARGEST_REQUEST, MOST_RECIPIENTS, Message
from .once import Sent

HEADER_END = re.compile("[\r\n\0]")  # what would begin another header; a tab may fold one

# Of each EmailMessage by its content: one that was changed is another mail.
_mimes: WeakKeyDictionary[EmailMessage, dict[bytes, Sent]] = WeakKeyDictionary()


def prepared(message: Message | EmailMessage) -> tuple[Sent, tuple[str, ...], Any]:
    """Return what is known of a message, whom it is for, and of MIME the content.

    Raises MessageError for what is no message, or can't be written as one.
    """
    if isinstance(message, Message):
        return message._sent, message.recipients, {}
    if not isinstance(message, EmailMessage):
        raise MessageError.of("no message", kind=type(message).__name__)
    for name, value in message.items():
        check_text(name, str(value), HEADER_END)
    fields = [str(value) for name in ("To", "Cc", "Bcc") for value in message.get_all(name, [])]
    recipients = tuple(dict.fromkeys(address for _, address in getaddresses(fields) if address))
    if not 0 < len(recipients) <= MOST_RECIPIENTS:
        raise MessageError.of("recipients", count=len(recipients))
    from email.policy import SMTP  # here, since what it imports takes a while

    try:
        content = b64encode(message.as_bytes(policy=SMTP))
    except Exception as error:  # that package stumbles in many ways: over a charset, a payload, …
        raise MessageError.of("mime", kind=type(error).__name__) from None
    if len(content) > LARGEST_REQUEST:
        raise MessageError.of("message size", size=len(content))
    known = _mimes.setdefault(message, {})
    return known.setdefault(sha256(content).digest(), Sent()), recipients, content
