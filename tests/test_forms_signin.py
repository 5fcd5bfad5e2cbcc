"""The panel that signs in."""

import html
import re
import socket
from dataclasses import replace
from urllib.parse import urlsplit

import ipywidgets as widgets
import pytest

from graphhelpers import Token
from graphhelpers.forms import Form, sign_in_panel

from .form_hands import HOSTILE, click, everything, parts, said, shown
from .issued import jwt_of
from .kit import (
    answer_with,
    app_at,
    as_json,
    browse,
    last_address,
    threads_at_work,
    type_code,
    until,
)
from .trap import Trap


def link_of(panel: Form) -> str:
    """Return the sign-in link as soon as it is there."""
    links = [one for one in everything(panel) if isinstance(one, widgets.HTML)]
    found = until(lambda: re.search('href="([^"]+)"', "".join(one.value for one in links)))
    return html.unescape(found[1])


def words_of(panel: Form) -> str:
    return "\n".join(one.value for one in everything(panel) if isinstance(one, widgets.HTML))


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
    field = parts(panel)["Address"]
    field.value = "http://localhost:8000/?code=canary"
    assert field.value == "" and "Start a sign-in first" in said(panel)
    parts(panel)["Start a sign-in"].click()
    address = last_address(link_of(panel), app)
    field.value = f"{app.redirect_uri}?code=canary&state=another"
    assert said(panel).startswith("The pasted text is not") and "still waits" in said(panel)
    assert field.value == ""
    field.value = address
    assert field.value == "" and until(lambda: panel.value)
    until(lambda: not parts(panel)["Start a sign-in"].disabled)
    assert "canary" not in shown(panel) and address not in shown(panel)
    field.value = address
    assert "Start a sign-in first" in said(panel) and field.value == ""


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
    assert said(panel).startswith("Stopped, and the port is free") and stop.disabled
    socket.create_server(("127.0.0.1", urlsplit(app.redirect_uri).port)).close()
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
    assert said(first).startswith("Ended: a newer panel")
    browse(link_of(second))
    assert until(lambda: second.value) and first.value is None
    until(lambda: not parts(second)["Start a sign-in"].disabled)


def test_two_clicks_at_once_start_one_sign_in(app):
    panel, threads = sign_in_panel(app), threads_at_work()
    for _ in range(2):
        parts(panel)["Start a sign-in"].click()
    first = link_of(panel)
    browse(first)
    assert until(lambda: panel.value)
    until(lambda: not parts(panel)["Start a sign-in"].disabled)
    until(lambda: threads_at_work() <= threads)


@pytest.mark.case("F201")
def test_a_cell_run_again_ends_the_wait_of_its_first_panel_with_a_word(app):
    threads = threads_at_work()
    first = sign_in_panel(app)
    parts(first)["Start a sign-in"].click()
    link_of(first)
    sign_in_panel(app)
    until(lambda: not parts(first)["Start a sign-in"].disabled)
    assert said(first).startswith("Ended: a newer panel") and "left" not in words_of(first)
    until(lambda: threads_at_work() <= threads)


def test_the_time_left_is_shown_beside_the_status_and_not_in_it(app):
    panel = sign_in_panel(app, timeout_s=60)
    parts(panel)["Start a sign-in"].click()
    until(lambda: "60 s left" in words_of(panel))
    status = panel.said.value
    until(lambda: "59 s left" in words_of(panel))
    assert panel.said.value == status and "60 s at most" in status
    parts(panel)["Stop"].click()
    until(lambda: not parts(panel)["Start a sign-in"].disabled)
    assert "left" not in words_of(panel)


@pytest.mark.case("F204")
def test_where_another_program_has_the_port_the_second_door_still_works(app):
    with socket.create_server(("127.0.0.1", urlsplit(app.redirect_uri).port)):
        panel = sign_in_panel(app)
        parts(panel)["Start a sign-in"].click()
        link = link_of(panel)
        until(lambda: "Door 1 is shut, doors 2 and 3 work. Can't listen on port" in said(panel))
        parts(panel)["Address"].value = last_address(link, app)
        assert until(lambda: panel.value)
    until(lambda: not parts(panel)["Start a sign-in"].disabled)


def test_without_the_scope_openid_there_is_no_id_token_to_verify():
    token = {"token_type": "Bearer", "access_token": "x", "scope": "Mail.Send"}
    with Trap(as_json(token)) as trap:
        panel = sign_in_panel(app_at(trap))
        parts(panel)["Start a sign-in"].click()
        answer_with(link_of(panel), code="x")
        until(lambda: not parts(panel)["Start a sign-in"].disabled)
    assert said(panel) == "Signed in. Granted: Mail.Send"


@pytest.mark.parametrize("address", [*HOSTILE, "x" * 100_000, "\u202e\x00\x1b", "?code=&state="])
def test_a_hostile_address_is_refused_in_words_and_shown_nowhere(app, address):
    panel = sign_in_panel(app)
    parts(panel)["Start a sign-in"].click()
    link_of(panel)
    parts(panel)["Address"].value = address
    assert "still waits" in said(panel) and address not in shown(panel) + words_of(panel)
    parts(panel)["Stop"].click()
    until(lambda: not parts(panel)["Start a sign-in"].disabled)


def test_the_link_of_the_panel_can_be_seen_to_be_one(app):
    panel = sign_in_panel(app)
    parts(panel)["Start a sign-in"].click()
    assert link_of(panel) and "text-decoration:underline" in words_of(panel)
    parts(panel)["Stop"].click()
    until(lambda: not parts(panel)["Start a sign-in"].disabled)


def test_before_any_click_the_panel_says_which_door_works_and_why(app, monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_USER", "ada")
    said_first = words_of(sign_in_panel(app))
    assert "runs on JupyterHub" in said_first and "use door 2 or 3." in said_first
    assert "Door 1: the answer comes by itself (probably not here)" in said_first
    assert "Door 2: you bring the answer (works everywhere)" in said_first
    assert "Door 3: you type a code on another page (works everywhere)" in said_first


def test_where_a_proxy_brings_the_answer_door_1_works(app, monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_USER", "ada")
    hub = "https://hub.example/user/ada/proxy/8000/connect/get_token/"
    said_first = words_of(sign_in_panel(replace(app, redirect_uri=hub)))
    assert "runs on JupyterHub" in said_first and "Door 1 works" in said_first
    assert "comes by itself (works here)" in said_first


def code_of(panel: Form) -> tuple[str, str]:
    """Return the page and the code that door 3 shows, as soon as they are there."""
    found = until(
        lambda: re.search('<code>(\\w+)</code></b> at <a .*?href="(.*?)"', words_of(panel))
    )
    return html.unescape(found[2]), found[1]


def test_the_third_door_shows_a_code_and_signs_in(app):
    panel = sign_in_panel(app)
    button, stop = parts(panel)["Get a code"], parts(panel)["Stop"]
    button.click()
    page, code = code_of(panel)
    until(lambda: "for 300 s at most" in said(panel))
    assert button.disabled and not stop.disabled and not parts(panel)["Start a sign-in"].disabled
    type_code(page, code)
    token = until(lambda: panel.value, 15)
    until(lambda: not button.disabled)
    assert stop.disabled and said(panel).startswith("Signed in. Granted:")
    assert code not in shown(panel) and "href" not in shown(panel)
    for secret in (token.access_token, token.id_token, token.refresh_token, app.client_secret):
        assert secret not in shown(panel) + repr(panel)


def test_the_third_door_ends_the_wait_of_the_others_when_it_is_first(app):
    panel = sign_in_panel(app)
    parts(panel)["Start a sign-in"].click()
    link_of(panel)
    parts(panel)["Get a code"].click()
    type_code(*code_of(panel))
    until(lambda: panel.value, 15)
    until(lambda: not parts(panel)["Start a sign-in"].disabled)
    until(lambda: not parts(panel)["Get a code"].disabled)
    assert said(panel).startswith("Signed in. Granted:") and parts(panel)["Stop"].disabled
    socket.create_server(("127.0.0.1", urlsplit(app.redirect_uri).port)).close()


def test_the_link_ends_the_wait_for_the_code_when_it_is_first(app):
    panel, threads = sign_in_panel(app), threads_at_work()
    parts(panel)["Get a code"].click()
    code_of(panel)
    parts(panel)["Start a sign-in"].click()
    link = until(lambda: re.search('href="([^"]+authorize[^"]+)"', words_of(panel)))
    browse(html.unescape(link[1]))
    until(lambda: panel.value)
    until(lambda: not parts(panel)["Get a code"].disabled)
    until(lambda: not parts(panel)["Start a sign-in"].disabled)
    assert said(panel).startswith("Signed in. Granted:") and parts(panel)["Stop"].disabled
    until(lambda: threads_at_work() <= threads)


def test_stop_ends_the_wait_for_the_code_and_another_can_be_had(app):
    panel = sign_in_panel(app)
    button, stop = parts(panel)["Get a code"], parts(panel)["Stop"]
    button.click()
    _page, first = code_of(panel)
    stop.click()
    until(lambda: not button.disabled)
    assert said(panel).startswith("Stopped") and first not in words_of(panel) and stop.disabled
    button.click()
    assert code_of(panel)[1] != first
    sign_in_panel(app)  # as the same cell does, run again
    until(lambda: not button.disabled)
    assert said(panel).startswith("Ended: a newer panel")


def test_the_third_door_says_when_the_person_said_no(app):
    panel = sign_in_panel(app)
    parts(panel)["Get a code"].click()
    type_code(*code_of(panel), consent="cancel")
    until(lambda: not parts(panel)["Get a code"].disabled, 15)
    assert said(panel).startswith("SignInRefused") and panel.value is None


def test_a_hostile_page_and_code_are_shown_as_text():
    answer = {
        "device_code": "x",
        "user_code": HOSTILE[2],
        "verification_uri": "javascript:alert(1)",
    }
    with Trap(as_json(answer)) as trap:
        panel = sign_in_panel(app_at(trap))
        parts(panel)["Get a code"].click()
        until(lambda: "javascript:alert(1)" in words_of(panel))
        assert "href" not in words_of(panel) and HOSTILE[2] not in words_of(panel)
        parts(panel)["Stop"].click()
        until(lambda: not parts(panel)["Get a code"].disabled)


def test_the_third_door_says_why_there_is_no_code():
    answer = {"error": "unauthorized_client", "error_description": "AADSTS700016: No such app."}
    with Trap(as_json(answer, "400 Bad Request")) as trap:
        panel = sign_in_panel(app_at(trap))
        assert click(panel, "Get a code").startswith("TokenRefused")
