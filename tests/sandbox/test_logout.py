"""Signing out."""

import pytest

from tests.sandbox.entra import (
    REDIRECT_URI,
    authorize,
    sign_in,
    visible_text,
)

PATHS = ("oauth2/logout", "oauth2/v2.0/logout")


@pytest.mark.parametrize("path", PATHS)
def test_after_signing_out_the_accounts_are_shown_again(sandbox, http, path):
    sign_in(sandbox, http)
    page = http.get(f"{sandbox.authority}/common/{path}")
    assert "signed out" in visible_text(page).lower()
    assert "Pick an account" in visible_text(authorize(sandbox, http))


def test_a_session_that_was_left_does_not_come_back_with_its_cookie(sandbox, http):
    sign_in(sandbox, http)
    cookies = http.cookies.copy()
    http.get(f"{sandbox.authority}/common/oauth2/v2.0/logout")
    http.cookies = cookies
    assert "Pick an account" in visible_text(authorize(sandbox, http))


@pytest.mark.parametrize("path", PATHS)
def test_signing_out_leads_back_to_a_registered_address(sandbox, http, path):
    sign_in(sandbox, http)
    given = {"post_logout_redirect_uri": REDIRECT_URI, "state": "s 1"}
    answer = http.get(f"{sandbox.authority}/common/{path}", params=given, allow_redirects=False)
    assert answer.status_code == 302
    assert answer.headers["location"] == f"{REDIRECT_URI}?state=s+1"


@pytest.mark.parametrize("path", PATHS)
def test_a_logout_hint_changes_nothing_where_one_account_is_signed_in(sandbox, http, path):
    sign_in(sandbox, http)
    given = {"logout_hint": "x", "post_logout_redirect_uri": REDIRECT_URI}
    address = f"{sandbox.authority}/{sandbox.tenant}/{path}"
    answer = http.get(address, params=given, allow_redirects=False)
    assert answer.headers["location"] == REDIRECT_URI
    assert "Pick an account" in visible_text(authorize(sandbox, http))


@pytest.mark.parametrize("path", PATHS)
def test_an_address_with_another_slash_is_not_registered(sandbox, http, path):
    sign_in(sandbox, http)
    given = {"post_logout_redirect_uri": REDIRECT_URI.rstrip("/")}
    answer = http.get(f"{sandbox.authority}/common/{path}", params=given, allow_redirects=False)
    assert answer.status_code == 200 and "signed out" in visible_text(answer)
    assert "Pick an account" in visible_text(authorize(sandbox, http))


@pytest.mark.parametrize("uri", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_signing_out_leads_nowhere_else(sandbox, http, uri):
    answer = http.get(
        f"{sandbox.authority}/common/oauth2/v2.0/logout",
        params={"post_logout_redirect_uri": uri},
        allow_redirects=False,
    )
    assert answer.status_code == 200
    assert "location" not in answer.headers


@pytest.mark.parametrize("path", PATHS)
def test_an_app_may_sign_out_by_post(sandbox, http, path):
    sign_in(sandbox, http)
    answer = http.post(
        f"{sandbox.authority}/common/{path}",
        {"post_logout_redirect_uri": REDIRECT_URI},
        allow_redirects=False,
    )
    assert answer.headers["location"] == REDIRECT_URI
    assert "Pick an account" in visible_text(authorize(sandbox, http))


def test_signing_out_at_an_unknown_tenant_is_refused_on_the_page(sandbox, http):
    answer = http.get(f"{sandbox.authority}/fabrikam.example/oauth2/logout")
    assert answer.status_code == 400
    assert "AADSTS90002" in visible_text(answer)
