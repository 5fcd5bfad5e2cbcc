"""The mail pages: what apps have sent through the sandbox, shown safely.

A mail is text from somebody else. Jinja escapes it; an HTML body is shown in a frame that may
run nothing and load nothing; an attachment is only ever downloaded. Ids are looked up in the
database and never become part of a file name.
"""

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from . import pages, people
from .files import one_by_one
from .graph import mime
from .mailboxes import Mailboxes
from .manifest import iso_time
from .message import ACCEPTED, DELETED, DRAFTS, FOLDERS, INBOX, NOBODY, SENT, Message

PAGE_SIZE = 50
SHOWN = {name: FOLDERS[name] for name in (INBOX, DRAFTS, SENT, DELETED)}
LONGEST_FILE_NAME = 120  # characters

BODY_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
)
FOREIGN_HEADERS = {
    "Content-Security-Policy": BODY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-DNS-Prefetch-Control": "off",  # a link in a mail tells nobody that it was opened
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def _mailboxes(request: Request) -> Mailboxes:
    mailboxes: Mailboxes = request.app.state.mailboxes
    return mailboxes


def _message(request: Request) -> Message | None:
    """Return the mail that the path names; in a class, one's own copy of it."""
    visitor = people.visitor(request)
    owner = visitor.oid if visitor else None
    return _mailboxes(request).message(request.path_params["id"], owner)


def _no_such_mail(request: Request) -> Response:
    return pages.not_found(request, "There is no mail with this ID in the sandbox.")


async def mail_list(request: Request) -> Response:
    """GET /mailbox: all accepted mail, or ?user=&folder= of one person; newest first."""
    query = request.query_params
    chosen, folder = query.get("user", ""), query.get("folder") or INBOX
    everybody = request.app.state.store.people
    visitor = people.visitor(request)
    user = visitor or everybody.user(chosen)
    if chosen and (user is None or not user.has_mailbox or not user.answers_to(chosen)):
        return pages.not_found(request, "No mailbox in this sandbox has this address.")
    if folder not in SHOWN:
        return pages.not_found(request, "There is no mail folder with this name.")
    owner, place = (user.oid, folder) if user else (NOBODY, ACCEPTED)
    page = _page_number(query.get("page", "1"))
    found = _mailboxes(request).messages(owner, place, PAGE_SIZE + 1, PAGE_SIZE * (page - 1))
    return pages.render(
        request,
        "mail_list.html",
        users=[one for one in ([visitor] if visitor else everybody.everybody()) if one.has_mailbox],
        folders=SHOWN,
        user=user,
        folder=folder,
        messages=found[:PAGE_SIZE],
        page=page,
        has_more=len(found) > PAGE_SIZE,
        iso_time=iso_time,
    )


def _page_number(text: str) -> int:
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,6}", text) else 1


async def show_mail(request: Request) -> Response:
    """GET /mailbox/{id}: one mail with its recipients, body and attachments."""
    message = _message(request)
    if message is None:
        return _no_such_mail(request)
    response = pages.render(
        request,
        "mail.html",
        message=message,
        people=_people(message),
        folder=FOLDERS.get(message.folder, "All accepted mail"),
        attachments=_mailboxes(request).attachments(message.id),
        iso_time=iso_time,
    )
    response.headers["Content-Security-Policy"] += "; frame-src 'self'"
    return response


def _people(message: Message) -> dict[str, list[dict[str, str]]]:
    """Return who stands in each header: {"To": [{"name", "address"}]}."""
    labels = {"To": "toRecipients", "Cc": "ccRecipients", "Bcc": "bccRecipients"}
    found = {
        label: [one["emailAddress"] for one in message.content.get(name) or []]
        for label, name in labels.items()
    }
    return {"From": [message.content["from"]["emailAddress"]], **found}


async def show_body(request: Request) -> Response:
    """GET /mailbox/{id}/body: the body alone, for the frame of its page."""
    message = _message(request)
    if message is None:
        return _no_such_mail(request)
    kind = HTMLResponse if message.is_html else PlainTextResponse
    return kind(message.body, 200, FOREIGN_HEADERS)


async def download(request: Request) -> Response:
    """GET /mailbox/{id}/attachments/{attachment_id}: a file to save, never to show."""
    files = _mailboxes(request).attachments(message.id) if (message := _message(request)) else []
    wanted = request.path_params["attachment_id"]
    found = next((one for one in files if one.id == wanted), None)
    if found is None:
        return pages.not_found(request, "There is no such attachment in the sandbox.")
    pieces = _mailboxes(request).files.pieces(found)
    return _saved(pieces, found.name, "application/octet-stream")


async def source(request: Request) -> Response:
    """GET /mailbox/{id}/mime: the whole mail as a file that mail programs open (RFC 5322)."""
    message = _message(request)
    if message is None:
        return _no_such_mail(request)
    name = file_name(re.sub(r"[/\\]", "_", message.subject) or "mail")
    return _saved(mime.source(_mailboxes(request), message), f"{name}.eml", "message/rfc822")


def _saved(pieces: Iterable[bytes], name: str, content_type: str) -> Response:
    """Return a file for a browser to save."""
    headers = {**FOREIGN_HEADERS, "Content-Disposition": _disposition(name)}
    return StreamingResponse(one_by_one(pieces), 200, headers, content_type)


def _disposition(name: str) -> str:
    """Return the header that makes a browser save the answer (RFC 6266)."""
    safe = file_name(name)
    plain = safe.encode("ascii", "replace").decode().replace("?", "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(safe, safe='')}"


def file_name(name: str) -> str:
    """Return a name that stays in the download folder, whatever the sender called the file."""
    last = re.split(r"[/\\]", name)[-1]
    shown = "".join(one for one in last if unicodedata.category(one)[0] not in "CZ" or one == " ")
    safe = re.sub(r'[<>:"|?*%;]', "_", shown).strip(". ")
    return _shortened(safe) or "attachment"


def _shortened(name: str) -> str:
    """Cut a long name in the middle, so that the ending still says what the file is."""
    if len(name) <= LONGEST_FILE_NAME:
        return name
    return name[: LONGEST_FILE_NAME - 20] + name[-20:]


ROUTES = [
    Route("/mailbox", mail_list),
    Route("/mailbox/{id}", show_mail),
    Route("/mailbox/{id}/body", show_body),
    Route("/mailbox/{id}/mime", source),
    Route("/mailbox/{id}/attachments/{attachment_id}", download),
]
