"""What all tests share."""

import pytest

from tests.homes import own_homes
from tests.kit import app, graph_sandbox_tls, one_sandbox, sandbox, token  # noqa: F401

pytest_plugins = [
    "tests.require_all",  # with REQUIRE_ALL=1 a skip is a failure
    "tests.cases",  # looks after the tests of hostile cases
]


@pytest.fixture(scope="session", autouse=True)
def homes_of_this_run(tmp_path_factory):
    """Keep every test, and whatever it starts, away from the user's own homes."""
    homes = own_homes(tmp_path_factory.mktemp("homes"))
    with pytest.MonkeyPatch.context() as patch:
        for name in ("GRAPHHELPERS_HOME", "GRAPHSANDBOX_HOME"):
            patch.setenv(name, homes[name])
        yield
