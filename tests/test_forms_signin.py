"""The panel that signs in."""

import html
import re
import threading

import ipywidgets as widgets
import pytest

from graphhelpers import Token
from graphhelpers.forms import Form, sign_in_panel

from .form_hands import click, everything, parts, said, shown
from .issued import jwt_of
from .kit import answer_with, app_at, as_json, browse, last_address, until
from .trap import Trap


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


@pytest.mark.case("F204")
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


@pytest.mark.case("F203")
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


@pytest.mark.case("F201")
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
