"""The tenant that lives in the sandbox: its people, and the permissions Graph offers.

This is the only place that names sample users.
"""

from dataclasses import dataclass

TENANT_ID = "5f6ae2d1-3c1b-4d0e-9a57-2b8f1c0e7d42"
TENANT_DOMAIN = "contoso.example"
TENANT_NAME = "Contoso"
TENANT_CREATED_AT = 1446336000  # 1 November 2015
REGION = "EU"

# Every personal Microsoft account lives in this one tenant (Microsoft: v2-protocols-oidc).
CONSUMER_TENANT_ID = "9188040d-6c67-4c5b-b112-36a304b66dad"

GRAPH_APP_ID = "00000003-0000-0000-c000-000000000000"
GRAPH_RESOURCE = "https://graph.microsoft.com"

DEFAULT_REDIRECT_URIS = (
    "http://localhost:8000/connect/get_token/",
    "http://127.0.0.1:8000/connect/get_token/",
)
DEFAULT_PERMISSIONS = (
    "openid",
    "profile",
    "offline_access",
    "User.Read",
    "Mail.Send",
    "Mail.Read",
)


@dataclass(frozen=True)
class User:
    """A person of the directory, with the properties that Graph's /me shows."""

    oid: str
    upn: str
    display_name: str
    given_name: str
    surname: str
    mail: str | None
    job_title: str | None = None
    office_location: str | None = None
    mobile_phone: str | None = None
    business_phones: tuple[str, ...] = ()
    preferred_language: str | None = "en-US"
    tenant_id: str = TENANT_ID
    is_admin: bool = False  # a Global Administrator
    account_enabled: bool = True
    identity_provider: str | None = None  # a guest's home: the `idp` of tokens

    @property
    def is_guest(self) -> bool:
        """Tell whether another organization signs this person in (Graph: userType Guest)."""
        return self.identity_provider is not None

    @property
    def has_mailbox(self) -> bool:
        """Tell whether mail can arrive here; a guest's is at home."""
        return self.mail is not None and not self.is_guest

    @property
    def sign_in_name(self) -> str:
        """Return the address to sign in with; a guest's is the one from home."""
        return self.mail if self.is_guest and self.mail else self.upn

    def answers_to(self, key: str) -> bool:
        """Tell whether this is the person's object id or userPrincipalName."""
        return key.lower() in (self.oid, self.upn.lower())

    @property
    def note(self) -> str:
        """Return in a word what is special about this account."""
        if not self.account_enabled:
            return "Account is disabled"
        if self.tenant_id == CONSUMER_TENANT_ID:
            return "Personal account"
        if self.is_guest:
            return f"Guest of {TENANT_NAME}"
        if not self.has_mailbox:
            return "Has no mailbox"
        return "Administrator" if self.is_admin else ""


USERS = (
    User(
        oid="8b1c4f5e-6d2a-4e73-9f10-5a3c7e9d2b61",
        upn="ada@contoso.example",
        display_name="Ada Lovelace",
        given_name="Ada",
        surname="Lovelace",
        mail="ada@contoso.example",
        job_title="Analyst",
        office_location="12/1843",
        mobile_phone="+44 20 7946 0101",
        business_phones=("+44 20 7946 0100",),
    ),
    User(
        oid="2e7d9a34-0b5f-4c86-8d21-f64b1a7c3e90",
        upn="grace@contoso.example",
        display_name="Grace Hopper",
        given_name="Grace",
        surname="Hopper",
        mail="grace@contoso.example",
        job_title="Compiler Engineer",
        office_location="19/1952",
        business_phones=("+1 202 555 0152",),
        is_admin=True,
    ),
    User(
        oid="c5f083b7-91de-4a2c-b7e4-08d6a2f59c13",
        upn="zoe@contoso.example",
        display_name="Zoë Núñez",  # letters beyond ASCII: encodings are part of the lesson
        given_name="Zoë",
        surname="Núñez",
        mail="zoe@contoso.example",
        job_title="Project Manager",
        preferred_language="es-ES",
    ),
    User(
        oid="00000000-0000-0000-4ad1-9e0c7b35f268",  # the shape of every personal account's
        upn="alan@outlook.example",
        display_name="Alan Turing",
        given_name="Alan",
        surname="Turing",
        mail="alan@outlook.example",
        preferred_language="en-GB",
        tenant_id=CONSUMER_TENANT_ID,
    ),
    User(
        oid="7d40b9e2-58c3-4f16-a2d8-c91e6b0f3754",
        upn="charles@contoso.example",
        display_name="Charles Babbage",
        given_name="Charles",
        surname="Babbage",
        mail=None,
        job_title="Engine Designer",
    ),
    User(
        oid="f92c6a18-e3b7-4d05-9c4e-17a8d5206be3",
        upn="mary_fabrikam.example#EXT#@contoso.example",
        display_name="Mary Kenneth Keller",
        given_name="Mary",
        surname="Keller",
        mail="mary@fabrikam.example",
        identity_provider="https://sts.windows.net/a3c85e17-9d42-4b6f-8e01-6f2d7c94b058/",
    ),
    User(
        oid="41e8d3f6-a07b-4952-b6cd-e5908c2f71ad",
        upn="konrad@contoso.example",
        display_name="Konrad Zuse",
        given_name="Konrad",
        surname="Zuse",
        mail="konrad@contoso.example",
        job_title="Engineer",
        account_enabled=False,
    ),
)


def user(key: str) -> User | None:
    """Return the person with this object id or userPrincipalName."""
    return next((one for one in USERS if one.answers_to(key)), None)


@dataclass(frozen=True)
class Permission:
    """A delegated permission of Microsoft Graph (Microsoft: permissions reference)."""

    name: str
    permission_id: str
    title: str  # what the consent page says
    description: str
    admin_consent: bool = False


_ALL_PERMISSIONS = (
    Permission(
        "openid",
        "37f7f235-527c-4136-accd-4a02d197296e",
        "Sign you in",
        "The app may learn who you are.",
    ),
    Permission(
        "profile",
        "14dad69e-099b-42c9-810b-d002981feec1",
        "View your basic profile",
        "The app may see your name and user name.",
    ),
    Permission(
        "email",
        "64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0",
        "View your email address",
        "The app may read your primary email address.",
    ),
    Permission(
        "offline_access",
        "7427e0e9-2fba-42fe-b0c0-848c9e6a8182",
        "Maintain access to data you have given it access to",
        "The app may go on using these permissions while you are away.",
    ),
    Permission(
        "User.Read",
        "e1fe6dd8-ba31-4d61-89e7-88639da4683d",
        "Sign in and read user profile",
        "The app may sign you in and read your profile.",
    ),
    Permission(
        "User.ReadBasic.All",
        "b340eb25-3456-403f-be2f-af7a0d370277",
        "Read all users' basic profiles",
        "The app may read the names and addresses of the people in your organization.",
    ),
    Permission(
        "User.Read.All",
        "a154be20-db9c-4678-8ab7-66f6cc099a59",
        "Read all users' full profiles",
        "The app may read the full profiles of everybody in your organization.",
        admin_consent=True,
    ),
    Permission(
        "Mail.Send",
        "e383f46e-2787-4529-855e-0e479a3ffac0",
        "Send mail as you",
        "The app may send mail in your name.",
    ),
    Permission(
        "Mail.Send.Shared",
        "a367ab51-6b49-43bf-a716-a1fb06d2a174",
        "Send mail on behalf of others",
        "The app may send mail in your name and for those who let you do so for them.",
    ),
    Permission(
        "Mail.Read",
        "570282fd-fa5c-430d-a7fd-fc8dc98a9dca",
        "Read user mail",
        "The app may read the mail in your mailbox.",
    ),
    Permission(
        "Mail.ReadBasic",
        "a4b8392a-d8d1-4954-a029-8e668a39a170",
        "Read user basic mail",
        "The app may read your mail but for body, preview, attachments and extensions.",
    ),
    Permission(
        "Mail.ReadWrite",
        "024d486e-b451-40bb-833d-3e66d98c5c73",
        "Read and write access to user mail",
        "The app may read, create, change and delete mail in your mailbox; not send it.",
    ),
)

PERMISSIONS = {one.name: one for one in _ALL_PERMISSIONS}
OIDC_SCOPES = ("openid", "profile", "email", "offline_access")
_BY_LOWER_NAME = {one.name.lower(): one for one in _ALL_PERMISSIONS}


def permission(name: str) -> Permission | None:
    """Return a permission by its name; letter case does not matter (as in requests)."""
    return _BY_LOWER_NAME.get(name.lower())
