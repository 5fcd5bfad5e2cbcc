"""What the tests with a hub share."""

import sys
from pathlib import Path

import pytest
import requests

from tests.browser.conftest import browser  # noqa: F401
from tests.hub.hub import hub_lacking, running_hub
from tests.hub.kernels import Kernel
from tests.hub.pretend import SERVICE, running_class
from tests.node import without_node, workshop_of


@pytest.fixture(scope="module", autouse=True)
def no_windows():
    if sys.platform == "win32":
        pytest.skip("JupyterHub does not run on Windows")


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """A JupyterHub for one test file."""
    if lacking := hub_lacking():
        pytest.skip(lacking)
    if without_node.args[0]:
        pytest.skip(without_node.kwargs["reason"])
    workshop = workshop_of(Path(__file__).parent / "npm")
    with running_hub(tmp_path_factory.mktemp("hub"), workshop) as one:
        yield one


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    with running_class(tmp_path_factory.mktemp("class")) as one:
        yield one


@pytest.fixture
def room(classes):
    """A class without mails; its learners stay."""
    with requests.Session() as service:
        service.trust_env = False
        headers = {"Authorization": f"token {SERVICE}"}
        assert service.post(f"{classes.authority}/_control/reset", headers=headers).ok
    return classes


@pytest.fixture
def kernel(room):
    made = []

    def start(name):
        made.append(Kernel(room, name))
        return made[-1]

    yield start
    for one in made:
        one.close()
