"""Task 1 as a form: the values of a registration, checked and saved."""

import ipywidgets as widgets

from ..clouds import MICROSOFT, Cloud
from ..display import Secret
from ..places import suggest_redirect_uri
from ..registration import DEFAULT_REDIRECT_URI, Registration
from .fields import FIELD, Form, take_at_once, text_field, words


def registration_form(cloud: Cloud = MICROSOFT) -> Form:
    """Return a form that checks a registration and saves it; `.value` is the Registration."""
    client_id = text_field("Client ID", "Application (client) ID")
    secret = widgets.Password(description="Client secret", **FIELD)
    typed = Secret()
    here = suggest_redirect_uri()
    redirect_uri = text_field("Redirect URI", value=here.uri or DEFAULT_REDIRECT_URI)
    why = words(f"Redirect URI for here: {here.why}")
    tenant = text_field("Tenant", value="common")
    save = widgets.Button(description="Check and save", icon="check", button_style="primary")
    rows = (client_id, secret, redirect_uri, why, tenant, save)
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

    take_at_once(secret, take_secret)
    save.on_click(lambda _button: form.run(save, work))
    return form
