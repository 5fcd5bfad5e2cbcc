"""What every Graph call has in common: who calls, which method, and how a refusal goes out."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ..directory import User
from ..files import one_by_one
from . import options
from .bearer import caller
from .errors import GraphError, refused, request_headers, respond
from .reading import payload

JSON_TYPE = (
    "application/json;odata.metadata=minimal;odata.streaming=true;"
    "IEEE754Compatible=false;charset=utf-8"
)


@dataclass(frozen=True)
class Call:
    """One authenticated request to Graph."""

    request: Request
    user: User  # who signed in
    person: User  # whom the address names; with /me the same
    claims: dict[str, Any]

    @property
    def root(self) -> str:
        """The address of the service with its version, as it stands in answers."""
        return f"{self.request.app.state.graph}/{self.request.path_params['version']}"

    def may(self, *scopes: str) -> bool:
        """Say whether the token carries one of these permissions."""
        return not set(scopes).isdisjoint(self.claims.get("scp", "").split())

    @property
    def url(self) -> str:
        """The address of this call without its query."""
        graph: str = self.request.app.state.graph
        return graph + quote(self.request.scope["path"], safe="/@$'()")

    @property
    def options(self) -> dict[str, str]:
        """The query; its `$` options are named in lower case."""
        return options.of(self.request)

    @property
    def content_type(self) -> str:
        """The kind of the body, without parameters."""
        return self.request.headers.get("content-type", "").split(";")[0].strip().lower()

    async def payload(self) -> Any:
        """Return the JSON of the body, or refuse it."""
        return payload(self.request.headers.get("content-type", ""), await self.request.body())

    def data(
        self, value: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None
    ) -> Response:
        """Answer with data."""
        headers = {**request_headers(self.request), "OData-Version": "4.0", **(headers or {})}
        return JSONResponse(value, status, {**headers, "Content-Type": JSON_TYPE})

    def stream(
        self, pieces: Iterable[bytes], content_type: str, size: int | None = None
    ) -> Response:
        """Answer with what `$value` asks for; a browser is to save it, never to show it."""
        headers = {**request_headers(self.request), "X-Content-Type-Options": "nosniff"}
        headers["Content-Disposition"] = "attachment"
        if size is not None:
            headers["Content-Length"] = str(size)
        return StreamingResponse(one_by_one(pieces), 200, headers, content_type)

    def done(self) -> Response:
        """Answer 204: done, and nothing to show for it."""
        return Response(status_code=204, headers=request_headers(self.request))

    def accepted(self) -> Response:
        """Answer 202 with nothing in it: taken, not yet done."""
        return Response(status_code=202, headers=request_headers(self.request))


WITH_BODY = ("POST", "PUT", "PATCH")
LENGTH_HEADERS = {"content-length", "transfer-encoding"}


Answer = Callable[[Call], Awaitable[Response]]


def resource(
    known: set[str] = options.EVERYWHERE, **methods: Answer
) -> Callable[[Request], Awaitable[Response]]:
    """Return the handler of one address: methods maps GET, POST, ... to what answers them.

    known are the options of a query that it may have.
    """

    async def handler(request: Request) -> Response:
        try:
            user, claims = caller(request)
            answer = _chosen(request, methods)
            person = _person(request, user)
            options.check(request, known)
            return await answer(Call(request, user, person, claims))
        except GraphError as error:
            return respond(request, error)

    return handler


def _person(request: Request, user: User) -> User:
    """Return the person whom /users/{id or name} names, or the one who signed in."""
    named = request.path_params.get("user")
    if named is None:
        return user
    found: User | None = request.app.state.store.people.user(named)
    if found and found.tenant_id != user.tenant_id:
        found = None  # a directory knows its own members and guests only
    if found is None and not request.scope["path"].endswith(named):  # a mailbox
        raise refused("no_such_mailbox")
    if found is None:
        raise refused("no_such_user", name=named)
    return found


def _chosen(request: Request, methods: dict[str, Answer]) -> Answer:
    method = "GET" if request.method == "HEAD" else request.method
    if method not in methods:
        raise refused("wrong_method", {"Allow": ", ".join(methods)})
    if method in WITH_BODY and LENGTH_HEADERS.isdisjoint(request.headers):
        raise refused("length_required")
    _check_accept(request)
    return methods[method]


def _check_accept(request: Request) -> None:
    """Refuse a call that takes no JSON; `$value` and `$count` answer with something else."""
    accept = request.headers.get("accept", "")
    kinds = {one.split(";")[0].strip().lower() for one in accept.split(",")} - {""}
    if request.scope["path"].endswith(("$value", "$count")) or not kinds:
        return
    if kinds.isdisjoint(("application/json", "application/*", "*/*")):
        raise refused("not_acceptable", accept=accept)


async def not_built(call: Call) -> Response:
    """Say that Graph does this and the sandbox doesn't."""
    request = call.request
    by_method = f"{request.method} {request.scope['path'].rpartition('/')[2]}"
    raise refused("not_built", what=request.path_params.get("what", by_method))


def unknown(routes: Sequence[Route]) -> Callable[[Request], Awaitable[Response]]:
    """Return the handler of all that leads to none of these addresses."""

    async def handler(request: Request) -> Response:
        try:
            caller(request)
            raise refused("unknown_segment", segment=_first_unknown(request, routes))
        except GraphError as error:
            return respond(request, error)

    return handler


def _first_unknown(request: Request, routes: Sequence[Route]) -> str:
    """Return the segment of a path with which it leaves the addresses that there are."""
    segments: list[str] = request.path_params["path"].split("/")
    path = f"/{request.path_params['version']}"
    for segment in segments:
        path += f"/{segment}"
        is_users = segment == "users" == segments[0]  # no address, but some begin so
        if not is_users and not any(one.path_regex.match(path) for one in routes):
            return segment
    return segments[-1]
