"""What may be shown, and how: secrets as fingerprints, foreign text escaped and cut."""

import hashlib
import html
import unicodedata
from collections.abc import Mapping

# Characters of a text, and rows of a table: enough for any honest one, too few to flood a page.
LONGEST_SHOWN = 2_000
NO_MATH = 'class="mathjax_ignore tex2jax_ignore"'  # `$\href{…}{…}$` would make a link
# Their names tell which letters, marks and symbols are drawn as nothing.
UNSEEN = ("FILLER", "VARIATION SELECTOR", "GRAPHEME JOINER", "INHERENT", "PATTERN BLANK")


class Secret(str):
    """A string that is used as it is and shown as a fingerprint.

    `urlencode`, `json` and `requests` see the value; `repr`, and with it every cell
    output, dataclass and container, shows six characters of its SHA-256 instead.
    Equal secrets have equal fingerprints, so that one can follow them without seeing them.
    """

    def __repr__(self) -> str:
        return fingerprint(self)

    def __reduce_ex__(self, protocol: object) -> str:
        raise TypeError("A Secret is not pickled: a file is no place for it.")

    def __deepcopy__(self, _memo: object = None) -> "Secret":
        return self  # strings never change, so a copy is the same string

    __copy__ = __deepcopy__


def fingerprint(secret: str) -> str:
    """Return a short name for a secret that tells nothing of it, such as `‹secret 3f9a2c›`."""
    return f"‹secret {hashlib.sha256(secret.encode('utf-8', 'replace')).hexdigest()[:6]}›"


def shown(text: object, longest: int = LONGEST_SHOWN) -> str:
    """Return foreign text as it may be seen: cut, and with its invisible characters visible.

    Control characters, and the ones that turn the reading direction round or take no
    room, could make a mail address look like another one.
    """
    text = str(text)
    seen = text[: longest + 1]
    # Plain ASCII is visible as it is; a look at each character would take most of a call's time.
    if not (seen.isascii() and seen.replace("\n", "").replace("\t", "").isprintable()):
        seen = "".join(map(_visible, seen))
    return seen if len(seen) <= longest else f"{seen[:longest]} … ({len(text):,} characters in all)"


def one_line(text: object) -> str:
    """Return foreign text as a line of an error: a line break in it could feign the next one."""
    # So short that the three lines of an error together are not cut once more.
    return shown(" ".join(str(text).splitlines()), LONGEST_SHOWN // 4)


def escaped(text: object, longest: int = LONGEST_SHOWN) -> str:
    """Return foreign text ready for HTML: the one door by which it gets into a page."""
    return html.escape(shown(text, longest))


def table(title: str, members: Mapping[str, object]) -> str:
    """Return an HTML table of names and values, both escaped."""
    rows = "".join(
        f'<tr><th style="text-align:left">{escaped(name)}</th>'
        f'<td style="text-align:left;overflow-wrap:anywhere">{escaped(value)}</td></tr>'
        for name, value in list(members.items())[:LONGEST_SHOWN]
    )
    more = f" (cut: {len(members):,} rows in all)" if len(members) > LONGEST_SHOWN else ""
    caption = f'<caption style="text-align:left">{escaped(title + more)}</caption>'
    return f"<table {NO_MATH}>{caption}{rows}</table>"


def _visible(char: str) -> str:
    room = char.isprintable() or char in "\n\t\u00a0\u202f\u3000"
    drawn = char.isascii() or not any(word in unicodedata.name(char, "") for word in UNSEEN)
    return char if room and drawn else char.encode("unicode_escape").decode("ascii")
