"""Which of an app's redirect URIs a request means (Microsoft: reply-url).

The comparison is by exact string: case and the final slash of the path count. Only the port of
a loopback address over http is ignored, because native apps take any free one (RFC 8252 §7.3).
"""

import re

from ..store import App, RedirectUri

LOOPBACK = re.compile(r"http://(?:localhost|127\.0\.0\.1)(?P<port>:[0-9]{1,5})?(?=[/?]|\Z)")


def match(app: App, uri: str) -> RedirectUri | None:
    """Return the registered redirect URI that this one matches; an exact one first."""
    exact = next((one for one in app.redirect_uris if one.uri == uri), None)
    if exact:
        return exact
    wanted = _without_port(uri)
    return next((one for one in app.redirect_uris if _without_port(one.uri) == wanted), None)


def with_path(uri: str) -> str:
    """Return the address to answer at: one without a path comes back with "/"."""
    scheme, _, rest = uri.partition("://")
    host, mark, query = rest.partition("?")
    if "/" in host or not scheme.startswith("http"):
        return uri
    return f"{scheme}://{host}/{mark}{query}"


def _without_port(uri: str) -> str:
    found = LOOPBACK.match(uri)
    if not found or not found["port"]:
        return uri
    return uri[: found.start("port")] + uri[found.end("port") :]
