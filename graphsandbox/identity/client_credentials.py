"""A token for the app itself, with nobody signed in (v2-oauth2-client-creds-grant-flow).

The sandbox's registrations hold delegated permissions only. So the token is what Microsoft gives
to such an app: good, but without `roles`, and of no use for anybody's mail.
"""

import secrets
import uuid
from collections.abc import Callable

from starlette.requests import Request

from .. import directory, token_forms, tokens
from ..refusals import Refused
from ..store import App
from . import client_auth, scopes
from .parameters import Parameters
from .token_answers import EXPIRES_IN_S

GRANT_TYPE = "client_credentials"
NO_ROLE = "0997a1d0-0d1d-4acb-b408-d5ca73121e90"  # the wids value of every app
Make = Callable[[Request, App, Parameters], dict[str, object]]


def answer(request: Request, sent: Parameters, make: Make) -> dict[str, object]:
    """Return the fields of the answer for an app that proved who it is, whatever its platform."""
    app, credentials = client_auth.at_one_door(request, sent)
    client_auth.authenticate(app, "web", credentials, request.app.state.store.now())
    return make(request, app, sent)


def v1(request: Request, app: App, sent: Parameters) -> dict[str, object]:
    """Return v1's answer: every value a string."""
    resource = sent.need("resource")
    if not scopes.is_graph(resource, request.app.state.graph):
        raise Refused(50001, resource=resource, tenant=directory.TENANT_ID)
    times = tokens.times(request.app.state.store.now())
    return {
        "token_type": "Bearer",
        "expires_in": str(EXPIRES_IN_S),
        "ext_expires_in": str(EXPIRES_IN_S),
        "expires_on": str(times["exp"]),
        "not_before": str(times["nbf"]),
        "resource": resource,
        "access_token": _access_token(request, app),
    }


def v2(request: Request, app: App, sent: Parameters) -> dict[str, object]:
    """Return v2.0's answer; the one scope it takes is `<resource>/.default`."""
    if sent.get("resource") is not None:
        raise Refused(901002)
    scope = sent.need("scope")
    resource, _, name = scope.rpartition("/")
    if name != ".default" or " " in scope:
        raise Refused(1002012, scope=scope)
    if resource and not scopes.is_graph(resource, request.app.state.graph):
        raise Refused(500011, resource=resource, tenant=directory.TENANT_NAME)
    return {
        "token_type": "Bearer",
        "expires_in": EXPIRES_IN_S,
        "ext_expires_in": EXPIRES_IN_S,
        "access_token": _access_token(request, app),
    }


def _access_token(request: Request, app: App) -> str:
    """Return an app-only token for Graph; `oid` and `sub` are the app's own object."""
    state = request.app.state
    issuer = tokens.issuer_v1(state.authority, directory.TENANT_ID)
    principal = str(uuid.uuid5(uuid.UUID(app.object_id), "service principal"))
    claims = {
        "aud": directory.GRAPH_RESOURCE,
        "iss": issuer,
        **tokens.times(state.store.now()),
        "aio": secrets.token_urlsafe(32),
        "app_displayname": app.display_name,
        "appid": app.client_id,
        "appidacr": "1",
        "idp": issuer,
        "idtyp": "app",
        "oid": principal,
        "rh": f"1.{secrets.token_urlsafe(36)}.",
        "sub": principal,
        "tenant_region_scope": directory.REGION,
        "tid": directory.TENANT_ID,
        "uti": secrets.token_urlsafe(16),
        "ver": "1.0",
        "wids": [NO_ROLE],
        "xms_tcdt": directory.TENANT_CREATED_AT,
        "xms_tdbr": directory.REGION,
    }
    return token_forms.signed_for_graph(state.keys, claims)
