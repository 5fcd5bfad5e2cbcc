"""The browser's session: the cookie that makes a second sign-in silent."""

from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from .. import people, public
from ..directory import User
from ..grants import Session


def people_at(request: Request) -> list[User]:
    """Return whose accounts this browser can pick: anybody's, in a class the learner's own."""
    visitor = people.visitor(request)
    return [visitor] if visitor else request.app.state.store.people.everybody()


def session(request: Request) -> Session | None:
    """Return who is signed in with this browser, if anybody is."""
    value = request.cookies.get(_cookie_name(request))
    return request.app.state.store.grants.session(value) if value else None


def sign_in(request: Request, response: Response, oid: str) -> None:
    """Let this browser be signed in from now on."""
    _forget(request)
    value = request.app.state.store.grants.start_session(oid)
    response.set_cookie(_cookie_name(request), value, **_where(request))


def end(request: Request, response: Response) -> None:
    """Sign this browser out, here and in its cookie jar."""
    if _forget(request):
        response.delete_cookie(_cookie_name(request), **_where(request))


def _forget(request: Request) -> bool:
    """End the session of the cookie that came along, and tell whether one did."""
    value = request.cookies.get(_cookie_name(request))
    if value:
        request.app.state.store.grants.end_session(value)
    return bool(value)


def _cookie_name(request: Request) -> str:
    """Cookies know no ports: the name does, so that two sandboxes don't share a session."""
    return f"ESTSAUTH_{urlsplit(request.app.state.authority).port}"


def _where(request: Request) -> dict[str, Any]:
    """Return where the cookie goes, and that no script reads it."""
    kept = {"httponly": True, "samesite": "lax", "secure": public.is_https(request)}
    return {**kept, "path": public.cookie_path(request)}
