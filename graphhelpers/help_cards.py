"""The help cards: each failure in plain words; what happened, why, what to do (help_cards.toml)."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any


def said(key: str, **values: object) -> tuple[str, str, str]:
    """Return what happened, why, and what to do, for an error that the kit itself raises."""
    what, why, fix = (text.format(**values) for text in _cards()["kit"][key].values())
    return what, why, fix


def card(*keys: int | str) -> tuple[str, str]:
    """Return why a service refused, and what to do, by the first key that has a card."""
    cards = _cards()["service"]
    found = next((cards[str(key)] for key in keys if str(key) in cards), cards["unknown"])
    return found["why"], found["fix"]


def cause(key: str, **values: object) -> str:
    """Return a part of an error's text: why no answer came, or what became of a draft."""
    return str(_cards()["cause"][key]).format(**values)


@cache
def _cards() -> dict[str, dict[str, Any]]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
