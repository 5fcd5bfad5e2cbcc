"""The portal's API permissions page: what an app may ask for, and who has granted it."""

from collections.abc import Iterable

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from . import directory, pages
from .directory import Permission
from .portal_frame import of_app, page, store
from .store import App


@of_app
async def permissions(request: Request, app: App) -> Response:
    """GET and POST …/permissions: the delegated permissions of Microsoft Graph."""
    if request.method != "POST":
        return _shown(request, app)
    done = _change(request, app, await pages.form(request))
    return pages.redirect(request, f"portal/apps/{app.client_id}/permissions?done={done}")


def _shown(request: Request, app: App) -> Response:
    grants = store(request).grants
    granted = grants.admin_consented(app.client_id)
    return page(
        request,
        "portal_permissions.html",
        app=app,
        known=directory.PERMISSIONS.values(),
        configured=_known(app.permissions),
        others=_known(sorted(granted.difference(app.permissions))),
        granted=granted,
        consents=_by_person(request, app),
        tenant_name=directory.TENANT_NAME,
    )


def _known(names: Iterable[str]) -> list[Permission]:
    return [directory.PERMISSIONS[name] for name in names if name in directory.PERMISSIONS]


def _by_person(request: Request, app: App) -> list[tuple[directory.User, list[str]]]:
    """Return who has granted what, in the order of the directory."""
    consents = store(request).grants.consents_of_users(app.client_id)
    everybody = store(request).people.everybody()
    return [(one, sorted(consents[one.oid])) for one in everybody if one.oid in consents]


def _change(request: Request, app: App, fields: FormData) -> str:
    """Do what the pressed button says; return which notice tells of it."""
    grants = store(request).grants
    if "grant" in fields:
        grants.admin_consent(app.client_id, app.permissions)
        return "granted"
    if "revoke" in fields:
        grants.revoke_admin_consent(app.client_id)
        return "revoked"
    if "revoke_user" in fields:
        person = store(request).people.user(pages.text_field(fields, "revoke_user"))
        grants.revoke_consent(app.client_id, person.oid if person else "")
        return "revoked"
    chosen = {value for value in fields.getlist("permission") if isinstance(value, str)}
    app.permissions = [name for name in directory.PERMISSIONS if name in chosen]
    store(request).save(app)
    return "saved"
