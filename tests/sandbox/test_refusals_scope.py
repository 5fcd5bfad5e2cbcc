"""Each refusal of a scope or a resource, word for word; and what an app's kind and tenant allow.

The words stand here once more on purpose: these tests import nothing of the sandbox's table.
"""

import pytest

from tests.sandbox.entra import (
    CHALLENGE,
    GRAPH,
    VERIFIER,
    advance,
    redeem,
    refresh,
    register,
    sign_in,
    token_request,
)
from tests.sandbox.refusal import (
    PERSONAL,
    SOMEBODY,
    Row,
    assert_refused,
    coded,
    refreshed,
    request_id,
)

DAY_S = 86400
IN_BROWSER = {"client_secret": None, "headers": {"Origin": "http://localhost:8000"}}
NO_V1 = Row(
    "invalid_request",
    "AADSTS500201: We are unable to issue tokens from this API version for a Microsoft account."
    " Please contact the application vendor as they need to use version 2.0 of the protocol to"
    " support this.",
)
BAD_SCOPE = (
    "AADSTS70011: The provided request must include a 'scope' input parameter. The provided value"
    " for the input parameter 'scope' is not valid. The scope {} is not valid. The scope format is"
    " invalid. Scope must be in a valid URI form <https://example/scope> or a valid Guid"
    " <guid/scope>."
)
TWO = f"{GRAPH}/Mail.Send https://outlook.office.com/Mail.Send"
NOT_FOUND = (
    "This can happen if the application has not been installed by the administrator of the tenant"
    " or consented to by any user in the tenant. You might have sent your authentication request"
    " to the wrong tenant."
)

OUTLIVED = Row(
    "invalid_grant",
    "AADSTS700084: The refresh token was issued to a single page app (SPA), and therefore has a"
    " fixed, limited lifetime of 1.00:00:00, which cannot be extended. It is now expired and a new"
    " sign in request must be sent by the SPA to the sign in page. The token was issued on 20",
    suberror="bad_token",
)


def scope(words):
    return Row("invalid_scope", words)


REFUSED = {
    "70011 commas": (coded(scope="a,b"), scope(BAD_SCOPE.format("a,b"))),
    "28003 an empty scope": (
        coded(scope=" "),
        scope(
            "AADSTS28003: Provided value for the input parameter scope cannot be empty when"
            " requesting an access token using the provided authorization code. Please specify a"
            " valid scope."
        ),
    ),
    "700022 two resources": (
        coded(scope=TWO),
        scope(
            "AADSTS700022: Provided value for the input parameter scope is not valid because it"
            f" contains more than one resource. Scope {TWO} is not valid."
        ),
    ),
    "700023 no resource": (
        coded(scope="offline_access"),
        scope(
            "AADSTS700023: The provided value for the input parameter scope 'offline_access' is"
            " not valid when requesting an access token. Please specify a valid scope."
        ),
    ),
    "650053 an unknown permission": (
        coded(scope="mailsend"),
        Row(
            "invalid_client",
            "AADSTS650053: The application 'Graph tutorial app' asked for scope 'mailsend' that"
            " doesn't exist on the resource '00000003-0000-0000-c000-000000000000'. Contact the"
            " app vendor.",
        ),
    ),
    "500011 an unknown resource": (
        refreshed(scope="https://x.example/y https://graph.microsoft.com/Mail.Send"),
        Row(
            "invalid_resource",
            "AADSTS500011: The resource principal named https://x.example was not found in the"
            f" tenant named Contoso. {NOT_FOUND}",
        ),
    ),
    "901002 v1's resource on v2.0": (
        coded(resource=GRAPH),
        Row(
            "invalid_request",
            "AADSTS901002: The 'resource' request parameter is not supported.",
        ),
    ),
    "50001 an unknown resource on v1": (
        coded(version="v1", resource="https://graf.microsoft.com"),
        Row(
            "invalid_resource",
            "AADSTS50001: The application named https://graf.microsoft.com was not found in the"
            f" tenant named {{app.tenant}}. {NOT_FOUND}",
        ),
    ),
    "90023 another resource than before on v1": (
        coded(version="v1", asked={"resource": GRAPH}, resource=f"{GRAPH}/"),
        Row(
            "invalid_request",
            f"AADSTS90023: The 'resource' parameter '{GRAPH}/' is not the one asked for before.",
        ),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_token_endpoint_refuses(sandbox, http, case):
    provoke, row = REFUSED[case]
    sent = request_id(http)
    answer, app = provoke(sandbox, http)
    assert_refused(answer, row, app, sent)


def test_of_two_resources_a_refresh_takes_the_first(sandbox, http):
    token = redeem(sandbox, http, sign_in(sandbox, http)["code"]).json()["refresh_token"]
    answer = refresh(sandbox, http, token, scope=f"openid {TWO}")
    assert answer.json()["scope"] == f"openid {GRAPH}/Mail.Send"


def test_a_v1_refresh_may_name_another_resource(sandbox, http):
    first = redeem(sandbox, http, sign_in(sandbox, http, "v1")["code"], "v1").json()
    graph = "00000003-0000-0000-c000-000000000000"
    answer = refresh(sandbox, http, first["refresh_token"], "v1", resource=graph)
    assert answer.json()["resource"] == graph


@pytest.mark.parametrize("door", ["common", "consumers"])
def test_v1_has_no_tokens_for_a_personal_account(sandbox, http, door):
    app, sent = register(sandbox, http, sign_in_audience=PERSONAL), request_id(http)
    code = sign_in(app, http, tenant=door, user=SOMEBODY)["code"]
    token = redeem(app, http, code, tenant=door).json()["refresh_token"]
    given = {"grant_type": "refresh_token", "refresh_token": token, "resource": GRAPH}
    answer = token_request(app, http, "v1", door, **given)
    assert_refused(answer, NO_V1, app, sent)


def test_a_single_page_app_has_one_day_however_often_it_refreshes(sandbox, http):
    app, sent = register(sandbox, http, platform="spa"), request_id(http)
    code = sign_in(app, http, code_challenge=CHALLENGE, code_challenge_method="S256")["code"]
    token = redeem(app, http, code, code_verifier=VERIFIER, **IN_BROWSER).json()["refresh_token"]
    for _ in range(2):
        advance(app, http, DAY_S / 2 - 60)
        token = refresh(app, http, token, **IN_BROWSER).json()["refresh_token"]
    advance(app, http, 121)
    assert_refused(refresh(app, http, token, **IN_BROWSER), OUTLIVED, app, sent)
