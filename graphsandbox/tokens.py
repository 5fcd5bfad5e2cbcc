"""What the sandbox's tokens say: minting them, and checking an access token that comes back.

Microsoft Graph takes v1.0 access tokens, whichever endpoint they were asked of; only the
id_token follows the endpoint (Microsoft: access-tokens). `iss` names the sandbox itself, so
that nobody can mistake one of these tokens for Microsoft's.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import jwt

from . import directory
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
MICROSOFT_ISSUERS = (
    "https://sts.windows.net/",
    "https://sts.chinacloudapi.cn/",
    "https://sts.partner.microsoftonline.cn/",
    "https://login.microsoftonline.com/",
    "https://login.microsoftonline.us/",
    "https://login.partner.microsoftonline.cn/",
    "https://login.chinacloudapi.cn/",
)
OIDC_IN_TOKEN = ("openid", "profile", "email")  # offline_access shows in no token
EVERYBODY_ROLE = "b79fbf4d-3ef9-4689-8143-76b194e85509"  # the wids value of every user


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
        """A name for the person that is different for each app (pairwise)."""
        text = f"{self.app.client_id}:{self.user.oid}"
        return _base64url(hashlib.sha256(text.encode()).digest())


def times(now: float) -> dict[str, int]:
    """Return iat, nbf and exp of a token that is issued now, in whole seconds."""
    start = int(now) - BACKDATED_S
    return {"iat": start, "nbf": start, "exp": int(now) + LIFETIME_S}


def access_token(issue: Issue, audience: str, scopes: Iterable[str]) -> str:
    """Return a v1.0 access token for Microsoft Graph, signed with the published key."""
    user, app = issue.user, issue.app
    claims = {
        "aud": audience,
        "iss": issuer_v1(issue.authority, user.tenant_id),
        **issue.times,
        "acct": 0,
        "acr": "1",
        "aio": secrets.token_urlsafe(32),
        "amr": ["pwd"],
        "app_displayname": app.display_name,
        "appid": app.client_id,
        "appidacr": "1" if issue.sign_in.platform == "web" else "0",
        "family_name": user.surname,
        "given_name": user.given_name,
        "idtyp": "user",
        "ipaddr": "127.0.0.1",
        "name": user.display_name,
        "oid": user.oid,
        "rh": issue.sign_in.family,
        "scp": " ".join(sorted(scopes, key=str.lower)),
        "sub": issue.subject,
        "tid": user.tenant_id,
        "unique_name": user.upn,
        "upn": user.upn,
        "uti": secrets.token_urlsafe(16),
        "ver": "1.0",
        "wids": [EVERYBODY_ROLE],
    }
    return signed(issue.keys, claims, with_thumbprint=True)


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
    }
    if issue.sign_in.nonce is not None:
        claims["nonce"] = issue.sign_in.nonce
    if code is not None:
        claims["c_hash"] = code_hash(code)
        return signed(issue.keys, claims, with_thumbprint=True)
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
    return signed(issue.keys, claims, with_thumbprint=False)


def code_hash(code: str) -> str:
    """Return `c_hash`: half of the code's SHA-256 (OpenID Connect Core §3.3.2.11)."""
    return _base64url(hashlib.sha256(code.encode()).digest()[:16])


def issuer_v1(authority: str, tenant_id: str) -> str:
    """Return the issuer of v1.0 tokens; Microsoft's has another host, sts.windows.net."""
    return f"{authority}/{tenant_id}/"


def issuer_v2(authority: str, tenant_id: str) -> str:
    """Return the issuer of v2.0 tokens."""
    return f"{authority}/{tenant_id}/v2.0"


class BadToken(Exception):
    """An access token that Graph does not take; the subclass tells why."""


class TokenMalformed(BadToken):
    """Not three parts of base64url, or not JSON inside."""


class BadSignature(BadToken):
    """Not signed by a key of this sandbox, or changed since."""


class TokenExpired(BadToken):
    """Too old, or not valid yet."""


class WrongAudience(BadToken):
    """A good token, but meant for somebody else than Graph."""


class WrongIssuer(BadToken):
    """From somewhere else; one of Microsoft's own tokens must never end up here."""


class TokenRevoked(BadToken):
    """Its sign-in was revoked, because the code was used twice."""


def check_access_token(
    text: str,
    keys: Keys,
    authority: str,
    now: float,
    is_revoked: Callable[[str], bool],
) -> dict[str, Any]:
    """Return the claims of an access token for Graph, or raise the BadToken that fits.

    now is `store.now()` and is_revoked is `store.grants.is_revoked`. Who signed is asked
    before anything inside is believed; only Microsoft's issuers are named sooner, to say why.
    """
    header, claims = _unverified(text)
    issuer = claims.get("iss")
    if isinstance(issuer, str) and issuer.startswith(MICROSOFT_ISSUERS):
        raise WrongIssuer(
            "This token was issued by Microsoft. The sandbox never takes a real token:"
            " send it to Microsoft Graph only."
        )
    _check_signature(text, header, keys)
    if not claims["nbf"] <= now < claims["exp"]:
        raise TokenExpired("Lifetime validation failed, the token is expired.")
    if claims["aud"] not in GRAPH_AUDIENCES:
        raise WrongAudience("Access token validation failure. Invalid audience.")
    if issuer != issuer_v1(authority, claims["tid"]):
        raise WrongIssuer("Access token validation failure. Invalid issuer.")
    if is_revoked(claims["rh"]):
        raise TokenRevoked("Access token has been revoked.")
    return claims


def _unverified(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims as they stand there, whoever wrote them."""
    try:
        parts = jwt.decode_complete(text, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise TokenMalformed("The token is not a JSON Web Token.") from error
    return parts["header"], parts["payload"]


def _check_signature(text: str, header: dict[str, Any], keys: Keys) -> None:
    """Accept RS256 by a published key and nothing else (RFC 8725 §3.1)."""
    key = keys.find(header.get("kid", ""))
    problem = "Access token validation failure. Invalid signature."
    if key is None or header.get("alg") != "RS256":
        raise BadSignature(problem)
    try:
        jwt.PyJWS().decode(text, key.public, algorithms=["RS256"])
    except jwt.PyJWTError as error:
        raise BadSignature(problem) from error


def signed(keys: Keys, claims: dict[str, Any], with_thumbprint: bool) -> str:
    """Return these claims as a JWT, signed with the published key."""
    key = keys.current
    headers = {"x5t": key.kid, "kid": key.kid} if with_thumbprint else {"kid": key.kid}
    return jwt.encode(claims, key.private, "RS256", headers, sort_headers=False)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
