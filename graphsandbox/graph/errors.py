"""Graph's refusals: their JSON, and the headers that every answer of Graph carries.

The table of them all is refusals.toml. Two forms are on the wire: the gateway's
(authentication, routing) with an `innerError`, and Exchange's (mail calls) without one
(Microsoft: "Microsoft Graph error responses").
"""

import datetime
import json
import tomllib
import uuid
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

# What Graph says about the machine that answered. Here it is the sandbox, and says so.
DIAGNOSTIC = json.dumps(
    {
        "ServerInfo": {
            "DataCenter": "graphsandbox",
            "Slice": "E",
            "Ring": "5",
            "ScaleUnit": "000",
            "RoleInstance": "LOOPBACK",
        }
    },
    separators=(",", ":"),
)
LONGEST_ECHO = 200  # characters of a client-request-id that come back


class GraphError(Exception):
    """A refusal by Graph: `gateway` says which of the two forms it takes."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        gateway: bool = False,
        headers: dict[str, str] | None = None,
    ):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.gateway = gateway
        self.headers = headers or {}


REFUSALS = tomllib.loads(Path(__file__).with_name("refusals.toml").read_text("utf-8"))


def refused(name: str, headers: dict[str, str] | None = None, /, **values: Any) -> GraphError:
    """Return the refusal of this row of refusals.toml, with the values of this call."""
    row = REFUSALS[name]
    text = row["text"].format(**values)
    return GraphError(row["status"], row["code"], text, row.get("gateway", False), headers)


def request_headers(request: Request) -> dict[str, str]:
    """Return the headers by which a call can be found again at Microsoft's support.

    Strict-Transport-Security, which Graph sends too, is left out: a browser would apply it
    to everything else on localhost, whatever the port.
    """
    request_id = str(uuid.uuid4())
    client_request_id = request.headers.get("client-request-id", "")[:LONGEST_ECHO]
    return {
        "request-id": request_id,
        "client-request-id": client_request_id or request_id,
        "x-ms-ags-diagnostic": DIAGNOSTIC,
        "Cache-Control": "private",
    }


def respond(request: Request, error: GraphError) -> Response:
    """Return the refusal as Graph sends it."""
    headers = request_headers(request)
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.gateway:
        body["innerError"] = _inner_error(request, headers, error.status)
    text = json.dumps({"error": body}, ensure_ascii=False, separators=(",", ":"))
    # "replace": a refusal may quote what the caller sent, and that may be no character.
    encoded = text.encode("utf-8", "replace")
    return Response(encoded, error.status, {**headers, **error.headers}, "application/json")


def _inner_error(request: Request, headers: dict[str, str], status: int) -> dict[str, str]:
    """Return the gateway's addition: when, and the ids of the call; `date` has no zone.

    For a call that came too soon it says more (Microsoft: "throttling guidance").
    """
    now = datetime.datetime.fromtimestamp(request.app.state.store.now(), datetime.UTC)
    inner = {
        "date": now.strftime("%Y-%m-%dT%H:%M:%S"),
        "request-id": headers["request-id"],
        "client-request-id": headers["client-request-id"],
    }
    if status != 429:
        return inner
    return {"code": "429", **inner, "message": "Please retry after", "status": "429"}
