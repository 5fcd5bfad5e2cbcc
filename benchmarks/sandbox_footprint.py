"""What the sandbox costs: seconds from its start to its first answer, and its memory over flows."""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import psutil
from _person import signed_in
from _servers import sandbox

MEBIBYTE = 1024 * 1024


def start_times(runs: int) -> list[float]:
    """Return the seconds from the start of the process to its answer, on a home it knows."""
    with tempfile.TemporaryDirectory() as home:
        with sandbox(Path(home)):
            pass  # makes the home, with its signing key
        return [_start(Path(home)) for _ in range(runs)]


def _start(home: Path) -> float:
    before = time.perf_counter()
    with sandbox(home) as (server, _):
        connection = server.connect()
        answer = connection.get("/_control/ready")
        took = time.perf_counter() - before
        connection.close()
    if answer.status != 200:
        raise AssertionError(f"no answer: {answer.status}")
    return took


def memory(marks: list[int]) -> dict[int, float]:
    """Return the resident memory in MiB after so many two-request flows."""
    found = {}
    with sandbox() as (server, ready):
        process, flow = psutil.Process(server.pid), signed_in(server.flow, ready["user"])
        connection, done = server.connect(), 0
        flow(connection)  # what is loaded at the first use belongs to the start
        for mark in marks:
            for _ in range(mark - done):
                flow(connection)
            done = mark
            found[mark] = process.memory_info().rss / MEBIBYTE
        connection.close()
    return found


def main() -> None:
    """Measure, print, and leave the figures in a file when asked to."""
    options = _options().parse_args()
    starts = start_times(options.starts)
    median = statistics.median(starts)
    print(f"start to first answer: {median:.2f} s (best {min(starts):.2f}, {len(starts)} starts)")
    used = memory([0, options.flows // 10, options.flows])
    for flows, mebibytes in used.items():
        print(f"memory after {flows:6} flows: {mebibytes:5.1f} MiB")
    if options.json:
        figures = {"start_s": round(median, 3), "memory_mib": used}
        Path(options.json).write_text(json.dumps(figures, indent=2), encoding="utf-8")


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=9)
    parser.add_argument("--flows", type=int, default=10_000)
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    return parser


if __name__ == "__main__":
    main()
