"""Code flows a second: the sandbox beside three servers that others test with, under more clients.

A two-request flow is GET authorize (signed in, consented) and POST token, which signs two tokens
with RS256. Rounds take turns, so that a busy moment of the machine meets every server alike.
"""

import contextlib
from collections.abc import Callable

from _figures import Aim, Program, Table
from _load import Connection, rate
from _person import signed_in, whole_flow
from _servers import Server, node, peers, sandbox

OURS, WHOLE = "graphsandbox", "sign-in + send (graphsandbox)"
AIM_AT = 8  # clients

Flow = Callable[[Connection], object]


def table(rows: dict[str, tuple[Server, Flow]], clients: int, rounds: int, seconds: float) -> Table:
    """Return flows a second under so many clients; every row has its turn in each round."""
    name = f"{clients} client{'s' if clients > 1 else ''}"
    found = Table(name, "flows/s", {one: [] for one in rows}, [OURS])
    for _ in range(rounds):
        for one, (server, flow) in rows.items():
            found.rows[one].append(rate(server.connect, flow, clients, seconds))
    return found


def rows_of(ours: Server, user: str, others: list[Server]) -> dict[str, tuple[Server, Flow]]:
    """Return what is compared: the two-request flow of each, and our flow with pages and mail."""
    return {
        OURS: (ours, signed_in(ours.flow, user)),
        **{f"{one.name} {one.version}": (one, one.flow) for one in others},
        WHOLE: (ours, whole_flow(ours.flow, user)),
    }


def best(found: Table) -> float | None:
    """Return our rate by that of the fastest peer; None without peers."""
    ratios = [found.ratio(OURS, name) for name in found.rows if name not in (OURS, WHOLE)]
    return min(ratios, default=None)


def main() -> None:
    """Measure and show."""
    program = Program(__doc__, 5)
    program.add("--seconds", 1.5, "length of a turn")
    program.add("--clients", "1,8,64", "how many at a time")
    program.options.add_argument("--alone", action="store_true", help="without the peers")
    asked = program.asked()
    program.also(node())
    with contextlib.ExitStack() as running:
        ours, ready = running.enter_context(sandbox())
        start = [] if asked.alone else peers()
        others = [running.enter_context(one()) for one in start]
        rows, clients = rows_of(ours, ready["user"], others), asked.clients.split(",")
        tables = [table(rows, int(n), asked.rounds, asked.seconds) for n in clients]
    aims = [
        Aim(f"code flows, {AIM_AT} clients, to the best peer", best(one), "≥", 1.0)
        for one in tables
        if one.name == f"{AIM_AT} clients"
    ]
    program.finish(tables, aims)


if __name__ == "__main__":
    main()
