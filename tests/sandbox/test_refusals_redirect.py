"""What is refused by redirect to the app, word for word.

The words stand here once more on purpose: these tests import nothing of the sandbox's table.
"""

import re

import pytest

from tests.sandbox.entra import (
    REDIRECT_URI,
    arrived,
    authorize,
    press,
    register,
    sign_in,
    sign_in_url,
)
from tests.sandbox.refusal import GUID, NOT_FOUND, TIME, missing

BY_REDIRECT = {
    "a response type that is missing": (
        {"response_type": None},
        "invalid_request",
        missing("response_type"),
    ),
    "scopes that are missing": ({"scope": None}, "invalid_request", missing("scope")),
    "an unknown response type": (
        {"response_type": "magic"},
        "unsupported_response_type",
        "AADSTS70005: The app requested an unsupported response type 'magic'.",
    ),
    "a response type that is not enabled": (
        {"response_type": "id_token"},
        "unsupported_response_type",
        "AADSTS700054: response_type 'id_token' is not enabled for the application.",
    ),
    "an unknown response mode": (
        {"response_mode": "pigeon"},
        "unsupported_response_mode",
        "AADSTS70007: 'pigeon' is not a supported value of 'response_mode' when requesting a"
        " token.",
    ),
    "an unknown prompt": (
        {"prompt": "admin_consent"},
        "invalid_request",
        "AADSTS90023: Unsupported 'prompt' value.",
    ),
    "two prompts": (
        {"prompt": "consent select_account"},
        "invalid_request",
        "AADSTS90023: Unsupported 'prompt' value.",
    ),
    "a misspelt scope": (
        {"scope": "openid Send.Mail"},
        "invalid_client",
        "AADSTS650053: The application 'Graph tutorial app' asked for scope 'Send.Mail' that"
        " doesn't exist on the resource '00000003-0000-0000-c000-000000000000'. Contact the app"
        " vendor.",
    ),
    "a scope with a stray newline": (
        {"scope": "Mail.Send\n"},
        "invalid_client",
        "AADSTS650053: The application 'Graph tutorial app' asked for scope 'Mail.Send\n' that",
    ),
    "scopes with a comma between": (
        {"scope": "Mail.Send,User.Read"},
        "invalid_scope",
        "AADSTS70011: The provided request must include a 'scope' input parameter. The provided"
        " value for the input parameter 'scope' is not valid. The scope Mail.Send,User.Read is"
        " not valid. The scope format is invalid. Scope must be in a valid URI form"
        " <https://example/scope> or a valid Guid <guid/scope>.",
    ),
    ".default beside another scope": (
        {"scope": "https://graph.microsoft.com/.default Mail.Send"},
        "invalid_scope",
        "AADSTS70011: ",
    ),
    "nothing but blanks for scope": ({"scope": "  "}, "invalid_scope", "AADSTS70011: "),
    "a scope of an unknown resource": (
        {"scope": "https://graf.microsoft.com/Mail.Send"},
        "invalid_resource",
        "AADSTS500011: The resource principal named https://graf.microsoft.com was not found in"
        f" the tenant named Contoso. {NOT_FOUND} You might have sent your authentication"
        " request to the wrong tenant.",
    ),
    "silence where nobody is signed in": (
        {"prompt": "none"},
        "login_required",
        "AADSTS50058: A silent sign-in request was sent but no user is signed in.",
    ),
}


@pytest.mark.parametrize("case", BY_REDIRECT)
def test_the_redirect_refuses(sandbox, http, case):
    changes, error, words = BY_REDIRECT[case]
    fields = arrived(authorize(sandbox, http, **changes))
    assert fields["error"] == error
    assert fields["error_description"].startswith(words)
    assert fields["state"] == "s-1"
    number = re.match(r"AADSTS(\d+)", words)[1]
    assert fields["error_uri"] == f"{sandbox.authority}/error?code={number}"


def test_the_redirect_has_microsofts_trailer_and_escapes(sandbox, http):
    location = authorize(sandbox, http, scope=None).headers["location"]
    assert location.startswith(
        f"{REDIRECT_URI}?error=invalid_request&error_description=AADSTS900144%3a+The+request+"
    )
    assert "%0d%0aTrace+ID%3a+" in location
    description = arrived(authorize(sandbox, http, scope=None))["error_description"]
    trailer = rf"\r\nTrace ID: {GUID}\r\nCorrelation ID: {GUID}\r\nTimestamp: {TIME}\Z"
    assert re.search(trailer, description)


def test_a_refused_hybrid_request_is_answered_in_the_fragment(sandbox, http):
    answer = authorize(sandbox, http, response_type="code id_token", nonce="n")
    assert answer.headers["location"].startswith(f"{REDIRECT_URI}#error=unsupported_response_type")


@pytest.mark.parametrize("parameter", ["state", "scope", "nonce", "x-unknown"])
def test_the_redirect_refuses_a_parameter_that_comes_twice(sandbox, http, parameter):
    url = f"{sign_in_url(sandbox)}&{parameter}=1&{parameter}=2"
    fields = arrived(http.get(url, allow_redirects=False))
    assert fields["error"] == "invalid_request"
    assert (
        f"AADSTS9000411: The request is not properly formatted. The parameter '{parameter}'"
        in (fields["error_description"])
    )


def test_cancel_on_the_account_page_says_no_more_than_that(sandbox, http):
    fields = arrived(press(http, authorize(sandbox, http), cancel="1"))
    assert fields == {"error": "access_denied", "error_subcode": "cancel", "state": "s-1"}


def test_a_declined_consent_is_access_denied(sandbox, http):
    consent = press(http, authorize(sandbox, http), user=sandbox.user)
    fields = arrived(press(http, consent, consent="cancel"))
    assert fields["error"] == "access_denied"
    assert fields["error_description"].startswith(
        "AADSTS65004: User declined to consent to access the app."
    )
    assert fields["error_uri"] == f"{sandbox.authority}/error?code=65004"


def test_silence_without_consent_is_consent_required(sandbox, http):
    sign_in(sandbox, http, scope="User.Read")
    fields = arrived(authorize(sandbox, http, scope="Mail.Read", prompt="none"))
    assert fields["error"] == "consent_required"
    assert fields["error_description"].startswith(
        "AADSTS65001: The user or administrator has not consented to use the application with ID"
        f" '{sandbox.client_id}' named 'Graph tutorial app'. Send an interactive authorization"
        " request for this user and resource."
    )


def test_v1_refuses_an_unknown_resource_by_redirect(sandbox, http):
    fields = arrived(authorize(sandbox, http, "v1", resource="https://graf.microsoft.com"))
    assert fields["error"] == "invalid_resource"
    assert fields["error_description"].startswith(
        "AADSTS500011: The resource principal named https://graf.microsoft.com was not found"
    )


def test_a_single_page_app_must_use_pkce(sandbox, http):
    app = register(sandbox, http, platform="spa")
    fields = arrived(authorize(app, http))
    assert fields["error"] == "invalid_request"
    assert fields["error_description"].startswith(
        "AADSTS9002325: Proof Key for Code Exchange is required for cross-origin authorization"
        " code redemption."
    )
