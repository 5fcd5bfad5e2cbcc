"""The portal's switches, its list of samples, and the manifest members that say the same."""

import json
import re

import pytest

import graphsandbox
from tests.sandbox import client, entra
from tests.sandbox.portal import manifest, register, save_manifest, submit

SAMPLES = {
    "Sample: single tenant": ("AzureADMyOrg", "web"),
    "Sample: multitenant": ("AzureADMultipleOrgs", "web"),
    "Sample: personal accounts too": ("AzureADandPersonalMicrosoftAccount", "web"),
    "Sample: single-page application": ("AzureADMultipleOrgs", "spa"),
    "Sample: desktop application": ("AzureADMultipleOrgs", "publicClient"),
    "Sample: needs an administrator": ("AzureADMultipleOrgs", "web"),
    "Sample: expired secret": ("AzureADMultipleOrgs", "web"),
}


@pytest.fixture
def app_url(sandbox, http):
    """The address of a new app's overview."""
    return register(sandbox, http).url.split("?")[0]


def sample_urls(sandbox, http):
    """Return the samples' names and addresses."""
    page = http.get(sandbox.portal).text
    links = re.findall(r'href="([^"]*portal/apps/[^"]+)"><bdi>(Sample: [^<]+)</bdi>', page)
    return {name: f"{sandbox.portal}/apps/{link.split('/')[-1]}" for link, name in links}


def flags(http, app_url):
    shown = manifest(http, app_url)
    implicit = shown["web"]["implicitGrantSettings"]
    return shown["isFallbackPublicClient"], implicit["enableIdTokenIssuance"]


def test_a_new_app_is_confidential_and_gets_no_tokens_from_authorize(http, app_url):
    assert flags(http, app_url) == (False, False)


def test_public_client_flows_and_id_tokens_are_switched_on_and_off(http, app_url):
    url = f"{app_url}/authentication"
    page = submit(http, url, flows="1", public_flows="yes", id_tokens="yes")
    assert "Saved." in page.text
    assert flags(http, app_url) == (True, True)
    assert re.search(r'id="id-tokens" value="yes" checked', page.text)
    assert re.search(r'id="public-yes" value="yes" checked', page.text)
    submit(http, url, flows="1", public_flows="no")
    assert flags(http, app_url) == (False, False)
    assert manifest(http, app_url)["web"]["redirectUris"] == [client.REDIRECT_URI]


def test_the_manifest_switches_them_too(http, app_url):
    changed = manifest(http, app_url)
    changed["isFallbackPublicClient"] = True
    changed["isDisabled"] = True
    changed["web"]["implicitGrantSettings"]["enableIdTokenIssuance"] = True
    assert "Saved." in save_manifest(http, app_url, changed).text
    assert manifest(http, app_url) == changed


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"isDisabled": "no"}, "isDisabled must be true, false or null"),
        ({"web": {"implicitGrantSettings": []}}, "web.implicitGrantSettings has"),
        ({"web": {"implicitGrantSettings": {"x": True}}}, "web.implicitGrantSettings has"),
        (
            {"web": {"implicitGrantSettings": {"enableIdTokenIssuance": 1}}},
            "enableIdTokenIssuance must be true, false or null",
        ),
        (
            {"web": {"implicitGrantSettings": {"enableAccessTokenIssuance": True}}},
            "gives no access token",
        ),
        ({"spa": {"implicitGrantSettings": {}}}, "spa must be"),
    ],
)
def test_switches_of_another_shape_are_refused(http, app_url, changed, words):
    before = manifest(http, app_url)
    page = save_manifest(http, app_url, changed)
    assert page.status_code == 400 and words in page.text
    assert manifest(http, app_url) == before


def test_an_app_is_deactivated_and_activated_again(http, app_url):
    page = submit(http, app_url, state="deactivate")
    assert "<dt>State</dt><dd>Deactivated</dd>" in page.text
    assert manifest(http, app_url)["isDisabled"] is True
    page = submit(http, app_url, state="activate")
    assert "<dt>State</dt><dd>Activated</dd>" in page.text
    assert manifest(http, app_url)["isDisabled"] is False


def test_the_samples_stand_below_ones_own_apps_and_say_what_they_show(sandbox, http, app_url):
    page = http.get(sandbox.portal).text
    own, _, samples = page.partition("<h2>Samples</h2>")
    assert "Graph tutorial app" in own and app_url.split("/")[-1] in own
    assert "Sample:" not in own and "AADSTS50194" in samples
    assert list(sample_urls(sandbox, http)) == list(SAMPLES)
    url = sample_urls(sandbox, http)["Sample: single tenant"]
    assert "A sample: For the people of one tenant only" in http.get(url).text


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_what_its_name_says(sandbox, http, name):
    shown = manifest(http, sample_urls(sandbox, http)[name])
    audience, platform = SAMPLES[name]
    assert shown["signInAudience"] == audience
    assert shown[platform]["redirectUris"] == sandbox.redirect_uris


def sample(sandbox, http, name):
    client_id = sample_urls(sandbox, http)[name].split("/")[-1]
    return entra.Other(sandbox, client_id, None, None)


def test_the_single_tenant_sample_is_refused_at_common(sandbox, http):
    app = sample(sandbox, http, "Sample: single tenant")
    assert "AADSTS50194" in entra.authorize(app, http).text


def test_the_sample_that_needs_an_administrator_is_refused(sandbox, http):
    app = sample(sandbox, http, "Sample: needs an administrator")
    page = entra.press(http, entra.authorize(app, http, scope="User.Read.All"), user=app.user)
    assert "AADSTS90094" in page.text


def test_the_desktop_sample_needs_no_secret(sandbox, http):
    app = sample(sandbox, http, "Sample: desktop application")
    code = entra.sign_in(app, http)["code"]
    assert entra.redeem(app, http, code).status_code == 200


def test_the_expired_secret_is_refused_as_expired(sandbox, http):
    app = sample(sandbox, http, "Sample: expired secret")
    [secret] = manifest(http, f"{sandbox.portal}/apps/{app.client_id}")["passwordCredentials"]
    app.client_secret = secret["displayName"].removeprefix("Expired on purpose, so shown: ")
    assert "(expired)" in http.get(f"{sandbox.portal}/apps/{app.client_id}/secrets").text
    code = entra.sign_in(app, http)["code"]
    answer = entra.redeem(app, http, code)
    assert answer.status_code == 401 and answer.json()["error_codes"] == [7000222]


def test_a_deleted_sample_does_not_come_back(http, tmp_path):
    with graphsandbox.running(tmp_path) as sandbox:
        url = sample_urls(sandbox, http)["Sample: multitenant"]
        submit(http, f"{url}/delete")
    with graphsandbox.running(tmp_path) as sandbox:
        left = sample_urls(sandbox, http)
    assert list(left) == [name for name in SAMPLES if name != "Sample: multitenant"]


def test_a_test_registers_an_app_with_its_own_permissions_or_deactivated(sandbox, http):
    asked = {"permissions": ["User.Read", "User.Read.All"], "disabled": True}
    app = entra.register(sandbox, http, **asked)
    shown = manifest(http, f"{sandbox.portal}/apps/{app.client_id}")
    assert shown["isDisabled"] is True
    assert len(shown["requiredResourceAccess"][0]["resourceAccess"]) == 2
    usual = entra.register(sandbox, http)
    shown = manifest(http, f"{sandbox.portal}/apps/{usual.client_id}")
    assert shown["isDisabled"] is False
    assert "e383f46e-2787-4529-855e-0e479a3ffac0" in json.dumps(shown)  # Mail.Send
