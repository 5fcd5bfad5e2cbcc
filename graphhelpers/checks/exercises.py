"""Check yourself: the reader's own answer, looked at; whoever is right is never told otherwise."""

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
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


@_exercise("public values")
def _public_values(answer: Any) -> str:
    named = {word.lower().replace(" ", "_").removesuffix("_id") for word in _words(answer)}
    if "client_secret" in named:
        return "One of these proves that the app is itself; whoever has it can be the app."
    if unknown := named - {"client", "redirect_uri", "tenant"}:
        return f"{one_line(sorted(unknown))} is none of the four."
    return "" if len(named) == 3 else "None of these is secret, and one more isn't either."


@_exercise("another port")
def _another_port(answer: Any) -> str:
    parts = urlsplit(getattr(answer, "redirect_uri", answer))
    if (parts.scheme, parts.hostname, parts.path) != ("http", "localhost", "/connect/get_token/"):
        return "All but the port is compared: scheme, host, path and the final slash."
    if parts.query or parts.fragment or parts.username is not None:
        return "It isn't the registered address any more: something was added to it."
    return "That is the port that is taken." if parts.port in (8000, None) else ""


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
    asked = {word.lower().rpartition("/")[2] for word in _words(answer)}
    if more := asked - {"openid", "profile", "email", "offline_access", "user.read"}:
        return f"This app needs no {one_line(', '.join(sorted(more)))}."
    if "openid" not in asked:
        return "Without openid no id_token comes, so nobody says who it is."
    return "" if "offline_access" in asked else "After an hour the person would be asked again."


@_exercise("seconds left")
def _seconds_left(answer: Any) -> str:
    for version, expires_in in (("1", "3599"), ("2.0", 3599), ("1", "4799"), ("2.0", 5398)):
        given = answer({"token_type": "Bearer", "expires_in": expires_in})
        if isinstance(given, str) or given != float(expires_in):
            return f"Version {version} says {expires_in!r}, and it gave {one_line(repr(given))}."
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


@_exercise("may repeat")
def _may_repeat(answer: Any) -> str:
    named = {word.lower() for word in _words([answer] if isinstance(answer, int) else answer)}
    if wrong := named - {"429"}:
        return f"After {one_line(sorted(wrong)[0])} the mail may have gone out already."
    return "" if named else "One of them says for certain that nothing was begun."


@_exercise("by hand")
def _by_hand(answer: Any) -> str:
    mail = answer if isinstance(answer, Mapping) else json.loads(answer)
    mail = {name.lower(): value for name, value in mail.items()}
    message = {name.lower(): value for name, value in mail.get("message", {}).items()}
    body = {name.lower(): value for name, value in message.get("body", {}).items()}
    wrong = {
        "The mail itself stands in a member `message`.": not message,
        "The subject is Hello.": message.get("subject") != "Hello",
        "The body is an object with a content.": not body.get("content"),
        "The content is plain text.": str(body.get("contenttype", "text")).lower() != "text",
        "It goes to ada@contoso.example.": _addresses(message, "torecipients") != {"ada"},
        "A copy goes to grace@contoso.example.": _addresses(message, "ccrecipients") != {"grace"},
    }
    return next((words for words, is_wrong in wrong.items() if is_wrong), "")


def _addresses(message: Mapping[str, Any], field: str) -> set[str]:
    """Return who is named in a field, without the domain of the exercise."""
    each: Iterable[Any] = message.get(field) or ()
    lowered = [{n.lower(): v for n, v in one.items()}.get("emailaddress", {}) for one in each]
    texts = [{n.lower(): v for n, v in one.items()}.get("address", "") for one in lowered]
    return {text.lower().removesuffix("@contoso.example") for text in texts}
