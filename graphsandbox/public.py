"""The address that browsers reach the sandbox by, where a proxy stands in between.

On a hub the browser is on another machine than the kernel. Kernels and tokens go on to use the
loopback address (`authority`); the pages, and every link that a person follows, are below this
one. It is told at the start and read from no request: X-Forwarded-* could be anybody's words.
"""

import os
import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit
from zlib import crc32

from starlette.requests import Request
from starlette.types import Scope

REDIRECT_PATH = "connect/get_token/"  # as in DEFAULT_REDIRECT_URIS
LOOPBACK = ("localhost", "127.0.0.1", "::1")
SHAPE = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?")
STANDARD_PORTS = {"http": ":80", "https": ":443"}  # which browsers leave out of Host and Origin


@dataclass(frozen=True)
class Public:
    """A base address, without a slash at its end."""

    origin: str
    prefix: str = ""  # "" or a path such as "/user/ada/proxy/8123"

    def __str__(self) -> str:
        return self.origin + self.prefix

    @property
    def host(self) -> str:
        """Host and port as they stand in a Host header."""
        return self.origin.partition("//")[2]

    @property
    def is_https(self) -> bool:
        """Whether the browser's way to the proxy is encrypted."""
        return self.origin.startswith("https:")


def parse(text: str, port: int) -> Public:
    """Return the base address in a text, in which {port} is the sandbox's own.

    Raises ValueError for anything but https; plain http may only mean loopback, since codes and
    cookies travel by it.
    """
    address = text.replace("{port}", str(port)).rstrip("/")
    parts = urlsplit(address)
    wrong = f"The public address {text!r} is to be"
    if not SHAPE.fullmatch(address) or not parts.hostname or ".." in unquote(parts.path):
        raise ValueError(f"{wrong} like https://hub.example/user/ada/proxy/{{port}}.")
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise ValueError(f"{wrong} https, unless its host is localhost.")
    host = parts.netloc.lower().removesuffix(STANDARD_PORTS[parts.scheme])
    return Public(f"{parts.scheme}://{host}", parts.path)


def redirect_uri(text: str) -> str | None:
    """Return the usual redirect URI as browsers reach it by the same proxy, if that is told."""
    server = urlsplit(text).path.removesuffix("/").removesuffix("proxy/{port}")
    port = usual_port(server) if "/proxy/{port}" in text else 8000
    return f"{parse(text, port)}/{REDIRECT_PATH}" if "{port}" in text else None


def usual_port(server: str) -> int:
    """Return the port of redirect URIs for a server of a hub: all servers may be on one machine.

    So the hub may give each learner's kernels another GRAPHHELPERS_PORT.
    """
    return int(os.environ.get("GRAPHHELPERS_PORT") or 20_000 + crc32(server.encode()) % 10_000)


def of(request: Request) -> Public | None:
    """Return the public address, if the sandbox was told one."""
    public: Public | None = request.app.state.public
    return public


def base(request: Request) -> str:
    """Return the address that people's links begin with."""
    return str(of(request) or request.app.state.authority)


def came_by(request: Request) -> Public | None:
    """Return the public address, if this request came by it, and not straight to loopback."""
    public = of(request)
    return public if public and request.headers.get("host", "").lower() == public.host else None


def cookie_path(request: Request) -> str:
    """Return where cookies belong: two sandboxes behind one host keep theirs apart by it."""
    public = came_by(request)
    return (public.prefix if public else "") or "/"


def is_https(request: Request) -> bool:
    """Tell whether the browser came by https, so that its cookies need not go without."""
    public = came_by(request)
    return public.is_https if public else request.app.state.authority.startswith("https:")


def without_prefix(public: Public | None, scope: Scope) -> Scope:
    """Return the scope with the path as our routes have it: not every proxy strips its prefix."""
    prefix = public.prefix if public else ""
    path, raw_path = scope["path"], scope.get("raw_path") or scope["path"].encode()
    if not prefix or not f"{path}/".startswith(f"{unquote(prefix)}/"):
        return scope
    if not raw_path.startswith(prefix.encode()):
        return scope
    rest, raw_rest = path[len(unquote(prefix)) :], raw_path[len(prefix) :]
    return {**scope, "path": rest or "/", "raw_path": raw_rest or b"/"}
