"""The pytest fixture `graph_sandbox`: a sandbox of its own for each test that asks for it.

It starts in a fraction of a second, empty, on a free port, and leaves nothing behind. A suite
that would rather share one builds a fixture of any scope with `graphsandbox.running()`.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .ready import Ready


@pytest.fixture
def graph_sandbox() -> "Iterator[Ready]":
    """An offline Entra ID and Microsoft Graph: its addresses and a registered app."""
    from . import server  # only for the tests that want one

    with server.running() as ready:
        yield ready
