"""Files of 3 to 150 MB, which come in ranges (Microsoft: "Attach large files").

The address that createUploadSession gives carries its own authority: whoever has it may send
the file without a token, and nothing else. The first range starts at 0 and each next one where
the last ended; GET says where that is, so that an upload can go on after a broken connection.
"""

import hmac
import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..files import Upload, new_id
from ..mailboxes import Mailboxes
from ..store import digest
from . import access, attachments, compose, shown
from .call import JSON_TYPE, Call
from .errors import GraphError, refused, request_headers, respond

SMALLEST = 2 * 1024 * 1024  # bytes; "3 MB" in the documents, seen on the wire (2020)
LARGEST = 150 * 1024 * 1024
LIFETIME_S = 3600.0  # after the last range; Microsoft's is not known
RANGE = re.compile(r"bytes (\d{1,12})-(\d{1,12})/(\d{1,12})", re.IGNORECASE)


async def start(call: Call) -> Response:
    """POST .../attachments/createUploadSession: the address to send a large file to."""
    mailboxes, message = access.message(call, *access.WRITE)
    attachments.check_draft(message)
    item = compose.attachment_item(await call.payload())
    _check_size(item["size"])
    attachments.check_room(call, message, item["size"])
    secret = secrets.token_urlsafe(32)
    upload = Upload(
        id=new_id(),
        digest=digest(secret),
        message_id=message.id,
        name=item["name"],
        content_type=item["contentType"],
        is_inline=item["isInline"],
        content_id=item["contentId"],
        size=item["size"],
        received=0,
        expires_at=call.request.app.state.store.now() + LIFETIME_S,
    )
    mailboxes.files.start(upload, call.request.app.state.store.now())
    person = f"{call.request.app.state.graph}/api/v2.0/Users('{call.person.oid}')"
    session = f"{person}/Messages('{message.id}')/AttachmentSessions('{upload.id}')"
    answer = {
        "@odata.context": f"{call.root}/$metadata#microsoft.graph.uploadSession",
        "uploadUrl": f"{session}?authtoken={secret}",
        "expirationDateTime": shown.time(upload.expires_at),
        "nextExpectedRanges": ["0-"],
    }
    return call.data(answer, 201)


def _check_size(size: int) -> None:
    """Refuse what is too small for this way, or too large for any."""
    if size < SMALLEST:
        raise refused("attachment_too_small")
    if size > LARGEST:
        raise refused("attachment_too_large")


Handler = Callable[[Request, Mailboxes, Upload], Awaitable[Response]]


def session(**methods: Handler) -> Callable[[Request], Awaitable[Response]]:
    """Return the handler of upload addresses: the secret in it is checked, no token."""

    async def handler(request: Request) -> Response:
        try:
            upload = _of_address(request)
            if request.method not in methods:
                raise refused("wrong_method", {"Allow": ", ".join(methods)})
            return await methods[request.method](request, request.app.state.mailboxes, upload)
        except GraphError as error:
            return respond(request, error)

    return handler


def _of_address(request: Request) -> Upload:
    """Return the upload that an address is good for; its end is its expiry."""
    state, path = request.app.state, request.path_params
    upload: Upload | None = state.mailboxes.files.upload(path["session"])
    given = digest(request.query_params.get("authtoken", ""))
    if upload is None or upload.message_id != path["id"] or upload.expires_at < state.store.now():
        raise refused("no_such_upload")
    if not hmac.compare_digest(given, upload.digest):
        raise refused("upload_without_secret")
    return upload


async def put(request: Request, mailboxes: Mailboxes, upload: Upload) -> Response:
    """PUT: the next range. The last one answers 201 and says where the file is."""
    content = await request.body()
    state = request.app.state
    state.throttle.check_upload(request.path_params["user"], len(content), state.store.now())
    if not _fits(request.headers.get("content-range", ""), len(content), upload):
        headers = {"Content-Range": f"bytes */{upload.size}"}
        raise refused("wrong_range", headers, received=upload.received, size=upload.size)
    expires_at = request.app.state.store.now() + LIFETIME_S
    attached = mailboxes.files.add_piece(upload, content, expires_at)
    if attached is None:
        return await progress(request, mailboxes, mailboxes.files.upload(upload.id) or upload)
    person = f"{request.app.state.graph}/v1.0/Users('{request.path_params['user']}')"
    location = f"{person}/Messages('{upload.message_id}')/Attachments('{attached}')"
    return Response(status_code=201, headers={**request_headers(request), "Location": location})


def _fits(text: str, length: int, upload: Upload) -> bool:
    """Say whether this is the range that comes next, and whether the body fills it."""
    found = RANGE.fullmatch(text.strip())
    if found is None or not length:
        return False
    first, last, size = map(int, found.groups())
    return (first, last, size) == (upload.received, upload.received + length - 1, upload.size)


async def progress(request: Request, mailboxes: Mailboxes, upload: Upload) -> Response:
    """GET: where the next range starts. The spelling of the members is Exchange's."""
    graph = request.app.state.graph
    answer: dict[str, Any] = {
        "@odata.context": f"{graph}/api/v2.0/$metadata#Microsoft.OutlookServices.UploadSession",
        "ExpirationDateTime": shown.time(upload.expires_at),
        "nextExpectedRanges": [str(upload.received)],
    }
    return JSONResponse(answer, 200, {**request_headers(request), "Content-Type": JSON_TYPE})


async def cancel(request: Request, mailboxes: Mailboxes, upload: Upload) -> Response:
    """DELETE: give the upload up."""
    mailboxes.files.cancel(upload)
    return Response(status_code=204, headers=request_headers(request))
