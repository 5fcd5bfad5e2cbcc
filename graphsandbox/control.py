"""`/_control`: what tests and labs ask of the sandbox itself. JSON in, JSON out.

Nothing here exists at Microsoft. A bad request gets a 400 that says what is wrong with it.
"""

import json
import math
import os
import re
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import directory, people, public, redirect_rules
from .faults import Fault
from .limits import Limits
from .message import Message
from .store import RedirectUri

AUDIENCES = tuple(redirect_rules.AUDIENCES)
PLATFORMS = tuple(redirect_rules.PLATFORMS)
LONGEST_DELAY_S = 600.0
LAST_MOMENT = 4_102_444_800.0  # the year 2100, which every date format still holds
MOST_FAULTS = 10_000
SECRET_DAYS = 180.0
SERVER = re.compile(r"/((?!\.\.?/)[A-Za-z0-9._~%@+-]+/){0,8}")


class BadRequest(Exception):
    """What was asked of `_control` makes no sense; the text says why."""


Handler = Callable[[Request], Awaitable[Response]]


def _saying_why(handler: Handler) -> Handler:
    """Turn a BadRequest into its answer."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except BadRequest as problem:
            return JSONResponse({"error": str(problem)}, 400)

    return answer


async def _asked(request: Request, **known: Any) -> dict[str, Any]:
    """Return the members of the request's JSON object over their defaults."""
    body = await request.body()
    if body and request.headers.get("content-type", "").split(";")[0] != "application/json":
        # A form of a foreign page can't set this type without asking first (CORS).
        raise BadRequest("Send JSON, with Content-Type: application/json.")
    try:
        asked = json.loads(body or b"{}")
    except (ValueError, RecursionError) as error:
        raise BadRequest("The body is not valid JSON.") from error
    if not isinstance(asked, dict):
        raise BadRequest("The body must be a JSON object.")
    if unknown := sorted(set(asked) - set(known)):
        raise BadRequest(f"Unknown: {', '.join(unknown)}. Known: {', '.join(known) or 'none'}.")
    return {**known, **asked}


def _number(name: str, value: Any, low: float, high: float) -> float:
    good = isinstance(value, int | float) and not isinstance(value, bool)
    if not good or not math.isfinite(value) or not low <= value <= high:
        raise BadRequest(f"{name} must be a number from {low:g} to {high:g}.")
    return float(value)


def _whole(name: str, value: Any, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BadRequest(f"{name} must be a whole number from {low} to {high}.")
    return value


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadRequest(f"{name} must be true or false.")
    return value


def _one_of(name: str, value: Any, choices: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in choices:
        raise BadRequest(f"{name} must be one of: {', '.join(choices)}.")
    return value


async def add_faults(request: Request) -> Response:
    """POST /_control/faults: bend the next answers of a path."""
    asked = await _asked(
        request, path=None, status=None, deliver=False, delay_s=0, drop_after=None,
        retry_after=None, count=1,
    )  # fmt: skip
    fault = Fault(
        path=_fault_path(asked["path"]),
        status=_optional(_whole, "status", asked["status"], 200, 599),
        deliver=_flag("deliver", asked["deliver"]),
        delay_s=_number("delay_s", asked["delay_s"], 0, LONGEST_DELAY_S),
        drop_after=_optional(_whole, "drop_after", asked["drop_after"], 0, 2**31),
        retry_after=_retry_after(asked["retry_after"]),
    )
    count = _whole("count", asked["count"], 1, MOST_FAULTS)
    if not (fault.status or fault.delay_s or fault.retry_after) and fault.drop_after is None:
        raise BadRequest("This bends nothing: give a status, delay_s or drop_after.")
    request.app.state.faults.add(fault, count)
    return JSONResponse({"added": count})


def _optional(check: Callable[..., Any], name: str, value: Any, low: int, high: int) -> Any:
    return None if value is None else check(name, value, low, high)


def _fault_path(path: Any) -> str:
    if not isinstance(path, str) or not path.startswith("/") or "?" in path:
        raise BadRequest("path must be a path that starts with a slash, without a query.")
    if path.startswith("/_control"):
        raise BadRequest("The control itself can't be bent.")
    return path


def _retry_after(value: Any) -> float | str | None:
    """Accept seconds, whole or not, or a text such as an HTTP date (RFC 9110 §10.2.3)."""
    if value is None or (isinstance(value, str) and value.isascii() and value.isprintable()):
        return value
    _number("retry_after", value, 0, 86400)
    seconds: float = value  # a whole number stays one, as it goes into the header
    return seconds


async def cancel_faults(request: Request) -> Response:
    """DELETE /_control/faults: cancel those that still wait."""
    return JSONResponse({"cancelled": request.app.state.faults.cancel()})


async def set_limits(request: Request) -> Response:
    """POST /_control/limits: throttle mailbox calls as Microsoft does, or by other numbers."""
    asked = await _asked(request, **asdict(Limits(enabled=True)))
    limits = Limits(
        enabled=_flag("enabled", asked["enabled"]),
        requests=_whole("requests", asked["requests"], 1, 1_000_000),
        window_s=_number("window_s", asked["window_s"], 1, 86400),
        concurrent=_whole("concurrent", asked["concurrent"], 1, 1000),
        messages_per_minute=_whole("messages_per_minute", asked["messages_per_minute"], 1, 10_000),
        upload_mb=_whole("upload_mb", asked["upload_mb"], 1, 10_000),
        upload_window_s=_number("upload_window_s", asked["upload_window_s"], 1, 86400),
        message_mb=_whole("message_mb", asked["message_mb"], 1, 150),
    )
    request.app.state.throttle.set(limits)
    return JSONResponse(asdict(limits))


async def requests(request: Request) -> Response:
    """GET /_control/requests: how often each path was asked for."""
    return JSONResponse(request.app.state.faults.requests())


async def mailbox(request: Request) -> Response:
    """GET /_control/mailbox: every mail that was accepted, newest first; a learner's, theirs."""
    mailboxes = request.app.state.mailboxes

    def shown(message: Message) -> dict[str, Any]:
        files = mailboxes.attachments(message.id)
        return {
            "id": message.id,
            "subject": message.subject,
            "recipients": message.recipients(),
            "body": message.body,
            "attachments": [
                {"name": one.name, "size": one.size, "sha256": one.sha256} for one in files
            ],
        }

    visitor = people.visitor(request)
    found = mailboxes.accepted_of(visitor) if visitor else mailboxes.accepted()
    return JSONResponse([shown(message) for message in found])


async def clock(request: Request) -> Response:
    """POST /_control/clock: move the sandbox's clock, forward or back."""
    asked = await _asked(request, advance_s=None)
    store = request.app.state.store
    now = store.now()
    store.advance(_number("advance_s", asked["advance_s"], -now, LAST_MOMENT - now))
    return JSONResponse({"now": store.now()})


async def register(request: Request) -> Response:
    """POST /_control/register: register an app, with a secret."""
    asked = await _asked(
        request, display_name="Test app", redirect_uris=list(directory.DEFAULT_REDIRECT_URIS),
        sign_in_audience="AzureADMultipleOrgs", platform="web",
        permissions=list(directory.DEFAULT_PERMISSIONS), disabled=False, assigned=None,
        id_tokens_by_authorize=False,
    )  # fmt: skip
    if not isinstance(asked["display_name"], str) or not 0 < len(asked["display_name"]) <= 120:
        raise BadRequest("display_name must be a text of 1 to 120 characters.")
    platform = _one_of("platform", asked["platform"], PLATFORMS)
    audience = _one_of("sign_in_audience", asked["sign_in_audience"], AUDIENCES)
    uris = [RedirectUri(uri, platform) for uri in _redirect_uris(asked["redirect_uris"])]
    permissions, disabled = _permissions(asked["permissions"]), _flag("disabled", asked["disabled"])
    store = request.app.state.store
    app = store.register(
        asked["display_name"], uris, audience, permissions, owner=people.owner(request)
    )
    app.disabled = disabled
    hybrid = asked["id_tokens_by_authorize"]
    app.id_tokens_by_authorize = _flag("id_tokens_by_authorize", hybrid)
    if asked["assigned"] is not None:
        app.assigned = _texts("assigned", asked["assigned"])
    value, secret = store.add_secret(app, "Made by _control", SECRET_DAYS)
    answer = {
        "client_id": app.client_id,
        "client_secret": value,
        "secret_id": secret.secret_id,
        "tenant": directory.TENANT_ID,
    }
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


def _texts(name: str, value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise BadRequest(f"{name} must be a list of texts.")
    return value


def _permissions(names: Any) -> list[str]:
    known = list(directory.PERMISSIONS)  # a list, which may be asked for anything
    if not isinstance(names, list) or not all(one in known for one in names):
        raise BadRequest(f"permissions must be a list of names from: {', '.join(known)}.")
    return names


def _redirect_uris(uris: Any) -> list[str]:
    texts = _texts("redirect_uris", uris)
    for uri in texts:
        if not _is_absolute(uri):
            raise BadRequest(f"{uri!r} is not an absolute URI without a fragment.")
    return texts


def _is_absolute(uri: str) -> bool:
    try:
        parts = urlsplit(uri)
    except ValueError:
        return False
    return bool(parts.scheme and (parts.netloc or parts.path)) and "#" not in uri


async def reset(request: Request) -> Response:
    """POST /_control/reset: forget mails, faults, counters, limits, consents and clock."""
    await _asked(request)
    state = request.app.state
    state.mailboxes.reset()
    state.faults.reset()
    state.throttle.set(Limits())
    state.store.reset()
    return JSONResponse({})


async def roll_keys_over(request: Request) -> Response:
    """POST /_control/keys: let the next key sign; the last one stays published for once more."""
    await _asked(request)
    keys = request.app.state.keys
    keys.roll_over()
    return JSONResponse({"kid": keys.current.kid})


async def ready(request: Request) -> Response:
    """GET /_control/ready: which process answers here; `connect()` compares it."""
    return JSONResponse({"pid": os.getpid()})


async def add_owner(request: Request) -> Response:
    """POST /_control/owners: one more process that this sandbox lives for."""
    asked = await _asked(request, pid=None)
    pid = _whole("pid", asked["pid"], 1, 2**31)
    if not request.app.state.owners.add(pid):
        return JSONResponse({"error": "This sandbox is about to end."}, 409)
    return JSONResponse({})


async def join(request: Request) -> Response:
    """POST /_control/join: in a class, what `connect()` in a learner's kernel is to know.

    server is the path of the learner's own server on the hub, "/user/ada/", and port where its
    kernels listen for a code.
    """
    asked = await _asked(request, server=None, port=None)
    learner, classroom = people.learner(request), request.app.state.classroom
    if learner is None or classroom is None:
        raise BadRequest("Only a learner joins, and only a class.")
    if not isinstance(asked["server"], str) or not SERVER.fullmatch(asked["server"]):
        raise BadRequest('server must be a path such as "/user/ada/".')
    port = _whole("port", asked["port"], 1, 65535)
    state, base = request.app.state, public.base(request)
    known = {"authority": state.authority, "graph": state.graph, "public": base}
    known |= {"portal": f"{base}/portal", "mailbox": f"{base}/mailbox"}
    known |= {"ca": None, "pid": os.getpid()}
    known |= classroom.joined(state.store, learner, asked["server"], port)
    return JSONResponse(known, headers={"Cache-Control": "no-store"})


ROUTES = [
    Route("/_control/join", _saying_why(join), methods=["POST"]),
    Route("/_control/faults", _saying_why(add_faults), methods=["POST"]),
    Route("/_control/faults", cancel_faults, methods=["DELETE"]),
    Route("/_control/limits", _saying_why(set_limits), methods=["POST"]),
    Route("/_control/requests", requests, methods=["GET"]),
    Route("/_control/mailbox", mailbox, methods=["GET"]),
    Route("/_control/clock", _saying_why(clock), methods=["POST"]),
    Route("/_control/register", _saying_why(register), methods=["POST"]),
    Route("/_control/reset", _saying_why(reset), methods=["POST"]),
    Route("/_control/keys", _saying_why(roll_keys_over), methods=["POST"]),
    Route("/_control/ready", ready, methods=["GET"]),
    Route("/_control/owners", _saying_why(add_owner), methods=["POST"]),
]
