"""Every refusal of the identity side, one row each. To add a refusal, add a row and raise it.

`where` says how a refusal reaches the client: P on Microsoft's own page, R by redirect to the
app, T as the token endpoint's JSON, D as the JSON of a metadata address. A number may have two
rows where the OAuth error differs by place. `confirmed` is True when the number, the error and
the wording stand in Microsoft's documents or in public reports from the wire; the other rows
are the best guess, and no lesson may rest on them. Texts change without notice: Microsoft says
to program against `error` only (Microsoft: reference-error-codes).
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Refusal:
    """One row: what is said, and where."""

    number: int  # AADSTS number; 0 where none is given
    error: str  # RFC 6749 §4.1.2.1 and §5.2, with OpenID Connect's and Microsoft's own
    status: int  # of the token or metadata answer
    where: str
    text: str  # values in braces
    confirmed: bool = True
    suberror: str | None = None


NOT_FOUND_HINT = (
    "This can happen if the application has not been installed by the administrator of the"
    " tenant or consented to by any user in the tenant."
)

TABLE = (
    # Tenant, application, redirect URI
    Refusal(
        90002, "invalid_tenant", 400, "PTD",
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and"
        " are signing into the correct cloud. Check with your subscription administrator,"
        " this may happen if there are no active subscriptions for the tenant.",
    ),
    Refusal(
        900023, "invalid_request", 400, "PTD",
        "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid"
        " external domain.",
    ),
    Refusal(
        700016, "unauthorized_client", 400, "PT",
        "Application with identifier '{client_id}' was not found in the directory"
        f" '{{tenant}}'. {NOT_FOUND_HINT} You may have sent your authentication request to"
        " the wrong tenant.",
    ),
    Refusal(
        50194, "invalid_request", 400, "PRT",
        "Application '{client_id}'({app_name}) is not configured as a multi-tenant"
        " application. Usage of the /common endpoint is not supported for such applications"
        " created after '10/15/2018'. Use a tenant-specific endpoint or configure the"
        " application to be multi-tenant.",
    ),
    Refusal(
        9002346, "unauthorized_client", 400, "PT",
        "Application '{client_id}'({app_name}) is configured for use by Microsoft Account"
        " users only. Please use the /consumers endpoint to serve this request.",
        confirmed=False,
    ),
    Refusal(
        50011, "invalid_request", 400, "P",
        "The redirect URI '{redirect_uri}' specified in the request does not match the"
        " redirect URIs configured for the application '{client_id}'. Make sure the redirect"
        " URI sent in the request matches one added to your application in the Azure portal."
        " Navigate to https://aka.ms/redirectUriMismatchError to learn more about how to fix"
        " this.",
    ),
    Refusal(
        500113, "invalid_request", 400, "P", "No reply address is registered for the application."
    ),
    Refusal(900971, "invalid_request", 400, "P", "No reply address provided."),
    Refusal(
        500112, "invalid_grant", 400, "T",
        "The reply address '{redirect_uri}' does not match the reply address '{expected}'"
        " provided when requesting Authorization code.",
        confirmed=False,
    ),
    Refusal(50049, "invalid_instance", 400, "D", "Unknown or invalid instance."),
    # The shape of a request
    Refusal(
        900144, "invalid_request", 400, "PRT",
        "The request body must contain the following parameter: '{parameter}'.",
    ),
    Refusal(
        9000411, "invalid_request", 400, "PRT",
        "The request is not properly formatted. The parameter '{parameter}' is duplicated.",
    ),
    Refusal(
        900561, "invalid_request", 400, "T",
        "The endpoint only accepts POST requests. Received a {method} request.",
    ),
    Refusal(
        90013, "invalid_request", 400, "PRT", "Invalid input received from the user.",
        confirmed=False,
    ),
    Refusal(90023, "invalid_request", 400, "RT", "{problem}"),
    Refusal(
        901002, "invalid_request", 400, "PT", "The 'resource' request parameter is not supported."
    ),
    Refusal(
        70003, "unsupported_grant_type", 400, "T",
        "The app requested an unsupported grant type '{grant_type}'.",
        confirmed=False,
    ),
    Refusal(
        70005, "unsupported_response_type", 400, "R",
        "The app requested an unsupported response type '{response_type}'.",
        confirmed=False,
    ),
    Refusal(
        700054, "unsupported_response_type", 400, "R",
        "response_type '{response_type}' is not enabled for the application.",
    ),
    Refusal(
        70007, "unsupported_response_mode", 400, "R",
        "'{response_mode}' is not a supported value of 'response_mode' when requesting a token.",
        confirmed=False,
    ),
    # Scopes and resources
    Refusal(
        70011, "invalid_scope", 400, "RT",
        "The provided request must include a 'scope' input parameter. The provided value for"
        " the input parameter 'scope' is not valid. The scope {scope} is not valid. The scope"
        " format is invalid. Scope must be in a valid URI form <https://example/scope> or a"
        " valid Guid <guid/scope>.",
    ),
    Refusal(
        650053, "invalid_client", 400, "RT",
        "The application '{app_name}' asked for scope '{scope}' that doesn't exist on the"
        " resource '00000003-0000-0000-c000-000000000000'. Contact the app vendor.",
    ),
    Refusal(
        700022, "invalid_scope", 400, "T",
        "Provided value for the input parameter scope is not valid because it contains more"
        " than one resource. Scope {scope} is not valid.",
        confirmed=False,
    ),
    Refusal(
        500011, "invalid_resource", 400, "RT",
        "The resource principal named {resource} was not found in the tenant named {tenant}."
        f" {NOT_FOUND_HINT} You might have sent your authentication request to the wrong"
        " tenant.",
    ),
    Refusal(
        50001, "invalid_resource", 400, "T",
        f"The application named {{resource}} was not found in the tenant named {{tenant}}."
        f" {NOT_FOUND_HINT} You might have sent your authentication request to the wrong"
        " tenant.",
    ),
    Refusal(
        650057, "invalid_resource", 400, "RT",
        "Invalid resource. The client has requested access to a resource which is not listed"
        " in the requested permissions in the client's application registration. Client app"
        " ID: {client_id}({app_name}). Resource value from request: {resource}. Resource app"
        " ID: 00000003-0000-0000-c000-000000000000. List of valid resources from app"
        " registration: {valid}.",
    ),
    # Client authentication
    Refusal(
        7000215, "invalid_client", 401, "T",
        "Invalid client secret provided. Ensure the secret being sent in the request is the"
        " client secret value, not the client secret ID, for a secret added to app"
        " '{client_id}'.",
    ),
    Refusal(
        7000218, "invalid_client", 401, "T",
        "The request body must contain the following parameter: 'client_assertion' or"
        " 'client_secret'.",
    ),
    Refusal(
        7000222, "invalid_client", 401, "T",
        "The provided client secret keys for app '{client_id}' are expired. Visit the Azure"
        " portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider"
        " using certificate credentials for added security: https://aka.ms/certCreds.",
    ),
    Refusal(
        700025, "invalid_client", 401, "T",
        "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
    ),
    Refusal(
        700027, "invalid_client", 401, "T", "Client assertion failed signature validation."
    ),
    Refusal(
        9002326, "invalid_request", 400, "T",
        "Cross-origin token redemption is permitted only for the 'Single-Page Application'"
        " client-type.",
    ),
    Refusal(
        9002327, "invalid_request", 400, "T",
        "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via"
        " cross-origin requests.",
    ),
    # An app by itself
    Refusal(
        9001023, "invalid_request", 400, "T",
        "The grant type is not supported over the /common or /consumers endpoints. Please use"
        " the /organizations or tenant-specific endpoint.",
        confirmed=False,
    ),
    Refusal(
        1002012, "invalid_scope", 400, "T",
        "The provided value for scope {scope} is not valid. Client credential flows must have a"
        " scope value with /.default suffixed to the resource identifier (application ID URI).",
        confirmed=False,
    ),
    # Codes, refresh tokens, PKCE
    Refusal(
        54005, "invalid_grant", 400, "T",
        "OAuth2 Authorization code was already redeemed, please retry with a new valid code or"
        " use an existing refresh token.",
    ),
    Refusal(
        70008, "invalid_grant", 400, "T",
        "The provided authorization code or refresh token has expired due to inactivity. Send"
        " a new interactive authorization request for this user and resource.",
    ),
    Refusal(
        700082, "invalid_grant", 400, "T",
        "The refresh token has expired due to inactivity. The token was issued on {issued}"
        " and was inactive for 90.00:00:00.",
        suberror="bad_token",
    ),
    Refusal(
        9002313, "invalid_grant", 400, "T",
        "Invalid request. Request is malformed or invalid.",
    ),
    Refusal(
        50173, "invalid_grant", 400, "T",
        "The provided grant has expired due to it being revoked. The user might have changed"
        " or reset their password. The grant was issued on '{issued}' and the TokensValidFrom"
        " date for this user is '{valid_from}'",
    ),
    Refusal(
        700005, "invalid_grant", 400, "T",
        "Provided Authorization Code is intended to use against other tenant, thus rejected.",
    ),
    Refusal(
        50148, "invalid_grant", 400, "T",
        "The code_verifier does not match the code_challenge supplied in the authorization"
        " request for PKCE.",
    ),
    Refusal(
        501481, "invalid_grant", 400, "T",
        "The Code_Verifier does not match the code_challenge supplied in the authorization"
        " request.",
    ),
    Refusal(501491, "invalid_request", 400, "P", "Invalid size of Code_Challenge parameter."),
    Refusal(50149, "invalid_request", 400, "P", "Invalid Code_Challenge_method parameter."),
    Refusal(
        9002325, "invalid_request", 400, "RT",
        "Proof Key for Code Exchange is required for cross-origin authorization code redemption.",
    ),
    # Device codes
    Refusal(
        70016, "authorization_pending", 400, "T",
        "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
    ),
    Refusal(
        70018, "bad_verification_code", 400, "T",
        "Invalid verification code due to User typing in wrong user code for device code flow."
        " Authorization is not approved.",
        confirmed=False,
    ),
    Refusal(
        70020, "expired_token", 400, "T",
        "The provided value for the input parameter 'device_code' is not valid. This device"
        " code has expired.",
    ),
    # The person
    Refusal(0, "access_denied", 400, "R", "", suberror="cancel"),
    Refusal(
        65004, "access_denied", 400, "R", "User declined to consent to access the app."
    ),
    Refusal(
        65004, "authorization_declined", 400, "T", "User declined to consent to access the app.",
        confirmed=False,
    ),
    Refusal(
        65001, "consent_required", 400, "R",
        "The user or administrator has not consented to use the application with ID"
        " '{client_id}' named '{app_name}'. Send an interactive authorization request for this"
        " user and resource.",
    ),
    Refusal(
        65001, "invalid_grant", 400, "T",
        "The user or administrator has not consented to use the application with ID"
        " '{client_id}' named '{app_name}'. Send an interactive authorization request for this"
        " user and resource.",
        suberror="consent_required",
    ),
    Refusal(
        50058, "login_required", 400, "R",
        "A silent sign-in request was sent but no user is signed in.",
    ),
    Refusal(
        90094, "access_denied", 400, "P",
        "An administrator of {tenant} has set a policy that prevents you from granting"
        " {app_name} the permissions it is requesting. Contact an administrator of {tenant},"
        " who can grant permissions to {app_name} on your behalf.",
        confirmed=False,
    ),
)


class Refused(Exception):
    """A request is refused by this row of the table."""

    def __init__(self, number: int, **values: Any):
        super().__init__(f"AADSTS{number}")
        self.number = number
        self.values = values

    def goes(self, where: str) -> bool:
        """Tell whether this refusal may be given at that place (a letter of `where`)."""
        return any(row.number == self.number and where in row.where for row in TABLE)

    def row(self, where: str) -> Refusal:
        """Return the row for that place; a number without one there keeps its first row."""
        rows = [row for row in TABLE if row.number == self.number]
        return next((row for row in rows if where in row.where), rows[0])

    def description(self, where: str) -> str:
        """Return `AADSTS<number>: <text>`, with this request's values."""
        return f"AADSTS{self.number}: {self.row(where).text.format(**self.values)}"
