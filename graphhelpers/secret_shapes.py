"""What a secret looks like in a text, for the leak guard.

It is known by its shape, by the name before it (`code=…`), or by being one that the learner has
saved; in plain text or URL-, HTML- or Base64-encoded. Examples are free: a value of less than 20
characters, or one without a digit and both cases, and a shape that is written in two pieces.
"""

import base64
import hashlib
import html
import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

from . import registration
from .display import fingerprint

PASSWORD = "typed into a password field"  # noqa: S105 (a kind of finding, no password)
SHORTEST_SAVED = 8  # characters of a saved secret that is looked for; fewer may be any word
LAYERS = 3  # encodings inside one another, such as Base64 of an escaped URL
LONG_RUN = 20_000  # Base64 digits; a longer run is a picture, and no path stands before it

NAMES = r"(?:device_)?code|client_?secret|(?:refresh|access|id)_?token|client_assertion"
IS = r"[\"']?\s{0,9}[=:]\s{0,9}[\"']?"
# Repetitions before a character that must come are bounded, so that no text makes a search slow.
MIXED = r"(?=[\w.~-]{0,99}?\d)(?=[\w.~-]{0,99}?[a-z])(?=[\w.~-]{0,99}?[A-Z])"
# Microsoft documents no shape but the JWT's (RFC 7519); the others were observed. A `code` that
# begins with Error is one of Graph's.
SHAPES = {
    "value of {name}": rf"(?<![A-Za-z])(?P<name>(?i:{NAMES})){IS}"
    rf"(?P<secret>(?!Error){MIXED}[\w.~+/=!*$-]{{20,}})",
    "code verifier": rf"code_verifier{IS}(?P<secret>[\w.~-]{{43,128}})",  # RFC 7636 §4.1
    # Outlook's upload addresses have the one, SharePoint's the other.
    "upload address": r"(?:authtoken|tempauth)=(?P<secret>[\w.~+/=!*$-]{20,})",
    "JWT": r"(?P<secret>eyJ[\w-]{10,2000}\.[\w-]{10,}(?:\.[\w-]*){0,3})",
    "client secret": r"(?P<secret>[\w~.-]{3}\dQ~[\w~.-]{31,34})",
    "code or refresh token": rf"(?<![\w.])(?P<secret>[01]\.{MIXED}[\w-]{{20,}}[\w.-]{{60,}}"
    r"|O?AQAB[\w-]{80,}|M\.[CR]\d+_[A-Z\d]+\.[\w.!*$-]{20,})",
    "token of a personal account": r"(?<![\w+/])(?P<secret>Ew[A-D][\w+/]{100,}={0,2})",
    "value " + PASSWORD: rf"\A{PASSWORD}: (?P<secret>[^‹](?s:.*))",
}
PATTERNS = {kind: re.compile(shape, re.ASCII) for kind, shape in SHAPES.items()}
ESCAPE = re.compile(
    r"%[0-9A-Fa-f]{2}|&#?\w{1,8};|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|\\[nrt\"'\\]"
    r"|\x1b\[[\d;]*m",  # a traceback's colours
    re.ASCII,
)
BASE64 = re.compile(r"[\w+/-]{24,}(?:\r?\n[\w+/-]{4,})*={0,2}", re.ASCII)
URL_SAFE = str.maketrans("-_", "+/")  # RFC 4648 §5

Saved = dict[int, set[bytes]]  # the learner's own secrets: their hashes, by their length


class Hit(NamedTuple):
    """Where in a text a secret stands; of the secret only its fingerprint is kept."""

    start: int
    end: int
    kind: str
    fingerprint: str


def saved_secrets() -> Saved:
    """Return the client secrets of every saved registration, or raise RegistrationError."""
    saved: Saved = {}
    for entry in registration._read().values():
        secret = entry.get("client_secret")
        if isinstance(secret, str) and len(secret) >= SHORTEST_SAVED:
            saved.setdefault(len(secret), set()).add(_sha256(secret))
    return saved


def find(text: str, saved: Saved, layers: int = LAYERS) -> list[Hit]:
    """Return the secrets of a text from its beginning on, none overlapping another."""
    hits = [*_plain(text, saved)]
    if layers:
        hits += [*_in_escapes(text, saved, layers - 1), *_in_base64(text, saved, layers - 1)]
    apart: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (hit.start, -hit.end)):
        if apart and hit.start < apart[-1].end:
            apart[-1] = apart[-1]._replace(end=max(hit.end, apart[-1].end))
        else:
            apart.append(hit)
    return apart


def _plain(text: str, saved: Saved) -> Iterator[Hit]:
    for length, hashes in saved.items():
        # Every stretch of this length that neither begins nor ends inside a word.
        for match in re.finditer(rf"(?<![A-Za-z0-9])(?=([!-~]{{{length}}})(?![A-Za-z0-9]))", text):
            if _sha256(match[1]) in hashes:
                yield Hit(*match.span(1), "your saved client secret", fingerprint(match[1]))
    for kind, pattern in PATTERNS.items():
        for match in pattern.finditer(text):
            named = kind.format_map(match.groupdict())
            yield Hit(*match.span("secret"), named, fingerprint(match["secret"]))


def _in_escapes(text: str, saved: Saved, layers: int) -> Iterator[Hit]:
    """Find what shows only after percent, HTML and backslash escapes are undone."""
    plain, origins, done = list[str](), list[int](), 0
    for escape in ESCAPE.finditer(text):
        characters = _unescaped(escape[0])
        plain += [text[done : escape.start()], characters]
        origins += [*range(done, escape.start()), *[escape.start()] * len(characters)]
        done = escape.end()
    if plain:
        origins += range(done, len(text) + 1)
        for hit in find("".join(plain) + text[done:], saved, layers):
            yield hit._replace(start=origins[hit.start], end=origins[hit.end])


def _unescaped(escape: str) -> str:
    if escape.startswith("\x1b"):
        return ""
    if escape.startswith("\\"):
        return escape.encode().decode("unicode_escape")
    return unquote(html.unescape(escape), "latin-1")


def _in_base64(text: str, saved: Saved, layers: int) -> Iterator[Hit]:
    """Find runs of Base64, of either alphabet, in which a secret is encoded."""
    for match in BASE64.finditer(text):
        run = re.sub(r"[\r\n=]", "", match[0]).translate(URL_SAFE)
        for start in range(4 if len(run) < LONG_RUN else 1):  # the end of a path may stand before
            digits = run[start:] if (len(run) - start) % 4 != 1 else run[start:-1]
            data = base64.b64decode(digits + "=" * (-len(digits) % 4))
            for hit in find(data.decode("latin-1"), saved, layers):
                yield Hit(*match.span(), f"{hit.kind} in Base64", hit.fingerprint)


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()
