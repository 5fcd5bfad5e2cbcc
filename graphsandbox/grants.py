"""What people granted to apps: consents, codes, refresh tokens, and browser sessions.

Codes, refresh tokens and session cookies are kept as SHA-256 digests only, so that a copy of
the file opens nothing. One sign-in is one *family*: its code and every token that follows from
it carry the family's id, and are revoked together when the code is used twice (RFC 6749 4.1.2).
"""

import hashlib
import json
import secrets
import sqlite3
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from . import directory
from .people import People

CODE_LIFETIME_S = 600.0  # Microsoft: "about 10 minutes"
REFRESH_LIFETIME_S = 90 * 86400.0  # Microsoft: refresh-tokens
SPA_REFRESH_LIFETIME_S = 86400.0  # from the sign-in on, however often it is replaced
SESSION_LIFETIME_S = 86400.0  # Microsoft: a session that is not kept signed in

SCHEMA = """
CREATE TABLE IF NOT EXISTS consents (
    client_id TEXT, oid TEXT, permission TEXT, PRIMARY KEY (client_id, oid, permission));
CREATE TABLE IF NOT EXISTS codes (
    digest TEXT PRIMARY KEY, client_id TEXT, sign_in TEXT, expires_at REAL, redeemed INTEGER);
CREATE TABLE IF NOT EXISTS refresh_tokens (
    digest TEXT PRIMARY KEY, client_id TEXT, sign_in TEXT, issued_at REAL, expires_at REAL);
CREATE TABLE IF NOT EXISTS revoked (family TEXT PRIMARY KEY, revoked_at REAL);
CREATE TABLE IF NOT EXISTS sessions (
    digest TEXT PRIMARY KEY, session_state TEXT, oid TEXT, expires_at REAL);
CREATE INDEX IF NOT EXISTS codes_by_age ON codes (expires_at);
CREATE INDEX IF NOT EXISTS refresh_tokens_by_age ON refresh_tokens (expires_at);
CREATE INDEX IF NOT EXISTS sessions_by_age ON sessions (expires_at);
"""


@dataclass(frozen=True)
class SignIn:
    """One person's answer to one authorization request: what its code stands for."""

    family: str
    client_id: str
    platform: str  # of the redirect URI that matched
    redirect_uri: str
    redirect_uri_sent: bool  # v1 may leave it out
    tenant: str  # "common", "organizations", "consumers" or the tenant's id
    oid: str
    scopes: list[str]  # as they go back to the client, "Mail.Send" or with the resource's URI
    resource: str | None = None  # v1 only
    nonce: str | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None
    refresh_until: float | None = None  # the end of a single-page app's refresh tokens


@dataclass(frozen=True)
class Ticket:
    """A code or a refresh token as the store remembers it."""

    sign_in: SignIn
    issued_at: float
    expires_at: float
    redeemed: bool = False


@dataclass(frozen=True)
class Session:
    """A signed-in browser."""

    session_state: str
    oid: str


class Grants:
    """The tables of what was granted, over the store's connection."""

    def __init__(self, db: sqlite3.Connection, now: Callable[[], float], people: People):
        self.db, self.now, self.people = db, now, people
        db.executescript(SCHEMA)

    # Consents

    def consented(self, client_id: str, oid: str) -> set[str]:
        """Return what this person, or an administrator for them, has granted this app."""
        user = self.people.user(oid)
        everybody = user.tenant_id if user else ""
        return self._consents(client_id, oid) | self._consents(client_id, everybody)

    def _consents(self, client_id: str, granted_by: str) -> set[str]:
        query = "SELECT permission FROM consents WHERE client_id = ? AND oid = ?"
        return {name for (name,) in self.db.execute(query, (client_id, granted_by))}

    def consent(self, client_id: str, oid: str, permissions: Iterable[str]) -> None:
        """Remember an Accept."""
        rows = [(client_id, oid, name) for name in permissions]
        with self.db:
            self.db.executemany("INSERT OR IGNORE INTO consents VALUES (?, ?, ?)", rows)

    def consents_of_users(self, client_id: str) -> dict[str, list[str]]:
        """Return what each person has granted this app themselves, by their object ids."""
        query = "SELECT oid, permission FROM consents WHERE client_id = ? AND oid != ?"
        granted: dict[str, list[str]] = {}
        for oid, name in self.db.execute(query, (client_id, directory.TENANT_ID)):
            granted.setdefault(oid, []).append(name)
        return granted

    def revoke_consent(self, client_id: str, oid: str) -> None:
        """Take back what one person has granted this app."""
        query = "DELETE FROM consents WHERE client_id = ? AND oid = ?"
        with self.db:
            self.db.execute(query, (client_id, oid))

    # What an administrator grants holds for everybody of the tenant: its id stands for them.

    def admin_consented(self, client_id: str) -> set[str]:
        """Return what an administrator has granted this app for the whole tenant."""
        return self._consents(client_id, directory.TENANT_ID)

    def admin_consent(self, client_id: str, permissions: Iterable[str]) -> None:
        """Remember an administrator's grant (Microsoft: grant-admin-consent)."""
        self.consent(client_id, directory.TENANT_ID, permissions)

    def revoke_admin_consent(self, client_id: str) -> None:
        """Take the administrator's grant back; what people granted themselves stays."""
        self.revoke_consent(client_id, directory.TENANT_ID)

    def forget_consents(self) -> None:
        """Let everybody be asked again."""
        with self.db:
            self.db.execute("DELETE FROM consents")

    def forget_client(self, client_id: str) -> None:
        """Drop all that was granted to a deleted app."""
        with self.db:
            for table in ("consents", "codes", "refresh_tokens"):
                self.db.execute(f"DELETE FROM {table} WHERE client_id = ?", (client_id,))

    # Codes

    def issue_code(self, sign_in: SignIn) -> str:
        """Return a new code for this sign-in, and forget codes of yesterday."""
        code = f"1.{secrets.token_urlsafe(96)}"
        expires_at = self.now() + CODE_LIFETIME_S
        row = (digest(code), sign_in.client_id, _text(sign_in), expires_at, 0)
        with self.db:
            self.db.execute("DELETE FROM codes WHERE expires_at < ?", (self.now() - 86400,))
            self.db.execute("INSERT INTO codes VALUES (?, ?, ?, ?, ?)", row)
        return code

    def code(self, code: str) -> Ticket | None:
        """Return what a code stands for, also when it is used up or expired."""
        query = "SELECT sign_in, expires_at, redeemed FROM codes WHERE digest = ?"
        row = self.db.execute(query, (digest(code),)).fetchone()
        if row is None:
            return None
        issued_at = row[1] - CODE_LIFETIME_S
        return Ticket(_sign_in(row[0]), issued_at, row[1], redeemed=bool(row[2]))

    def redeem(self, code: str) -> None:
        """Mark a code as used: it buys tokens once."""
        with self.db:
            self.db.execute("UPDATE codes SET redeemed = 1 WHERE digest = ?", (digest(code),))

    # Refresh tokens

    def issue_refresh_token(self, sign_in: SignIn) -> str:
        """Return a new refresh token; older ones of the family stay good."""
        token = f"1.{secrets.token_urlsafe(192)}"
        now = self.now()
        if sign_in.platform == "spa" and sign_in.refresh_until is None:
            sign_in = replace(sign_in, refresh_until=now + SPA_REFRESH_LIFETIME_S)
        expires_at = sign_in.refresh_until or now + REFRESH_LIFETIME_S
        long_ago = now - REFRESH_LIFETIME_S
        row = (digest(token), sign_in.client_id, _text(sign_in), now, expires_at)
        with self.db:
            self.db.execute("DELETE FROM refresh_tokens WHERE expires_at < ?", (long_ago,))
            self.db.execute("INSERT INTO refresh_tokens VALUES (?, ?, ?, ?, ?)", row)
        return token

    def refresh_token(self, token: str) -> Ticket | None:
        """Return what a refresh token stands for, also when it has expired."""
        query = "SELECT sign_in, issued_at, expires_at FROM refresh_tokens WHERE digest = ?"
        row = self.db.execute(query, (digest(token),)).fetchone()
        return Ticket(_sign_in(row[0]), row[1], row[2]) if row else None

    def revoke(self, family: str) -> None:
        """Revoke every token that followed from one sign-in, until the last has expired."""
        now = self.now()
        with self.db:
            expired = (now - REFRESH_LIFETIME_S,)
            self.db.execute("DELETE FROM revoked WHERE revoked_at < ?", expired)
            self.db.execute("INSERT OR IGNORE INTO revoked VALUES (?, ?)", (family, now))

    def is_revoked(self, family: str) -> bool:
        """Tell whether the tokens of this sign-in were revoked."""
        query = "SELECT 1 FROM revoked WHERE family = ?"
        return self.db.execute(query, (family,)).fetchone() is not None

    # Browser sessions

    def start_session(self, oid: str) -> str:
        """Return the cookie value of a browser that has just signed in."""
        value = secrets.token_urlsafe(48)
        now = self.now()
        row = (digest(value), str(uuid.uuid4()), oid, now + SESSION_LIFETIME_S)
        with self.db:
            self.db.execute("DELETE FROM sessions WHERE expires_at < ?", (now,))
            self.db.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", row)
        return value

    def session(self, value: str) -> Session | None:
        """Return the session of a cookie, while it lasts."""
        query = "SELECT session_state, oid FROM sessions WHERE digest = ? AND expires_at > ?"
        row = self.db.execute(query, (digest(value), self.now())).fetchone()
        return Session(*row) if row else None

    def end_session(self, value: str) -> None:
        """Sign a browser out."""
        with self.db:
            self.db.execute("DELETE FROM sessions WHERE digest = ?", (digest(value),))


def digest(value: str) -> str:
    """Return what is kept instead of a code, a token or a cookie."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


def _text(sign_in: SignIn) -> str:
    return json.dumps(vars(sign_in))


def _sign_in(text: str) -> SignIn:
    return SignIn(**json.loads(text))
