"""Where the endpoints are: Microsoft's clouds or a sandbox, in version 1 and version 2.0."""

import re
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from .errors import RegistrationError

GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def is_loopback(host: str | None) -> bool:
    """Say whether a host name or address can only mean this very machine (RFC 8252 §7.3)."""
    with suppress(ValueError):
        return host == "localhost" or ip_address(host or "").is_loopback
    return False


def expect(kind: type, value: object, name: str) -> None:
    """Refuse a value of another kind here, where its name is known."""
    if not isinstance(value, kind):
        raise RegistrationError.of("wrong type", name=name, kind=kind, found=type(value))


def parts_of(url: str) -> SplitResult:
    """Return the parts of an address; what is none has no parts."""
    with suppress(ValueError, AttributeError, TypeError):  # a bracket never closes; no text
        return urlsplit(url)
    return urlsplit("")


@dataclass(frozen=True)
class Cloud:
    """The two base URLs of one cloud; `ca` is a PEM file to trust, for a sandbox over TLS.

    `public` is the authority as the browser reaches it, where that differs: behind a proxy.

    Raises RegistrationError for anything but https; plain http may only mean loopback,
    since the client secret travels to these addresses (RFC 6749 §3.2).
    """

    name: str
    authority: str  # signs people in and issues tokens
    graph: str  # the API that the tokens are for
    ca: str | None = None
    public: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("authority", "graph", *(("public",) if self.public is not None else ())):
            object.__setattr__(self, name, _base_url(getattr(self, name)))

    @property
    def resource(self) -> str:
        """Graph's name as version 1 asks for it in `resource`; the sandbox goes by the real one."""
        return MICROSOFT.graph if is_loopback(urlsplit(self.authority).hostname) else self.graph

    def endpoint(self, tenant: str, leaf: str, version: str = "v2.0") -> str:
        """Return the address of `authorize`, `token` or `logout` (Microsoft: OAuth 2.0)."""
        if version not in ("v1", "v2.0"):
            raise RegistrationError.of("no such endpoint", version=repr(version))
        # Which of them the browser opens; the rest is asked by the kernel.
        base = self.public if self.public and leaf in ("authorize", "logout") else self.authority
        return f"{base}/{tenant}/oauth2/{'v2.0/' if version == 'v2.0' else ''}{leaf}"

    def metadata_url(self, tenant: str) -> str:
        """Return the address of the v2.0 OpenID Connect discovery document."""
        return f"{self.authority}/{tenant}/v2.0/.well-known/openid-configuration"


def _base_url(url: str) -> str:
    parts = parts_of(url)
    secure = parts.scheme == "https" or parts.scheme == "http" and is_loopback(parts.hostname)
    # A printable character, and none that begins a user, a query or a fragment.
    if not (secure and parts.hostname and re.fullmatch(r"[!-\"$->A-\[\]-~]+", url)):
        raise RegistrationError.of("cloud address", url=repr(url))
    return url.rstrip("/")


# Microsoft: "National clouds" (identity platform) and "Deployments" (Graph).
MICROSOFT = Cloud("Microsoft", "https://login.microsoftonline.com", "https://graph.microsoft.com")
US_GOV_L4 = Cloud("US Gov L4", "https://login.microsoftonline.us", "https://graph.microsoft.us")
US_GOV_L5 = Cloud("US Gov L5", "https://login.microsoftonline.us", "https://dod-graph.microsoft.us")
CHINA = Cloud(
    "China", "https://login.partner.microsoftonline.cn", "https://microsoftgraph.chinacloudapi.cn"
)


def sandbox_cloud(
    authority: str, graph: str, ca: str | None = None, public: str | None = None
) -> Cloud:
    """Return the cloud of a sandbox, whose addresses `graphsandbox.connect()` tells."""
    return Cloud("sandbox", authority, graph, ca, public)
