"""Homes and a sandbox of its own for a run: it touches nothing that a user keeps."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

# What notebooks open instead of a browser: it signs in, consents and follows the redirect.
VISITOR = f"{shlex.quote(sys.executable)} -m graphsandbox.visit %s"

HOMES = {
    "GRAPHHELPERS_HOME": "graphhelpers",
    "GRAPHSANDBOX_HOME": "graphsandbox",
    "IPYTHONDIR": "ipython",
    "JUPYTER_CONFIG_DIR": "jupyter/config",
    "JUPYTER_DATA_DIR": "jupyter/data",
    "JUPYTER_RUNTIME_DIR": "jupyter/runtime",
    "JUPYTERLAB_SETTINGS_DIR": "jupyter/settings",
    "JUPYTERLAB_WORKSPACES_DIR": "jupyter/workspaces",
}
SEARCH_PATHS = ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH")  # would lead back to the user's


def own_homes(folder: Path) -> dict[str, str]:
    """Return this process's environment with every home in folder."""
    env = {name: value for name, value in os.environ.items() if name not in SEARCH_PATHS}
    for name, part in HOMES.items():
        home = folder / part
        home.mkdir(parents=True, exist_ok=True)
        env[name] = str(home)
    return env


@cache
def offline() -> list[str]:
    """Return a prefix that leaves a program this machine's loopback and no network.

    It is empty where the system doesn't permit that.
    """
    alone = ["unshare", "--user", "--map-root-user", "--net"]
    loopback = ["sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    try:
        tried = subprocess.run([*alone, *loopback, "true"], capture_output=True)
    except OSError:
        return []
    return [] if tried.returncode else [*alone, *loopback]


@contextmanager
def running_sandbox(env: Mapping[str, str]) -> Iterator[dict]:
    """Run the sandbox that `graphsandbox.connect()` finds in these homes; yield its ready line."""
    command = [sys.executable, "-m", "graphsandbox", "--port", "0"]
    with subprocess.Popen(command, env=dict(env), stdout=subprocess.PIPE, text=True) as sandbox:
        assert sandbox.stdout is not None
        try:
            yield json.loads(sandbox.stdout.readline())
        finally:
            sandbox.terminate()
