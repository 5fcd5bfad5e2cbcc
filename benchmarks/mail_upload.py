"""One mail with a large file: MB a second and memory, beside msgraph-sdk, O365 and plain requests.

The memory is what the process grew by, from after a first small mail to its peak.
"""

import hashlib
import os
import tempfile
from pathlib import Path

from _figures import Aim, Program, Table
from _mail_runs import run, signed_in

OURS, PLAIN, SDK = "graphhelpers", "requests.Session", "msgraph-sdk"
ROWS = (OURS, PLAIN, SDK, "O365, no throttle")


def measure(rounds: int, path: Path) -> list[Table]:
    """Return MB a second, and memory, for each client and round; each file is checked."""
    rate = Table("a large file", "MB/s", {name: [] for name in ROWS}, [PLAIN])
    grown = Table("memory it took", "MiB", {name: [] for name in ROWS}, [PLAIN], digits=1)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    for _ in range(rounds):
        for name in ROWS:
            with signed_in() as (box, known):
                figures = run(known, client=name, work="file", file=str(path))
                [file] = box.mails()[0]["attachments"]
            if file["sha256"] != sha256:
                raise SystemExit(f"{name}: what arrived is another file")
            rate.rows[name].append(path.stat().st_size / 1e6 / figures["seconds"])
            grown.rows[name].append(figures["grown_mib"])
    return [rate, grown]


def main() -> None:
    """Measure and show."""
    program = Program(__doc__, 3, ("requests", "msgraph-sdk", "O365", "httpx"))
    program.add("--mib", 150, "size of the file in MiB")
    asked = program.asked()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.bin"
        with path.open("wb") as file:
            for _ in range(asked.mib):
                file.write(os.urandom(2**20))
        rate, grown = measure(asked.rounds, path)
        aims = [
            Aim("memory it took", max(grown.rows[OURS]), "≤", 32, " MiB"),
            Aim("memory it took, to msgraph-sdk", grown.ratio(OURS, SDK), "≤", 1),
            Aim("memory it took, to requests.Session", grown.ratio(OURS, PLAIN), "≤", 1),
        ]
        program.finish([rate, grown], aims)


if __name__ == "__main__":
    main()
