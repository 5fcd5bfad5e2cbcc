"""Milliseconds for one token and one mail on the wire: ours beside the floor and the peers.

The token comes of a refresh token, which is the exchange that can be repeated without a person;
its request and its answer are as large as those for a code. All clients ask the same sandbox over
TLS, since msal and msgraph-sdk speak nothing else. Each turn is a process of its own, timed from
its second exchange on, so that neither imports nor the TLS handshake count. The floor holds the
sandbox's own work, which no client can save; the second table is what each adds to it.
"""

from _figures import Aim, Program, Table
from _mail_runs import run, signed_in

FLOOR, OURS, PLAIN, SDK = (
    "http.client, kept alive", "graphhelpers", "requests.Session", "msgraph-sdk",
)  # fmt: skip
ROWS = (FLOOR, OURS, "requests.Session(trust_env=False)", PLAIN, "msal + requests.Session", SDK)


def measure(rounds: int, count: int) -> dict[str, list[float]]:
    """Return milliseconds for token and mail, for each client and round."""
    found: dict[str, list[float]] = {name: [] for name in ROWS}
    with signed_in() as (box, known):
        for _ in range(rounds):
            for name, row in found.items():
                box.reset()  # consents, too: the next line gives them again
                code = box.sign_in(known["link"])["code"]
                took = run(known, client=name, work="exchange", count=count, code=code)
                arrived = len(box.mails())
                if arrived != count + 1:
                    raise SystemExit(f"{name}: {arrived} mails arrived, not {count + 1}")
                row.append(took["seconds"] / count * 1000)
    return found


def beyond(floor: list[float], rows: dict[str, list[float]]) -> dict[str, list[float]]:
    """Return what each row has above the floor of its round."""
    return {
        name: [one - least for one, least in zip(row, floor, strict=True)]
        for name, row in rows.items()
    }


def main() -> None:
    """Measure and show."""
    packages = ("requests", "msal", "msgraph-sdk", "azure-identity", "httpx")
    program = Program(__doc__, 7, packages)
    program.add("--count", 200, "tokens and mails a turn")
    asked = program.asked()
    rows = measure(asked.rounds, asked.count)
    table = Table("token and mail", "ms", rows, [FLOOR, PLAIN], digits=2)
    others = {name: row for name, row in rows.items() if name != FLOOR}
    added = Table("added to the floor", "ms", beyond(rows[FLOOR], others), [PLAIN], digits=2)
    aims = [
        Aim("token and mail, to requests.Session", table.ratio(OURS, PLAIN), "≤", 1.15),
        Aim("token and mail, to msgraph-sdk", table.ratio(OURS, SDK), "≤", 0.5),
    ]
    program.finish([table, added], aims)


if __name__ == "__main__":
    main()
