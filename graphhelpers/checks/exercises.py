"""Check yourself: the reader's own answer, looked at; whoever is right is never told otherwise."""

from collections import Counter
from collections.abc import Callable

from ..display import one_line
from . import mailing, signing_in
from .verdict import HINTS, NOT_TRIED, NOT_YET, RIGHT, Verdict, card

# Each takes the answer, and returns "" when it's right, else what isn't yet.
CHECKS: dict[str, Callable[..., str]] = {**signing_in.CHECKS, **mailing.CHECKS}

_asked: Counter[str] = Counter()  # hints, by exercise


def exercise(name: str, answer: object, *context: object) -> Verdict:
    """Say how an exercise stands: not tried, not yet (with hints to open), or right, and why.

    `answer` is the reader's value or function; `context` what it is about, such as a token.
    Raises ValueError for an exercise that there isn't.
    """
    texts = card("exercises", name)
    hints = tuple(texts["hints"])
    if answer is ... or answer is None:
        return Verdict(NOT_TRIED, texts["title"], {}, hints, name)
    try:
        missing = CHECKS[name](answer, *context)
    except Exception as error:  # an unexpected kind of answer, or a function that fails
        missing = f"It ends in {type(error).__name__}: {one_line(error)}"
    if missing:
        return Verdict(NOT_YET, texts["title"], {"What": missing}, hints, name)
    return Verdict(RIGHT, texts["title"], {"Why": texts["right"]})


def hint(name: str) -> None:
    """Print the next hint of an exercise: a hint, then a better one, then the answer."""
    hints = card("exercises", name)["hints"]
    number = min(_asked[name], len(hints) - 1)
    _asked[name] += 1
    print(f"{HINTS[number]}: {hints[number]}")
