"""What went over the wire, as it may be kept: every exchange of this kernel, secrets masked."""

import json
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from .display import NO_MATH, Secret, escaped, fingerprint, shown

SECRET_FIELDS = frozenset(
    "access_token assertion client_assertion client_secret code_verifier device_code"
    " id_token id_token_hint password refresh_token uploadurl".split()
)
KEPT = 1_000  # exchanges; the oldest go first
CELL = '<td style="text-align:left;vertical-align:top;overflow-wrap:anywhere">'
PRE = '<pre style="white-space:pre-wrap;overflow-wrap:anywhere">'
NARROW = '%%{init: {"sequence": {"width": 80, "actorMargin": 15}}}%%'  # fits a phone


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, masked before they are kept."""

    sender: str  # "notebook" or "browser"
    receiver: str  # "Entra ID", "Microsoft Graph" or "notebook"
    request: str  # such as "POST /common/oauth2/v2.0/token"
    sent: Mapping[str, Any] = field(default_factory=dict)
    answer: str = ""  # the status, or "no answer"
    received: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"{self.sender} -> {self.receiver}: {self.request} -> {self.answer}"


class WireLog(deque[Exchange]):
    """The masked record of every exchange of this kernel, oldest first; `.clear()` forgets it.

    It shows itself as a table; `.diagram()` draws the same exchanges as a sequence diagram.
    """

    def __repr__(self) -> str:
        lines = (f"{number:3}  {exchange}" for number, exchange in enumerate(tuple(self), 1))
        return "\n".join(lines) or "Nothing has gone over the wire yet."

    def _repr_html_(self) -> str:
        rows = "".join(_row(number, exchange) for number, exchange in enumerate(tuple(self), 1))
        head = "".join(f"{CELL}{name}</td>" for name in ("#", "from → to", "request", "answer"))
        return f"<table {NO_MATH}><tr>{head}</tr>{rows}</table>" if rows else escaped(repr(self))

    def diagram(self) -> "Diagram":
        """Return the sequence diagram of what is kept (drawn by JupyterLab; text elsewhere)."""
        return Diagram(tuple(self))


@dataclass(frozen=True)
class Diagram:
    """A sequence diagram: mermaid where the front end draws it, plain lines where not."""

    exchanges: tuple[Exchange, ...]

    def __repr__(self) -> str:
        return "\n".join(map(str, self.exchanges)) or "Nothing has gone over the wire yet."

    def _repr_mimebundle_(self, **_ignored: Any) -> dict[str, str]:
        lines = [NARROW, "sequenceDiagram"]
        for one in self.exchanges:
            lines.append(f"{one.sender}->>{one.receiver}: {_label(one.request)}")
            lines.append(f"{one.receiver}-->>{one.sender}: {_label(one.answer)}")
        drawn = {"text/vnd.mermaid": "\n".join(lines)} if self.exchanges else {}
        return drawn | {"text/plain": repr(self)}


def sealed(members: Mapping[str, Any], besides: str = "") -> dict[str, Any]:
    """Return the members with each that is secret by its name made a Secret.

    The authorization code is one only `besides`: the `code` of an error is a word to be read.
    """
    hidden = SECRET_FIELDS | {besides}
    given = {n: v for n, v in members.items() if n.lower() in hidden and v is not None}
    # What is no text is no secret that could be used, and nothing of it is kept.
    secrets = {n: Secret(v if isinstance(v, str) else "") for n, v in given.items()}
    return {**members, **secrets}


def masked(value: Any, deepest: int = 50) -> Any:
    """Return a copy that may be kept and shown: each Secret as its fingerprint."""
    if isinstance(value, Secret):
        return fingerprint(value)
    if isinstance(value, Mapping | list | tuple) and deepest == 0:
        return "…"  # JSON may be nested deeper than Python's stack reaches
    if isinstance(value, Mapping):
        return {shown(name): masked(member, deepest - 1) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item, deepest - 1) for item in value]
    return shown(value) if isinstance(value, str) else value


def request_line(method: str, url: str) -> tuple[str, dict[str, Any]]:
    """Return "METHOD /path", and the query by itself and masked."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return f"{method} {shown(parts.path)}", masked(sealed(query, "code"))


def _row(number: int, exchange: Exchange) -> str:
    bodies = {"sent": exchange.sent, "received": exchange.received}
    texts = {n: json.dumps(b, indent=2, ensure_ascii=False, default=str) for n, b in bodies.items()}
    inside = "".join(
        f"<details><summary>{escaped(n)}</summary>{PRE}{escaped(text)}</pre></details>"
        for n, text in texts.items()
        if bodies[n]
    )
    return (
        f"<tr>{CELL}{escaped(number)}</td>"
        f"{CELL}{escaped(exchange.sender)} → {escaped(exchange.receiver)}</td>"
        f"{CELL}{escaped(exchange.request)}{inside}</td>{CELL}{escaped(exchange.answer)}</td></tr>"
    )


def _label(text: str) -> str:
    """Shorten ids, and escape what mermaid would read as its own language (`#35;` is `#`)."""
    short = shown(re.sub(r"\b([0-9a-f]{8})-[0-9a-f-]{27}\b", r"\1…", text), 120)
    return "".join(c if c.isalnum() or c in " /._-…" else f"#{ord(c)};" for c in short)


wire_log = WireLog(maxlen=KEPT)
