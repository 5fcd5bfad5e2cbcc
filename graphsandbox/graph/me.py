"""`GET /me`: the signed-in person (Microsoft: "Get a user")."""

from starlette.responses import Response

from ..directory import User
from .call import Call
from .errors import GraphError

READ_SCOPES = ("User.Read", "User.ReadBasic.All", "User.Read.All")


async def show(call: Call) -> Response:
    """Return the default properties of the person."""
    if not call.may(*READ_SCOPES):
        text = "Insufficient privileges to complete the operation."
        raise GraphError(403, "Authorization_RequestDenied", text, gateway=True)
    context = {"@odata.context": f"{call.root}/$metadata#users/$entity"}
    return call.data({**context, **profile(call.user)})


def profile(user: User) -> dict[str, object]:
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
