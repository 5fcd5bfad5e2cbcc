"""The first step of judging an authorization request: tenant, app and redirect URI.

Until these three are right no redirect is safe (RFC 6749 §4.1.2.1), so a refusal here is shown
on our own page.
"""

import re
from dataclasses import dataclass

from starlette.requests import Request

from .. import people
from ..directory import User
from ..refusals import Refused
from ..store import App
from . import browser, parameters, redirect_uris, tenants
from .answers import Reply
from .parameters import Parameters

RESPONSE_MODES = ("query", "fragment", "form_post")


@dataclass(frozen=True)
class Door:
    """A request whose app and reply address are known."""

    app: App
    tenant: str
    version: str
    uri: str
    uri_sent: bool
    platform: str
    parameters: Parameters
    people: list[User]  # whose accounts the browser can pick

    @property
    def reply(self) -> Reply:
        """Where refusals go: to the app, in the mode it asked for, as far as that is clear."""
        return Reply(self.uri, _mode_for_refusals(self.parameters), _state(self.parameters))


def at_the_door(request: Request, version: str) -> Door:
    """Find the app and the redirect URI, or raise what the error page shows."""
    sent = parameters.from_query(request)
    tenant = tenants.resolve(request.path_params["tenant"])
    if version == "v1" and tenant == "consumers":
        raise Refused(90027)
    client_id = sent.need("client_id")
    app = request.app.state.store.app(client_id)
    if app is None or not people.may_see(request, app.owner):
        raise Refused(700016, client_id=client_id, tenant=tenants.name_of(tenant))
    tenants.admit(app, tenant)
    uri, platform = _reply_address(app, sent.get("redirect_uri"), version)
    uri_sent = sent.get("redirect_uri") is not None
    return Door(app, tenant, version, uri, uri_sent, platform, sent, browser.people_at(request))


def _reply_address(app: App, uri: str | None, version: str) -> tuple[str, str]:
    """Return the redirect URI to use and its platform; v1 may leave it to the registration."""
    if not app.redirect_uris:
        raise Refused(500113)
    if uri is None:
        usual = redirect_uris.usual(app) if version == "v1" else None
        if usual is None:
            raise Refused(900971)
        return usual.uri, usual.platform
    registered = redirect_uris.match(app, uri)
    if registered is None:
        raise Refused(50011, redirect_uri=uri, client_id=app.client_id)
    return uri, registered.platform


def _state(sent: Parameters) -> str | None:
    """Return the state to give back, without anything that looks like an HTML tag.

    Microsoft: v2-oauth2-auth-code-flow. A state sent twice comes back not at all.
    """
    try:
        state = sent.get("state")
    except Refused:
        return None
    return state and re.sub(r"<[^<>]*>", "", state)


def _mode_for_refusals(sent: Parameters) -> str:
    try:
        mode, response_type = sent.get("response_mode"), sent.get("response_type") or ""
    except Refused:
        return "query"
    if mode in RESPONSE_MODES:
        return mode
    return "fragment" if "token" in response_type else "query"
