"""Admin consent: an administrator grants an app its permissions for everybody.

Microsoft: v2-admin-consent. Nobody is signed in to the app by it, so no code comes back.
"""

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from .. import directory, pages
from ..refusals import Refused
from . import accounts, answers, browser, consent, scopes, signing_in
from .accounts import AccountRefused
from .door import Door, at_the_door

MARK = {"admin_consent": "True"}  # by which an app knows what it is an answer to


async def registered(request: Request) -> Response:
    """GET and POST /{tenant}/adminconsent: all permissions of the registration."""
    return await _answer(request, dynamic=False)


async def dynamic(request: Request) -> Response:
    """GET and POST /{tenant}/v2.0/adminconsent: the permissions that `scope` names."""
    return await _answer(request, dynamic=True)


async def _answer(request: Request, dynamic: bool) -> Response:
    try:
        door = at_the_door(request, "v2.0")
        if door.tenant == "consumers":  # no organization, hence no administrator
            known = {"client_id": door.app.client_id, "app_name": door.app.display_name}
            raise Refused(90130, **known)
    except Refused as refused:
        return answers.refusal_page(request, refused)
    try:
        door.parameters.refuse_duplicates()
        return await _step(request, door, dynamic)
    except Refused as refused:
        if refused.goes("R"):
            return answers.refusal_to_app(request, door.reply, refused, **MARK)
        changeable = isinstance(refused, AccountRefused)
        return answers.refusal_page(request, refused, change_account=changeable)


async def _step(request: Request, door: Door, dynamic: bool) -> Response:
    """Show the next page that is needed, or send the answer."""
    text, permissions = _asked(request, door, dynamic)
    fields = await pages.form(request) if request.method == "POST" else FormData()
    answer = pages.text_field(fields, "consent")
    if pages.text_field(fields, "cancel"):
        raise Refused(0)
    if picked := signing_in.account(fields):
        return signing_in.done(request, accounts.picked(door, picked))
    user = accounts.signed_in(door, browser.session(request), None)
    if user is None or pages.text_field(fields, "switch"):
        return signing_in.page(request, door)
    if answer == "cancel":
        raise Refused(65004)
    if not user.is_admin:
        return consent.need_admin_page(request, door.app, user)
    if answer != "accept":
        return consent.page(request, door.app, user, permissions, for_all=True)
    request.app.state.store.grants.admin_consent(door.app.client_id, permissions)
    known = {"tenant": directory.TENANT_ID, "state": door.reply.state}
    given = MARK | {"scope": text} if dynamic else MARK
    return answers.send(request, door.reply, {**given, **known})


def _asked(request: Request, door: Door, dynamic: bool) -> tuple[str, list[str]]:
    """Return the scopes as the answer repeats them, and the permissions by their bare names."""
    graph = request.app.state.graph
    text = door.parameters.need("scope") if dynamic else f"{graph}/.default"
    found = scopes.parse(text, door.app, graph)
    return " ".join(one.text for one in found), scopes.names(found)
