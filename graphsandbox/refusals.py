"""The refusals of the identity side; the table of them all is refusals.toml."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Refusal:
    """One row of the table, which says what each member means."""

    number: int
    error: str
    where: str
    text: str
    status: int = 400
    suberror: str | None = None
    hint: str = ""
    confirmed: bool = True


def _table() -> tuple[Refusal, ...]:
    rows = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["refusal"]
    return tuple(Refusal(**{name: _on_one_line(one) for name, one in row.items()}) for row in rows)


def _on_one_line(value: Any) -> Any:
    return " ".join(value.split()) if isinstance(value, str) else value


TABLE = _table()


class Refused(Exception):
    """A request is refused by this row of the table."""

    def __init__(self, number: int, **values: Any):
        super().__init__(f"AADSTS{number}")
        self.number = number
        self.values = values

    def goes(self, where: str) -> bool:
        """Tell whether this refusal may be given at that place (a letter of `where`)."""
        return any(row.number == self.number and where in row.where for row in TABLE)

    def row(self, where: str) -> Refusal:
        """Return the row for that place; a number without one there keeps its first row."""
        rows = [row for row in TABLE if row.number == self.number]
        return next((row for row in rows if where in row.where), rows[0])

    def description(self, where: str) -> str:
        """Return `AADSTS<number>: <text>`, with this request's values; no app reads an address."""
        values = self.values | ({"user": "{EmailHidden}"} if where == "R" else {})
        return f"AADSTS{self.number}: {self.row(where).text.format(**values)}"
