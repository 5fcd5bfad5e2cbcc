"""`/_control`: mailbox, clock, register, reset, and its own refusals."""

import os

import pytest

from tests.sandbox import client
from tests.sandbox.client import bearer, mail_to


@pytest.fixture
def control(sandbox, http):
    """Call `_control`; return the answer."""

    def call(method, name, **options):
        return http.request(method, f"{sandbox.authority}/_control/{name}", **options)

    return call


def test_the_mailbox_lists_what_was_accepted_newest_first(sandbox, http, token, control):
    for subject in ("First", "Second"):
        body = mail_to("grace@contoso.example", "x@example.org", subject=subject, body="Text")
        http.post(f"{sandbox.graph}/v1.0/me/sendMail", json=body, headers=bearer(token))
    mails = control("GET", "mailbox").json()
    assert [mail["subject"] for mail in mails] == ["Second", "First"]
    assert set(mails[0]) == {"id", "subject", "recipients", "body", "attachments"}
    assert mails[0]["recipients"] == ["grace@contoso.example", "x@example.org"]
    assert (mails[0]["body"], mails[0]["attachments"]) == ("Text", [])


def test_the_clock_moves_both_ways(sandbox, http, token, control):
    def me():
        return http.get(f"{sandbox.graph}/v1.0/me", headers=bearer(token)).status_code

    assert me() == 200
    control("POST", "clock", json={"advance_s": 4000})
    assert me() == 401
    control("POST", "clock", json={"advance_s": -4000})
    assert me() == 200


@pytest.mark.parametrize("platform", ["web", "spa", "publicClient"])
def test_an_app_is_registered_with_a_secret(sandbox, control, platform):
    uri = "http://localhost:1234/app/"
    asked = {
        "display_name": "Mine",
        "redirect_uris": [uri],
        "sign_in_audience": "AzureADMyOrg",
        "platform": platform,
    }
    made = control("POST", "register", json=asked).json()
    assert set(made) == {"client_id", "client_secret", "secret_id", "tenant"}
    assert made["tenant"] == sandbox.tenant
    assert made["client_id"] != sandbox.client_id


def test_a_registered_app_can_sign_in(sandbox, http, control):
    made = control("POST", "register", json={}).json()
    code = client.sign_in(sandbox, http, client_id=made["client_id"])["code"]
    own = {name: made[name] for name in ("client_id", "client_secret")}
    assert client.redeem(sandbox, http, code, **own).ok


def test_reset_forgets_all_but_registrations_and_keys(sandbox, http, token, control):
    url = f"{sandbox.graph}/v1.0/me/sendMail"
    http.post(url, json=mail_to("a@b.c"), headers=bearer(token))
    client.sign_in(sandbox, http)
    control("POST", "clock", json={"advance_s": -50})
    control("POST", "faults", json={"path": "/v1.0/me", "status": 500})
    assert control("POST", "reset").ok
    assert control("GET", "mailbox").json() == []
    assert control("GET", "requests").json() == {}
    assert http.get(f"{sandbox.graph}/v1.0/me", headers=bearer(token)).ok
    page = http.get(client.sign_in_url(sandbox)).text  # signed in still, but asked again
    assert "Accept" in page


def test_the_control_says_which_process_answers(control):
    assert control("GET", "ready").json() == {"pid": os.getpid()}


def test_a_sandbox_without_owners_takes_none(control):
    assert control("POST", "owners", json={"pid": os.getpid()}).ok


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("faults", {}, "path must be"),
        ("faults", {"path": "v1.0"}, "path must be"),
        ("faults", {"path": "/x?y=1"}, "path must be"),
        ("faults", {"path": "/_control/faults"}, "can't be bent"),
        ("faults", {"path": "/x", "status": 99}, "status must be"),
        ("faults", {"path": "/x", "status": True}, "status must be"),
        ("faults", {"path": "/x", "status": "500"}, "status must be"),
        ("faults", {"path": "/x", "deliver": "yes"}, "deliver must be"),
        ("faults", {"path": "/x", "deliver": 1}, "deliver must be"),
        ("faults", {"path": "/x", "delay_s": -1}, "delay_s must be"),
        ("faults", {"path": "/x", "drop_after": 1.5}, "drop_after must be"),
        ("faults", {"path": "/x", "retry_after": "a\r\nb"}, "retry_after must be"),
        ("faults", {"path": "/x", "count": 0}, "count must be"),
        ("faults", {"path": "/x", "staus": 500}, "Unknown: staus."),
        ("clock", {}, "advance_s must be"),
        ("clock", {"advance_s": "1"}, "advance_s must be"),
        ("clock", {"advance_s": 4e9}, "advance_s must be"),
        ("clock", {"advance_s": -4e9}, "advance_s must be"),
        ("register", {"display_name": ""}, "display_name must be"),
        ("register", {"platform": "ios"}, "platform must be"),
        ("register", {"sign_in_audience": "all"}, "sign_in_audience must be"),
        ("register", {"redirect_uris": "http://localhost"}, "redirect_uris must be"),
        ("register", {"redirect_uris": ["/relative"]}, "not an absolute URI"),
        ("register", {"redirect_uris": ["http://localhost/#x"]}, "not an absolute URI"),
        ("register", {"redirect_uris": ["http://["]}, "not an absolute URI"),
        ("register", {"permissions": "User.Read"}, "permissions must be"),
        ("register", {"permissions": ["Made.Up"]}, "permissions must be"),
        ("register", {"permissions": [["User.Read"]]}, "permissions must be"),
        ("register", {"disabled": 1}, "disabled must be"),
        ("owners", {"pid": "1"}, "pid must be"),
        ("reset", [], "must be a JSON object"),
    ],
)
def test_a_senseless_request_is_told_why(control, name, body, words):
    answer = control("POST", name, json=body)
    assert answer.status_code == 400
    assert words in answer.json()["error"]


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
def test_only_json_is_read(control, content_type):
    headers = {"Content-Type": content_type}
    answer = control("POST", "clock", data='{"advance_s": 1}', headers=headers)
    assert answer.status_code == 400
    assert "application/json" in answer.json()["error"]


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000, b'{"advance_s": NaN}'])
def test_broken_json_is_400(control, body):
    answer = control("POST", "clock", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
