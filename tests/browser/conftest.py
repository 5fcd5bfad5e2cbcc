"""What the browser tests share."""

import pytest

from tests.browser.desk import running_desk
from tests.browser.lab import browser_lacking, chromium


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium for one test file; the file is skipped where there is none.

    Not for the whole run: Playwright's event loop would get in the way of tests with their own.
    """
    if lacking := browser_lacking():
        pytest.skip(lacking)
    with chromium() as one:
        yield one


@pytest.fixture
def page(browser):
    """A window of its own for each test: no cookies, no storage."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        yield context.new_page()


@pytest.fixture(scope="module")
def desk_of_this_file(browser, tmp_path_factory):
    with running_desk(tmp_path_factory.mktemp("desk")) as desk:
        yield desk


@pytest.fixture
def desk(desk_of_this_file):
    """A JupyterLab, and a sandbox on which nothing has happened yet."""
    desk_of_this_file.tidy()
    return desk_of_this_file


@pytest.fixture(scope="module")
def axe():
    """Looks over a page for what keeps people out (axe-core)."""
    return pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
