"""A client of the sandbox written from the protocol alone: it imports nothing of the sandbox."""

import re
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

REDIRECT_URI = "http://localhost:8000/connect/get_token/"
SCOPE = "openid profile offline_access User.Read Mail.Send Mail.Read"


def browser() -> requests.Session:
    """Return a session that goes to loopback straight, whatever the environment says."""
    session = requests.Session()
    session.trust_env = False
    return session


def sign_in_url(sandbox, **changes) -> str:
    """Return a v2.0 sign-in link; a change to None leaves the parameter out."""
    query = {
        "client_id": sandbox.client_id,
        "response_type": "code",
        "redirect_uri": REDIRECT_URI,
        "scope": SCOPE,
        "state": "s-1",
    } | changes
    query = {name: value for name, value in query.items() if value is not None}
    address = f"{sandbox.authority}/common/oauth2/v2.0/authorize"
    return requests.Request("GET", address, params=query).prepare().url


def sign_in(sandbox, session, user="ada@contoso.example", **changes) -> dict[str, str]:
    """Pick the account, accept the consent page, and return what the redirect carries."""
    answer = session.get(sign_in_url(sandbox, **changes), allow_redirects=False)
    for _ in range(8):
        if answer.is_redirect:
            address = urljoin(answer.url, answer.headers["location"])
            if not address.startswith(sandbox.authority):
                return {name: value[0] for name, value in parse_qs(urlsplit(address).query).items()}
            answer = session.get(address, allow_redirects=False)
            continue
        csrf = re.search(r'name="csrf" value="([^"]+)"', answer.text)[1]
        press = {"consent": "accept"} if 'name="consent"' in answer.text else {"user": user}
        answer = session.post(answer.url, {"csrf": csrf, **press}, allow_redirects=False)
    raise AssertionError(f"no redirect to the app: {answer.status_code} {answer.text[:500]}")


def redeem(sandbox, session, code: str, **changes) -> requests.Response:
    """Send the token request for a code."""
    fields = {
        "grant_type": "authorization_code",
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
        "redirect_uri": REDIRECT_URI,
        "code": code,
    } | changes
    return session.post(f"{sandbox.authority}/common/oauth2/v2.0/token", fields)


def access_token(sandbox, session, scope=SCOPE, user="ada@contoso.example") -> str:
    """Sign in and return an access token for Graph."""
    session.cookies.clear()
    code = sign_in(sandbox, session, user, scope=scope)["code"]
    return redeem(sandbox, session, code).json()["access_token"]


def bearer(token: str, **headers: str) -> dict[str, str]:
    """Return the headers of a Graph call."""
    return {"Authorization": f"Bearer {token}", **headers}


def mail_to(*addresses: str, subject="Hello", body="Good morning", **more) -> dict:
    """Return a sendMail body in today's spelling."""
    recipients = [{"emailAddress": {"address": one}} for one in addresses]
    content = {"contentType": "Text", "content": body}
    return {"message": {"subject": subject, "body": content, "toRecipients": recipients, **more}}
