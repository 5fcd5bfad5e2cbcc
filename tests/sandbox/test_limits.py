"""How much of a mailbox an app may use: 429 by `POST /_control/limits` (7.5, 7.6)."""

import threading
import time

import pytest

from tests.sandbox import client, entra
from tests.sandbox.client import bearer, mail_to
from tests.sandbox.graph import GRACE, caller, exchange


@pytest.fixture
def call(sandbox, http, token_for_all):
    """Call Graph with a token that may do everything here."""
    return caller(sandbox, http, token_for_all)


@pytest.fixture
def control(sandbox, http):
    """Post to the sandbox's control."""
    return lambda what, **body: http.post(f"{sandbox.graph}/_control/{what}", json=body)


def throttled(answer):
    """Return the seconds to wait, of the 429 as Microsoft's documents print it."""
    assert answer.status_code == 429
    error = answer.json()["error"]
    assert (error["code"], error["message"]) == ("TooManyRequests", "Please retry again later.")
    inner = error["innerError"]
    assert list(inner) == ["code", "date", "request-id", "client-request-id", "message", "status"]
    assert (inner["code"], inner["message"]) == ("429", "Please retry after")
    return int(answer.headers["Retry-After"])


def test_nothing_is_throttled_unless_asked_for(call):
    assert {call("POST", "me/sendMail", json=mail_to(GRACE)).status_code for _ in range(35)} == {
        202
    }


def test_microsofts_numbers_hold_when_switched_on(control):
    assert control("limits").json() == {
        "enabled": True, "requests": 10_000, "window_s": 600, "concurrent": 4,
        "messages_per_minute": 30, "upload_mb": 150,
        "upload_window_s": 300, "message_mb": 150,
    }  # fmt: skip


def test_a_call_too_many_is_429_until_the_window_has_passed(sandbox, http, call, control):
    control("limits", requests=3, window_s=100)
    for _ in range(3):
        assert call("GET", "me/messages").status_code == 200
    assert 99 <= throttled(call("GET", "me/mailFolders")) <= 100
    assert call("GET", "me").status_code == 200  # not of the mailbox
    entra.advance(sandbox, http, 101)
    assert call("GET", "me/messages").status_code == 200


def test_calls_that_come_too_soon_count_as_well(sandbox, http, call, control):
    control("limits", requests=2, window_s=100)
    for status in (200, 200, 429, 429):
        assert call("GET", "me/messages").status_code == status
        entra.advance(sandbox, http, 30)
    assert call("GET", "me/messages").status_code == 429
    entra.advance(sandbox, http, 101)
    assert call("GET", "me/messages").status_code == 200


def test_each_app_and_each_mailbox_has_its_own_allowance(sandbox, http, call, control):
    app = entra.register(sandbox, http)
    others = [
        client.access_token(app, http, scope="Mail.Read"),
        client.access_token(sandbox, http, scope="Mail.Read", user=GRACE),
    ]
    control("limits", requests=1)
    assert call("GET", "me/messages").status_code == 200
    assert call("GET", f"users/{sandbox.user}/messages").status_code == 429  # the same one
    for token in others:
        assert call("GET", "me/messages", token=token).status_code == 200


def test_31_mails_in_a_minute_are_one_too_many(sandbox, http, call, control):
    control("limits")
    for path in ["me/sendMail"] * 29 + ["me/microsoft.graph.sendmail"]:
        assert call("POST", path, json=mail_to(GRACE)).status_code == 202
    assert 1 <= throttled(call("POST", "me/sendMail", json=mail_to(GRACE))) <= 60
    assert call("GET", "me/messages").status_code == 200
    entra.advance(sandbox, http, 61)
    assert call("POST", "me/sendMail", json=mail_to(GRACE)).status_code == 202


def test_the_fifth_call_at_once_is_429_in_exchanges_words(sandbox, http, call, control, token):
    control("limits")
    control("faults", path="/v1.0/me/messages", delay_s=2, count=4)
    slow = [threading.Thread(target=read, args=(sandbox, token)) for _ in range(4)]
    for one in slow:
        one.start()
    words = "Application is over its MailboxConcurrency limit."
    deadline = time.monotonic() + 10
    while (answer := call("GET", "me/mailFolders")).status_code == 200:
        assert time.monotonic() < deadline
    assert exchange(answer) == (429, "ApplicationThrottled", words)
    assert answer.headers["Retry-After"] == "1"
    for one in slow:
        one.join()
    assert call("GET", "me/mailFolders").status_code == 200


def read(sandbox, token):
    with client.browser() as http:
        http.get(f"{sandbox.graph}/v1.0/me/messages", headers=bearer(token))


def test_inner_calls_of_a_batch_are_throttled_one_by_one(call, control):
    control("limits", requests=2)
    inner = [{"id": str(n), "method": "GET", "url": "/me/messages"} for n in range(3)]
    found = call("POST", "$batch", json={"requests": inner}).json()["responses"]
    assert sorted(one["status"] for one in found) == [200, 200, 429]
    assert int(found[2]["headers"]["Retry-After"]) > 0


def test_a_bad_token_is_401_also_when_calls_are_throttled(call, control):
    control("limits", requests=1)
    assert {call("GET", "me/messages", token="a.b.c").status_code for _ in range(3)} == {401}


def test_a_reset_takes_the_limits_off(call, control):
    control("limits", requests=1)
    control("reset")
    assert {call("GET", "me/messages").status_code for _ in range(3)} == {200}


@pytest.mark.parametrize(
    "body",
    [{"enabled": 1}, {"requests": 0}, {"window_s": "x"}, {"concurrent": 1.5}, {"message_mb": 151}],
)
def test_limits_that_make_no_sense_are_refused(control, body):
    assert control("limits", **body).status_code == 400


def test_uploads_are_counted_in_bytes_for_five_minutes(http, call, control):
    control("limits", upload_mb=5)
    draft = call("POST", "me/messages", json=mail_to("grace@contoso.example")["message"]).json()
    size = 3 * 1024 * 1024
    item = {"AttachmentItem": {"attachmentType": "file", "name": "x", "size": size}}
    statuses = []
    for advance_s in (0, 0, 301):
        control("clock", advance_s=advance_s)
        path = f"me/messages/{draft['id']}/attachments/createUploadSession"
        url = call("POST", path, json=item).json()["uploadUrl"]
        ranges = {"Content-Range": f"bytes 0-{size - 1}/{size}"}
        answer = http.put(url, b"x" * size, headers=ranges)
        statuses.append(answer.status_code)
        if answer.status_code == 429:
            assert 0 < int(answer.headers["Retry-After"]) <= 300
    assert statuses == [201, 429, 201]
