"""The view into tokens."""

import re

import ipywidgets as widgets
import pytest

from graphhelpers import Secret, exchange_code, read_jwt, start_sign_in
from graphhelpers.forms import token_inspector
from graphhelpers.forms.claims import explained

from .form_hands import HOSTILE, click, everything, parts, said, shown
from .issued import jwt_of, trap_token
from .kit import code_of, signed_in


def test_the_inspector_shows_each_tokens_claims(app):
    token = signed_in(app)
    form = token_inspector(token)
    assert form.value is token and "not yours to check" in said(form)
    which = parts(form)["Token"]
    assert which.options == ("access_token", "id_token", "refresh_token")
    which.value = "id_token"
    assert app.client_id in shown(form) and "reading proves nothing" in said(form)
    which.value = "refresh_token"
    assert "not a JWT" in said(form) and app.client_id not in shown(form)
    for secret in (token.access_token, token.id_token, token.refresh_token):
        assert secret not in shown(form) + repr(form)


def test_claims_stand_below_the_question_they_answer_in_plain_words(app):
    form = token_inspector(signed_in(app))
    order = ["Who signed in", "may change (preferred_username in v2.0)", "What may be done",
             "permissions that the person granted", "For whom, from whom",
             "the app that asked (azp in v2.0)", "How long", "UTC</td>"]  # fmt: skip
    places = [shown(form).index(words) for words in order]
    assert places == sorted(places)


def test_the_life_span_is_drawn_and_told():
    claims = {"iat": 1_700_000_000, "exp": 1_700_003_600}
    drawn = explained(claims, now=1_700_000_900)
    assert "width:25%" in drawn and 'role="img"' in drawn
    assert drawn.count("15 of 60 minutes used, 45 minutes left") == 2  # also for a screen reader
    assert "2023-11-14 22:13:20" in drawn
    assert "width:100%" in (late := explained(claims, now=1_800_000_000)) and "expired" in late
    assert "width:0%" in explained(claims, now=1_600_000_000)
    for odd in ({"exp": 5}, {"iat": 9, "exp": 5}, {"iat": "x", "exp": 5}, {"iat": True, "exp": 5}):
        assert "minutes" not in explained(odd)


def test_an_unsigned_token_is_said_to_be_one(app):
    form = token_inspector(signed_in(app, endpoint="v1"))
    parts(form)["Token"].value = "id_token"
    assert said(form).startswith("Unsigned")


def test_a_changed_claim_reads_as_well_and_is_refused(app):
    attempt = start_sign_in(app)
    token = exchange_code(app, attempt, code_of(app, attempt))
    form = token_inspector(token, app, attempt)
    fields = parts(form)
    assert not drawn(fields["Change and verify"], form)  # the access token isn't ours to judge
    fields["Token"].value = "id_token"
    assert drawn(fields["Change and verify"], form)
    fields["Change"].value = "name"
    assert fields["to"].value == read_jwt(token.id_token)[1]["name"]
    assert "Nothing was changed" in click(form, "Change and verify")
    fields["to"].value = "Somebody Else"
    refused = click(form, "Change and verify")
    assert "reads as well as before" in refused and "Signature verification failed" in refused
    assert token.id_token.split(".")[2] not in shown(form)
    assert form.value is token


def drawn(button, form) -> bool:
    box = next(one for one in everything(form) if button in getattr(one, "children", ()))
    return box.layout.display != "none"


def test_a_token_that_is_not_there_is_not_offered(app):
    form = token_inspector(trap_token(refresh_token=None))
    token_inspector(
        trap_token(access_token=Secret(jwt_of({}, {"a": "b"}))), app, start_sign_in(app)
    )
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
