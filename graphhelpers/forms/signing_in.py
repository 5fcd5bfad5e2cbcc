"""Tasks 2 to 4 as a panel: a link to open, and a place to paste the address it ended on."""

import ipywidgets as widgets

from ..callback import CallbackServer
from ..errors import GraphHelpersError
from ..registration import Registration
from ..signin import start_sign_in
from ..tokens import exchange_code, verify_id_token
from .fields import Form, take_at_once, text_field


def sign_in_panel(app: Registration, timeout_s: float = 300.0) -> Form:
    """Return a panel that signs in by a link, or by pasting the address; `.value` is the Token."""
    start = widgets.Button(description="Start a sign-in", icon="sign-in", button_style="primary")
    stop = widgets.Button(description="Stop", icon="stop", disabled=True)
    link = widgets.HTML()
    pasted = text_field("Other machine?", "Paste the address that the browser ended on")
    form = Form("Sign in", "token = sign_in(app)", widgets.HBox([start, stop]), link, pasted)
    server: CallbackServer | None = None

    def work() -> str:
        nonlocal server
        attempt = start_sign_in(app)
        with CallbackServer(app, attempt) as server:
            link.value = attempt._repr_html_()
            stop.disabled = False
            form.say(f"Waiting at {server.url}, for {timeout_s:.0f} s at most …")
            try:
                code = server.wait(timeout_s)
            finally:
                link.value, stop.disabled = "", True
        token = exchange_code(app, attempt, code)
        verify_id_token(app, attempt, token)
        form.value = token
        return f"Signed in. Granted: {token.scope}"

    def end(_button: widgets.Button) -> None:
        if server:
            server.stop()

    def take_pasted(address: str) -> None:
        if not server:
            form.say("Start a sign-in first, and open its link on the other machine.")
            return
        try:
            server.accept(address)
        except GraphHelpersError as error:
            form.say(f"{type(error).__name__}: {error}")

    start.on_click(lambda _button: form.run(start, work))
    stop.on_click(end)
    take_at_once(pasted, take_pasted)  # it holds the code
    return form
