"""Seconds of each notebook, run as `make notebooks` runs it, beside a bare kernel.

The bare kernel runs a notebook with one cell, `1 + 1`: its start, its end and the messages between
are what no notebook can save. Each round has homes and a sandbox of its own, and a program that
plays the browser.
"""

import os
import sys
import tempfile
from pathlib import Path

import nbformat

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from time import perf_counter  # noqa: E402

from _figures import Aim, Program, Table  # noqa: E402

from tests.homes import VISITOR, own_homes, running_sandbox  # noqa: E402
from tools.run_notebooks import NOTEBOOKS, run  # noqa: E402

BARE = "bare kernel"
PACKAGES = ("nbclient", "ipykernel", "jupyter_client")


def bare(folder: Path) -> Path:
    """Return a notebook with one trivial cell."""
    path = folder / "bare.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1 + 1")]), path)
    return path


def measure(rounds: int, names: list[str]) -> Table:
    """Let the bare kernel and each notebook have their turn in each round."""
    found = Table("notebook", "s", {name: [] for name in (BARE, *names)}, [BARE], 2)
    for number in range(rounds + 1):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            env = own_homes(Path(folder))
            os.environ.update(env, BROWSER=VISITOR)
            paths = {BARE: bare(Path(folder))} | {name: NOTEBOOKS / name for name in names}
            with running_sandbox(env):
                for name, path in paths.items() if number else [(BARE, paths[BARE])]:
                    before = perf_counter()
                    run(path)
                    if number:  # before the first round, a kernel loads what is loaded once
                        found.rows[name].append(perf_counter() - before)
    return found


def main() -> None:
    """Measure and show."""
    every = sorted(path.name for path in NOTEBOOKS.glob("*.ipynb"))
    program = Program(__doc__, 3, PACKAGES)
    program.add("--notebooks", ",".join(every), "which")
    asked = program.asked()
    names = asked.notebooks.split(",")
    found = measure(asked.rounds, names)
    program.finish(
        [found], [Aim(f"{name}, to {BARE}", found.ratio(name, BARE), "≤", 3.0) for name in names]
    )


if __name__ == "__main__":
    main()
