"""A kernel that is used for days: what a thousand sign-ins and mails leave behind."""

import threading

import psutil
import pytest

import graphsandbox
from graphhelpers import Message, exchange_code, send_mail, start_sign_in, verify_id_token
from tests.kit import app_of, code_of
from tests.letters import ADA

WARM = 50  # turns until what is loaded once is loaded


@pytest.mark.soak
def test_a_thousand_sign_ins_and_mails_leave_nothing_behind():
    app, me = app_of(graphsandbox.connect()), psutil.Process()  # the sandbox is another process
    for turn in range(1_000):
        attempt = start_sign_in(app)
        token = exchange_code(app, attempt, code_of(app, attempt))
        assert verify_id_token(app, attempt, token)["nonce"] == attempt.nonce
        assert send_mail(app, token, Message(f"mail {turn}", "x" * 1_000, ADA)).outcome == "sent"
        if turn == WARM:
            before = threading.active_count(), me.num_fds()
            rss = me.memory_info().rss
    assert (threading.active_count(), me.num_fds()) == before
    grown = me.memory_info().rss - rss  # bytes, the thousand exchanges of the wire log among them
    print(f"memory: + {grown / 2**20:.1f} MB")
    assert grown <= 10 * 2**20
