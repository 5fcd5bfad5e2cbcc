"""Sign-ins that wait for their person: the device authorization grant (RFC 8628).

A device shows a short user code and polls with a long device code; the person types the former
into a browser. Both are kept as digests only, like every other code, and survive a restart.
"""

import json
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from .grants import SignIn, Ticket, digest

LIFETIME_S = 900.0  # Microsoft: v2-oauth2-device-code
KEPT_S = 86400.0  # so long an expired code is still known as one
USER_CODE_LENGTH = 9
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # nothing that a person could misread

SCHEMA = """
CREATE TABLE IF NOT EXISTS device_codes (
    digest TEXT PRIMARY KEY, user_digest TEXT UNIQUE, client_id TEXT, sign_in TEXT,
    expires_at REAL, state TEXT);
"""


@dataclass(frozen=True)
class DeviceTicket(Ticket):
    """A device code as the store remembers it; until it is approved, `oid` is empty."""

    state: str = "waiting"  # "waiting", "approved", "declined"


class DeviceCodes:
    """The table of device codes, over the store's connection."""

    def __init__(self, db: sqlite3.Connection, now: Callable[[], float]):
        self.db, self.now = db, now
        db.executescript(SCHEMA)

    def issue(self, sign_in: SignIn) -> tuple[str, str]:
        """Return a new device code and its user code, for a sign-in still without a person."""
        device_code = f"1.{secrets.token_urlsafe(96)}"
        user_code = "".join(secrets.choice(ALPHABET) for _ in range(USER_CODE_LENGTH))
        text, now = json.dumps(asdict(sign_in)), self.now()
        row = (digest(device_code), digest(user_code), sign_in.client_id, text, now + LIFETIME_S)
        with self.db:
            self.db.execute("DELETE FROM device_codes WHERE expires_at < ?", (now - KEPT_S,))
            self.db.execute("INSERT INTO device_codes VALUES (?, ?, ?, ?, ?, 'waiting')", row)
        return device_code, user_code

    def find(self, device_code: str) -> DeviceTicket | None:
        """Return what a device code stands for, also when it is used up or expired."""
        return self._ticket("digest = ?", digest(device_code))

    def waiting(self, user_code: str) -> DeviceTicket | None:
        """Return what a person who types this user code would sign in to, while it waits."""
        ticket = self._ticket("user_digest = ?", digest(typed(user_code)))
        good = ticket and ticket.state == "waiting" and self.now() < ticket.expires_at
        return ticket if good else None

    def approve(self, user_code: str, sign_in: SignIn, oid: str) -> None:
        """Let the device have tokens for this person."""
        self._decide(user_code, "approved", replace(sign_in, oid=oid))

    def decline(self, user_code: str, sign_in: SignIn) -> None:
        """Tell the device that the person said no."""
        self._decide(user_code, "declined", sign_in)

    def redeem(self, device_code: str) -> None:
        """Mark a device code as used: it buys tokens once."""
        query = "UPDATE device_codes SET state = 'redeemed' WHERE digest = ?"
        with self.db:
            self.db.execute(query, (digest(device_code),))

    def forget_client(self, client_id: str) -> None:
        """Drop the codes of a deleted app."""
        with self.db:
            self.db.execute("DELETE FROM device_codes WHERE client_id = ?", (client_id,))

    def _decide(self, user_code: str, state: str, sign_in: SignIn) -> None:
        query = (
            "UPDATE device_codes SET state = ?, sign_in = ?"
            " WHERE user_digest = ? AND state = 'waiting'"
        )
        text = json.dumps(asdict(sign_in))
        with self.db:
            self.db.execute(query, (state, text, digest(typed(user_code))))

    def _ticket(self, where: str, value: str) -> DeviceTicket | None:
        query = f"SELECT sign_in, expires_at, state FROM device_codes WHERE {where}"
        row = self.db.execute(query, (value,)).fetchone()
        if row is None:
            return None
        text, expires_at, state = row
        sign_in = SignIn(**json.loads(text))
        issued_at, redeemed = expires_at - LIFETIME_S, state == "redeemed"
        return DeviceTicket(sign_in, issued_at, expires_at, redeemed, state)


def typed(user_code: str) -> str:
    """Return a user code as it was shown, whatever a person made of case and spaces."""
    return "".join(user_code.split()).replace("-", "").upper()
