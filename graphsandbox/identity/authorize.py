"""The authorization endpoint: sign in, consent, and back to the app with a code.

The pages' forms post to the address they were shown at, so the request stays in the address
and each step judges it anew.
"""

import secrets
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from .. import directory, pages
from ..directory import User
from ..grants import Grants, Session, SignIn
from ..refusals import Refused
from . import answers, browser, consent, tenants
from .answers import NO_STORE
from .authorize_request import Asked, at_the_door, check

SIGN_IN_AGAIN = ("login", "select_account")
ASK_AGAIN = ("consent", "admin_consent")


async def v1(request: Request) -> Response:
    """GET and POST /{tenant}/oauth2/authorize (Microsoft: v1-protocols-oauth-code)."""
    return await _authorize(request, "v1")


async def v2(request: Request) -> Response:
    """GET and POST /{tenant}/oauth2/v2.0/authorize (Microsoft: v2-oauth2-auth-code-flow)."""
    return await _authorize(request, "v2.0")


async def _authorize(request: Request, version: str) -> Response:
    """Answer a request, and give each refusal where it belongs: on the page or to the app."""
    try:
        door = at_the_door(request, version)
    except Refused as refused:
        return answers.refusal_page(request, refused)
    try:
        return await _step(request, check(request, door, version))
    except Refused as refused:
        if refused.goes("R"):
            return answers.refusal_to_app(request, door.reply, refused)
        return answers.refusal_page(request, refused)


async def _step(request: Request, asked: Asked) -> Response:
    """Show the next page that is needed, or send the code."""
    fields = await pages.form(request) if request.method == "POST" else None
    if fields and pages.text_field(fields, "cancel"):
        raise Refused(0)
    if fields and (user := _chosen(asked, pages.text_field(fields, "user"))):
        return _signed_in(request, user)
    session = browser.session(request)
    user = _who(asked, session)
    if session is None or user is None:
        return _sign_in_page(request, asked)
    answer = pages.text_field(fields, "consent") if fields else ""
    if answer == "cancel":
        raise Refused(65004)
    if answer == "accept":
        _grants(request).consent(asked.door.app.client_id, user.oid, asked.permissions)
    elif _must_ask(request, asked, user):
        return _consent_page(request, asked, user)
    return _send_code(request, asked, session, user)


def _chosen(asked: Asked, upn: str) -> User | None:
    """Return the account that was picked, if it may sign in here."""
    allowed = tenants.users_of(asked.door.app, asked.door.tenant)
    return next((one for one in allowed if one.upn == upn), None)


def _signed_in(request: Request, user: User) -> Response:
    """Start the session, and go on with the same request less what asked for this page."""
    pairs = parse_qsl(request.url.query, keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if not _asks_for_sign_in(name, value)]
    response = RedirectResponse(f"authorize?{urlencode(kept)}", 303, NO_STORE)
    browser.sign_in(request, response, user.oid)
    return response


def _asks_for_sign_in(name: str, value: str) -> bool:
    return name == "login_hint" or (name == "prompt" and value in SIGN_IN_AGAIN)


def _who(asked: Asked, session: Session | None) -> User | None:
    """Return who is signed in, unless the request wants somebody else or to ask again."""
    user = directory.user(session.oid) if session else None
    if user is None or asked.prompt in SIGN_IN_AGAIN:
        return None
    if user not in tenants.users_of(asked.door.app, asked.door.tenant):
        return None
    hint = (asked.login_hint or user.upn).lower()
    return user if hint == user.upn.lower() else None


def _must_ask(request: Request, asked: Asked, user: User) -> bool:
    """Tell whether the person still has to consent."""
    granted = _grants(request).consented(asked.door.app.client_id, user.oid)
    return asked.prompt in ASK_AGAIN or not granted.issuperset(asked.permissions)


def _sign_in_page(request: Request, asked: Asked) -> Response:
    if asked.prompt == "none":
        raise Refused(50058)
    return pages.render(
        request,
        "signin.html",
        app_name=asked.door.app.display_name,
        users=tenants.users_of(asked.door.app, asked.door.tenant),
        login_hint=asked.login_hint or "",
    )


def _consent_page(request: Request, asked: Asked, user: User) -> Response:
    app = asked.door.app
    if asked.prompt == "none":
        raise Refused(65001, client_id=app.client_id, app_name=app.display_name)
    return consent.page(request, app, user, asked.permissions)


def _send_code(request: Request, asked: Asked, session: Session, user: User) -> Response:
    """Send the browser to the app with a code, in the order Microsoft has the fields."""
    code = _grants(request).issue_code(_sign_in(asked, user))
    state, session_state = asked.door.reply.state, session.session_state
    if asked.version == "v1":
        fields = {"code": code, "session_state": session_state, "state": state}
    else:
        info = answers.client_info(user) if asked.client_info else None
        fields = {"code": code, "client_info": info, "state": state}
        fields["session_state"] = session_state
    return answers.send(request, asked.door.reply, fields)


def _sign_in(asked: Asked, user: User) -> SignIn:
    """Return what the code will stand for."""
    return SignIn(
        family=f"1.{secrets.token_urlsafe(36)}.",
        client_id=asked.door.app.client_id,
        platform=asked.door.platform,
        redirect_uri=asked.door.uri,
        redirect_uri_sent=asked.door.uri_sent,
        tenant=asked.door.tenant,
        oid=user.oid,
        scopes=asked.scopes,
        resource=asked.resource,
        nonce=asked.nonce,
        code_challenge=asked.code_challenge,
        code_challenge_method=asked.code_challenge_method,
    )


def _grants(request: Request) -> Grants:
    return request.app.state.store.grants
