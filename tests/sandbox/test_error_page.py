"""The page that says what an AADSTS number means."""

import pytest

from tests.sandbox.entra import token_request, visible_text


def look_up(sandbox, http, code):
    return http.get(f"{sandbox.authority}/error", params={"code": code})


def test_error_uri_leads_to_the_words_of_the_refusal(sandbox, http):
    refused = token_request(sandbox, http, code="x", client_secret="wrong").json()
    page = http.get(refused["error_uri"])
    text = visible_text(page)
    assert page.status_code == 200
    assert "AADSTS7000215 Invalid client secret provided." in text
    assert "OAuth error invalid_client Where in the answer of the token endpoint" in text
    assert "no public document" not in text


@pytest.mark.parametrize("code", ["50011", " 50011 ", "AADSTS50011", "aadsts50011"])
def test_a_code_may_be_typed_with_its_prefix(sandbox, http, code):
    assert "does not match the redirect URIs" in visible_text(look_up(sandbox, http, code))


def test_a_number_with_two_errors_shows_both(sandbox, http):
    text = visible_text(look_up(sandbox, http, "65001"))
    assert "consent_required" in text and "invalid_grant" in text


def test_the_page_says_when_microsofts_words_are_not_known(sandbox, http):
    assert "no public document" in visible_text(look_up(sandbox, http, "70003"))


@pytest.mark.parametrize("code", ["1", "0", "99999", "-1", "5e3", "\u0665", "9" * 5000, "x"])
def test_an_unknown_code_is_not_found_and_another_can_be_tried(sandbox, http, code):
    page = look_up(sandbox, http, code)
    assert page.status_code == 404
    assert "Not a code of this sandbox" in page.text and 'name="code"' in page.text


def test_a_code_with_html_is_shown_as_text(sandbox, http):
    page = look_up(sandbox, http, "<script>alert(1)</script>")
    assert page.status_code == 404
    assert "<script" not in page.text and "&lt;script&gt;" in page.text


def test_without_a_code_the_page_asks_for_one(sandbox, http):
    page = http.get(f"{sandbox.authority}/error")
    assert page.status_code == 200 and "Look up an error code" in page.text
