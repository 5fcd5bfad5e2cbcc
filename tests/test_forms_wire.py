"""The walk through the wire log."""

import html

import ipywidgets as widgets
import pytest

from graphhelpers import wire_log
from graphhelpers.exchanges import Diagram, Exchange, WireLog
from graphhelpers.forms import wire_stepper

from .form_hands import HOSTILE, everything, fill, parts, said, shown

CAME = Exchange("browser", "notebook", "GET /connect/get_token/", {"state": "s"}, "200")
ASKED = Exchange("notebook", "Entra ID", "POST /token", {"grant_type": "x"}, "200")
REFUSED = Exchange("notebook", "Microsoft Graph", "GET /me", {}, "403", {"error": {"code": "No"}})


def stepper(*exchanges: Exchange):
    return wire_stepper(WireLog(exchanges))


def drawn(form) -> dict[str, str]:
    """Return what the form draws, as a notebook would keep it."""
    output = next(one for one in everything(form) if isinstance(one, widgets.Output))
    return output.outputs[0]["data"]


def message(form) -> str:
    return html.unescape(form.children[-2].value)


def test_each_step_shows_the_diagram_so_far_and_its_message():
    form = stepper(CAME, ASKED, REFUSED)
    for number, exchange in enumerate((CAME, ASKED, REFUSED), 1):
        assert form.value is exchange and exchange.http in message(form)
        assert said(form) == f"Step {number} of 3: {exchange}"
        assert drawn(form) == Diagram((CAME, ASKED, REFUSED)[:number])._repr_mimebundle_()
        parts(form)["Next"].click()
    assert form.value is REFUSED  # the last step has no next one
    parts(form)["Back"].click()
    assert form.value is ASKED and parts(form)["Step"].value == 2


def test_a_step_can_be_typed_and_stays_between_the_first_and_the_last():
    form = stepper(CAME, ASKED, REFUSED)
    for typed, exchange in ((3, REFUSED), (99, REFUSED), (-5, CAME)):
        fill(form, Step=typed)
        assert form.value is exchange
    parts(form)["Back"].click()
    assert form.value is CAME


def test_it_keeps_to_what_the_log_held_when_it_was_made_and_changes_nothing():
    log = WireLog([CAME])
    form = wire_stepper(log)
    log.append(ASKED)
    parts(form)["Next"].click()
    assert form.value is CAME and list(log) == [CAME, ASKED]
    log.clear()
    assert drawn(form)["text/plain"] == str(CAME)


def test_an_empty_log_says_so_and_its_buttons_do_nothing():
    form = stepper()
    for name in ("Next", "Back"):
        parts(form)[name].click()
    assert said(form) == "Nothing has gone over the wire yet." and form.value is None
    assert drawn(form) == {"text/plain": "Nothing has gone over the wire yet."}


def test_without_more_it_walks_through_this_kernels_log():
    wire_log.clear()
    wire_log.append(CAME)
    assert wire_stepper().value is CAME


@pytest.mark.parametrize("payload", HOSTILE)
def test_foreign_text_is_shown_as_text(payload):
    odd = Exchange("notebook", "Entra ID", f"GET /{payload}", {payload: payload}, payload)
    pieces = [one.value for one in everything(stepper(odd)) if isinstance(one, widgets.HTML)]
    assert payload not in "".join(pieces) and "&lt;" in "".join(pieces)
    assert payload not in drawn(stepper(odd))["text/vnd.mermaid"]


def test_no_secret_is_in_what_a_notebook_would_keep_of_it(app, token):
    from graphhelpers import whoami

    wire_log.clear()
    whoami(app, token)
    form = wire_stepper()
    assert repr(token.access_token) in message(form) and token.access_token not in shown(form)
