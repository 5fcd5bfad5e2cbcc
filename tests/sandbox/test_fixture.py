"""What the pytest fixture `graph_sandbox` gives to other people's tests."""

import os
import subprocess
import sys
import time
from urllib.parse import urlencode

import pytest
import requests

from .client import bearer, mail_to
from .entra import CHALLENGE, VERIFIER

REDIRECT_URI = "http://localhost:8000/connect/get_token/"
SEND = "/v1.0/me/sendMail"


def link(sandbox, **changes):
    asked = {
        "client_id": sandbox.client_id,
        "response_type": "code",
        "redirect_uri": REDIRECT_URI,
        "scope": "User.Read Mail.Send",
        "state": "abc",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    asked = {name: value for name, value in (asked | changes).items() if value is not None}
    return f"{sandbox.authority}/{sandbox.tenant}/oauth2/v2.0/authorize?{urlencode(asked)}"


def redeem(sandbox, fields, **changes):
    asked = {
        "grant_type": "authorization_code",
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
        "code": fields["code"],
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
    }
    url = f"{sandbox.authority}/{sandbox.tenant}/oauth2/v2.0/token"
    return requests.post(url, data=asked | changes, timeout=5)


def token(sandbox, **changes):
    return redeem(sandbox, sandbox.sign_in(link(sandbox, **changes))).json()["access_token"]


def send(sandbox, access_token):
    url, mail = sandbox.graph + SEND, mail_to("out@example.org", subject="Hello")
    return requests.post(url, json=mail, headers=bearer(access_token), timeout=5)


PROXY = "http://127.0.0.1:9"  # nobody is there
LOOPBACK = "localhost,127.0.0.1,::1"


@pytest.fixture(params=["HTTP_PROXY", "http_proxy"])
def proxied(request, monkeypatch):
    """The environment of a company's machine; return what sets its exceptions."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(request.param, PROXY)
    monkeypatch.setenv(request.param.replace("http", "https").replace("HTTP", "HTTPS"), PROXY)
    return lambda **values: [monkeypatch.setenv(*one) for one in values.items()]


@pytest.mark.parametrize("mode", ["query", "fragment", "form_post"])
def test_sign_in_brings_code_and_state_in_every_response_mode(graph_sandbox, mode):
    fields = graph_sandbox.sign_in(link(graph_sandbox, response_mode=mode))
    assert fields["state"] == "abc" and redeem(graph_sandbox, fields).ok


def test_sign_in_picks_the_account_it_is_told(graph_sandbox):
    access_token = redeem(
        graph_sandbox, graph_sandbox.sign_in(link(graph_sandbox), user="grace@contoso.example")
    ).json()["access_token"]
    url = f"{graph_sandbox.graph}/v1.0/me"
    me = requests.get(url, headers=bearer(access_token), timeout=5).json()
    assert me["userPrincipalName"] == "grace@contoso.example"


def test_sign_in_brings_the_error_when_the_person_says_no(graph_sandbox):
    declined = graph_sandbox.sign_in(link(graph_sandbox), decline=True)
    cancelled = graph_sandbox.sign_in(link(graph_sandbox), cancel=True)
    assert declined["error"] == "access_denied" and "65004" in declined["error_description"]
    assert cancelled == {"error": "access_denied", "error_subcode": "cancel", "state": "abc"}


def test_sign_in_names_the_accounts_when_it_knows_none_of_that_name(graph_sandbox):
    with pytest.raises(RuntimeError, match="no account nobody@.*it offers ada@contoso.example"):
        graph_sandbox.sign_in(link(graph_sandbox), user="nobody@contoso.example")


def test_sign_in_says_what_the_error_page_says(graph_sandbox):
    with pytest.raises(RuntimeError, match="AADSTS50011: The redirect URI"):
        graph_sandbox.sign_in(link(graph_sandbox, redirect_uri="http://localhost:8000/other"))


@pytest.fixture
def device(graph_sandbox):
    """Ask for a device code; return its page, and what asks for the token."""
    app = {"client_id": graph_sandbox.register(platform="publicClient").client_id}
    base = f"{graph_sandbox.authority}/{graph_sandbox.tenant}/oauth2/v2.0"
    flow = requests.post(f"{base}/devicecode", {**app, "scope": "User.Read"}, timeout=5).json()
    kind = "urn:ietf:params:oauth:grant-type:device_code"
    asked = {**app, "grant_type": kind, "device_code": flow["device_code"]}
    page = f"{flow['verification_uri']}?otc={flow['user_code']}"
    return page, lambda: requests.post(f"{base}/token", asked, timeout=5).json()


def test_sign_in_goes_through_the_page_of_a_device_code(graph_sandbox, device):
    page, token = device
    assert token()["error"] == "authorization_pending"
    assert graph_sandbox.sign_in(page, user="grace@contoso.example") == {}
    me = f"{graph_sandbox.graph}/v1.0/me"
    answer = requests.get(me, headers=bearer(token()["access_token"]), timeout=5)
    assert answer.json()["givenName"] == "Grace"


@pytest.mark.parametrize("no", ["decline", "cancel"])
def test_sign_in_tells_what_a_device_is_told_when_the_person_says_no(graph_sandbox, device, no):
    page, token = device
    told = graph_sandbox.sign_in(page, **{no: True})
    assert told == {"error": "authorization_declined"} == {"error": token()["error"]}


def test_a_device_code_that_nobody_waits_for_is_a_dead_end(graph_sandbox, device):
    page, _ = device
    with pytest.raises(RuntimeError, match="That code didn't work"):
        graph_sandbox.sign_in(f"{page}X")
    assert graph_sandbox.sign_in(page) == {}
    with pytest.raises(RuntimeError, match="That code didn't work"):
        graph_sandbox.sign_in(page)
    with pytest.raises(RuntimeError, match="Enter code to allow access"):
        graph_sandbox.sign_in(page.partition("?")[0])


def test_sign_in_never_leaves_this_machine(graph_sandbox):
    with pytest.raises(RuntimeError, match="away from this machine"):
        graph_sandbox.sign_in("https://login.example/common/oauth2/v2.0/authorize")


def test_fail_next_bends_the_next_answers_and_no_more(graph_sandbox):
    access_token = token(graph_sandbox)
    graph_sandbox.fail_next(SEND, status=429, retry_after=1, count=2)
    answers = [send(graph_sandbox, access_token) for _ in range(3)]
    assert [one.status_code for one in answers] == [429, 429, 202]
    assert answers[0].headers["Retry-After"] == "1"
    assert len(graph_sandbox.mails()) == 1
    assert graph_sandbox.requests_seen()[SEND] == 3


def test_fail_next_can_do_the_work_and_still_answer_badly(graph_sandbox):
    access_token = token(graph_sandbox)
    graph_sandbox.fail_next(SEND, status=504, deliver=True)
    assert send(graph_sandbox, access_token).status_code == 504
    assert [mail["subject"] for mail in graph_sandbox.mails()] == ["Hello"]


def test_fail_next_can_delay_and_cut_an_answer(graph_sandbox):
    access_token = token(graph_sandbox)
    graph_sandbox.fail_next(SEND, delay_s=0.2, drop_after=10)
    started = time.monotonic()
    with pytest.raises(requests.ConnectionError):
        send(graph_sandbox, access_token)
    assert time.monotonic() - started >= 0.2


def test_what_makes_no_sense_is_refused_in_words(graph_sandbox):
    with pytest.raises(ValueError, match="status must be a whole number from 200 to 599"):
        graph_sandbox.fail_next(SEND, status=99)
    with pytest.raises(ValueError, match="This bends nothing"):
        graph_sandbox.fail_next(SEND)
    with pytest.raises(ValueError, match="platform must be one of"):
        graph_sandbox.register(platform="desktop")


def test_advance_makes_a_token_expire(graph_sandbox):
    access_token = token(graph_sandbox)
    graph_sandbox.advance(4000)
    answer = send(graph_sandbox, access_token)
    assert (answer.status_code, graph_sandbox.mails()) == (401, [])


def test_register_gives_an_app_of_its_own(graph_sandbox):
    app = graph_sandbox.register(display_name="Mine", redirect_uris=[REDIRECT_URI])
    assert app.client_secret not in repr(app)
    fields = graph_sandbox.sign_in(link(graph_sandbox, client_id=app.client_id))
    answer = redeem(graph_sandbox, fields, client_id=app.client_id, client_secret=app.client_secret)
    assert answer.ok


def test_reset_forgets_mails_and_counts(graph_sandbox):
    assert send(graph_sandbox, token(graph_sandbox)).status_code == 202
    graph_sandbox.reset()
    assert (graph_sandbox.mails(), graph_sandbox.requests_seen()) == ([], {})


@pytest.mark.graph_sandbox(tls=True)
def test_over_tls_everybody_trusts_the_certificate_by_itself(graph_sandbox):
    assert graph_sandbox.authority.startswith("https://")
    assert requests.get(graph_sandbox.portal, timeout=5).ok
    program = f"import urllib.request as u; print(u.urlopen({graph_sandbox.portal!r}).status)"
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert other.stdout == "200\n", other.stderr
    assert send(graph_sandbox, token(graph_sandbox)).status_code == 202


@pytest.mark.parametrize("mistake", ["True", "tsl=True"])
def test_a_mark_that_means_nothing_is_refused_in_one_line(tmp_path, mistake):
    mark = f"@pytest.mark.graph_sandbox({mistake})"
    test = f"import pytest\n\n{mark}\ndef test_it(graph_sandbox): ..."
    (tmp_path / "test_mine.py").write_text(test)
    asked = ["-q", "-p", "graphsandbox.pytest_plugin", "-p", "no:cacheprovider", "test_mine.py"]
    program = [sys.executable, "-m", "pytest", *asked]
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    said = subprocess.run(program, cwd=tmp_path, env=alone, capture_output=True, text=True).stdout
    assert f"graph_sandbox({mistake}): the mark takes tls=True" in said
    assert "pytest_plugin.py" not in said  # the mistake is not there


def reached(sandbox):
    """Return whether requests and a program of its own, by urllib, get to the sandbox."""
    program = f"import urllib.request as u; print(u.urlopen({sandbox.portal!r}).status)"
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    by_number = sandbox.portal.replace("localhost", "127.0.0.1")
    answers = [requests.get(url, timeout=5).ok for url in (sandbox.portal, by_number)]
    return (answers, other.stdout) == ([True, True], "200\n")


def test_no_proxy_stands_between_a_test_and_the_sandbox(proxied, graph_sandbox):
    assert reached(graph_sandbox)
    assert os.environ["no_proxy"] == os.environ["NO_PROXY"] == LOOPBACK


@pytest.mark.graph_sandbox(tls=True)
def test_no_proxy_stands_in_between_over_tls(proxied, graph_sandbox):
    assert reached(graph_sandbox)


@pytest.mark.parametrize(
    ("values", "lower", "upper"),
    [
        ({"NO_PROXY": "corp.example"}, "corp.example,", "corp.example,"),
        ({"no_proxy": "corp.example"}, "corp.example,", "corp.example,"),
        ({"no_proxy": "a.example", "NO_PROXY": "b.example"}, "a.example,", "b.example,"),
    ],
)
def test_what_no_proxy_was_asked_for_stays_so(proxied, request, values, lower, upper):
    proxied(**values)
    sandbox = request.getfixturevalue("graph_sandbox")
    assert os.environ["no_proxy"] == lower + LOOPBACK
    assert os.environ["NO_PROXY"] == upper + LOOPBACK
    assert reached(sandbox)


def test_no_proxy_for_all_hosts_stays_so(proxied, request):
    proxied(NO_PROXY="*")
    assert reached(request.getfixturevalue("graph_sandbox"))
    assert os.environ["no_proxy"] == os.environ["NO_PROXY"] == "*"
