"""The page where a person lets a device sign in (Microsoft's microsoft.com/devicelogin).

Like the pages of authorize, its forms post to the address they were shown at: the user code
stays in the address, and each step judges it anew.
"""

from collections.abc import Mapping
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from .. import pages, people
from ..device_codes import typed
from ..directory import User
from ..grants import SignIn
from ..store import App, Store
from . import accounts, browser, consent, scopes

NOT_KNOWN = "That code didn't work. Check the code and try again."


async def device_login(request: Request) -> Response:
    """GET and POST /devicelogin: enter the code, pick the account, agree."""
    posted = request.method == "POST"
    fields: Mapping[str, object] = await pages.form(request) if posted else {}
    entered, code = fields.get("code"), request.query_params.get("otc", "")
    if entered is not None:
        return _code_entered(request, str(entered))
    if not code:
        return _code_page(request, 200, "")
    found = _waiting(request, code)
    return _step(request, fields, code, *found) if found else _code_page(request, 400, NOT_KNOWN)


def _waiting(request: Request, code: str) -> tuple[App, SignIn] | None:
    """Return which app waits for this code, in a class only the learner's own."""
    store: Store = request.app.state.store
    ticket = store.device_codes.waiting(code)
    app = store.app(ticket.sign_in.client_id) if ticket else None
    if not ticket or not app or not people.may_see(request, app.owner):
        return None
    return app, ticket.sign_in


def _code_entered(request: Request, code: str) -> Response:
    """Go on with a code that waits; the page asks again for any other."""
    if _waiting(request, code) is None:
        return _code_page(request, 400, NOT_KNOWN)
    return pages.redirect(request, f"devicelogin?otc={quote(typed(code))}")


def _code_page(request: Request, status: int, problem: str) -> Response:
    return pages.render(request, "device_code.html", status, problem=problem)


def _step(
    request: Request, fields: Mapping[str, object], code: str, app: App, sign_in: SignIn
) -> Response:
    """Show the next page that is needed, or end with what the person decided."""
    devices = request.app.state.store.device_codes
    if "cancel" in fields or fields.get("consent") == "cancel":
        devices.decline(code, sign_in)
        return _done(request, app, "You declined", "was not signed in on your device")
    users = accounts.welcome(app, sign_in.tenant, "v2.0", browser.people_at(request))
    if "user" in fields:
        return _picked(request, users, code, str(fields["user"]))
    session = browser.session(request)
    user = next((one for one in users if session and one.oid == session.oid), None)
    if user is None or "switch" in fields:
        name = app.display_name
        return pages.render(request, "signin.html", app_name=name, users=users, login_hint="")
    permissions = _permissions(request, app, sign_in)
    if consent.needs_admin(request, app, user, permissions):
        return consent.need_admin_page(request, app, user)
    if fields.get("consent") != "accept":  # each time: who sent the code may be somebody else
        return consent.page(request, app, user, permissions)
    request.app.state.store.grants.consent(app.client_id, user.oid, permissions)
    devices.approve(code, sign_in, user.oid)
    return _done(request, app, "You have signed in", "is signed in on your device")


def _picked(request: Request, users: list[User], code: str, upn: str) -> Response:
    """Start the session of the account that was picked, if it may sign in here."""
    response = pages.redirect(request, f"devicelogin?otc={quote(typed(code))}")
    user = next((one for one in users if one.upn == upn), None)
    if user:
        browser.sign_in(request, response, user.oid)
    return response


def _permissions(request: Request, app: App, sign_in: SignIn) -> list[str]:
    asked = scopes.parse(" ".join(sign_in.scopes), app, request.app.state.graph)
    return scopes.names(asked)


def _done(request: Request, app: App, title: str, what: str) -> Response:
    name = app.display_name
    return pages.render(request, "device_done.html", title=title, app_name=name, what=what)
