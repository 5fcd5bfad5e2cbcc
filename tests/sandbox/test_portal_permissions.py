"""The API permissions page, and what consent given and taken back there does to sign-ins."""

import html
import re

import pytest

from tests.sandbox import entra
from tests.sandbox.portal import submit

GRACE = "grace@contoso.example"
ADMIN_ONLY = "openid profile offline_access User.Read User.Read.All"


@pytest.fixture
def app(sandbox, http):
    """An app that needs an administrator, seen as if it were the default one."""
    names = ADMIN_ONLY.split()
    return entra.register(
        sandbox, http, sign_in_audience="AzureADandPersonalMicrosoftAccount", permissions=names
    )


@pytest.fixture
def page_url(sandbox, app):
    return f"{sandbox.portal}/apps/{app.client_id}/permissions"


def row(page, name):
    """Return the cells that the page has for a permission."""
    page = html.unescape(page)
    found = re.search(
        rf'<th class="narrow" scope="row"><code>{re.escape(name)}</code></th>(.*?)</tr>', page, re.S
    )
    return [" ".join(cell.split()) for cell in re.findall(r"<td[^>]*>(.*?)</td>", found[1], re.S)]


def test_the_page_tells_type_description_need_and_status_of_each_permission(http, page_url):
    before = http.get(page_url).text
    assert row(before, "User.Read.All") == [
        "Delegated", "Read all users' full profiles", "Yes",
        "⚠ Not granted for Contoso",
    ]  # fmt: skip
    assert row(before, "User.Read")[2:] == ["No", "Each person is asked"]
    after = submit(http, page_url, grant="1").text
    assert "Admin consent is granted for Contoso." in after
    assert row(after, "User.Read.All")[3] == row(after, "User.Read")[3] == "✓ Granted for Contoso"


def test_after_admin_consent_nobody_of_the_tenant_is_asked(app, http, page_url):
    submit(http, page_url, grant="1")
    http.cookies.clear()
    accounts = entra.authorize(app, http, scope=ADMIN_ONLY)
    code = entra.arrived(entra.press(http, accounts, user=GRACE))["code"]
    granted = entra.redeem(app, http, code).json()["scope"].split()
    assert "User.Read.All" in granted


def test_without_admin_consent_what_needs_it_is_refused_again(app, http, page_url):
    submit(http, page_url, grant="1")
    assert "Revoke admin consent" in http.get(page_url).text
    submit(http, page_url, revoke="1")
    assert "Revoke admin consent" not in http.get(page_url).text
    page = entra.press(http, entra.authorize(app, http, scope=ADMIN_ONLY), user=app.user)
    assert "AADSTS90094" in page.text


def test_a_tenants_admin_consent_says_nothing_for_personal_accounts(app, http, page_url):
    submit(http, page_url, permission=["openid", "User.Read"])
    submit(http, page_url, grant="1")
    http.cookies.clear()
    accounts = entra.authorize(app, http, scope="openid User.Read")
    asked = entra.press(http, accounts, user="alan@outlook.example")
    assert "Permissions requested" in asked.text


def test_what_was_granted_but_is_configured_no_more_is_still_shown(http, page_url):
    submit(http, page_url, grant="1")
    submit(http, page_url, permission="User.Read")
    page = http.get(page_url).text
    assert "Other permissions granted for Contoso" in page
    assert row(page, "User.Read.All")[3] == "✓ Granted for Contoso"


def test_a_reset_forgets_admin_consent(sandbox, http, page_url):
    submit(http, page_url, grant="1")
    http.post(f"{sandbox.authority}/_control/reset")
    assert row(http.get(page_url).text, "User.Read.All")[3] == "⚠ Not granted for Contoso"


def test_a_persons_consent_is_shown_and_revoked_and_refreshing_then_fails(sandbox, http):
    page_url = f"{sandbox.portal}/apps/{sandbox.client_id}/permissions"
    assert "Nobody has granted this app anything" in http.get(page_url).text
    code = entra.sign_in(sandbox, http)["code"]
    tokens = entra.redeem(sandbox, http, code).json()
    page = http.get(page_url).text
    assert "Ada Lovelace" in page and "Grace Hopper" not in page
    oid = re.search(r'name="revoke_user" value="([^"]+)"', page)[1]

    assert "The consent is revoked." in submit(http, page_url, revoke_user=oid).text
    answer = entra.refresh(sandbox, http, tokens["refresh_token"])
    assert answer.status_code == 400
    body = answer.json()
    assert (body["error"], body["error_codes"]) == ("invalid_grant", [65001])
    assert "Permissions requested" in entra.authorize(sandbox, http).text


def test_revoking_admin_consent_leaves_what_people_granted_themselves(sandbox, http):
    page_url = f"{sandbox.portal}/apps/{sandbox.client_id}/permissions"
    entra.sign_in(sandbox, http)
    submit(http, page_url, grant="1")
    submit(http, page_url, revoke="1")
    assert entra.arrived(entra.authorize(sandbox, http))["code"]


@pytest.mark.parametrize("oid", ["", "5f6ae2d1-3c1b-4d0e-9a57-2b8f1c0e7d42", "nobody"])
def test_revoking_for_nobody_changes_nothing(sandbox, http, oid):
    page_url = f"{sandbox.portal}/apps/{sandbox.client_id}/permissions"
    submit(http, page_url, grant="1")
    assert submit(http, page_url, revoke_user=oid).status_code == 200
    assert row(http.get(page_url).text, "User.Read")[3] == "✓ Granted for Contoso"


def test_one_apps_admin_consent_is_not_anothers(sandbox, http, page_url):
    submit(http, page_url, grant="1")
    other = f"{sandbox.portal}/apps/{sandbox.client_id}/permissions"
    assert row(http.get(other).text, "User.Read")[3] == "Each person is asked"
