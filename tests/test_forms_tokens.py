"""The view into tokens."""

import re

import ipywidgets as widgets
import pytest

from graphhelpers import Secret
from graphhelpers.forms import token_inspector

from .form_hands import HOSTILE, everything, parts, said, shown
from .issued import jwt_of, trap_token
from .kit import signed_in


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
