"""The metadata and the keys (OpenID Connect Discovery; values as Microsoft publishes them)."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .. import directory
from ..refusals import Refused
from ..tokens import issuer_v1, issuer_v2
from . import answers, tenants

ANY_TENANT = "{tenantid}"  # literally: the reader puts the token's `tid` there
CLAIMS = (
    "sub iss cloud_instance_name cloud_instance_host_name cloud_graph_host_name msgraph_host"
    " aud exp iat auth_time acr nonce preferred_username name tid ver at_hash c_hash email"
)

RESPONSE_TYPES = {
    "v1": ["code", "id_token", "code id_token", "token id_token", "token"],
    "v2.0": ["code", "id_token", "code id_token", "id_token token"],
}


async def v1(request: Request) -> Response:
    """GET /{tenant}/.well-known/openid-configuration."""
    return _metadata(request, "v1")


async def v2(request: Request) -> Response:
    """GET /{tenant}/v2.0/.well-known/openid-configuration."""
    return _metadata(request, "v2.0")


async def keys_v1(request: Request) -> Response:
    """GET /{tenant}/discovery/keys (RFC 7517)."""
    return _keys(request, with_issuer=False)


async def keys_v2(request: Request) -> Response:
    """GET /{tenant}/discovery/v2.0/keys: v2.0 says beside each key who signs with it."""
    return _keys(request, with_issuer=True)


def _metadata(request: Request, version: str) -> Response:
    try:
        tenant = tenants.resolve(request.path_params["tenant"])
    except Refused as refused:
        return answers.refusal_json(request, refused, "D")
    return JSONResponse(_common(request, tenant, version) | _own(request, tenant, version))


def _common(request: Request, tenant: str, version: str) -> dict[str, object]:
    """Return the fields whose names both versions share."""
    authority = request.app.state.authority
    path = "oauth2" if version == "v1" else "oauth2/v2.0"
    here = f"{authority}/{_door(request, tenant)}"
    issuer = issuer_v1 if version == "v1" else issuer_v2
    return {
        "token_endpoint": f"{here}/{path}/token",
        "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "private_key_jwt",
            "client_secret_basic",
        ],
        "jwks_uri": _jwks_uri(request, here, version),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": RESPONSE_TYPES[version],
        "issuer": issuer(authority, _issuer_tenant(tenant)),
        "authorization_endpoint": f"{here}/{path}/authorize",
        "device_authorization_endpoint": f"{here}/{path}/devicecode",
        "http_logout_supported": True,
        "frontchannel_logout_supported": True,
        "end_session_endpoint": f"{here}/{path}/logout",
        "claims_supported": CLAIMS.split(),
        "tenant_region_scope": directory.REGION if tenant == directory.TENANT_ID else None,
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
        "rbac_url": "https://pas.windows.net",
    }


def _door(request: Request, tenant: str) -> str:
    """Return how the document names the door: a tenant by its id, also when asked by its domain."""
    return tenant if tenant == directory.TENANT_ID else request.path_params["tenant"]


def _jwks_uri(request: Request, here: str, version: str) -> str:
    """Return where the keys are: v1 has one address for all but an app with keys of its own.

    (Microsoft: access-tokens, on `appid`. No app has such keys here; the keys are the same.)
    """
    appid = request.query_params.get("appid")
    if version != "v1":
        return f"{here}/discovery/v2.0/keys" + (f"?appid={quote(appid)}" if appid else "")
    if appid:
        return f"{here}/discovery/keys?appid={quote(appid)}"
    return f"{request.app.state.authority}/common/discovery/keys"


def _own(request: Request, tenant: str, version: str) -> dict[str, object]:
    """Return the fields that only this version has."""
    state, door = request.app.state, _door(request, tenant)
    if version == "v1":
        return {
            "userinfo_endpoint": f"{state.authority}/{door}/openid/userinfo",
            "scopes_supported": ["openid"],
            "microsoft_multi_refresh_token": True,
        }
    return {
        "userinfo_endpoint": f"{state.graph}/oidc/userinfo",
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "request_uri_parameter_supported": False,
        "kerberos_endpoint": f"{state.authority}/{door}/kerberos",  # Microsoft's; nobody is there
    }


def _issuer_tenant(tenant: str) -> str:
    known = {"consumers": directory.CONSUMER_TENANT_ID, directory.TENANT_ID: tenant}
    return known.get(tenant, ANY_TENANT)


def _keys(request: Request, with_issuer: bool) -> Response:
    try:
        tenants.resolve(request.path_params["tenant"])
    except Refused as refused:
        return answers.refusal_json(request, refused, "D")
    issuer = issuer_v2(request.app.state.authority, ANY_TENANT)
    extra = {"issuer": issuer} if with_issuer else {}
    return JSONResponse({"keys": [key | extra for key in request.app.state.keys.jwks()]})
