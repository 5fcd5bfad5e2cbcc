"""The article's own flow of 2015, as one would type it in, with `requests` and nothing of ours.

Its first leg has no state, no nonce, no PKCE and no scope; its second leg names the resource.
"""

import base64
import html
import json
import re
import uuid
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import pytest
import requests

REDIRECT_URI = "http://127.0.0.1:8000/connect/get_token/"
RESOURCE = "https://graph.microsoft.com"
FIELDS = {
    "token_type",
    "expires_in",
    "expires_on",
    "resource",
    "access_token",
    "refresh_token",
    "scope",
    "id_token",
}


@pytest.fixture
def http():
    with requests.Session() as session:
        session.trust_env = False
        yield session


def attribute(name: str, tag: str) -> str:
    """Return an attribute's value, "" when the tag has none."""
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    return html.unescape(found[1]) if found else ""


def press(http, page: requests.Response, wanted: str) -> requests.Response:
    """Click the button whose text holds this, with the hidden fields of its form."""
    for form, inside in re.findall("(<form[^>]*>)(.*?)</form>", page.text, re.DOTALL):
        hidden = re.findall('<input[^>]*type="hidden"[^>]*>', inside)
        fields = {attribute("name", tag): attribute("value", tag) for tag in hidden}
        for button, text in re.findall("(<button[^>]*>)(.*?)</button>", inside, re.DOTALL):
            if wanted in html.unescape(text):
                fields[attribute("name", button)] = attribute("value", button)
                address = urljoin(page.url, attribute("action", form))
                return http.post(address, fields, allow_redirects=False, timeout=5)
    raise AssertionError(f"no button {wanted} on {page.url}")


def follow(http, answer: requests.Response) -> requests.Response | str:
    """Follow redirects; return the next page, or the address at the app."""
    while answer.is_redirect:
        address = urljoin(answer.url, answer.headers["Location"])
        if address.startswith(REDIRECT_URI):
            return address
        answer = http.get(address, allow_redirects=False, timeout=5)
    return answer


def code_from_the_browser(sandbox, http) -> str:
    query = {
        "client_id": sandbox.client_id,
        "redirect_uri": REDIRECT_URI,
        "response_type": "code",
    }
    signin_url = f"{sandbox.authority}/common/oauth2/authorize?{urlencode(query)}"
    page = http.get(signin_url, allow_redirects=False, timeout=5)
    assert page.status_code == 200 and sandbox.user in page.text
    page = follow(http, press(http, page, sandbox.user))
    assert "Permissions requested" in page.text and "Send mail as you" in page.text
    address = follow(http, press(http, page, "Accept"))
    answer = parse_qs(urlsplit(address).query)
    assert set(answer) == {"code", "session_state"}
    return answer["code"][0]


def token_from_code(sandbox, http, code: str) -> dict[str, str]:
    post_data = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
        "resource": RESOURCE,
    }
    answer = http.post(f"{sandbox.authority}/common/oauth2/token", data=post_data, timeout=5)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_articles_flow_ends_with_a_mail_in_the_mailbox(sandbox, http):
    token = token_from_code(sandbox, http, code_from_the_browser(sandbox, http))

    assert set(token) >= FIELDS and all(isinstance(token[name], str) for name in FIELDS)
    assert token["token_type"] == "Bearer" and token["resource"] == RESOURCE
    assert set(token["scope"].split()) >= {"Mail.Send", "User.Read"}
    assert 3500 < int(token["expires_in"]) <= 3600 and int(token["expires_on"]) > 1.4e9

    # As the article has it: the id_token is decoded by hand, for the name to greet.
    payload = token["id_token"].split(".")[1]
    jwt = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert jwt["upn"] == sandbox.user and jwt["given_name"] in jwt["name"]

    me = http.get(
        f"{sandbox.graph}/beta/me",
        headers={"Authorization": f"Bearer {token['access_token']}", "Accept": "application/json"},
        timeout=5,
    )
    assert me.json()["userPrincipalName"] == sandbox.user

    email = {
        "Message": {
            "Subject": "Welcome to Microsoft Graph development for Python",
            "Body": {"ContentType": "HTML", "Content": f"<p>Hi {jwt['given_name']},</p>"},
            "ToRecipients": [{"EmailAddress": {"Address": sandbox.user}}],
        },
        "SaveToSentItems": "true",
    }
    headers = {
        "User-Agent": "python_tutorial/1.0",
        "Authorization": f"Bearer {token['access_token']}",
        "Accept": "application/json",
        "Content-Type": "application/json;odata.metadata=minimal;odata.streaming=true",
        "client-request-id": str(uuid.uuid4()),
        "return-client-request-id": "true",
    }
    send_url = f"{sandbox.graph}/beta/me/sendMail"
    sent = http.post(send_url, headers=headers, data=json.dumps(email), timeout=5)
    assert sent.status_code == 202 and sent.content == b""
    assert sent.headers["client-request-id"] == headers["client-request-id"]

    (mail,) = http.get(f"{sandbox.authority}/_control/mailbox", timeout=5).json()
    assert mail["subject"] == email["Message"]["Subject"]
    assert mail["body"] == f"<p>Hi {jwt['given_name']},</p>"
    assert mail["recipients"] == [sandbox.user]


def test_its_refresh_token_gives_another_access_token(sandbox, http):
    token = token_from_code(sandbox, http, code_from_the_browser(sandbox, http))
    post_data = {
        "grant_type": "refresh_token",
        "refresh_token": token["refresh_token"],
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
        "resource": RESOURCE,
    }
    answer = http.post(f"{sandbox.authority}/common/oauth2/token", data=post_data, timeout=5)
    assert set(answer.json()) >= FIELDS
    assert answer.json()["access_token"] != token["access_token"]
