"""`POST /$batch`: up to 20 calls in one (Microsoft: "Combine requests with JSON batching").

Each inner call goes through the whole sandbox as if it had come by itself: the same checks,
the same handlers, the same faults, and it is counted under its own path.
"""

import base64
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Message, Scope

from .bearer import caller
from .call import JSON_TYPE
from .errors import GraphError, refused, request_headers, respond
from .reading import payload

MOST = 20
RELATIVE = re.compile(r"(?![^?]*://)(?!/*\Z)[^\x00-\x1f\x7f]+")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
# What an inner call has of the outer one, unless it brings its own.
INHERITED = ("authorization", "host", "client-request-id", "accept-language")
OWN_LENGTH = ("content-length", "transfer-encoding", "host", "connection")  # ours to say


@dataclass(frozen=True)
class Inner:
    """One request of a batch."""

    id: str
    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    depends_on: list[str]


@dataclass
class Answer:
    """What came of it."""

    status: int = 504
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""


async def batch(request: Request) -> Response:
    """POST /$batch: 200 as soon as the batch itself makes sense."""
    try:
        caller(request)
        if request.method != "POST":
            raise refused("wrong_method", {"Allow": "POST"})
        content_type = request.headers.get("content-type", "")
        root = f"{request.app.state.graph}/{request.path_params['version']}"
        asked = _read(payload(content_type, await request.body()), root)
    except GraphError as error:
        return respond(request, error)
    answers: dict[str, Answer] = {}
    for one in asked:
        failed = [name for name in one.depends_on if answers[name].status >= 400]
        answers[one.id] = (
            _refusal(request, "failed_dependency") if failed else await _answer(request, one)
        )
    responses = [_shown(name, answer) for name, answer in answers.items()]
    headers = {**request_headers(request), "OData-Version": "4.0", "Content-Type": JSON_TYPE}
    return JSONResponse({"responses": responses}, 200, headers)


def _read(parsed: Any, root: str) -> list[Inner]:
    """Return the requests in an order in which each follows those it depends on.

    Addresses are relative by the documents; Microsoft's own SDK for Python begins them with
    the root of the service, which is taken off.
    """
    if not isinstance(parsed, dict) or not isinstance(parsed.get("requests"), list):
        raise refused("batch_format")
    if not 0 < len(parsed["requests"]) <= MOST:
        raise refused("batch_size", most=MOST)
    asked = [_inner(one, root) for one in parsed["requests"]]
    ids = [one.id for one in asked]
    if len(set(ids)) < len(ids):
        raise refused("batch_same_id")
    return _in_order(asked, set(ids))


def _inner(one: Any, root: str) -> Inner:
    if not isinstance(one, dict):
        raise refused("batch_format")
    name, method, url = one.get("id"), one.get("method"), one.get("url")
    headers, after = one.get("headers") or {}, one.get("dependsOn") or []
    if not isinstance(name, str) or not name:
        raise refused("batch_no_id")
    if not isinstance(method, str) or method.upper() not in METHODS:
        raise refused("batch_method", id=name)
    url = url.removeprefix(root) if isinstance(url, str) else url
    if not isinstance(url, str) or not RELATIVE.fullmatch(url):
        raise refused("batch_url", id=name)
    if not isinstance(headers, dict) or not isinstance(after, list):
        raise refused("batch_format")
    headers = {str(key).lower(): str(value) for key, value in headers.items()}
    if one.get("body") is not None and "content-type" not in headers:
        raise refused("batch_no_type", id=name)
    return Inner(name, method.upper(), url, headers, _body(one.get("body"), headers), after)


def _body(body: Any, headers: dict[str, str]) -> bytes:
    """Return the bytes of a body: JSON as it is, anything else is base64 of what it means."""
    if body is None:
        return b""
    if isinstance(body, str) and "json" not in headers["content-type"]:
        if headers["content-type"].startswith("text/"):
            return body.encode()  # MIME mail, which is base64 on the wire too
        try:
            return base64.b64decode(body, validate=True)
        except ValueError as error:
            raise refused("batch_body") from error
    return json.dumps(body).encode()


def _in_order(asked: list[Inner], ids: set[str]) -> list[Inner]:
    done: list[Inner] = []
    waiting = list(asked)
    for one in asked:
        if not all(isinstance(name, str) and name in ids for name in one.depends_on):
            raise refused("batch_depends_on_nothing", id=one.id)
    while waiting:
        known = {one.id for one in done}
        free = next((one for one in waiting if known.issuperset(one.depends_on)), None)
        if free is None:
            raise refused("batch_circle")
        waiting.remove(free)
        done.append(free)
    return done


async def _answer(request: Request, one: Inner) -> Answer:
    """Let the whole sandbox answer an inner request."""
    if one.url.lstrip("/").lower().startswith("$batch"):
        return _refusal(request, "batch_in_batch")
    answer, pending = Answer(), [one.body]

    async def receive() -> Message:
        if pending:
            return {"type": "http.request", "body": pending.pop(), "more_body": False}
        return await request.receive()  # that the client has gone, as soon as it has

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status, answer.headers = message["status"], list(message["headers"])
        elif one.method != "HEAD":
            answer.body += message.get("body", b"")

    await request.app(_scope(request, one), receive, send)
    return answer


def _scope(request: Request, one: Inner) -> Scope:
    """Return the head of an inner request as the server would have passed it on."""
    path, _, query = one.url.partition("?")
    raw = f"/{request.path_params['version']}/{path.lstrip('/')}".encode("utf-8", "replace")
    headers = {key: request.headers[key] for key in INHERITED if key in request.headers}
    headers |= {key: value for key, value in one.headers.items() if key not in OWN_LENGTH}
    headers["content-length"] = str(len(one.body))
    outer = ("type", "asgi", "http_version", "server", "client", "scheme", "root_path", "state")
    return {
        **{key: request.scope[key] for key in outer if key in request.scope},
        "method": one.method,
        "path": unquote(raw.decode()),
        "raw_path": raw,
        "query_string": query.replace(" ", "%20").encode("utf-8", "replace"),
        "headers": [
            (key.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
            for key, value in headers.items()
        ],
    }


def _refusal(request: Request, name: str) -> Answer:
    """Return the answer to a request that is not tried."""
    answer = respond(request, refused(name))
    return Answer(answer.status_code, list(answer.raw_headers), bytes(answer.body))


def _shown(name: str, answer: Answer) -> dict[str, Any]:
    headers = {
        "-".join(word.capitalize() for word in key.decode().split("-")): value.decode("latin-1")
        for key, value in answer.headers
        if key.lower() != b"content-length"
    }
    shown: dict[str, Any] = {"id": name, "status": answer.status, "headers": headers}
    if answer.body:
        is_json = "json" in headers.get("Content-Type", "")
        text = base64.b64encode(answer.body).decode()
        shown["body"] = json.loads(answer.body) if is_json else text
    return shown
