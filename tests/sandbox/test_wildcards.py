"""Redirect URIs with a wildcard: by the manifest only, for organizations' apps only (reply-url)."""

import pytest

from tests.sandbox.client import redeem, sign_in
from tests.sandbox.entra import authorize, register, visible_text
from tests.sandbox.portal import manifest, save_manifest, submit, uris_of

HOST = "https://*.example.org/callback"
PATH = "https://example.org/app/*"
USUAL = {"redirect_uris": ["https://example.org/"], "sign_in_audience": "AzureADMultipleOrgs"}


@pytest.fixture
def app(sandbox, http):
    """An app of organizations, with two wildcards."""
    client = register(sandbox, http, display_name="Wild", platform="web", **USUAL)
    changed = manifest(http, page_of(sandbox, client))
    changed["web"]["redirectUris"] = [HOST, PATH]
    assert "Saved." in save_manifest(http, page_of(sandbox, client), changed).text
    return client


def page_of(sandbox, client):
    return f"{sandbox.portal}/apps/{client.client_id}"


@pytest.mark.parametrize(
    "uri",
    [
        "https://one.example.org/callback",
        "https://a-b-2.example.org/callback",
        "https://example.org/app/",
        "https://example.org/app/one/two.html",
    ],
)
def test_a_wildcard_stands_for_part_of_an_address(app, http, uri):
    answer = authorize(app, http, redirect_uri=uri)
    assert answer.status_code == 200 and "ada@contoso.example" in answer.text


@pytest.mark.parametrize(
    "uri",
    [
        HOST,  # no address
        PATH,
        "https://example.org/callback",
        "https://a.b.example.org/callback",
        "https://.example.org/callback",
        "https://evil.example/.example.org/callback",
        "https://evil.example?.example.org/callback",
        "https://me@one.example.org/callback",
        "https://oneXexample.org/callback",
        "http://one.example.org/callback",
        "https://one.example.org/callback/",
        "https://one.example.org/callback?x=1",
        "https://one.example.org:8443/callback",
        "https://example.org/app",
        "https://example.org/app/../elsewhere",
        "https://example.org/app/%2E%2e/elsewhere",
        "https://example.org/app/x/..",
        "https://example.org/app/?next=https://evil.example",
        "https://example.org/app/@evil.example",
        "https://example.org/app/one\n",
    ],
)
def test_a_wildcard_stands_for_nothing_else(app, http, uri):
    answer = authorize(app, http, redirect_uri=uri)
    assert answer.status_code == 400
    assert "AADSTS50011: The redirect URI" in visible_text(answer)


def test_the_token_call_needs_the_very_address_of_the_first_leg(app, http):
    first, second = "https://one.example.org/callback", "https://two.example.org/callback"
    code = sign_in(app, http, redirect_uri=first)["code"]
    refused = redeem(app, http, code, redirect_uri=second).json()
    assert "AADSTS500112" in refused["error_description"]
    assert redeem(app, http, code, redirect_uri=first).status_code == 200


def test_v1_takes_no_wildcard_for_an_address_that_was_left_out(app, http):
    answer = authorize(app, http, "v1", redirect_uri=None)
    assert "AADSTS900971: No reply address provided." in visible_text(answer)


@pytest.mark.parametrize(
    "uri",
    [
        "https://*",
        "https://*.org/",
        "https://*example.org/",
        "https://a.*.example.org/",
        "https://example.org/*/x",
        "https://example.org/x*",
        "https://example.org/?x=*",
        "http://localhost/*",
    ],
)
def test_a_wildcard_elsewhere_is_refused_by_the_manifest_too(sandbox, http, app, uri):
    changed = manifest(http, page_of(sandbox, app))
    changed["web"]["redirectUris"] = [uri]
    page = save_manifest(http, page_of(sandbox, app), changed)
    assert page.status_code == 400 and "A wildcard (*) stands for the first part" in page.text
    assert uris_of(http, page_of(sandbox, app)) == [HOST, PATH]


def test_an_app_with_wildcards_opens_to_no_personal_account(sandbox, http, app):
    audience = "AzureADandPersonalMicrosoftAccount"
    changed = manifest(http, page_of(sandbox, app)) | {"signInAudience": audience}
    page = save_manifest(http, page_of(sandbox, app), changed)
    assert page.status_code == 400 and "Wildcards (*) are not taken for apps that" in page.text
    page = submit(http, f"{page_of(sandbox, app)}/authentication", audience=audience)
    assert page.status_code == 400 and "Wildcards (*) are not taken for apps that" in page.text
