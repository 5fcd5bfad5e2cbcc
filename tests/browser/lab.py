"""A headless Chromium, and a JupyterLab of its own, for the browser tests and the screenshots."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUMS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
)
# Nothing but this machine answers, so that a page which needs the internet is found out.
LOOPBACK_ONLY = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"
CHROMIUM_FLAGS = ("--disable-gpu", "--disable-quic", LOOPBACK_ONLY)

LAB_FLAGS = (
    "--no-browser",
    "--ServerApp.port=0",
    "--LabApp.expose_app_in_browser=True",  # `jupyterapp` in the page, for the commands below
)
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},  # cells out of sight stay in the page
    "apputils-extension/notification": {"fetchNews": "false"},  # asks nobody about news
}


def chromium_path() -> str | None:
    """Return the Chromium to drive: the one named by CHROMIUM, or the machine's own."""
    return next(filter(None, map(shutil.which, (os.environ.get("CHROMIUM", ""), *CHROMIUMS))), None)


def browser_lacking() -> str | None:
    """Say what a browser run lacks on this machine; None when all is there."""
    if importlib.util.find_spec("playwright") is None:
        return "Playwright is not installed: pip install -e '.[test]'"
    if chromium_path() is None:
        return "no Chromium found: install chromium or google-chrome, or name one in CHROMIUM"
    return None


@contextmanager
def chromium() -> "Iterator[Browser]":
    """Run a headless Chromium whose pop-up blocker is on, as it is for a person."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(),
            args=list(CHROMIUM_FLAGS),
            ignore_default_args=["--disable-popup-blocking"],
        )
        try:
            yield browser
        finally:
            browser.close()


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: its address, which ends in a slash, and the token that opens it."""

    url: str
    token: str

    def notebook_url(self, name: str) -> str:
        """Return the address of one notebook of its folder, the panels as after a first start."""
        return f"{self.url}lab/tree/{quote(name)}?token={self.token}&reset"


@contextmanager
def running_lab(
    root: Path, env: Mapping[str, str], timeout_s: float = 60, flags: Iterable[str] = ()
) -> Iterator[Lab]:
    """Serve root in JupyterLab; env comes from `own_homes`. It ends with the block."""
    for name, settings in SETTINGS.items():
        file = Path(env["JUPYTERLAB_SETTINGS_DIR"], "@jupyterlab", f"{name}.jupyterlab-settings")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(settings))
    flags = [*LAB_FLAGS, *flags, f"--ServerApp.root_dir={root}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        flags.append("--allow-root")
    log = Path(env["JUPYTER_RUNTIME_DIR"]) / "lab.log"
    with log.open("w") as out:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *flags],
            env=dict(env), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
        )  # fmt: skip
    try:
        yield _await_lab(server, log, timeout_s)
    finally:
        server.terminate()
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _await_lab(server: subprocess.Popen, log: Path, timeout_s: float) -> Lab:
    """Return the Lab once it has written where it listens; raise with its log when it does not."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and server.poll() is None:
        for info in log.parent.glob("jpserver-*.json"):
            try:
                said = json.loads(info.read_text())
            except ValueError:  # half written
                continue
            return Lab(said["url"], said["token"])
        time.sleep(0.05)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-3000:]}")


def open_notebook(page: "Page", lab: Lab, name: str) -> None:
    """Open a notebook and wait for its kernel; before there is one, a command to run is lost."""
    page.goto(lab.notebook_url(name))
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=60_000)


# A cell that fails ends the command while later ones, that run all the same, look idle. A kernel
# answers in turn, so its answer to an empty request is the end of all before.
RUN_ALL = """() => {
  window.ran = false;
  const end = () => { window.ran = true };
  const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const ask = () => kernel.requestExecute({code: '', silent: true}).done.then(end, end);
  jupyterapp.commands.execute('notebook:run-all-cells').then(ask, ask);
}"""


def start_run_all(page: "Page") -> None:
    """Start every cell, and return at once; `await_run` waits for the end."""
    page.evaluate(RUN_ALL)


def await_run(page: "Page", timeout_s: float = 120) -> None:
    """Wait until the cells that `start_run_all` started have ended, well or badly."""
    page.wait_for_function("() => window.ran", timeout=timeout_s * 1000)


def notebook_json(page: "Page") -> dict:
    """Return the notebook in front, outputs included, as it would be saved."""
    return page.evaluate("() => jupyterapp.shell.currentWidget.content.model.toJSON()")


ASK_KERNEL = """async asked => {
  const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const ask = {code: '', silent: true, user_expressions: {asked}};
  const reply = await kernel.requestExecute(ask).done;
  return reply.content.user_expressions.asked.data['text/plain'];
}"""


def kernel_says(page: "Page", expression: str) -> str:
    """Return how the kernel of the notebook in front shows the value of an expression."""
    return page.evaluate(ASK_KERNEL, expression)


def complaints(page: "Page") -> list[str]:
    """Return the list that takes up every error which the page reports from now on."""
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    return said
