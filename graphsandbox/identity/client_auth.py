"""Who is calling the token endpoint: client id and secret, in the body or by HTTP Basic.

The platform of the redirect URI decides whether a secret must or must not come
(Microsoft: v2-oauth2-auth-code-flow).
"""

import base64
import hmac
from dataclasses import dataclass
from urllib.parse import unquote_plus

import jwt
from starlette.requests import Request

from ..refusals import Refused
from ..store import App, Store, digest
from . import tenants
from .parameters import Parameters

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523 §2.2


@dataclass(frozen=True)
class Credentials:
    """What the client presented."""

    client_id: str
    secret: str | None
    assertion: str | None
    assertion_type: str | None
    origin: str | None  # sent by browsers only


def presented(request: Request, sent: Parameters) -> Credentials:
    """Return the client's credentials; two ways at once are refused (RFC 6749 §2.3)."""
    client_id, secret = sent.get("client_id"), sent.get("client_secret")
    basic = _basic(request)
    if basic:
        if secret is not None or client_id not in (None, basic[0]):
            raise Refused(90013)
        client_id, secret = basic
    if client_id is None:
        raise Refused(900144, parameter="client_id")
    origin = request.headers.get("origin")
    assertion, assertion_type = sent.get("client_assertion"), sent.get("client_assertion_type")
    return Credentials(client_id, secret or None, assertion, assertion_type, origin)


def find_app(store: Store, credentials: Credentials, tenant: str) -> App:
    """Return the registration the client id names."""
    app = store.app(credentials.client_id)
    if app is None:
        name = tenants.name_of(tenant)
        raise Refused(700016, client_id=credentials.client_id, tenant=name)
    tenants.admit(app, tenant)
    return app


def at_one_door(request: Request, sent: Parameters) -> tuple[App, Credentials]:
    """Return who calls by a grant that needs to be told which organization is meant."""
    tenant = tenants.resolve(request.path_params["tenant"])
    credentials = presented(request, sent)
    app = find_app(request.app.state.store, credentials, tenant)
    if tenant in ("common", "consumers"):
        raise Refused(9001023)
    return app, credentials


def authenticate(app: App, platform: str, credentials: Credentials, now: float) -> None:
    """Refuse a client that is not who it says it is, by the rules of its platform."""
    if platform != "web" and (credentials.secret or credentials.assertion):
        raise Refused(700025)
    if platform == "spa" and credentials.origin is None:
        raise Refused(9002327)
    if platform != "spa" and credentials.origin is not None:
        raise Refused(9002326)
    if platform == "web":
        _check_secret(app, credentials, now)


def platform_of(app: App) -> str:
    """Return the platform to judge by when no redirect URI tells: confidential if it can be."""
    platforms = [one.platform for one in app.redirect_uris] or ["web"]
    return "web" if "web" in platforms else platforms[0]


def platform_without_uri(app: App) -> str:
    """Return the platform of a grant that has no redirect URI, such as a device's.

    Public by the registration's "Allow public client flows", or by its mobile and desktop
    platform; else confidential (Microsoft: reply-url; AADSTS7000218).
    """
    platforms = [one.platform for one in app.redirect_uris]
    public = app.is_fallback_public_client or "publicClient" in platforms
    return "publicClient" if public else "web"


def _check_secret(app: App, credentials: Credentials, now: float) -> None:
    if credentials.assertion:
        raise _no_such_certificate(credentials.assertion, credentials.assertion_type)
    if credentials.secret is None:
        raise Refused(7000218)
    wanted = digest(credentials.secret)
    found = [one for one in app.secrets if hmac.compare_digest(one.digest, wanted)]
    if not found:
        raise Refused(7000215, client_id=app.client_id)
    if found[0].expires_at <= now:
        raise Refused(7000222, client_id=app.client_id)


def _no_such_certificate(assertion: str, assertion_type: str | None) -> Refused:
    """Return why an assertion proves nothing: the sandbox registers no certificates."""
    if assertion_type is None:
        return Refused(900144, parameter="client_assertion_type")
    if assertion_type != ASSERTION_TYPE:
        return Refused(90023, problem="Unsupported 'client_assertion_type' value.")
    return Refused(700027 if _is_jwt(assertion) else 50027)


def _is_jwt(text: str) -> bool:
    """Tell whether this is three parts of base64url, with JSON in the first two (RFC 7519)."""
    try:
        jwt.decode_complete(text, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        return False
    return True


def _basic(request: Request) -> tuple[str, str] | None:
    """Return id and secret of a Basic header; both are form-encoded (RFC 6749 §2.3.1)."""
    headers = request.headers.getlist("authorization")
    if not headers:
        return None
    scheme, _, value = headers[0].partition(" ")
    try:
        text = base64.b64decode(value.strip(), validate=True).decode()
    except ValueError:
        text = ""
    client_id, colon, secret = text.partition(":")
    if len(headers) > 1 or scheme.lower() != "basic" or not colon:
        raise Refused(90013)
    return unquote_plus(client_id), unquote_plus(secret)
