"""What every page of the sandbox has in common, and the pages of the sign-in."""

import html
import re
from urllib.parse import urljoin, urlsplit

import pytest

from tests.sandbox import client, entra

HOSTILE = "<script>alert(1)</script>\"'&\u202egpj.exe\u200b"
QUOTES = "\"'><&amp;"
TOKEN = "A" * 43


def hrefs(text):
    return [html.unescape(one) for one in re.findall(r'(?:href|src|action)="([^"]*)"', text)]


def csrf(page):
    return re.search(r'name="csrf" value="([^"]+)"', page.text)[1]


def new_app_form(sandbox, **changes):
    fields = {"name": "Not wanted", "audience": "AzureADMyOrg", "platform": "web", "uri": ""}
    return f"{sandbox.portal}/new", fields | changes


@pytest.fixture
def pages_of(sandbox):
    app = f"{sandbox.portal}/apps/{sandbox.client_id}"
    subpages = ("authentication", "secrets", "permissions", "manifest", "delete")
    return [
        f"{sandbox.authority}/",
        sandbox.portal,
        f"{sandbox.portal}/new",
        app,
        *(f"{app}/{one}" for one in subpages),
        sandbox.mailbox,
        f"{sandbox.mailbox}?user={sandbox.user}&folder=sentitems",
        f"{sandbox.mailbox}/unknown",
        client.sign_in_url(sandbox),
        client.sign_in_url(sandbox, client_id="unknown"),
        f"{sandbox.authority}/common/oauth2/v2.0/logout",
        f"{sandbox.authority}/common/oauth2/nativeclient",
    ]


@pytest.mark.case("N18", "N41")
def test_every_page_says_what_it_is_and_carries_the_security_headers(pages_of, http):
    for url in pages_of:
        page = http.get(url)
        assert "text/html" in page.headers["content-type"], url
        assert "No password is needed, and nothing leaves it." in page.text, url
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "script-src" not in policy and "unsafe" not in policy
        assert "form-action" not in policy  # it would stop the redirect back to the app
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"


def test_every_link_stays_below_the_prefix_of_a_proxy(sandbox, pages_of, http):
    for url in pages_of:
        path = urlsplit(url).path
        links = [one for one in hrefs(http.get(url).text) if not one.startswith(("data:", "#"))]
        assert links, url
        for link in links:
            seen = urljoin(f"https://hub.example/user/me/proxy/8000{path}", link)
            assert seen.startswith("https://hub.example/user/me/proxy/8000/"), (url, link)


def test_every_internal_link_leads_somewhere(sandbox, pages_of, http):
    targets = {
        urljoin(url, link).split("#")[0]
        for url in pages_of
        for link in hrefs(http.get(url).text)
        if not link.startswith(("data:", "#"))
    }
    assert len(targets) > 12
    for target in targets:
        assert http.get(target).status_code == 200, target


def test_the_style_sheet_loads_nothing_else(sandbox, http):
    sheet = http.get(f"{sandbox.authority}/static/sandbox.css")
    assert sheet.headers["content-type"].startswith("text/css")
    assert "url(" not in sheet.text and "@import" not in sheet.text


def test_every_field_has_a_label_and_every_heading_and_language_is_there(pages_of, http):
    fields = 0
    for url in pages_of:
        page = http.get(url).text
        assert '<html lang="en">' in page and page.count("<h1>") == 1, url
        ids = re.findall(r'\bid="([^"]+)"', page)
        assert len(ids) == len(set(ids)), url
        for tag in re.findall(r"<(?:input|select|textarea)\b[^>]*>", page):
            if 'type="hidden"' not in tag:
                fields += 1
                name = re.search(r' id="([^"]+)"', tag)[1]
                assert f'<label for="{name}">' in page, tag
        for described in re.findall(r'aria-(?:describedby|labelledby)="([^"]+)"', page):
            assert set(described.split()) <= set(ids), url
    assert fields > 20


def _luminance(colour):
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_and_controls_have_the_contrast_of_wcag_aa_in_light_and_dark(sandbox, http):
    sheet = http.get(f"{sandbox.authority}/static/sandbox.css").text
    schemes = [
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", part)) for part in sheet.split("@media")[:2]
    ]
    grounds = ("page", "surface", "raised", "bad-surface", "good-surface")
    pairs = [(ink, ground, 4.5) for ink in ("text", "quiet") for ground in grounds]
    pairs += [(ink, ground, 4.5) for ink in ("accent", "bad") for ground in ("page", "surface")]
    pairs += [
        ("on-accent", "accent", 4.5),
        ("warm-text", "warm", 4.5),
        ("edge", "surface", 3.0),
    ]
    for scheme in schemes:
        for ink, ground, least in pairs:
            light, dark = sorted((_luminance(scheme[one]) for one in (ink, ground)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= least, (ink, ground, scheme[ink])


# The hidden token of forms


def test_the_cookie_of_forms_is_kept_from_scripts_and_other_sites(sandbox, http):
    cookie = http.get(sandbox.portal).headers["set-cookie"]
    assert re.fullmatch(
        r"graphsandbox_csrf=[\w-]{43}; HttpOnly; Path=/; SameSite=lax", cookie, re.IGNORECASE
    )
    assert "set-cookie" not in http.get(sandbox.portal).headers


def test_a_cookie_of_another_shape_is_replaced(sandbox, http):
    page = http.get(f"{sandbox.portal}/new", headers={"Cookie": 'graphsandbox_csrf="><b>'})
    assert "<b>" not in page.text
    assert "graphsandbox_csrf=" in page.headers["set-cookie"]


@pytest.mark.parametrize("token", [None, "", "A" * 43, "é" * 43, "A" * 5000])
def test_a_form_without_the_right_token_is_refused(sandbox, http, token):
    url, fields = new_app_form(sandbox, csrf=token)
    http.get(url)  # leaves the cookie
    answer = http.post(url, {name: value for name, value in fields.items() if value is not None})
    assert answer.status_code == 403
    assert "This form was not accepted" in answer.text
    assert "Not wanted" not in http.get(sandbox.portal).text


def test_a_form_with_the_token_of_another_browser_is_refused(sandbox, http):
    with client.browser() as other:
        stolen = csrf(other.get(f"{sandbox.portal}/new"))
    url, fields = new_app_form(sandbox, csrf=stolen)
    http.get(url)
    assert http.post(url, fields).status_code == 403
    assert "Not wanted" not in http.get(sandbox.portal).text


def test_a_form_without_the_cookie_is_refused(sandbox, http):
    url, fields = new_app_form(sandbox, csrf=TOKEN)
    assert http.post(url, fields).status_code == 403


def test_a_token_that_comes_as_a_file_is_refused(sandbox, http):
    url, fields = new_app_form(sandbox)
    token = csrf(http.get(url))
    answer = http.post(url, fields, files={"csrf": ("csrf", token)})
    assert answer.status_code in (400, 403)
    assert "Not wanted" not in http.get(sandbox.portal).text


@pytest.mark.parametrize("page", ["authentication", "secrets", "permissions", "manifest", "delete"])
def test_every_form_of_an_app_asks_for_the_token(sandbox, http, page):
    url = f"{sandbox.portal}/apps/{sandbox.client_id}/{page}"
    before = http.get(f"{sandbox.portal}/apps/{sandbox.client_id}/manifest").text
    fields = {"manifest": "{}", "remove": sandbox.redirect_uris[0], "days": "90"}
    assert http.post(url, fields).status_code == 403
    assert http.get(f"{sandbox.portal}/apps/{sandbox.client_id}/manifest").text == before


# The pages of the sign-in


@pytest.fixture
def hostile_app(sandbox, http):
    asked = {"display_name": HOSTILE, "redirect_uris": [client.REDIRECT_URI]}
    return http.post(f"{sandbox.authority}/_control/register", json=asked).json()["client_id"]


def check_escaped(page):
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    shown = re.sub(r'value="[^"]*"|<textarea.*?</textarea>', "", page.text, flags=re.DOTALL)
    assert "\u202e" not in shown and "⟨U+202E⟩gpj.exe⟨U+200B⟩" in shown


def test_the_sign_in_page_lists_accounts_as_buttons_and_can_be_cancelled(sandbox, http):
    page = http.get(client.sign_in_url(sandbox))
    assert "<h1>Pick an account</h1>" in page.text
    assert f'<button class="account" name="user" value="{sandbox.user}">' in page.text
    assert f'<span class="address">{sandbox.user}</span>' in page.text
    assert '<button name="cancel" value="1">Cancel</button>' in page.text


def test_the_sign_in_page_points_at_the_suggested_account(sandbox, http):
    page = http.get(client.sign_in_url(sandbox, login_hint="grace@contoso.example"))
    assert page.text.count("Suggested by the app") == 1
    assert 'value="grace@contoso.example" autofocus>' in page.text


def test_a_hostile_app_name_and_hint_are_text_on_the_pages_of_the_sign_in(
    sandbox, http, hostile_app
):
    page = http.get(client.sign_in_url(sandbox, client_id=hostile_app, login_hint=HOSTILE))
    check_escaped(page)
    check_escaped(entra.press(http, page, user=sandbox.user))


def test_a_hostile_app_name_is_text_in_the_portal(sandbox, http, hostile_app):
    app = f"{sandbox.portal}/apps/{hostile_app}"
    subpages = ("authentication", "secrets", "permissions", "manifest", "delete")
    for url in (sandbox.portal, app, *(f"{app}/{one}" for one in subpages)):
        check_escaped(http.get(url))


def test_the_consent_page_says_each_permission_in_words(sandbox, http):
    page = entra.press(http, http.get(client.sign_in_url(sandbox)), user=sandbox.user)
    assert "Permissions requested by" in page.text
    for words in ("Send mail as you", "The app may send mail in your name.", "Mail.Send"):
        assert words in page.text
    assert 'name="consent" value="cancel">Cancel</button>' in page.text
    assert 'name="consent" value="accept">Accept</button>' in page.text


def test_the_error_page_has_its_heading_text_and_troubleshooting_block(sandbox, http):
    page = http.get(client.sign_in_url(sandbox, redirect_uri="http://localhost/<b>x</b>"))
    assert page.status_code == 400
    assert "<h1>Sign in</h1>" in page.text
    assert "having trouble signing you in." in page.text
    assert "AADSTS50011" in page.text
    assert "<b>x</b>" not in page.text and "&lt;b&gt;x&lt;/b&gt;" in page.text
    for term in ("Request Id", "Correlation Id", "Timestamp", "Message"):
        assert f"<dt>{term}</dt>" in page.text


def test_the_form_post_page_submits_by_a_script_of_its_own_or_by_the_button(sandbox, http):
    page = http.get(client.sign_in_url(sandbox, response_mode="form_post", state=QUOTES))
    page = entra.press(http, page, user=sandbox.user)
    page = entra.press(http, page, consent="accept")
    nonce = re.search(r'<script nonce="([\w-]{20,})">', page.text)[1]
    assert page.headers["content-security-policy"].endswith(f"script-src 'nonce-{nonce}'")
    assert f'<form method="post" action="{client.REDIRECT_URI}"' in page.text
    assert re.search(r'name="code" value="[^"]+"', page.text)
    state = re.search(r'name="state" value="([^"]*)"', page.text)[1]
    assert html.unescape(state) == QUOTES
    assert ">Continue</button>" in page.text
    assert "csrf" not in page.text  # the app has no business with it


def test_an_address_without_a_page_says_so_to_people_and_in_two_words_to_programs(sandbox, http):
    url = f"{sandbox.authority}/nowhere"
    page = http.get(url, headers={"Accept": "text/html,*/*;q=0.8"})
    assert page.status_code == 404 and "Sandbox on this computer" in entra.visible_text(page)
    assert "content-security-policy" in page.headers
    answer = http.get(url, headers={"Accept": "*/*"})
    assert (answer.status_code, answer.text) == (404, "Not Found")
