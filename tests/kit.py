"""What the tests of graphhelpers share: an app in a sandbox, a browser, and a look behind."""

import json
import re
import socket
import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
import requests

import graphsandbox
from graphhelpers import (
    CallbackServer,
    Registration,
    Secret,
    Token,
    exchange_code,
    sandbox_cloud,
    start_sign_in,
    wire_log,
)
from graphhelpers.deadline import idle
from graphsandbox.visit import Wishes, visit

from .trap import Trap, answer


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def app_of(sandbox, **changes) -> Registration:
    """Return the sandbox's app, listening at a port of its own (the sandbox ignores ports)."""
    known = {
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
        "redirect_uri": f"http://localhost:{free_port()}/connect/get_token/",
        "tenant": sandbox.tenant,
        "cloud": sandbox_cloud(sandbox.authority, sandbox.graph, sandbox.ca),
    }
    return Registration(**known | changes)


def app_at(trap: Trap) -> Registration:
    """Return an app whose sign-in service and Graph are this trap."""
    return Registration(
        "11112222-bbbb-3333-cccc-4444dddd5555",
        "canary~client-secret",
        f"http://localhost:{free_port()}/connect/get_token/",
        cloud=sandbox_cloud(trap.url, trap.url),
    )


def answer_with(link: str, **fields: str) -> None:
    """Come back to the app with these fields, as the sign-in page behind this link would."""
    asked = dict(parse_qsl(urlsplit(link).query))
    with requests.Session() as session:
        session.trust_env = False
        said = {"state": asked["state"], **fields}
        session.get(asked["redirect_uri"], params=said, timeout=5).raise_for_status()


def browse(url: str, ca: str | None = None, **wishes: Any) -> None:
    """Play the browser from the sign-in link to the app's answer."""
    with requests.Session() as session:
        session.trust_env = False
        session.verify = ca or True
        visit(session, url, Wishes(**wishes))


def last_address(url: str, app: Registration) -> str:
    """Sign in by a browser on another machine; return the address there that it can't reach."""
    with requests.Session() as session:
        session.trust_env = False
        for _ in range(8):
            page = session.get(url, allow_redirects=False, timeout=5)
            if not page.is_redirect:
                csrf = re.search('name="csrf" value="([^"]+)"', page.text)
                user = re.search('name="user" value="([^"]+)"', page.text)
                press = {"user": user[1]} if user else {"consent": "accept"}
                page = session.post(
                    url, {"csrf": csrf[1], **press}, allow_redirects=False, timeout=5
                )
            url = urljoin(url, page.headers["Location"])
            if url.startswith(app.redirect_uri):
                return url
    raise AssertionError(f"no way back to the app from {url}")


def type_code(page: str, code: str, **press: str) -> None:
    """Play the person of a device code: type it, pick the first account, and accept."""
    answers = [{"code": code}, {}, {"consent": "accept", **press}]
    with requests.Session() as session:
        session.trust_env = False
        shown = session.get(page, timeout=5)
        for answer in answers:
            csrf = re.search('name="csrf" value="([^"]+)"', shown.text)
            user = re.search('name="user" value="([^"]+)"', shown.text)
            form = {"csrf": csrf[1], **(answer or {"user": user[1]})}
            shown = session.post(shown.url, form, timeout=5)
            shown.raise_for_status()


def code_of(app: Registration, attempt, **wishes: Any) -> Secret:
    with CallbackServer(app, attempt) as server:
        browse(attempt.url, app.cloud.ca, **wishes)
        return server.wait(5)


def signed_in(app: Registration, *scopes: str, endpoint: str = "v2.0", **wishes: Any) -> Token:
    attempt = start_sign_in(app, *([scopes] if scopes else []), endpoint=endpoint)
    return exchange_code(app, attempt, code_of(app, attempt, **wishes))


def control(sandbox, method: str, what: str, **members: Any) -> Any:
    """Ask the sandbox itself."""
    with requests.Session() as session:
        session.trust_env = False
        session.verify = sandbox.ca or True
        url = f"{sandbox.authority}/_control/{what}"
        said = session.request(method, url, json=members or None, timeout=5)
        assert said.ok, said.text
        return said.json()


def bend(sandbox, path: str, **fault: Any) -> None:
    """Bend the next answer of this path (or the next `count`)."""
    control(sandbox, "POST", "faults", path=path, **fault)


def mails(sandbox) -> list[dict[str, Any]]:
    """Return what the sandbox has accepted, newest first."""
    return control(sandbox, "GET", "mailbox")


def asked(sandbox, path: str) -> int:
    """Return how often this path was asked for."""
    return control(sandbox, "GET", "requests").get(path, 0)


def as_json(value: Any, status: str = "200 OK", *headers: str) -> bytes:
    """Return an answer for a trap to give."""
    return answer(json.dumps(value).encode(), status, *headers)


def until(condition: Callable[[], Any], timeout_s: float = 10.0) -> Any:
    """Return the condition's value as soon as it is true."""
    ends = time.monotonic() + timeout_s
    while not (value := condition()):
        assert time.monotonic() < ends, "it never came true"
        time.sleep(0.005)
    return value


def threads_at_work() -> int:
    """Return how many threads there are, without those that the kit keeps for its next call."""
    return threading.active_count() - len(idle)


@pytest.fixture(scope="session")
def one_sandbox():
    """The sandbox that the tests of the kit share."""
    with graphsandbox.running() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(one_sandbox):
    """A sandbox on which nothing has happened yet, as nothing has in the wire log."""
    control(one_sandbox, "POST", "reset")
    wire_log.clear()
    return one_sandbox


@pytest.fixture(scope="session")
def graph_sandbox_tls():
    with graphsandbox.running(tls=True) as sandbox:
        yield sandbox


@pytest.fixture
def app(sandbox):
    return app_of(sandbox)


@pytest.fixture(scope="session")
def token(one_sandbox):
    """A token of the first user, signed in once: what a test does to the sandbox leaves it good."""
    control(one_sandbox, "POST", "reset")
    return signed_in(app_of(one_sandbox))


@pytest.fixture(scope="session")
def writer(one_sandbox):
    """A token of the first user that also reads mail and writes drafts."""
    control(one_sandbox, "POST", "reset")
    scopes = ("openid", "User.Read", "Mail.Send", "Mail.ReadWrite")
    return signed_in(app_of(one_sandbox), *scopes)
