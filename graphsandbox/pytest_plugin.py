"""The pytest fixture `graph_sandbox`: a sandbox of its own for each test that asks for it.

It starts in a fraction of a second, empty, on a free port, and leaves nothing behind. Marked
with `graph_sandbox(tls=True)` a test gets one that speaks https, as some clients want it. A
suite that would rather share one builds a fixture of any scope with `graphsandbox.running()`.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .ready import Ready

MARK = "graph_sandbox(tls=False): what sandbox the fixture graph_sandbox is to be"
# Where requests, then httpx and Python's ssl look for the certificates they trust.
TRUST = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", MARK)


@pytest.fixture
def graph_sandbox(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> "Iterator[Ready]":
    """An offline Entra ID and Microsoft Graph: its addresses, an app, and what tests ask of it.

    With tls=True, programs and libraries of this test trust its certificates by themselves.
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
    with running(**(mark.kwargs if mark else {})) as ready:
        if ready.ca:
            for name in TRUST:
                monkeypatch.setenv(name, ready.ca)
        yield ready
