"""Task 5: compose a message and send it as the signed-in person, once.

Read `message`, `once` and `sending` first: they are the article's mail. For more there are
`attachment` and `uploading`, files of up to 150 MB; `mime`, mail of Python's own; `drafts`, with
a look into Sent Items; and `many`, which sends twenty mails with one request.
"""

from .attachment import Attachment
from .drafts import Draft, find_sent, last_sent, save_draft, send_draft
from .many import Outcome, Outcomes, send_many
from .message import BETWEEN_COMMAS, Message
from .once import Receipt
from .sending import send_mail, whoami

__all__ = [
    "BETWEEN_COMMAS", "Attachment", "Draft", "Message", "Outcome", "Outcomes", "Receipt",
    "find_sent", "last_sent", "save_draft", "send_draft", "send_mail", "send_many", "whoami",
]  # fmt: skip
