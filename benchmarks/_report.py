"""Writes the tables of README.md from the figures in results/, so that the two can't differ.

    .venv/bin/python benchmarks/_report.py [--check]

Between `<!-- figures: NAME -->` and `<!-- /figures -->` stands what results/NAME.json holds; all
else on the page is written by hand. `aims` is every aim of all programs. With --check nothing is
written, and the exit code says whether the page is what the figures say.
"""

import argparse
import re
import sys
from pathlib import Path

from _figures import Result

HERE = Path(__file__).parent
BLOCK = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- /figures -->)", re.DOTALL)
NOTHING = "*Not measured yet: `make bench` does it.*"
PICTURES = {  # by program, with what is seen in them
    "imports": "Seconds of a process that imports one package",
    "callback_speed": "Milliseconds from the redirect to the waiting caller",
    "exchange_and_send": "Milliseconds for a token and a mail, and mails a second",
    "sandbox_flows": "Flows a second by clients, start, memory and calls by the mailbox's size",
    "notebooks_speed": "Seconds of each notebook beside a bare kernel",
    "lab_start": "Seconds until the page of make lab answers",
    "growth": "Cost of a call, of drawing, of memory and of flows as their number grows",
}


def written(page: str, folder: Path) -> str:
    """Return the page with each block made of the figures in a folder."""
    results = all_results(folder)

    def block(found: re.Match[str]) -> str:
        start, name, end = found.groups()
        if name == "aims":
            lines = _table(aims(results)) if results else [NOTHING]
        else:
            lines = figures(results.get(name), folder)
        return "\n".join([start, *lines, "", end])

    return BLOCK.sub(block, page)


def all_results(folder: Path) -> dict[str, Result]:
    """Return what every program has left, by its name."""
    return {path.stem: Result.read(path) for path in sorted(folder.glob("*.json"))}


def figures(result: Result | None, folder: Path) -> list[str]:
    """Return the lines of one program: its tables, and how they came about."""
    if result is None:
        return [NOTHING]
    lines = []
    if (folder.parent / "figures" / f"{result.program}.png").exists():
        lines += [f"![{PICTURES[result.program]}](figures/{result.program}.png)", ""]
    for table in result.tables:
        lines += [*_table(table.lines()), ""]
    command = " ".join([f"benchmarks/{result.program}.py", *result.arguments])
    when = f"Measured on {result.measured} by `.venv/bin/python {command}` in"
    return [*lines, f"{when} {result.seconds:.0f} s: {result.machine}."]


def aims(results: dict[str, Result]) -> list[list[str]]:
    """Return head and rows of all aims as texts."""
    head = ["program: what", "aim", "measured", "met"]
    found = [(one.program, *aim.cells()) for one in results.values() for aim in one.aims]
    return [head, *([f"{program}: {what}", *cells] for program, what, *cells in found)]


def _table(lines: list[list[str]]) -> list[str]:
    head, *rows = [f"| {' | '.join(line)} |" for line in lines]
    rule = ["---", *("--:" for _ in lines[0][1:])]
    return [head, f"| {' | '.join(rule)} |", *rows]


def main() -> int:
    """Write the page, or say whether it is as it should be."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--check", action="store_true", help="only compare")
    options.add_argument("--results", type=Path, default=HERE / "results", help="the figures")
    options.add_argument("--page", type=Path, default=HERE / "README.md", help="the page")
    asked = options.parse_args()
    before = asked.page.read_text(encoding="utf-8")
    after = written(before, asked.results)
    if asked.check:
        return int(before != after)
    asked.page.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
