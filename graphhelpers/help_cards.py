"""The help cards: why each failure happens, in plain words, and what to do (help_cards.toml)."""

import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Card(NamedTuple):
    """Two sentences for the person: why it happened, and what to do."""

    why: str
    fix: str


def card(*keys: int | str, **values: object) -> Card:
    """Return the card of the first key that has one; keys go from the exact to the general."""
    cards = _cards()
    found = next((cards[str(key)] for key in keys if str(key) in cards), cards["unknown"])
    return Card(*(found[part].format(**values) if values else found[part] for part in Card._fields))


def said(key: str, **values: object) -> tuple[str, str, str]:
    """Return what happened, why, and what to do, for an error that the kit itself raises."""
    what, why, fix = (_cards()[key][part].format(**values) for part in ("what", "why", "fix"))
    return what, why, fix


@cache
def _cards() -> dict[str, dict[str, str]]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
