"""What the sandbox's tokens say. Their forms are in token_forms.py, the way back in token_checks.

Microsoft Graph takes v1.0 access tokens, whichever endpoint they were asked of; only the
id_token follows the endpoint (Microsoft: access-tokens). `iss` names the sandbox itself, so
that nobody can mistake one of these tokens for Microsoft's. The claims that no document explains
(`acct`, `puid`, `xms_...`) are those that delegated tokens for Graph were seen to have.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import jwt

from . import base64url, directory, token_forms
from .directory import User
from .grants import SignIn
from .keys import Keys
from .store import App

LIFETIME_S = 3600  # from now; expires_in says one second less, as Microsoft's answers do
BACKDATED_S = 300  # iat and nbf lie five minutes back, for clocks that are behind
GRAPH_AUDIENCES = (
    directory.GRAPH_RESOURCE,
    directory.GRAPH_RESOURCE + "/",
    directory.GRAPH_APP_ID,
)
EVERYBODY_ROLE = "b79fbf4d-3ef9-4689-8143-76b194e85509"  # the wids value of every user
ADMIN_ROLE = "62e90394-69f5-4237-9190-012177145e10"  # Global Administrator


@dataclass(frozen=True)
class Issue:
    """Who gets tokens, for which app, and who signs them."""

    keys: Keys
    authority: str
    now: float
    app: App
    user: User
    sign_in: SignIn

    @property
    def times(self) -> dict[str, int]:
        """iat, nbf and exp, in whole seconds."""
        return times(self.now)

    @property
    def subject(self) -> str:
        """The app's own name for the person (pairwise)."""
        return self.subject_at(self.app.client_id)

    def subject_at(self, client_id: str) -> str:
        """Return the name of the person at an app or API: a different one at each."""
        return base64url.encode(hashlib.sha256(f"{client_id}:{self.user.oid}".encode()).digest())

    @property
    def guest(self) -> dict[str, str]:
        """`idp`: where a guest comes from; members have no such claim."""
        home = self.user.identity_provider
        return {"idp": home} if home else {}


def times(now: float) -> dict[str, int]:
    """Return iat, nbf and exp of a token that is issued now, in whole seconds."""
    start = int(now) - BACKDATED_S
    return {"iat": start, "nbf": start, "exp": int(now) + LIFETIME_S}


def access_token(issue: Issue, audience: str, scopes: Iterable[str]) -> str:
    """Return a v1.0 access token for Microsoft Graph, which alone can tell what it is worth."""
    claims = _access_claims(issue, audience, scopes)
    if issue.user.tenant_id == directory.CONSUMER_TENANT_ID:
        return token_forms.sealed(issue.keys, claims)
    return token_forms.signed_for_graph(issue.keys, claims)


def _access_claims(issue: Issue, audience: str, scopes: Iterable[str]) -> dict[str, Any]:
    user, app = issue.user, issue.app
    roles = [ADMIN_ROLE] if user.is_admin else []
    return {
        "aud": audience,
        "iss": issuer_v1(issue.authority, user.tenant_id),
        **issue.times,
        "acct": 1 if issue.guest else 0,
        "acr": "1",
        "aio": secrets.token_urlsafe(32),
        "amr": ["pwd"],
        "app_displayname": app.display_name,
        "appid": app.client_id,
        "appidacr": "1" if issue.sign_in.platform == "web" else "0",
        "family_name": user.surname,
        "given_name": user.given_name,
        **issue.guest,
        "idtyp": "user",
        "ipaddr": "127.0.0.1",
        "name": user.display_name,
        "oid": user.oid,
        "puid": "1003" + user.oid[-12:].upper(),
        "rh": issue.sign_in.family,
        "scp": " ".join(sorted(scopes, key=str.lower)),
        "sub": issue.subject_at(directory.GRAPH_APP_ID),
        "tenant_region_scope": directory.REGION,
        "tid": user.tenant_id,
        "unique_name": user.upn,
        "upn": user.upn,
        "uti": secrets.token_urlsafe(16),
        "ver": "1.0",
        "wids": [*roles, EVERYBODY_ROLE],
        "xms_st": {"sub": issue.subject},
        "xms_tcdt": directory.TENANT_CREATED_AT,
        "xms_tdbr": directory.REGION,
    }


def id_token_v1(issue: Issue, code: str | None = None) -> str:
    """Return the unsigned id_token of the v1 token endpoint: `alg` none, no signature.

    The one that comes beside a code is signed.
    """
    user = issue.user
    claims = {
        "aud": issue.app.client_id,
        "iss": issuer_v1(issue.authority, user.tenant_id),
        **issue.times,
        "ver": "1.0",
        "tid": user.tenant_id,
        "oid": user.oid,
        "upn": user.upn,
        "unique_name": user.upn,
        "sub": issue.subject,
        "family_name": user.surname,
        "given_name": user.given_name,
        "name": user.display_name,
        **issue.guest,
    }
    if issue.sign_in.nonce is not None:
        claims["nonce"] = issue.sign_in.nonce
    if code is not None:
        claims["c_hash"] = code_hash(code)
        return token_forms.signed(issue.keys, claims, with_thumbprint=True)
    return jwt.encode(claims, "", "none", sort_headers=False)


def id_token_v2(issue: Issue, scopes: Iterable[str], code: str | None = None) -> str:
    """Return a v2.0 id_token; what it tells depends on `profile` and `email`.

    One that comes beside a code is bound to it.
    """
    user, scopes = issue.user, set(scopes)
    claims: dict[str, Any] = {
        "aud": issue.app.client_id,
        "iss": issuer_v2(issue.authority, user.tenant_id),
        **issue.times,
        "aio": secrets.token_urlsafe(32),
    }
    if code is not None:
        claims["c_hash"] = code_hash(code)
    if "email" in scopes and user.mail:
        claims["email"] = user.mail
    claims |= issue.guest
    if "profile" in scopes:
        claims["name"] = user.display_name
    if issue.sign_in.nonce is not None:
        claims["nonce"] = issue.sign_in.nonce
    if "profile" in scopes:
        claims |= {"oid": user.oid, "preferred_username": user.upn}
    claims |= {"rh": issue.sign_in.family, "sub": issue.subject}
    if "profile" in scopes:
        claims["tid"] = user.tenant_id
    claims |= {"uti": secrets.token_urlsafe(16), "ver": "2.0"}
    return token_forms.signed(issue.keys, claims)


def code_hash(code: str) -> str:
    """Return `c_hash`: half of the code's SHA-256 (OpenID Connect Core §3.3.2.11)."""
    return base64url.encode(hashlib.sha256(code.encode()).digest()[:16])


def issuer_v1(authority: str, tenant_id: str) -> str:
    """Return the issuer of v1.0 tokens; Microsoft's has another host, sts.windows.net."""
    return f"{authority}/{tenant_id}/"


def issuer_v2(authority: str, tenant_id: str) -> str:
    """Return the issuer of v2.0 tokens."""
    return f"{authority}/{tenant_id}/v2.0"
