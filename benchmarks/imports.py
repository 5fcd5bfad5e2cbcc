"""Seconds of a whole process that imports one package and ends: ours, its parts, its peers."""

import subprocess
import sys
import tempfile
import time

from _figures import Aim, Program, Table

BARE, OURS = "bare python", "graphhelpers"
PACKAGES = {"requests": "requests", "msal": "msal", "msgraph": "msgraph-sdk"}


def seconds(name: str, folder: str) -> float:
    """Return how long `python -c "import name"` takes, from its start to its end."""
    code = "pass" if name == BARE else f"import {name}"
    before = time.perf_counter()
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=folder, check=True)
    return time.perf_counter() - before


def measure(rounds: int) -> dict[str, list[float]]:
    """Let each have its turn in each round; the first, which may compile, isn't counted."""
    found: dict[str, list[float]] = {name: [] for name in (BARE, OURS, *PACKAGES)}
    with tempfile.TemporaryDirectory() as folder:  # away from the packages' own files
        for number in range(rounds + 1):
            for name, row in found.items():
                took = seconds(name, folder)
                if number:
                    row.append(took)
    return found


def main() -> None:
    """Measure and show."""
    program = Program(__doc__, rounds=25, packages=tuple(PACKAGES.values()))
    rows = measure(program.asked().rounds)
    table = Table("import, whole process", "s", rows, ["requests", BARE], digits=3)
    aims = [
        Aim("import graphhelpers, to requests", table.ratio(OURS, "requests"), "≤", 1.15),
        Aim("import graphhelpers, to msal", table.ratio(OURS, "msal"), "≤", 1.0),
    ]
    program.finish([table], aims)


if __name__ == "__main__":
    main()
