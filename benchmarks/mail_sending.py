"""Mails a second: one by one and by batches, beside msgraph-sdk, O365 and plain requests.

All send the same mail to the same sandbox, over TLS, on one kept-alive connection. Clients take
turns, round after round; each round is a process of its own, timed from its second mail on.
"""

import argparse
import json
from pathlib import Path

from _mail_runs import run, signed_in, spread, times, versions

SLOW = "O365"  # by its default it waits 0.2 s between two requests
OURS, MANY, PLAIN = "graphhelpers", "graphhelpers send_many", "requests.Session"
ROWS = (
    OURS, MANY, PLAIN, "requests.Session(trust_env=False)", "msgraph-sdk", "O365, no throttle",
    SLOW,
)  # fmt: skip


def measure(rounds: int, count: int) -> dict[str, dict[str, list[float]]]:
    """Return mails a second, and the peak of memory, for each client and round."""
    found = {name: {"rate": [], "peak_mib": []} for name in ROWS}
    with signed_in() as (box, known):
        for _ in range(rounds):
            for name in ROWS:
                sent = min(count, 10) if name == SLOW else count
                box.reset()
                figures = run(known, client=name, count=sent)
                arrived = len(box.mails())
                if arrived != sent + 1:
                    raise SystemExit(f"{name}: {arrived} mails arrived, not {sent + 1}")
                found[name]["rate"].append(sent / figures["seconds"])
                found[name]["peak_mib"].append(figures["peak_mib"])
    return found


def main() -> None:
    """Measure, print a table, and leave the figures in a file when asked to."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5, help="turns of each client (5)")
    options.add_argument("--mails", type=int, default=500, help="mails a turn (500)")
    options.add_argument("--json", type=Path, help="leave the figures in this file")
    asked = options.parse_args()
    found = measure(asked.rounds, asked.mails)
    print(versions())
    print(f"{'client':34} {'mails/s':>22} {'to Session':>11} {'peak MiB':>9}")
    for name, row in found.items():
        ratio = times(row["rate"], found[PLAIN]["rate"])
        print(f"{name:34} {spread(row['rate']):>22} {ratio:10.2f}x {max(row['peak_mib']):9.1f}")
    sdk = times(found[OURS]["rate"], found["msgraph-sdk"]["rate"])
    print(f"one by one: {sdk:.2f} times msgraph-sdk")
    if asked.json:
        asked.json.write_text(json.dumps({"versions": versions(), "clients": found}, indent=2))


if __name__ == "__main__":
    main()
