"""What the tests of mail share: people, a letter, and the path by which it goes."""

from graphhelpers import Message

SEND = "/v1.0/me/sendMail"
ADA = "ada@contoso.example"
GRACE = "grace@contoso.example"
ZOE = "zoe@contoso.example"


def hello(**changes) -> Message:
    return Message(**{"subject": "Hello", "body": "Good morning", "to": ADA} | changes)


def addresses(recipients) -> list[str]:
    return [one["emailAddress"]["address"] for one in recipients]
