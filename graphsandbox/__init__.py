"""An offline Entra ID and Microsoft Graph on loopback, for lessons and for tests.

`running()` is a sandbox inside a `with` block, `connect()` one that stays in the background;
both give its addresses and a registered app (a `Ready`). From a shell: `python -m graphsandbox`.
Nothing of the server is imported before one of them is called.
"""

import importlib
from contextlib import AbstractContextManager
from os import PathLike
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .ready import Ready

__all__ = ["connect", "running"]


def running(
    home: str | PathLike[str] | None = None, tls: bool = False
) -> "AbstractContextManager[Ready]":
    """Run a sandbox in a thread of this process, on a free port, as long as the block lasts.

    Without `home` it starts empty and leaves nothing behind. With `tls` its addresses are
    https, under the certificate authority at `.ca`.
    """
    sandbox: AbstractContextManager[Ready] = _load("server").running(home, tls)
    return sandbox


def connect() -> "Ready":
    """Find this user's sandbox, or start one in the background, and return where it is.

    It ends by itself within 10 s after the Jupyter server (or shell) that it was started for.
    In a class (GRAPHSANDBOX_SERVICE_URL) it is the room's, with this learner's own app and user.
    """
    sandbox: Ready = _load("background").connect()
    return sandbox


def _load(name: str) -> ModuleType:
    """Import a module of the server, or say how to install what it needs."""
    try:
        return importlib.import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        how = 'install graph-tutorial-kit with its extra: pip install "PATH[sandbox]"'
        why = f"The sandbox needs {error.name}; {how}, where PATH is the kit's folder."
        raise ModuleNotFoundError(why, name=error.name) from None
