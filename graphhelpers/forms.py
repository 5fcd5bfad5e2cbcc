"""Forms for JupyterLab on top of the steps: collect, call one step, say what happened.

Nothing imports this module, and no later cell needs a form: each has `.value`, and beside each
the chapter shows the plain call that does the same.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

try:
    import ipywidgets as widgets
    from traitlets import Any as AnyValue
    from traitlets import Unicode
except ModuleNotFoundError:
    from .checks import require

    require("ipywidgets")
    raise

from .callback import CallbackServer
from .clouds import MICROSOFT, Cloud
from .display import Secret, escaped, shown, table
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
    """A column of fields, and below them what happened; the result is `.value`.

    Where no widgets are drawn it is a line of text, which names the plain call to make instead.
    """

    value = AnyValue(None, allow_none=True)  # stays in the kernel: it isn't synchronized

    def __init__(self, title: str, plain_call: str, *rows: widgets.Widget):
        self.title, self.plain_call = shown(title), plain_call
        self.said = widgets.HTML(layout=WIDE)
        super().__init__([widgets.HTML(f"<b>{escaped(title)}</b>"), *rows, self.said])

    def __repr__(self) -> str:
        if self.value is None:
            return f"{self.title}: no value yet (without widgets: {self.plain_call})"
        return f"{self.title}: {self.value!r}"

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
    typed = Secret()
    redirect_uri = _text("Redirect URI", value=DEFAULT_REDIRECT_URI)
    tenant = _text("Tenant", value="common")
    save = widgets.Button(description="Check and save", icon="check", button_style="primary")
    rows = (client_id, secret, redirect_uri, tenant, save)
    form = Form(f"Registration at {cloud.name}", "Registration(…).save()", *rows)

    def take_secret(text: str) -> None:
        nonlocal typed
        typed = Secret(text.strip())
        secret.placeholder = "Taken, and not shown; type again to replace it"

    def work() -> str:
        uri, where = redirect_uri.value.strip(), tenant.value.strip()
        app = Registration(client_id.value.strip(), typed or None, uri, where, cloud)
        path = app.save()
        form.value = app
        return f"Saved in {path}. Your secret is kept there, and nowhere in this notebook."

    _take_at_once(secret, take_secret)
    save.on_click(lambda _button: form.run(save, work))
    return form


def sign_in_panel(app: Registration, timeout_s: float = 300.0) -> Form:
    """Return a panel that signs in by a link, or by pasting the address; `.value` is the Token."""
    start = widgets.Button(description="Start a sign-in", icon="sign-in", button_style="primary")
    stop = widgets.Button(description="Stop", icon="stop", disabled=True)
    link = widgets.HTML()
    pasted = _text("Other machine?", "Paste the address that the browser ended on")
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
    _take_at_once(pasted, take_pasted)  # it holds the code
    return form


def token_inspector(token: Token) -> Form:
    """Return a view into the tokens' headers and claims, as anyone can read them."""
    present = [name for name in TOKENS if getattr(token, name)]
    which = widgets.Dropdown(options=present, description="Token", style=LABELS, layout=WIDE)
    content = widgets.HTML(layout=WIDE)
    form = Form("Look into a token", "read_jwt(…)", which, content)
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
    """Return a form that sends one mail a click; `.value` is the last Receipt.

    A send has no Stop: what left can't be called back, and it ends by itself within 30 s.
    """
    to, cc, subject = _text("To", "ada@contoso.example, …"), _text("Cc"), _text("Subject")
    body = widgets.Textarea(description="Text", rows=6, **FIELD)
    is_html = widgets.Checkbox(description="The text is HTML", style=LABELS, layout=WIDE)
    files = _text("Attachments", "paths, separated by commas")
    send = widgets.Button(description="Send", icon="paper-plane", button_style="primary")
    rows = (to, cc, subject, body, is_html, files, send)
    form = Form("Write a mail", "send_mail(app, token, Message(…))", *rows)

    def progress(_done: float, _total: float, note: str) -> None:
        form.say(note)

    def work() -> str:
        paths = [path.strip() for path in files.value.split(",") if path.strip()]
        message = Message(
            subject.value, body.value, to.value, cc.value, html=is_html.value, attachments=paths
        )
        form.value = send_mail(app, token, message, progress=progress)
        return f"Graph took the mail to {', '.join(form.value.recipients)}."

    send.on_click(lambda _button: form.run(send, work))
    return form


def _text(label: str, placeholder: str = "", value: str = "") -> widgets.Text:
    return widgets.Text(value, description=label, placeholder=placeholder, **FIELD)


def _take_at_once(field: widgets.Text, take: Callable[[str], None]) -> None:
    """Hand a secret over when it arrives and empty its field: a saved notebook keeps its value.

    The kernel also must not echo what came from the page, as it does with other fields.
    """
    field.add_traits(value=Unicode(field.value).tag(sync=True, echo_update=False))

    def arrived(change: dict[str, Any]) -> None:
        field.value = ""
        if change["new"]:
            take(change["new"])

    field.observe(arrived, "value")


def _plain(claims: dict[str, Any]) -> dict[str, Any]:
    """Return claims with their times also as people write them (RFC 7519 §2: NumericDate)."""
    return {
        name: f"{value} = {datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC"
        if name in ("exp", "iat", "nbf") and isinstance(value, int) and 0 < value < 2**32
        else value
        for name, value in claims.items()
    }
