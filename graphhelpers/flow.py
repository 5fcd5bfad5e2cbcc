"""Tasks 2 to 4 as one call, for those who only want a token."""

import sys
import threading
import webbrowser
from collections.abc import Iterable

from .callback import CallbackServer
from .registration import Registration
from .signin import DEFAULT_SCOPES, SignIn, start_sign_in
from .tokens import Token, exchange_code, verify_id_token


def sign_in(
    app: Registration, timeout_s: float = 300.0, scopes: Iterable[str] = DEFAULT_SCOPES
) -> Token:
    """Open the sign-in page, wait for the person, and return a verified Token.

    `timeout_s` is in seconds. Raises what the steps raise: SignInTimeout, SignInRefused,
    CallbackError, TokenRefused, TokenInvalid, NoAnswer.
    """
    attempt = start_sign_in(app, scopes)
    with CallbackServer(app, attempt) as server:
        show_link(attempt)
        # In the background, since some browsers keep `open` waiting until they are closed.
        threading.Thread(target=webbrowser.open, args=(attempt.url,), daemon=True).start()
        code = server.wait(timeout_s)
    token = exchange_code(app, attempt, code)
    if token.id_token:  # none comes without the scope openid
        verify_id_token(app, attempt, token)
    return token


def show_link(attempt: SignIn) -> None:
    """Show the sign-in link: one to click in a notebook, its text in a terminal."""
    ipython = sys.modules.get("IPython")
    if ipython and hasattr(ipython.get_ipython(), "kernel"):  # not IPython in a terminal
        ipython.display.display(attempt)
    else:
        print(f"Sign in here: {attempt.url}")
