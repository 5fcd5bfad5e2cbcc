"""Which accounts may sign in to an app, and what the others are told.

Microsoft's page lets anybody type any address, so the sandbox shows the accounts that can't
enter too: picking one leads to Microsoft's own refusal.
"""

from .. import directory
from ..directory import User
from ..grants import Session
from ..refusals import Refused
from ..store import App
from . import tenants
from .door import Door


class AccountRefused(Refused):
    """This account can't enter; another one may (the page offers to change)."""


def allowed(door: Door) -> list[User]:
    """Return the people who may sign in here."""
    return welcome(door.app, door.tenant, door.version, door.people)


def welcome(app: App, tenant: str, version: str, people: list[User]) -> list[User]:
    """Return those of the people who may sign in to this app at this tenant's door."""
    return [one for one in tenants.users_of(app, tenant, people) if _may_enter(app, version, one)]


def offered(door: Door, domain_hint: str | None) -> tuple[list[User], list[User]]:
    """Return the accounts to show, those who may enter and the others.

    domain_hint is `organizations`, `consumers` or a domain; one that fits nobody is ignored.
    """
    able = allowed(door)
    fitting = [one for one in able if _fits(one, domain_hint)] or able
    return fitting, [one for one in door.people if one not in able]


def picked(door: Door, upn: str) -> User:
    """Return the account that was picked or typed in, or raise what Microsoft's page says."""
    user = next((one for one in door.people if is_named(one, upn.strip())), None)
    if user is None:
        raise AccountRefused(50034, user=upn.strip(), tenant=tenants.name_of(door.tenant))
    if user not in allowed(door):
        raise AccountRefused(why_not(door, user), **_values(door, user.upn))
    return user


def is_named(user: User, address: str) -> bool:
    """Tell whether this is the person's address; a guest has one here and one at home."""
    return address.lower() in (user.upn.lower(), user.sign_in_name.lower())


def signed_in(door: Door, session: Session | None, domain_hint: str | None) -> User | None:
    """Return who the browser is signed in as, if that account may go on here."""
    user = _of_session(door, session)
    return user if user in offered(door, domain_hint)[0] else None


def refuse_silence(door: Door, session: Session | None) -> None:
    """Raise what an app hears that asked for silence (`prompt=none`) where a page is needed."""
    user = _of_session(door, session)
    number = why_not(door, user) if user and user not in allowed(door) else 50058
    if number == 50020:
        number = 90072  # the same words, by redirect
    raise Refused(number if number in (90072, 50105) else 50058, **_values(door, ""))


def _of_session(door: Door, session: Session | None) -> User | None:
    oid = session.oid if session else ""
    return next((one for one in door.people if one.oid == oid), None)


def why_not(door: Door, user: User) -> int:
    """Return the number of the refusal of somebody who may not enter here."""
    personal = user.tenant_id == directory.CONSUMER_TENANT_ID
    if door.tenant == directory.TENANT_ID and user.tenant_id != directory.TENANT_ID:
        return 50020
    if personal and door.version == "v1":
        return 500201
    if personal or door.tenant == "consumers":
        return 500208
    if not user.account_enabled:
        return 50057
    return 50105 if door.app.assigned is not None else 50020


def _may_enter(app: App, version: str, user: User) -> bool:
    if user.tenant_id == directory.CONSUMER_TENANT_ID and version == "v1":
        return False
    assigned = app.assigned is None or user.upn in app.assigned
    return user.account_enabled and assigned


def _fits(user: User, domain_hint: str | None) -> bool:
    hint = (domain_hint or "").lower()
    if hint in ("organizations", "consumers"):
        return (user.tenant_id == directory.CONSUMER_TENANT_ID) == (hint == "consumers")
    return not hint or user.sign_in_name.endswith(f"@{hint}")


def _values(door: Door, shown: str) -> dict[str, str]:
    return {
        "user": shown,
        "provider": "live.com",  # everybody from elsewhere has a personal account
        "tenant": directory.TENANT_NAME,
        "client_id": door.app.client_id,
        "app_name": door.app.display_name,
    }
