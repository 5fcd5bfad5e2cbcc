"""Task 2: the sign-in URL, with state, nonce and PKCE. Text only; nothing here uses the network."""

import hashlib
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from .clouds import expect
from .display import Secret, escaped
from .errors import RegistrationError
from .registration import Registration

PROMPTS = (None, "login", "select_account", "consent", "none")
SCOPE = re.compile(r"[!#-+\--\[\]-~]+")  # RFC 6749 §3.3, but no comma: it would be two
DEFAULT_SCOPES = ("openid", "profile", "offline_access", "User.Read", "Mail.Send")


@dataclass(frozen=True)
class SignIn:
    """One attempt to sign in: the link to open, and what proves that its answer is ours."""

    url: str
    state: str  # comes back with the answer; whoever lacks it is a stranger
    nonce: str  # comes back inside the id_token, so that no older token fits
    code_verifier: Secret  # redeems the code; the link holds only its hash
    endpoint: str = "v2.0"
    scope: str = ""  # what was asked for; what is granted comes with the token

    def __repr__(self) -> str:
        return f"SignIn(endpoint={self.endpoint!r}, url={self.url.split('?')[0]!r}, …)"

    def _repr_html_(self) -> str:
        url = escaped(self.url, longest=len(self.url))  # half a link leads nowhere
        line = "text-decoration:underline"  # a form shows links like any other text
        link = f'<a href="{url}" target="_blank" rel="noreferrer" style="{line}"><b>Sign in</b></a>'
        page = f"<code>{escaped(self.url.split('?')[0])}</code>"
        return f"{link} at {page} (opens a new tab; afterwards, come back here)"


def start_sign_in(
    app: Registration,
    scopes: Iterable[str] | str = DEFAULT_SCOPES,
    endpoint: str = "v2.0",
    *,
    response_mode: str | None = None,
    prompt: str | None = None,
    login_hint: str | None = None,
) -> SignIn:
    """Return a fresh attempt, whose `.url` is the link to the sign-in page (RFC 6749 §4.1.1).

    `endpoint="v1"` builds the article's request, which has no `scope`: there the permissions
    stand in the registration. `response_mode` is "query" or "form_post", `prompt` is "login",
    "select_account", "consent" or "none" (Microsoft: "OAuth 2.0 authorization code flow").
    """
    expect(Registration, app, "app")
    if prompt not in PROMPTS or response_mode not in (None, "query", "form_post"):
        raise RegistrationError.of("sign-in parameter", prompt=prompt, mode=response_mode)
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))  # 256 bits each
    query = {
        "client_id": app.client_id,
        "response_type": "code",
        "redirect_uri": app.redirect_uri,
        "response_mode": response_mode or ("query" if endpoint == "v2.0" else None),
        "scope": scope_of(scopes) if endpoint == "v2.0" else None,
        "state": state,
        "nonce": nonce,
        "code_challenge": code_challenge(verifier),
        "code_challenge_method": "S256",
        "prompt": prompt,
        "login_hint": login_hint,
    }
    page = app.cloud.endpoint(app.tenant, "authorize", endpoint)
    sent = {name: value for name, value in query.items() if value is not None}
    link = f"{page}?{urlencode(sent, errors='replace', quote_via=quote)}"
    return SignIn(link, state, nonce, Secret(verifier), endpoint, sent.get("scope", ""))


def code_challenge(code_verifier: str) -> str:
    """Return BASE64URL(SHA256(verifier)), which may travel in the open (RFC 7636 §4.2)."""
    digest = hashlib.sha256(code_verifier.encode("ascii")).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def scope_of(scopes: Iterable[str] | str) -> str:
    """Return scopes as a request names them: each once, separated by blanks (RFC 6749 §3.3)."""
    names = scopes.split() if isinstance(scopes, str) else scopes
    names = [*names] if isinstance(names, Iterable) else [names]
    if not names or not all(isinstance(n, str) and SCOPE.fullmatch(n) for n in names):
        raise RegistrationError.of("scopes", names=names)
    return " ".join(dict.fromkeys(names))  # each once
