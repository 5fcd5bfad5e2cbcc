"""Code flows a second: the sandbox beside npm's oauth2-mock-server and PyPI's oidc-provider-mock.

A two-request flow is GET authorize (signed in, consented) and POST token, which signs two tokens
with RS256. Rounds take turns, so that a busy moment of the machine meets every server alike.
"""

import argparse
import contextlib
import json
import os
import platform
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

from _load import Connection, rate
from _person import signed_in, whole_flow
from _servers import Server, peers, sandbox

CLIENTS = (1, 8)
OURS, WHOLE = "graphsandbox", "sign-in + send"


@dataclass
class Row:
    """One server under so many clients, and what each round measured."""

    name: str
    server: Server
    flow: Callable[[Connection], object]
    clients: int
    rates: list[float] = field(default_factory=list)

    def median(self) -> float:
        """Return flows a second."""
        return statistics.median(self.rates)

    def as_multiple_of(self, other: "Row") -> float:
        """Return the median of our rate by the other's, round by round."""
        return statistics.median(
            ours / its for ours, its in zip(self.rates, other.rates, strict=True)
        )


def measure(rows: list[Row], rounds: int, seconds: float) -> None:
    """Let every row have its turn in each round."""
    for _ in range(rounds):
        for row in rows:
            row.rates.append(rate(row.server.connect, row.flow, row.clients, seconds))


def rows_of(ours: Server, ready: dict[str, str], others: list[Server], clients: int) -> list[Row]:
    """Return what is compared under so many clients; the sandbox's two-request flow first."""
    user = ready["user"]
    return [
        Row(OURS, ours, signed_in(ours.flow, user), clients),
        *(Row(one.name, one, one.flow, clients) for one in others),
        Row(WHOLE, ours, whole_flow(ours.flow, user), clients),
    ]


def report(rows: list[Row]) -> dict[str, object]:
    """Print the rows of one number of clients, and return them as data."""
    ours, found = rows[0], {}
    for row in rows:
        multiple = ours.as_multiple_of(row)
        found[row.name] = {
            "version": row.server.version,
            "flows_per_second": round(row.median(), 1),
            "sandbox_is_times_as_fast": round(multiple, 2),
        }
        name = row.name if row.name == WHOLE else f"{row.name} {row.server.version}"
        print(f"{row.clients:7}  {name:26} {row.median():8.0f} {multiple:10.2f}x")
    return found


def main() -> None:
    """Measure, print a table, and leave the figures in a file when asked to."""
    options = _options().parse_args()
    figures: dict[str, object] = {"python": platform.python_version(), "cores": os.cpu_count()}
    with contextlib.ExitStack() as running:
        ours, ready = running.enter_context(sandbox())
        start = [] if options.alone else peers()
        others = [running.enter_context(one()) for one in start]
        print(f"clients  {'two-request code flow':26} {'flows/s':>8} {'sandbox is':>11}")
        for clients in CLIENTS:
            rows = rows_of(ours, ready, others, clients)
            measure(rows, options.rounds, options.seconds)
            figures[f"{clients} clients"] = report(rows)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=2)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="turns of each server")
    parser.add_argument("--seconds", type=float, default=1.5, help="length of a turn")
    parser.add_argument("--alone", action="store_true", help="without the peers")
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    return parser


if __name__ == "__main__":
    main()
