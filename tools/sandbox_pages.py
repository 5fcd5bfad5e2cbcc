"""Every page of the sandbox and each state of it, one after another, as a person comes there.

Each function yields a name while its page is in front; what it changes it leaves as it was.
"""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.sandbox import client, entra

if TYPE_CHECKING:
    from playwright.sync_api import Page

ADMINISTRATOR = "grace@contoso.example"
NOBODY = "nobody@contoso.example"


def every_page(page: "Page", sandbox: SimpleNamespace) -> Iterator[str]:
    """Visit them all, on a sandbox that has mail."""
    # 204: the browser stays where it is, on the page that leads back to the app.
    page.route(f"{client.REDIRECT_URI}**", lambda route: route.fulfill(status=204))
    yield from linked_pages(page, f"{sandbox.authority}/")
    yield from plain_pages(page, sandbox)
    yield from portal_forms(page, sandbox)
    yield from sign_in_pages(page, sandbox)
    yield from admin_pages(page, sandbox)
    yield from device_pages(page, sandbox)


def linked_pages(page: "Page", start: str) -> Iterator[str]:
    """Visit what is reached from start by links, one of each kind."""
    seen, waiting = set(), [start]
    while waiting:
        address = waiting.pop(0)
        name = _name(address)
        if name in seen or not address.startswith(start):
            continue
        seen.add(name)
        page.goto(address)
        if page.evaluate("() => document.contentType") != "text/html":
            continue
        yield name
        links = page.locator("a[href]:not([download])")
        waiting += links.evaluate_all("links => links.map(link => link.href)")


def _name(address: str) -> str:
    """Name a page by its path, with `one` for each id, so that one of a kind is enough."""
    parts = urlsplit(address).path.strip("/").split("/")
    return "-".join("one" if len(part) > 20 else part for part in parts) or "home"


def plain_pages(page: "Page", sandbox: SimpleNamespace) -> Iterator[str]:
    """Visit what has an address of its own but is not linked, or not in this state."""
    app, mailbox = f"/portal/apps/{sandbox.client_id}", f"/mailbox?user={sandbox.user}&folder="
    addresses = {
        "portal-delete-printed": f"{app}/delete",
        "portal-permissions-consents": f"{app}/permissions",
        "mailbox-sent": f"{mailbox}sentitems",
        "mailbox-empty": f"{mailbox}drafts",
        "not-found": "/mailbox/none",
        "no-such-address": "/nowhere",
        "native-client": "/common/oauth2/nativeclient",
        "error-lookup": "/error",
        "error-known": "/error?code=AADSTS50194",
        "error-unknown": "/error?code=1",
        "signed-out-v1": "/common/oauth2/logout",
        "signed-out": "/common/oauth2/v2.0/logout",
    }
    for name, address in addresses.items():
        page.goto(sandbox.authority + address)
        yield name
    page.goto(sandbox.mailbox)
    page.locator("tbody a").last.click()
    page.get_by_text("Body type").wait_for()
    yield "mailbox-one-text"


def portal_forms(page: "Page", sandbox: SimpleNamespace) -> Iterator[str]:
    """Register an app, configure it and delete it, with a mistake here and there."""
    page.goto(f"{sandbox.portal}/new")
    page.get_by_role("textbox", name="Redirect URI").fill("http://127.0.0.1/")
    _press(page, "Register")
    yield "portal-new-refused"
    page.get_by_role("textbox", name="Name").fill("My app")
    page.get_by_role("textbox", name="Redirect URI").fill("")
    _press(page, "Register")
    yield "portal-registered"
    app = page.url.partition("?")[0]
    page.goto(f"{app}/authentication")
    yield "portal-authentication-none"
    page.goto(f"{app}/permissions")
    _press(page, "Grant admin consent for Contoso")
    yield "portal-permissions-granted"
    page.get_by_role("checkbox", name="User.Read ", exact=False).first.uncheck()
    _press(page, "Save permissions")
    yield "portal-permissions-others"
    page.goto(f"{app}/secrets")
    _press(page, "Add")
    yield "portal-secrets-added"
    page.goto(f"{app}/manifest")
    page.get_by_role("textbox").fill("{")
    _press(page, "Save")
    yield "portal-manifest-refused"
    page.goto(app)
    _press(page, "Deactivate")
    yield "portal-deactivated"
    page.goto(f"{app}/delete")
    page.context.clear_cookies()
    _press(page, "Delete")
    yield "form-refused"
    page.goto(f"{app}/delete")
    _press(page, "Delete")
    yield "portal-deleted"


def sign_in_pages(page: "Page", sandbox: SimpleNamespace) -> Iterator[str]:
    """Sign in, by a wrong account first, and be refused what only an administrator grants."""
    page.goto(client.sign_in_url(sandbox, prompt="select_account"))
    yield "signin"
    page.get_by_text("Use another account").click()
    yield "signin-others"
    page.get_by_label("Email or phone").fill(NOBODY)
    _press(page, "Next")
    yield "signin-refused"
    page.goto(client.sign_in_url(sandbox, prompt="consent", login_hint=sandbox.user))
    yield "signin-hinted"
    _pick(page, sandbox.user)
    yield "consent"
    page.goto(client.sign_in_url(sandbox, scope="openid User.Read.All"))
    yield "need-admin"
    page.goto(client.sign_in_url(sandbox, prompt="consent", response_mode="form_post"))
    page.get_by_role("button", name="Accept").click()  # no load event: it has left already
    page.get_by_role("heading", name="Back to the app").wait_for()
    yield "form-post"
    page.goto(client.sign_in_url(sandbox, redirect_uri="http://localhost:8000/other/"))
    yield "error"


def admin_pages(page: "Page", sandbox: SimpleNamespace) -> Iterator[str]:
    """Be asked for consent as an administrator, for oneself and for everybody."""
    asked = f"client_id={sandbox.client_id}&redirect_uri={client.REDIRECT_URI}"
    page.goto(f"{sandbox.authority}/organizations/adminconsent?{asked}")
    yield "adminconsent-refused"
    _press(page, "Sign in with an admin account")
    yield "adminconsent-account"
    _pick(page, ADMINISTRATOR)
    yield "adminconsent"
    page.goto(f"{sandbox.authority}/organizations/v2.0/adminconsent?{asked}&scope=Mail.Send")
    yield "adminconsent-v2"
    page.goto(entra.sign_in_url(sandbox, "v1", prompt="consent"))
    yield "consent-administrator"


def device_pages(page: "Page", sandbox: SimpleNamespace) -> Iterator[str]:
    """Sign in on a device, after a wrong code; then decline to."""
    page.context.clear_cookies()
    page.goto(f"{sandbox.authority}/devicelogin")
    yield "devicelogin"
    enter_code(page, "WRONG")
    yield "devicelogin-refused"
    enter_code(page, user_code(sandbox))
    yield "devicelogin-account"
    _pick(page, sandbox.user)
    yield "devicelogin-consent"
    _press(page, "Accept")
    yield "devicelogin-done"
    page.goto(f"{sandbox.authority}/devicelogin")
    enter_code(page, user_code(sandbox))
    _press(page, "Cancel")
    yield "devicelogin-declined"


def user_code(sandbox: SimpleNamespace) -> str:
    """Return the code that a device shows (RFC 8628 §3.2)."""
    with client.browser() as session:
        asked = {"client_id": sandbox.client_id, "scope": "openid User.Read"}
        address = f"{sandbox.authority}/common/oauth2/v2.0/devicecode"
        return session.post(address, asked).json()["user_code"]


def enter_code(page: "Page", code: str) -> None:
    """Type a device's code into the page for it."""
    page.get_by_label("Code").fill(code)
    _press(page, "Next")


def _press(page: "Page", name: str) -> None:
    """Press a button, and wait for the page that it leads to."""
    with page.expect_navigation():
        page.get_by_role("button", name=name, exact=True).click()


def _pick(page: "Page", user: str) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name=user).click()
