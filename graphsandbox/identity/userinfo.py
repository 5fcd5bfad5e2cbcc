"""Who the person of an access token is (OpenID Connect Core §5.3; Microsoft: userinfo).

v2.0's address lies on the Graph host and takes a Graph token with `openid`. How either address
words its refusals is not documented; these are Graph's own.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..directory import User
from ..graph.bearer import caller
from ..graph.errors import GraphError, refused, request_headers, respond
from ..refusals import Refused
from . import answers, tenants

PERSON = {"profile", "email"}


async def v1(request: Request) -> Response:
    """GET and POST /{tenant}/openid/userinfo: v1's tokens name no OpenID scopes, and need none."""
    try:
        tenants.resolve(request.path_params["tenant"])
    except Refused as refused:
        return answers.refusal_json(request, refused, "D")
    return _answer(request, version="v1")


async def v2(request: Request) -> Response:
    """GET and POST /oidc/userinfo."""
    return _answer(request, version="v2.0")


def _answer(request: Request, version: str) -> Response:
    try:
        user, claims = caller(request)
        scopes = PERSON if version == "v1" else _scopes(claims)
    except GraphError as error:
        return respond(request, error)
    return JSONResponse(_told(request, user, claims, scopes), 200, request_headers(request))


def _scopes(claims: dict[str, Any]) -> set[str]:
    """Return the token's scopes, or refuse one that is for no sign-in."""
    scopes = set(claims.get("scp", "").split())
    if "openid" not in scopes:
        raise refused("directory_denied")
    return scopes


def _told(request: Request, user: User, claims: dict[str, Any], scopes: set[str]) -> dict[str, str]:
    """Return what `profile` and `email` let the app know."""
    told = {"sub": claims["xms_st"]["sub"]}  # the id_token's; the access token's is Graph's own
    if "profile" in scopes:
        told |= {
            "name": user.display_name,
            "family_name": user.surname,
            "given_name": user.given_name,
            "picture": f"{request.app.state.graph}/v1.0/me/photo/$value",
        }
    if "email" in scopes and user.mail:
        told["email"] = user.mail
    return told
