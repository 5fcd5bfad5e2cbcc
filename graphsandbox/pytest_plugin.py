"""The pytest fixture `graph_sandbox`: a sandbox of its own for each test that asks for it.

It starts in a fraction of a second, empty, on a free port, and leaves nothing behind. Marked
with `graph_sandbox(tls=True)` a test gets one that speaks https, as some clients want it. A
suite that would rather share one builds a fixture of any scope with `graphsandbox.running()`.
"""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .ready import Ready

MARK = "graph_sandbox(tls=False): what sandbox the fixture graph_sandbox is to be"
# Where requests, then httpx and Python's ssl look for the certificates they trust.
TRUST = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
# Where programs look for what no proxy is asked for, most of them in this order.
NO_PROXY = ("no_proxy", "NO_PROXY")
LOOPBACK = "localhost,127.0.0.1,::1"


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", MARK)


@pytest.fixture
def graph_sandbox(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> "Iterator[Ready]":
    """An offline Entra ID and Microsoft Graph: its addresses, an app, and what tests ask of it.

    With tls=True, programs and libraries of this test trust its certificates by themselves. A
    proxy that the environment names is not asked for it.
    """
    from . import running

    mark = request.node.get_closest_marker("graph_sandbox")
    if mark and (mark.args or not mark.kwargs.keys() <= {"home", "tls"}):
        given = [repr(value) for value in mark.args]
        given += [f"{name}={value!r}" for name, value in mark.kwargs.items()]
        pytest.fail(
            f"graph_sandbox({', '.join(given)}): the mark takes tls=True, and home=, by name.",
            pytrace=False,
        )
    exceptions = _proxy_exceptions()
    with running(**(mark.kwargs if mark else {})) as ready:
        for name, value in exceptions.items():
            monkeypatch.setenv(name, value)
        if ready.ca:
            for name in TRUST:
                monkeypatch.setenv(name, ready.ca)
        yield ready


def _proxy_exceptions() -> dict[str, str]:
    """Return the variables that name what no proxy is asked for, with loopback in them.

    A program reads one of them, so what stands in one alone is for both; "*" is all hosts, but
    only where it stands alone.
    """
    either = next((os.environ[name] for name in NO_PROXY if os.environ.get(name)), "")
    known = {name: os.environ.get(name) or either for name in NO_PROXY}
    return {
        name: value if value.strip() == "*" else f"{value},{LOOPBACK}".lstrip(",")
        for name, value in known.items()
    }
