"""`$filter` in its simple forms, and `$orderby` (Microsoft: filter-query-parameter).

Known are: members and paths such as `from/emailAddress/address`; eq, ne, gt, ge, lt, le; and,
or, not, parentheses; startswith, endswith, contains; any, of extended properties. A condition
becomes a function of the message as Graph shows it.
"""

import datetime
import operator
import re
from collections.abc import Callable
from typing import Any

from .errors import GraphError, refused

Shown = dict[str, Any]
Value = Callable[[Shown], Any]
Condition = Callable[[Shown], bool]

TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<sign>[(),:])"
    r"|(?P<time>\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?)"
    r"|(?P<number>-?\d+)|(?P<word>[A-Za-z@][\w./]*))"
)
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "ge": operator.ge,
    "lt": operator.lt, "le": operator.le,
}  # fmt: skip
FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "startswith": str.startswith, "endswith": str.endswith, "contains": operator.contains,
}  # fmt: skip
LITERALS = {"true": True, "false": False, "null": None}
DEEPEST = 20  # parentheses and nots within one another


class _Reader:
    """Reads one filter from left to right."""

    def __init__(self, text: str, known: set[str]):
        self.text, self.known, self.place, self.depth = text, known, 0, 0
        self.kind, self.token = "", ""
        self.named: list[str] = []  # the members asked about, in their order
        self.step()

    def step(self) -> str:
        """Go to the next token; return the one that was passed."""
        passed = self.token
        if not self.text[self.place :].strip():
            self.kind, self.token = "end", ""
            return passed
        found = TOKEN.match(self.text, self.place)
        if found is None or found.lastgroup is None:
            raise self.wrong()
        self.kind, self.token = found.lastgroup, found[found.lastgroup]
        self.place = found.end()
        return passed

    def wrong(self) -> GraphError:
        """Return the refusal of a filter that can't be read on from here."""
        return refused("invalid_filter", place=self.place, filter=self.text)

    def take(self, sign: str) -> None:
        """Pass a sign that must stand here."""
        if self.token != sign:
            raise self.wrong()
        self.step()

    def either(self) -> Condition:
        """Read conditions joined by `or`."""
        left = self.both()
        while self.token == "or":
            self.step()
            left = _or(left, self.both())
        return left

    def both(self) -> Condition:
        """Read conditions joined by `and`, which binds closer."""
        left = self.one()
        while self.token == "and":
            self.step()
            left = _and(left, self.one())
        return left

    def one(self) -> Condition:
        """Read one condition, what is in parentheses, or the contrary of one."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong()
        try:
            if self.token == "not":
                self.step()
                inner = self.one()
                return lambda shown: not inner(shown)
            if self.token == "(":
                self.step()
                inner = self.either()
                self.take(")")
                return inner
            return self.comparison()
        finally:
            self.depth -= 1

    def comparison(self) -> Condition:
        """Read `member eq value` and its like, or a member that is true or false."""
        if self.kind == "word" and self.token.lower() in FUNCTIONS:
            return self.function()
        if self.kind == "word" and self.token.lower().endswith("/any"):
            return self.any_of()
        left = self.value()
        if self.token not in COMPARISONS:
            return lambda shown: left(shown) is True
        compare = COMPARISONS[self.step()]
        right = self.value()

        def holds(shown: Shown) -> bool:
            try:
                return bool(compare(_plain(left(shown)), _plain(right(shown))))
            except TypeError:  # such as a text that is to be less than a number
                return False

        return holds

    def any_of(self) -> Condition:
        """Read `members/any(p:condition of p)`; in it nothing but p is known."""
        members = self.member(self.step()[: -len("/any")])
        self.take("(")
        name, outside, named = self.step(), self.known, self.named
        self.take(":")
        self.known, self.named = {name}, []
        holds = self.either()
        self.known, self.named = outside, named
        self.take(")")
        return lambda shown: any(holds({name: one}) for one in members(shown) or ())

    def function(self) -> Condition:
        """Read `startswith(member, value)` and its like."""
        test = FUNCTIONS[self.step().lower()]
        self.take("(")
        text = self.value()
        self.take(",")
        part = self.value()
        self.take(")")
        return lambda shown: test(_plain(text(shown) or ""), _plain(part(shown) or ""))

    def member(self, name: str) -> Value:
        """Return what finds a member, and note that the filter asks about it."""
        self.named.append(name)
        return path(name, self.known)

    def moment(self, token: str) -> str:
        """Return a time of the filter."""
        try:
            return _moment(token)
        except (ValueError, OverflowError) as error:
            raise self.wrong() from error

    def value(self) -> Value:
        """Read a member or a literal."""
        kind, token = self.kind, self.token
        if kind not in ("text", "time", "number", "word"):
            raise self.wrong()
        self.step()
        if kind == "text":
            text = token[1:-1].replace("''", "'")
            return lambda shown: text
        if kind == "number":
            return lambda shown: int(token)
        if kind == "time":
            moment = self.moment(token)
            return lambda shown: moment
        if token in LITERALS:
            return lambda shown: LITERALS[token]
        return self.member(token)


def condition(text: str, known: set[str]) -> tuple[Condition, list[str]]:
    """Return what a filter asks of a message whose members are `known`, and which it names."""
    reader = _Reader(text, known)
    found = reader.either()
    if reader.kind != "end":
        raise reader.wrong()
    return found, reader.named


def check_order(filtered: list[str], sorted_by: list[str]) -> None:
    """Refuse to sort by what the filter does not name first (Microsoft: "List messages").

    Each property of `$orderby` must be in `$filter` too, in the same order, and there before
    those that aren't in `$orderby`.
    """
    first, wanted = (
        list(dict.fromkeys(name.lower() for name in names)) for names in (filtered, sorted_by)
    )
    if first[: len(wanted)] != wanted:
        raise refused("inefficient_filter")


def order(text: str, known: set[str]) -> list[tuple[str, Value, bool]]:
    """Return what to sort by: its name, what finds it, and whether it is the other way round."""
    keys = []
    for one in text.split(","):
        name, _, direction = one.strip().partition(" ")
        if direction.strip().lower() not in ("", "asc", "desc"):
            raise refused("invalid_orderby", orderby=text)
        keys.append((name, _sortable(path(name, known)), direction.strip().lower() == "desc"))
    return keys


def path(text: str, known: set[str]) -> Value:
    """Return what finds a member, or a member of a member."""
    first, *rest = text.split("/")
    names = {name.lower(): name for name in known}
    if first.lower() not in names:
        raise refused("unknown_in_filter", name=first)
    steps = [names[first.lower()], *rest]

    def find(shown: Shown) -> Any:
        found: Any = shown
        for name in steps:
            found = found.get(name) if isinstance(found, dict) else None
        return found

    return find


def _sortable(find: Value) -> Value:
    def key(shown: Shown) -> Any:
        found = _plain(find(shown))
        return (found is not None, found if isinstance(found, str | bool) else str(found))

    return key


def _plain(value: Any) -> Any:
    """Return a value as it compares: letter case does not matter to Exchange."""
    return value.lower() if isinstance(value, str) else value


def _moment(text: str) -> str:
    """Return a time as messages show theirs, so that the two compare as texts."""
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.UTC)
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _or(left: Condition, right: Condition) -> Condition:
    return lambda shown: left(shown) or right(shown)


def _and(left: Condition, right: Condition) -> Condition:
    return lambda shown: left(shown) and right(shown)
