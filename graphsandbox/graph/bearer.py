"""Who calls Graph, and what they may do: the access token of a request (RFC 6750)."""

from typing import Any

from starlette.requests import Request

from .. import directory, token_checks, token_forms
from ..directory import User
from .errors import GraphError, refused


def caller(request: Request) -> tuple[User, dict[str, Any]]:
    """Return the person a call acts for and the claims of the token, or refuse it."""
    state = request.app.state
    try:
        claims = token_checks.check_access_token(
            _bearer(request),
            state.keys,
            state.authority,
            state.store.now(),
            state.store.grants.is_revoked,
        )
    except token_checks.BadToken as error:
        raise unauthorized(request, "token_not_taken", why=error) from error
    if state.store.app(claims["appid"]) is None:  # deleted since
        raise unauthorized(request, "token_of_no_app")
    if claims.get("idtyp") == "app":
        raise _nobody_signed_in(request)
    user = state.store.people.user(claims["oid"])
    if user is None:
        raise unauthorized(request, "token_of_nobody")
    return user, claims


def _nobody_signed_in(request: Request) -> GraphError:
    """Return the refusal of an app's own token: no app here has a permission of its own."""
    if request.scope["path"].split("/")[2:3] == ["me"]:
        return refused("me_without_person")
    return refused("directory_denied")


def unauthorized(request: Request, name: str, /, **values: Any) -> GraphError:
    """Return the 401, with the challenge that names where tokens come from."""
    address = f"{request.app.state.authority}/common/oauth2/authorize"
    challenge = (
        f'Bearer realm="", authorization_uri="{address}", client_id="{directory.GRAPH_APP_ID}"'
    )
    return refused(name, {"WWW-Authenticate": challenge}, **values)


def _bearer(request: Request) -> str:
    """Return the token of the one Authorization header (RFC 6750 §2.1)."""
    given = request.headers.getlist("authorization")
    if len(given) > 1:
        raise unauthorized(request, "token_malformed")
    scheme, _, token = "".join(given).strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise unauthorized(request, "token_empty")
    if "." not in token and not token.startswith(token_forms.SEALED_PREFIX):
        raise unauthorized(request, "token_no_dots")
    return token
