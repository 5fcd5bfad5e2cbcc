"""The page that asks a person for consent; authorize and the device page both show it."""

from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response

from .. import directory, pages
from ..directory import User
from ..store import App


def page(request: Request, app: App, user: User, permissions: Iterable[str]) -> Response:
    """Return the page that lists these permissions in words, with Accept and Cancel."""
    shown = [directory.PERMISSIONS[name] for name in permissions]
    scopes = [{"name": p.name, "title": p.title, "description": p.description} for p in shown]
    return pages.render(
        request, "consent.html", app_name=app.display_name, user=user, scopes=scopes
    )
