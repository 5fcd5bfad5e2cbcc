"""Judging an authorization request, in two steps.

First the door: tenant, app and redirect URI. Until these three are right no redirect is safe
(RFC 6749 §4.1.2.1), so a refusal here is shown on our own page. Then everything else, where a
refusal goes back to the app.
"""

import re
from dataclasses import dataclass

from starlette.requests import Request

from .. import directory
from ..refusals import Refused
from ..store import App
from . import parameters, redirect_uris, scopes, tenants
from .answers import Reply
from .parameters import Parameters

PKCE_VALUE = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 §4.1 and §4.2
RESPONSE_MODES = ("query", "fragment", "form_post")
PROMPTS = {
    "v1": ("login", "select_account", "consent", "admin_consent", "none"),
    "v2.0": ("login", "select_account", "consent", "none"),
}
NOT_ENABLED = ("id_token", "code id_token", "id_token token", "token id_token", "token")


@dataclass(frozen=True)
class Door:
    """A request whose app and reply address are known."""

    app: App
    tenant: str
    uri: str
    uri_sent: bool
    platform: str
    parameters: Parameters

    @property
    def reply(self) -> Reply:
        """Where refusals go: to the app, in the mode it asked for, as far as that is clear."""
        return Reply(self.uri, _mode_for_refusals(self.parameters), _state(self.parameters))


@dataclass(frozen=True)
class Asked:
    """A request with nothing wrong in it."""

    door: Door
    version: str
    scopes: list[str]  # as they go back to the client
    permissions: list[str]  # the same by their bare names
    prompt: str | None
    login_hint: str | None
    resource: str | None
    nonce: str | None
    code_challenge: str | None
    code_challenge_method: str | None
    client_info: bool


def at_the_door(request: Request, version: str) -> Door:
    """Find the app and the redirect URI, or raise what the error page shows."""
    sent = parameters.from_query(request)
    tenant = tenants.resolve(request.path_params["tenant"])
    client_id = sent.need("client_id")
    app = request.app.state.store.app(client_id)
    if app is None:
        raise Refused(700016, client_id=client_id, tenant=tenants.name_of(tenant))
    tenants.admit(app, tenant)
    uri, platform = _reply_address(app, sent.get("redirect_uri"), version)
    return Door(app, tenant, uri, sent.get("redirect_uri") is not None, platform, sent)


def check(request: Request, door: Door, version: str) -> Asked:
    """Judge the rest of the request, or raise what goes back to the app."""
    sent = door.parameters
    sent.refuse_duplicates()
    _check_response_type(sent.need("response_type"))
    _check_response_mode(sent.get("response_mode"))
    challenge, method = _challenge(sent, door.platform)
    # Before the scope: who sends a v1 request to v2.0 mostly has no scope either.
    resource = asked_resource(request, door.app, sent, version)
    texts, permissions = asked_scopes(request, door.app, sent, version)
    refuse_admin_only(door.app, permissions)
    return Asked(
        door=door,
        version=version,
        scopes=texts,
        permissions=permissions,
        prompt=_prompt(sent.get("prompt"), version),
        login_hint=sent.get("login_hint"),
        resource=resource,
        nonce=sent.get("nonce"),
        code_challenge=challenge,
        code_challenge_method=method,
        client_info=sent.get("client_info") == "1",
    )


def _reply_address(app: App, uri: str | None, version: str) -> tuple[str, str]:
    """Return the redirect URI to use and its platform; v1 may leave it to the registration."""
    if not app.redirect_uris:
        raise Refused(500113)
    if uri is None and version == "v1":
        return app.redirect_uris[0].uri, app.redirect_uris[0].platform
    if uri is None:
        raise Refused(900971)
    registered = redirect_uris.match(app, uri)
    if registered is None:
        raise Refused(50011, redirect_uri=uri, client_id=app.client_id)
    return uri, registered.platform


def _check_response_type(response_type: str) -> None:
    kind = " ".join(sorted(response_type.split()))
    if kind in {" ".join(sorted(one.split())) for one in NOT_ENABLED}:
        raise Refused(700054, response_type=response_type)
    if kind != "code":
        raise Refused(70005, response_type=response_type)


def _check_response_mode(response_mode: str | None) -> None:
    if response_mode is not None and response_mode not in RESPONSE_MODES:
        raise Refused(70007, response_mode=response_mode)


def _prompt(prompt: str | None, version: str) -> str | None:
    """Entra takes one value only, where OpenID Connect allows a list."""
    if prompt is not None and prompt not in PROMPTS[version]:
        raise Refused(90023, problem="Unsupported 'prompt' value.")
    return prompt


def _challenge(sent: Parameters, platform: str) -> tuple[str | None, str | None]:
    """Return the PKCE challenge and its method, which is `plain` when not said (RFC 7636)."""
    challenge, method = sent.get("code_challenge"), sent.get("code_challenge_method")
    if method not in (None, "plain", "S256"):
        raise Refused(50149)
    if challenge is None and method is None and platform != "spa":
        return None, None
    if challenge is None and platform == "spa":
        raise Refused(9002325)
    if challenge is None or not PKCE_VALUE.fullmatch(challenge):
        raise Refused(501491)
    return challenge, method or "plain"


def asked_resource(request: Request, app: App, sent: Parameters, version: str) -> str | None:
    """Return v1's `resource`, which may also wait for the token request; v2.0 has none."""
    resource = sent.get("resource")
    if resource is None:
        return None
    if version != "v1":
        raise Refused(901002)
    if not scopes.is_graph(resource, request.app.state.graph):
        raise Refused(500011, resource=resource, tenant=directory.TENANT_NAME)
    check_registered(app, resource)
    return resource


def check_registered(app: App, resource: str) -> None:
    """v1: a token for Graph needs a Graph permission in the registration."""
    if all(name in directory.OIDC_SCOPES for name in app.permissions):
        known = {"client_id": app.client_id, "app_name": app.display_name}
        raise Refused(650057, resource=resource, valid="", **known)


def asked_scopes(
    request: Request, app: App, sent: Parameters, version: str
) -> tuple[list[str], list[str]]:
    """Return the scopes asked for, as sent and by their bare names.

    v1 ignores `scope` and takes the registration's.
    """
    if version == "v1":
        registered = [one for one in app.permissions if one in directory.PERMISSIONS]
        return registered or ["openid"], registered or ["openid"]
    text = sent.need("scope")
    asked = scopes.parse(text, app, request.app.state.graph)
    return [one.text for one in asked], scopes.names(asked)


def refuse_admin_only(app: App, permissions: list[str]) -> None:
    """Stop at what only an administrator may grant; the sandbox's people are none."""
    if any(directory.PERMISSIONS[name].admin_consent for name in permissions):
        raise Refused(90094, tenant=directory.TENANT_NAME, app_name=app.display_name)


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
