"""Requests to the identity side, one leg at a time; written from the protocol alone."""

import base64
import hashlib
import html
import re
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import requests

REDIRECT_URI = "http://localhost:8000/connect/get_token/"
GRAPH = "https://graph.microsoft.com"
VERIFIER = "a-verifier-of-the-right-size.~_0123456789ABCDEFGH"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[:43]

PATHS = {"v1": "oauth2", "v2.0": "oauth2/v2.0"}
USUAL = {
    "v1": {},  # the article's request: client_id, redirect_uri and response_type, no more
    "v2.0": {"scope": "openid profile offline_access User.Read Mail.Send", "state": "s-1"},
}


def sign_in_url(sandbox, version="v2.0", tenant="common", **changes):
    """Return a sign-in link; a change to None leaves the parameter out."""
    query = {
        "client_id": sandbox.client_id,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
        **USUAL[version],
        **changes,
    }
    present = {name: value for name, value in query.items() if value is not None}
    return f"{sandbox.authority}/{tenant}/{PATHS[version]}/authorize?{urlencode(present)}"


def authorize(sandbox, http, version="v2.0", tenant="common", **changes):
    """Open a sign-in link, and return the first answer."""
    return http.get(sign_in_url(sandbox, version, tenant, **changes), allow_redirects=False)


def press(http, page, **fields):
    """Press a button of a page, and follow the sandbox's own redirects."""
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)[1]
    answer = http.post(page.url, {"csrf": csrf, **fields}, allow_redirects=False)
    while answer.is_redirect and not answer.headers["location"].startswith("http"):
        address = urljoin(answer.url, answer.headers["location"])
        answer = http.get(address, allow_redirects=False)
    return answer


def sign_in(sandbox, http, version="v2.0", tenant="common", user=None, **changes):
    """Sign in and consent where asked to, and return what arrives at the redirect URI."""
    answer = authorize(sandbox, http, version, tenant, **changes)
    if 'name="user"' in answer.text:
        answer = press(http, answer, user=user or sandbox.user)
    if 'name="consent"' in answer.text:
        answer = press(http, answer, consent="accept")
    return arrived(answer)


def arrived(answer):
    """Return what a redirect to the app carries in its query or fragment."""
    assert answer.status_code == 302, answer.text
    parts = urlsplit(answer.headers["location"])
    return dict(parse_qsl(parts.query or parts.fragment, keep_blank_values=True))


def token_request(sandbox, http, version="v2.0", tenant="common", headers=None, **changes):
    """Send a token request; a change to None leaves the field out."""
    fields = {
        "grant_type": "authorization_code",
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
        **changes,
    }
    present = {name: value for name, value in fields.items() if value is not None}
    address = f"{sandbox.authority}/{tenant}/{PATHS[version]}/token"
    return http.post(address, present, headers=headers)


def redeem(sandbox, http, code, version="v2.0", tenant="common", **changes):
    """Exchange a code for tokens."""
    fields = {"code": code, "redirect_uri": REDIRECT_URI}
    if version == "v1":
        fields["resource"] = GRAPH
    return token_request(sandbox, http, version, tenant, **{**fields, **changes})


def refresh(sandbox, http, refresh_token, version="v2.0", **changes):
    """Exchange a refresh token for new tokens."""
    fields = {"grant_type": "refresh_token", "refresh_token": refresh_token, **changes}
    return token_request(sandbox, http, version, **fields)


def register(sandbox, http, **registration):
    """Register another app, and return what `sandbox` would be if it were the default one."""
    answer = http.post(f"{sandbox.authority}/_control/register", json=registration).json()
    return Other(sandbox, answer["client_id"], answer["client_secret"], answer["secret_id"])


class Other:
    """A sandbox, seen by another app than its default one."""

    def __init__(self, sandbox, client_id, client_secret, secret_id):
        self.authority, self.graph, self.user = sandbox.authority, sandbox.graph, sandbox.user
        self.tenant = sandbox.tenant
        self.client_id, self.client_secret = client_id, client_secret
        self.secret_id = secret_id


def advance(sandbox, http, seconds):
    """Move the sandbox's clock."""
    answer = http.post(f"{sandbox.authority}/_control/clock", json={"advance_s": seconds})
    assert answer.status_code == 200


def visible_text(page: requests.Response) -> str:
    """Return the text of a page as a person reads it."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def me(sandbox, http, access_token):
    """Ask Graph who the token is for."""
    headers = {"Authorization": f"Bearer {access_token}"}
    return http.get(f"{sandbox.graph}/v1.0/me", headers=headers)
