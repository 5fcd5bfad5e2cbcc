"""Which answers to the exercises of chapters 1 to 3 are right, and what a wrong one lacks.

Each function takes an answer, and returns "" when it is right, else what isn't yet.
"""

import hashlib
import json
import re
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from ..display import one_line


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


def public_values(answer: Any) -> str:
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


def another_port(answer: Any) -> str:
    parts = urlsplit(getattr(answer, "redirect_uri", answer))
    if (parts.scheme, parts.hostname, parts.path) != ("http", "localhost", "/connect/get_token/"):
        return "All but the port is compared: scheme, host, path and the final slash."
    if parts.query or parts.fragment or parts.username is not None:
        return "It isn't the registered address any more: something was added to it."
    if not parts.port:
        return "Give a port from 1 to 65535, so that the notebook knows where to listen."
    return "That is the port that is taken." if parts.port == 8000 else ""


def challenge(answer: Any) -> str:
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


def our_answer(answer: Any) -> str:
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


def least_scopes(answer: Any) -> str:
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


def seconds_left(answer: Any) -> str:
    for version, given, lasts in _answers_of_the_token_endpoint():
        told = answer(given)
        if isinstance(told, str) or not abs(told - lasts) <= SECONDS:
            says = f"Version {version} says {given['expires_in']!r}"
            return f"{says}, and it gave {one_line(repr(told))}."
    return ""


def read_the_claims(answer: Any, token: Any) -> str:
    payload = token.id_token.split(".")[1]
    claims = json.loads(urlsafe_b64decode(f"{payload}=="))
    if isinstance(answer, tuple | list):  # header and claims, as read_jwt gives them
        answer = next((part for part in answer if part == claims), answer)
    if isinstance(answer, Mapping) and answer.get("scp"):
        return "These are the access token's claims; the letter to your app is another one."
    return "" if answer == claims else "These aren't the claims of token.id_token."


CHECKS: dict[str, Callable[..., str]] = {
    "public values": public_values,
    "another port": another_port,
    "challenge": challenge,
    "our answer": our_answer,
    "least scopes": least_scopes,
    "seconds left": seconds_left,
    "read the claims": read_the_claims,
}
