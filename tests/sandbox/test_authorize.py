"""The authorization endpoint: what a person sees, and what arrives at the app."""

import base64
import json
import re
import uuid
from urllib.parse import urlsplit

import pytest

from tests.sandbox.entra import (
    REDIRECT_URI,
    arrived,
    authorize,
    press,
    redeem,
    register,
    sign_in,
    sign_in_url,
    visible_text,
)

VERSIONS = ("v1", "v2.0")


@pytest.mark.parametrize("version", VERSIONS)
def test_signing_in_leads_over_two_pages_to_a_code(sandbox, http, version):
    accounts = authorize(sandbox, http, version)
    assert sandbox.user in visible_text(accounts)
    consent = press(http, accounts, user=sandbox.user)
    assert "Send mail as you" in visible_text(consent)
    answer = press(http, consent, consent="accept")
    assert answer.headers["location"].startswith(f"{REDIRECT_URI}?code=")
    assert answer.headers["cache-control"] == "no-store"


def test_v2_answers_with_code_state_and_session_state_in_microsofts_order(sandbox, http):
    fields = sign_in(sandbox, http, state="a b/ü")
    assert list(fields) == ["code", "state", "session_state"]
    assert fields["state"] == "a b/ü"
    assert uuid.UUID(fields["session_state"])


def test_v1_has_session_state_before_state(sandbox, http):
    assert list(sign_in(sandbox, http, "v1", state="x")) == ["code", "session_state", "state"]


def test_without_a_state_none_comes_back(sandbox, http):
    assert "state" not in sign_in(sandbox, http, state=None)


def test_a_state_comes_back_without_html(sandbox, http):
    assert sign_in(sandbox, http, state="<b>x</b> 1<2")["state"] == "x 1<2"


def test_a_second_sign_in_in_the_same_browser_is_silent(sandbox, http):
    first = sign_in(sandbox, http)
    second = arrived(authorize(sandbox, http))
    assert second["code"] != first["code"]
    assert second["session_state"] == first["session_state"]


def test_consent_once_given_is_not_asked_for_in_another_browser(sandbox, http):
    sign_in(sandbox, http)
    http.cookies.clear()
    assert "code" in arrived(press(http, authorize(sandbox, http), user=sandbox.user))


def test_one_more_scope_is_asked_for(sandbox, http):
    sign_in(sandbox, http, scope="openid User.Read")
    page = authorize(sandbox, http, scope="openid User.Read Mail.Read")
    assert "Read user mail" in visible_text(page)


def test_each_person_consents_for_themselves(sandbox, http):
    sign_in(sandbox, http)
    http.cookies.clear()
    page = press(http, authorize(sandbox, http), user="grace@contoso.example")
    assert "Send mail as you" in visible_text(page)


@pytest.mark.parametrize("version", VERSIONS)
def test_prompt_consent_asks_again_and_then_answers(sandbox, http, version):
    sign_in(sandbox, http, version)
    page = authorize(sandbox, http, version, prompt="consent")
    assert "code" in arrived(press(http, page, consent="accept"))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("prompt", ["login", "select_account"])
def test_a_prompt_for_the_account_is_answered_once(sandbox, http, version, prompt):
    sign_in(sandbox, http, version)
    page = authorize(sandbox, http, version, prompt=prompt)
    assert sandbox.user in visible_text(page)
    assert "code" in arrived(press(http, page, user=sandbox.user))


def test_prompt_none_is_silent_once_all_is_granted(sandbox, http):
    sign_in(sandbox, http)
    assert "code" in arrived(authorize(sandbox, http, prompt="none"))


def test_a_login_hint_for_somebody_else_shows_the_accounts(sandbox, http):
    sign_in(sandbox, http)
    page = authorize(sandbox, http, login_hint="grace@contoso.example")
    assert "Pick an account" in visible_text(page)
    answer = press(http, page, user="grace@contoso.example")
    assert "code" in arrived(press(http, answer, consent="accept"))


def test_a_login_hint_for_who_is_signed_in_is_silent(sandbox, http):
    sign_in(sandbox, http)
    assert "code" in arrived(authorize(sandbox, http, login_hint=sandbox.user.upper()))


def test_an_account_that_does_not_exist_can_not_be_picked(sandbox, http):
    page = press(http, authorize(sandbox, http), user="mallory@contoso.example")
    assert "AADSTS50034" in visible_text(page)
    assert not any(cookie.name.startswith("ESTSAUTH") for cookie in http.cookies)


@pytest.mark.parametrize("fields", [{"user": "ada@contoso.example"}, {"consent": "accept"}])
def test_a_form_from_another_site_is_not_taken(sandbox, http, fields):
    http.get(sign_in_url(sandbox))
    answer = http.post(sign_in_url(sandbox), fields | {"csrf": "x" * 43}, allow_redirects=False)
    assert answer.status_code == 403
    assert not any(cookie.name.startswith("ESTSAUTH") for cookie in http.cookies)


def test_the_session_cookie_is_out_of_reach_for_scripts_and_other_sites(sandbox, http):
    page = authorize(sandbox, http)
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)[1]
    answer = http.post(page.url, {"csrf": csrf, "user": sandbox.user}, allow_redirects=False)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Path=/" in cookie


def test_the_step_after_sign_in_is_a_relative_address(sandbox, http):
    page = authorize(sandbox, http)
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)[1]
    fields = {"csrf": csrf, "user": sandbox.user}
    answer = http.post(page.url, fields, allow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("authorize?client_id=")


@pytest.mark.parametrize("version", VERSIONS)
def test_fragment_mode_puts_the_answer_behind_the_hash(sandbox, http, version):
    sign_in(sandbox, http, version)
    answer = authorize(sandbox, http, version, response_mode="fragment")
    assert answer.headers["location"].startswith(f"{REDIRECT_URI}#code=")


@pytest.mark.parametrize("version", VERSIONS)
def test_form_post_mode_answers_with_a_form_that_needs_no_script(sandbox, http, version):
    sign_in(sandbox, http, version)
    page = authorize(sandbox, http, version, response_mode="form_post", state='"><script>')
    assert f'action="{REDIRECT_URI}"' in page.text
    fields = dict(re.findall(r'name="([a-z_]+)" value="([^"]*)"', page.text))
    assert redeem(sandbox, http, fields["code"], version).status_code == 200
    assert "><script>" not in page.text


def test_the_form_post_script_runs_by_its_nonce_only(sandbox, http):
    sign_in(sandbox, http)
    page = authorize(sandbox, http, response_mode="form_post")
    nonce = re.search(r"script-src 'nonce-([^']+)'", page.headers["content-security-policy"])[1]
    assert f'nonce="{nonce}"' in page.text


def test_a_refusal_comes_by_form_post_when_the_app_asked_for_that(sandbox, http):
    page = authorize(sandbox, http, response_mode="form_post", scope=None)
    assert 'name="error" value="invalid_request"' in page.text
    assert 'name="state" value="s-1"' in page.text


def test_the_article_leaves_everything_out_but_three_parameters(sandbox, http):
    url = sign_in_url(sandbox, "v1")
    assert [pair.split("=")[0] for pair in urlsplit(url).query.split("&")] == [
        "client_id",
        "redirect_uri",
        "response_type",
    ]
    assert "code" in sign_in(sandbox, http, "v1")


def test_v1_falls_back_on_a_registered_redirect_uri(sandbox, http):
    answer = authorize(sandbox, http, "v1", redirect_uri=None)
    answer = press(http, answer, user=sandbox.user)
    answer = press(http, answer, consent="accept")
    assert answer.headers["location"].startswith(REDIRECT_URI)
    code = arrived(answer)["code"]
    assert redeem(sandbox, http, code, "v1", redirect_uri=None).status_code == 200


def test_v1_ignores_scope(sandbox, http):
    page = press(http, authorize(sandbox, http, "v1", scope="nonsense"), user=sandbox.user)
    assert "Send mail as you" in visible_text(page)


def test_client_info_names_the_account_for_msal(sandbox, http):
    text = sign_in(sandbox, http, client_info="1")["client_info"]
    account = json.loads(base64.urlsafe_b64decode(text + "=="))
    assert account["utid"] == sandbox.tenant
    assert uuid.UUID(account["uid"])


def test_default_scope_asks_for_all_that_is_registered(sandbox, http):
    page = authorize(sandbox, http, scope="openid https://graph.microsoft.com/.default")
    page = press(http, page, user=sandbox.user)
    assert "Read user mail" in visible_text(page)
    assert "Send mail as you" in visible_text(page)


@pytest.mark.parametrize(
    "tenant", ["common", "organizations", "contoso.example", "CONTOSO.example"]
)
def test_every_name_of_the_tenant_leads_to_it(sandbox, http, tenant):
    assert "code" in sign_in(sandbox, http, tenant=tenant)


def test_the_tenant_id_leads_to_the_tenant(sandbox, http):
    assert "code" in sign_in(sandbox, http, tenant=sandbox.tenant)


REGISTERED = [
    "http://localhost:8000/connect/get_token/",
    "http://localhost/callback",
    "http://127.0.0.1/callback",
    "http://localhost",
    "https://app.example/cb",
    "https://app.example/with?a=1",
    "https://no-path.example",
]


@pytest.fixture
def other_app(sandbox, http):
    return register(sandbox, http, redirect_uris=REGISTERED)


@pytest.mark.case("N28")
@pytest.mark.parametrize(
    "uri",
    [
        "http://localhost:53219/connect/get_token/",
        "http://localhost/connect/get_token/",
        "http://localhost:1/callback",
        "http://127.0.0.1:65535/callback",
        "https://app.example/cb",
    ],
)
def test_a_redirect_uri_matches_with_any_loopback_port(other_app, http, uri):
    answer = authorize(other_app, http, redirect_uri=uri, scope=None)
    assert answer.headers["location"].startswith(f"{uri}?error=")


@pytest.mark.case("N08", "N34")
@pytest.mark.parametrize(
    "uri",
    [
        "http://localhost:8000/connect/get_token",  # a slash less
        "http://localhost:8000/connect/Get_Token/",  # case
        "http://127.0.0.1:8000/connect/get_token/",  # another name of the same machine
        "http://LOCALHOST/callback",
        "http://localhost:8000/callback?x=1",
        "http://localhost:8000/callback#x",
        "http://localhost:8000@evil.example/callback",
        "http://localhost.evil.example/callback",
        "https://localhost:8000/callback",
        "https://app.example:444/cb",
        "https://app.example/cb/",
        "https://app.example/",
        "http://localhost:8000:8000/callback",
        "http://localhost:８０/callback",  # digits, but not of a port
        "javascript:alert(1)",
    ],
)
def test_any_other_redirect_uri_is_refused_on_the_page(other_app, http, uri):
    answer = authorize(other_app, http, redirect_uri=uri)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert "AADSTS50011" in visible_text(answer)


@pytest.mark.parametrize(
    ("uri", "start"),
    [
        ("https://app.example/with?a=1", "https://app.example/with?a=1&error="),
        ("https://no-path.example", "https://no-path.example/?error="),
        ("http://localhost:8000", "http://localhost:8000/?error="),
    ],
)
def test_the_answer_is_appended_as_a_query_should_be(other_app, http, uri, start):
    answer = authorize(other_app, http, redirect_uri=uri, scope=None)
    assert answer.headers["location"].startswith(start)


def test_an_app_of_one_tenant_is_welcome_at_that_tenant(sandbox, http):
    app = register(sandbox, http, sign_in_audience="AzureADMyOrg")
    assert "code" in sign_in(app, http, tenant=sandbox.tenant)


def test_an_apps_name_is_shown_as_text(sandbox, http):
    app = register(sandbox, http, display_name="<script>alert(1)</script>")
    page = authorize(app, http)
    assert "<script>alert" not in page.text
    assert "<script>alert(1)</script>" in page.text.replace("&lt;", "<").replace("&gt;", ">")


def test_a_desktop_apps_sign_in_may_end_on_a_page_of_entra(sandbox, http):
    uri = f"{sandbox.authority}/common/oauth2/nativeclient"
    app = register(sandbox, http, redirect_uris=[uri], platform="publicClient")
    code = sign_in(app, http, redirect_uri=uri)["code"]
    assert "Go back to your app" in visible_text(http.get(uri, params={"code": code}))
    assert redeem(app, http, code, redirect_uri=uri, client_secret=None).status_code == 200
