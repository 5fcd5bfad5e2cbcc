"""`GET /me` and `GET /users/{id or name}`: a person (Microsoft: "Get a user")."""

from typing import Any

from starlette.responses import Response

from ..directory import User
from .call import Call
from .errors import refused
from .query import select, selected

READ_ALL = ("User.ReadBasic.All", "User.Read.All")
READ_OWN = ("User.Read", *READ_ALL)
BASIC = {"id", "displayName", "givenName", "surname", "mail", "userPrincipalName"}


async def show(call: Call) -> Response:
    """Return the default properties of a person, or those that `$select` names."""
    own = call.person == call.user
    if not call.may(*(READ_OWN if own else READ_ALL)):
        raise refused("directory_denied")
    names = selected(call)
    known = profile(call.person) | (_more(call.person) if names else {})
    if not own and not call.may("User.Read.All"):
        known = {name: value if name in BASIC else None for name, value in known.items()}
        known["businessPhones"] = []
    listed = f"({','.join(names)})" if names else ""
    context = f"{call.root}/$metadata#users{listed}/$entity"
    shown = select(call, known, "microsoft.graph.user")
    return call.data({"@odata.context": context, **shown})


def profile(user: User) -> dict[str, Any]:
    """Return what Graph tells about a person when it is not asked for more."""
    return {
        "businessPhones": list(user.business_phones),
        "displayName": user.display_name,
        "givenName": user.given_name,
        "jobTitle": user.job_title,
        "mail": user.mail,
        "mobilePhone": user.mobile_phone,
        "officeLocation": user.office_location,
        "preferredLanguage": user.preferred_language,
        "surname": user.surname,
        "userPrincipalName": user.upn,
        "id": user.oid,
    }


def _more(user: User) -> dict[str, Any]:
    """Return what Graph tells about a person only when `$select` names it."""
    unknown = ("department", "companyName", "city", "country", "usageLocation")
    return {
        "accountEnabled": user.account_enabled,
        "mailNickname": user.upn.split("@")[0],
        "userType": "Guest" if user.is_guest else "Member",
        "proxyAddresses": [f"SMTP:{user.mail}"] if user.mail else [],
        "otherMails": [user.mail] if user.is_guest else [],
        **dict.fromkeys(unknown),
    }
