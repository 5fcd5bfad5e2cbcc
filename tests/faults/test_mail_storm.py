"""Many mails under every kind of fault: each is told truly, none is lost in silence or doubled."""

from collections import Counter

import pytest

from graphhelpers import GraphError, Message, NoAnswer, send_mail
from tests.kit import app_at, asked, bend, mails
from tests.letters import ADA, SEND
from tests.trap import Trap

# What the sandbox does, what the kit must say of it, and how many mails it makes.
FAULTS = [
    ({}, "sent", 1),
    ({"status": 504, "deliver": True}, "unknown", 1),
    ({"status": 504}, "unknown", 0),
    ({"status": 500}, "unknown", 0),
    ({"status": 503, "deliver": True, "retry_after": 0.01}, "unknown", 1),
    ({"status": 429, "retry_after": 0.02}, "sent", 1),
    ({"drop_after": 0}, "unknown", 1),
    ({"status": 500, "drop_after": 0}, "unknown", 0),
    ({"drop_after": 11}, "unknown", 1),
    ({"delay_s": 0.02}, "sent", 1),
    (None, "not sent", 0),  # nobody listens
]


def outcome_of(app, token, message) -> str:
    try:
        return send_mail(app, token, message).outcome
    except (GraphError, NoAnswer) as error:
        return error.outcome


def storm(app, sandbox, token, count: int) -> None:
    with Trap(b"") as trap:
        nowhere = app_at(trap)  # nobody listens there any more when the mails are sent
    truth = {}
    for number in range(count):
        fault, said, made = FAULTS[number % len(FAULTS)]
        if fault:
            bend(sandbox, SEND, **fault)
        message = Message(f"mail {number}", "", ADA)
        outcome = outcome_of(app if fault is not None else nowhere, token, message)
        assert outcome == said, f"{fault}: {outcome}"
        truth[message.subject] = made
        if outcome != "not sent":  # a second call asks nobody
            before = asked(sandbox, SEND)
            assert outcome_of(app, token, message) == outcome and asked(sandbox, SEND) == before
    arrived = Counter(mail["subject"] for mail in mails(sandbox))
    assert arrived == Counter(truth)  # no duplicate, and nothing "sent" that isn't there


@pytest.mark.case("F135", "F137", "F138", "F139", "F142", "N50", "N70")
def test_of_forty_mails_under_fault_none_is_doubled_and_none_is_lost(app, sandbox, token):
    storm(app, sandbox, token, 44)


@pytest.mark.soak
@pytest.mark.case("F135", "F137", "F138", "F139", "F142", "N50", "N70")
def test_of_a_thousand_mails_under_fault_none_is_doubled_and_none_is_lost(app, sandbox, token):
    storm(app, sandbox, token, 1_000)
