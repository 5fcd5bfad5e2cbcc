"""Forms for JupyterLab on top of the steps: collect, call one step, say what happened.

Nothing imports this module, and no later cell needs a form: each has `.value`, and beside each
the chapter shows the plain call that does the same.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import ipywidgets as widgets
from traitlets import Any as AnyValue

from .callback import CallbackServer
from .clouds import MICROSOFT, Cloud
from .display import escaped, table
from .errors import GraphHelpersError, TokenInvalid
from .mail import Message, send_mail
from .registration import DEFAULT_REDIRECT_URI, Registration
from .signin import start_sign_in
from .tokens import TOKENS, Token, exchange_code, read_jwt, verify_id_token

WIDE = widgets.Layout(width="min(40rem, 98%)")
LABELS = {"description_width": "7rem"}
# A field is sent once, when one leaves it: sent letter by letter, its end may come after a click.
FIELD = {"style": LABELS, "layout": WIDE, "continuous_update": False}


class Form(widgets.VBox):  # type: ignore[misc]
    """A column of fields, and below them what happened; the result is `.value`."""

    value = AnyValue(None, allow_none=True)  # stays in the kernel: it isn't synchronized

    def __init__(self, title: str, *rows: widgets.Widget):
        self.title = title
        self.said = widgets.HTML(layout=WIDE)
        super().__init__([widgets.HTML(f"<b>{escaped(title)}</b>"), *rows, self.said])

    def __repr__(self) -> str:
        return f"{self.title}: {'no value yet' if self.value is None else repr(self.value)}"

    def say(self, text: str) -> None:
        """Show plain text; foreign text goes no other way."""
        self.said.value = f'<div role="status" style="white-space:pre-wrap">{escaped(text)}</div>'

    def run(self, button: widgets.Button, work: Callable[[], str]) -> None:
        """Do the work of a click in the background, its button disabled until the outcome."""
        if button.disabled:  # the second of a double click, sent before the page heard of it
            return
        button.disabled = True
        self.say("Working …")

        def finish() -> None:
            try:
                self.say(work())
            except GraphHelpersError as error:
                self.say(f"{type(error).__name__}: {error}")
            except Exception as error:  # shown here, since nobody reads a thread's traceback
                self.say(f"Unexpected {type(error).__name__}; please report it.")
            finally:
                button.disabled = False

        threading.Thread(target=finish, daemon=True).start()


def registration_form(cloud: Cloud = MICROSOFT) -> Form:
    """Return a form that checks a registration and saves it; `.value` is the Registration."""
    client_id = _text("Client ID", "Application (client) ID")
    secret = widgets.Password(description="Client secret", **FIELD)
    redirect_uri = _text("Redirect URI", value=DEFAULT_REDIRECT_URI)
    tenant = _text("Tenant", value="common")
    save = widgets.Button(description="Check and save", icon="check", button_style="primary")
    form = Form(f"Registration at {cloud.name}", client_id, secret, redirect_uri, tenant, save)

    def work() -> str:
        typed, secret.value = secret.value.strip(), ""  # a saved notebook keeps widget state
        uri, where = redirect_uri.value.strip(), tenant.value.strip()
        app = Registration(client_id.value.strip(), typed or None, uri, where, cloud)
        path = app.save()
        form.value = app
        return f"Saved in {path}. The field of the secret is empty again; it is kept there."

    save.on_click(lambda _button: form.run(save, work))
    return form


def sign_in_panel(app: Registration, timeout_s: float = 300.0) -> Form:
    """Return a panel that signs in by a link, or by pasting the address; `.value` is the Token."""
    start = widgets.Button(description="Start a sign-in", icon="sign-in", button_style="primary")
    stop = widgets.Button(description="Stop", icon="stop", disabled=True)
    link = widgets.HTML()
    pasted = _text("Other machine?", "Paste the address that the browser ended on")
    form = Form("Sign in", widgets.HBox([start, stop]), link, pasted)
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

    def take_pasted(change: dict[str, Any]) -> None:
        address, pasted.value = change["new"], ""  # it holds the code
        if address and not server:
            form.say("Start a sign-in first, and open its link on the other machine.")
        elif address and server:
            try:
                server.accept(address)
            except GraphHelpersError as error:
                form.say(f"{type(error).__name__}: {error}")

    start.on_click(lambda _button: form.run(start, work))
    stop.on_click(end)
    pasted.observe(take_pasted, "value")
    return form


def token_inspector(token: Token) -> Form:
    """Return a view into the tokens' headers and claims, as anyone can read them."""
    present = [name for name in TOKENS if getattr(token, name)]
    which = widgets.Dropdown(options=present, description="Token", style=LABELS, layout=WIDE)
    content = widgets.HTML(layout=WIDE)
    form = Form("Look into a token", which, content)
    form.value = token

    def show(_change: object = None) -> None:
        try:
            header, claims = read_jwt(getattr(token, which.value))
            content.value = table("Header", header) + table("Claims", _plain(claims))
            form.say("Anyone can read this; reading proves nothing. verify_id_token(…) does.")
        except TokenInvalid as error:
            content.value = ""
            form.say(str(error))

    which.observe(show, "value")
    show()
    return form


def mail_composer(app: Registration, token: Token) -> Form:
    """Return a form that sends one mail a click; `.value` is the last Receipt."""
    to, cc, subject = _text("To", "ada@contoso.example, …"), _text("Cc"), _text("Subject")
    body = widgets.Textarea(description="Text", rows=6, **FIELD)
    is_html = widgets.Checkbox(description="The text is HTML", style=LABELS, layout=WIDE)
    files = _text("Attachments", "paths, separated by commas")
    send = widgets.Button(description="Send", icon="paper-plane", button_style="primary")
    form = Form("Write a mail", to, cc, subject, body, is_html, files, send)

    def work() -> str:
        paths = [path.strip() for path in files.value.split(",") if path.strip()]
        message = Message(
            subject.value, body.value, to.value, cc.value, html=is_html.value, attachments=paths
        )
        form.value = send_mail(app, token, message)
        return f"Graph took the mail to {', '.join(form.value.recipients)}."

    send.on_click(lambda _button: form.run(send, work))
    return form


def _text(label: str, placeholder: str = "", value: str = "") -> widgets.Text:
    return widgets.Text(value, description=label, placeholder=placeholder, **FIELD)


def _plain(claims: dict[str, Any]) -> dict[str, Any]:
    """Return claims with their times also as people write them (RFC 7519 §2: NumericDate)."""
    return {
        name: f"{value} = {datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC"
        if name in ("exp", "iat", "nbf") and isinstance(value, int) and 0 < value < 2**32
        else value
        for name, value in claims.items()
    }
