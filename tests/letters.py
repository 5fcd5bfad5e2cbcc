"""What the tests of mail share: people, a letter, and the path by which it goes."""

from email.message import EmailMessage

from graphhelpers import GraphError, Message, NoAnswer, send_mail

from .issued import trap_token
from .kit import app_at, mails
from .trap import Trap

SEND, BATCH = "/v1.0/me/sendMail", "/v1.0/$batch"
ADA = "ada@contoso.example"
GRACE = "grace@contoso.example"
ZOE = "zoe@contoso.example"


def hello(**changes) -> Message:
    return Message(**{"subject": "Hello", "body": "Good morning", "to": ADA} | changes)


def letters(count: int, **changes) -> list[Message]:
    return [hello(subject=f"mail {number}", **changes) for number in range(count)]


def mimes(count: int) -> list[EmailMessage]:
    made = []
    for number in range(count):
        made.append(EmailMessage())
        made[-1]["To"], made[-1]["Subject"] = ADA, f"mime {number}"
        made[-1].set_content("x")
    return made


def said(outcomes) -> list[str]:
    """Return the word of each outcome."""
    return [one.outcome for one in outcomes]


def arrived(sandbox) -> list[str]:
    return sorted(mail["subject"] for mail in mails(sandbox))


def addresses(recipients) -> list[str]:
    return [one["emailAddress"]["address"] for one in recipients]


def sent_to(*script):
    """Send a mail twice to a trap; return what each call gave, and how many requests came."""
    message, got = hello(), []
    with Trap(*script) as trap:
        app = app_at(trap)
        for _ in range(2):
            try:
                got.append(send_mail(app, trap_token(), message))
            except (GraphError, NoAnswer) as error:
                got.append(error)
        return *got, len(trap.requests)
