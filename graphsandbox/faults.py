"""The fault switch: bend the next answers of a path, and count the requests of every path.

`control.py` sets faults; `FaultMiddleware` is the ASGI middleware that applies them. A bent answer
says so in its header `x-graphsandbox-fault`.
"""

import asyncio
import http
import re
from collections import Counter
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from .gate import GRAPH_PATHS
from .graph.bearer import unauthorized
from .graph.errors import GraphError, refused, respond
from .identity.answers import refusal_json
from .refusals import Refused

# What follows the tenant in the addresses of Entra ID (Microsoft: v2-protocols).
TENANT_PATH = re.compile(
    r"\A/[^/]+(?=/(?:oauth2|v2\.0|\.well-known|discovery|openid|adminconsent|kerberos)(?:/|$))"
)
LONGEST_PATH = 200  # characters that are told apart
MOST_PATHS = 1000  # counted apart; what comes after these is counted together
EVERY_OTHER_PATH = "(other paths)"


@dataclass(frozen=True)
class Fault:
    """How an answer is bent (design: `POST /_control/faults`)."""

    path: str  # in which `{tenant}` stands for any tenant, `{id}` for any id
    status: int | None = None  # None: the ordinary answer, only delayed or cut
    deliver: bool = False  # do the work first, then answer badly
    delay_s: float = 0.0
    drop_after: int | None = None  # bytes of the answer, counted from its status line
    retry_after: float | str | None = None

    def bends(self, path: str) -> bool:
        """Say whether this fault is for a request of this path."""
        wanted = re.escape(self.path.lower()).replace(r"\{id\}", "[^/']+")
        return any(re.fullmatch(wanted, one.lower()) for one in (path, with_tenant(path)))


def with_tenant(path: str) -> str:
    """Return the path with `{tenant}` where Entra's addresses name a tenant."""
    return TENANT_PATH.sub("/{tenant}", path, count=1)


class Faults:
    """The faults that wait for their requests, in order, and the count of all requests."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._seen: Counter[str] = Counter()

    def add(self, fault: Fault, count: int = 1) -> None:
        """Bend the next `count` answers of the fault's path, after those already waiting."""
        self._waiting += [fault] * count

    def cancel(self) -> int:
        """Forget the faults that still wait, and return how many they were."""
        cancelled = len(self._waiting)
        self._waiting.clear()
        return cancelled

    def next_for(self, path: str) -> Fault | None:
        """Count a request, and take the fault that is meant for it."""
        known = with_tenant(path)[:LONGEST_PATH]
        if known not in self._seen and len(self._seen) >= MOST_PATHS:
            known = EVERY_OTHER_PATH
        self._seen[known] += 1
        fault = next((one for one in self._waiting if one.bends(path)), None)
        if fault:
            self._waiting.remove(fault)
        return fault

    def requests(self) -> dict[str, int]:
        """Return how often each path was asked for; `_control` itself is not counted."""
        return dict(self._seen)

    def reset(self) -> None:
        """Forget faults and counts."""
        self._waiting.clear()
        self._seen.clear()


class Connection(H11Protocol):
    """uvicorn's HTTP/1.1, with the way to the transport that `drop_after` needs."""

    # As uvicorn has it; asyncio's own takes transports of every kind.
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let each request of this connection find its transport in `scope["state"]`."""
        self.app_state = {**self.app_state, "transport": transport}
        super().connection_made(transport)

    def shutdown(self) -> None:
        """Close an idle connection; TLS would wait 30 s for the client to say goodbye too."""
        super().shutdown()
        if self.scheme == "https" and self.transport.is_closing():
            self.transport.abort()


class FaultMiddleware:
    """ASGI middleware: counts, and answers as the next fault of this path says."""

    def __init__(self, app: ASGIApp, faults: Faults):
        self.app = app
        self.faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, unless a fault waits for it."""
        if scope["type"] != "http" or scope["path"].startswith("/_control"):
            return await self.app(scope, receive, send)
        fault = self.faults.next_for(scope["path"])
        if fault is None:
            return await self.app(scope, receive, send)
        answer = await self._answer(fault, scope, receive)
        answer.headers["x-graphsandbox-fault"] = str(fault.status or "ordinary answer")
        if fault.retry_after is not None:
            answer.headers["Retry-After"] = str(fault.retry_after)
        if fault.delay_s and not await _still_there(receive, fault.delay_s):
            return None
        if fault.drop_after is None:
            await answer(scope, receive, send)
        else:
            await _cut(answer, fault.drop_after, scope, receive)

    async def _answer(self, fault: Fault, scope: Scope, receive: Receive) -> Response:
        """Return the ordinary answer or the bad one; with `deliver` the work is done."""
        if fault.status is None:
            return await _recorded(self.app, scope, receive)
        if fault.deliver:
            await _recorded(self.app, scope, receive)
        return _bad_answer(Request(scope), fault.status)


async def _recorded(app: ASGIApp, scope: Scope, receive: Receive) -> Response:
    """Let the app answer, and return its answer instead of sending it."""
    answer, pieces = Response(), []

    async def record(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status_code = message["status"]
            answer.raw_headers = list(message["headers"])
        else:
            pieces.append(message.get("body", b""))

    await app(scope, receive, record)
    answer.body = b"".join(pieces)
    return answer


async def _still_there(receive: Receive, seconds: float) -> bool:
    """Wait so long, or until the client has gone; say whether it is there to be answered.

    What is read meanwhile nobody needs: the app has had the body, or was never asked.
    """
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return True
    return False


def _bad_answer(request: Request, status: int) -> Response:
    """Return an answer with this status in the form of the service that was asked."""
    if status < 400:
        return Response(status_code=status)
    if request.scope["path"].startswith(GRAPH_PATHS):
        return _graph_answer(request, status)
    if with_tenant(request.scope["path"]) != request.scope["path"]:
        return _oauth_answer(request, status)
    return PlainTextResponse(_phrase(status), status)


# What Graph itself says with a status: about a person, about mail, and to a range of a large file.
OF_PEOPLE = {403: "directory_denied", 404: "no_such_user", 429: "throttled"}
OF_MAIL = {403: "access_denied", 404: "item_not_found", 429: "throttled"}
OF_UPLOADS = {401: "upload_without_secret", 404: "no_such_upload", 429: "throttled"}
EXPIRED = "Lifetime validation failed, the token is expired."
GRAPH_CODES = {  # of other statuses
    500: "ErrorInternalServerError",
    502: "UnknownError",
    503: "serviceNotAvailable",
    504: "UnknownError",
}
OAUTH_NUMBERS = {429: 90055, 503: 90033}


def _graph_answer(request: Request, status: int) -> Response:
    segments = request.scope["path"].split("/")[2:]
    known = _said_by(request.scope["path"], segments)
    if status in known:
        return respond(request, refused(known[status], name=segments[-1]))
    if status == 401:
        return respond(request, unauthorized(request, "token_not_taken", why=EXPIRED))
    phrase = _phrase(status)
    code = GRAPH_CODES.get(status, phrase.replace(" ", "") or "UnknownError")
    return respond(request, GraphError(status, code, phrase, gateway=True))


def _said_by(path: str, segments: list[str]) -> dict[int, str]:
    """Return the refusals of the part of Graph that answers at this path."""
    if path.startswith("/api/"):
        return OF_UPLOADS
    is_person = segments == ["me"] or (segments[0] == "users" and len(segments) == 2)
    return OF_PEOPLE if is_person else OF_MAIL


def _oauth_answer(request: Request, status: int) -> Response:
    answer = refusal_json(request, Refused(OAUTH_NUMBERS.get(status, 50033)))
    answer.status_code = status
    return answer


def _phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return ""


async def _cut(answer: Response, length: int, scope: Scope, receive: Receive) -> None:
    """Send the first `length` bytes of the answer as they are on the wire, and hang up."""
    head = [f"HTTP/1.1 {answer.status_code} {_phrase(answer.status_code)}".encode()]
    head += [name + b": " + value for name, value in answer.raw_headers]
    wire = b"\r\n".join(head) + b"\r\n\r\n" + bytes(answer.body)
    transport = scope["state"]["transport"]
    transport.write(wire[:length])
    transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass  # uvicorn takes a return without an answer for a fault of ours, unless it has ended
