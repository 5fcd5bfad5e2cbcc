"""The answer to a token request, as v1 and as v2.0 write it."""

from collections.abc import Callable
from dataclasses import replace

from starlette.requests import Request

from .. import directory, tokens
from ..grants import SignIn
from ..refusals import Refused
from ..store import App
from . import scopes, tenants
from .answers import client_info
from .authorize_request import check_registered
from .parameters import Parameters
from .scopes import Scope

EXPIRES_IN_S = tokens.LIFETIME_S - 1
Make = Callable[[Request, App, SignIn, Parameters], dict[str, object]]


def v1(request: Request, app: App, sign_in: SignIn, sent: Parameters) -> dict[str, object]:
    """Return v1's answer: every value a string, and always all three tokens."""
    _refuse_personal(request, sign_in)
    resource = _resource(request, app, sign_in, sent)
    asked = scopes.parse(" ".join(sign_in.scopes), app, request.app.state.graph)
    names = scopes.names(asked)
    _require_consent(request, app, sign_in, names)
    for_graph = [name for name in names if name not in directory.OIDC_SCOPES]
    issue = _issue(request, app, sign_in)
    kept = replace(sign_in, resource=resource)
    return {
        "token_type": "Bearer",
        "scope": " ".join(sorted(for_graph, key=str.lower)),
        "expires_in": str(EXPIRES_IN_S),
        "ext_expires_in": str(EXPIRES_IN_S),
        "expires_on": str(issue.times["exp"]),
        "not_before": str(issue.times["nbf"]),
        "resource": resource,
        "access_token": tokens.access_token(issue, _audience(resource), for_graph),
        "refresh_token": request.app.state.store.grants.issue_refresh_token(kept),
        "id_token": tokens.id_token_v1(issue),
    }


def v2(request: Request, app: App, sign_in: SignIn, sent: Parameters) -> dict[str, object]:
    """Return v2.0's answer: numbers as numbers, and only the tokens asked for."""
    if sent.get("resource") is not None:
        raise Refused(901002)
    asked = _scopes(request, app, sign_in, sent)
    names = scopes.names(asked)
    _require_consent(request, app, sign_in, names)
    issue = _issue(request, app, sign_in)
    in_token = [name for name in names if name != "offline_access"]
    fields: dict[str, object] = {
        "token_type": "Bearer",
        "scope": scopes.answer(asked),
        "expires_in": EXPIRES_IN_S,
        "ext_expires_in": EXPIRES_IN_S,
        "access_token": tokens.access_token(issue, scopes.audience(asked), in_token),
    }
    if "offline_access" in sign_in.scopes:
        grants = request.app.state.store.grants
        fields["refresh_token"] = grants.issue_refresh_token(sign_in)
    if "openid" in names:
        fields["id_token"] = tokens.id_token_v2(issue, names)
    if sent.get("client_info") == "1":
        fields["client_info"] = client_info(issue.user)
    return fields


def _refuse_personal(request: Request, sign_in: SignIn) -> None:
    """v1 has no tokens for a personal account, however it signed in."""
    tenant = tenants.resolve(request.path_params["tenant"])
    if tenant == "consumers" or tenants.is_personal(sign_in.oid):
        raise Refused(500201)


def _resource(request: Request, app: App, sign_in: SignIn, sent: Parameters) -> str:
    """Return v1's resource, which one of the two legs must name (the same, if both do).

    A refresh may name another one (Microsoft: v1-protocols-oauth-code).
    """
    now, before = sent.get("resource"), sign_in.resource
    resource = now or before
    if resource is None:
        raise Refused(900144, parameter="resource")
    if before not in (None, resource) and not _is_refresh(sent):
        problem = f"The 'resource' parameter '{resource}' is not the one asked for before."
        raise Refused(90023, problem=problem)
    if not scopes.is_graph(resource, request.app.state.graph):
        raise Refused(50001, resource=resource, tenant=directory.TENANT_ID)
    check_registered(app, resource)
    return resource


def _audience(resource: str) -> str:
    """Return `aud` as asked for; the sandbox's own address means Graph's usual name."""
    return resource if resource in tokens.GRAPH_AUDIENCES else directory.GRAPH_RESOURCE


def _scopes(request: Request, app: App, sign_in: SignIn, sent: Parameters) -> list[Scope]:
    """Return the scopes of this request, or those of the sign-in when it names none."""
    graph = request.app.state.graph
    text = sent.get("scope") or " ".join(sign_in.scopes)
    if _is_refresh(sent):
        text = scopes.of_first_resource(text, graph)
    elif not text.strip():
        raise Refused(28003)
    else:
        scopes.refuse_two_resources(text, graph)
    asked = scopes.parse(text, app, graph)
    if scopes.names(asked) == ["offline_access"]:  # names no resource, and no person either
        raise Refused(700023, scope=text)
    return asked


def _is_refresh(sent: Parameters) -> bool:
    return sent.get("grant_type") == "refresh_token"


def _require_consent(request: Request, app: App, sign_in: SignIn, names: list[str]) -> None:
    """Refuse what the person never granted (AADSTS65001)."""
    granted = request.app.state.store.grants.consented(app.client_id, sign_in.oid)
    if not granted.issuperset(names):
        raise Refused(65001, client_id=app.client_id, app_name=app.display_name)


def _issue(request: Request, app: App, sign_in: SignIn) -> tokens.Issue:
    state, user = request.app.state, request.app.state.store.people.user(sign_in.oid)
    if user is None:  # the home is older than this directory
        raise Refused(9002313)
    return tokens.Issue(state.keys, state.authority, state.store.now(), app, user, sign_in)
