"""Task 4: trade the code for tokens, refresh them, read them, and verify the one that is ours."""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from .clouds import GUID
from .display import Secret, shown, table
from .errors import GraphHelpersError, TokenInvalid, TokenRefused
from .exchanges import sealed
from .registration import Registration
from .wire import Answer, get_published, post_form

if TYPE_CHECKING:
    from .device import DeviceSignIn
    from .signin import SignIn

OIDC_SCOPES = {"openid", "profile", "email", "offline_access"}  # granted without being named
TOKENS = ("access_token", "id_token", "refresh_token")
SHORT_LIFE_S = 300.0  # assumed when an answer names no life span one can believe
LONGEST_LIFE_S = 86_400.0 * 366
LEEWAY_S = 300  # for clocks that differ (RFC 7519 §4.1.4)


@dataclass(frozen=True, repr=False)
class Token:
    """The token endpoint's answer (RFC 6749 §5.1); none of its tokens is ever shown."""

    access_token: Secret
    id_token: Secret | None
    refresh_token: Secret | None
    scope: str  # what was granted, which may be less than what was asked
    expires_at: datetime  # aware; counted from the answer by this computer's clock
    raw: Mapping[str, Any] = field(default_factory=dict)  # the answer as it came
    endpoint: str = "v2.0"
    asked: str = ""  # the scope of the sign-in; version 1 asks for nothing there

    def __post_init__(self) -> None:  # also of tokens that another library got
        vars(self).update(sealed({**vars(self), "raw": sealed(self.raw)}))

    @property
    def not_granted(self) -> list[str]:
        """The permissions that were asked for in vain: what needs them will be refused."""
        # https://graph.microsoft.com/Mail.Send is Mail.Send, in any letters.
        granted = {name.lower().rpartition("/")[2] for name in self.scope.split()} | OIDC_SCOPES
        return [n for n in self.asked.split() if n.lower().rpartition("/")[2] not in granted]

    def __repr__(self) -> str:
        return "\n".join(f"{name:13} {value}" for name, value in self._rows().items())

    def _repr_html_(self) -> str:
        return table("Token", self._rows())

    def _rows(self) -> dict[str, str]:
        return {
            **{name: repr(getattr(self, name)) for name in TOKENS},
            **({} if self.refresh_token else {"refresh_token": "None: sign in again when it ends"}),
            "scope": shown(self.scope),
            **({"not granted": shown(" ".join(self.not_granted))} if self.not_granted else {}),
            "expires_at": f"{self.expires_at:%Y-%m-%d %H:%M:%S %Z}",
        }


def exchange_code(app: Registration, attempt: "SignIn", code: str) -> Token:
    """Trade an authorization code for tokens (RFC 6749 §4.1.3, RFC 7636 §4.5).

    It is tried once: a code is spent by its first use, even when the answer is lost. Raises
    TokenRefused when the service says no, TokenInvalid when its yes can't be used, NoAnswer.
    """
    code = Secret(code)  # typed in as plain text, a traceback would show it
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": app.redirect_uri,
        "code_verifier": attempt.code_verifier,
    }
    return token_of(granted(app, attempt.endpoint, form, "The code was not exchanged"), attempt)


def refresh(app: Registration, token: Token) -> Token:
    """Return a fresh Token for one that ran out (RFC 6749 §6).

    Raises TokenRefused when the person has to sign in again, and TokenInvalid when there
    is no refresh token, since only the scope `offline_access` brings one.
    """
    if not token.refresh_token:
        raise TokenInvalid.of("no refresh token")
    form = {"grant_type": "refresh_token", "refresh_token": token.refresh_token}
    return token_of(granted(app, token.endpoint, form, "The token was not refreshed"), token)


def read_jwt(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return header and claims of a JWT as anyone can read them (RFC 7519 §3); proves nothing.

    Raises TokenInvalid for what isn't a JWT, as Graph's tokens for personal accounts aren't.
    """
    text = Secret(text)
    with suppress(ValueError, RecursionError):
        header, claims, _signature = text.split(".")
        read = [json.loads(urlsafe_b64decode(f"{part}==")) for part in (header, claims)]
        if all(isinstance(part, dict) for part in read):
            return read[0], read[1]
    raise TokenInvalid.of("not a jwt")


def verify_id_token(
    app: Registration, attempt: "SignIn | DeviceSignIn", token: Token
) -> dict[str, Any]:
    """Return the id_token's claims after proving them (OpenID Connect Core §3.1.3.7).

    Checked are the signature, by the published keys, and `iss`, `aud`, `exp`, `nonce`; raises
    TokenInvalid when one fails. A version 1 id_token is unsigned, so it never verifies.
    """
    import jwt  # here, since the cryptography behind it takes ten megabytes to load

    if not token.id_token:
        raise _untrusted("there is none: the scope openid was not asked for")
    header, unproven = read_jwt(token.id_token)
    if header.get("alg") != "RS256" or "crit" in header:  # we choose, not it (RFC 8725 §3.1)
        raise _untrusted(f"only alg RS256 without crit will do, and it says {header.get('alg')!r}")
    metadata = _published(app, app.cloud.metadata_url(app.tenant))
    tenant = unproven.get("tid")
    if not isinstance(tenant, str) or not GUID.fullmatch(tenant):
        raise _untrusted("it names no tenant (tid)")
    try:
        claims = jwt.decode(
            token.id_token,
            _signing_key(app, metadata, header.get("kid")),
            algorithms=["RS256"],
            audience=app.client_id,
            # With `common` the published issuer has a placeholder (Microsoft: OIDC protocol).
            issuer=str(metadata.get("issuer")).replace("{tenantid}", tenant),
            leeway=LEEWAY_S,
            options={"require": ["iss", "aud", "exp", "iat", "sub"]},
        )
    except (jwt.PyJWTError, AttributeError) as error:  # or what is published is a private key
        about_time = isinstance(error, jwt.ExpiredSignatureError | jwt.ImmatureSignatureError)
        hint = "; is this computer's clock right?" if about_time else ""
        raise _untrusted(f"{error}{hint}") from None
    if claims.get("nonce") != attempt.nonce:
        raise _untrusted("its nonce is not this attempt's: it was issued for another sign-in")
    ours_alone = claims["aud"] in (app.client_id, [app.client_id])
    if claims.get("azp", ours_alone and app.client_id) != app.client_id:
        raise _untrusted("it was issued to another app (azp)")
    return claims


def granted(
    app: Registration, endpoint: str, form: dict[str, str], no: str, leaf: str = "token"
) -> dict[str, Any]:
    """Send a form to the token endpoint (or another), and return its yes as it came.

    Raises TokenRefused, whose text begins with `no`, and TokenInvalid when somebody else answers.
    """
    form["client_id"] = app.client_id
    if app.client_secret:
        form["client_secret"] = app.client_secret
    if endpoint == "v1":
        form["resource"] = app.cloud.resource
    answer = post_form(app.cloud, app.cloud.endpoint(app.tenant, leaf, endpoint), form)
    content = answer.json
    if content is None or not content.keys() & {"error", "access_token", "device_code"}:
        raise _not_the_service(answer)
    if answer.status != 200 or "error" in content:
        raise TokenRefused(no, content)
    return content


def token_of(content: dict[str, Any], before: "SignIn | DeviceSignIn | Token") -> Token:
    """Check the members that the next step relies on, and keep the rest.

    Left out, the scope is the one before, and so is the refresh token (RFC 6749 §5.1, §6).
    """
    old = before if isinstance(before, Token) else None
    if str(content.get("token_type")).lower() != "bearer":
        raise TokenInvalid.of("unusable answer", reason="its token_type is not Bearer")
    for name in TOKENS:
        text = content.get(name)
        absent = text is None and name != "access_token"
        if not absent and not (isinstance(text, str) and re.fullmatch(r"[!-~]+", text)):
            raise TokenInvalid.of("unusable answer", reason=f"its {name} is not a token")
    return Token(
        access_token=content["access_token"],
        id_token=content.get("id_token"),
        refresh_token=content.get("refresh_token") or (old.refresh_token if old else None),
        scope=str(content.get("scope") or before.scope),
        expires_at=datetime.now(UTC) + timedelta(seconds=seconds_of(content.get("expires_in"))),
        raw=content,
        endpoint=before.endpoint,
        asked=old.asked if old else before.scope,
    )


def seconds_of(told: Any, otherwise: float = SHORT_LIFE_S) -> float:
    """Return a span in seconds; v1 sends a string, v2.0 a number."""
    with suppress(TypeError, ValueError, OverflowError):
        if 0 < (seconds := float(told)) <= LONGEST_LIFE_S:
            return seconds
    return otherwise


def _published(app: Registration, url: str) -> dict[str, Any]:
    answer = get_published(app.cloud, url)
    if answer.status != 200 or answer.json is None:
        raise _not_the_service(answer)
    return answer.json


def _signing_key(app: Registration, metadata: Mapping[str, Any], kid: object) -> Any:
    """Return the published key that `kid` names, from the authority and nowhere else."""
    import jwt

    url = str(metadata.get("jwks_uri"))
    if not url.startswith(f"{app.cloud.authority}/"):
        raise _untrusted("the keys are published on another host than the authority's")
    with suppress(jwt.PyJWTError, KeyError):  # no such key, or one of another kind
        return jwt.PyJWKSet.from_dict(_published(app, url))[str(kid)]
    raise _untrusted("no published key has signed it")


def _untrusted(why: str) -> TokenInvalid:
    return TokenInvalid.of("untrusted", reason=why)


def _not_the_service(answer: Answer) -> GraphHelpersError:
    kind = answer.headers.get("Content-Type", "no content type")
    return TokenInvalid.of("not the service", status=answer.status, kind=kind)
