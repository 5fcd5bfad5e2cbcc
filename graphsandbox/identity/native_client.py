"""Where a desktop app's sign-in ends (Microsoft: how-to-add-redirect-uri)."""

from starlette.requests import Request
from starlette.responses import Response

from .. import pages


async def native_client(request: Request) -> Response:
    """GET /common/oauth2/nativeclient: an app reads the code from its browser's address."""
    return pages.render(request, "native_client.html")
