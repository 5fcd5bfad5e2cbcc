"""The doors by which a sign-in's answer comes in, and which of them fit the place of the kernel."""

from collections.abc import Callable
from urllib.parse import urlsplit

import ipywidgets as widgets

from ..callback import CallbackServer
from ..clouds import is_loopback
from ..device import DeviceSignIn, start_device_sign_in
from ..display import escaped
from ..errors import CallbackError, GraphHelpersError
from ..places import suggest_redirect_uri
from ..registration import Registration
from ..signin import start_sign_in
from .fields import TEXT, WIDE, take_at_once, text_field, words

# JupyterLab takes a link's looks away in widgets.
LINK = "text-decoration:underline;color:var(--jp-content-link-color,inherit)"
WHEN_NOT = "should the page not load after signing in, use door 2 or 3."


def advice(redirect_uri: str) -> tuple[bool, str]:
    """Return whether door 1 works here, as far as can be told, and which doors to use and why."""
    here = suggest_redirect_uri()
    # There a proxy brings the answer to the kernel, wherever that runs.
    brought = not is_loopback(urlsplit(redirect_uri).hostname) or "/proxy/" in redirect_uri
    if here.near or brought:
        return True, f"{here.why} Door 1 works; {WHEN_NOT}"
    return False, f"{here.why} Your browser may not reach it: use door 2 or 3."


class Waiting:
    """A sign-in by a link, under way."""

    ended: str | None = None  # in words, when it was ended before its time; "" needs no word

    def __init__(self, app: Registration):
        self.attempt = start_sign_in(app)
        self.server = CallbackServer(app, self.attempt)

    def end(self, why: str) -> None:
        self.ended = why
        self.server.stop()


class WaitingForCode:
    """A sign-in by a code, under way."""

    ended: str | None = None

    def __init__(self, app: Registration):
        self.device = start_device_sign_in(app)

    def end(self, why: str) -> None:
        self.ended = why
        self.device.stop()


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
            return f"Door 1 is shut, doors 2 and 3 work. {error.what}\n  Why: {error.why}\n"
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


class ByCode:
    """The person types a code on another page; nothing has to come back."""

    head = "Door 3: you type a code on another page (works everywhere)"

    def __init__(self) -> None:
        how = (
            "Press the button, and on any device open the page that is shown then: it asks for the"
            " code. (At Microsoft the app has to allow public client flows.)"
        )
        self.button = widgets.Button(description="Get a code", icon="keyboard")
        self._place = widgets.HTML(layout=WIDE)
        self.rows = (words(how), self.button, self._place)

    def show(self, device: DeviceSignIn) -> None:
        shown = device._repr_html_().replace("<a ", f'<a style="{LINK}" ')
        self._place.value = f'<div role="status" style="{TEXT}">{shown}</div>'

    def hide(self) -> None:
        self._place.value = ""


def headline(text: str) -> widgets.HTML:
    return widgets.HTML(f"<b>{escaped(text)}</b>", layout=WIDE)


def link_to(page: str) -> str:
    url = escaped(page, longest=len(page))  # half a link leads nowhere
    link = f'<a href="{url}" target="_blank" rel="noreferrer" style="{LINK}"><b>Sign in</b></a>'
    return f"{link} at {escaped(urlsplit(page).netloc)} (opens a new tab)"
