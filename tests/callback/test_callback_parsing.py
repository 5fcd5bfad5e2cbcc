"""Whatever comes in place of an answer: only this attempt's is taken, and all else is told."""

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphhelpers import (
    CallbackError,
    CallbackServer,
    Registration,
    SignInRefused,
    start_sign_in,
)
from graphhelpers.callback import MOST_FIELDS

from .listening import CODE, good

APP = Registration("11112222-bbbb-3333-cccc-4444dddd5555")
ATTEMPT = start_sign_in(APP)
ISSUER = f"{APP.cloud.authority}/5f6ae2d1-3c1b-4d0e-9a57-2b8f1c0e7d42/v2.0"

WORD = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ANSWERS = {
    "code": st.sampled_from([CODE, "", "a b", "c\n", "ü"]) | WORD,
    "state": st.sampled_from([ATTEMPT.state, ATTEMPT.state[:-1], ATTEMPT.state + "=", ""]),
    "error": st.sampled_from(["", "access_denied"]) | WORD,
    "iss": st.sampled_from([ISSUER, ISSUER + "/", ISSUER.replace("https", "http"), ""]),
    "session_state": WORD,
}
HONEST = {"code": CODE, "state": ATTEMPT.state}


def outcome(pasted: str) -> str:
    """Return the code, "no" when the sign-in itself ended badly, or "ignored"."""
    server = CallbackServer(APP, ATTEMPT)
    try:
        return str(server.accept(pasted))
    except SignInRefused:
        return "no"
    except CallbackError as error:
        assert error.what and error.why and error.fix
        assert str(server.accept(good(server, ATTEMPT))) == CODE  # it has not spoilt the attempt
        return "ignored"


@pytest.mark.case("F006", "F007", "F009", "F010", "F011", "F012", "F016", "F017", "F018")
@given(
    st.fixed_dictionaries({}, optional=ANSWERS).map(lambda changes: HONEST | changes),
    st.lists(st.sampled_from(sorted(ANSWERS)), max_size=1),
)
def test_the_code_comes_out_when_every_rule_holds_and_never_otherwise(answer, twice):
    pairs = [*answer.items(), *((name, answer.get(name, "x")) for name in twice)]
    fields = {name: value for name, value in pairs if value}
    once = len(pairs) == len(dict(pairs))
    ours = fields.get("state") == ATTEMPT.state and fields.get("iss", ISSUER) == ISSUER
    if not once or not ours:
        expected = "ignored"
    elif "error" in fields:
        expected = "no"
    else:
        code = fields.get("code", "")
        expected = code if code and all("!" <= c <= "~" for c in code) else "ignored"
    assert outcome(f"{APP.redirect_uri}?{urlencode(pairs)}") == expected


@pytest.mark.case("F009", "F021")
@given(st.text(max_size=60), st.booleans())
def test_any_text_in_place_of_the_address_is_refused_in_words(text, begins_well):
    assert outcome(f"{APP.redirect_uri}?{text}" if begins_well else text) == "ignored"


@pytest.mark.case("F002", "F007")
@given(st.integers(0, 200), st.integers(0, 3), st.text(max_size=3))
def test_an_address_with_a_slip_of_the_hand_gives_no_other_code(place, cut, put):
    whole = f"{APP.redirect_uri}?{urlencode(HONEST)}"
    place %= len(whole)
    slipped = whole[:place] + put + whole[place + cut :]
    took = outcome(slipped)
    if took not in ("ignored", "no"):
        address, _, query = slipped.strip().partition("?")
        fields = dict(parse_qsl(query.partition("#")[0]))
        assert address == APP.redirect_uri
        assert (fields["code"], fields["state"]) == (took, ATTEMPT.state)


def test_an_address_without_a_path_comes_back_with_a_slash():
    bare = Registration(APP.client_id, redirect_uri="http://localhost:8000")
    for address in ("http://localhost:8000", "http://localhost:8000/"):
        server = CallbackServer(bare, ATTEMPT)
        assert server.accept(f"{address}?{urlencode(HONEST)}") == CODE
    with pytest.raises(CallbackError, match="begin with"):
        CallbackServer(bare, ATTEMPT).accept(f"http://localhost:8000//?{urlencode(HONEST)}")
    with pytest.raises(CallbackError, match="begin with"):
        CallbackServer(APP, ATTEMPT).accept(f"{APP.redirect_uri}/?{urlencode(HONEST)}")


@pytest.mark.case("F006", "F007", "F016")
def test_the_refusal_says_which_rule_was_broken():
    server = CallbackServer(APP, ATTEMPT)
    many = [(f"field{number}", "x") for number in range(MOST_FIELDS - 2)]
    for pairs, words in (
        ([("code", CODE)], "has no state"),
        ([("code", CODE), ("state", "x")], "belongs to another sign-in"),
        ([("state", ATTEMPT.state)], "neither a code nor an error"),
        ([*HONEST.items(), ("code", "x")], "twice"),
        ([*HONEST.items(), *many, ("one", "more")], "isn't a query"),
    ):
        with pytest.raises(CallbackError, match=words):
            server.accept(f"{APP.redirect_uri}?{urlencode(pairs)}")
    assert server.accept(f"{APP.redirect_uri}?{urlencode([*HONEST.items(), *many])}") == CODE
