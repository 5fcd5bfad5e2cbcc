"""What every Graph call has in common: who calls, which method, and how a refusal goes out."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..directory import User
from .bearer import caller
from .errors import GraphError, request_headers, respond

JSON_TYPE = (
    "application/json;odata.metadata=minimal;odata.streaming=true;"
    "IEEE754Compatible=false;charset=utf-8"
)


@dataclass(frozen=True)
class Call:
    """One authenticated request to Graph."""

    request: Request
    user: User
    claims: dict[str, Any]

    @property
    def root(self) -> str:
        """The address of the service with its version, as it stands in answers."""
        return f"{self.request.app.state.graph}/{self.request.path_params['version']}"

    def may(self, *scopes: str) -> bool:
        """Say whether the token carries one of these permissions."""
        return not set(scopes).isdisjoint(self.claims.get("scp", "").split())

    def data(self, value: dict[str, Any]) -> Response:
        """Answer with data."""
        headers = {**request_headers(self.request), "OData-Version": "4.0"}
        return JSONResponse(value, 200, {**headers, "Content-Type": JSON_TYPE})

    def accepted(self) -> Response:
        """Answer 202 with nothing in it: taken, not yet done."""
        return Response(status_code=202, headers=request_headers(self.request))


Answer = Callable[[Call], Awaitable[Response]]


def resource(**methods: Answer) -> Callable[[Request], Awaitable[Response]]:
    """Return the handler of one address: methods maps GET, POST, ... to what answers them.

    An address without any method is one that Graph doesn't know.
    """

    async def handler(request: Request) -> Response:
        try:
            call = Call(request, *caller(request))
            return await _chosen(request, methods)(call)
        except GraphError as error:
            return respond(request, error)

    return handler


def _chosen(request: Request, methods: dict[str, Answer]) -> Answer:
    if not methods:
        raise _unknown(request)
    method = "GET" if request.method == "HEAD" else request.method
    if method not in methods:
        text = "Specified HTTP method is not allowed for the request target."
        headers = {"Allow": ", ".join(methods)}
        raise GraphError(405, "BadRequest", text, gateway=True, headers=headers)
    return methods[method]


def _unknown(request: Request) -> GraphError:
    """Return the refusal of a path that leads nowhere; it names the segment."""
    segments = request.path_params["path"].split("/")
    known = 1 if segments[0] == "me" and len(segments) > 1 else 0
    text = f"Resource not found for the segment '{segments[known]}'."
    return GraphError(400, "BadRequest", text, gateway=True)
