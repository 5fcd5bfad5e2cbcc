"""The portal: register an app and configure it, worded as in the Entra admin center.

Every page is a form that works without scripts. A refused form comes back with what was
typed and, beside the field, why; a taken one is left by a redirect.
"""

import json
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import pages, people, redirect_rules
from .manifest import ManifestRefused, apply_manifest, iso_time, manifest, name_problem
from .portal_frame import Errors, choice, found, of_app, page, store
from .portal_permissions import permissions
from .store import App, RedirectUri

LIFETIMES = {  # days -> label; the admin center's choices
    180: "Recommended: 180 days (6 months)",
    90: "90 days (3 months)",
    365: "365 days (12 months)",
    545: "545 days (18 months)",
    730: "730 days (24 months)",
}


async def list_apps(request: Request) -> Response:
    """GET /portal: App registrations; the learner's own, newest first, then the samples."""
    apps = store(request).apps(people.owner(request))
    own, samples = [one for one in apps[::-1] if not one.shows], [one for one in apps if one.shows]
    return page(request, "portal_list.html", apps=own, samples=samples, iso_time=iso_time)


async def new_app(request: Request) -> Response:
    """GET and POST /portal/new: Register an application."""
    typed = {"name": "", "audience": "AzureADMultipleOrgs", "platform": "web", "uri": ""}
    if request.method != "POST":
        return page(request, "portal_new.html", typed=typed)
    fields = await pages.form(request)
    typed = {
        "name": pages.text_field(fields, "name").strip(),
        "audience": choice(fields, "audience", redirect_rules.AUDIENCES, "AzureADMyOrg"),
        "platform": choice(fields, "platform", redirect_rules.PLATFORMS, "web"),
        "uri": pages.text_field(fields, "uri").strip(),
    }
    errors = found({"name": name_problem(typed["name"]), "uri": _box_problem(typed)})
    if errors:
        return page(request, "portal_new.html", 400, typed=typed, errors=errors)
    uris = [RedirectUri(typed["uri"], typed["platform"])] if typed["uri"] else []
    app = store(request).register(
        typed["name"], uris, typed["audience"], owner=people.owner(request)
    )
    return pages.redirect(request, f"portal/apps/{app.client_id}?done=registered")


def _box_problem(typed: dict[str, str]) -> str | None:
    """Check the optional redirect URI of a new registration."""
    if not typed["uri"]:
        return None
    return redirect_rules.box_problem(typed["uri"], typed["platform"], typed["audience"])


@of_app
async def overview(request: Request, app: App) -> Response:
    """GET and POST /portal/apps/{client_id}: Overview, and whether the app is activated."""
    if request.method == "POST":
        app.disabled = pages.text_field(await pages.form(request), "state") == "deactivate"
        store(request).save(app)
        return pages.redirect(request, f"portal/apps/{app.client_id}?done=saved")
    authority = request.app.state.authority
    return page(request, "portal_overview.html", app=app, authority=authority)


@of_app
async def authentication(request: Request, app: App) -> Response:
    """GET and POST …/authentication: redirect URIs, account types and flows."""
    typed = {"platform": "web", "uri": ""}
    if request.method != "POST":
        return page(request, "portal_authentication.html", app=app, typed=typed)
    fields = await pages.form(request)
    typed["platform"] = choice(fields, "platform", redirect_rules.PLATFORMS, "web")
    typed["uri"] = pages.text_field(fields, "uri").strip()
    errors = found(_change_authentication(app, fields, typed))
    if errors:
        shown = {"app": store(request).app(app.client_id), "typed": typed, "errors": errors}
        return page(request, "portal_authentication.html", 400, **shown)
    store(request).save(app)
    return pages.redirect(request, f"portal/apps/{app.client_id}/authentication?done=saved")


def _change_authentication(app: App, fields: FormData, typed: dict[str, str]) -> Errors:
    """Do to the app what the pressed button says; return what is wrong with it."""
    if "remove" in fields:
        gone = pages.text_field(fields, "remove")
        app.redirect_uris = [one for one in app.redirect_uris if one.uri != gone]
        return {}
    if "audience" in fields:
        app.sign_in_audience = choice(
            fields, "audience", redirect_rules.AUDIENCES, app.sign_in_audience
        )
        return {"audience": _audience_problem(app)}
    if "flows" in fields:
        app.id_tokens_by_authorize = "id_tokens" in fields
        app.is_fallback_public_client = pages.text_field(fields, "public_flows") == "yes"
        return {}
    app.redirect_uris.append(RedirectUri(typed["uri"], typed["platform"]))
    problem = redirect_rules.box_problem(typed["uri"], typed["platform"], app.sign_in_audience)
    return {"uri": problem or redirect_rules.list_problem(app.redirect_uris, app.sign_in_audience)}


def _audience_problem(app: App) -> str | None:
    """Check the URIs that are there against a changed audience."""
    for one in app.redirect_uris:
        problem = redirect_rules.manifest_problem(one.uri, one.platform, app.sign_in_audience)
        if problem:
            return f"{one.uri}: {problem}"
    return redirect_rules.list_problem(app.redirect_uris, app.sign_in_audience)


@of_app
async def client_secrets(request: Request, app: App) -> Response:
    """GET and POST …/secrets: list them by hint, add one and show its Value once."""
    if request.method != "POST":
        return _secrets_page(request, app)
    fields = await pages.form(request)
    if "remove" in fields:
        gone = pages.text_field(fields, "remove")
        app.secrets = [one for one in app.secrets if one.secret_id != gone]
        store(request).save(app)
        return pages.redirect(request, f"portal/apps/{app.client_id}/secrets?done=removed")
    return _add_secret(request, app, fields)


def _add_secret(request: Request, app: App, fields: FormData) -> Response:
    """Answer with the page itself: a secret in a redirect's URL would stay in histories."""
    description = pages.text_field(fields, "description").strip()
    days = pages.text_field(fields, "days")
    typed = {"description": description, "days": days}
    errors = found({"description": _description_problem(description)})
    if days not in map(str, LIFETIMES):
        errors["days"] = "Choose one of the lifetimes."
    if errors:
        return _secrets_page(request, app, 400, typed=typed, errors=errors)
    value, secret = store(request).add_secret(app, description, int(days))
    return _secrets_page(request, app, value=value, new=secret)


def _description_problem(text: str) -> str | None:
    if len(text) > 255:
        return f"A description has at most 255 characters; this one has {len(text)}."
    return None


def _secrets_page(request: Request, app: App, status_code: int = 200, **context: Any) -> Response:
    defaults = {"typed": {"description": "", "days": "180"}, "value": None, "new": None}
    return page(
        request,
        "portal_secrets.html",
        status_code,
        **{
            "app": app,
            "lifetimes": LIFETIMES,
            "iso_time": iso_time,
            "now": store(request).now(),
            **defaults,
            **context,
        },
    )


@of_app
async def manifest_editor(request: Request, app: App) -> Response:
    """GET and POST …/manifest: the registration as JSON, to read and to change."""
    if request.method != "POST":
        text = json.dumps(manifest(app), indent=2, ensure_ascii=False)
        return page(request, "portal_manifest.html", app=app, text=text)
    fields = await pages.form(request)
    text = pages.text_field(fields, "manifest")
    try:
        changed = apply_manifest(app, text)
    except ManifestRefused as refusal:
        errors = {"manifest": str(refusal)}
        return page(request, "portal_manifest.html", 400, app=app, text=text, errors=errors)
    store(request).save(changed)
    return pages.redirect(request, f"portal/apps/{app.client_id}/manifest?done=saved")


@of_app
async def delete_app(request: Request, app: App) -> Response:
    """GET and POST …/delete: ask, then delete the registration."""
    if request.method != "POST":
        printed = store(request).setting("default_client_id") == app.client_id
        return page(request, "portal_delete.html", app=app, printed=printed)
    await pages.form(request)
    store(request).remove_app(app.client_id)
    return pages.redirect(request, "portal?done=deleted")


FORM = ["GET", "POST"]
ROUTES = [
    Route("/portal", list_apps),
    Route("/portal/new", new_app, methods=FORM),
    Route("/portal/apps/{client_id}", overview, methods=FORM),
    Route("/portal/apps/{client_id}/authentication", authentication, methods=FORM),
    Route("/portal/apps/{client_id}/secrets", client_secrets, methods=FORM),
    Route("/portal/apps/{client_id}/permissions", permissions, methods=FORM),
    Route("/portal/apps/{client_id}/manifest", manifest_editor, methods=FORM),
    Route("/portal/apps/{client_id}/delete", delete_app, methods=FORM),
]
