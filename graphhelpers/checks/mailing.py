"""Which answers to the exercises of chapter 4 are right, and what a wrong one lacks.

Each function takes an answer, and returns "" when it is right, else what isn't yet.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from ..display import one_line

TOO_MANY = ("too many requests", "429")


def _cases(answer: Any) -> set[str]:
    """Return the statuses in an answer such as [429] or "HTTP 429", and what is none."""
    each = [answer] if isinstance(answer, str | int | float) else answer
    cases = set()
    for one in (part.strip().lower() for text in each for part in str(text).split(",")):
        cases |= set(re.findall(r"\b[1-5]\d\d\b", one)) or {one.replace(*TOO_MANY)}
    return cases - {""}


def may_repeat(answer: Any) -> str:
    named = _cases(answer)
    if wrong := named - {"429"}:
        return f"After {one_line(sorted(wrong)[0])} the mail may have gone out already."
    return "" if named else "One of them says for certain that nothing was begun."


# What a message may hold (Microsoft: "message resource type").
OF_A_MAIL = {"message", "saveToSentItems"}
OF_A_MESSAGE = set(
    "subject body importance inferenceClassification toRecipients ccRecipients bccRecipients"
    " replyTo sender from attachments categories internetMessageHeaders flag extensions"
    " singleValueExtendedProperties multiValueExtendedProperties isDeliveryReceiptRequested"
    " isReadReceiptRequested isRead isDraft id".split()
)


def by_hand(answer: Any) -> str:
    mail = json.loads(answer) if isinstance(answer, str) else answer
    if isinstance(mail, Mapping) and not mail.keys() & {"message", "Message"}:
        return "The mail itself stands in a member `message`."
    try:
        mail = _members(mail, OF_A_MAIL, "the whole")
        message = _members(mail["message"], OF_A_MESSAGE, "`message`")
        body = _members(message.get("body", {}), {"contentType", "content"}, "`body`")
        to, copy = (_addresses(message, name) for name in ("toRecipients", "ccRecipients"))
    except _Otherwise as words:
        return str(words)
    wrong = {
        "The subject is Hello.": message.get("subject") != "Hello",
        "The content is a text, in the member `content` of the body.": not (
            body.get("content") and isinstance(body["content"], str)
        ),
        "The content is plain text.": str(body.get("contentType", "text")).lower() != "text",
        "`toRecipients` holds ada@contoso.example, and nobody else.": to != ["ada"],
        "`ccRecipients` holds grace@contoso.example, and nobody else.": copy != ["grace"],
        "`saveToSentItems` is True or False.": (
            str(mail.get("saveToSentItems", True)).lower() not in ("true", "false")
        ),
        "Nobody else gets it, so there are no `bccRecipients`.": message.get("bccRecipients"),
    }
    return next((words for words, is_wrong in wrong.items() if is_wrong), "")


class _Otherwise(Exception):
    """It isn't built as Graph takes it; the text says what is."""


def _members(value: Any, known: Collection[str], where: str) -> dict[str, Any]:
    """Return an object's members by their names in camel case; Pascal case is taken, too."""
    if not isinstance(value, Mapping):
        shape = ", ".join(f'"{name}": …' for name in sorted(known)) if len(known) < 3 else "…"
        raise _Otherwise(f"{where[:1].upper()}{where[1:]} is an object: {{{shape}}}.")
    named = {name[:1].lower() + name[1:]: one for name, one in value.items()}
    if unknown := sorted(set(named) - set(known)):
        name = next(name for name in value if name[:1].lower() + name[1:] == unknown[0])
        close = [one for one in known if one.lower() == unknown[0].lower()]
        better = f" It is written {close[0]}." if close else ""
        raise _Otherwise(f"Graph knows no {one_line(name)!r} in {where}.{better}")
    return named


def _addresses(message: Mapping[str, Any], field: str) -> list[str]:
    """Return who is named in a field; those of the exercise without their domain."""
    each = message.get(field, [])
    if not isinstance(each, list | tuple):
        raise _Otherwise(f"`{field}` is a list, also for one recipient: […].")
    found = []
    for one in each:
        one = _members(one, {"emailAddress"}, "a recipient")
        one = _members(one.get("emailAddress"), {"address", "name"}, "`emailAddress`")
        address = str(one.get("address"))
        if "@" not in address:
            raise _Otherwise("An address is written out, with what stands behind its @.")
        found.append(address.lower().removesuffix("@contoso.example"))
    return found


CHECKS: dict[str, Callable[..., str]] = {
    "may repeat": may_repeat,
    "by hand": by_hand,
}
