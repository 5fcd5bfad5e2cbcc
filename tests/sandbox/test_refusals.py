"""Every refusal, word for word as Microsoft's, and where it belongs.

The words stand here once more on purpose: these tests import nothing of the sandbox's table.
"""

import re
import uuid

import pytest

import graphsandbox
from graphsandbox.store import RedirectUri, Store
from tests.sandbox.entra import (
    CHALLENGE,
    REDIRECT_URI,
    VERIFIER,
    Other,
    advance,
    arrived,
    authorize,
    press,
    redeem,
    register,
    sign_in,
    sign_in_url,
    token_request,
    visible_text,
)

NOBODY = "11111111-2222-4333-8444-555555555555"
NOT_FOUND = (
    "This can happen if the application has not been installed by the administrator of the"
    " tenant or consented to by any user in the tenant."
)
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ"
GUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def missing(parameter):
    return f"AADSTS900144: The request body must contain the following parameter: '{parameter}'."


# On the page


def shown(answer):
    """Return the description on the error page, which never redirects."""
    assert answer.status_code == 400
    assert "location" not in answer.headers
    text = visible_text(answer)
    assert "Sign in Sorry, but we're having trouble signing you in." in text
    return text


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


# By redirect


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


# At the token endpoint


def refused(answer, error, words, status=400):
    """Assert the whole form of a refusal, and return its body."""
    body = answer.json()
    number = int(re.match(r"AADSTS(\d+): ", words)[1])
    trailer = rf" Trace ID: {body['trace_id']} Correlation ID: {body['correlation_id']}"
    assert (answer.status_code, body["error"]) == (status, error), body
    assert body["error_description"].startswith(words), body["error_description"]
    assert body["error_description"].endswith(f"{trailer} Timestamp: {body['timestamp']}")
    assert re.fullmatch(TIME, body["timestamp"])
    assert body["error_codes"] == [number]
    assert body["error_uri"].endswith(f"/error?code={number}")
    assert answer.headers["cache-control"] == "no-store"
    return body


def test_an_expired_secret_is_refused(sandbox, http):
    app = register(sandbox, http)
    advance(sandbox, http, 3 * 365 * 86400)
    code = sign_in(app, http)["code"]
    words = (
        f"AADSTS7000222: The provided client secret keys for app '{app.client_id}' are expired."
        " Visit the Azure portal to create new keys for your app:"
        " https://aka.ms/NewClientSecret, or consider using certificate credentials for added"
        " security: https://aka.ms/certCreds."
    )
    refused(redeem(app, http, code), "invalid_client", words, status=401)


def test_only_a_browser_may_redeem_for_a_single_page_app(sandbox, http):
    app = register(sandbox, http, platform="spa")
    code = sign_in(app, http, code_challenge=CHALLENGE, code_challenge_method="S256")["code"]
    given = {"client_secret": None, "code_verifier": VERIFIER}
    words = (
        "AADSTS9002327: Tokens issued for the 'Single-Page Application' client-type may only be"
        " redeemed via cross-origin requests."
    )
    refused(redeem(app, http, code, **given), "invalid_request", words)
    answer = redeem(app, http, code, headers={"Origin": "http://localhost:8000"}, **given)
    assert answer.status_code == 200


def test_a_code_older_than_ten_minutes_is_refused(sandbox, http):
    fresh, old = sign_in(sandbox, http)["code"], sign_in(sandbox, http)["code"]
    advance(sandbox, http, 590)
    assert redeem(sandbox, http, fresh).status_code == 200
    advance(sandbox, http, 20)
    words = (
        "AADSTS70008: The provided authorization code or refresh token has expired due to"
        " inactivity. Send a new interactive authorization request for this user and resource."
    )
    refused(redeem(sandbox, http, old), "invalid_grant", words)


def test_a_code_belongs_to_the_tenant_path_it_was_asked_for_at(sandbox, http):
    code = sign_in(sandbox, http)["code"]
    words = (
        "AADSTS700005: Provided Authorization Code is intended to use against other tenant, thus"
        " rejected."
    )
    refused(redeem(sandbox, http, code, tenant=sandbox.tenant), "invalid_grant", words)
    assert redeem(sandbox, http, code).status_code == 200


def test_a_code_belongs_to_its_client(sandbox, http):
    code = sign_in(sandbox, http)["code"]
    words = "AADSTS9002313: Invalid request. Request is malformed or invalid."
    refused(redeem(register(sandbox, http), http, code), "invalid_grant", words)
    assert redeem(sandbox, http, code).status_code == 200


NO_MATCH = (
    "AADSTS501481: The Code_Verifier does not match the code_challenge supplied in the"
    " authorization request."
)


@pytest.mark.parametrize(
    ("verifier", "words"),
    [
        (
            None,
            "AADSTS50148: The code_verifier does not match the code_challenge supplied in the"
            " authorization request for PKCE.",
        ),
        ("x" * 43, NO_MATCH),
        (CHALLENGE, NO_MATCH),
        ("short", NO_MATCH),
        ("ü" * 50, NO_MATCH),
        (VERIFIER + "x" * 100, NO_MATCH),
    ],
)
def test_a_code_with_a_challenge_needs_its_verifier(sandbox, http, verifier, words):
    code = sign_in(sandbox, http, code_challenge=CHALLENGE, code_challenge_method="S256")["code"]
    refused(redeem(sandbox, http, code, code_verifier=verifier), "invalid_grant", words)


def test_v1_must_name_the_resource_on_one_of_the_legs(sandbox, http):
    code = sign_in(sandbox, http, "v1")["code"]
    answer = redeem(sandbox, http, code, "v1", resource=None)
    refused(answer, "invalid_request", missing("resource"))


@pytest.mark.parametrize(
    ("scope", "error", "words"),
    [
        ("mailsend", "invalid_client", "AADSTS650053: The application 'Graph tutorial app' asked"),
        ("a,b", "invalid_scope", "AADSTS70011: The provided request must include a 'scope'"),
        ("https://x.example/y", "invalid_resource", "AADSTS500011: The resource principal named"),
    ],
)
def test_scopes_are_judged_at_the_token_endpoint_too(sandbox, http, scope, error, words):
    code = sign_in(sandbox, http)["code"]
    refused(redeem(sandbox, http, code, scope=scope), error, words)
    assert redeem(sandbox, http, code).status_code == 200


def test_a_request_id_that_is_no_guid_does_not_come_back(sandbox, http):
    answer = token_request(sandbox, http, code="x", headers={"client-request-id": "<script>"})
    assert re.fullmatch(GUID, answer.json()["correlation_id"])


def test_v1_needs_a_graph_permission_in_the_registration(tmp_path, http):
    store = Store(tmp_path)
    app = store.register("No Graph", [RedirectUri(REDIRECT_URI)], permissions=["openid"])
    secret, _ = store.add_secret(app, "", days=1)
    store.close()
    with graphsandbox.running(tmp_path) as sandbox:
        other = Other(sandbox, app.client_id, secret, "")
        code = sign_in(other, http, "v1")["code"]
        words = (
            "AADSTS650057: Invalid resource. The client has requested access to a resource which"
            " is not listed in the requested permissions in the client's application"
            f" registration. Client app ID: {app.client_id}(No Graph). Resource value from"
            " request: https://graph.microsoft.com. Resource app ID:"
            " 00000003-0000-0000-c000-000000000000. List of valid resources from app"
            " registration: ."
        )
        refused(redeem(other, http, code, "v1"), "invalid_resource", words)
        answer = authorize(other, http, "v1", resource="https://graph.microsoft.com")
        assert arrived(answer)["error_description"].startswith(words)
