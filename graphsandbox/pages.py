"""The pages a person sees: one way to render them, one way to take a form back.

Everything shown here may come from elsewhere (an app's name, a mail's subject), so
Jinja escapes every value, and no page loads or runs anything from another origin.
"""

import re
import secrets
import unicodedata
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    HTMLResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import Route

from . import people, public

HERE = Path(__file__).parent
CSRF_COOKIE = "graphsandbox_csrf"
CSRF_SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")

# No form-action: Chromium applies it to the redirect that follows a form post, and
# the one after "Accept" leads to the app's redirect URI, on another origin.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def visible(text: object) -> str:
    """Return the text with characters nobody can see spelled out, such as ⟨U+202E⟩.

    A right-to-left override turns "gpj.exe" into "exe.jpg" for the eye; a zero-width
    space makes two names look alike.
    """
    return "".join(_visible(character) for character in str(text))


def _visible(character: str) -> str:
    hidden = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    if hidden and character not in "\r\n\t":
        return f"⟨U+{ord(character):04X}⟩"
    return character


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["visible"] = visible
    return environment


TEMPLATES = _environment()


def base_path(request: Request) -> str:
    """Return the relative way from this page to the root: "../" per folder above it.

    Relative, so that the pages also work behind a proxy that adds a path prefix.
    """
    raw_path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return "../" * (raw_path.split(b"?")[0].count(b"/") - 1) or "./"


def render(
    request: Request,
    template: str,
    status_code: int = 200,
    script_nonce: str | None = None,
    **context: Any,
) -> Response:
    """Return the page, with the security headers and the cookie its forms answer to."""
    csrf = csrf_token(request)
    known: dict[str, Any] = {"csrf": csrf or secrets.token_urlsafe(32), "base": base_path(request)}
    known["learner"] = people.learner(request)
    known["place"] = "your notebook's computer" if public.of(request) else "this computer"
    html = TEMPLATES.get_template(template).render(**context, **known)  # no name twice
    response = HTMLResponse(html, status_code, HEADERS)
    if script_nonce:
        response.headers["Content-Security-Policy"] += f"; script-src 'nonce-{script_nonce}'"
    if csrf is None:
        # Not "Secure": a sandbox over plain http on the same host could then neither
        # read nor replace the cookie that one over TLS had set.
        path = public.cookie_path(request)
        response.set_cookie(CSRF_COOKIE, known["csrf"], path=path, httponly=True, samesite="lax")
    return response


def csrf_token(request: Request) -> str | None:
    """Return this browser's form token, or None when it has none of the right shape."""
    token = request.cookies.get(CSRF_COOKIE, "")
    return token if CSRF_SHAPE.fullmatch(token) else None


class FormRefused(HTTPException):
    """A form came back without the token of the browser it was shown to."""

    def __init__(self) -> None:
        super().__init__(403, "This form was not shown to this browser by the sandbox.")


async def form(request: Request) -> FormData:
    """Return the posted fields, or raise FormRefused when another site sent them.

    Double submit: another site can make a browser post here with its cookies, but it
    can't read the cookie, so it can't fill in the hidden field (RFC 6749 §10.12).
    """
    fields = await request.form(max_files=0)
    sent, expected = fields.get("csrf"), csrf_token(request)
    if expected is None or not isinstance(sent, str):
        raise FormRefused
    if not secrets.compare_digest(sent.encode(errors="replace"), expected.encode()):
        raise FormRefused
    return fields


def text_field(fields: FormData, name: str) -> str:
    """Return one field as text; "" when it is missing or a file."""
    value = fields.get(name)
    return value if isinstance(value, str) else ""


async def form_refused(request: Request, error: Exception) -> Response:
    """Say why a form was not taken, and how to go on (the handler of FormRefused)."""
    return message_page(
        request,
        403,
        "This form was not accepted",
        "It did not carry the hidden token that the sandbox had put into it, so it may "
        "have been sent by another site. Cookies must be allowed for this address.",
        "Go back, reload the page, and send the form again.",
    )


def redirect(request: Request, to: str) -> Response:
    """Leave a posted form by 303, so that reloading the next page sends nothing twice."""
    return RedirectResponse(base_path(request) + to, 303, {"Cache-Control": "no-store"})


def not_found(request: Request, what: str) -> Response:
    """Return the page for something that isn't here."""
    return message_page(request, 404, "Not found", what, "")


def no_such_address(request: Request, error: Exception) -> Response:
    """Answer where no route leads: with a page for people, with two words for programs."""
    if "text/html" in request.headers.get("accept", ""):
        return not_found(request, "The sandbox has nothing at this address.")
    return PlainTextResponse("Not Found", 404)


def message_page(request: Request, status_code: int, title: str, text: str, hint: str) -> Response:
    """Return a page of a heading, a sentence, and what to do about it."""
    return render(request, "message.html", status_code, title=title, text=text, hint=hint)


async def home(request: Request) -> Response:
    """GET /: what this is, and where everything stands."""
    state = request.app.state
    return render(request, "home.html", authority=state.authority, graph=state.graph)


async def stylesheet(request: Request) -> Response:
    """GET /static/sandbox.css: the only style sheet."""
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
    return FileResponse(HERE / "static" / "sandbox.css", 200, headers, "text/css")


ROUTES = [
    Route("/", home),
    Route("/static/sandbox.css", stylesheet),
]
