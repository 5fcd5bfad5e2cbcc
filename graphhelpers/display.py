"""What may be shown, and how: secrets as fingerprints, foreign text escaped and cut."""

import hashlib
import html
import unicodedata
from collections.abc import Mapping
from typing import Any

LONGEST_SHOWN = 2_000  # characters: enough for any honest message, too few to flood a page


class Secret(str):
    """A string that is used as it is and shown as a fingerprint.

    `urlencode`, `json` and `requests` see the value; `repr`, and with it every cell
    output, dataclass and container, shows six characters of its SHA-256 instead.
    Equal secrets have equal fingerprints, so that one can follow them without seeing them.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return fingerprint(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("A Secret is not pickled: a file is no place for it.")

    def __copy__(self) -> "Secret":
        return self  # strings never change, so a copy is the same string

    def __deepcopy__(self, memo: Any) -> "Secret":
        return self


def fingerprint(secret: str) -> str:
    """Return a short name for a secret that tells nothing of it, such as `‹secret 3f9a2c›`."""
    return f"‹secret {hashlib.sha256(secret.encode('utf-8', 'replace')).hexdigest()[:6]}›"


def shown(text: object) -> str:
    """Return foreign text in one safe line or more: cut, and with its invisible characters visible.

    Control characters, and the ones that turn the reading direction round or take no
    room, could make a mail address look like another one.
    """
    text = str(text)
    if len(text) > LONGEST_SHOWN:
        text = f"{text[:LONGEST_SHOWN]} … ({len(text):,} characters in all)"
    return "".join(_visible(character) for character in text)


def escaped(text: object) -> str:
    """Return foreign text ready for HTML: the one door by which it gets into a page."""
    return html.escape(shown(text))


def table(title: str, members: Mapping[str, object]) -> str:
    """Return an HTML table of names and values, both escaped."""
    rows = "".join(
        f'<tr><th style="text-align:left">{escaped(name)}</th>'
        f'<td style="text-align:left;overflow-wrap:anywhere">{escaped(value)}</td></tr>'
        for name, value in members.items()
    )
    return f'<table><caption style="text-align:left">{escaped(title)}</caption>{rows}</table>'


def _visible(character: str) -> str:
    if character in "\n\t" or unicodedata.category(character) not in {"Cc", "Cf", "Cs"}:
        return character
    return " " if character == "\r" else f"\\u{ord(character):04x}"
