"""The authorization endpoint: sign in, consent, and back to the app with a code.

The pages' forms post to the address they were shown at, so the request stays in the address
and each step judges it anew.
"""

import secrets

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response

from .. import pages, tokens
from ..directory import User
from ..grants import Grants, Session, SignIn
from ..refusals import Refused
from . import accounts, answers, browser, consent, signing_in
from .accounts import AccountRefused
from .authorize_request import Asked, check
from .door import Door, at_the_door

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
        return await _step(request, check(request, door))
    except AccountRefused as refused:
        return answers.refusal_page(request, refused, change_account=True)
    except Refused as refused:
        if refused.goes("R"):
            return answers.refusal_to_app(request, door.reply, refused)
        return answers.refusal_page(request, refused)


async def _step(request: Request, asked: Asked) -> Response:
    """Show the next page that is needed, or send the code."""
    door, fields = asked.door, FormData()
    if request.method == "POST":
        fields = await pages.form(request)
    if pages.text_field(fields, "cancel"):
        raise Refused(0)
    if picked := signing_in.account(fields):
        return signing_in.done(request, accounts.picked(door, picked))
    session = browser.session(request)
    user = _who(asked, session)
    if session is None or user is None or pages.text_field(fields, "switch"):
        return _sign_in_page(request, asked, session)
    answer = pages.text_field(fields, "consent")
    if answer == "cancel":
        raise Refused(65004)
    if _needs_admin(request, asked, user):
        return _need_admin_page(request, asked, user)
    if answer == "accept":
        consent.accept(request, door.app, user, asked.permissions, fields)
    elif _must_ask(request, asked, user):
        return _consent_page(request, asked, user)
    return _send_code(request, asked, session, user)


def _who(asked: Asked, session: Session | None) -> User | None:
    """Return who is signed in, unless the request wants somebody else or to ask again."""
    user = accounts.signed_in(asked.door, session, asked.domain_hint)
    if user is None or asked.prompt in signing_in.PROMPTS:
        return None
    return user if accounts.is_named(user, asked.login_hint or user.upn) else None


def _sign_in_page(request: Request, asked: Asked, session: Session | None) -> Response:
    if asked.prompt == "none":
        accounts.refuse_silence(asked.door, session)
    return signing_in.page(request, asked.door, asked.login_hint, asked.domain_hint)


def _needs_admin(request: Request, asked: Asked, user: User) -> bool:
    if asked.prompt == "admin_consent":
        return not user.is_admin
    return consent.needs_admin(request, asked.door.app, user, asked.permissions)


def _need_admin_page(request: Request, asked: Asked, user: User) -> Response:
    if asked.prompt == "none":
        raise _not_consented(asked.door)
    return consent.need_admin_page(request, asked.door.app, user)


def _must_ask(request: Request, asked: Asked, user: User) -> bool:
    """Tell whether the person still has to consent."""
    granted = _grants(request).consented(asked.door.app.client_id, user.oid)
    return asked.prompt in ASK_AGAIN or not granted.issuperset(asked.permissions)


def _consent_page(request: Request, asked: Asked, user: User) -> Response:
    if asked.prompt == "none":
        raise _not_consented(asked.door)
    for_all = asked.prompt == "admin_consent"
    return consent.page(request, asked.door.app, user, asked.permissions, for_all, may_choose=True)


def _not_consented(door: Door) -> Refused:
    return Refused(65001, client_id=door.app.client_id, app_name=door.app.display_name)


def _send_code(request: Request, asked: Asked, session: Session, user: User) -> Response:
    """Send the browser to the app with a code, in the order Microsoft has the fields."""
    sign_in = _sign_in(asked, user)
    code = _grants(request).issue_code(sign_in)
    state, session_state = asked.door.reply.state, session.session_state
    if asked.door.version == "v1":
        fields = {"code": code, "id_token": None, "session_state": session_state, "state": state}
        fields["admin_consent"] = "True" if asked.prompt == "admin_consent" else None
    else:
        info = answers.client_info(user) if asked.client_info else None
        fields = {"code": code, "id_token": None, "client_info": info, "state": state}
        fields["session_state"] = session_state
    if asked.hybrid:
        fields["id_token"] = _id_token(request, asked, user, sign_in, code)
    return answers.send(request, asked.door.reply, fields)


def _id_token(request: Request, asked: Asked, user: User, sign_in: SignIn, code: str) -> str:
    """Return the id_token that comes beside this code (OpenID Connect Core §3.3)."""
    state, app = request.app.state, asked.door.app
    issue = tokens.Issue(state.keys, state.authority, state.store.now(), app, user, sign_in)
    if asked.door.version == "v1":
        return tokens.id_token_v1(issue, code)
    return tokens.id_token_v2(issue, asked.permissions, code)


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
    grants: Grants = request.app.state.store.grants
    return grants
