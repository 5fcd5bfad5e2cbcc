"""What a browser is refused before there is a code, word for word as Microsoft's.

The words stand here once more on purpose: these tests import nothing of the sandbox's table.
"""

import re

import pytest

from tests.sandbox.entra import (
    CHALLENGE,
    REDIRECT_URI,
    arrived,
    authorize,
    press,
    register,
    sign_in,
    sign_in_url,
    visible_text,
)
from tests.sandbox.refusal import shown

WORK, BLOCKED, PERSONAL = "ada@contoso.example", "konrad@contoso.example", "alan@outlook.example"
CONVERGED = "AzureADandPersonalMicrosoftAccount"
SINGLE_TENANT = "AzureADMyOrg"


# The request


def test_the_page_refuses_a_query_that_is_too_long(sandbox, http):
    answer = authorize(sandbox, http, state="x" * 9000)
    assert "AADSTS90015: Requested query string is too long." in shown(answer)


@pytest.mark.parametrize("bad", ["%ff", "%00", "%c3%28"])
def test_the_page_refuses_what_is_no_text(sandbox, http, bad):
    answer = http.get(f"{sign_in_url(sandbox)}&nonce={bad}", allow_redirects=False)
    assert "AADSTS90013: Invalid input received from the user." in shown(answer)


@pytest.mark.parametrize("claims", ["none", "[1]", '"text"', "{", "[" * 2000])
def test_the_page_refuses_claims_that_are_no_json_object(sandbox, http, claims):
    answer = authorize(sandbox, http, claims=claims)
    assert "AADSTS90100: claims parameter is empty or not valid." in shown(answer)


def test_claims_that_are_json_are_taken(sandbox, http):
    claims = '{"access_token":{"xms_cc":{"values":["cp1"]}}}'
    assert "code" in sign_in(sandbox, http, claims=claims)


@pytest.mark.parametrize("version", ["v1", "v2.0"])
def test_the_page_refuses_a_challenge_method_without_a_challenge(sandbox, http, version):
    answer = authorize(sandbox, http, version, code_challenge_method="S256")
    words = "AADSTS50147: The size of the code challenge parameter isn't valid."
    assert words in shown(answer)


@pytest.mark.parametrize("challenge", [CHALLENGE[:42], CHALLENGE[:-1] + "=", "x" * 129])
def test_the_page_refuses_a_challenge_of_another_size(sandbox, http, challenge):
    answer = authorize(sandbox, http, code_challenge=challenge, code_challenge_method="S256")
    assert "AADSTS501491: Invalid size of Code_Challenge parameter." in shown(answer)


def test_the_page_refuses_v1_at_the_door_of_personal_accounts(sandbox, http):
    app = register(sandbox, http, sign_in_audience=CONVERGED)
    assert (
        "AADSTS90027: We are unable to issue tokens from this API version on the MSA tenant."
        " Please contact the application vendor as they need to use version 2.0 of the protocol"
        " to support this."
    ) in shown(authorize(app, http, "v1", tenant="consumers"))


def test_the_page_refuses_all_registered_permissions_where_there_are_none(sandbox, http):
    app = register(sandbox, http, permissions=["openid"])
    answer = authorize(app, http, scope="https://graph.microsoft.com/.default")
    text = shown(answer)
    assert (
        "AADSTS650056: Misconfigured application. This could be due to one of the following: the"
        " client has not listed any permissions for 'Microsoft Graph' in the requested"
        " permissions in the client's application registration. Or, the admin has not consented"
        " in the tenant. Or, check the application identifier in the request to ensure it"
        " matches the configured client application identifier."
    ) in text
    assert f"Client app ID: {app.client_id}." in text


def test_v1_sends_back_a_resource_that_is_not_registered(sandbox, http):
    app = register(sandbox, http, permissions=[])
    fields = arrived(authorize(app, http, "v1", resource="https://graph.microsoft.com"))
    assert fields["error"] == "invalid_resource"
    assert fields["error_description"].startswith(
        "AADSTS650057: Invalid resource. The client has requested access to a resource which is"
        " not listed in the requested permissions in the client's application registration."
        f" Client app ID: {app.client_id}(Test app). Resource value from request:"
        " https://graph.microsoft.com. Resource app ID: 00000003-0000-0000-c000-000000000000."
        " List of valid resources from app registration: ."
    )


def test_the_page_refuses_an_app_that_was_disabled(sandbox, http):
    app = register(sandbox, http, display_name="Old", disabled=True)
    words = f"AADSTS7000112: Application '{app.client_id}'(Old) is disabled."
    assert words in shown(authorize(app, http))


BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "AADSTS900561: The endpoint only accepts POST requests. Received a GET request."),
        (
            "?grant_type=authorization_code&code=1.x",
            "AADSTS90056: To redeem the code for an access token, the app should send a POST"
            " request to the /token endpoint.",
        ),
    ],
)
@pytest.mark.parametrize("path", ["oauth2/token", "oauth2/v2.0/token"])
def test_the_token_address_opened_in_a_browser_is_refused_on_the_page(
    sandbox, http, path, query, words
):
    answer = http.get(f"{sandbox.authority}/common/{path}{query}", headers=BROWSER)
    assert words in shown(answer)


# The account


def pick(sandbox, http, user, version="v2.0", tenant="common", audience=None, **changes):
    """Pick an account for an app of this audience."""
    app = register(sandbox, http, sign_in_audience=audience) if audience else sandbox
    page = authorize(app, http, version, tenant, **changes)
    assert user in visible_text(page)
    return app, press(http, page, user=user)


def test_the_page_refuses_a_personal_account_for_an_app_of_one_tenant(sandbox, http):
    app, answer = pick(sandbox, http, PERSONAL, tenant="contoso.example", audience=SINGLE_TENANT)
    assert (
        f"AADSTS50020: User account '{PERSONAL}' from identity provider 'live.com' does not"
        f" exist in tenant 'Contoso' and cannot access the application '{app.client_id}'(Test"
        " app) in that tenant. The account needs to be added as an external user in the tenant"
        " first. Sign out and sign in again with a different Azure Active Directory user"
        " account."
    ) in shown(answer)


def test_the_page_refuses_a_personal_account_on_v1(sandbox, http):
    _, answer = pick(sandbox, http, PERSONAL, "v1", audience=CONVERGED)
    assert (
        "AADSTS500201: We are unable to issue tokens from this API version for a Microsoft"
        " account. Please contact the application vendor as they need to use version 2.0 of the"
        " protocol to support this."
    ) in shown(answer)


@pytest.mark.parametrize(
    ("user", "tenant", "audience"),
    [
        (PERSONAL, "organizations", CONVERGED),
        (PERSONAL, "common", "AzureADMultipleOrgs"),
        (WORK, "consumers", CONVERGED),
        (WORK, "consumers", "PersonalMicrosoftAccount"),
    ],
)
def test_the_page_refuses_the_other_kind_of_account(sandbox, http, user, tenant, audience):
    _, answer = pick(sandbox, http, user, tenant=tenant, audience=audience)
    words = "AADSTS500208: The domain is not a valid login domain for the account type."
    assert words in shown(answer)


@pytest.mark.parametrize("version", ["v1", "v2.0"])
def test_the_page_refuses_an_account_that_is_blocked(sandbox, http, version):
    _, answer = pick(sandbox, http, BLOCKED, version)
    assert "AADSTS50057: The user account is disabled." in shown(answer)


def test_the_page_refuses_an_account_that_does_not_exist(sandbox, http):
    page = press(http, authorize(sandbox, http), typed=" mallory@contoso.example ")
    assert (
        "AADSTS50034: The user account mallory@contoso.example does not exist in the Contoso"
        " directory. To sign into this application, the account must be added to the directory."
    ) in shown(page)


def test_what_was_typed_is_shown_as_text(sandbox, http):
    page = press(http, authorize(sandbox, http), typed="<script>alert(1)</script>@{0}")
    assert "<script>alert" not in page.text
    assert "<script>alert(1)</script>@{0} does not exist" in shown(page)


def test_the_page_refuses_who_is_not_assigned_to_the_app(sandbox, http):
    app = register(sandbox, http, assigned=["grace@contoso.example"], display_name="Few")
    answer = press(http, authorize(app, http), user=WORK)
    assert (
        f"AADSTS50105: The signed in user '{WORK}' is not assigned to a role for the application"
        f" '{app.client_id}'(Few)."
    ) in shown(answer)
    assert "code" in sign_in(app, http, user="grace@contoso.example")


def test_a_refused_account_signs_nobody_in_and_can_be_changed(sandbox, http):
    _, answer = pick(sandbox, http, BLOCKED)
    assert not any(cookie.name.startswith("ESTSAUTH") for cookie in http.cookies)
    accounts = press(http, answer, switch="1")
    page = press(http, accounts, user=WORK)
    assert "code" in arrived(press(http, page, consent="accept"))


# Silence


def silent(app, http, **changes):
    """Ask for silence, and return error and description."""
    fields = arrived(authorize(app, http, prompt="none", **changes))
    return fields["error"], fields["error_description"].split("\r\n")[0]


def test_silence_for_who_is_not_in_the_tenant_needs_interaction(sandbox, http):
    sign_in(register(sandbox, http, sign_in_audience=CONVERGED), http, user=PERSONAL)
    app = register(sandbox, http, sign_in_audience=SINGLE_TENANT)
    assert silent(app, http, tenant="contoso.example") == (
        "interaction_required",
        "AADSTS90072: User account '{EmailHidden}' from identity provider 'live.com' does not"
        f" exist in tenant 'Contoso' and cannot access the application '{app.client_id}'(Test"
        " app) in that tenant. The account needs to be added as an external user in the tenant"
        " first. Sign out and sign in again with a different Azure Active Directory user"
        " account.",
    )


def test_silence_for_who_is_not_assigned_needs_interaction(sandbox, http):
    sign_in(sandbox, http)
    app = register(sandbox, http, assigned=[])
    assert silent(app, http) == (
        "interaction_required",
        "AADSTS50105: The signed in user '{EmailHidden}' is not assigned to a role for the"
        f" application '{app.client_id}'(Test app).",
    )


def test_silence_for_the_other_kind_of_account_needs_a_sign_in(sandbox, http):
    app = register(sandbox, http, sign_in_audience=CONVERGED)
    sign_in(app, http, user=PERSONAL)
    assert silent(app, http, tenant="organizations") == (
        "login_required",
        "AADSTS50058: A silent sign-in request was sent but no user is signed in.",
    )


def test_silence_for_what_needs_an_administrator_needs_consent(sandbox, http):
    sign_in(sandbox, http)
    error, words = silent(sandbox, http, scope="User.Read.All")
    assert error == "consent_required"
    assert words.startswith("AADSTS65001: The user or administrator has not consented to use")


# Where a refusal goes


@pytest.mark.parametrize(
    ("mode", "start"),
    [("query", "?error="), ("fragment", "#error="), (None, "?error=")],
)
def test_a_refusal_goes_back_in_the_mode_that_was_asked_for(sandbox, http, mode, start):
    answer = authorize(sandbox, http, response_mode=mode, scope="Mail.Sned")
    assert answer.headers["location"].startswith(f"{REDIRECT_URI}{start}invalid_client&")


@pytest.mark.parametrize("mode", ["query", "fragment"])
def test_a_refusal_strips_html_from_the_state(sandbox, http, mode):
    answer = authorize(sandbox, http, response_mode=mode, scope=None, state="a<script>b</b>c")
    assert arrived(answer)["state"] == "abc"


def test_cancel_goes_back_by_form_post_without_a_description(sandbox, http):
    page = press(http, authorize(sandbox, http, response_mode="form_post"), cancel="1")
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text))
    assert fields == {"error": "access_denied", "error_subcode": "cancel", "state": "s-1"}
