"""Task 5: compose a message and send it as the signed-in person, once.

Read `message`, `once` and `sending` first: they are the article's mail. `uploading` brings files
of up to 150 MB, and `many` sends twenty mails with one request.
"""

from .many import Outcome, Outcomes, send_many
from .message import BETWEEN_COMMAS, Attachment, Message
from .once import Receipt
from .sending import find_sent, last_sent, send_draft, send_mail, whoami
from .uploading import Draft, save_draft

__all__ = [
    "BETWEEN_COMMAS", "Attachment", "Draft", "Message", "Outcome", "Outcomes", "Receipt",
    "find_sent", "last_sent", "save_draft", "send_draft", "send_mail", "send_many", "whoami",
]  # fmt: skip
