"""How cost grows: with 1 to 1,000 exchanges in the wire log, and 1 to 100 clients on the sandbox.

A call is `whoami`, the median of 50 while so many exchanges are kept; then the log is shown, as a
table and as a diagram. The log keeps 1,000 at most, and a diagram draws 40,000 characters at most.
Memory is what tracemalloc counts, in a pass of its own, since it slows everything down.
"""

import contextlib
import statistics
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime

from _figures import Aim, Program, Table
from _load import Connection, rate
from _person import sign_in, signed_in
from _servers import Server, sandbox

import graphhelpers as g

CALL = "a call, by exchanges kept"
TABLE = "drawing the table, by exchanges kept"
DIAGRAM = "drawing the diagram, by exchanges kept"
CALLS = 50  # calls, of which the median counts


def kit(server: Server, ready: dict[str, str]) -> tuple[g.Registration, g.Token]:
    """Return the app and a token of the sandbox's first user, as graphhelpers holds them."""
    cloud = g.sandbox_cloud(ready["authority"], ready["graph"], None)
    names = {"tenant": ready["tenant"], "cloud": cloud}
    app = g.Registration(ready["client_id"], ready["client_secret"], **names)
    connection = server.connect()
    answer = server.flow.redeem(connection, sign_in(connection, server.flow, ready["user"]))
    connection.close()
    held = g.Secret(answer["access_token"])
    return app, g.Token(held, None, None, str(answer["scope"]), datetime.now(UTC))


def milliseconds(work: Callable[[], object]) -> float:
    """Return what one call takes."""
    before = time.perf_counter()
    work()
    return (time.perf_counter() - before) * 1000


def with_exchanges(call: Callable[[], object], marks: list[int], rounds: int) -> list[Table]:
    """Return what a call and each drawing cost with so many exchanges in the log."""
    tables = {
        name: Table(name, "ms", {f"{mark:,}": [] for mark in marks}, [f"{marks[0]:,}"], 3)
        for name in (CALL, TABLE, DIAGRAM)
    }
    for number in range(rounds + 1):
        g.wire_log.clear()
        for mark in marks:
            while len(g.wire_log) < mark:
                call()
            took = {
                CALL: statistics.median(_one_more(call, mark) for _ in range(CALLS)),
                TABLE: milliseconds(g.wire_log._repr_html_),
                DIAGRAM: milliseconds(g.wire_log.diagram()._repr_mimebundle_),
            }
            for name, figure in took.items():
                if number:  # the first loads what is loaded once
                    tables[name].rows[f"{mark:,}"].append(figure)
    return list(tables.values())


def _one_more(call: Callable[[], object], mark: int) -> float:
    """Return what a call takes, and forget it, so that as many exchanges are kept as before."""
    took = milliseconds(call)
    while len(g.wire_log) > mark:
        g.wire_log.pop()
    return took


def memory(call: Callable[[], object], marks: list[int]) -> Table:
    """Return the KiB that so many exchanges hold."""
    found = Table("memory of the log, by exchanges kept", "KiB", {}, [f"{marks[0]:,}"], 1)
    call()  # what is loaded once
    g.wire_log.clear()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for mark in marks:
        while len(g.wire_log) < mark:
            call()
        used, _ = tracemalloc.get_traced_memory()
        found.rows[f"{mark:,}"] = [(used - before) / 1024]
    tracemalloc.stop()
    return found


def with_clients(
    server: Server, user: str, clients: list[int], rounds: int, seconds: float
) -> Table:
    """Return the code flows a second of so many clients."""
    flow: Callable[[Connection], object] = signed_in(server.flow, user)
    found = Table(
        "code flows, by clients on the sandbox", "flows/s", {str(n): [] for n in clients}, []
    )
    found.bases = [str(clients[0])]
    for _ in range(rounds):
        for number in clients:
            found.rows[str(number)].append(rate(server.connect, flow, number, seconds))
    return found


def main() -> None:
    """Measure and show."""
    program = Program(__doc__, 5)
    program.add("--exchanges", "1,3,10,30,100,300,1000", "marks of the wire log")
    program.add("--clients", "1,2,5,10,20,50,100", "clients on the sandbox")
    program.add("--seconds", 1.0, "length of a turn of the clients")
    asked = program.asked()
    marks = [int(mark) for mark in asked.exchanges.split(",")]
    clients = [int(number) for number in asked.clients.split(",")]
    with contextlib.ExitStack() as running:
        server, ready = running.enter_context(sandbox())
        app, token = kit(server, ready)

        def call() -> None:
            g.whoami(app, token)

        calls, table, diagram = with_exchanges(call, marks, asked.rounds)
        held = memory(call, marks)
        flows = with_clients(server, ready["user"], clients, asked.rounds, asked.seconds)
    middle = marks[len(marks) // 2]
    first, some, last = (f"{mark:,}" for mark in (marks[0], middle, marks[-1]))
    each_of_table, each_of_memory = (
        one.ratio(last, some) * middle / marks[-1] for one in (table, held)
    )
    least, most = str(clients[0]), str(clients[-1])
    aims = [
        Aim(f"a call, with {last} exchanges kept to {first}", calls.ratio(last, first), "≤", 1.2),
        Aim(f"the table, each exchange, {last} to {some}", each_of_table, "≤", 1.2),
        Aim(f"memory, each exchange, {last} to {some}", each_of_memory, "≤", 1.2),
        Aim(f"code flows, {most} clients to {least}", flows.ratio(most, least), "≥", 0.8),
    ]
    program.finish([calls, table, diagram, held, flows], aims)


if __name__ == "__main__":
    main()
