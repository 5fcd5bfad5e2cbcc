"""Everything the sandbox keeps: one SQLite file in its home directory.

This module holds the file, the clock and the app registrations. What people granted to those
apps is in grants.py, and mailboxes.py keeps its own tables over the same connection.
Whatever was committed survives `kill -9`: SQLite in WAL mode replays or drops whole transactions.
"""

import hashlib
import json
import secrets
import sqlite3
import string
import time
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path

from . import directory
from .device_codes import DeviceCodes
from .grants import Grants
from .people import People

DAY_S = 24 * 3600.0
SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS apps (client_id TEXT PRIMARY KEY, document TEXT NOT NULL);
"""


class HomeInUse(RuntimeError):
    """Another sandbox is running on this home directory."""


@dataclass(frozen=True)
class RedirectUri:
    """An address that codes may be sent to; its platform decides the client type."""

    uri: str
    platform: str = "web"  # "web", "spa" or "publicClient", as the app manifest names them


@dataclass(frozen=True)
class Secret:
    """A client secret as the portal lists it; of its value only the digest is kept."""

    secret_id: str
    description: str
    hint: str  # the first three characters, which the portal goes on showing
    digest: str
    expires_at: float


@dataclass
class App:
    """An app registration (Microsoft: application manifest, Graph format)."""

    client_id: str
    object_id: str
    display_name: str
    sign_in_audience: str
    redirect_uris: list[RedirectUri] = field(default_factory=list)
    secrets: list[Secret] = field(default_factory=list)
    permissions: list[str] = field(default_factory=list)
    created_at: float = 0.0
    is_fallback_public_client: bool = False  # "Allow public client flows"
    id_tokens_by_authorize: bool = False  # "ID tokens (used for implicit and hybrid flows)"
    disabled: bool = False  # "Deactivate": no sign-in and no token
    assigned: list[str] | None = None  # "Assignment required": to these; None: to everybody
    shows: str = ""  # what a sample app is there for; empty for the learner's own
    owner: str = ""  # in a class, the object id of the learner whose it is


class Store:
    """The sandbox's memory. One process at a time may have a home open."""

    def __init__(self, home: Path):
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.home = home
        self.db = _open(home / "sandbox.db")
        self.db.executescript(SCHEMA)
        self._clock_offset = float(self.setting("clock_offset") or 0)
        self.people = People(self.db)
        self.grants = Grants(self.db, self.now, self.people)
        self.device_codes = DeviceCodes(self.db, self.now)

    def close(self) -> None:
        """Give the file, and with it the home directory, back."""
        self.db.close()

    # The clock and the settings

    def now(self) -> float:
        """Return the time by the sandbox's clock, in seconds since 1970."""
        return time.time() + self._clock_offset

    def advance(self, seconds: float) -> None:
        """Move the clock, so that codes and tokens can be seen to expire."""
        self._clock_offset += seconds
        self.set_setting("clock_offset", repr(self._clock_offset))

    def setting(self, key: str) -> str | None:
        """Return a kept text."""
        row = self.db.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def set_setting(self, key: str, value: str) -> None:
        """Keep a text under a key."""
        with self.db:
            self.db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (key, value))

    def reset(self) -> None:
        """Forget consents and the moved clock; registrations and keys stay."""
        self.grants.forget_consents()
        self.advance(-self._clock_offset)

    # App registrations

    def apps(self, owner: str = "") -> list[App]:
        """Return every registration, oldest first; in a class, those of one learner."""
        query = "SELECT document FROM apps WHERE json_extract(document, '$.owner') IS ?"
        query += " ORDER BY rowid"
        rows = (
            self.db.execute(query, (owner,))
            if owner
            else self.db.execute("SELECT document FROM apps ORDER BY rowid")
        )
        return [_app(document) for (document,) in rows]

    def app(self, client_id: str) -> App | None:
        """Return the registration with this Application (client) ID."""
        query = "SELECT document FROM apps WHERE client_id = ?"
        row = self.db.execute(query, (client_id.lower(),)).fetchone()
        return _app(row[0]) if row else None

    def register(
        self,
        display_name: str,
        redirect_uris: list[RedirectUri],
        sign_in_audience: str = "AzureADMultipleOrgs",
        permissions: list[str] | None = None,
        owner: str = "",
    ) -> App:
        """Register an app; User.Read is there from the start, as in the admin center."""
        app = App(
            client_id=str(uuid.uuid4()),
            object_id=str(uuid.uuid4()),
            display_name=display_name,
            sign_in_audience=sign_in_audience,
            redirect_uris=list(redirect_uris),
            permissions=["User.Read"] if permissions is None else list(permissions),
            created_at=self.now(),
            owner=owner,
        )
        self.save(app)
        return app

    def save(self, app: App) -> None:
        """Write a new or changed registration."""
        query = (
            "INSERT INTO apps VALUES (?, ?)"
            " ON CONFLICT (client_id) DO UPDATE SET document = excluded.document"
        )
        with self.db:
            self.db.execute(query, (app.client_id, json.dumps(asdict(app))))

    def add_secret(self, app: App, description: str, days: float) -> tuple[str, Secret]:
        """Add a client secret; its value is returned this once and never kept."""
        value = _secret_value()
        secret = Secret(
            secret_id=str(uuid.uuid4()),
            description=description,
            hint=value[:3],
            digest=digest(value),
            expires_at=self.now() + days * DAY_S,
        )
        app.secrets.append(secret)
        self.save(app)
        return value, secret

    def remove_app(self, client_id: str) -> None:
        """Delete a registration with all that was granted to it."""
        with self.db:
            self.db.execute("DELETE FROM apps WHERE client_id = ?", (client_id,))
        self.grants.forget_client(client_id)
        self.device_codes.forget_client(client_id)

    def default_app(self) -> tuple[App, str]:
        """Return the app of the ready line and its secret, registering it when needed.

        Its secret's value is kept, unlike any other, because each start prints it.
        """
        app = self.app(self.setting("default_client_id") or "")
        if app is None:
            uris = [RedirectUri(uri) for uri in directory.DEFAULT_REDIRECT_URIS]
            app = self.register(
                "Graph tutorial app",
                uris,
                "AzureADMultipleOrgs",
                list(directory.DEFAULT_PERMISSIONS),
            )
            self.set_setting("default_client_id", app.client_id)
        value = self.setting("default_secret") or ""
        known = {one.digest for one in app.secrets if one.expires_at > self.now()}
        if digest(value) not in known:
            value, _ = self.add_secret(app, "Printed at start", days=180)
            self.set_setting("default_secret", value)
        return app, value


def digest(value: str) -> str:
    """Return what the store keeps instead of a secret, a code or a token."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


def _open(path: Path) -> sqlite3.Connection:
    """Open the file for this process alone, or say that another sandbox has it."""
    path.touch(mode=0o600)  # before SQLite makes it, and its -wal with the same mode
    db = sqlite3.connect(path, timeout=0.5, check_same_thread=False)
    try:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("BEGIN EXCLUSIVE")  # takes the lock now, not at the first write
        db.commit()
    except sqlite3.DatabaseError as error:
        db.close()
        if "locked" not in str(error):
            raise
        raise HomeInUse(
            f"Another sandbox is running on {path.parent}: stop it, or choose another --home."
        ) from error
    return db


def _app(document: str) -> App:
    data = json.loads(document)
    data["redirect_uris"] = [RedirectUri(**one) for one in data["redirect_uris"]]
    data["secrets"] = [Secret(**one) for one in data["secrets"]]
    return App(**data)


def _secret_value() -> str:
    """Return a secret in the shape Entra gives them: 40 characters, `8Q~` at the fourth."""
    alphabet = string.ascii_letters + string.digits
    head = "".join(secrets.choice(alphabet) for _ in range(3))
    tail = "".join(secrets.choice(alphabet + "~_-.") for _ in range(34))
    return f"{head}8Q~{tail}"
