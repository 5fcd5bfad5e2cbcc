"""Who is in the tenant: the sample people, and in a class each learner under a name of their own.

A learner is known by the hub's user name. From it come an object id, an address with a mailbox,
and an app registered for them; all stay the same from one start to the next.
"""

import hashlib
import re
import secrets
import sqlite3
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.requests import Request

from . import directory
from .directory import TENANT_DOMAIN, User

SCHEMA = """
CREATE TABLE IF NOT EXISTS learners (
    name TEXT PRIMARY KEY, client_id TEXT, secret TEXT);
"""
TENANT = uuid.UUID(directory.TENANT_ID)
LONGEST_NAME = 48  # of a hub user's name, as it begins an address
LEARNER = "graphsandbox.learner"  # where classroom.py leaves who a request comes from


@dataclass(frozen=True)
class Learner:
    """Somebody of the class."""

    name: str  # the hub's name for them
    user: User


class People:
    """Everybody of one sandbox, over the store's connection."""

    def __init__(self, db: sqlite3.Connection):
        self._db = db
        db.executescript(SCHEMA)
        self._learners: dict[str, Learner] = {}
        self._users: dict[str, User] = {}  # by object id, and by userPrincipalName
        self._by_mail: dict[str, User] = {}
        for one in directory.USERS:
            self._add(one)
        for (name,) in db.execute("SELECT name FROM learners"):
            self._join(name)

    def everybody(self) -> list[User]:
        """Return the sample people and the learners; who has a sample's name takes its place."""
        return list(dict.fromkeys(self._users.values()))

    def user(self, key: str) -> User | None:
        """Return the person with this object id or userPrincipalName."""
        return self._users.get(key.lower())

    def with_mailbox(self, addresses: Iterable[str]) -> list[User]:
        """Return the people whose mail arrives at these addresses (in lower case)."""
        return [self._by_mail[one] for one in addresses if one in self._by_mail]

    def lacks(self, address: str) -> bool:
        """Tell whether this address (in lower case) would be the tenant's, and nobody has it."""
        return address.endswith(f"@{TENANT_DOMAIN}") and address not in self._by_mail

    def learner(self, name: str) -> Learner:
        """Return somebody of the class, who from now on is one of the tenant."""
        if name not in self._learners:
            with self._db:
                self._db.execute("INSERT INTO learners (name) VALUES (?)", (name,))
            self._join(name)
        return self._learners[name]

    def app_of(self, learner: Learner) -> tuple[str, str]:
        """Return client id and secret of the app that was registered for a learner, or ""."""
        query = "SELECT client_id, secret FROM learners WHERE name = ?"
        row = self._db.execute(query, (learner.name,)).fetchone()
        return row[0] or "", row[1] or ""

    def keep_app(self, learner: Learner, client_id: str, secret: str) -> None:
        """Keep the app that was registered for a learner, so that each kernel gets the same."""
        query = "UPDATE learners SET client_id = ?, secret = ? WHERE name = ?"
        with self._db:
            self._db.execute(query, (client_id, secret, learner.name))

    def _join(self, name: str) -> None:
        learner = Learner(name, _user(name))
        self._learners[name] = learner
        self._add(learner.user)

    def _add(self, user: User) -> None:
        sample = self._users.get(user.upn.lower())
        if sample:
            del self._users[sample.oid]
        self._users[user.oid] = self._users[user.upn.lower()] = user
        if user.has_mailbox:
            self._by_mail[str(user.mail).lower()] = user


def _user(name: str) -> User:
    """Return the person of the tenant that a hub's user is."""
    address = f"{_local_part(name)}@{TENANT_DOMAIN}"
    shown = name[:1].upper() + name[1:]
    return User(
        oid=str(uuid.uuid5(TENANT, name)),
        upn=address,
        display_name=shown,
        given_name=shown,
        surname="",
        mail=address,
        job_title="Learner",
    )


def _local_part(name: str) -> str:
    """Return what stands before the @: the name itself where it can, else with a mark of its own.

    The mark keeps two names apart that differ only in what an address can't have.
    """
    plain = re.sub(r"[^a-z0-9._-]+|\.(?=\.)", "-", name.lower())[:LONGEST_NAME].strip(".-")
    if plain == name and ".." not in plain:
        return plain
    mark = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{plain or 'learner'}-{mark}"


def visitor(request: Request) -> User | None:
    """Return whose request this is, where that counts: in a class. Elsewhere all is everybody's."""
    found = learner(request)
    return found.user if found else None


def learner(request: Request) -> Learner | None:
    """Return the same, with the hub's name."""
    return request.scope.get(LEARNER)


def may_see(request: Request, owner: str) -> bool:
    """Tell whether something of this owner (an object id) is this visitor's business."""
    user = visitor(request)
    return user is None or secrets.compare_digest(user.oid, owner)


def owner(request: Request) -> str:
    """Return whom a thing belongs to that this request makes: "" is everybody's."""
    user = visitor(request)
    return user.oid if user else ""
