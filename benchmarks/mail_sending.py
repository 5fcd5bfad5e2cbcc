"""Mails a second: one by one and by batches, beside msgraph-sdk, O365 and plain requests.

All send the same mail to the same sandbox, over TLS, on one kept-alive connection. Clients take
turns, round after round; each round is a process of its own, timed from its second mail on.
"""

from _figures import Aim, Program, Table
from _mail_runs import run, signed_in

SLOW = "O365"  # by its default it waits 0.2 s between two requests
OURS, MANY, PLAIN = "graphhelpers", "graphhelpers send_many", "requests.Session"
ROWS = (
    OURS, MANY, PLAIN, "requests.Session(trust_env=False)", "msgraph-sdk", "O365, no throttle",
    SLOW,
)  # fmt: skip
SDK, WORK = "msgraph-sdk", {MANY: {"client": OURS, "work": "send_many"}}


def measure(rounds: int, count: int) -> tuple[Table, Table]:
    """Return mails a second, and the peak of memory, for each client and round."""
    rate = Table("sending mails", "mails/s", {name: [] for name in ROWS}, [PLAIN, SDK])
    peak = Table("memory", "peak MiB", {name: [] for name in ROWS}, digits=1)
    with signed_in() as (box, known):
        for _ in range(rounds):
            for name in ROWS:
                sent = min(count, 10) if name == SLOW else count
                box.reset()
                what = WORK.get(name, {"client": name, "work": "send"})
                figures = run(known, count=sent, **what)
                arrived = len(box.mails())
                if arrived != sent + 1:
                    raise SystemExit(f"{name}: {arrived} mails arrived, not {sent + 1}")
                rate.rows[name].append(sent / figures["seconds"])
                peak.rows[name].append(figures["peak_mib"])
    return rate, peak


def main() -> None:
    """Measure and show."""
    program = Program(__doc__, 5, ("requests", "msgraph-sdk", "O365"))
    program.add("--mails", 300, "mails a turn")
    asked = program.asked()
    rate, peak = measure(asked.rounds, asked.mails)
    aims = [
        Aim("one by one, to msgraph-sdk", rate.ratio(OURS, SDK), "≥", 2),
        Aim("send_many, to requests.Session", rate.ratio(MANY, PLAIN), "≥", 3),
        Aim("memory, to msgraph-sdk", peak.ratio(MANY, SDK), "≤", 1),
        Aim("memory, to O365", peak.ratio(MANY, SLOW), "≤", 1),
        Aim("memory, to requests.Session", peak.ratio(MANY, PLAIN), "≤", 1),
    ]
    program.finish([rate, peak], aims)


if __name__ == "__main__":
    main()
