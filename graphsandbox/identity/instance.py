"""Instance discovery: a client asks whether a host is a sign-in service at all.

Microsoft's libraries ask it before they trust an authority. The only instance known here is the
sandbox itself.
"""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..refusals import Refused
from . import answers, parameters, tenants

VERSIONS = ("1.0", "1.1")
NAMES = ("localhost", "127.0.0.1", "[::1]")


async def instance(request: Request) -> Response:
    """GET /common/discovery/instance?api-version=1.1&authorization_endpoint=<address>."""
    sent = parameters.from_query(request)
    try:
        version, address = sent.need("api-version"), sent.need("authorization_endpoint")
        if version not in VERSIONS:
            raise Refused(90023, problem="The value of 'api-version' is not supported.")
        return JSONResponse(_found(request, version, address))
    except Refused as refused:
        return answers.refusal_json(request, refused, "D")


def _found(request: Request, version: str, address: str) -> dict[str, object]:
    """Return where the metadata of this authorization endpoint is, and the host's other names."""
    own = urlsplit(request.app.state.authority)
    aliases = [f"{name}:{own.port}" for name in NAMES]
    scheme, host, path = _parts(address)
    if scheme != own.scheme or host not in aliases:
        raise Refused(50049)
    door = path.lstrip("/").split("/")[0]
    tenants.resolve(door)
    folder = "/v2.0" if "/v2.0/" in path else ""
    base = f"{request.app.state.authority}/{door}{folder}"
    return {
        "tenant_discovery_endpoint": f"{base}/.well-known/openid-configuration",
        "api-version": version,
        "metadata": [
            {"preferred_network": own.netloc, "preferred_cache": own.netloc, "aliases": aliases}
        ],
    }


def _parts(address: str) -> tuple[str, str, str]:
    try:
        url = urlsplit(address)
    except ValueError:
        raise Refused(50049) from None
    return url.scheme, url.netloc.lower(), url.path
