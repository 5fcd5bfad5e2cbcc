"""Runs the programs one after another, keeps their figures, and makes plots and page of them.

    .venv/bin/python benchmarks/_all.py [NAME ...]

Without a name it runs all. A program that fails leaves its last figures as they are.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from _figures import print_columns
from _report import aims, all_results

HERE = Path(__file__).parent
RESULTS = HERE / "results"
QUIETER = ("callback_speed", "imports")  # the smallest figures come first, while nothing is warm


def programs() -> list[str]:
    """Return the names of all programs."""
    every = sorted(path.stem for path in HERE.glob("[a-z]*.py"))
    return [*QUIETER, *(name for name in every if name not in QUIETER)]


def main(names: list[str]) -> int:
    """Run them; return 1 when one failed."""
    RESULTS.mkdir(exist_ok=True)
    failed = []
    for name in names or programs():
        began = time.monotonic()
        print(f"== benchmarks/{name}.py", flush=True)
        unfinished = RESULTS / f"{name}.new"
        done = _run(f"{name}.py", "--json", str(unfinished))
        if done == 0:
            unfinished.replace(RESULTS / f"{name}.json")
        else:
            failed.append(name)
        print(f"({time.monotonic() - began:.0f} s)\n", flush=True)
    after = [program for program in ("_plots.py", "_report.py") if _run(program) != 0]
    print_columns(aims(all_results(RESULTS)))
    for name in failed + after:
        print(f"{name} failed.", file=sys.stderr)
    return int(bool(failed or after))


def _run(program: str, *arguments: str) -> int:
    return subprocess.run([sys.executable, str(HERE / program), *arguments]).returncode


if __name__ == "__main__":
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("names", metavar="NAME", nargs="*", help=", ".join(programs()))
    asked = options.parse_args().names
    if unknown := set(asked) - set(programs()):
        options.error(f"there is no program of the name {', '.join(unknown)}")
    sys.exit(main(asked))
