"""What Entra's own page refuses, word for word: no redirect is safe there.

The words stand here once more on purpose: these tests import nothing of the sandbox's table.
"""

import re
import uuid

import pytest

from tests.sandbox.entra import (
    CHALLENGE,
    authorize,
    register,
    sign_in_url,
)
from tests.sandbox.refusal import GUID, NOT_FOUND, missing, shown

NOBODY = "11111111-2222-4333-8444-555555555555"


ON_THE_PAGE = {
    "a client id that is missing": ({"client_id": None}, missing("client_id")),
    "a client id that is empty": ({"client_id": ""}, missing("client_id")),
    "an unknown client": (
        {"client_id": NOBODY},
        f"AADSTS700016: Application with identifier '{NOBODY}' was not found in the directory"
        f" 'Contoso'. {NOT_FOUND} You may have sent your authentication request to the wrong"
        " tenant.",
    ),
    "a client id with HTML in it": (
        {"client_id": "<b>x</b>"},
        "AADSTS700016: Application with identifier '<b>x</b>' was not found",
    ),
    "a redirect URI that is missing": (
        {"redirect_uri": None},
        "AADSTS900971: No reply address provided.",
    ),
    "v1's resource on v2.0": (
        {"resource": "https://graph.microsoft.com"},
        "AADSTS901002: The 'resource' request parameter is not supported.",
    ),
    "a code challenge that is too short": (
        {"code_challenge": "short", "code_challenge_method": "S256"},
        "AADSTS501491: Invalid size of Code_Challenge parameter.",
    ),
    "a code challenge that is too long": (
        {"code_challenge": "x" * 129},
        "AADSTS501491: Invalid size of Code_Challenge parameter.",
    ),
    "a challenge method without a challenge": (
        {"code_challenge_method": "S256"},
        "AADSTS50147: The size of the code challenge parameter isn't valid.",
    ),
    "an unknown challenge method": (
        {"code_challenge": CHALLENGE, "code_challenge_method": "s256"},
        "AADSTS50149: Invalid Code_Challenge_method parameter.",
    ),
}


@pytest.mark.parametrize("case", ON_THE_PAGE)
def test_the_page_refuses(sandbox, http, case):
    changes, words = ON_THE_PAGE[case]
    assert words in shown(authorize(sandbox, http, **changes))


def test_the_page_refuses_a_redirect_uri_that_is_not_registered(sandbox, http):
    uri = "http://localhost:8000/connect/get_token"
    assert (
        f"AADSTS50011: The redirect URI '{uri}' specified in the request does not match the"
        f" redirect URIs configured for the application '{sandbox.client_id}'. Make sure the"
        " redirect URI sent in the request matches one added to your application in the Azure"
        " portal. Navigate to https://aka.ms/redirectUriMismatchError to learn more about how"
        " to fix this."
    ) in shown(authorize(sandbox, http, redirect_uri=uri))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"client_id": NOBODY}, "What to do: The app may be registered in another sandbox"),
        ({"redirect_uri": "http://localhost:8000/"}, "What to do: The sandbox's portal stands"),
        ({"tenant": NOBODY}, None),
    ],
)
def test_the_page_says_what_to_do_where_only_the_person_hears_of_it(sandbox, http, wrong, words):
    page = shown(authorize(sandbox, http, **wrong))
    assert words in page if words else "What to do" not in page


def test_the_page_refuses_an_app_without_redirect_uris(sandbox, http):
    app = register(sandbox, http, redirect_uris=[])
    words = "AADSTS500113: No reply address is registered for the application."
    assert words in shown(authorize(app, http))


@pytest.mark.parametrize("tenant", ["fabrikam.example", NOBODY])
def test_the_page_refuses_a_tenant_that_does_not_exist(sandbox, http, tenant):
    assert (
        f"AADSTS90002: Tenant '{tenant}' not found. Check to make sure you have the correct"
        " tenant ID and are signing into the correct cloud. Check with your subscription"
        " administrator, this may happen if there are no active subscriptions for the tenant."
    ) in shown(authorize(sandbox, http, tenant=tenant))


@pytest.mark.parametrize("tenant", ["tenant", "-x.example", "a..example", "x" * 300, "5f6ae2d1"])
def test_the_page_refuses_a_tenant_that_is_not_even_a_name(sandbox, http, tenant):
    assert (
        f"AADSTS900023: Specified tenant identifier '{tenant}' is neither a valid DNS name, nor"
        " a valid external domain."
    ) in shown(authorize(sandbox, http, tenant=tenant))


@pytest.mark.parametrize("tenant", ["common", "organizations"])
def test_the_page_refuses_an_app_of_one_tenant_on_a_shared_door(sandbox, http, tenant):
    app = register(sandbox, http, sign_in_audience="AzureADMyOrg", display_name="Mine")
    assert (
        f"AADSTS50194: Application '{app.client_id}'(Mine) is not configured as a multi-tenant"
        " application. Usage of the /common endpoint is not supported for such applications"
        " created after '10/15/2018'. Use a tenant-specific endpoint or configure the"
        " application to be multi-tenant."
    ) in shown(authorize(app, http, tenant=tenant))


@pytest.mark.parametrize("tenant", ["consumers", "9188040d-6c67-4c5b-b112-36a304b66dad"])
def test_the_page_refuses_a_work_app_at_the_door_of_personal_accounts(sandbox, http, tenant):
    text = shown(authorize(sandbox, http, tenant=tenant))
    assert "was not found in the directory 'Microsoft Accounts'" in text


def test_the_page_refuses_a_personal_app_at_the_door_of_a_tenant(sandbox, http):
    app = register(sandbox, http, sign_in_audience="PersonalMicrosoftAccount", display_name="Home")
    assert (
        f"AADSTS9002346: Application '{app.client_id}'(Home) is configured for use by Microsoft"
        " Account users only. Please use the /consumers endpoint to serve this request."
    ) in shown(authorize(app, http))


@pytest.mark.parametrize("parameter", ["client_id", "redirect_uri"])
def test_the_page_refuses_what_decides_the_address_when_it_comes_twice(sandbox, http, parameter):
    url = f"{sign_in_url(sandbox)}&{parameter}=other"
    assert (
        "AADSTS9000411: The request is not properly formatted. The parameter"
        f" '{parameter}' is duplicated."
    ) in shown(http.get(url, allow_redirects=False))


def test_the_page_names_request_correlation_and_time(sandbox, http):
    correlation_id = str(uuid.uuid4())
    url = sign_in_url(sandbox, client_id=NOBODY)
    text = shown(http.get(url, headers={"client-request-id": correlation_id}))
    assert re.search(rf"Request Id:? {GUID}", text)
    assert correlation_id in text
    assert re.search(r"Timestamp:? \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", text)
