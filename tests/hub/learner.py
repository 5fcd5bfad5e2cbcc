"""A learner of the class: a browser of their own, their notebooks, and their clicks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import nbformat

from tests.browser.lab import await_run, kernel_says, notebook_json, start_run_all
from tests.hub.hub import Hub, log_in
from tests.solved import chapter
from tools.notebook_pictures import unexpected_errors

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

OPEN = "path => { jupyterapp.commands.execute('docmanager:open', {path}) }"
IN_FRONT = """path => {
  const front = window.jupyterapp?.shell.currentWidget;
  return front?.context?.path === path && front.sessionContext.session?.kernel?.status === 'idle';
}"""


@dataclass
class Learner:
    """One of the class, whose browser shows the notebook that they are at."""

    hub: Hub
    name: str
    window: "BrowserContext"
    page: "Page"

    @property
    def address(self) -> str:
        """Their own account in the class's tenant."""
        return f"{self.name}@contoso.example"

    def arrive(self) -> None:
        """Log in to the hub, which starts their server."""
        self.hub.home(self.name)
        log_in(self.page, self.hub, self.name)

    def await_notebook(self, path: str) -> None:
        """Wait until they see a notebook, and its kernel is ready."""
        self.page.wait_for_function(IN_FRONT, arg=path, timeout=60_000)

    def lay_out(self, name: str, chapter_name: str, before: str, after: str) -> None:
        """Put a notebook into their folder: a chapter between two cells more."""
        notebook = chapter(chapter_name)
        first, last = map(nbformat.v4.new_code_cell, (before, after))
        notebook.cells = [first, *notebook.cells, last]
        nbformat.write(notebook, self.hub.home(self.name) / name)

    def open(self, path: str) -> None:
        """Open a notebook; return while it still loads, so that the others can open theirs."""
        self._path = path
        self.page.evaluate(OPEN, path)

    def run_all(self) -> None:
        """Run every cell anew; those that wait for a sign-in go on waiting."""
        self.await_notebook(self._path)
        self.page.evaluate("() => jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
        start_run_all(self.page)

    def sign_in(self, number: int, user: str = "") -> "Page":
        """Click the link of the cell that waits, and what the pages ask for; return the tab."""
        links = self.page.get_by_role("link", name="Sign in", exact=True)
        links.nth(number).wait_for()
        with self.page.expect_popup() as opened:
            links.nth(number).click()
        tab = opened.value
        account = tab.get_by_role("button", name=user or self.address)
        accept, done = tab.get_by_role("button", name="Accept"), tab.get_by_text("You can close")
        for button in (account, accept):
            account.or_(accept).or_(done).first.wait_for()
            if button.count():
                button.click()
        done.wait_for()
        return tab

    def finish(self) -> dict:
        """Wait for the notebook's end; return it as it would be saved, without an error in it."""
        await_run(self.page)
        notebook = notebook_json(self.page)
        assert list(unexpected_errors(notebook)) == []
        return notebook

    def says(self, expression: str) -> str:
        """Return what their kernel makes of an expression."""
        return kernel_says(self.page, expression)
