"""Tasks 2 to 4 as a panel: a link to open or a code to type, and the doors of the answer."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import ipywidgets as widgets

from ..device import DeviceSignIn
from ..errors import CallbackError
from ..registration import DEFAULT_REDIRECT_URI, Registration
from ..signin import SignIn
from ..tokens import Token, exchange_code, verify_id_token
from .doors import (
    ByCode,
    ByHand,
    ByItself,
    Waiting,
    WaitingForCode,
    advice,
    headline,
    link_to,
)
from .fields import BUTTONS, WIDE, Form, words

STOPPED = "Stopped, and the port is free again. The link or code of before leads nowhere now."
REPLACED = "Ended: a newer panel or sign-in took the place of this one. Go on there."

PLAIN = "token = sign_in(app), or by a code: start_device_sign_in(app)"

# By redirect URI and kind, so that a cell run again ends the wait.
_waiting: dict[tuple[str, str], Waiting | WaitingForCode] = {}
W = TypeVar("W", Waiting, WaitingForCode)


def sign_in_panel(app: Registration, timeout_s: float = 300.0) -> Form:
    """Return a panel that signs in by a link; `.value` is the Token.

    `timeout_s`, in seconds, is for the person. What follows, the exchange of the code, has no
    Stop and ends by itself within 30 s a request.
    """
    place = getattr(app, "redirect_uri", DEFAULT_REDIRECT_URI)
    near, which = advice(place)
    start = widgets.Button(description="Start a sign-in", icon="sign-in", button_style="primary")
    stop = widgets.Button(description="Stop", icon="stop", disabled=True)
    clock, link = widgets.HTML(), widgets.HTML(layout=WIDE)
    doors: list[ByItself | ByHand] = [ByItself(near), ByHand(lambda text: form.say(text))]
    by_code = ByCode()
    rows = [row for door in (*doors, by_code) for row in (headline(door.head), *door.rows)]
    buttons = widgets.HBox([start, stop, clock], layout=BUTTONS)
    form = Form("Sign in", PLAIN, words(which), buttons, link, *rows)
    _end(place, REPLACED)

    def follow_link() -> str:
        _end(place, REPLACED, "link")
        with _under_way(place, "link", Waiting(app), stop) as waiting:
            try:
                trouble = "".join([door.open(waiting) for door in doors])
                link.value = link_to(waiting.attempt.url)
                form.say(f"{trouble}Waiting for your sign-in, for {timeout_s:.0f} s at most.")
                with _shown_on(clock, timeout_s):
                    code = waiting.server.wait(timeout_s)
            except CallbackError:
                if waiting.ended is None:
                    raise
                return waiting.ended
            finally:
                link.value = ""
                for door in doors:
                    door.close()
                waiting.server.stop()
        _end(place, "", "code")
        form.say("The answer is here. Asking for the token …")
        return _done(form, app, waiting.attempt, exchange_code(app, waiting.attempt, code))

    def type_code() -> str:
        _end(place, REPLACED, "code")
        with _under_way(place, "code", WaitingForCode(app), stop) as waiting:
            try:
                by_code.show(waiting.device)
                form.say(f"Waiting for the code to be typed, for {timeout_s:.0f} s at most.")
                token = waiting.device.wait(timeout_s)
            except CallbackError:
                if waiting.ended is None:
                    raise
                return waiting.ended
            finally:
                by_code.hide()
        said = _done(form, app, waiting.device, token)
        _end(place, said, "link")
        return said

    start.on_click(lambda _button: form.run(start, follow_link))
    by_code.button.on_click(lambda _button: form.run(by_code.button, type_code))
    stop.on_click(lambda _button: _end(place, STOPPED))
    return form


def _done(form: Form, app: Registration, attempt: SignIn | DeviceSignIn, token: Token) -> str:
    if token.id_token:  # none comes without the scope openid
        verify_id_token(app, attempt, token)
    form.value = token
    return f"Signed in. Granted: {token.scope}"


def _end(place: str, why: str, *kinds: str) -> None:
    for kind in kinds or ("link", "code"):
        if waiting := _waiting.get((place, kind)):
            waiting.end(why)


@contextmanager
def _under_way(place: str, kind: str, waiting: W, stop: widgets.Button) -> Iterator[W]:
    """Keep the wait where a newer one, or Stop, finds it; Stop is there while any is."""
    _waiting[place, kind] = waiting
    stop.disabled = False
    try:
        yield waiting
    finally:
        if _waiting.get((place, kind)) is waiting:
            del _waiting[place, kind]
        stop.disabled = not any((place, one) in _waiting for one in ("link", "code"))


@contextmanager
def _shown_on(clock: widgets.HTML, timeout_s: float) -> Iterator[None]:
    """Show the seconds left; a timer is not read out by a screen reader at each change."""
    over, ends = threading.Event(), time.monotonic() + timeout_s

    def tick() -> None:
        while not over.is_set():
            left = max(0.0, ends - time.monotonic())
            clock.value = f'<span role="timer">{left:.0f} s left</span>'
            over.wait(1)

    ticker = threading.Thread(target=tick, daemon=True)
    ticker.start()
    try:
        yield
    finally:
        over.set()
        ticker.join()
        clock.value = ""
