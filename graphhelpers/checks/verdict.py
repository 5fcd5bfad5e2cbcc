"""How a lab or an exercise stands, in words that need no colour and no widget."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ..display import NO_MATH, escaped, shown

NOT_TRIED, NOT_YET, RIGHT = "not tried", "not yet", "right"
MARKS = {NOT_TRIED: "○", NOT_YET: "✗", RIGHT: "✓"}
COLOURS = {  # JupyterLab's own, which go with its dark theme; elsewhere the second
    NOT_TRIED: "var(--jp-border-color0, gray)",
    NOT_YET: "var(--jp-error-color1, #c62828)",
    RIGHT: "var(--jp-success-color1, #2e7d32)",
}
HINTS = ("A hint", "A better hint", "The answer")


@dataclass(frozen=True)
class Verdict:
    """Where a reader stands: the state, and what is said about it; `.state` is for programs."""

    state: str  # "not tried", "not yet" or "right"
    title: str
    told: Mapping[str, str]  # by the word that begins the line, such as "Why"
    hints: tuple[str, ...] = field(default=(), repr=False)
    name: str = ""  # asks for the hints where nothing can be opened

    def __repr__(self) -> str:
        lines = [f"{MARKS[self.state]} {self.state}: {shown(self.title)}"]
        lines += [f"  {word}: {shown(text)}" for word, text in self.told.items()]
        lines += [f"  For a hint: checks.hint({self.name!r})"] if self.hints else []
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        told = "".join(
            f"<div><i>{escaped(w)}:</i> {escaped(t)}</div>" for w, t in self.told.items()
        )
        style = f"border-left:4px solid {COLOURS[self.state]};padding:0 1em;overflow-wrap:anywhere"
        head = f"<b>{MARKS[self.state]} {escaped(self.state)}: {escaped(self.title)}</b>"
        return f'<div {NO_MATH} style="{style}">{head}{told}{self._to_open()}</div>'

    def _to_open(self) -> str:
        """Return the hints, each inside the one before, so that no eye falls on the answer."""
        inside = ""
        for word, text in reversed([*zip(HINTS, self.hints, strict=False)]):
            said = f"<pre style='white-space:pre-wrap;margin:0'>{escaped(text)}</pre>"
            inside = f"<details><summary>{word}</summary>{said}{inside}</details>"
        return inside


@cache
def cards(kind: str) -> dict[str, dict[str, Any]]:
    """Return the texts of one kind, "labs" or "exercises", by name."""
    return tomllib.loads(Path(__file__).with_name(f"{kind}.toml").read_text("utf-8"))


def card(kind: str, name: str) -> dict[str, Any]:
    """Return the texts of one lab or exercise; raises ValueError for a name that isn't one."""
    if name not in cards(kind):
        raise ValueError(f"There is no {name!r} among the {kind}: {', '.join(cards(kind))}.")
    return cards(kind)[name]
