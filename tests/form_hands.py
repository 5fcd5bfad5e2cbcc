"""Hands and eyes for the tests of forms: fill in, press, and read what stands there."""

import html
import json
import re

import ipywidgets as widgets

from graphhelpers.forms import Form

from .kit import until

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
