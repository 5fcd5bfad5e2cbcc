"""Signing out: the browser's session ends (OpenID Connect RP-Initiated Logout)."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from .. import pages, people
from ..refusals import Refused
from . import answers, browser, parameters, redirect_uris, tenants
from .answers import NO_STORE
from .parameters import Parameters


async def logout(request: Request) -> Response:
    """GET and POST /{tenant}/oauth2/logout and /{tenant}/oauth2/v2.0/logout."""
    try:
        posted = request.method == "POST"
        sent = await parameters.from_form(request) if posted else parameters.from_query(request)
        tenants.resolve(request.path_params["tenant"])
        response = _leave(request, sent)
    except Refused as refused:
        return answers.refusal_page(request, refused)
    browser.end(request, response)
    return response


def _leave(request: Request, sent: Parameters) -> Response:
    """Go where the app wants, if that is a redirect URI somebody registered."""
    uri, state = sent.get("post_logout_redirect_uri"), sent.get("state")
    apps = request.app.state.store.apps(people.owner(request))
    if uri is None or not any(redirect_uris.match(app, uri) for app in apps):
        return pages.render(request, "signed_out.html")
    if state is not None:
        uri += ("&" if "?" in uri else "?") + urlencode({"state": state})
    return RedirectResponse(uri, 302, NO_STORE)
