"""The token endpoint: a code, a refresh token or a device code, for an access token.

It asks who calls (client_auth), what they hold (redemption) and what they want
(token_answers), in this order, and spends the code last.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..grants import SignIn, Ticket
from ..refusals import Refused
from ..store import App, Store
from . import (
    answers,
    client_auth,
    client_credentials,
    parameters,
    password_grant,
    redemption,
    tenants,
    token_answers,
)
from .answers import NO_STORE
from .parameters import Parameters


@dataclass(frozen=True)
class GrantType:
    """What a client may hand in."""

    parameter: str
    find: Callable[[Store, str], Ticket | None]
    judge: Callable[..., SignIn]  # of the store, the ticket, the parameters and the tenant
    spend: Callable[[Store, str], None] = lambda store, value: None
    platform: Callable[[App], str] = client_auth.platform_of  # where no ticket tells
    unknown: int = 9002313  # the refusal of one that was never given out
    older: str = ""  # another name of the parameter


GRANT_TYPES = {
    "authorization_code": GrantType(
        "code",
        lambda store, value: store.grants.code(value),
        redemption.judge_code,
        lambda store, value: store.grants.redeem(value),
    ),
    "refresh_token": GrantType(
        "refresh_token",
        lambda store, value: store.grants.refresh_token(value),
        redemption.judge_refresh_token,
    ),
    "urn:ietf:params:oauth:grant-type:device_code": GrantType(
        "device_code",
        lambda store, value: store.device_codes.find(value),
        redemption.judge_device_code,
        lambda store, value: store.device_codes.redeem(value),
        client_auth.platform_without_uri,
        unknown=70018,
    ),
}
# As Microsoft's libraries wrote it before RFC 8628 had a number: ADAL with `code`, MSAL for Node,
# to this day, with `device_code`.
GRANT_TYPES["device_code"] = replace(
    GRANT_TYPES["urn:ietf:params:oauth:grant-type:device_code"], older="code"
)


async def v1(request: Request) -> Response:
    """POST /{tenant}/oauth2/token (Microsoft: v1-protocols-oauth-code)."""
    return await _answer(request, token_answers.v1, client_credentials.v1)


async def v2(request: Request) -> Response:
    """POST /{tenant}/oauth2/v2.0/token (Microsoft: v2-oauth2-auth-code-flow)."""
    return await _answer(request, token_answers.v2, client_credentials.v2)


async def _answer(
    request: Request, make: token_answers.Make, make_for_app: client_credentials.Make
) -> Response:
    if request.method == "OPTIONS":  # as before a fetch; no CORS permission is ever given
        return Response(headers={"Allow": "POST, OPTIONS"})
    try:
        sent = await _sent(request)
        grant_type = sent.get("grant_type")
        if grant_type == client_credentials.GRANT_TYPE:
            fields = client_credentials.answer(request, sent, make_for_app)
        elif grant_type == password_grant.GRANT_TYPE:
            raise password_grant.refusal(request, sent)
        else:
            fields = _exchange(request, sent, make)
        return JSONResponse(fields, 200, NO_STORE)
    except Refused as refused:
        if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            return answers.refusal_page(request, refused)  # a person opened the address
        return answers.refusal_json(request, refused)


async def _sent(request: Request) -> Parameters:
    """Return the form that was posted, each parameter in it once."""
    if request.method == "GET" and "code" in request.query_params:
        raise Refused(90056)
    if request.method != "POST":
        raise Refused(900561, method=request.method)
    sent = await parameters.from_form(request)
    sent.refuse_duplicates()
    return sent


def _exchange(request: Request, sent: Parameters, make: token_answers.Make) -> dict[str, object]:
    """Return the fields of the answer, or raise the refusal."""
    store: Store = request.app.state.store
    tenant = tenants.resolve(request.path_params["tenant"])
    grant_type = _grant_type(sent.need("grant_type"))
    credentials = client_auth.presented(request, sent)
    app = client_auth.find_app(store, credentials, tenant)
    name = grant_type.parameter
    value = sent.get(name) or sent.need(grant_type.older or name)
    ticket = grant_type.find(store, value)
    if ticket and ticket.sign_in.client_id != app.client_id:
        ticket = None  # another client's: as good as unknown
    platform = ticket.sign_in.platform if ticket else grant_type.platform(app)
    client_auth.authenticate(app, platform, credentials, store.now())
    if ticket is None:
        raise redemption.never_given_out(grant_type.unknown, grant_type.parameter, tenant)
    sign_in = grant_type.judge(store, ticket, sent, tenant)
    fields = make(request, app, sign_in, sent)
    grant_type.spend(store, value)
    return fields


def _grant_type(name: str) -> GrantType:
    if name not in GRANT_TYPES:
        raise Refused(70003, grant_type=name)
    return GRANT_TYPES[name]
