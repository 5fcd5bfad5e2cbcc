"""Each refusal of the token and metadata addresses, word for word: tenant, request, client.

The words stand here once more on purpose: these tests import nothing of the sandbox's table.
For codes, refresh tokens and scopes see test_refusals_grant.py; for secrets test_client_auth.py.
"""

import base64
import json

import pytest

from tests.sandbox.entra import register, token_request
from tests.sandbox.refusal import Row, assert_refused, request_id

NOBODY = "11111111-2222-4333-8444-555555555555"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PASSWORD = {"grant_type": "password", "username": "ada@contoso.example", "password": "x"}
NO_TENANT = (
    "Check to make sure you have the correct tenant ID and are signing into the correct cloud."
    " Check with your subscription administrator, this may happen if there are no active"
    " subscriptions for the tenant."
)


def missing(parameter):
    words = "AADSTS900144: The request body must contain the following parameter: "
    return Row("invalid_request", f"{words}'{parameter}'.")


def client(words, status=401):
    return Row("invalid_client", words, status)


def post(path, **how):
    def provoke(app, http, version):
        return http.post(f"{app.authority}/common/{path}", **how)

    return provoke


def asked(**changes):
    """Return a token request that differs from a good one by these changes."""

    def provoke(app, http, version):
        return token_request(app, http, version, **{"code": "x", **changes})

    return provoke


def asked_by(registration, **changes):
    """The same for another app, which is registered first."""

    def provoke(app, http, version):
        other = register(app, http, **registration)
        return token_request(other, http, version, **{"code": "x", **changes}), other

    return provoke


def jwt_of(header, payload):
    parts = (json.dumps(one).encode() for one in (header, payload))
    encoded = (base64.urlsafe_b64encode(one).rstrip(b"=").decode() for one in parts)
    return ".".join([*encoded, "c2lnbmF0dXJl"])


def asserted(assertion, **changes):
    fields = {"client_assertion": assertion, "client_assertion_type": ASSERTION_TYPE}
    return asked(**{"client_secret": None, **fields, **changes})


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
UNKNOWN = Row(
    "unauthorized_client",
    f"AADSTS700016: Application with identifier '{NOBODY}' was not found in the directory"
    " 'Contoso'. This can happen if the application has not been installed by the administrator"
    " of the tenant or consented to by any user in the tenant. You may have sent your"
    " authentication request to the wrong tenant.",
)
NO_SECRET = client(
    "AADSTS7000218: The request body must contain the following parameter: 'client_assertion' or"
    " 'client_secret'."
)
WRONG_SECRET = client(
    "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request"
    " is the client secret value, not the client secret ID, for a secret added to app"
    " '{app.client_id}'."
)
PUBLIC = client(
    "AADSTS700025: Client is public so neither 'client_assertion' nor 'client_secret' should be"
    " presented."
)
SPA_ONLY = Row(
    "invalid_request",
    "AADSTS9002326: Cross-origin token redemption is permitted only for the 'Single-Page"
    " Application' client-type.",
)
BAD_SIGNATURE = client("AADSTS700027: Client assertion failed signature validation.")
NO_JWT = Row("invalid_request", "AADSTS50027: JWT token is invalid or malformed.")
TWO_WAYS = Row("invalid_request", "AADSTS90013: Invalid input received from the user.")
NO_PASSWORD = Row(
    "invalid_grant",
    "AADSTS50126: Error validating credentials due to invalid username or password.",
)
SHARED_DOOR = Row(
    "invalid_request",
    "AADSTS9001023: The grant type is not supported over the /common or /consumers endpoints."
    " Please use the /organizations or tenant-specific endpoint.",
)
ORIGIN = {"Origin": "http://localhost:3000"}
DESKTOP = {"platform": "publicClient", "redirect_uris": ["http://localhost"]}
SPA = {"platform": "spa"}
IN_TENANT = {"tenant": "contoso.example"}

REFUSED = {
    # Tenant and app
    "90002 a tenant that is nobody's": (
        asked(tenant=NOBODY),
        Row("invalid_tenant", f"AADSTS90002: Tenant '{NOBODY}' not found. {NO_TENANT}"),
    ),
    "90002 a domain that is nobody's": (
        asked(tenant="fabrikam.example"),
        Row("invalid_tenant", f"AADSTS90002: Tenant 'fabrikam.example' not found. {NO_TENANT}"),
    ),
    "900023 a tenant that is no name": (
        asked(tenant="nonsense"),
        Row(
            "invalid_request",
            "AADSTS900023: Specified tenant identifier 'nonsense' is neither a valid DNS name,"
            " nor a valid external domain.",
        ),
    ),
    "700016 an unknown app": (asked(client_id=NOBODY), UNKNOWN),
    "50194 an app of one tenant": (
        asked_by({"sign_in_audience": "AzureADMyOrg"}),
        Row(
            "invalid_request",
            "AADSTS50194: Application '{app.client_id}'(Test app) is not configured as a"
            " multi-tenant application. Usage of the /common endpoint is not supported for such"
            " applications created after '10/15/2018'. Use a tenant-specific endpoint or"
            " configure the application to be multi-tenant.",
        ),
    ),
    # The shape of the request
    "900144 no grant type": (asked(grant_type=None), missing("grant_type")),
    "900144 an empty grant type": (asked(grant_type=""), missing("grant_type")),
    "900144 no client id": (asked(client_id=None), missing("client_id")),
    "900144 no code": (asked(code=None), missing("code")),
    "900144 no refresh token": (asked(grant_type="refresh_token"), missing("refresh_token")),
    "900144 a JSON body": (
        post("oauth2/v2.0/token", json={"grant_type": "refresh_token"}),
        missing("grant_type"),
    ),
    "900144 a multipart body": (
        post("oauth2/v2.0/token", files={"grant_type": (None, "refresh_token")}),
        missing("grant_type"),
    ),
    "900144 parameters in the address": (
        post("oauth2/token?grant_type=refresh_token", data="client_id=x", headers=FORM),
        missing("grant_type"),
    ),
    "9000411 a field twice": (
        post("oauth2/v2.0/token", data="scope=a&scope=b&grant_type=x", headers=FORM),
        Row(
            "invalid_request",
            "AADSTS9000411: The request is not properly formatted. The parameter 'scope' is"
            " duplicated.",
        ),
    ),
    "90013 more fields than anybody sends": (
        post("oauth2/v2.0/token", data="a=&" * 300, headers=FORM),
        TWO_WAYS,
    ),
    "70003 a grant type of its own": (
        asked(grant_type="urn:example:own"),
        Row(
            "unsupported_grant_type",
            "AADSTS70003: The app requested an unsupported grant type 'urn:example:own'.",
        ),
    ),
    # Who the client is
    "7000218 no secret": (asked(client_secret=None), NO_SECRET),
    "7000218 an empty secret": (asked(client_secret=""), NO_SECRET),
    "7000215 a wrong secret": (asked(client_secret="wrong"), WRONG_SECRET),
    "700025 a secret of a desktop app": (asked_by(DESKTOP), PUBLIC),
    "700025 a secret of a single-page app": (asked_by(SPA, headers=ORIGIN), PUBLIC),
    "700025 an assertion of a desktop app": (
        asked_by(DESKTOP, client_secret=None, client_assertion="x"),
        PUBLIC,
    ),
    "700027 an assertion by no known certificate": (
        asserted(jwt_of({"alg": "RS256"}, {"iss": "x"})),
        BAD_SIGNATURE,
    ),
    "700027 an assertion without a signature": (
        asserted(jwt_of({"alg": "none"}, {}).rpartition(".")[0] + "."),
        BAD_SIGNATURE,
    ),
    "50027 an assertion that is no JWT": (asserted("x"), NO_JWT),
    "50027 an assertion with no JSON in it": (asserted("YQ.YQ.YQ"), NO_JWT),
    "900144 an assertion of no type": (
        asserted("x", client_assertion_type=None),
        missing("client_assertion_type"),
    ),
    "90023 an assertion of another type": (
        asserted("x", client_assertion_type="urn:ietf:params:oauth:saml2-bearer"),
        Row("invalid_request", "AADSTS90023: Unsupported 'client_assertion_type' value."),
    ),
    "9002326 a browser for a web app": (asked(headers=ORIGIN), SPA_ONLY),
    "9002326 a browser for a desktop app": (
        asked_by(DESKTOP, client_secret=None, headers=ORIGIN),
        SPA_ONLY,
    ),
    "9002326 a page that hides its origin": (asked(headers={"Origin": "null"}), SPA_ONLY),
    "9002327 a server for a single-page app": (
        asked_by(SPA, client_secret=None),
        Row(
            "invalid_request",
            "AADSTS9002327: Tokens issued for the 'Single-Page Application' client-type may only"
            " be redeemed via cross-origin requests.",
        ),
    ),
    # The sandbox has no passwords, so none is right
    "50126 a password": (asked(**PASSWORD, **IN_TENANT), NO_PASSWORD),
    "50126 a password from a desktop app": (
        asked_by(DESKTOP, client_secret=None, **PASSWORD, tenant="organizations"),
        NO_PASSWORD,
    ),
    "900144 a password without a name": (
        asked(**{**PASSWORD, "username": None}, **IN_TENANT),
        missing("username"),
    ),
    "900144 a name without a password": (
        asked(**{**PASSWORD, "password": ""}, **IN_TENANT),
        missing("password"),
    ),
    "9001023 a password at a shared door": (asked(**PASSWORD), SHARED_DOOR),
    "7000218 a password without the secret": (
        asked(**PASSWORD, **IN_TENANT, client_secret=None),
        NO_SECRET,
    ),
}


@pytest.mark.parametrize("version", ["v1", "v2.0"])
@pytest.mark.parametrize("case", REFUSED)
def test_the_token_endpoint_refuses(sandbox, http, case, version):
    provoke, row = REFUSED[case]
    sent = request_id(http)
    answer = provoke(sandbox, http, version)
    answer, app = answer if isinstance(answer, tuple) else (answer, sandbox)
    assert_refused(answer, row, app, sent)


@pytest.mark.parametrize("path", ["oauth2/token", "oauth2/v2.0/token", "oauth2/v2.0/devicecode"])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_another_method_than_post_is_refused(sandbox, http, path, method):
    words = f"AADSTS900561: The endpoint only accepts POST requests. Received a {method} request."
    sent = request_id(http)
    answer = http.request(method, f"{sandbox.authority}/common/{path}")
    assert_refused(answer, Row("invalid_request", words), sandbox, sent)


def test_a_browser_that_asks_first_gets_no_permission(sandbox, http):
    headers = {**ORIGIN, "Access-Control-Request-Method": "POST"}
    answer = http.options(f"{sandbox.authority}/common/oauth2/v2.0/token", headers=headers)
    assert (answer.status_code, answer.headers["allow"]) == (200, "POST, OPTIONS")
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


METADATA = [".well-known/openid-configuration", "v2.0/.well-known/openid-configuration"]


@pytest.mark.parametrize("path", [*METADATA, "discovery/keys", "discovery/v2.0/keys"])
@pytest.mark.parametrize("case", ["90002 a domain that is nobody's", "900023 a tenant that is"])
def test_the_metadata_addresses_refuse(sandbox, http, path, case):
    tenant = "fabrikam.example" if case.startswith("90002 ") else "nonsense"
    (row,) = (row for name, (_, row) in REFUSED.items() if name.startswith(case))
    sent = request_id(http)
    assert_refused(http.get(f"{sandbox.authority}/{tenant}/{path}"), row, sandbox, sent)
