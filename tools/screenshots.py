"""Picture the sandbox's pages and the notebooks, wide and narrow, and check their layout.

    python -m tools.screenshots [NOTEBOOK ...]

The pictures go to screenshots/. Ends with 1 when something scrolls sideways, a diagram or a form
was not drawn, or a cell failed that was not meant to.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from tests.browser.lab import browser_lacking, chromium, running_lab
from tests.homes import VISITOR, own_homes, running_sandbox
from tests.sandbox import client
from tools.notebook_pictures import picture_notebook
from tools.sandbox_pages import every_page

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "screenshots"
WIDTHS = (1280, 400)
LONG_SUBJECT = "A subject that goes on and on, as subjects do when nobody stops the one who writes"
HTML_BODY = "<h1>Hello</h1><p>A mail with a heading, <b>bold words</b> and an attachment.</p>"
ATTACHMENT = {
    "@odata.type": "#microsoft.graph.fileAttachment",
    "name": "notes.txt",
    "contentType": "text/plain",
    "contentBytes": "SGVsbG8sIHdvcmxkLgo=",
}


def send_two_mails(sandbox: SimpleNamespace) -> None:
    """Fill the mailbox: a plain mail, and one with markup, a long subject and an attachment."""
    body = {"contentType": "HTML", "content": HTML_BODY}
    rich = client.mail_to("grace@example.com", "alan@example.com", subject=LONG_SUBJECT)
    rich["message"] |= {"body": body, "attachments": [ATTACHMENT]}
    with client.browser() as session:
        token = client.access_token(sandbox, session)
        for mail in (client.mail_to("grace@example.com"), rich):
            address = f"{sandbox.graph}/v1.0/me/sendMail"
            session.post(address, json=mail, headers=client.bearer(token)).raise_for_status()


def picture(page: "Page", name: str, folder: Path) -> list[str]:
    """Save the page in full in folder at each width; return what is wrong with its layout."""
    problems = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        page.screenshot(path=folder / f"page-{name}-{width}.png", full_page=True)
        wide = page.evaluate("() => document.documentElement.scrollWidth")
        if wide > width:
            problems.append(f"page {name} is {wide} px wide in a window of {width}")
    return problems


def picture_sandbox(browser: "Browser", sandbox: SimpleNamespace, folder: Path) -> list[str]:
    """Picture every page of the sandbox; return what is wrong."""
    with browser.new_context() as context:
        page = context.new_page()
        return [said for name in every_page(page, sandbox) for said in picture(page, name, folder)]


def main(names: list[str]) -> int:
    """Make all pictures; return the exit code."""
    if lacking := browser_lacking():
        print(lacking, file=sys.stderr)
        return 1
    shutil.rmtree(PICTURES, ignore_errors=True)
    PICTURES.mkdir()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        # Copies, so that JupyterLab's own saving leaves the project's notebooks as they are.
        copies = Path(shutil.copytree(ROOT / "notebooks", Path(folder, "notebooks")))
        for name in names:
            shutil.copy(name, copies)
        wanted = [Path(name).name for name in names or sorted(copies.glob("*.ipynb"))]
        problems = picture_all(own_homes(Path(folder)) | {"BROWSER": VISITOR}, copies, wanted)
    for problem in problems:
        print(problem, file=sys.stderr)
    made = len(list(PICTURES.iterdir()))
    print(f"{made} pictures in {os.path.relpath(PICTURES)}/, {len(problems)} problems")
    return 1 if problems else 0


def picture_all(env: dict[str, str], notebooks: Path, names: list[str]) -> list[str]:
    """Picture the sandbox's pages, then the notebooks; return what is wrong."""
    problems = []
    with running_sandbox(env) as ready, running_lab(notebooks, env) as lab, chromium() as browser:
        sandbox = SimpleNamespace(**ready)
        send_two_mails(sandbox)
        problems += picture_sandbox(browser, sandbox, PICTURES)
        for name in names:
            print(f"{name} ...", flush=True)
            problems += picture_notebook(browser, lab, name, WIDTHS, PICTURES)
    return problems


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
