"""A look into a token: what each claim says, and what happens when somebody changes one."""

import json
from base64 import urlsafe_b64encode
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from ..display import Secret, table
from ..errors import TokenInvalid
from ..registration import Registration
from ..tokens import TOKENS, Token, read_jwt, verify_id_token
from .claims import explained
from .fields import LABELS, WIDE, Form, text_field

if TYPE_CHECKING:
    from ..signin import SignIn


def token_inspector(
    token: Token, app: Registration | None = None, attempt: "SignIn | None" = None
) -> Form:
    """Return a view into the tokens, as anyone can read them; `.value` is the Token.

    With the app and the attempt, a claim of the id_token can be changed and the result verified.
    """
    present = [name for name in TOKENS if getattr(token, name)]
    which = widgets.Dropdown(options=present, description="Token", style=LABELS, layout=WIDE)
    content = widgets.HTML(layout=widgets.Layout(width="98%"))
    claim = widgets.Dropdown(description="Change", style=LABELS, layout=WIDE)
    new = text_field("to", "another value")
    whole = widgets.Layout(width="14rem")  # the usual width would cut its words
    verify = widgets.Button(description="Change and verify", icon="pencil", layout=whole)
    forge = widgets.VBox([claim, new, verify])
    form = Form("Look into a token", "read_jwt(…)", which, content, forge)
    form.value = token

    def show(_change: object = None) -> None:
        forge.layout.display = "none"
        try:
            header, claims = read_jwt(getattr(token, which.value))
        except TokenInvalid as error:
            content.value = ""
            form.say(str(error))
            return
        content.value = table("Header", header) + explained(claims)
        form.say(_worth(which.value, header))
        if app and attempt and which.value == "id_token":
            claim.options = [name for name, value in claims.items() if isinstance(value, str)]
            forge.layout.display = ""

    def fill(_change: object) -> None:
        new.value = read_jwt(token.id_token or "")[1].get(claim.value) or ""

    def work() -> str:
        assert app and attempt  # noqa: S101 (for the type; without them there is no button)
        changed = replace(token, id_token=forged(token.id_token or "", claim.value, new.value))
        try:
            verify_id_token(app, attempt, changed)
        except TokenInvalid as error:
            return f"It reads as well as before, and it is refused.\n{error}"
        return "Nothing was changed: the signature fits, and the token verifies."

    which.observe(show, "value")
    claim.observe(fill, "value")
    verify.on_click(lambda _button: form.run(verify, work))
    show()
    return form


def forged(id_token: str, name: str, value: str) -> Secret:
    """Return the token with one claim changed and its old signature, as a forger could make it."""
    header, _payload, signature = id_token.split(".")
    claims = read_jwt(id_token)[1]
    if claims.get(name) == value:
        return Secret(id_token)
    text = json.dumps(claims | {name: value}).encode()
    return Secret(f"{header}.{urlsafe_b64encode(text).decode().rstrip('=')}.{signature}")


def _worth(which: str, header: dict[str, Any]) -> str:
    """Say whether the signature is yours to check."""
    if which != "id_token":
        return (
            "This is a letter to Graph, and you carry it. Read it to learn; its signature is not"
            " yours to check, and Microsoft may change its form at any time."
        )
    if header.get("alg") == "none":
        return "Unsigned, as version 1 sends it: worth no more than the connection it came by."
    return (
        "This is a letter to you. Anyone can read it; reading proves nothing."
        " verify_id_token(app, attempt, token) does: by the signature, and then the claims."
    )
