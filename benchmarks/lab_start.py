"""Seconds of `make lab` until its page answers: from nothing, and again.

From nothing is a clone of this repository, without .venv and without pip's cache; it is measured
beside `python -m venv` and `pip install jupyterlab` alone. Both take a minute and load some hundred
packages, so each side runs once: the network moves this figure more than anything here. Again is
the second start of the same clone, beside JupyterLab started bare in the other environment; they
take turns. With --again-only there is no clone, and both start in the environment at hand.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from _figures import Aim, Program, Table
from _servers import free_port

ROOT = Path(__file__).parent.parent
LAB, ALONE, BARE = "make lab", "venv + pip install jupyterlab", "jupyter lab, bare"
MOST_S = 600.0
VERSION = [line for line in (ROOT / "constraints.txt").read_text().splitlines()
           if line.startswith("jupyterlab==")]  # fmt: skip


def homes(folder: Path) -> dict[str, str]:
    """Return an environment in which nothing of the user's is found, not even pip's cache."""
    names = (
        "GRAPHHELPERS_HOME", "GRAPHSANDBOX_HOME", "IPYTHONDIR", "JUPYTER_CONFIG_DIR",
        "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR",
        "JUPYTERLAB_WORKSPACES_DIR",
    )  # fmt: skip
    makes_own = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VIRTUAL_ENV")
    env = {name: value for name, value in os.environ.items() if name not in makes_own}
    return env | {name: str(folder / name.lower()) for name in names} | {"PIP_NO_CACHE_DIR": "1"}


@contextlib.contextmanager
def started(command: list[str], folder: Path, env: dict[str, str]) -> Iterator[subprocess.Popen]:
    """Run a program in a group of its own, which ends with the block."""
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    group = {"stderr": subprocess.STDOUT, "start_new_session": True}
    with subprocess.Popen(command, cwd=folder, env=env, **quiet, **group) as process:
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def until_the_page(command: list[str], flags: str, folder: Path, env: dict[str, str]) -> float:
    """Return the seconds from a command to an answering page; `flags` names the flags' argument."""
    port, before = free_port(), time.perf_counter()
    options = ["--no-browser", f"--port={port}", "--IdentityProvider.token="]
    asked = [flags + " ".join(options)] if flags else options
    with started([*command, *asked], folder, env) as process:
        while not _answers(f"http://localhost:{port}/lab"):
            if process.poll() is not None or time.perf_counter() - before > MOST_S:
                raise SystemExit(f"{' '.join(command)} did not get to a page")
            time.sleep(0.02)
        return time.perf_counter() - before


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 (a page of our own)
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


def installed(folder: Path, env: dict[str, str]) -> float:
    """Return the seconds of an environment with JupyterLab alone, of the same version."""
    before = time.perf_counter()
    for command in (
        [sys.executable, "-m", "venv", str(folder / "bare")],
        [str(folder / "bare/bin/python"), "-m", "pip", "install", "-qq", *VERSION],
    ):
        subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - before


def cloned(folder: Path) -> Path:
    """Return a clone of this repository as it was last committed."""
    clone = folder / "clone"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
    return clone


def again(make: list[str], place: Path, python: str, env: dict[str, str], rounds: int) -> Table:
    """Return the seconds of a later start, in turns with JupyterLab alone."""
    found = Table("again", "s", {LAB: [], BARE: []}, [BARE], 2)
    as_root = ["--allow-root"] if hasattr(os, "getuid") and os.getuid() == 0 else []
    for _ in range(rounds):
        found.rows[LAB].append(until_the_page(make, "LAB=", place, env))
        bare = [python, "-m", "jupyterlab", *as_root]
        found.rows[BARE].append(until_the_page(bare, "", place, env))
    return found


def main() -> None:
    """Measure and show."""
    program = Program(__doc__, 5, ("jupyterlab",))
    program.options.add_argument(
        "--again-only", action="store_true", help="only later starts, in the environment at hand"
    )
    asked, tables, aims = program.asked(), [], []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        env = homes(folder)
        if asked.again_only:
            here = ["make", "-s", f"VENV={sys.prefix}", "-o", f"{sys.prefix}/.lab", "lab"]
            tables = [again(here, ROOT, sys.executable, env, asked.rounds)]
        else:
            place, make = cloned(folder), ["make", "-s", f"PYTHON={sys.executable}", "lab"]
            first = {LAB: [until_the_page(make, "LAB=", place, env)]}
            first[ALONE] = [installed(folder, env)]
            tables.append(Table("from nothing", "s", first, [ALONE], 1))
            ratio = tables[0].ratio(LAB, ALONE)
            aims.append(Aim("make lab from nothing, to jupyterlab alone", ratio, "≤", 1.2))
            python = str(folder / "bare/bin/python")
            tables.append(again(make, place, python, env, asked.rounds))
    median = sorted(tables[-1].rows[LAB])[asked.rounds // 2]
    aims.append(Aim("make lab again, until the page answers", median, "≤", 4.0, " s"))
    program.finish(tables, aims)


if __name__ == "__main__":
    main()
