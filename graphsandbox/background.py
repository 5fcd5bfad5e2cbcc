"""`graphsandbox.connect()`: this user's sandbox in the background, found or started.

Any number of kernels may ask at once. Each that finds none starts one; the store lets a single
process have the home, so the others end at once (exit code HOME_IN_USE), and whoever started
them finds the winner by its ready.json.
"""

import contextlib
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any, BinaryIO

import psutil
import requests

from . import hub_address, membership, public, ready
from .ready import HOME_IN_USE, Ready

START_S = 20.0  # how long a start may take on a busy machine
ANSWER_S = 3.0  # how long a running sandbox may take to say who it is
LOG = "sandbox.log"

_started: list[subprocess.Popen[bytes]] = []  # kept, so that Python can collect them at their end


class SandboxFailed(RuntimeError):
    """No sandbox could be found or started."""


def connect() -> Ready:
    """Return the class's sandbox, or that of this user's home; start it when it is not there."""
    if service := os.environ.get("GRAPHSANDBOX_SERVICE_URL"):
        return membership.join(service.rstrip("/"))
    home = ready.default_home()
    owner = owner_pid()
    found = _join(home, owner)
    address = None if found and found.public else public_address()
    if found and not address:
        return found
    if found:  # it was started before its address was known, and stays what it is when it restarts
        _end(found)
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if found := _join(home, owner):
            return found
        try:
            child = _start(home, owner, address)
        except OSError as error:
            raise SandboxFailed(f"Can't use {home} as the sandbox's home: {error}") from error
        _wait_for_answer(home, child, deadline)
        if child.poll() not in (None, HOME_IN_USE):
            raise SandboxFailed(
                f"The sandbox ended at once (exit code {child.returncode}).\n{_log_end(home)}"
            )
    raise SandboxFailed(f"No sandbox answered within {START_S:g} s.\n{_log_end(home)}")


def owner_pid() -> int:
    """Return the process that a sandbox is started for.

    For a kernel that is the program which started the kernel (a Jupyter server, pytest,
    nbclient: ipykernel is told its number), else the shell; if neither is there, we ourselves.
    On Windows the kernel's variable holds a handle and no process number.
    """
    told = os.environ.get("JPY_PARENT_PID", "")
    if sys.platform != "win32" and told.isdecimal() and psutil.pid_exists(int(told)):
        return int(told)
    parent = os.getppid()
    return parent if parent > 1 and psutil.pid_exists(parent) else os.getpid()


def public_address() -> str | None:
    """Return the base that browsers reach a sandbox of this machine by, as far as it is known.

    GRAPHSANDBOX_PUBLIC names it, with {port} for the sandbox's port. A hub that knows its own
    address (JupyterHub.public_url) tells it to its servers, and jupyter-server-proxy brings
    `proxy/PORT` below it to the port. On a hub that doesn't, the notebook's browser is asked, and
    what it said stands in the hub's variable from then on, for all that reads it in this kernel.
    """
    if named := os.environ.get("GRAPHSANDBOX_PUBLIC"):
        return named
    path = os.environ.get("JUPYTERHUB_SERVICE_PREFIX")
    if path and not os.environ.get("JUPYTERHUB_PUBLIC_URL"):
        if not (told := _told_by_the_browser(path)):
            return None
        os.environ["JUPYTERHUB_PUBLIC_URL"] = told
    server = os.environ.get("JUPYTERHUB_PUBLIC_URL", "")
    return f"{server.rstrip('/')}/proxy/{{port}}" if server else None


def _told_by_the_browser(path: str) -> str | None:
    """Return the server's address, or None with a word about what that means and what to do."""
    try:
        told = hub_address.ask(path)
        public.parse(told, 0)
        return told
    except hub_address.NoBrowser as error:
        why = str(error)
    except ValueError as error:
        why = f"the browser's can't be used. {error}"
    warnings.warn(
        f"This hub doesn't tell its address, and {why} The sandbox's links lead to the kernel's "
        "own machine, which your browser may not reach. To name the address, set "
        f"GRAPHSANDBOX_PUBLIC to https://HUB{path}proxy/{{port}}, with HUB as your browser shows "
        "it, and run this again.",
        stacklevel=5,  # the line that called graphsandbox.connect()
    )
    return None


def _join(home: Path, owner: int) -> Ready | None:
    """Return the sandbox that answers for this home, once it lives for the owner too."""
    said = ready.read(home)
    if said is None or not psutil.pid_exists(said.pid):
        return None
    with requests.Session() as session:
        session.trust_env = False  # a proxy has no business on loopback
        session.verify = said.ca or True
        try:
            answer = session.get(f"{said.authority}/_control/ready", timeout=ANSWER_S)
            if not answer.ok or answer.json().get("pid") != said.pid:
                return None
            owned = session.post(
                f"{said.authority}/_control/owners", json={"pid": owner}, timeout=ANSWER_S
            )
        except (OSError, ValueError, AttributeError):  # what requests raises is an OSError too
            return None
    return said if owned.ok else None


def _end(found: Ready) -> None:
    """Stop a sandbox and wait until it has; nobody may have collected it (a zombie)."""
    deadline = time.monotonic() + START_S
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(found.pid)
        process.terminate()
        while process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
            time.sleep(0.02)


def _start(home: Path, owner: int, address: str | None) -> subprocess.Popen[bytes]:
    """Start a sandbox that does not end with this process, nor by its Ctrl-C."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    arguments = ["--port", "0", "--home", str(home), "--owner", str(owner)]
    if address:
        arguments += ["--public", address]
    with _open_log(home) as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "graphsandbox", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # the ready line holds a secret, so it is not for the log
            stderr=log,
            cwd=home,  # a notebook's own random.py or email.py must not shadow Python's
            env=_environment(),
            close_fds=True,
            **_detached(),
        )
    _started[:] = [one for one in _started if one.poll() is None] + [child]
    return child


def _detached() -> dict[str, Any]:
    if sys.platform == "win32":
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
        return {"creationflags": flags}
    return {"start_new_session": True}


def _environment() -> dict[str, str]:
    """Return our environment, so changed that a package which isn't installed is found too."""
    parent = Path(__file__).resolve().parent.parent
    if parent.name in ("site-packages", "dist-packages"):
        return dict(os.environ)
    paths = [path for path in (os.environ.get("PYTHONPATH"), str(parent)) if path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _open_log(home: Path) -> BinaryIO:
    """Open the log at its end, for its owner's eyes only."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    return os.fdopen(os.open(home / LOG, flags, 0o600), "ab")


def _wait_for_answer(home: Path, child: subprocess.Popen[bytes], deadline: float) -> None:
    """Return when the child has said that it answers, or has ended."""
    while child.poll() is None and time.monotonic() < deadline:
        said = ready.read(home)
        if said is not None and said.pid == child.pid:
            return
        time.sleep(0.01)
    time.sleep(0.05 if child.poll() == HOME_IN_USE else 0)  # the winner may be starting still


def _log_end(home: Path) -> str:
    try:
        return (home / LOG).read_text(encoding="utf-8", errors="replace")[-1000:]
    except OSError:
        return ""
