"""Which of an app's redirect URIs a request means (Microsoft: reply-url).

The comparison is by exact string: case and the final slash of the path count. Only the port of
a loopback address over http is ignored, because native apps take any free one (RFC 8252 §7.3).
A wildcard is one part of a host's name, or the rest of a path.
"""

import re

from ..redirect_rules import WILDCARD
from ..store import App, RedirectUri

LOOPBACK = re.compile(r"http://(?:localhost|127\.0\.0\.1)(?P<port>:[0-9]{1,5})?(?=[/?]|\Z)")


def match(app: App, uri: str) -> RedirectUri | None:
    """Return the registered redirect URI that this one matches; an exact one first."""
    if "*" in uri:
        return None
    exact = next((one for one in app.redirect_uris if one.uri == uri), None)
    if exact:
        return exact
    wanted = _without_port(uri)
    return next((one for one in app.redirect_uris if _is_meant(one.uri, uri, wanted)), None)


def usual(app: App) -> RedirectUri | None:
    """Return the redirect URI for a request that names none; a wildcard is no address."""
    return next((one for one in app.redirect_uris if "*" not in one.uri), None)


def with_path(uri: str) -> str:
    """Return the address to answer at: one without a path comes back with "/"."""
    scheme, _, rest = uri.partition("://")
    host, mark, query = rest.partition("?")
    if "/" in host or not scheme.startswith("http"):
        return uri
    return f"{scheme}://{host}/{mark}{query}"


def _is_meant(registered: str, uri: str, wanted: str) -> bool:
    found = WILDCARD.fullmatch(registered) if "*" in registered else None
    if found is None:
        return _without_port(registered) == wanted
    label = "[A-Za-z0-9-]+[.]" if found["any_host"] else ""
    end = "[A-Za-z0-9._~/%-]*" if found["any_end"] else ""
    fixed = re.escape(found["host"]), re.escape(found["path"])
    no_dots = r"(?!.*/(?:[.]|%2[eE]){1,2}(?:/|\Z))"  # they would lead out of the path again
    return bool(re.fullmatch(f"{no_dots}https://{label}{fixed[0]}{fixed[1]}{end}", uri))


def _without_port(uri: str) -> str:
    found = LOOPBACK.match(uri)
    if not found or not found["port"]:
        return uri
    return uri[: found.start("port")] + uri[found.end("port") :]
