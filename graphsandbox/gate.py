"""What every request meets first: is it for us, may it come from there, how large is it?

The sandbox has no passwords, so these checks are what keeps a web site that the same browser
has open away from it. No answer ever carries a CORS permission.
"""

import asyncio
import re
from urllib.parse import unquote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from . import public
from .graph.errors import refused, respond

LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?", re.IGNORECASE)
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
GRAPH_PATHS = ("/v1.0/", "/beta/", "/api/v2.0/")  # the last: ranges of large files

MEBIBYTE = 1024 * 1024
GRAPH_BODY = 4 * MEBIBYTE  # Microsoft: "The maximum request length supported is 4MB."
OTHER_BODY = 1 * MEBIBYTE
LONGEST_QUERY = 16 * 1024
DISCARD = 64 * MEBIBYTE  # read and thrown away, so that the client gets to see its refusal
BODY_DEADLINE_S = 20.0


class GateMiddleware:
    """ASGI middleware: checks a request, reads its body, and only then passes it on."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a sound request on, with its whole body at hand; answer any other."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        known = scope["app"].state.public
        if known and known.prefix and scope["path"] == unquote(known.prefix):
            # Relative links need the slash.
            return await RedirectResponse(f"{known.prefix}/", 308)(scope, receive, send)
        scope = public.without_prefix(known, scope)
        request = Request(scope)
        body, refusal = b"", refuse_head(request)
        if refusal is None:
            try:
                body, refusal = await _read(request, receive)
            except ClientDisconnect:
                return None  # nobody is there to be answered
        if refusal is not None:
            refusal.headers["Connection"] = "close"
            return await refusal(scope, receive, send)
        await self.app(scope, _replay(body, receive), send)


def refuse_head(request: Request) -> Response | None:
    """Return a refusal by what the request's head says, or None."""
    host = request.headers.getlist("host")
    if len(host) != 1 or not (LOOPBACK.fullmatch(host[0]) or public.came_by(request)):
        # A name that an attacker's DNS server points at 127.0.0.1 ("DNS rebinding").
        known = public.of(request)
        names = f"localhost, 127.0.0.1, [::1]{f' and {known.host}' if known else ''}"
        return _refusal(421, f"The sandbox answers to {names} only.")
    if len(request.scope["query_string"]) > LONGEST_QUERY:
        return _refusal(414, f"The query is longer than {LONGEST_QUERY} bytes.")
    if _comes_from_elsewhere(request, host[0]):
        return _refusal(403, "A page of another origin may not change anything here.")
    return None


def _comes_from_elsewhere(request: Request, host: str) -> bool:
    """Say whether a page of another origin makes the browser change something here.

    Graph calls and token requests are left out: they carry a secret that such a page lacks,
    and single-page apps send them with an Origin by right. The sandbox's own pages have
    `Referrer-Policy: no-referrer`, so their forms come with `Origin: null`; what tells them
    from other pages is the hidden token of the form.
    """
    if request.method in SAFE_METHODS or _is_api(request.scope["path"]):
        return False
    origins = request.headers.getlist("origin")
    by = public.came_by(request)
    own = {by.origin if by else f"{request.scope['scheme']}://{host}".lower()}
    if not request.scope["path"].startswith("/_control"):
        own.add("null")
    return not own.issuperset(one.lower() for one in origins)


def _is_api(path: str) -> bool:
    return path.startswith(GRAPH_PATHS) or path.endswith("/token")


async def _read(request: Request, receive: Receive) -> tuple[bytes, Response | None]:
    """Return the body, or a refusal when it is too large or does not come in time."""
    if "content-length" not in request.headers and "transfer-encoding" not in request.headers:
        return b"", None
    limit = GRAPH_BODY if request.scope["path"].startswith(GRAPH_PATHS) else OTHER_BODY
    try:
        async with asyncio.timeout(BODY_DEADLINE_S):
            body = await _collect(receive, limit)
    except TimeoutError:
        return b"", _refusal(400, "The body was shorter than its Content-Length.")
    return (b"", _too_large(limit, request)) if body is None else (body, None)


async def _collect(receive: Receive, limit: int) -> bytes | None:
    """Return the body, or None when it is longer than the limit."""
    body, seen, more = bytearray(), 0, True
    while more and seen <= DISCARD:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect  # half a body must never pass for a whole one
        piece = message.get("body", b"")
        seen += len(piece)
        if seen <= limit:
            body += piece
        more = message.get("more_body", False)
    return bytes(body) if seen <= limit else None


def _too_large(limit: int, request: Request) -> Response:
    if limit == GRAPH_BODY:
        return respond(request, refused("body_too_large"))
    return _refusal(413, f"The body is longer than {limit} bytes.")


def _refusal(status: int, text: str) -> Response:
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return PlainTextResponse(text, status, headers)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the body once and then what really comes."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replayed() -> Message:
        return pending.pop() if pending else await receive()

    return replayed
