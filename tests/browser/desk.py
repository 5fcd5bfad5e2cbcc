"""Where a learner sits: a JupyterLab, the sandbox that its notebooks find, and the clicks."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import nbformat
import pytest

from graphhelpers import Registration
from tests.browser.lab import Lab, running_lab
from tests.homes import own_homes, running_sandbox
from tests.kit import app_of, control

if TYPE_CHECKING:
    from playwright.sync_api import Page

# A BROWSER for the kernels that opens nothing, so that only a click on the link signs in.
OPENS_NOTHING = f"{shlex.quote(sys.executable)} -c pass %s"


@dataclass(frozen=True)
class Desk:
    """A JupyterLab over `folder`, a sandbox, and the app that its notebooks load."""

    folder: Path
    lab: Lab
    sandbox: SimpleNamespace
    app: Registration
    home: Path  # where the kernels' registrations are kept

    def lay_out(self, name: str, notebook: nbformat.NotebookNode) -> None:
        """Put a notebook into the folder as if it had never run, so that what it shows is new."""
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.update(outputs=[], execution_count=None)
        nbformat.write(notebook, self.folder / name)

    def tidy(self) -> None:
        """Make the sandbox forget what happened, and save the app anew."""
        control(self.sandbox, "POST", "reset")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GRAPHHELPERS_HOME", str(self.home))
            self.app.save()


@contextmanager
def running_desk(folder: Path) -> Iterator[Desk]:
    """Run a sandbox and a JupyterLab with homes of their own in folder."""
    env = own_homes(folder) | {"BROWSER": OPENS_NOTHING}
    notebooks = folder / "notebooks"
    notebooks.mkdir()
    with running_sandbox(env) as ready, running_lab(notebooks, env) as lab:
        sandbox = SimpleNamespace(**ready)
        yield Desk(notebooks, lab, sandbox, app_of(sandbox), Path(env["GRAPHHELPERS_HOME"]))


def click_through_sign_in(page: "Page", user: str) -> "Page":
    """Click the link in the notebook; pick the account and accept in the tab that it opens."""
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Sign in", exact=True).click()
    opened.value.get_by_role("button", name=user).click()
    opened.value.get_by_role("button", name="Accept").click()
    return opened.value
