"""What all tests share."""

import signal

import pytest
from hypothesis import settings

from tests.homes import own_homes
from tests.kit import app, graph_sandbox_tls, one_sandbox, sandbox, token, writer  # noqa: F401

pytest_plugins = [
    "tests.side_by_side",  # how the processes share the run
    "tests.require_all",  # with REQUIRE_ALL=1 a skip is a failure
    "tests.cases",  # looks after the tests of hostile cases
]


# A shell starts what it runs in the background deaf to Ctrl+C, and its children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How many examples a property is tried on; `make soak` asks for the second. A slow machine is no
# counter-example, so none has a deadline.
settings.register_profile("test", max_examples=500, deadline=None)
settings.register_profile("soak", max_examples=10_000, deadline=None)
settings.load_profile("test")


@pytest.fixture(scope="session", autouse=True)
def homes_of_this_run(tmp_path_factory):
    """Keep every test, and whatever it starts, away from the user's own homes."""
    homes = own_homes(tmp_path_factory.mktemp("homes"))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GRAPHHELPERS_HOME", "GRAPHSANDBOX_HOME"):
            patch.setenv(name, homes[name])
        yield
