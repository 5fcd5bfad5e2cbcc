"""What the tests of mail share: people, a letter, and the path by which it goes."""

from graphhelpers import GraphError, Message, NoAnswer, send_mail

from .issued import trap_token
from .kit import app_at
from .trap import Trap

SEND = "/v1.0/me/sendMail"
ADA = "ada@contoso.example"
GRACE = "grace@contoso.example"
ZOE = "zoe@contoso.example"


def hello(**changes) -> Message:
    return Message(**{"subject": "Hello", "body": "Good morning", "to": ADA} | changes)


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
