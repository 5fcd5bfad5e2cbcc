"""The doors by which a sign-in's answer comes in, and which of them fits the place of the kernel.

One more (a device code, say) is one more class with a `head`, `rows`, `open` and `close`, and one
more line in the panel's list.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import ipywidgets as widgets

from ..callback import CallbackServer
from ..display import escaped
from ..errors import CallbackError, GraphHelpersError
from ..registration import Registration
from ..signin import start_sign_in
from .fields import WIDE, take_at_once, text_field, words

# By the beginning of an environment variable's name. The first that is set counts: Binder runs
# JupyterHub, and a codespace is a development container.
ELSEWHERE = {
    "COLAB_": "Google Colab",
    "BINDER_": "Binder",
    "CODESPACES": "GitHub Codespaces",
    "JUPYTERHUB_USER": "JupyterHub",
    "JUPYTERHUB_SERVICE_PREFIX": "JupyterHub",
    "REMOTE_CONTAINERS": "a development container",
    "DEVCONTAINER": "a development container",
    "SSH_CONNECTION": "SSH",
}
IN_CASE = "should the page not load after signing in, use door 2."


def kernels_place(
    environ: Mapping[str, str] = os.environ, docker: Path = Path("/.dockerenv")
) -> tuple[bool, str]:
    """Return whether the browser reaches this kernel's localhost, as far as can be told, and why.

    Nothing is certain: a port may be forwarded, and no variable says where the browser is.
    """
    found = [
        words for start, words in ELSEWHERE.items() if any(n.startswith(start) for n in environ)
    ]
    if found or docker.exists():
        where = found[0] if found else "a container"
        return False, (
            "It looks as if this kernel runs on another machine than your browser"
            f" ({where}): use door 2."
        )
    if "WSL_DISTRO_NAME" in environ:
        return True, f"This kernel runs in WSL, where door 1 mostly works; {IN_CASE}"
    return True, f"Kernel and browser seem to be on one machine: door 1 works; {IN_CASE}"


class Waiting:
    """A sign-in under way."""

    def __init__(self, app: Registration):
        self.attempt = start_sign_in(app)
        self.server = CallbackServer(app, self.attempt)
        self.ended = ""  # why, when it was ended before its time

    def end(self, why: str) -> None:
        self.ended = why
        self.server.stop()


class ByItself:
    """The browser brings the answer to the listener."""

    def __init__(self, near: bool):
        mark = "works here" if near else "probably not here"
        self.head = f"Door 1: the answer comes by itself ({mark})"
        how = "Open the link, sign in, and come back here."
        self.rows = (words(how),)

    def open(self, waiting: Waiting) -> str:
        """Listen; return what the person has to know, which is nothing when all is well."""
        try:
            waiting.server.start()
        except CallbackError as error:
            return f"Door 1 is shut, door 2 works. {error.what}\n  Why: {error.why}\n"
        return ""

    def close(self) -> None:
        pass  # the listener goes with the wait


class ByHand:
    """The person brings the address that the browser ended on."""

    head = "Door 2: you bring the answer (works everywhere)"

    def __init__(self, say: Callable[[str], None]):
        how = (
            "Open the link and sign in. If the last page doesn’t load, its address still holds the"
            " answer: copy all of it from the browser’s address bar, paste it here, press Enter."
        )
        address = text_field("Address", "http://localhost…?code=…")
        self.rows = (words(how), address)
        self._say = say
        self._waiting: Waiting | None = None
        take_at_once(address, self._take)  # it holds the code

    def open(self, waiting: Waiting) -> str:
        self._waiting = waiting
        return ""

    def close(self) -> None:
        self._waiting = None

    def _take(self, address: str) -> None:
        if not self._waiting:
            self._say("Start a sign-in first, and open its link: each address fits one sign-in.")
            return
        try:
            self._waiting.server.accept(address)
        except CallbackError as error:
            self._say(f"{error.what}\n  Why: {error.why}\nThe sign-in still waits for its address.")
        except GraphHelpersError:
            pass  # it ended the wait, which tells it


Door = ByItself | ByHand


def headline(text: str) -> widgets.HTML:
    return widgets.HTML(f"<b>{escaped(text)}</b>", layout=WIDE)


def link_to(page: str) -> str:
    """Return the link underlined: JupyterLab takes a link's looks away in widgets."""
    url = escaped(page, longest=len(page))  # half a link leads nowhere
    style = "text-decoration:underline;color:var(--jp-content-link-color,inherit)"
    link = f'<a href="{url}" target="_blank" rel="noreferrer" style="{style}"><b>Sign in</b></a>'
    return f"{link} at {escaped(urlsplit(page).netloc)} (opens a new tab)"
