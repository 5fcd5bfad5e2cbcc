"""The first piece of each path: whose door the client knocks at."""

import re
import uuid

from .. import directory
from ..directory import User
from ..refusals import Refused
from ..store import App

SHARED = ("common", "organizations", "consumers")
DOMAIN = re.compile(r"(?=.{1,253}\Z)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}")
PERSONAL_AUDIENCES = ("AzureADandPersonalMicrosoftAccount", "PersonalMicrosoftAccount")


def resolve(text: str) -> str:
    """Return `common`, `organizations`, `consumers` or the tenant's id.

    The id and the domain of a tenant are the same door (Microsoft: v2-protocols).
    """
    tenant = text.lower()
    if tenant == directory.CONSUMER_TENANT_ID:
        return "consumers"
    if tenant in SHARED:
        return tenant
    if tenant in (directory.TENANT_ID, directory.TENANT_DOMAIN):
        return directory.TENANT_ID
    if _is_guid(text) or DOMAIN.fullmatch(text):
        raise Refused(90002, tenant=text)
    raise Refused(900023, tenant=text)


def admit(app: App, tenant: str) -> None:
    """Refuse a disabled app, and one whose supported account types do not open this door."""
    known = {"client_id": app.client_id, "app_name": app.display_name}
    if app.disabled:
        raise Refused(7000112, **known)
    if app.sign_in_audience == "PersonalMicrosoftAccount" and tenant != "consumers":
        raise Refused(9002346, **known)
    if tenant == "consumers" and app.sign_in_audience not in PERSONAL_AUDIENCES:
        raise Refused(700016, client_id=app.client_id, tenant="Microsoft Accounts")
    if app.sign_in_audience == "AzureADMyOrg" and tenant in SHARED:
        raise Refused(50194, **known)


def name_of(tenant: str) -> str:
    """Return the tenant's name as refusals print it."""
    return "Microsoft Accounts" if tenant == "consumers" else directory.TENANT_NAME


def users_of(app: App, tenant: str, people: list[User]) -> list[User]:
    """Return those of the people who may sign in to this app at this door."""
    personal = app.sign_in_audience in PERSONAL_AUDIENCES
    return [one for one in people if _may_enter(one, tenant, personal)]


def is_personal(oid: str) -> bool:
    """Tell whether this is a personal account (Microsoft: v2-protocols-oidc)."""
    user = directory.user(oid)
    return user is not None and user.tenant_id == directory.CONSUMER_TENANT_ID


def _may_enter(user: User, tenant: str, personal: bool) -> bool:
    if user.tenant_id == directory.CONSUMER_TENANT_ID:
        return personal and tenant in ("common", "consumers")
    return tenant != "consumers"


def _is_guid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
