"""Where a device without a browser starts a sign-in (RFC 8628 §3.1; v2-oauth2-device-code)."""

import secrets

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .. import public
from ..device_codes import LIFETIME_S
from ..grants import SignIn
from ..refusals import Refused
from ..store import App, Store
from . import answers, authorize_request, client_auth, parameters, tenants
from .answers import NO_STORE
from .parameters import Parameters

INTERVAL_S = 5


async def v1(request: Request) -> Response:
    """POST /{tenant}/oauth2/devicecode: numbers are texts, and the page is a `_url`."""
    return await _answer(request, "v1")


async def v2(request: Request) -> Response:
    """POST /{tenant}/oauth2/v2.0/devicecode."""
    return await _answer(request, "v2.0")


async def _answer(request: Request, version: str) -> Response:
    try:
        if request.method != "POST":
            raise Refused(900561, method=request.method)
        sent = await parameters.from_form(request)
        sent.refuse_duplicates()
        return JSONResponse(_fields(request, sent, version), 200, NO_STORE)
    except Refused as refused:
        return answers.refusal_json(request, refused)


def _fields(request: Request, sent: Parameters, version: str) -> dict[str, object]:
    """Return the answer; Entra has no verification_uri_complete."""
    tenant = tenants.resolve(request.path_params["tenant"])
    store: Store = request.app.state.store
    app = client_auth.find_app(store, client_auth.presented(request, sent), tenant)
    sign_in = _sign_in(request, app, sent, tenant, version)
    device_code, user_code = store.device_codes.issue(sign_in)
    page = f"{public.base(request)}/devicelogin"
    number = str if version == "v1" else int
    return {
        "user_code": user_code,
        "device_code": device_code,
        "verification_url" if version == "v1" else "verification_uri": page,
        "expires_in": number(int(LIFETIME_S)),
        "interval": number(INTERVAL_S),
        "message": f"To sign in, use a web browser to open the page {page} and enter the code"
        f" {user_code} to authenticate.",
    }


def _sign_in(request: Request, app: App, sent: Parameters, tenant: str, version: str) -> SignIn:
    """Return what the device code will stand for, once somebody has signed in."""
    resource = authorize_request.asked_resource(request, app, sent, version)
    scopes, _ = authorize_request.asked_scopes(request, app, sent, version)
    return SignIn(
        family=f"1.{secrets.token_urlsafe(36)}.",
        client_id=app.client_id,
        platform=client_auth.platform_without_uri(app),
        redirect_uri="",
        redirect_uri_sent=False,
        tenant=tenant,
        oid="",
        scopes=scopes,
        resource=resource,
    )
