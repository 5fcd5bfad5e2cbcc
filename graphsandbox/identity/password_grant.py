"""A person's password, sent by the app: the grant that Microsoft advises against (v2-oauth-ropc).

The sandbox has no passwords, so none is ever right. Whatever is wrong before the password is
refused as for any other grant.
"""

from starlette.requests import Request

from ..refusals import Refused
from . import client_auth
from .parameters import Parameters

GRANT_TYPE = "password"


def refusal(request: Request, sent: Parameters) -> Refused:
    """Return the refusal of a password, or raise what comes before it."""
    app, credentials = client_auth.at_one_door(request, sent)
    platform = client_auth.platform_without_uri(app)
    client_auth.authenticate(app, platform, credentials, request.app.state.store.now())
    for name in ("username", "password"):
        sent.need(name)
    return Refused(50126)
