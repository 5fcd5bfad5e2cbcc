"""Break it: a lab runs the reader's lines, explains the failure, and says when it is repaired."""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from .. import help_cards
from ..errors import GraphHelpersError
from ..exchanges import sealed
from .verdict import NOT_YET, RIGHT, Verdict, card

ON_A_PAGE = "No sign-in: "  # the sandbox's robot: the link ended on a page of the platform


class _Broken(Exception):
    """Nothing was refused, and yet it isn't as it should be."""


class Lab:
    """What the lines of a lab can say about themselves; `.verdict` is there when they have run."""

    verdict: Verdict | None = None

    def expect(self, condition: object, otherwise: str) -> None:
        """Leave the lab as broken, in these words, unless the condition holds."""
        if not condition:
            raise _Broken(otherwise)


@contextmanager
def lab(name: str, **settings: object) -> Iterator[Lab]:
    """Run a lab: while its lines fail, show the help card; when they don't, why they work.

    `settings` are the reader's own, which the card names, secrets as fingerprints. Errors of
    the kit and refusals of the platform are shown and go no further; a mistake in the Python
    is raised as ever.
    """
    texts, trial = card("labs", name), Lab()
    yours = {"Yours": ", ".join(f"{name} = {value!r}" for name, value in sealed(settings).items())}
    state, told = NOT_YET, {}
    try:
        yield trial
        state, told = RIGHT, {"Why it works": texts["right"]}
    except GraphHelpersError as error:
        told = {"What": error.what, "Why": error.why, "Try": texts.get("fix", error.fix)}
    except _Broken as broken:
        told = _explained(str(broken), texts)
    except RuntimeError as error:
        if not str(error).startswith(ON_A_PAGE):
            raise
        words = str(error).removeprefix(ON_A_PAGE)
        told = _explained(re.sub(r"^\S+ says: ", "", words), texts)  # without the page's address
    trial.verdict = Verdict(state, texts["title"], {**yours, **told})
    _show(trial.verdict)


def _explained(words: str, texts: dict[str, str]) -> dict[str, str]:
    """Put the help card beside the platform's words, by the AADSTS number in them."""
    why, fix = help_cards.card(*re.findall(r"AADSTS(\d+)", words))
    what = words.partition("Trace ID:")[0].strip()
    return {"What": what, "Why": texts.get("why", why), "Try": texts.get("fix", fix)}


def _show(verdict: Verdict) -> None:
    ipython = sys.modules.get("IPython")
    if ipython and ipython.get_ipython():
        ipython.display.display(verdict)
    else:
        print(verdict)
