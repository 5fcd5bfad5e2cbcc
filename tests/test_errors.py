import tomllib
from pathlib import Path

import pytest

import graphhelpers
from graphhelpers import GraphError, GraphHelpersError, OAuthError, TokenRefused
from graphhelpers.help_cards import card

FILE = Path(graphhelpers.__file__).with_name("help_cards.toml")
CARDS = tomllib.loads(FILE.read_text("utf-8"))["service"]
OURS = tomllib.loads(FILE.read_text("utf-8"))["kit"]

MET_FIRST = """
    50011 50058 50148 501481 50194 500112 54005 70008 9002313 65001 65004 650053 70011 700016
    7000215 7000218 7000222 90002 901002 900144 InvalidAuthenticationToken ErrorAccessDenied
    ErrorInvalidRecipients MailboxNotEnabledForRESTAPI access_denied invalid_grant invalid_client
""".split()


def test_an_error_is_three_lines_what_why_and_what_to_do():
    error = GraphHelpersError("It broke.", "It was thin.", "Use a thicker one.")
    assert str(error).splitlines() == [
        "It broke.",
        "  Why: It was thin.",
        "  Try: Use a thicker one.",
    ]
    assert (error.what, error.why, error.fix, error.outcome) == (
        "It broke.", "It was thin.", "Use a thicker one.", None,
    )  # fmt: skip


def test_every_public_error_belongs_to_the_family():
    public = [getattr(graphhelpers, name) for name in graphhelpers.__all__]
    errors = [item for item in public if isinstance(item, type) and issubclass(item, Exception)]
    assert len(errors) > 8
    assert all(issubclass(error, GraphHelpersError) for error in errors)


def test_a_refusal_keeps_the_words_of_the_platform_and_adds_the_cure():
    said = "AADSTS54005: OAuth2 Authorization code was already redeemed, please retry. Trace ID: 1"
    answer = {"error": "invalid_grant", "error_description": said, "error_codes": [54005]}
    error = TokenRefused("The code was not exchanged", answer)
    assert (error.error, error.error_codes) == ("invalid_grant", [54005])
    assert error.error_description == said
    assert error.why.endswith("please retry.")  # without the trailer of identifiers
    assert error.fix == CARDS["54005"]["fix"]


def test_the_oauth_error_finds_help_where_the_number_is_unknown():
    error = OAuthError("No", {"error": "invalid_grant", "error_description": "AADSTS99: New."})
    assert error.fix == CARDS["invalid_grant"]["fix"]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"error": {"nested": 1}, "error_codes": "x"},
        {"error": 7, "error_description": ["a"], "error_codes": [None, "12", 10**30]},
        {"error": "x", "error_description": "y" * 100_000},
    ],
)
def test_a_refusal_in_odd_form_is_still_an_error_of_readable_size(answer):
    error = OAuthError("No", answer)
    assert len(str(error)) < 5_000
    assert all(isinstance(code, int) for code in error.error_codes)


def test_graph_errors_carry_what_support_asks_for():
    error = GraphError(403, "ErrorAccessDenied", "Access is denied.", "abc", "not sent")
    assert (error.status, error.code, error.request_id) == (403, "ErrorAccessDenied", "abc")
    assert "Mail.Send" in error.fix and "abc" in str(error)


@pytest.mark.parametrize("key", MET_FIRST)
def test_each_error_that_learners_meet_first_has_a_card(key):
    assert key in CARDS


@pytest.mark.parametrize("card", [*CARDS.values(), *OURS.values()], ids=[*CARDS, *OURS])
def test_each_card_says_what_is_to_be_said_in_sentences(card):
    assert list(card) == (["why", "fix"] if card in CARDS.values() else ["what", "why", "fix"])
    for text in card.values():
        assert text.startswith("{reason}") or len(text) > 10 and text.endswith("."), text


def test_no_service_can_call_up_a_card_of_ours():
    for key in OURS:
        assert TokenRefused("No", {"error": key}).fix == CARDS["unknown"]["fix"]


def test_a_card_is_found_by_the_most_exact_key():
    assert card(54005, "invalid_grant") == card("54005")
    assert card(1, "invalid_grant") == card("invalid_grant")
    assert card("never heard of") == card("unknown")


def test_a_notebook_shows_the_three_lines_and_no_traceback():
    error = GraphHelpersError("It broke.", "why", "fix")
    assert error._render_traceback_() == [f"GraphHelpersError: {error}"]
