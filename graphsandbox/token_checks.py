"""Which access tokens Graph takes back; the texts of its refusals are Graph's own."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from . import token_forms
from .keys import Keys, SigningKey
from .tokens import GRAPH_AUDIENCES, issuer_v1

MICROSOFT_ISSUERS = (
    "https://sts.windows.net/",
    "https://sts.chinacloudapi.cn/",
    "https://sts.partner.microsoftonline.cn/",
    "https://login.microsoftonline.com/",
    "https://login.windows.net/",  # an older name of login.microsoftonline.com
    "https://login.microsoftonline.us/",
    "https://login.partner.microsoftonline.cn/",
    "https://login.chinacloudapi.cn/",
)
MALFORMED = "CompactToken parsing failed with error code: 80049217"
NAMES = ("tid", "oid", "appid", "rh")  # what every access token says, as text


class BadToken(Exception):
    """An access token that Graph does not take; the subclass tells why."""


class TokenMalformed(BadToken):
    """In none of the forms that tokens have."""


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
    try:
        sealed = text.startswith(token_forms.SEALED_PREFIX) and "." not in text
        claims = token_forms.opened(keys, text) if sealed else _signed(text, keys)
    except (ValueError, RecursionError) as error:
        raise TokenMalformed(MALFORMED) from error
    if not _lasts(claims, now):
        raise TokenExpired("Lifetime validation failed, the token is expired.")
    if claims.get("aud") not in GRAPH_AUDIENCES:
        raise WrongAudience("Access token validation failure. Invalid audience.")
    if not all(isinstance(claims.get(name), str) for name in NAMES):
        raise TokenMalformed(MALFORMED)
    if claims.get("iss") != issuer_v1(authority, claims["tid"]):
        raise WrongIssuer("Access token validation failure. Invalid issuer.")
    if is_revoked(claims["rh"]):
        raise TokenRevoked("Access token has been revoked.")
    return claims


def _signed(text: str, keys: Keys) -> dict[str, Any]:
    """Return the claims of a token that one of the published keys has signed."""
    token = token_forms.read(text)
    issuer = token.claims.get("iss")
    if isinstance(issuer, str) and issuer.startswith(MICROSOFT_ISSUERS):
        raise WrongIssuer(
            "This token was issued by Microsoft. The sandbox never takes a real token:"
            " send it to Microsoft Graph only."
        )
    key = keys.find(token.header.get("kid", ""))
    if key is None or not _is_by(text, key):
        raise BadSignature("Access token validation failure. Invalid signature.")
    return token.claims


@lru_cache(maxsize=256)  # an app sends the same token with each call
def _is_by(text: str, key: SigningKey) -> bool:
    return token_forms.read(text).is_by(key)


def _lasts(claims: dict[str, Any], now: float) -> bool:
    """Tell whether a token is valid now; its times are whole numbers and nothing else."""
    start, end = claims.get("nbf"), claims.get("exp")
    return type(start) is type(end) is int and start <= now < end
