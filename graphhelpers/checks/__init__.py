"""What the kit checks for its readers: the start, the labs of the chapters, and the exercises.

The start is checked at once, before anything else of the kit is imported.
"""

from .start import require, start_check

start_check()

from .exercises import exercise, hint  # noqa: E402 (a file in the way is to be named first)
from .labs import lab  # noqa: E402
from .verdict import Verdict  # noqa: E402

__all__ = ["Verdict", "exercise", "hint", "lab", "require"]
