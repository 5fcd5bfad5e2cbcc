"""What the sandbox costs: seconds from its start to its first answer, and its memory over flows.

The peers start beside it, in turns. All answer a request for a page before the clock stops.
"""

import contextlib
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from _figures import Aim, Program, Table
from _person import signed_in
from _servers import Server, node, peers, sandbox

OURS = "graphsandbox"
MEBIBYTE = 1024 * 1024
Start = Callable[[], contextlib.AbstractContextManager[Server]]


def start_times(rounds: int, others: list[Start]) -> tuple[Table, Table]:
    """Return the seconds from the start of each process to its answer, and its memory then."""
    with tempfile.TemporaryDirectory() as home:
        with sandbox(Path(home)):
            pass  # makes the home, with its signing key

        @contextlib.contextmanager
        def ours():
            with sandbox(Path(home)) as (server, _):
                yield server

        took = Table("start to first answer", "s", {}, [OURS], digits=2)
        used = Table("memory then", "MiB", {}, [OURS], digits=1)
        for _ in range(rounds):
            for start in (ours, *others):
                name, seconds, mebibytes = _start(start)
                took.rows.setdefault(name, []).append(seconds)
                used.rows.setdefault(name, []).append(mebibytes)
    return took, used


def _start(start: Start) -> tuple[str, float, float]:
    before = time.perf_counter()
    with start() as server:
        connection = server.connect()
        connection.get("/.well-known/openid-configuration")
        took = time.perf_counter() - before
        connection.close()
        used = psutil.Process(server.pid).memory_info().rss / MEBIBYTE
    name = server.name if server.name == OURS else f"{server.name} {server.version}"
    return name, took, used


def memory(marks: list[int]) -> Table:
    """Return the resident memory in MiB after so many two-request flows."""
    names = [f"{mark:,} flows" for mark in marks]
    found = Table("memory after", "MiB", {}, names[:1], digits=1)
    with sandbox() as (server, ready):
        process, flow = psutil.Process(server.pid), signed_in(server.flow, ready["user"])
        connection, done = server.connect(), 0
        flow(connection)  # what is loaded at the first use belongs to the start
        for name, mark in zip(names, marks, strict=True):
            for _ in range(mark - done):
                flow(connection)
            done = mark
            found.rows[name] = [process.memory_info().rss / MEBIBYTE]
        connection.close()
    return found


def main() -> None:
    """Measure and show."""
    program = Program(__doc__, 7)
    program.add("--flows", 10_000, "flows after which the memory is looked at")
    program.options.add_argument("--alone", action="store_true", help="without the peers")
    asked = program.asked()
    program.also(node())
    took, used = start_times(asked.rounds, [] if asked.alone else peers())
    aim = Aim("start to first answer", statistics.median(took.rows[OURS]), "≤", 0.5, " s")
    program.finish([took, used, memory([0, asked.flows // 10, asked.flows])], [aim])


if __name__ == "__main__":
    main()
