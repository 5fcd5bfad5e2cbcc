"""The form of the registration, and what all forms share."""

import stat

import ipywidgets as widgets
import pytest

from graphhelpers import Registration, sandbox_cloud
from graphhelpers.forms import (
    Form,
    mail_composer,
    registration_form,
    sign_in_panel,
    token_inspector,
)

from .form_hands import HOSTILE, click, fill, parts, shown


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.setenv("GRAPHHELPERS_HOME", str(tmp_path))
    return tmp_path


CLOUD = sandbox_cloud("http://localhost:1", "http://localhost:1")
CLIENT_ID = "11112222-bbbb-3333-cccc-4444dddd5555"


def test_a_registration_is_checked_saved_and_its_secret_leaves_the_field(home):
    form = registration_form(CLOUD)
    fields = fill(form, Client_ID=f" {CLIENT_ID} ", Client_secret="canary~secret ")
    assert "Saved in" in click(form, "Check and save")
    assert fields["Client secret"].value == "" and "canary" not in shown(form) + repr(form)
    assert form.value == Registration(CLIENT_ID, "canary~secret", cloud=CLOUD)
    assert Registration.load(CLOUD) == form.value
    assert stat.S_IMODE((home / "registrations.json").stat().st_mode) == 0o600


def test_without_a_secret_it_is_a_public_client(home):
    form = registration_form(CLOUD)
    fill(form, Client_ID=CLIENT_ID)
    click(form, "Check and save")
    assert form.value.client_secret is None


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"Client_ID": ""}, "client_id is empty"),
        ({"Client_ID": "mail tutor"}, "odd character"),
        ({"Client_secret": "99999999-bbbb-3333-cccc-4444dddd5555"}, "Secret ID"),
        ({"Redirect_URI": "http://example.org/cb"}, "its host must be localhost"),
        ({"Tenant": "https://login.microsoftonline.com/common"}, "not a tenant"),
        ({"Redirect_URI": HOSTILE[0]}, "odd character"),
    ],
)
def test_what_cannot_be_right_is_refused_and_nothing_is_saved(home, values, complaint):
    form = registration_form(CLOUD)
    fill(form, **{"Client_ID": CLIENT_ID, "Client_secret": "canary~secret"} | values)
    text = click(form, "Check and save")
    assert text.startswith("RegistrationError") and complaint in text and "Try:" in text
    assert parts(form)["Client secret"].value == "" and "canary" not in shown(form)
    assert form.value is None and list(home.iterdir()) == []
    fill(form, Client_ID=CLIENT_ID, Client_secret="canary~2", Tenant="common")
    fill(form, Redirect_URI="http://localhost:8000/connect/get_token/")
    assert "Saved" in click(form, "Check and save")  # the form stays usable


@pytest.mark.case("F200")
def test_what_nobody_expected_is_shown_in_the_form_which_stays_usable():
    button, works = widgets.Button(description="Go"), [lambda: 1 / 0, lambda: "Done."]
    form = Form("A form of one's own", "f()", button)
    button.on_click(lambda _button: form.run(button, works.pop(0)))
    assert click(form, "Go") == "Unexpected ZeroDivisionError; please report it."
    assert click(form, "Go") == "Done."


@pytest.mark.case("F200", "F204")
def test_a_typed_secret_leaves_its_field_at_once_and_survives_a_refusal(home):
    form = registration_form(CLOUD)
    field = fill(form, Client_ID="a slip", Client_secret="canary~secret")["Client secret"]
    assert field.value == "" and "Taken" in field.placeholder
    assert click(form, "Check and save").startswith("RegistrationError")
    fill(form, Client_ID=CLIENT_ID)
    assert "Saved in" in click(form, "Check and save")
    assert form.value.client_secret == "canary~secret" and "canary" not in shown(form) + repr(form)


def test_a_form_for_another_cloud_says_which():
    assert "Microsoft" in repr(registration_form()) and "no value yet" in repr(registration_form())


@pytest.mark.case("F205")
def test_without_widgets_a_form_is_a_line_of_text_that_names_the_plain_call(app, token):
    for form, call in (
        (registration_form(), "Registration(…).save()"),
        (
            sign_in_panel(app),
            "token = sign_in(app), or by a code: start_device_sign_in(app)",
        ),
        (mail_composer(app, token), "send_mail(app, token, Message(…))"),
    ):
        assert repr(form) == f"{form.title}: no value yet (without widgets: {call})"
        assert form._repr_mimebundle_()["text/plain"]
    assert len(repr(token_inspector(token))) < 500
    assert "canary" not in repr(token_inspector(token))
