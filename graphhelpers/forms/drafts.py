"""What the form of a mail shows before it is sent: each as Message itself reads it."""

from collections.abc import Mapping
from typing import Any

from ..display import escaped, table
from ..errors import MessageError
from ..mail import BETWEEN_COMMAS, Message
from .fields import TEXT

ANYBODY = "ada@contoso.example"  # a Message needs a recipient, also to try a file
UPLOADED = "3 MB or more: the files go to a draft first, which needs Mail.ReadWrite"
MOST_LOOKED_AT = 500  # so many a mail can have; a field may hold a pasted book


def recipients_read(name: str, text: str) -> str:
    """Return a line for each recipient in a field of `to`, `cc` or `bcc`, or what is wrong."""
    nobody: dict[str, Any] = {"to": ()}
    lines: dict[str, str] = {}  # by address, since each gets one mail
    for part in parted(text)[:MOST_LOOKED_AT]:
        try:
            message = Message("", "", **nobody | {name: part})
        except MessageError as error:
            lines[part] = _wrong(error)
        else:
            address = message.recipients[0]
            lines.setdefault(address.lower(), f"{name.title()}: {_people(getattr(message, name))}")
    return "\n".join(lines.values())


def files_read(text: str) -> str:
    """Return a line for each attachment, or what is wrong with it or with all together."""
    lines, usable = [], []
    for path in paths_in(text)[:MOST_LOOKED_AT]:
        try:
            lines += _files(Message("", "", ANYBODY, attachments=[path]))
            usable.append(path)
        except MessageError as error:
            lines.append(_wrong(error))
    try:
        if Message("", "", ANYBODY, attachments=usable).is_large:
            lines.append(UPLOADED)
    except MessageError as error:
        lines.append(_wrong(error))
    return "\n".join(lines)


def preview(message: Message) -> str:
    """Return the mail as HTML. A mail's own HTML stays source: in this page it could run."""
    kind = "HTML, shown here as its source" if message.html else "plain text"
    members = {
        "To": _people(message.to),
        "Cc": _people(message.cc),
        "Bcc": _people(message.bcc),
        "Subject": message.subject or "(none)",
        "Files": "; ".join(_files(message)),
        "Text": f"{kind}, {len(message.body):,} characters",
    }
    head = table("Preview", {name: value for name, value in members.items() if value})
    body = f'<div style="border:1px solid;padding:0.5em">{escaped(message.body)}</div>'
    return f'<div style="{TEXT}">{head}{body}</div>'


def paths_in(text: str) -> list[str]:
    """Return the paths in a field, between commas or semicolons; one that has some, in quotes."""
    return [path.strip('"') for path in parted(text)]


def parted(text: str) -> list[str]:
    """Return what stands between commas and semicolons, as Message parts addresses."""
    return list(filter(None, map(str.strip, BETWEEN_COMMAS.findall(text))))


def _wrong(error: MessageError) -> str:
    return f"Not usable: {error.what} {error.why}"


def _people(recipients: Any) -> str:
    return ", ".join(_person(one["emailAddress"]) for one in recipients)


def _person(email: Mapping[str, str]) -> str:
    return f"{email['name']} <{email['address']}>" if "name" in email else email["address"]


def _files(message: Message) -> list[str]:
    files = ((one.as_json(), one.size) for one in message.files)
    return [f"{file['name']}: {size:,} bytes, {file['contentType']}" for file, size in files]
