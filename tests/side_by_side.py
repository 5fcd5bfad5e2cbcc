"""A pytest plugin: how the processes of `pytest -n 3` share the tests.

A file's tests stay together, since they share what took long to start; and so do all the files
that listen where the chapters do, because there is one port 8000. What takes longest begins
first: begun last, it would leave the other processes idle.
"""

from pathlib import PurePath
from typing import Any

import pytest

AT_PORT_8000 = {
    "test_chapters_in_lab",
    "test_labs",
    "test_notebooks",
    "test_notebooks_cells",
    "test_notebooks_elsewhere",
    "test_five_tasks",
    "test_readme",
}
LONG = {"browser", "hub"}  # folders of few tests, each of many seconds


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _turn(item.path))


def _turn(file: PurePath) -> int:
    return 0 if file.stem in AT_PORT_8000 else 1 if file.parent.name in LONG else 2


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadFileScheduling

    class ByFileOrPort(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = PurePath(nodeid.partition("::")[0])
            return "port 8000" if file.stem in AT_PORT_8000 else str(file)

    config.option.loadscopereorder = False  # xdist would begin with the files of most tests
    return ByFileOrPort(config, log)
