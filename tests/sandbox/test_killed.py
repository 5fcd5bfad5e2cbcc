"""Killed under load: every mail that was answered 202 is there once, and none that was not whole.

The sandbox is a process of its own, ended by SIGKILL while clients post, and started again on
the same home. A mail whose answer never came may be there or not, but never half or twice.
"""

import random
import threading
import time

import pytest
import requests

from graphsandbox.ready import Ready

from . import client
from .client import bearer, mail_to

CLIENTS = 4
BODY = "all of it " * 500


class Sender(threading.Thread):
    """A client that sends numbered mails until the sandbox is gone."""

    def __init__(self, sandbox, token, name):
        super().__init__()
        self.sandbox, self.token, self.name_ = sandbox, token, name
        self.answered: set[str] = set()
        self.tried: set[str] = set()

    def run(self):
        url = f"{self.sandbox.graph}/v1.0/me/sendMail"
        with client.browser() as session:
            for number in range(100_000):
                subject = f"{self.name_}-{number}"
                self.tried.add(subject)
                mail = mail_to("out@example.org", self.sandbox.user, subject=subject, body=BODY)
                try:
                    answer = session.post(url, json=mail, headers=bearer(self.token), timeout=20)
                except requests.RequestException:
                    return
                assert answer.status_code == 202
                self.answered.add(subject)


def kill_under_load(serve, http, run_name, after_s):
    """Kill a sandbox in the middle of its work, and compare its home with what it said."""
    process, line = serve()
    sandbox = Ready(**line)
    token = client.access_token(sandbox, http)
    senders = [Sender(sandbox, token, f"{run_name}-{one}") for one in range(CLIENTS)]
    for sender in senders:
        sender.start()
    time.sleep(after_s)
    process.kill()
    process.wait()
    for sender in senders:
        sender.join()

    process, line = serve()
    mails = http.get(f"{line['authority']}/_control/mailbox", timeout=30).json()
    found = [mail for mail in mails if mail["subject"].startswith(f"{run_name}-")]
    subjects = [mail["subject"] for mail in found]
    answered = set().union(*(sender.answered for sender in senders))
    tried = set().union(*(sender.tried for sender in senders))
    assert len(subjects) == len(set(subjects)), "a mail is there twice"
    assert answered <= set(subjects) <= tried
    assert all(mail["body"] == BODY and len(mail["recipients"]) == 2 for mail in found)
    for folder in ("inbox", "sentitems"):  # the copies come and go with the mail
        url = f"{line['graph']}/v1.0/me/mailFolders/{folder}"
        assert http.get(url, headers=bearer(token)).json()["totalItemCount"] == len(mails)
    process.terminate()
    process.wait()
    return len(answered)


def test_no_mail_is_lost_or_doubled_by_kill_9(serve, http):
    assert sum(kill_under_load(serve, http, name, 0.3) for name in ("one", "two")) > 0


@pytest.mark.soak
def test_no_mail_is_lost_or_doubled_by_many_kills(serve, http):
    delays = random.Random(1)
    runs = 60
    answered = sum(
        kill_under_load(serve, http, f"run{number}", delays.uniform(0.01, 1.0))
        for number in range(runs)
    )
    assert answered > runs
