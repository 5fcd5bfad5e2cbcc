"""The claims of a token in plain words: who, what for, for whom, how long (claims.toml)."""

import time
import tomllib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeGuard

from ..display import NO_MATH, escaped

OTHERS = "Everything else (for Microsoft's own use)"
CELL = '<td style="text-align:left;vertical-align:top;overflow-wrap:anywhere">'
BAR = (
    '<div role="img" aria-label="{words}" style="border:1px solid;max-width:30rem;height:0.8rem">'
    '<div style="width:{percent}%;height:100%;background:currentColor"></div></div>{words}'
)
LATEST = 2**32  # seconds since 1970; a later time is none that a calendar shows
MOST = 200  # claims; no honest token has half as many


def explained(claims: dict[str, Any], now: float | None = None) -> str:
    """Return the claims as HTML, by the question that they answer, each in plain words."""
    rows = "".join(
        _group(title, {name: claims[name] for name in known if name in claims}, known)
        for title, known in _words().items()
    )
    named = {name for known in _words().values() for name in known}
    rows += _group(OTHERS, {n: v for n, v in list(claims.items())[:MOST] if n not in named}, {})
    life = _life(claims, time.time() if now is None else now)
    return f"<table {NO_MATH}>{rows}</table>{life}"


def _group(title: str, claims: dict[str, Any], known: dict[str, dict[str, str]]) -> str:
    if not claims:
        return ""
    rows = f'<tr><th colspan="3" style="text-align:left">{escaped(title)}</th></tr>'
    for name, value in claims.items():
        words = known.get(name, {})
        twin = f" ({words['twin']})" if "twin" in words else ""
        cells = (name, _readable(name, value), words.get("means", "") + twin)
        rows += f"<tr>{''.join(f'{CELL}{escaped(text)}</td>' for text in cells)}</tr>"
    return rows


def _readable(name: str, value: object) -> object:
    """Return a time also as people write it (RFC 7519 §2: NumericDate)."""
    return (
        f"{value} = {_date(value)} UTC"
        if name in ("iat", "nbf", "exp") and _is_time(value)
        else value
    )


def _life(claims: dict[str, Any], now: float) -> str:
    """Return a picture of issue, now and expiry, with the same in words."""
    start, end = claims.get("iat"), claims.get("exp")
    if not (_is_time(start) and _is_time(end) and start < end):
        return ""
    used = min(max(now - start, 0), end - start)
    left = f"{(end - now) / 60:.0f} minutes left" if now < end else "expired"
    words = (
        f"Issued {_date(start)}, good until {_date(end)} UTC:"
        f" {used / 60:.0f} of {(end - start) / 60:.0f} minutes used, {left}."
    )
    return BAR.format(words=escaped(words), percent=round(100 * used / (end - start)))


def _is_time(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < LATEST


def _date(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"


@cache
def _words() -> dict[str, dict[str, dict[str, str]]]:
    return tomllib.loads(Path(__file__).with_name("claims.toml").read_text("utf-8"))
