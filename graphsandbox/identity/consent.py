"""The pages that ask a person for consent; authorize, admin consent and devices show them."""

from collections.abc import Iterable

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from .. import directory, pages
from ..directory import User
from ..grants import Grants
from ..refusals import Refused
from ..store import App


def page(
    request: Request,
    app: App,
    user: User,
    permissions: Iterable[str],
    for_all: bool = False,
    may_choose: bool = False,
) -> Response:
    """Return the page that lists these permissions in words, with Accept and Cancel.

    It asks for the whole organization when for_all; an administrator may_choose to.
    """
    return pages.render(
        request,
        "consent.html",
        app_name=app.display_name,
        user=user,
        scopes=[directory.PERMISSIONS[name] for name in permissions],
        organization=directory.TENANT_NAME,
        for_all=for_all,
        may_choose=may_choose and user.is_admin,
    )


def needs_admin(request: Request, app: App, user: User, permissions: Iterable[str]) -> bool:
    """Tell whether somebody else must consent first: an administrator."""
    granted = _grants(request).consented(app.client_id, user.oid)
    missing = [directory.PERMISSIONS[name] for name in permissions if name not in granted]
    return not user.is_admin and any(one.admin_consent for one in missing)


def need_admin_page(request: Request, app: App, user: User) -> Response:
    """Return the page "Need admin approval" (AADSTS90094), which never redirects by itself."""
    refused = Refused(90094, tenant=directory.TENANT_NAME, app_name=app.display_name)
    name, text = app.display_name, refused.description("P")
    return pages.render(request, "need_admin.html", user=user, app_name=name, text=text)


def accept(
    request: Request, app: App, user: User, permissions: list[str], fields: FormData
) -> None:
    """Remember the Accept: of this person, or by an administrator for everybody."""
    if user.is_admin and pages.text_field(fields, "organization"):
        _grants(request).admin_consent(app.client_id, permissions)
    else:
        _grants(request).consent(app.client_id, user.oid, permissions)


def _grants(request: Request) -> Grants:
    grants: Grants = request.app.state.store.grants
    return grants
