"""The page where a person picks an account; authorize and admin consent both show it."""

from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from .. import pages
from ..directory import User
from . import accounts, browser
from .answers import NO_STORE
from .door import Door

PROMPTS = ("login", "select_account")


def page(
    request: Request, door: Door, login_hint: str | None = None, domain_hint: str | None = None
) -> Response:
    """Return the page: the accounts that may enter first, then how to use another one."""
    users, others = accounts.offered(door, domain_hint)
    hinted = [one.upn for one in users if accounts.is_named(one, login_hint or "")]
    return pages.render(
        request,
        "signin.html",
        app_name=door.app.display_name,
        users=users,
        others=others,
        login_hint=hinted[0] if hinted else "",
        typed="" if hinted else login_hint or "",
    )


def account(fields: FormData) -> str:
    """Return the account that was picked or typed, or ""."""
    return pages.text_field(fields, "user") or pages.text_field(fields, "typed").strip()


def done(request: Request, user: User) -> Response:
    """Start the session, and go on with the same request less what asked for this page."""
    pairs = parse_qsl(request.url.query, keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if not _asks_for_this(name, value)]
    here = request.url.path.rpartition("/")[2]
    response = RedirectResponse(f"{here}?{urlencode(kept)}", 303, NO_STORE)
    browser.sign_in(request, response, user.oid)
    return response


def _asks_for_this(name: str, value: str) -> bool:
    hint = name in ("login_hint", "domain_hint")
    return hint or (name == "prompt" and value in PROMPTS)
