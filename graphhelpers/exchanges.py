"""What went over the wire, as it may be kept: every exchange of this kernel, secrets masked."""

import json
import re
import shlex
from collections import deque
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from http.client import responses
from typing import Any
from urllib.parse import quote_plus, urlencode

from .display import NO_MATH, Secret, escaped, fingerprint, one_line, shown

SECRET_FIELDS = frozenset(
    "access_token actor_token assertion authtoken client_assertion client_secret code_verifier"
    " device_code id_token id_token_hint password refresh_token samlresponse sig subject_token"
    " tempauth uploadurl".split()
)
FORM_SECRETS = SECRET_FIELDS | {"code"}  # elsewhere that is an error's, a word to be read
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
MOST_ITEMS = 10  # of a list: twenty mails with 500 recipients would be megabytes
LONGEST_DIAGRAM = 40_000  # characters; mermaid draws 50,000 at most
CELL = '<td style="text-align:left;vertical-align:top;overflow-wrap:anywhere">'
PRE = '<pre style="white-space:pre-wrap;overflow-wrap:anywhere">'
RED = "rect rgba(220, 0, 0, 0.15)"  # seen on white and on black
SPOKEN = "accTitle: Who sent what to whom; the wire log's table says the same in words"
NARROW = '%%{init: {"sequence": {"width": 80, "actorMargin": 15}}}%%'  # fits a phone


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, masked before they are kept.

    `print(exchange.http)` shows both as messages; `.curl` is the request to try in a shell.
    """

    sender: str  # "notebook" or "browser"
    receiver: str  # "Entra ID", "Microsoft Graph" or "notebook"
    request: str  # such as "POST /common/oauth2/v2.0/token"
    sent: Mapping[str, Any] = field(default_factory=dict)  # the form or JSON; by GET the query
    answer: str = ""  # the status, or "no answer"
    received: Mapping[str, Any] = field(default_factory=dict)  # the JSON
    origin: str = ""  # such as "https://graph.microsoft.com"
    headers: Mapping[str, str] = field(default_factory=dict)
    answer_headers: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"{self.sender} -> {self.receiver}: {self.request} -> {self.outcome}"

    @property
    def failed(self) -> bool:
        """Whether the answer is no success (RFC 9110 §15.3), or none came."""
        return not re.fullmatch("2[0-9][0-9]", self.answer)

    @property
    def outcome(self) -> str:
        """The status; of a failure with a mark, and with the service's own word for it."""
        error = {**self.sent, **self.received}.get("error")  # a browser brings it to the notebook
        word = error.get("code") if isinstance(error, Mapping) else error
        return one_line(f"✗ {self.answer} {word or ''}").rstrip() if self.failed else self.answer

    @property
    def http(self) -> str:
        """Request and answer as HTTP/1.1 writes them (RFC 9112), but with one field a line.

        Kept are the headers worth seeing, and of the answer's body what is JSON.
        """
        fields = urlencode(self.sent, errors="replace", safe=":/")
        fields = re.sub(r"%E2%80%B9secret\+(\w{6})%E2%80%BA", r"‹secret \1›", fields)
        line, body = self.request, fields.replace("&", "\n&")
        if line.startswith("GET "):
            line, body = f"{line}?{fields}".rstrip("?"), ""
        elif self.headers.get("Content-Type") == JSON:
            body = _pretty(self.sent)
        host = self.origin.partition("//")[2]
        asked = _message(f"{line} HTTP/1.1\nHost: {host}", self.headers, body)
        known = responses.get(int(self.answer)) if self.answer.isdecimal() else None
        status = f"HTTP/1.1 {self.answer} {known}" if known else self.outcome
        return f"{asked}\n\n{_message(status, self.answer_headers, _pretty(self.received))}"

    @property
    def curl(self) -> str:
        """The request as a command for a shell, in which a variable stands for each secret.

        Whatever else was sent is quoted: in a shell it is text, and nothing of it runs.
        """
        method, _, path = self.request.partition(" ")
        how = "--get" if method == "GET" else f"-X {shlex.quote(method)}"
        url = '"$UPLOAD_URL"' if path.startswith("‹") else shlex.quote(self.origin + path)
        words = [f"curl {how} {url}"]
        if "Authorization" in self.headers:
            words.append('-H "Authorization: Bearer $ACCESS_TOKEN"')
        kind = self.headers.get("Content-Type", FORM)
        if kind == FORM:
            words += [f"--data-urlencode {_in_shell(*field)}" for field in self.sent.items()]
        else:
            told = (item for item in self.headers.items() if item[0].startswith("Content-"))
            words += [f"-H {shlex.quote(': '.join(item))}" for item in told]
            # The second sends a file of this name.
            words.append(f"-d {shlex.quote(_pretty(self.sent))}" if kind == JSON else "-T content")
        return " \\\n  ".join(words)


class WireLog(deque[Exchange]):
    """The masked record of every exchange of this kernel, oldest first; `.clear()` forgets it.

    It shows itself as a table; `.diagram()` draws the same exchanges as a sequence diagram.
    """

    def __repr__(self) -> str:
        lines = (f"{number:3}  {exchange}" for number, exchange in enumerate(tuple(self), 1))
        return "\n".join(lines) or "Nothing has gone over the wire yet."

    def _repr_html_(self) -> str:
        head = _cells("#", "from → to", "request", "answer")
        rows = "".join(_row(number, exchange) for number, exchange in enumerate(tuple(self), 1))
        return f"<table {NO_MATH}>{head}{rows}</table>" if rows else escaped(repr(self))

    def diagram(self, steps: int | None = None) -> "Diagram":
        """Return the sequence diagram (drawn by JupyterLab; text elsewhere) of the first `steps`.

        Without a number it holds all that is kept.
        """
        return Diagram(tuple(self)[:steps])


class Diagram(tuple[Exchange, ...]):
    """A sequence diagram: mermaid where the front end draws it, plain lines where not."""

    def __repr__(self) -> str:
        return "\n".join(map(str, self)) or "Nothing has gone over the wire yet."

    def _repr_mimebundle_(self, **_ignored: Any) -> dict[str, str]:
        lines, size = [NARROW, "sequenceDiagram", SPOKEN], 0
        for number, one in enumerate(self):
            there = f"{one.sender}->>{one.receiver}: {_label(one.request)}"
            arrow = "--x" if one.failed else "-->>"
            back = f"{one.receiver}{arrow}{one.sender}: {_label(one.outcome)}"
            note = f"Note over {one.sender},{one.receiver}: ✗ this step failed"
            step = [RED, there, back, note, "end"] if one.failed else [there, back]
            size += sum(map(len, step))
            if size > LONGEST_DIAGRAM:
                more = len(self) - number
                lines.append(f"Note over {one.sender},{one.receiver}: {more} more are not drawn")
                break
            lines += step
        return ({"text/vnd.mermaid": "\n".join(lines)} if self else {}) | {"text/plain": repr(self)}


def sealed(members: Mapping[str, Any], names: Set[str] = SECRET_FIELDS) -> dict[str, Any]:
    """Return the members with each that is secret by its name made a Secret."""
    given = {n: v for n, v in members.items() if n.lower() in names and v is not None}
    # What is no text is no secret that could be used, and nothing of it is kept.
    return {**members, **{n: Secret(v if isinstance(v, str) else "") for n, v in given.items()}}


def masked(value: Any, deepest: int = 50) -> Any:
    """Return a copy that may be kept and shown: each Secret as its fingerprint."""
    if isinstance(value, Secret):
        return fingerprint(value)
    if isinstance(value, Mapping | list | tuple) and deepest == 0:
        return "…"  # JSON may be nested deeper than Python's stack reaches
    if isinstance(value, Mapping):
        return {shown(name): masked(member, deepest - 1) for name, member in value.items()}
    if isinstance(value, list | tuple):
        more = [f"… ({len(value):,} in all)"] if len(value) > MOST_ITEMS else []
        return [masked(item, deepest - 1) for item in value[:MOST_ITEMS]] + more
    return shown(value) if isinstance(value, str) else value


def _in_shell(name: str, value: object) -> str:
    """Return a field for curl, which takes what stands after the first `=` for its value."""
    secret = name.lower() in FORM_SECRETS
    return f'"{name}=${name.upper()}"' if secret else shlex.quote(f"{quote_plus(name)}={value}")


def _pretty(body: Mapping[str, Any]) -> str:
    return json.dumps(body, indent=2, ensure_ascii=False, default=str) if body else ""


def _message(start: str, headers: Mapping[str, str], body: str) -> str:
    lines = [start, *(f"{name}: {one_line(value)}" for name, value in headers.items() if value)]
    return "\n".join([*lines, "", body] if body else lines)


def _cells(*texts: object) -> str:
    return f"<tr>{''.join(f'{CELL}{escaped(text)}</td>' for text in texts)}</tr>"


def _row(number: int, exchange: Exchange) -> str:
    """Return the line of an exchange, and below it, folded, its messages and its command."""
    sides = f"{exchange.sender} → {exchange.receiver}"
    line = _cells(number, sides, exchange.request, exchange.outcome)
    both = "".join(f"{PRE}{escaped(text, 10_000)}</pre>" for text in (exchange.http, exchange.curl))
    folded = f"<details><summary>messages, and as curl</summary>{both}</details>"
    return f'{line}<tr><td colspan="4" style="text-align:left">{folded}</td></tr>'


def _label(text: str) -> str:
    """Shorten ids, and escape what mermaid would read as its own language (`#35;` is `#`)."""
    short = shown(re.sub(r"\b([0-9a-f]{8})-[0-9a-f-]{27}\b", r"\1…", text), 120)
    return "".join(c if c.isalnum() or c in " /._-…✗" else f"#{ord(c)};" for c in short)


wire_log = WireLog(maxlen=1_000)  # exchanges; the oldest go first
