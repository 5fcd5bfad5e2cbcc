"""A real JupyterHub on loopback with the class's own configuration, and its learners' browsers."""

import importlib.util
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from tests.browser.desk import OPENS_NOTHING
from tests.browser.lab import SETTINGS
from tests.kit import free_port
from tests.node import ROOT, program

if TYPE_CHECKING:
    from playwright.sync_api import Page

PASSWORD = "the word of the class"
START_S = 60
# What a test changes of classroom/jupyterhub_config.py: ports, programs, a word from JupyterLab.
CONFIG = """
load_subconfig({classroom!r})
c.JupyterHub.public_url = "http://localhost:{port}/"
c.JupyterHub.bind_url = "http://127.0.0.1:{port}"
c.JupyterHub.hub_port = {hub_port}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.command = {proxy!r}
c.JupyterHub.services[0]["url"] = "http://127.0.0.1:{sandbox_port}"
c.JupyterHub.services[0]["api_token"] = {token!r}
c.JupyterHub.services[0]["environment"] = {{"PYTHONPATH": {root!r}}}
c.Spawner.environment |= {{
    "GRAPHSANDBOX_SERVICE_URL": "http://localhost:{sandbox_port}",
    "PYTHONPATH": {root!r},
    "BROWSER": {opens_nothing!r},
}}
c.Spawner.args = [*c.Spawner.get("args", []), "--LabApp.expose_app_in_browser=True"]
c.Spawner.http_timeout = c.Spawner.start_timeout = 60
"""


@dataclass(frozen=True)
class Hub:
    """A running hub: the address in browsers, and the room's sandbox as kernels reach it."""

    url: str  # without a slash at its end
    sandbox: str
    folder: Path
    token: str  # of the sandbox as the hub's service

    def home(self, name: str) -> Path:
        """Return a learner's folder, with JupyterLab set as for all browser tests."""
        home = self.folder / "learners" / name
        for file, settings in SETTINGS.items():
            path = home / ".jupyter/lab/user-settings/@jupyterlab" / f"{file}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(settings))
        return home

    def log(self) -> str:
        """Return what the hub, its proxy, its service and its users' servers have said."""
        return (self.folder / "hub.log").read_text(errors="replace")

    @property
    def service(self) -> str:
        """The room's sandbox in a browser."""
        return f"{self.url}/services/graphsandbox"


def hub_lacking() -> str | None:
    """Say what a hub lacks on this machine; None when all is there."""
    for name in ("jupyterhub", "jupyter_server_proxy"):
        if importlib.util.find_spec(name) is None:
            return f"{name} is not installed: pip install -e '.[test]'"
    return None


@contextmanager
def running_hub(folder: Path, workshop: Path) -> Iterator[Hub]:
    """Run a hub with everything of its own in folder, as long as the block lasts."""
    ports = {name: free_port() for name in ("port", "hub_port", "proxy_port", "sandbox_port")}
    script = workshop / "node_modules/configurable-http-proxy/bin/configurable-http-proxy"
    at = [f"http://localhost:{ports[name]}" for name in ("port", "sandbox_port")]
    hub = Hub(*at, folder, token := secrets.token_hex(32))
    config = folder / "config.py"
    config.write_text(
        CONFIG.format(
            classroom=str(ROOT / "classroom" / "jupyterhub_config.py"),
            proxy=[program("node"), str(script)],
            root=str(ROOT),
            opens_nothing=OPENS_NOTHING,
            token=token,
            **ports,
        )
    )
    known = {"CLASS_PASSWORD": PASSWORD, "CLASS_FOLDER": str(folder), "HOME": str(folder)}
    env = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    with (folder / "hub.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(config)],
            env=env | known, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        _await_hub(hub, process)
        yield hub
    finally:
        process.send_signal(signal.SIGTERM)  # it stops its servers, its service and its proxy
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _await_hub(hub: Hub, process: subprocess.Popen) -> None:
    """Return when hub and sandbox answer; raise with the log when they do not."""
    deadline = time.monotonic() + START_S
    with requests.Session() as session:
        session.trust_env = False
        while time.monotonic() < deadline and process.poll() is None:
            try:
                seen = session.get(f"{hub.url}/hub/api/", timeout=5).status_code
                here = session.get(f"{hub.sandbox}/_control/ready", timeout=5).status_code
            except OSError:
                seen = here = 0
            if (seen, here) == (200, 403):
                return
            time.sleep(0.1)
    raise RuntimeError(f"The hub did not start:\n{hub.log()[-4000:]}")


def log_in(page: "Page", hub: Hub, name: str) -> None:
    """Log a learner in to the hub; their server starts."""
    page.goto(f"{hub.url}/hub/login?next=/hub/spawn/{name}")
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
