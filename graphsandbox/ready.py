"""What a sandbox says about itself once it answers: the ready line, and ready.json in its home."""

import json
import os
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .handle import Handle

FILE = "ready.json"
CANNOT_START, PORT_TAKEN, HOME_IN_USE = 1, 2, 3  # exit codes of one that can't serve


@dataclass(frozen=True)
class Ready(Handle):
    """Where a sandbox is, and an app registered in it; the secret is not shown."""

    authority: str
    graph: str
    portal: str
    mailbox: str
    client_id: str
    client_secret: str = field(repr=False)
    tenant: str
    redirect_uris: list[str]
    user: str  # a userPrincipalName to sign in with
    ca: str | None  # the PEM to trust, when the addresses are https
    pid: int
    public: str | None = None  # the base address in a browser, where that is another one

    def line(self) -> str:
        """Return the one line of JSON that goes to stdout."""
        return json.dumps(asdict(self))


def default_home() -> Path:
    """Return the directory this user's sandbox keeps its state in."""
    if chosen := os.environ.get("GRAPHSANDBOX_HOME"):
        return Path(chosen).absolute()
    import platformdirs

    return platformdirs.user_data_path("graphsandbox", appauthor=False)


def write(home: Path, ready: Ready) -> None:
    """Leave the ready line in the home, whole or not at all, for its owner's eyes only."""
    # mkstemp makes the file with mode 0600.
    handle, name = tempfile.mkstemp(prefix=FILE, dir=home)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(ready.line())
    os.replace(name, home / FILE)


def read(home: Path) -> Ready | None:
    """Return what the last sandbox of this home said, or None; it may be gone since."""
    try:
        return Ready(**json.loads((home / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def remove(home: Path, ready: Ready) -> None:
    """Take the file away when the sandbox ends, unless another one has replaced it."""
    if read(home) == ready:
        (home / FILE).unlink(missing_ok=True)
