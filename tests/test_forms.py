import html
import json
import re
import stat
import threading

import ipywidgets as widgets
import pytest

from graphhelpers import Registration, Secret, Token, sandbox_cloud
from graphhelpers.forms import (
    Form,
    mail_composer,
    registration_form,
    sign_in_panel,
    token_inspector,
)

from .kit import (
    answer_with,
    app_at,
    as_json,
    asked,
    bend,
    browse,
    last_address,
    mails,
    signed_in,
    until,
)
from .test_tokens import jwt_of, trap_token
from .trap import Trap

SEND = "/v1.0/me/sendMail"
ADA = "ada@contoso.example"
HOSTILE = ['<img src=x onerror="alert(1)">', '"><svg onload=alert(1)>', "<script>alert(1)</script>"]


def parts(form: Form) -> dict[str, widgets.Widget]:
    """Return a form's fields and buttons by what stands on them."""
    found, waiting = {}, list(form.children)
    while waiting:
        one = waiting.pop(0)
        waiting += getattr(one, "children", ())
        if name := getattr(one, "description", ""):
            found[name] = one
    return found


def fill(form: Form, **values: object) -> dict[str, widgets.Widget]:
    fields = parts(form)
    for name, value in values.items():
        fields[name.replace("_", " ")].value = value
    return fields


def click(form: Form, name: str) -> str:
    """Press a button and return what the form said when the work was done."""
    parts(form)[name].click()
    until(lambda: not parts(form)[name].disabled)
    return said(form)


def said(form: Form) -> str:
    return html.unescape(re.sub("<[^>]+>", "", form.said.value))


def shown(form: Form) -> str:
    """Return all the HTML that the form shows, and all that a notebook would keep of it."""
    state = "".join(json.dumps(one.get_state(), default=str) for one in everything(form))
    return state + "".join(one.value for one in everything(form) if isinstance(one, widgets.HTML))


def everything(form: Form) -> list[widgets.Widget]:
    found, waiting = [], [form]
    while waiting:
        found.append(waiting.pop())
        waiting += getattr(found[-1], "children", ())
    return found


# --- Registration


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
        ({"Client_ID": "my app"}, "odd character"),
        ({"Client_secret": "99999999-bbbb-3333-cccc-4444dddd5555"}, "Secret ID"),
        ({"Redirect_URI": "https://example.org/cb"}, "must begin with http://"),
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


def test_what_nobody_expected_is_shown_in_the_form_too(monkeypatch):
    monkeypatch.setattr(Registration, "save", lambda app: 1 / 0)  # a fault of our own, say
    form = registration_form(CLOUD)
    fill(form, Client_ID=CLIENT_ID)
    assert "Unexpected" in click(form, "Check and save") and form.value is None


def test_a_form_for_another_cloud_says_which():
    assert "Microsoft" in repr(registration_form()) and "no value yet" in repr(registration_form())


# --- Signing in


def link_of(panel: Form) -> str:
    """Return the sign-in link as soon as it is there."""
    links = [one for one in everything(panel) if isinstance(one, widgets.HTML)]
    found = until(lambda: re.search('href="([^"]+)"', "".join(one.value for one in links)))
    return html.unescape(found[1])


def test_the_panel_signs_in_by_its_link(app):
    panel = sign_in_panel(app)
    assert panel.value is None
    parts(panel)["Start a sign-in"].click()
    assert parts(panel)["Start a sign-in"].disabled
    browse(link_of(panel))
    token = until(lambda: panel.value)
    until(lambda: not parts(panel)["Start a sign-in"].disabled)
    assert isinstance(token, Token) and "Mail.Send" in said(panel)
    for secret in (token.access_token, token.id_token, token.refresh_token, app.client_secret):
        assert secret not in shown(panel) + repr(panel)
    assert "href" not in shown(panel)  # a spent link is of no use


def test_the_panel_takes_a_pasted_address(app):
    panel = sign_in_panel(app)
    field = parts(panel)["Other machine?"]
    field.value = "http://localhost:8000/?code=canary"
    assert field.value == "" and "Start a sign-in first" in said(panel)
    parts(panel)["Start a sign-in"].click()
    address = last_address(link_of(panel), app)
    field.value = f"{app.redirect_uri}?code=canary&state=another"
    assert said(panel).startswith("CallbackError: The pasted text") and field.value == ""
    field.value = address
    assert field.value == "" and until(lambda: panel.value)
    until(lambda: not parts(panel)["Start a sign-in"].disabled)
    assert "canary" not in shown(panel) and address not in shown(panel)
    field.value = address
    assert "already received" in said(panel)


def test_the_panel_can_be_stopped_and_started_again(app):
    panel = sign_in_panel(app)
    start, stop = (parts(panel)[name] for name in ("Start a sign-in", "Stop"))
    assert stop.disabled
    start.click()
    link_of(panel)
    until(lambda: not stop.disabled)
    stop.click()
    until(lambda: not start.disabled)
    assert said(panel).startswith("CallbackError: The wait") and stop.disabled
    start.click()
    browse(link_of(panel))
    assert until(lambda: panel.value)
    until(lambda: not start.disabled)


def test_the_panel_gives_up_after_its_time(app):
    panel = sign_in_panel(app, timeout_s=0.2)
    text = click(panel, "Start a sign-in")
    assert text.startswith("SignInTimeout") and app.redirect_uri in text


def test_the_panel_says_when_the_person_said_no(app):
    panel = sign_in_panel(app)
    parts(panel)["Start a sign-in"].click()
    link = link_of(panel)
    with pytest.raises(Exception, match="400"):
        browse(link, decline=True)
    until(lambda: not parts(panel)["Start a sign-in"].disabled)
    assert said(panel).startswith("SignInRefused") and panel.value is None


def test_the_panel_takes_no_token_whose_id_token_does_not_verify():
    token = {"token_type": "Bearer", "access_token": "x", "id_token": jwt_of({"alg": "none"}, {})}
    with Trap(as_json(token)) as trap:
        panel = sign_in_panel(app_at(trap))
        parts(panel)["Start a sign-in"].click()
        answer_with(link_of(panel), code="x")
        until(lambda: not parts(panel)["Start a sign-in"].disabled)
    assert said(panel).startswith("TokenInvalid") and panel.value is None


def test_a_panel_run_again_takes_over_from_the_first(app):
    first, second = sign_in_panel(app), sign_in_panel(app)
    parts(first)["Start a sign-in"].click()
    link_of(first)
    parts(second)["Start a sign-in"].click()
    until(lambda: not parts(first)["Start a sign-in"].disabled)
    browse(link_of(second))
    assert until(lambda: second.value) and first.value is None
    until(lambda: not parts(second)["Start a sign-in"].disabled)


def test_two_clicks_at_once_start_one_sign_in(app):
    panel, threads = sign_in_panel(app), threading.active_count()
    for _ in range(2):
        parts(panel)["Start a sign-in"].click()
    first = link_of(panel)
    browse(first)
    assert until(lambda: panel.value)
    until(lambda: not parts(panel)["Start a sign-in"].disabled)
    until(lambda: threading.active_count() <= threads)


# --- Looking into tokens


def test_the_inspector_shows_each_tokens_claims(app):
    token = signed_in(app)
    form = token_inspector(token)
    assert form.value is token and "reading proves nothing" in said(form)
    which = parts(form)["Token"]
    assert which.options == ("access_token", "id_token", "refresh_token")
    which.value = "id_token"
    assert app.client_id in shown(form) and "UTC" in shown(form)
    which.value = "refresh_token"
    assert "not a JWT" in said(form) and app.client_id not in shown(form)
    for secret in (token.access_token, token.id_token, token.refresh_token):
        assert secret not in shown(form) + repr(form)


def test_a_token_that_is_not_there_is_not_offered():
    form = token_inspector(trap_token(refresh_token=None))
    assert parts(form)["Token"].options == ("access_token",) and "not a JWT" in said(form)


@pytest.mark.parametrize("payload", HOSTILE)
def test_hostile_claims_are_shown_as_text(payload):
    claims = {payload: payload, "name": [payload], "deep": {payload: payload}, "exp": payload}
    form = token_inspector(trap_token(access_token=Secret(jwt_of({"alg": payload}, claims))))
    content = "".join(one.value for one in everything(form) if isinstance(one, widgets.HTML))
    assert not re.search("<(img|svg|script)", content) and "&lt;" in content


@pytest.mark.parametrize(
    "claims",
    [{"exp": 10**40}, {"exp": True}, {"iat": -1}, {"nbf": "x"}, {"name": "x" * 100_000},
     {"name": "evil\u202egro.elpmaxe"}, {}, {"a": None}],
)  # fmt: skip
def test_odd_claims_are_shown_cut_and_visible(claims):
    form = token_inspector(trap_token(access_token=Secret(jwt_of({}, claims))))
    content = "".join(one.value for one in everything(form) if isinstance(one, widgets.HTML))
    assert len(content) < 10_000 and "\u202e" not in content


# --- Writing mails


def test_the_composer_sends_one_mail_a_click(app, sandbox, token, tmp_path):
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "b.txt").write_text("two")
    form = mail_composer(app, token)
    fill(
        form, To=f"{ADA}, grace@contoso.example", Cc="zoe@contoso.example", Subject="Hi", Text="Yo"
    )
    fill(form, Attachments=f" {tmp_path / 'a.txt'} , {tmp_path / 'b.txt'},")
    assert ADA in click(form, "Send") and form.value.outcome == "sent"
    click(form, "Send")
    first, second = mails(sandbox)
    assert {**first, "id": 0} == {**second, "id": 0} and first["subject"] == "Hi"
    assert first["recipients"] == [ADA, "grace@contoso.example", "zoe@contoso.example"]
    assert [one["name"] for one in first["attachments"]] == ["a.txt", "b.txt"]
    assert repr(form).startswith("Write a mail: Receipt(outcome='sent'")


def test_while_it_sends_the_button_is_disabled_and_a_second_click_is_nothing(app, sandbox, token):
    bend(sandbox, SEND, delay_s=0.3)
    form = mail_composer(app, token)
    send = fill(form, To=ADA)["Send"]
    send.click()
    assert send.disabled and "Working" in said(form)
    send.click()
    until(lambda: not send.disabled)
    assert asked(sandbox, SEND) == len(mails(sandbox)) == 1


def test_only_a_ticked_box_makes_it_html(app, sandbox, token):
    form = mail_composer(app, token)
    fill(form, To=ADA, Text="<b>x</b>")
    click(form, "Send")
    fill(form, The_text_is_HTML=True)
    click(form, "Send")
    assert [mail["body"] for mail in mails(sandbox)] == ["<b>x</b>"] * 2


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"To": ""}, "MessageError: The message has 0 recipients"),
        ({"To": HOSTILE[0]}, "MessageError"),
        ({"Cc": "nobody"}, "not an address"),
        ({"Attachments": "missing.txt"}, "missing.txt"),
    ],
)
def test_what_cannot_be_sent_is_said_and_the_draft_stays(app, sandbox, token, values, complaint):
    form = mail_composer(app, token)
    fields = fill(form, **{"To": ADA, "Subject": "Kept", "Text": "Kept too"} | values)
    assert complaint in click(form, "Send") and form.value is None
    assert not re.search("<(img|svg|script)", form.said.value)
    assert (fields["Subject"].value, fields["Text"].value) == ("Kept", "Kept too")
    assert asked(sandbox, SEND) == 0


def test_a_refusal_of_graph_is_said_with_its_cure(app, sandbox, token):
    bend(sandbox, SEND, status=503, deliver=True)
    form = mail_composer(app, token)
    fill(form, To=ADA)
    text = click(form, "Send")
    assert text.startswith("GraphError: Graph answered 503") and "Sent Items" in text
    assert form.value is None and len(mails(sandbox)) == 1


def test_a_form_that_is_run_again_has_handlers_of_its_own(app, sandbox, token):
    forms = [mail_composer(app, token) for _ in range(3)]
    fill(forms[-1], To=ADA)
    click(forms[-1], "Send")
    assert len(mails(sandbox)) == 1 and forms[0].value is None


def test_a_form_left_as_the_last_line_of_a_cell_is_a_short_text_elsewhere(app, token):
    for form in (
        registration_form(),
        sign_in_panel(app),
        token_inspector(token),
        mail_composer(app, token),
    ):
        assert len(repr(form)) < 500 and "canary" not in repr(form)
        assert form._repr_mimebundle_()["text/plain"]
