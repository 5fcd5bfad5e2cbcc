"""The second step of judging an authorization request: all that the door did not ask.

A refusal here goes back to the app.
"""

import json
import re
from dataclasses import dataclass

from starlette.requests import Request

from .. import directory
from ..refusals import Refused
from ..store import App
from . import scopes
from .door import RESPONSE_MODES, Door
from .parameters import Parameters

PKCE_VALUE = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636 §4.1 and §4.2
PROMPTS = {
    "v1": ("login", "select_account", "consent", "admin_consent", "none"),
    "v2.0": ("login", "select_account", "consent", "none"),
}
HYBRID = "code id_token"
NOT_ENABLED = ("id_token", HYBRID, "id_token token", "token id_token", "token")


@dataclass(frozen=True)
class Asked:
    """A request with nothing wrong in it."""

    door: Door
    scopes: list[str]  # as they go back to the client
    permissions: list[str]  # the same by their bare names
    prompt: str | None
    login_hint: str | None
    domain_hint: str | None
    resource: str | None
    nonce: str | None
    code_challenge: str | None
    code_challenge_method: str | None
    client_info: bool
    hybrid: bool  # an id_token beside the code


def check(request: Request, door: Door) -> Asked:
    """Judge the rest of the request, or raise what goes back to the app."""
    sent, version = door.parameters, door.version
    sent.refuse_duplicates()
    hybrid = _is_hybrid(sent.need("response_type"), door.app)
    _check_response_mode(sent.get("response_mode"), hybrid)
    if hybrid:
        sent.need("nonce")  # OpenID Connect Core §3.3.2.11
    challenge, method = _challenge(sent, door.platform)
    # Before the scope: who sends a v1 request to v2.0 mostly has no scope either.
    resource = asked_resource(request, door.app, sent, version)
    texts, permissions = asked_scopes(request, door.app, sent, version)
    if hybrid and version != "v1" and "openid" not in permissions:
        raise Refused(70011, scope=sent.need("scope"))
    _check_claims(sent.get("claims"))
    return Asked(
        door=door,
        scopes=texts,
        permissions=permissions,
        prompt=_prompt(sent.get("prompt"), version),
        login_hint=sent.get("login_hint"),
        domain_hint=sent.get("domain_hint"),
        resource=resource,
        nonce=sent.get("nonce"),
        code_challenge=challenge,
        code_challenge_method=method,
        client_info=sent.get("client_info") == "1",
        hybrid=hybrid,
    )


def _is_hybrid(response_type: str, app: App) -> bool:
    """Tell whether an id_token is to come beside the code, if the registration allows it."""
    kind = " ".join(sorted(response_type.split()))
    if kind == HYBRID and app.id_tokens_by_authorize:
        return True
    if kind in {" ".join(sorted(one.split())) for one in NOT_ENABLED}:
        raise Refused(700054, response_type=response_type)
    if kind != "code":
        raise Refused(70005, response_type=response_type)
    return False


def _check_response_mode(response_mode: str | None, hybrid: bool) -> None:
    """Take the three modes; but no token ever shows in a query, where servers log it."""
    known = RESPONSE_MODES[1:] if hybrid else RESPONSE_MODES
    if response_mode is not None and response_mode not in known:
        raise Refused(70007, response_mode=response_mode)


def _prompt(prompt: str | None, version: str) -> str | None:
    """Entra takes one value only, where OpenID Connect allows a list."""
    if prompt is not None and prompt not in PROMPTS[version]:
        raise Refused(90023, problem="Unsupported 'prompt' value.")
    return prompt


def _check_claims(claims: str | None) -> None:
    """Require a JSON object (OpenID Connect Core §5.5; Microsoft: claims-challenge)."""
    try:
        good = claims is None or isinstance(json.loads(claims), dict)
    except (ValueError, RecursionError):
        good = False
    if not good:
        raise Refused(90100, parameter="claims")


def _challenge(sent: Parameters, platform: str) -> tuple[str | None, str | None]:
    """Return the PKCE challenge and its method, which is `plain` when not said (RFC 7636)."""
    challenge, method = sent.get("code_challenge"), sent.get("code_challenge_method")
    if method not in (None, "plain", "S256"):
        raise Refused(50149)
    if challenge is None and method is None and platform != "spa":
        return None, None
    if challenge is None and platform == "spa":
        raise Refused(9002325)
    if challenge is None:
        raise Refused(50147)
    if not PKCE_VALUE.fullmatch(challenge):
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
