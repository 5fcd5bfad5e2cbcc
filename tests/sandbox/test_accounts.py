"""Which accounts the sign-in page offers, and what hints and prompts change in that."""

import re

import pytest

from tests.sandbox.entra import arrived, authorize, press, register, sign_in, visible_text

WORK, PERSONAL = "ada@contoso.example", "alan@outlook.example"
CONVERGED = "AzureADandPersonalMicrosoftAccount"


def offered(page):
    """Return the accounts that the page offers to pick, and those that it says can't enter."""
    first, _, rest = page.text.partition("<details")
    return tuple(re.findall(r'name="user" value="([^"]+)"', part) for part in (first, rest))


@pytest.fixture
def app(sandbox, http):
    """An app for work accounts and for personal ones."""
    return register(sandbox, http, sign_in_audience=CONVERGED)


def test_accounts_that_may_enter_come_first_and_the_others_apart(sandbox, http):
    able, others = offered(authorize(sandbox, http))
    assert WORK in able and PERSONAL not in able
    assert PERSONAL in others and WORK not in others
    assert "These accounts can't enter here." in visible_text(authorize(sandbox, http))


@pytest.mark.parametrize(
    ("tenant", "work", "personal"),
    [("common", True, True), ("organizations", True, False), ("consumers", False, True)],
)
def test_the_door_decides_which_kind_of_account_enters(app, http, tenant, work, personal):
    able, _ = offered(authorize(app, http, tenant=tenant))
    assert (WORK in able, PERSONAL in able) == (work, personal)


@pytest.mark.parametrize("tenant", ["common", "consumers"])
def test_a_personal_account_signs_in_where_it_may(app, http, tenant):
    assert "code" in sign_in(app, http, tenant=tenant, user=PERSONAL)


@pytest.mark.parametrize(
    ("hint", "work", "personal"),
    [
        ("organizations", True, False),
        ("consumers", False, True),
        ("contoso.example", True, False),
        ("OUTLOOK.example", False, True),
        ("fabrikam.example", False, False),  # a guest's
        ("northwind.example", True, True),  # fits nobody
    ],
)
def test_a_domain_hint_leaves_the_accounts_it_means(app, http, hint, work, personal):
    able, _ = offered(authorize(app, http, domain_hint=hint))
    assert (WORK in able, PERSONAL in able) == (work, personal)


def test_a_domain_hint_for_another_account_than_the_sessions_asks(app, http):
    sign_in(app, http)
    page = authorize(app, http, domain_hint="consumers")
    page = press(http, page, user=PERSONAL)
    assert "code" in arrived(press(http, page, consent="accept"))


def test_another_account_than_the_hints_can_be_typed(app, http):
    page = press(http, authorize(app, http, domain_hint="consumers"), typed=WORK.upper())
    assert "code" in arrived(press(http, page, consent="accept"))


def test_a_login_hint_marks_the_account_or_fills_in_the_box(sandbox, http):
    page = authorize(sandbox, http, login_hint=WORK)
    assert "Suggested by the app" in visible_text(page)
    page = authorize(sandbox, http, login_hint="MARY@fabrikam.example")  # a guest, by the home
    assert "Suggested by the app" in visible_text(page)
    page = authorize(sandbox, http, login_hint='eve@"evil".example')
    assert "Suggested by the app" not in visible_text(page)
    assert 'value="eve@&#34;evil&#34;.example"' in page.text and "<details open>" in page.text


@pytest.mark.parametrize("version", ["v1", "v2.0"])
def test_prompt_login_asks_although_a_hint_names_who_is_signed_in(sandbox, http, version):
    sign_in(sandbox, http, version)
    page = authorize(sandbox, http, version, prompt="login", login_hint=WORK)
    assert "Pick an account" in visible_text(page)
    assert "code" in arrived(press(http, page, user=WORK))


def test_a_guest_is_known_by_the_address_from_home(sandbox, http):
    page = press(http, authorize(sandbox, http), typed="mary@fabrikam.example")
    assert "code" in arrived(press(http, page, consent="accept"))
    assert "code" in arrived(authorize(sandbox, http, login_hint="mary@fabrikam.example"))


def test_v1_knows_silence_too(sandbox, http):
    assert arrived(authorize(sandbox, http, "v1", prompt="none"))["error"] == "login_required"
    sign_in(sandbox, http, "v1")
    assert "code" in arrived(authorize(sandbox, http, "v1", prompt="none"))
