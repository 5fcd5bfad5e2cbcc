"""One mail with a large file: MB a second and memory, beside msgraph-sdk, O365 and plain requests.

The memory is what the process grew by, from after a first small mail to its peak.
"""

import argparse
import hashlib
import json
import os
import tempfile
from pathlib import Path

from _mail_runs import run, signed_in, spread, times, versions

OURS, PLAIN = "graphhelpers", "requests.Session"
ROWS = (OURS, PLAIN, "msgraph-sdk", "O365, no throttle")


def measure(rounds: int, path: Path) -> dict[str, dict[str, list[float]]]:
    """Return MB a second, and memory, for each client and round; each file is checked."""
    found = {name: {"rate": [], "grown_mib": [], "peak_mib": []} for name in ROWS}
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    for _ in range(rounds):
        for name in ROWS:
            with signed_in() as (box, known):
                figures = run(known, client=name, file=str(path))
                [file] = box.mails()[0]["attachments"]
            if file["sha256"] != sha256:
                raise SystemExit(f"{name}: what arrived is another file")
            found[name]["rate"].append(path.stat().st_size / 1e6 / figures["seconds"])
            for figure in ("grown_mib", "peak_mib"):
                found[name][figure].append(figures[figure])
    return found


def main() -> None:
    """Measure, print a table, and leave the figures in a file when asked to."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3, help="turns of each client (3)")
    options.add_argument("--mib", type=int, default=150, help="size of the file in MiB (150)")
    options.add_argument("--json", type=Path, help="leave the figures in this file")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.bin"
        with path.open("wb") as file:
            for _ in range(asked.mib):
                file.write(os.urandom(2**20))
        found = measure(asked.rounds, path)
    print(versions())
    print(f"{'client':20} {'MB/s':>18} {'to Session':>11} {'grown MiB':>10} {'peak MiB':>9}")
    for name, row in found.items():
        ratio, grown = times(row["rate"], found[PLAIN]["rate"]), max(row["grown_mib"])
        peak = max(row["peak_mib"])
        print(f"{name:20} {spread(row['rate']):>18} {ratio:10.2f}x {grown:10.1f} {peak:9.1f}")
    if asked.json:
        asked.json.write_text(json.dumps({"versions": versions(), "clients": found}, indent=2))


if __name__ == "__main__":
    main()
