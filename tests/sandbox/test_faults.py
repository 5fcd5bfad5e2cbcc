"""The fault switch, and the counter of requests (design: `POST /_control/faults`)."""

import time

import pytest
import requests

import graphsandbox
from tests.sandbox import client, raw
from tests.sandbox.client import bearer, mail_to
from tests.sandbox.entra import token_request
from tests.sandbox.refusal import Row, assert_refused, request_id

TRANSIENT = "A transient error has occurred. Please try again."
SEND = "/v1.0/me/sendMail"


@pytest.fixture
def bend(sandbox, http):
    """Set a fault."""

    def post(path=SEND, **fault):
        answer = http.post(f"{sandbox.authority}/_control/faults", json={"path": path, **fault})
        assert answer.ok, answer.text

    return post


@pytest.fixture
def send(sandbox, http, token):
    """Send a mail; return the answer."""

    def post(subject="Hello", **options):
        body = mail_to("out@example.org", subject=subject)
        url = sandbox.graph + options.pop("path", SEND)
        return http.post(url, json=body, headers=bearer(token), **options)

    return post


@pytest.fixture
def subjects(sandbox, http):
    """Return the subjects of every mail the sandbox took, newest first."""
    return lambda: [
        mail["subject"] for mail in http.get(f"{sandbox.authority}/_control/mailbox").json()
    ]


def test_a_fault_bends_one_answer_and_says_so(bend, send, subjects):
    bend(status=504)
    answer = send()
    assert (answer.status_code, answer.headers["x-graphsandbox-fault"]) == (504, "504")
    assert {"code", "message", "innerError"} == set(answer.json()["error"])
    assert subjects() == []
    after = send()
    assert after.status_code == 202 and "x-graphsandbox-fault" not in after.headers


def test_with_deliver_the_work_is_done_first(bend, send, subjects):
    bend(status=504, deliver=True)
    assert send("Taken").status_code == 504
    assert subjects() == ["Taken"]


@pytest.mark.parametrize("status", [200, 202, 204])
def test_a_good_status_can_be_a_lie(bend, send, subjects, status):
    bend(status=status)
    answer = send()
    assert (answer.status_code, answer.content) == (status, b"")
    assert subjects() == []


def test_count_bends_as_many(bend, send):
    bend(status=503, count=2)
    assert [send().status_code for _ in range(3)] == [503, 503, 202]


def test_faults_on_one_path_queue_in_order_and_others_wait_for_theirs(bend, send):
    bend(status=500)
    bend("/beta/me/sendMail", status=501)
    bend(status=502, count=2)
    assert [send().status_code for _ in range(3)] == [500, 502, 502]
    assert send(path="/beta/me/sendMail").status_code == 501


def test_an_action_is_meant_in_any_letter_case(bend, send):
    bend("/v1.0/me/sendmail", status=503)
    assert send().status_code == 503


def test_throttling_looks_like_graphs(bend, send):
    bend(status=429, retry_after=2.128)
    answer = send()
    assert answer.headers["Retry-After"] == "2.128"
    error = answer.json()["error"]
    assert (error["code"], error["message"]) == ("TooManyRequests", "Please retry again later.")
    assert error["innerError"]["code"] == error["innerError"]["status"] == "429"


def test_a_retry_after_may_be_a_date(bend, send):
    bend(status=503, retry_after="Wed, 21 Oct 2026 07:28:00 GMT")
    assert send().headers["Retry-After"] == "Wed, 21 Oct 2026 07:28:00 GMT"


def test_an_ordinary_answer_can_be_late(bend, send, subjects):
    bend(delay_s=0.3)
    start = time.monotonic()
    assert send().status_code == 202
    assert time.monotonic() - start >= 0.3
    assert subjects() == ["Hello"]


def test_a_late_answer_holds_nobody_else_up(bend, send, subjects, sandbox, http):
    bend(delay_s=1.6)
    with pytest.raises(requests.ReadTimeout):
        send("Late", timeout=0.2)
    start = time.monotonic()
    assert subjects() == ["Late"]
    assert time.monotonic() - start < 1.3


@pytest.mark.parametrize(
    "fault", [{}, {"status": 503}, {"status": 503, "deliver": True}, {"drop_after": 9}], ids=str
)
def test_a_late_answer_ends_with_the_client_that_gave_up(fault, http, capfd):
    began = time.monotonic()
    with graphsandbox.running() as sandbox:
        token = client.access_token(sandbox, http)
        sandbox.fail_next(SEND, delay_s=5, **fault)
        mail = mail_to("out@example.org")
        with pytest.raises(requests.ReadTimeout):
            requests.post(sandbox.graph + SEND, json=mail, headers=bearer(token), timeout=0.3)
        assert len(sandbox.mails()) == ("status" not in fault or "deliver" in fault)
        stops = time.monotonic()
    assert time.monotonic() - stops < 0.9
    assert time.monotonic() - began < 5
    assert capfd.readouterr().err == ""


def test_a_late_answer_in_a_batch_is_waited_for(bend, sandbox, http, token, subjects):
    call = {
        "method": "POST",
        "url": "/me/sendMail",
        "headers": {"Content-Type": "application/json"},
    }
    asked = [{"id": name, "body": mail_to("out@example.org"), **call} for name in "12"]
    bend(delay_s=0.3), bend(delay_s=0.3, status=503)
    start, url = time.monotonic(), f"{sandbox.graph}/v1.0/$batch"
    answer = http.post(url, json={"requests": asked}, headers=bearer(token)).json()
    assert time.monotonic() - start >= 0.6
    assert [one["status"] for one in answer["responses"]] == [202, 503]
    assert len(subjects()) == 1


def test_an_answer_can_be_lost_altogether(bend, send, subjects):
    bend(drop_after=0)
    with pytest.raises(requests.ConnectionError):
        send("Lost")
    assert subjects() == ["Lost"]


@pytest.mark.parametrize("length", [1, 12, 100, 300])
def test_an_answer_is_cut_after_so_many_bytes(bend, sandbox, token, length):
    bend("/v1.0/me", drop_after=length)
    lines = ["Host: localhost", f"Authorization: Bearer {token}"]
    cut = raw.send(sandbox, raw.head("GET", "/v1.0/me", *lines))
    assert len(cut) == length
    assert cut == b"HTTP/1.1 200 OK\r\n"[:length] or cut.startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_cut_in_the_body_leaves_a_whole_head(bend, sandbox, http, token):
    bend("/v1.0/me", drop_after=600)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        http.get(f"{sandbox.graph}/v1.0/me", headers=bearer(token))


def test_a_bad_answer_can_be_cut_too(bend, send, subjects):
    bend(status=504, deliver=True, drop_after=10)
    with pytest.raises(requests.ConnectionError):
        send("Both")
    assert subjects() == ["Both"]


def test_what_still_waits_can_be_cancelled(bend, send, sandbox, http):
    bend(status=500, count=3)
    assert send().status_code == 500
    assert http.delete(f"{sandbox.authority}/_control/faults").json() == {"cancelled": 2}
    assert send().status_code == 202


@pytest.mark.parametrize("tenant", ["common", "organizations"])
def test_tenant_stands_for_any_tenant(bend, sandbox, http, tenant):
    bend("/{tenant}/oauth2/v2.0/token", status=503, retry_after=1)
    answer = http.post(f"{sandbox.authority}/{tenant}/oauth2/v2.0/token")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


@pytest.mark.parametrize(
    ("status", "row"),
    {
        429: ("temporarily_unavailable", "AADSTS90055: There are too many incoming requests."),
        503: ("temporarily_unavailable", f"AADSTS90033: {TRANSIENT}"),
        500: ("server_error", f"AADSTS50033: {TRANSIENT}"),
        504: ("server_error", f"AADSTS50033: {TRANSIENT}"),
    }.items(),
)
def test_the_token_endpoint_is_in_trouble_as_at_microsoft(bend, sandbox, http, status, row):
    bend("/common/oauth2/v2.0/token", status=status)
    sent = request_id(http)
    answer = token_request(sandbox, http)
    assert_refused(answer, Row(*row, status), sandbox, sent)


def test_a_named_tenant_stands_for_itself(bend, sandbox, http):
    bend("/common/oauth2/token", status=500)
    assert http.post(f"{sandbox.authority}/organizations/oauth2/token").status_code == 400
    answer = http.post(f"{sandbox.authority}/common/oauth2/token")
    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")


def test_a_delivered_code_is_spent_though_the_answer_was_bad(bend, sandbox, http):
    code = client.sign_in(sandbox, http)["code"]
    bend("/{tenant}/oauth2/v2.0/token", status=502, deliver=True)
    assert client.redeem(sandbox, http, code).status_code == 502
    assert client.redeem(sandbox, http, code).json()["error"] == "invalid_grant"


def test_pages_can_be_bent_too(bend, sandbox, http):
    bend("/portal", status=500)
    assert http.get(sandbox.portal).status_code == 500


def test_every_path_is_counted_with_its_tenant_left_open(sandbox, http, send):
    send(), send()
    for tenant in ("common", "consumers"):
        http.get(f"{sandbox.authority}/{tenant}/v2.0/.well-known/openid-configuration")
    counted = http.get(f"{sandbox.authority}/_control/requests").json()
    assert counted[SEND] == 2
    assert counted["/{tenant}/v2.0/.well-known/openid-configuration"] == 2
    assert not [path for path in counted if path.startswith("/_control")]


def test_what_the_gate_turns_away_is_not_counted(sandbox, http):
    http.get(f"{sandbox.authority}/portal", headers={"Host": "evil.example"})
    assert http.get(f"{sandbox.authority}/_control/requests").json() == {}


def test_the_counter_stays_small_whatever_is_asked_for(sandbox, http):
    for number in range(1100):
        http.get(f"{sandbox.authority}/{number}")
    counted = http.get(f"{sandbox.authority}/_control/requests").json()
    assert len(counted) <= 1001 and sum(counted.values()) == 1100


def test_an_id_in_a_path_stands_for_any(bend, sandbox, http, token):
    bend("/v1.0/me/messages/{id}/send", status=503)
    send = f"{sandbox.graph}/v1.0/me/messages/AAMkAD-_=x/send"
    other = f"{sandbox.graph}/v1.0/me/messages/AAMkAD/x/send"
    assert http.post(other, headers=bearer(token), data=b"").status_code != 503
    assert http.post(send, headers=bearer(token), data=b"").status_code == 503
    assert http.post(send, headers=bearer(token), data=b"").status_code == 404
