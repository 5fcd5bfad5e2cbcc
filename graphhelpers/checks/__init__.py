"""What the kit checks for its readers: the start, the labs of the chapters, and the exercises.

The start is checked at once, before anything else of the kit is imported; labs and exercises are
imported when a chapter comes to them, since `import graphhelpers` is to be quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from .start import require, start_check

start_check()

if TYPE_CHECKING:
    from .exercises import exercise, hint
    from .labs import lab
    from .verdict import Verdict

__all__ = ["Verdict", "exercise", "hint", "lab", "require"]
ROOMS = {"Verdict": "verdict", "exercise": "exercises", "hint": "exercises", "lab": "labs"}


def __getattr__(name: str) -> object:
    if room := ROOMS.get(name):
        return getattr(import_module(f"{__name__}.{room}"), name)
    raise AttributeError(f"There is no {name!r} in {__name__}.")
