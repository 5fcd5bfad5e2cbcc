"""Tasks 2 to 4 as a panel: a link to open, and two doors by which the answer comes in."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import ipywidgets as widgets

from ..errors import CallbackError
from ..registration import Registration
from ..tokens import Token, exchange_code, verify_id_token
from .doors import ByHand, ByItself, Door, Waiting, headline, kernels_place, link_to
from .fields import BUTTONS, WIDE, Form, words

STOPPED = "Stopped, and the port is free again. The link of before leads nowhere now."
REPLACED = "Ended: a newer panel or sign-in took the place of this one. Go on there."

_waiting: dict[object, Waiting] = {}  # by redirect URI, so that a cell run again ends the wait


def sign_in_panel(app: Registration, timeout_s: float = 300.0) -> Form:
    """Return a panel that signs in by a link; `.value` is the Token.

    `timeout_s`, in seconds, is for the person. What follows, the exchange of the code, has no
    Stop and ends by itself within 30 s a request.
    """
    near, advice = kernels_place()
    start = widgets.Button(description="Start a sign-in", icon="sign-in", button_style="primary")
    stop = widgets.Button(description="Stop", icon="stop", disabled=True)
    clock, link = widgets.HTML(), widgets.HTML(layout=WIDE)
    doors: list[Door] = [ByItself(near), ByHand(lambda text: form.say(text))]
    rows = [row for door in doors for row in (headline(door.head), *door.rows)]
    buttons = widgets.HBox([start, stop, clock], layout=BUTTONS)
    form = Form("Sign in", "token = sign_in(app)", words(advice), buttons, link, *rows)
    place = getattr(app, "redirect_uri", None)
    _end(place, REPLACED)

    def work() -> str:
        _end(place, REPLACED)
        waiting = _waiting[place] = Waiting(app)
        try:
            trouble = "".join([door.open(waiting) for door in doors])
            link.value = link_to(waiting.attempt.url)
            form.say(f"{trouble}Waiting for your sign-in, for {timeout_s:.0f} s at most.")
            stop.disabled = False
            with _shown_on(clock, timeout_s):
                code = waiting.server.wait(timeout_s)
        except CallbackError:
            if waiting.ended:
                return waiting.ended
            raise
        finally:
            link.value, stop.disabled = "", True
            for door in doors:
                door.close()
            waiting.server.stop()
            if _waiting.get(place) is waiting:
                del _waiting[place]
        form.say("The answer is here. Asking for the token …")
        form.value = _token(app, waiting, code)
        return f"Signed in. Granted: {form.value.scope}"

    start.on_click(lambda _button: form.run(start, work))
    stop.on_click(lambda _button: _end(place, STOPPED))
    return form


def _token(app: Registration, waiting: Waiting, code: str) -> Token:
    token = exchange_code(app, waiting.attempt, code)
    if token.id_token:  # none comes without the scope openid
        verify_id_token(app, waiting.attempt, token)
    return token


def _end(place: object, why: str) -> None:
    if waiting := _waiting.get(place):
        waiting.end(why)


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
