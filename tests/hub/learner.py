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

    def lay_out(self, name: str, before: str = "", after: str = "", file: str = "") -> None:
        """Put a chapter into their folder as if it had never run, between two cells more."""
        notebook = chapter(name)
        more = [[nbformat.v4.new_code_cell(one)] if one else [] for one in (before, after)]
        notebook.cells = [*more[0], *notebook.cells, *more[1]]
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.update(outputs=[], execution_count=None)
        nbformat.write(notebook, self.hub.home(self.name) / f"{file or name}.ipynb")

    def open(self, name: str) -> None:
        """Open a chapter; return while it still loads, so that the others can open theirs."""
        self._file = f"{name}.ipynb"
        if "/lab/tree/" in self.page.url:  # a new tab of JupyterLab, which need not load again
            self.page.evaluate(OPEN, self._file)
        else:
            address = self.hub.lab(self.name).notebook_url(self._file)
            self.page.goto(address, wait_until="commit")

    def run_all(self) -> None:
        """Run every cell; those that wait for a sign-in go on waiting."""
        self.page.wait_for_function(IN_FRONT, arg=self._file, timeout=60_000)
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
