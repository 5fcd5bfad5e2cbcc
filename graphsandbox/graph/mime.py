"""Mail as MIME: what a mail program would write or open (RFC 5322; Microsoft: "mime")."""

import base64
import binascii
import email
import email.policy
import re
import secrets
from collections.abc import Iterable, Iterator
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses, quote
from typing import Any

from ..files import Attachment, StoredAttachment
from ..mailboxes import Mailboxes
from ..message import Message
from .compose import Draft, check_recipients
from .errors import refused
from .shown import moment

HEADERS = {"To": "toRecipients", "Cc": "ccRecipients", "Bcc": "bccRecipients"}
FILE_TYPE = re.compile(r"(application|audio|font|image|model|text|video)/([A-Za-z0-9.+-]+)")
HEADER_NAME = re.compile(r"[!-9;-~]+")
POLICY = email.policy.SMTP  # lines end in CRLF (RFC 5322 §2.1)


def read(body: bytes, finished: bool = True) -> Draft:
    """Read the base64 of a MIME text, or refuse it (`ErrorMimeContentInvalidBase64String`)."""
    try:
        wire = base64.b64decode(b"".join(body.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise refused("invalid_base64") from error
    if not wire:
        raise refused("invalid_base64")
    try:
        draft = _draft(email.message_from_bytes(wire, policy=email.policy.default))
    except (ValueError, LookupError, AttributeError, TypeError, IndexError, KeyError) as error:
        # Python's parser stumbles over some headers and charsets.
        raise refused("invalid_mime") from error
    if finished:
        check_recipients(draft.content)
    return draft


def _draft(parsed: Any) -> Draft:
    text = parsed.get_body(("html", "plain"))
    kind = "html" if text is not None and text.get_content_subtype() == "html" else "text"
    content: dict[str, Any] = {
        "subject": _clean(str(parsed.get("Subject", ""))),
        "body": {"contentType": kind, "content": _clean(text.get_content()) if text else ""},
        **{name: _recipients(parsed, header) for header, name in HEADERS.items()},
        "replyTo": _recipients(parsed, "Reply-To"),
        "internetMessageHeaders": [
            {"name": name, "value": _clean(str(value))}
            for name, value in parsed.items()
            if name.lower().startswith("x-")
        ],
    }
    if sender := _recipients(parsed, "From"):
        content["from"] = sender[0]
    return Draft(content, [_file(one) for one in parsed.iter_attachments()], save_to_sent=True)


def _recipients(parsed: Any, header: str) -> list[dict[str, Any]]:
    values = [_clean(str(one)) for one in parsed.get_all(header, [])]
    return [
        {"emailAddress": {"name": name or address, "address": address}}
        for name, address in getaddresses(values)
        if name or address
    ]


def _file(part: Any) -> Attachment:
    found = part.get_payload(decode=True)
    if found is None:  # a mail within the mail
        found = b"".join(one.as_bytes() for one in part.get_payload())
    return Attachment(
        name=_clean(part.get_filename() or "attachment"),
        content_type=part.get_content_type(),
        content=found,
        is_inline=part.get_content_disposition() == "inline",
        content_id=str(part["Content-ID"]).strip("<> ") if part["Content-ID"] else None,
    )


def _clean(text: str) -> str:
    """Return a text without halves of characters, which no database takes."""
    return text.encode("utf-8", "replace").decode()


def source(mailboxes: Mailboxes, message: Message) -> Iterator[bytes]:
    """Return a message as a mail program would save it; no file is in memory as a whole."""
    files = mailboxes.attachments(message.id)
    mail = _head(message)
    mail.set_content(message.body, subtype="html" if message.is_html else "plain", cte="base64")
    if not files:
        return iter([mail.as_bytes()])
    mail.make_mixed(boundary := f"=_{secrets.token_hex(16)}")
    for one in files:
        known = FILE_TYPE.fullmatch(one.content_type)
        main, sub = known.groups() if known else ("application", "octet-stream")
        mail.add_attachment(
            b"",  # its content comes later
            maintype=main,
            subtype=sub,
            filename=_line(one.name),
            disposition="inline" if one.is_inline else "attachment",
            cid=f"<{_line(one.content_id)}>" if one.content_id else None,
        )
    return _filled(mail.as_bytes(), f"--{boundary}".encode(), mailboxes, files)


def _head(message: Message) -> EmailMessage:
    mail = EmailMessage(policy=POLICY)
    content = message.content
    mail["Subject"] = _line(message.subject)
    mail["From"] = _people([content["from"]])
    for header, name in {**HEADERS, "Reply-To": "replyTo"}.items():
        if content.get(name):
            mail[header] = _people(content[name])
    mail["Date"] = format_datetime(moment(message.received_at))
    mail["Message-ID"] = _line(content["internetMessageId"])
    for one in content.get("internetMessageHeaders") or []:
        if HEADER_NAME.fullmatch(one["name"]):
            mail[one["name"]] = _line(one.get("value") or "")
    return mail


def _filled(
    wire: bytes, delimiter: bytes, mailboxes: Mailboxes, files: list[StoredAttachment]
) -> Iterator[bytes]:
    """Yield a message whose files are empty, with their contents put in."""
    head, body, *parts, end = wire.split(delimiter)
    yield head + delimiter + body
    for one, part in zip(files, parts, strict=True):
        yield delimiter + part.rstrip() + b"\r\n\r\n"
        yield from _base64(mailboxes.files.pieces(one))
    yield delimiter + end


def _base64(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what comes in pieces as lines of base64 (RFC 2045 §6.8)."""
    rest = b""
    for piece in pieces:
        rest += piece
        whole = len(rest) - len(rest) % 57  # bytes of a line
        yield base64.encodebytes(rest[:whole]).replace(b"\n", b"\r\n")
        rest = rest[whole:]
    yield base64.encodebytes(rest).replace(b"\n", b"\r\n")


def _people(recipients: list[dict[str, Any]]) -> str:
    return ", ".join(_person(one["emailAddress"]) for one in recipients)


def _person(one: dict[str, str]) -> str:
    name, address = _line(one["name"]), _line(one["address"])
    return address if name in ("", address) else f'"{quote(name)}" <{address}>'


def _line(text: str) -> str:
    """Return a text that fits in one header: a line break would begin another one."""
    return " ".join(text.split())
