"""The court: a sandbox over TLS that all clients trust, and a person with a browser.

The judges are clients that nobody here wrote, as they come from PyPI. Each file is also an
example of how such a client is pointed at the sandbox.
"""

from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from tests.kit import bend, browse, control
from tests.trap import Trap, answer

PAGE = answer(b"You can close this tab.", "200 OK", "Content-Type: text/plain")
TRUST = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


@pytest.fixture(autouse=True)
def trusted(monkeypatch, graph_sandbox_tls):
    """Trust the sandbox's certificates as any program can: by the environment.

    The first two variables are for requests, the third for httpx and the ssl module.
    """
    for name in TRUST:
        monkeypatch.setenv(name, graph_sandbox_tls.ca)
    monkeypatch.setenv("NO_PROXY", "*")  # a proxy has no business on loopback


@pytest.fixture
def sandbox(graph_sandbox_tls):
    """A sandbox on which nothing has happened yet."""
    control(graph_sandbox_tls, "POST", "reset")
    return graph_sandbox_tls


@pytest.fixture
def http():
    with requests.Session() as session:
        yield session


class Person:
    """Somebody with a browser, and the page of the app that the browser comes back to."""

    def __init__(self, sandbox, app: Trap):
        self._sandbox, self._app = sandbox, app
        origin = app.url.replace("127.0.0.1", "localhost")
        self.redirect_uri = f"{origin}/connect/get_token/"

    def opens(self, link: str, **wishes) -> str:
        """Sign in and consent as wished; return the address of the app that was opened then."""
        browse(link, self._sandbox.ca, **wishes)
        path = self._app.requests[-1].decode().split(" ", 2)[1]
        return self.redirect_uri.removesuffix("/connect/get_token/") + path

    def brings(self, link: str, **wishes) -> dict[str, str]:
        """Do the same; return the fields that the app was given, by query or by form."""
        address = self.opens(link, **wishes)
        form = self._app.requests[-1].decode().partition("\r\n\r\n")[2]
        return dict(parse_qsl(form or urlsplit(address).query))

    def types(self, flow: dict, **wishes) -> None:
        """Type the code of a device into its page, pick the account, and decide."""
        page = f"{flow['verification_uri']}?otc={flow['user_code']}"
        told = self._sandbox.sign_in(page, self._sandbox.user, **wishes)
        assert told == ({"error": "authorization_declined"} if wishes else {})


@pytest.fixture
def person(sandbox):
    with Trap(PAGE) as app:
        yield Person(sandbox, app)


@pytest.fixture
def throttled(sandbox):
    """Let the next call of a path be one too many."""
    return lambda path, wait=1: bend(sandbox, path, status=429, retry_after=wait)


@pytest.fixture
def later(sandbox):
    """Let time pass."""
    return lambda seconds: control(sandbox, "POST", "clock", advance_s=seconds)
