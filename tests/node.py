"""Programs from npm for the tests: installed once for each lock, as the lock names them."""

import hashlib
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OLDEST_NODE = 20  # what msal-node and configurable-http-proxy ask for
INSTALL_S = 180
OFFLINE = re.compile(r"E(NOTFOUND|AI_AGAIN|CONNREFUSED|CONNRESET|TIMEDOUT|NETUNREACH|HOSTUNREACH)")

without_node = pytest.mark.skipif(
    shutil.which("node") is None or shutil.which("npm") is None,
    reason="Node.js with npm is not installed",
)


@cache
def program(name: str) -> str:
    """Return where a program is (on Windows npm is npm.cmd, found only by its whole path)."""
    found = shutil.which(name)
    assert found is not None
    return found


def workshop_of(source: Path) -> Path:
    """Return a folder with the scripts of source and their packages; skip where there are none."""
    version = subprocess.run(
        [program("node"), "--version"], capture_output=True, text=True, timeout=30, check=True
    ).stdout.strip()
    if int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        pytest.skip(f"Node.js {version} is older than {OLDEST_NODE}")
    lock = (source / "package-lock.json").read_bytes()
    folder = ROOT / ".venv" / "node" / hashlib.sha256(lock).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    for file in [*source.glob("*.json"), *source.glob("*.mjs")]:
        shutil.copy(file, folder)  # Node looks for packages beside the script
    if not (folder / "installed").exists():
        _install(folder)
        (folder / "installed").touch()
    return folder


def _install(folder: Path) -> None:
    """Install what the lock names, running none of the packages' own scripts."""
    tries = ["--fetch-retries=3", "--fetch-retry-mintimeout=1000", "--fetch-retry-factor=2"]
    quiet = ["--no-audit", "--no-fund", "--prefer-offline"]
    command = [program("npm"), "ci", "--ignore-scripts", *quiet, *tries]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_S
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm could not get the packages in {INSTALL_S} s")
    if done.returncode != 0 and OFFLINE.search(done.stderr):
        pytest.skip("npm could not reach its registry to get the packages")
    assert done.returncode == 0, f"npm ci failed:\n{done.stderr}"
