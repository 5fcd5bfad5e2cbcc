"""What every program shares: options, figures that were measured in turns, how they are shown.

A program leaves its figures as JSON: the machine, tables of rows, and the aims. The report and the
plots are made of these files alone, so that they can't say what wasn't measured.
"""

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import re
import statistics
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

NOT_MEASURED = "—"


@dataclass
class Table:
    """Rows in one unit, a value a round; each row is also divided by those named in `bases`."""

    name: str
    unit: str
    rows: dict[str, list[float]]
    bases: list[str] = field(default_factory=list)
    digits: int = 0  # behind the point
    remarks: dict[str, str] = field(default_factory=dict)  # of a row, as "hangs"

    def lines(self) -> list[list[str]]:
        """Return head and rows as texts: name, median and spread, and its ratio to each base."""
        head = [self.name, f"{self.unit}: median (min–max)", *(f"to {base}" for base in self.bases)]
        return [head, *(self._line(name) for name in self.rows)]

    def ratio(self, row: str, base: str) -> float | None:
        """Return the median of a row by another, round by round."""
        ours, theirs = self.rows.get(row), self.rows.get(base)
        return times(ours, theirs) if ours and theirs else None

    def _line(self, name: str) -> list[str]:
        values = self.rows[name]
        shown = spread(values, self.digits) if values else NOT_MEASURED
        if name in self.remarks:
            shown = f"{shown}, {self.remarks[name]}" if values else self.remarks[name]
        return [name, shown, *(_times(self.ratio(name, base)) for base in self.bases)]


@dataclass
class Aim:
    """What a figure should be at most ("≤") or at least ("≥"), beside what it is."""

    what: str
    value: float | None  # None: what it needs could not be measured
    sense: str
    bound: float
    unit: str = "×"

    @property
    def met(self) -> bool:
        """Whether the figure, as it is shown, keeps to the aim."""
        if self.value is None:
            return False
        value = round(self.value, 2)
        return value <= self.bound if self.sense == "≤" else value >= self.bound

    def cells(self) -> list[str]:
        """Return what, the aim, the figure, and whether it is met."""
        value = NOT_MEASURED if self.value is None else f"{self.value:.2f}{self.unit}"
        met = NOT_MEASURED if self.value is None else "yes" if self.met else "no"
        return [self.what, f"{self.sense} {self.bound:g}{self.unit}", value, met]


@dataclass
class Result:
    """One run of a program."""

    program: str
    measured: str  # the day
    machine: str
    arguments: list[str]
    seconds: float  # that the program took
    tables: list[Table]
    aims: list[Aim]

    @classmethod
    def read(cls, path: Path) -> "Result":
        """Return what a program left."""
        kept = json.loads(path.read_text(encoding="utf-8"))
        tables, aims = kept.pop("tables"), kept.pop("aims")
        return cls(**kept, tables=[Table(**t) for t in tables], aims=[Aim(**a) for a in aims])

    def table(self, name: str) -> Table:
        """Return the table of this name."""
        return next(table for table in self.tables if table.name == name)


class Program:
    """The command line of one program, and where its figures go."""

    def __init__(self, doc: str, rounds: int, packages: tuple[str, ...] = ()):
        self.options = argparse.ArgumentParser(
            description=doc, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        self.add("--rounds", rounds, "turns of each row")
        self.options.add_argument(
            "--json", metavar="FILE", type=Path, help="leave the figures in this file, too"
        )
        self._packages, self._others, self._began = packages, [], time.monotonic()

    def add(self, name: str, default: Any, words: str) -> None:
        """Take an option whose default is what `make bench` measures."""
        about = f"{words} ({default})"
        self.options.add_argument(name, type=type(default), default=default, help=about)

    def asked(self) -> argparse.Namespace:
        """Return what the command line says."""
        return self.options.parse_args()

    def also(self, *words: str) -> None:
        """Name what else belongs to the machine's description."""
        self._others += words

    def finish(self, tables: list[Table], aims: list[Aim] = ()) -> None:
        """Print the figures, and leave them in a file when asked to."""
        for table in tables:
            table.rows = {name: [_short(one) for one in row] for name, row in table.rows.items()}
        result = Result(
            Path(sys.argv[0]).stem,
            f"{datetime.date.today():%Y-%m-%d}",
            ", ".join([machine(self._packages), *self._others]),
            _arguments(sys.argv[1:]),
            round(time.monotonic() - self._began, 1),
            tables,
            list(aims),
        )
        print(result.machine)
        for table in tables:
            print()
            print_columns(table.lines())
        if aims:
            print()
            print_columns([["aim", "", "measured", "met"], *(aim.cells() for aim in aims)])
        if path := self.asked().json:
            text = json.dumps(asdict(result), indent=1, ensure_ascii=False, default=str)
            path.write_text(_short_lists(text) + "\n", encoding="utf-8")


def machine(packages: tuple[str, ...]) -> str:
    """Return what was measured, and on what, in one line."""
    known = (f"{name} {importlib.metadata.version(name)}" for name in packages if installed(name))
    cores = f"{os.cpu_count()} cores ({_processor()})"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return ", ".join([cores, f"{platform.system()} {platform.machine()}", python, *known])


def installed(package: str) -> bool:
    """Whether this Python has a package, by its name on PyPI."""
    try:
        return bool(importlib.metadata.version(package))
    except importlib.metadata.PackageNotFoundError:
        return False


def _processor() -> str:
    try:
        found = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or "unknown"


def spread(values: list[float], digits: int = 0) -> str:
    """Return the median, and between which figures it lies."""
    if len(values) == 1:
        return f"{values[0]:,.{digits}f}"
    low, high = min(values), max(values)
    return f"{statistics.median(values):,.{digits}f} ({low:,.{digits}f}–{high:,.{digits}f})"


def times(ours: list[float], theirs: list[float]) -> float:
    """Return the median of our figure by the other's, round by round."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=False))


def print_columns(lines: list[list[str]]) -> None:
    """Print texts below one another; all but the first column to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for first, *others in lines:
        right = (text.rjust(width) for text, width in zip(others, widths[1:], strict=True))
        print("  ".join([first.ljust(widths[0]), *right]).rstrip(), flush=True)


def _times(ratio: float | None) -> str:
    return NOT_MEASURED if ratio is None else f"{ratio:,.2f}×"


def _short(value: float) -> float:
    """Return six digits of a figure, which is more than anyone measures."""
    return float(f"{value:.6g}")


def _arguments(given: list[str]) -> list[str]:
    """Return the options as given, but for the file, whose place is nobody's business."""
    if "--json" in given:
        at = given.index("--json")
        return given[:at] + given[at + 2 :]
    return given


def _short_lists(text: str) -> str:
    """Write each list of numbers on one line."""
    return re.sub(r"\[\s+([-0-9.e,\s]+?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", text)
