"""Check yourself: the reader's own answer, looked at; whoever is right is never told otherwise."""

import hashlib
import json
import re
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from ..display import one_line
from .verdict import HINTS, NOT_TRIED, NOT_YET, RIGHT, Verdict, card

Check = Callable[..., str]  # takes the answer; returns "" when it's right, else what isn't yet

_checks: dict[str, Check] = {}
_asked: Counter[str] = Counter()  # hints, by exercise


def exercise(name: str, answer: object, *context: object) -> Verdict:
    """Say how an exercise stands: not tried, not yet (with hints to open), or right, and why.

    `answer` is the reader's value or function; `context` what it is about, such as a token.
    Raises ValueError for an exercise that there isn't.
    """
    texts = card("exercises", name)
    hints = tuple(texts["hints"])
    if answer is ... or answer is None:
        return Verdict(NOT_TRIED, texts["title"], {}, hints, name)
    try:
        missing = _checks[name](answer, *context)
    except Exception as error:  # an unexpected kind of answer, or a function that fails
        missing = f"It ends in {type(error).__name__}: {one_line(error)}"
    if missing:
        return Verdict(NOT_YET, texts["title"], {"What": missing}, hints, name)
    return Verdict(RIGHT, texts["title"], {"Why": texts["right"]})


def hint(name: str) -> None:
    """Print the next hint of an exercise: a hint, then a better one, then the answer."""
    hints = card("exercises", name)["hints"]
    number = min(_asked[name], len(hints) - 1)
    _asked[name] += 1
    print(f"{HINTS[number]}: {hints[number]}")


def _exercise(name: str) -> Callable[[Check], Check]:
    def keep(check: Check) -> Check:
        _checks[name] = check
        return check

    return keep


def _words(answer: Any) -> list[str]:
    """Return the words of an answer, given as a text or as a collection of texts."""
    if isinstance(answer, str):
        answer = answer.replace(",", " ").split()
    return [str(word).strip() for word in answer]


def _refuses(function: Callable[..., object], *arguments: object) -> bool:
    """Say whether a function refuses: by an error, or by returning nothing of use."""
    try:
        return not function(*arguments)
    except Exception:
        return True


# What a value is called, in OAuth's words and in the portal's.
VALUES = {
    "client_secret": r"client[ _-]?secret|secret(?![ _-]*id)|\bvalue\b",
    "client_id": r"application \(client\)[ _-]?id|application[ _-]?id|client[ _-]?id",
    "redirect_uri": r"redirect[ _-]?ur[il]",
    "tenant": r"directory \(tenant\)[ _-]?id|directory[ _-]?id|tenant([ _-]?id)?",
}


@_exercise("public values")
def _public_values(answer: Any) -> str:
    left = answer if isinstance(answer, str) else ", ".join(str(one) for one in answer)
    named = set()
    for name, words in VALUES.items():
        left, found = re.subn(words, ",", left, flags=re.IGNORECASE)
        named |= {name} if found else set()
    if "client_secret" in named:
        return "One of these proves that the app is itself; whoever has it can be the app."
    if unknown := re.sub(r"\band\b|[\s,;&]+", " ", left).strip():
        return f"{one_line(unknown)} is none of the four."
    return "" if len(named) == 3 else "None of these is secret, and one more isn't either."


@_exercise("another port")
def _another_port(answer: Any) -> str:
    parts = urlsplit(getattr(answer, "redirect_uri", answer))
    if (parts.scheme, parts.hostname, parts.path) != ("http", "localhost", "/connect/get_token/"):
        return "All but the port is compared: scheme, host, path and the final slash."
    if parts.query or parts.fragment or parts.username is not None:
        return "It isn't the registered address any more: something was added to it."
    if not parts.port:
        return "Give a port from 1 to 65535, so that the notebook knows where to listen."
    return "That is the port that is taken." if parts.port == 8000 else ""


@_exercise("challenge")
def _challenge(answer: Any) -> str:
    # The example of RFC 7636, Appendix B, and one that nobody can have written down.
    for verifier in ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", secrets.token_urlsafe(40)):
        digest = hashlib.sha256(verifier.encode()).digest()
        given, wanted = answer(verifier), urlsafe_b64encode(digest).decode().rstrip("=")
        given = given.decode() if isinstance(given, bytes) else given
        if given == digest.hex():
            return "This is the hash in hexadecimal; the challenge is the hash in Base64url."
        if str(given).rstrip("=") == wanted and given != wanted:
            return "Nearly: Base64url has no = at its end here (RFC 7636, Appendix A)."
        if given != wanted:
            return f"For the verifier {verifier} it isn't {wanted} yet."
    return ""


@_exercise("our answer")
def _our_answer(answer: Any) -> str:
    code, state = secrets.token_urlsafe(12) + "+/=&", secrets.token_urlsafe(32)
    ours = urlencode({"code": code, "state": state, "session_state": "1"})
    if (given := answer(ours, state)) != code:
        return f"For {ours} the code is {code}, and it gave {one_line(repr(given))}."
    strangers = {
        "the state of another sign-in": {"code": code, "state": secrets.token_urlsafe(32)},
        "no state": {"code": code},
        "our state in another field": {"code": code, "session_state": state},
        "our state and a letter more": {"code": code, "state": f"{state}x"},
        "our state in other letter case": {"code": code, "state": state.swapcase()},
        "an empty state": {"code": code, "state": ""},
        "the beginning of the state": {"code": code, "state": state[:20]},
        "an error and no code": {"error": "access_denied", "state": state},
    }
    for what, query in strangers.items():
        if not _refuses(answer, urlencode(query), state):
            return f"It also takes an answer with {what}."
    return ""


@_exercise("least scopes")
def _least_scopes(answer: Any) -> str:
    asked = {word.lower() for text in _words(answer) for word in text.split()}
    if more := asked - {"openid", "profile", "offline_access"}:
        return f"This app needs no {one_line(', '.join(sorted(more)))}."
    without = {
        "openid": "Without openid no id_token comes.",
        "profile": "Without profile the id_token comes without a name.",
        "offline_access": "Without offline_access no refresh token comes.",
    }
    return next((words for name, words in without.items() if name not in asked), "")


SECONDS = 5  # by which an answer may be off that counts from the clock


def _answers_of_the_token_endpoint() -> Iterator[tuple[str, dict[str, Any], int]]:
    """Yield version, answer and seconds, as the two versions write them."""
    tokens = dict.fromkeys(("access_token", "refresh_token", "id_token"), "…")
    for lasts in (3599, 4799, 5398):
        both = {"token_type": "Bearer", "scope": "Mail.Send User.Read", **tokens}
        ends = {"expires_on": time.time() + lasts, "not_before": time.time() - 300}
        old = {name: str(int(moment)) for name, moment in ends.items()}
        old |= {"expires_in": str(lasts), "ext_expires_in": str(lasts)}
        yield "1", both | old | {"resource": "https://graph.microsoft.com"}, lasts
        yield "2.0", both | {"expires_in": lasts, "ext_expires_in": lasts}, lasts


@_exercise("seconds left")
def _seconds_left(answer: Any) -> str:
    for version, given, lasts in _answers_of_the_token_endpoint():
        told = answer(given)
        if isinstance(told, str) or not abs(told - lasts) <= SECONDS:
            says = f"Version {version} says {given['expires_in']!r}"
            return f"{says}, and it gave {one_line(repr(told))}."
    return ""


@_exercise("read the claims")
def _read_the_claims(answer: Any, token: Any) -> str:
    payload = token.id_token.split(".")[1]
    claims = json.loads(urlsafe_b64decode(f"{payload}=="))
    if isinstance(answer, tuple | list):  # header and claims, as read_jwt gives them
        answer = next((part for part in answer if part == claims), answer)
    if isinstance(answer, Mapping) and answer.get("scp"):
        return "These are the access token's claims; the letter to your app is another one."
    return "" if answer == claims else "These aren't the claims of token.id_token."


TOO_MANY = ("too many requests", "429")


def _cases(answer: Any) -> set[str]:
    """Return the statuses in an answer such as [429] or "HTTP 429", and what is none."""
    each = [answer] if isinstance(answer, str | int | float) else answer
    cases = set()
    for one in (part.strip().lower() for text in each for part in str(text).split(",")):
        cases |= set(re.findall(r"\b[1-5]\d\d\b", one)) or {one.replace(*TOO_MANY)}
    return cases - {""}


@_exercise("may repeat")
def _may_repeat(answer: Any) -> str:
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


@_exercise("by hand")
def _by_hand(answer: Any) -> str:
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
