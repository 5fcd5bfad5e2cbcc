"""The portal: an app registered and configured through its pages, as a person does it."""

import html
import json
import re

import pytest

from tests.sandbox import client, entra
from tests.sandbox.portal import (
    URI,
    by_id,
    manifest,
    register,
    save_manifest,
    submit,
    uris_of,
)


@pytest.fixture
def app_url(sandbox, http):
    """The address of a new app's overview."""
    return register(sandbox, http).url.split("?")[0]


def test_an_app_registered_by_the_pages_signs_a_person_in(sandbox, http):
    overview = register(sandbox, http, name="End to end")
    assert "The app is registered." in overview.text
    client_id, tenant = by_id(overview, "client-id"), by_id(overview, "tenant-id")
    assert tenant == sandbox.tenant
    app_url = overview.url.split("?")[0]
    chosen = ["openid", "User.Read", "Mail.Send"]
    submit(http, f"{app_url}/permissions", permission=chosen)
    added = submit(http, f"{app_url}/secrets", description="Laptop", days="90")

    asked = {"client_id": client_id, "scope": " ".join(chosen)}
    code = client.sign_in(sandbox, http, **asked)["code"]
    secret = html.unescape(by_id(added, "secret-value"))
    answer = client.redeem(sandbox, http, code, client_id=client_id, client_secret=secret)
    assert answer.status_code == 200, answer.text
    headers = client.bearer(answer.json()["access_token"])
    assert http.get(f"{sandbox.graph}/v1.0/me", headers=headers).status_code == 200


def test_a_new_app_is_in_the_list_and_has_user_read_by_default(sandbox, http):
    overview = register(sandbox, http, name="Listed & found")
    listed = http.get(sandbox.portal).text
    assert "Listed &amp; found" in listed and by_id(overview, "client-id") in listed
    page = http.get(overview.url.split("?")[0] + "/permissions").text
    assert re.findall(r'value="([\w.]+)" checked', page) == ["User.Read"]


def test_the_overview_says_that_oauth_does_not_use_the_object_id(http, app_url):
    page = http.get(app_url).text
    assert "Object ID" in page and "OAuth does not use it" in page
    assert "Supported account types" in page and "Multitenant" in page


@pytest.mark.parametrize(
    "name, words",
    [("", "Enter a name"), ("   ", "Enter a name"), ("x" * 121, "121"), ("a\tb", "control")],
)
def test_a_name_that_is_none_is_refused_and_what_was_typed_is_kept(sandbox, http, name, words):
    page = register(sandbox, http, name=name, uri="http://localhost/kept/", platform="spa")
    assert page.status_code == 400
    assert words in page.text and 'id="name-problem"' in page.text
    assert 'aria-invalid="true"' in page.text
    assert 'value="http://localhost/kept/"' in page.text
    assert '<option value="spa" selected>' in page.text


REFUSED_IN_THE_BOX = {
    "http://127.0.0.1:8000/connect/get_token/": "Manifest page",
    "HTTP://127.0.0.1/": "Manifest page",
    "http://example.org/callback": "must start with https://",
    "http://localhost.example.org/": "must start with https://",
    "http://[::1]:8000/": "[::1] is not supported",
    "https://example.org/a#b": "fragment",
    "https://*.example.org/": "Wildcards",
    "https://me@example.org/": "user name",
    "http://localhost\\@example.org/": "encoded form",
    "https://example.org/a b": "encoded form",
    "https://example.org:port/": "not a URL",
    "https:///callback": "must start with https://",
    "localhost:8000/callback": "must start with https://",
    "javascript:alert`1`//": "encoded form",
    "javascript://example.org/": "must start with https://",
    "https://example.org/" + "a" * 240: "at most 256",
    "": "Enter a redirect URI",
} | {f"https://example.org/{one}": f"The character {html.escape(one)} " for one in "!$'(),;"}


@pytest.mark.parametrize("uri", REFUSED_IN_THE_BOX)
def test_the_redirect_uri_box_refuses(http, app_url, uri):
    page = submit(http, f"{app_url}/authentication", platform="web", uri=uri)
    assert page.status_code == 400
    problem = re.search(r'id="uri-problem">(.*?)</span>', page.text, re.S)[1]
    words = REFUSED_IN_THE_BOX[uri].replace("&#x27;", "&#39;")
    assert words in problem
    assert f'value="{html.escape(uri).replace("&#x27;", "&#39;")}"' in page.text
    assert uris_of(http, app_url) == [URI]


def test_a_new_registration_refuses_the_same_redirect_uris(sandbox, http):
    page = register(sandbox, http, name="Refused", uri="http://127.0.0.1:8000/")
    assert page.status_code == 400 and "Manifest page" in page.text
    assert "Refused" not in http.get(sandbox.portal).text


@pytest.mark.parametrize(
    "uri",
    [
        "http://localhost",
        "http://localhost:5000/cb",
        "http://localhost:5000/cb/",
        "https://127.0.0.1/cb",
        "https://example.org/cb?x=1",
        "https://example.org/" + "a" * 236,
    ],
)
def test_a_redirect_uri_is_kept_exactly_as_typed(http, app_url, uri):
    page = submit(http, f"{app_url}/authentication", platform="web", uri=uri)
    assert "Saved." in page.text
    assert uris_of(http, app_url) == [URI, uri]


def test_only_the_mobile_and_desktop_platform_takes_a_scheme_of_its_own(http, app_url):
    uri = "com.example.app://callback"
    web = submit(http, f"{app_url}/authentication", platform="web", uri=uri)
    assert web.status_code == 400
    own = submit(http, f"{app_url}/authentication", platform="publicClient", uri=uri)
    assert own.status_code == 200
    assert uris_of(http, app_url, "publicClient") == [uri]
    script = submit(http, f"{app_url}/authentication", platform="publicClient", uri="data:,x")
    assert script.status_code == 400


def test_the_same_redirect_uri_is_not_registered_twice(http, app_url):
    page = submit(http, f"{app_url}/authentication", platform="spa", uri=URI)
    assert page.status_code == 400 and "is registered already" in page.text


def test_a_redirect_uri_can_be_removed(http, app_url):
    submit(http, f"{app_url}/authentication", remove=URI)
    assert uris_of(http, app_url) == []


def test_the_account_types_can_be_changed_unless_a_redirect_uri_forbids_it(http, app_url):
    submit(http, f"{app_url}/authentication", audience="AzureADMyOrg")
    assert manifest(http, app_url)["signInAudience"] == "AzureADMyOrg"
    submit(http, f"{app_url}/authentication", platform="web", uri="https://example.org/?a=1")
    personal = "AzureADandPersonalMicrosoftAccount"
    page = submit(http, f"{app_url}/authentication", audience=personal)
    assert page.status_code == 400 and "query string" in page.text
    assert manifest(http, app_url)["signInAudience"] == "AzureADMyOrg"


def test_the_value_of_a_secret_is_shown_once_and_never_stands_in_a_url(http, app_url):
    url = f"{app_url}/secrets"
    added = submit(http, url, description="<b>Laptop</b>", days="180")
    value = html.unescape(by_id(added, "secret-value"))
    assert len(value) == 40 and added.url == url and not added.history
    again = http.get(url)
    assert value not in again.text and html.escape(value) not in again.text
    assert f"{value[:3]}***" in again.text
    assert by_id(added, "secret-id") in again.text
    assert "<b>Laptop" not in again.text and "&lt;b&gt;Laptop&lt;/b&gt;" in again.text
    assert value not in json.dumps(manifest(http, app_url))


def test_a_secret_can_be_removed(http, app_url):
    url = f"{app_url}/secrets"
    secret_id = by_id(submit(http, url, description="", days="90"), "secret-id")
    submit(http, url, remove=secret_id)
    page = http.get(url).text
    assert secret_id not in page and "No client secrets have been created" in page


def test_an_expired_secret_is_marked_in_words(sandbox, http, app_url):
    submit(http, f"{app_url}/secrets", description="Old", days="90")
    http.post(f"{sandbox.authority}/_control/clock", json={"advance_s": 91 * 86400})
    assert "(expired)" in http.get(f"{app_url}/secrets").text


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"description": "d" * 256, "days": "90"}, "at most 255"),
        ({"description": "d", "days": "9999"}, "one of the lifetimes"),
        ({"description": "d"}, "one of the lifetimes"),
    ],
)
def test_a_secret_form_with_odd_values_adds_nothing(http, app_url, fields, words):
    page = submit(http, f"{app_url}/secrets", **fields)
    assert page.status_code == 400 and words in page.text
    assert manifest(http, app_url)["passwordCredentials"] == []


def test_permissions_are_what_was_ticked_and_nothing_else(http, app_url):
    submit(http, f"{app_url}/permissions", permission=["Mail.Send", "Made.Up"])
    page = http.get(f"{app_url}/permissions").text
    assert re.findall(r'value="([\w.]+)" checked', page) == ["Mail.Send"]


def test_the_manifest_takes_what_the_box_refuses_and_comes_back_the_same(http, app_url):
    changed = manifest(http, app_url)
    changed["web"]["redirectUris"] = ["http://127.0.0.1:8000/connect/get_token/"]
    changed["displayName"] = 'Née 🦉 "quoted" </textarea>'
    changed["signInAudience"] = "AzureADMyOrg"
    page = save_manifest(http, app_url, changed)
    assert "Saved." in page.text and page.text.count("</textarea>") == 1
    assert manifest(http, app_url) == changed
    assert "http://127.0.0.1:8000/connect/get_token/" in http.get(f"{app_url}/authentication").text


def test_the_manifest_writes_permissions_by_their_ids(http, app_url):
    mail_send = "e383f46e-2787-4529-855e-0e479a3ffac0"
    changed = manifest(http, app_url)
    changed["requiredResourceAccess"][0]["resourceAccess"] = [{"id": mail_send, "type": "Scope"}]
    assert changed["requiredResourceAccess"][0]["resourceAppId"].startswith("00000003-0000-0000")
    save_manifest(http, app_url, changed)
    page = http.get(f"{app_url}/permissions").text
    assert re.findall(r'value="([\w.]+)" checked', page) == ["Mail.Send"]


REFUSED_IN_THE_MANIFEST = {
    "": "This is not JSON",
    "{": "line 1",
    "[]": "one JSON object",
    "[" * 9000: "not JSON",
    '{"displayName": "\\ud800"}': "not JSON",
    '{"displayName": 7}': "displayName",
    '{"displayName": ""}': "Enter a name",
    '{"signInAudience": "Everybody"}': "signInAudience",
    '{"signInAudience": ["AzureADMyOrg"]}': "signInAudience",
    '{"appId": "other"}': "can&#39;t be changed",
    '{"passwordCredentials": [{"secretText": "mine"}]}': "can&#39;t be changed",
    '{"colour": "green"}': "does not know the property",
    '{"web": []}': "redirectUris",
    '{"web": {"redirectUris": "http://localhost"}}': "list of texts",
    '{"web": {"redirectUris": [null]}}': "list of texts",
    '{"web": {"homePageUrl": "x"}}': "redirectUris",
    '{"web": {"redirectUris": ["http://[::1]/"]}}': "not supported",
    '{"web": {"redirectUris": ["http://example.org/"]}}': "must start with https://",
    '{"spa": {"redirectUris": ["https://a/", "https://a/"]}}': "registered already",
    '{"requiredResourceAccess": {}}': "requiredResourceAccess",
    '{"requiredResourceAccess": [{"resourceAppId": "x"}]}': "only Microsoft Graph",
    '{"requiredResourceAccess": [{"resourceAppId": "00000003-0000-0000-c000-000000000000",'
    ' "resourceAccess": [{"id": "x", "type": "Scope"}]}]}': "no delegated permission",
}


@pytest.mark.parametrize("text", REFUSED_IN_THE_MANIFEST)
def test_a_manifest_that_does_not_fit_changes_nothing(http, app_url, text):
    before = manifest(http, app_url)
    page = submit(http, f"{app_url}/manifest", manifest=text)
    assert page.status_code == 400
    assert REFUSED_IN_THE_MANIFEST[text] in page.text
    assert text in html.unescape(page.text)  # what was typed is kept
    assert manifest(http, app_url) == before


@pytest.mark.parametrize(
    ("audience", "limit"),
    [
        ("AzureADMyOrg", 256),
        ("AzureADMultipleOrgs", 256),
        ("AzureADandPersonalMicrosoftAccount", 100),
        ("PersonalMicrosoftAccount", 100),
    ],
)
def test_too_many_redirect_uris_are_refused_by_the_kind_of_app(http, app_url, audience, limit):
    changed = manifest(http, app_url) | {"signInAudience": audience}
    uris = [f"https://example.org/{at}" for at in range(limit + 1)]
    changed["web"]["redirectUris"] = uris[:limit]
    assert "Saved." in save_manifest(http, app_url, changed).text
    changed["web"]["redirectUris"] = uris
    page = save_manifest(http, app_url, changed)
    assert page.status_code == 400 and f"can have {limit}" in page.text
    one_more = submit(http, f"{app_url}/authentication", platform="web", uri=uris[-1])
    assert one_more.status_code == 400 and f"can have {limit}" in one_more.text


@pytest.mark.parametrize(
    "audience", ["AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount"]
)
def test_apps_for_personal_accounts_take_no_query_string(sandbox, http, audience):
    uri = "https://example.org/callback?x=1"
    page = register(sandbox, http, audience=audience, uri=uri)
    assert page.status_code == 400 and "query string" in page.text
    app_url = register(sandbox, http, audience=audience).url.split("?")[0]
    changed = manifest(http, app_url)
    changed["web"]["redirectUris"] = [uri]
    page = save_manifest(http, app_url, changed)
    assert page.status_code == 400 and "query string" in page.text


def test_a_secret_lasts_at_most_24_months(http, app_url):
    page = http.get(f"{app_url}/secrets").text
    lifetimes = [int(days) for days in re.findall(r'<option value="(\d+)"', page)]
    assert sorted(lifetimes) == [90, 180, 365, 545, 730]


def test_an_app_is_deleted_only_after_a_confirmation(sandbox, http, app_url):
    asked = http.get(f"{app_url}/delete")
    assert "Delete this app registration?" in asked.text
    assert http.get(app_url).status_code == 200
    page = entra.press(http, asked)
    assert page.url.split("?")[0] == sandbox.portal and "was deleted" in page.text
    assert http.get(app_url).status_code == 404


def test_deleting_the_app_of_the_notebooks_comes_with_a_warning(sandbox, http, app_url):
    printed = f"{sandbox.portal}/apps/{sandbox.client_id}/delete"
    assert "the notebooks use" in http.get(printed).text
    assert "the notebooks use" not in http.get(f"{app_url}/delete").text


@pytest.mark.parametrize("odd", ["unknown", "%00", "..%2f..%2fetc%2fpasswd", "%ff", "a" * 3000])
def test_an_unknown_app_is_not_found(sandbox, http, odd):
    assert http.get(f"{sandbox.portal}/apps/{odd}").status_code == 404
    assert http.get(f"{sandbox.portal}/apps/{odd}/secrets").status_code == 404
