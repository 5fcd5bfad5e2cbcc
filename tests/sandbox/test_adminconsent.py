"""What only an administrator may grant, and how one does."""

import pytest

from tests.sandbox.entra import (
    REDIRECT_URI,
    arrived,
    authorize,
    press,
    register,
    sign_in,
    visible_text,
)

USER, ADMIN, PERSONAL = "ada@contoso.example", "grace@contoso.example", "alan@outlook.example"
PATHS = ("adminconsent", "v2.0/adminconsent")
NEEDS_ADMIN = "openid User.Read.All"


def ask(app, http, path="adminconsent", tenant="organizations", **changes):
    """Open the link that an app shows to administrators."""
    query = {"client_id": app.client_id, "redirect_uri": REDIRECT_URI, "state": "s 1"}
    if path.startswith("v2.0"):
        query["scope"] = NEEDS_ADMIN
    address = f"{app.authority}/{tenant}/{path}"
    return http.get(address, params=query | changes, allow_redirects=False)


def approval(page):
    text = visible_text(page)
    assert "Need admin approval" in text
    assert "location" not in page.headers
    return text


# On authorize


def test_a_person_can_not_grant_what_needs_an_administrator(sandbox, http):
    page = press(http, authorize(sandbox, http, scope=NEEDS_ADMIN), user=USER)
    text = approval(page)
    assert (
        "Graph tutorial app needs permission to access resources in your organization that only"
        " an admin can grant."
    ) in text
    assert (
        "AADSTS90094: An administrator of Contoso has set a policy that prevents you from granting"
        " Graph tutorial app the permissions it is requesting. Contact an administrator of Contoso,"
        " who can grant permissions to Graph tutorial app on your behalf."
    ) in text
    assert "Need admin approval" in visible_text(press(http, page, consent="accept"))


def test_returning_without_consent_is_a_cancel_without_a_description(sandbox, http):
    page = press(http, authorize(sandbox, http, scope=NEEDS_ADMIN), user=USER)
    assert "Return to the application without granting consent" in approval(page)
    assert arrived(press(http, page, cancel="1")) == {
        "error": "access_denied",
        "error_subcode": "cancel",
        "state": "s-1",
    }


def test_an_administrator_can_take_over_on_that_page(sandbox, http):
    page = press(http, authorize(sandbox, http, scope=NEEDS_ADMIN), user=USER)
    page = press(http, press(http, page, switch="1"), user=ADMIN)
    assert "code" in arrived(press(http, page, consent="accept"))


def test_an_administrators_own_consent_is_for_nobody_else(sandbox, http):
    assert "code" in sign_in(sandbox, http, user=ADMIN, scope=NEEDS_ADMIN)
    http.cookies.clear()
    approval(press(http, authorize(sandbox, http, scope=NEEDS_ADMIN), user=USER))


def test_an_administrator_may_consent_on_behalf_of_the_organization(sandbox, http):
    page = press(http, authorize(sandbox, http, scope=NEEDS_ADMIN), user=ADMIN)
    assert "Consent on behalf of your organization" in visible_text(page)
    press(http, page, consent="accept", organization="1")
    http.cookies.clear()
    page = press(http, authorize(sandbox, http, scope=NEEDS_ADMIN), user=USER)
    assert "code" in arrived(page)


def test_nobody_else_consents_on_behalf_of_the_organization(sandbox, http):
    page = press(http, authorize(sandbox, http), user=USER)
    assert "Consent on behalf of your organization" not in visible_text(page)
    press(http, page, consent="accept", organization="1")
    http.cookies.clear()
    page = press(http, authorize(sandbox, http), user="zoe@contoso.example")
    assert "Permissions requested" in visible_text(page)


def test_v1_asks_an_administrator_for_everybody(sandbox, http):
    page = press(http, authorize(sandbox, http, "v1", prompt="admin_consent"), user=ADMIN)
    assert "Review for your organization." in visible_text(page)
    fields = arrived(press(http, page, consent="accept", organization="1"))
    assert fields["admin_consent"] == "True" and "code" in fields
    http.cookies.clear()
    assert "code" in arrived(press(http, authorize(sandbox, http, "v1"), user=USER))


def test_v1_admin_consent_is_not_for_everybody_to_give(sandbox, http):
    page = press(http, authorize(sandbox, http, "v1", prompt="admin_consent"), user=USER)
    approval(page)
    approval(press(http, page, consent="accept", organization="1"))


# The endpoint of its own


@pytest.mark.parametrize("path", PATHS)
def test_an_administrator_grants_for_everybody(sandbox, http, path):
    page = press(http, ask(sandbox, http, path), user=ADMIN)
    assert "Review for your organization." in visible_text(page)
    fields = arrived(press(http, page, consent="accept"))
    scope = {"scope": NEEDS_ADMIN} if path.startswith("v2.0") else {}
    answer = {"admin_consent": "True", "tenant": sandbox.tenant, "state": "s 1"}
    assert fields == answer | scope
    http.cookies.clear()
    granted = {"scope": NEEDS_ADMIN} if scope else {}
    assert "code" in arrived(press(http, authorize(sandbox, http, **granted), user=USER))


@pytest.mark.parametrize("path", PATHS)
def test_a_cancel_says_that_it_was_about_admin_consent(sandbox, http, path):
    fields = arrived(press(http, ask(sandbox, http, path), cancel="1"))
    assert fields == {
        "error": "access_denied",
        "error_subcode": "cancel",
        "admin_consent": "True",
        "state": "s 1",
    }


@pytest.mark.parametrize("path", PATHS)
def test_a_declined_consent_says_so_too(sandbox, http, path):
    page = press(http, ask(sandbox, http, path), user=ADMIN)
    fields = arrived(press(http, page, consent="cancel"))
    assert fields["error"] == "access_denied" and fields["admin_consent"] == "True"
    words = "AADSTS65004: User declined to consent to access the app.\r\n"
    assert fields["error_description"].startswith(words)


@pytest.mark.parametrize("path", PATHS)
def test_who_is_no_administrator_needs_one(sandbox, http, path):
    page = press(http, ask(sandbox, http, path), user=USER)
    approval(page)
    approval(press(http, page, consent="accept"))
    http.cookies.clear()
    page = press(http, authorize(sandbox, http), user="zoe@contoso.example")
    assert "Permissions requested" in visible_text(page)


def test_an_account_from_elsewhere_is_sent_back(sandbox, http):
    fields = arrived(press(http, ask(sandbox, http, tenant="contoso.example"), user=PERSONAL))
    assert fields["error"] == "access_denied" and fields["admin_consent"] == "True"
    assert fields["error_description"].startswith(
        "AADSTS50020: User account '{EmailHidden}' from identity provider 'live.com' does not"
        " exist in tenant 'Contoso' and cannot access the application"
    )


def test_personal_accounts_have_no_administrator(sandbox, http):
    app = register(sandbox, http, sign_in_audience="AzureADandPersonalMicrosoftAccount")
    page = ask(app, http, tenant="consumers")
    assert page.status_code == 400
    assert (
        f"AADSTS90130: Application '{app.client_id}' (Test app) is not supported over the /common"
        " or /consumers endpoints. Please use the /organizations or tenant-specific endpoint."
    ) in visible_text(page)


def test_an_unregistered_address_gets_no_answer(sandbox, http):
    page = ask(sandbox, http, redirect_uri="https://evil.example/")
    assert page.status_code == 400 and "AADSTS50011" in visible_text(page)


def test_scopes_are_required_on_v2_only(sandbox, http):
    fields = arrived(ask(sandbox, http, "v2.0/adminconsent", scope=""))
    assert fields["error"] == "invalid_request" and fields["admin_consent"] == "True"
    assert fields["error_description"].startswith(
        "AADSTS900144: The request body must contain the following parameter: 'scope'."
    )


@pytest.mark.parametrize("path", PATHS)
def test_another_site_can_not_consent(sandbox, http, path):
    press(http, ask(sandbox, http, path), user=ADMIN)
    page = ask(sandbox, http, path)
    answer = http.post(page.url, {"consent": "accept", "csrf": "x" * 43}, allow_redirects=False)
    assert answer.status_code == 403
