"""What a call costs in a mailbox with no mail, with 1,000 and with 100,000.

The boxes are filled by the sandbox's own code before it starts; then three sandboxes, one for each
size, are asked in turns. A page in the middle is asked for by the address that `@odata.nextLink`
would give. A filter looks at every mail. What is sent stays in the box, so that the empty one has
a few hundred at the end.
"""

import contextlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, urlencode

from _figures import Aim, Program, Table
from _load import Connection
from _person import MAIL, sign_in
from _servers import sandbox

from graphsandbox import directory
from graphsandbox.graph import content
from graphsandbox.mailboxes import Mailboxes
from graphsandbox.store import Store

SENDS, READS, FILTERS = 50, 5, 1  # calls a turn
SCOPE = "openid User.Read Mail.Send Mail.ReadWrite"


@dataclass
class Box:
    """A running sandbox whose first user has so many mails, and a connection of that user."""

    size: int
    connection: Connection
    bearer: dict[str, str]

    def send(self) -> None:
        """Send a mail to somebody else."""
        headers = self.bearer | {"Content-Type": "application/json"}
        body = json.dumps(MAIL).encode()
        answer = self.connection.send("POST", "/v1.0/me/sendMail", headers, body)
        assert answer.status == 202, answer

    def first_page(self) -> None:
        """List the newest ten."""
        self._page({"$top": "10"}, min(self.size, 10))

    def middle_page(self) -> None:
        """List ten from the middle."""
        self._page({"$top": "10", "$skip": str(self.size // 2)}, min(self.size // 2, 10))

    def filtered(self) -> None:
        """Look for one subject."""
        number = self.size // 2
        self._page({"$filter": f"subject eq 'mail {number}'"}, min(self.size, 1))

    def _page(self, asked: dict[str, str], least: int) -> None:
        path = f"/v1.0/me/messages?{urlencode(asked, quote_via=quote)}"
        answer = self.connection.send("GET", path, self.bearer, b"")
        assert answer.status == 200 and len(json.loads(answer.body)["value"]) >= least, answer


CALLS: dict[str, tuple[Callable[[Box], None], int]] = {
    "send a mail": (Box.send, SENDS),
    "list the newest ten": (Box.first_page, READS),
    "list ten in the middle": (Box.middle_page, READS),
    "filter by subject": (Box.filtered, FILTERS),
}


def fill(home: Path, size: int) -> None:
    """Send the first user so many mails of the second, without a disk that waits for each."""
    with contextlib.closing(Store(home)) as store:
        store.db.execute("PRAGMA synchronous = OFF")
        mailboxes, (to, sender) = Mailboxes(store), directory.USERS[:2]
        asked = {
            "body": {"contentType": "text", "content": "Good morning. " * 10},
            "toRecipients": [{"emailAddress": {"address": to.upn}}],
        }
        mail = content.as_sent(sender, content.changed(content.new(sender), asked, sender))
        for number in range(size):
            mailboxes.accept(sender, mail | {"subject": f"mail {number}"}, (), save_to_sent=False)


@contextlib.contextmanager
def filled(size: int) -> Iterator[Box]:
    """Run a sandbox whose first user has so many mails."""
    with tempfile.TemporaryDirectory() as folder:
        fill(Path(folder), size)
        with sandbox(Path(folder)) as (server, ready):
            flow, connection = replace(server.flow, scope=SCOPE), server.connect()
            tokens = flow.redeem(connection, sign_in(connection, flow, ready["user"]))
            yield Box(size, connection, {"Authorization": f"Bearer {tokens['access_token']}"})
            connection.close()


def milliseconds(call: Callable[[Box], None], box: Box, count: int) -> float:
    """Return what one call takes, of so many in a row."""
    before = time.perf_counter()
    for _ in range(count):
        call(box)
    return (time.perf_counter() - before) * 1000 / count


def measure(rounds: int, boxes: list[Box]) -> list[Table]:
    """Let each box have its turn with each call in each round."""
    names = {box.size: f"{box.size:,} mails" for box in boxes}
    least = names[min(names)]
    tables = [Table(f"{call}", "ms", {n: [] for n in names.values()}, [least], 2) for call in CALLS]
    for number in range(rounds + 1):
        for table, (call, count) in zip(tables, CALLS.values(), strict=True):
            for box in boxes:
                took = milliseconds(call, box, count)
                if number:  # the first loads what is loaded once
                    table.rows[names[box.size]].append(took)
    return tables


def main() -> None:
    """Measure and show."""
    program = Program(__doc__, 4)
    program.add("--sizes", "0,1000,100000", "mails in the boxes")
    asked = program.asked()
    sizes = [int(size) for size in asked.sizes.split(",")]
    with contextlib.ExitStack() as running:
        boxes = [running.enter_context(filled(size)) for size in sizes]
        tables = measure(asked.rounds, boxes)
    least, *_, most = tables[0].rows
    ratio = tables[0].ratio(most, least)
    program.finish(tables, [Aim(f"send a mail, {most} to {least}", ratio, "≤", 1.2)])


if __name__ == "__main__":
    main()
