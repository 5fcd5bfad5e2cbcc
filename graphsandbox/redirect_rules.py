"""Which redirect URIs a registration takes (Microsoft: redirect URI best practices).

The portal's text box is stricter than the manifest, exactly as in the admin center.
Each check returns what is wrong in words, or None.
"""

import re
from urllib.parse import urlsplit

from .store import RedirectUri

AUDIENCES = {
    "AzureADMyOrg": "Accounts in this organizational directory only (Contoso only - Single tenant)",
    "AzureADMultipleOrgs": "Accounts in any organizational directory (Any Microsoft Entra ID"
    " tenant - Multitenant)",
    "AzureADandPersonalMicrosoftAccount": "Accounts in any organizational directory (Any"
    " Microsoft Entra ID tenant - Multitenant) and personal Microsoft accounts",
    "PersonalMicrosoftAccount": "Personal Microsoft accounts only",
}
PLATFORMS = {
    "web": "Web",
    "spa": "Single-page application (SPA)",
    "publicClient": "Mobile and desktop applications",
}
MAX_LENGTH = 256
NOT_ALLOWED = "!$'(),;"
# https://*.example.org/callback and https://example.org/app/*
WILDCARD = re.compile(
    r"https://(?P<any_host>\*\.(?=[^/]+\.))?(?P<host>[^*/?#@:]+(?::[0-9]+)?)"
    r"(?P<path>(?:/[^*?#]*)?)(?P<any_end>(?<=/)\*)?"
)
OWN_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:[^/?#].*|[a-z][a-z0-9+.-]*://.+", re.IGNORECASE)
# Schemes that a browser would run or open by itself.
NEVER = ("javascript", "data", "vbscript", "file", "about", "blob", "view-source")


def box_problem(uri: str, platform: str, audience: str) -> str | None:
    """Say why the text box of the portal refuses this URI."""
    if uri.lower().startswith("http://127.0.0.1"):
        return (
            "This box does not take http://127.0.0.1, just as the Entra admin center does "
            "not. Use http://localhost here, or put it in on the app's Manifest page."
        )
    if "*" in uri:
        return (
            "Wildcards (*) are not taken here: register each redirect URI in full. Apps for one"
            " or many organizations alone can have them by the Manifest page."
        )
    return manifest_problem(uri, platform, audience)


def manifest_problem(uri: str, platform: str, audience: str) -> str | None:
    """Say why no registration takes this URI."""
    wildcard = _wildcard_problem(uri, audience) if "*" in uri else None
    return wildcard or _text_problem(uri) or _url_problem(uri, platform, audience)


def list_problem(uris: list[RedirectUri], audience: str) -> str | None:
    """Say why these URIs can't stand in one registration together."""
    personal = "Personal" in audience
    limit = 100 if personal else 256
    if len(uris) > limit:
        return f"Too many redirect URIs: this kind of app can have {limit}."
    known: set[str] = set()
    for one in uris:
        if one.uri in known:
            return f"{one.uri} is registered already."
        known.add(one.uri)
    return None


def _wildcard_problem(uri: str, audience: str) -> str | None:
    """Check a `*`; where one may stand is unconfirmed, but for the start of a host's name."""
    if "Personal" in audience:
        return "Wildcards (*) are not taken for apps that personal Microsoft accounts sign in to."
    if not WILDCARD.fullmatch(uri):
        return "A wildcard (*) stands for the first part of a host's name, or the end of a path."
    return None


def _text_problem(uri: str) -> str | None:
    """Check the characters alone, before anything tries to read them as a URL."""
    if not uri:
        return "Enter a redirect URI."
    if len(uri) > MAX_LENGTH:
        return f"A redirect URI has at most {MAX_LENGTH} characters; this one has {len(uri)}."
    if "#" in uri:
        return "A redirect URI has no fragment: leave out # and what follows it."
    bad = next((one for one in uri if one in NOT_ALLOWED), None)
    if bad:
        return f"The character {bad} is not allowed in a redirect URI."
    if not uri.isascii() or not uri.isprintable() or re.search(r'[\s\\"<>^`{|}]', uri):
        return "Write spaces and special characters in a redirect URI in encoded form (%20)."
    return None


def _url_problem(uri: str, platform: str, audience: str) -> str | None:
    try:
        url = urlsplit(uri)
        host, user, _ = url.hostname, url.username, url.port
    except ValueError:
        return "This is not a URL. A redirect URI looks like https://example.org/callback."
    if user is not None:
        return "A redirect URI holds no user name or password."
    if host == "::1":
        return "http://[::1] is not supported as a redirect URI: use http://localhost."
    if url.query and "Personal" in audience:
        return "Apps for personal Microsoft accounts can't have a query string in a redirect URI."
    return _scheme_problem(uri, url.scheme, host, platform)


def _scheme_problem(uri: str, scheme: str, host: str | None, platform: str) -> str | None:
    if scheme == "https" and host:
        return None
    if scheme == "http" and host in ("localhost", "127.0.0.1"):
        return None
    own_scheme = scheme not in ("http", "https", *NEVER) and OWN_SCHEME.fullmatch(uri)
    if own_scheme and platform == "publicClient":
        return None
    return "A redirect URI must start with https:// or http://localhost."
