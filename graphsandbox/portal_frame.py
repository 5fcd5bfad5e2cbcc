"""What all pages of the portal share: which app the path names, and the frame around a form."""

import functools
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from . import directory, pages, people, redirect_rules
from .store import App, Store

NOTICES = {
    "registered": "The app is registered.",
    "saved": "Saved.",
    "removed": "Removed.",
    "granted": f"Admin consent is granted for {directory.TENANT_NAME}.",
    "revoked": "The consent is revoked.",
    "deleted": "The app registration was deleted.",
}
Errors = dict[str, str | None]


def store(request: Request) -> Store:
    """Return what the sandbox keeps."""
    kept: Store = request.app.state.store
    return kept


def of_app(
    handler: Callable[[Request, App], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """Hand the app that the path names to the handler, or answer 404."""

    @functools.wraps(handler)
    async def endpoint(request: Request) -> Response:
        app = store(request).app(request.path_params["client_id"])
        if app is None or not people.may_see(request, app.owner):
            what = "There is no app registration with this client ID."
            return pages.not_found(request, what)
        return await handler(request, app)

    return endpoint


def page(request: Request, template: str, status_code: int = 200, **context: Any) -> Response:
    """Render a page of the portal, with what its forms choose from."""
    notice = NOTICES.get(request.query_params.get("done", ""))
    return pages.render(
        request,
        template,
        status_code,
        **{
            "notice": notice,
            "errors": {},
            "audiences": redirect_rules.AUDIENCES,
            "platforms": redirect_rules.PLATFORMS,
            "tenant_id": directory.TENANT_ID,
            **context,
        },
    )


def found(errors: Errors) -> Errors:
    """Return the fields that have a problem."""
    return {name: problem for name, problem in errors.items() if problem}


def choice(fields: FormData, name: str, choices: dict[str, str], default: str) -> str:
    """Return a posted choice, or the default when it is none of those offered."""
    value = pages.text_field(fields, name)
    return value if value in choices else default
