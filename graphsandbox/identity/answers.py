"""The forms in which the identity side answers: to the app, as JSON, and on its error page."""

import base64
import json
import re
import secrets
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from .. import pages, public
from ..directory import User
from ..refusals import Refused
from . import redirect_uris

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@dataclass(frozen=True)
class Reply:
    """Where and how the app wants its answer."""

    uri: str
    mode: str = "query"  # "query", "fragment" or "form_post"
    state: str | None = None


@dataclass(frozen=True)
class Incident:
    """The numbers by which support would find a refusal again."""

    trace_id: str
    correlation_id: str
    at: datetime

    @classmethod
    def of(cls, request: Request) -> "Incident":
        """Note a refusal; a client-request-id that is a GUID becomes its correlation id."""
        sent = request.headers.get("client-request-id") or request.query_params.get(
            "client-request-id", ""
        )
        at = datetime.fromtimestamp(request.app.state.store.now(), UTC)
        return cls(str(uuid.uuid4()), _guid(sent) or str(uuid.uuid4()), at)

    @property
    def timestamp(self) -> str:
        """The time as refusals print it, with a space and no T."""
        return self.at.strftime("%Y-%m-%d %H:%M:%SZ")

    def trailer(self, separator: str) -> str:
        """Return the three facts that follow each description."""
        return separator.join(
            (
                f"Trace ID: {self.trace_id}",
                f"Correlation ID: {self.correlation_id}",
                f"Timestamp: {self.timestamp}",
            )
        )


def send(request: Request, reply: Reply, fields: dict[str, str | None]) -> Response:
    """Send the browser to the app with these fields, in the response mode it asked for."""
    present = {name: value for name, value in fields.items() if value is not None}
    if reply.mode == "form_post":
        nonce = secrets.token_urlsafe(16)
        return pages.render(
            request,
            "form_post.html",
            script_nonce=nonce,
            action=reply.uri,
            fields=present,
            nonce=nonce,
        )
    uri = redirect_uris.with_path(reply.uri)
    mark = "#" if reply.mode == "fragment" else "&" if "?" in uri else "?"
    return RedirectResponse(uri + mark + form_encoded(present), 302, NO_STORE)


def refusal_to_app(
    request: Request, reply: Reply, refused: Refused, **more: str | None
) -> Response:
    """Tell the app by redirect that its request was refused (RFC 6749 §4.1.2.1)."""
    row, incident = refused.row("R"), Incident.of(request)
    fields: dict[str, str | None] = {"error": row.error}
    if row.number:
        lines = refused.description("R"), incident.trailer("\r\n")
        fields["error_description"] = "\r\n".join(lines)
        fields["error_uri"] = error_uri(request, row.number)
    if row.suberror:
        fields["error_subcode"] = row.suberror
    return send(request, reply, {**fields, **more, "state": reply.state})


def refusal_page(request: Request, refused: Refused, change_account: bool = False) -> Response:
    """Show a refusal on the sign-in page: the address to redirect to is not to be trusted.

    Or the person can do something about it, such as to change_account.
    """
    incident = Incident.of(request)
    description = refused.description("P")
    return pages.render(
        request,
        "error.html",
        status_code=400,
        code=refused.number,
        text=description,
        request_id=incident.trace_id,
        correlation_id=incident.correlation_id,
        timestamp=incident.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        message=description,
        hint=refused.row("P").hint,
        change_account=change_account,
    )


def refusal_json(request: Request, refused: Refused, where: str = "T") -> Response:
    """Return a refusal in the form of the token endpoint (Microsoft: error codes)."""
    row, incident = refused.row(where), Incident.of(request)
    body: dict[str, object] = {
        "error": row.error,
        "error_description": f"{refused.description(where)} {incident.trailer(' ')}",
        "error_codes": [row.number],
        "timestamp": incident.timestamp,
        "trace_id": incident.trace_id,
        "correlation_id": incident.correlation_id,
        "error_uri": error_uri(request, row.number),
    }
    if row.suberror:
        body["suberror"] = row.suberror
    headers = NO_STORE | {"x-ms-request-id": incident.trace_id}
    if row.status == 401 and "authorization" in request.headers:
        headers["WWW-Authenticate"] = 'Basic realm="graphsandbox"'  # RFC 6749 §5.2
    return JSONResponse(body, row.status, headers)


def error_uri(request: Request, number: int) -> str:
    """Return the address of the page that knows this number."""
    return f"{public.base(request)}/error?code={number}"


def client_info(user: User) -> str:
    """Return who signed in, in the form in which MSAL files its accounts."""
    text = json.dumps({"uid": user.oid, "utid": user.tenant_id}, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def form_encoded(fields: dict[str, str]) -> str:
    """Return fields form-encoded as Entra does: `+` for a space, escapes in lower case."""
    return re.sub("%[0-9A-F]{2}", lambda escape: escape[0].lower(), urlencode(fields))


def _guid(text: str) -> str | None:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None
