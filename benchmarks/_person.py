"""A person at the sandbox's pages: signs in, consents, and comes back with tokens."""

import json
import re
from collections.abc import Callable
from urllib.parse import urlencode

from _load import Answer, Connection
from _servers import CodeFlow

MOST_STEPS = 6
MAIL = {
    "message": {
        "subject": "Hello",
        "body": {"contentType": "Text", "content": "Sent through Graph."},
        "toRecipients": [{"emailAddress": {"address": "grace@contoso.example"}}],
    }
}


def sign_in(connection: Connection, flow: CodeFlow, user: str, **more: str) -> Answer:
    """Press the buttons of the pages that are shown, and return the redirect to the app."""
    address = f"{flow.authorize}?{urlencode(flow.question() | more)}"
    answer = connection.get(address)
    for _ in range(MOST_STEPS):
        if answer.status == 302:
            return answer
        if answer.status == 303:  # signed in: on to the next page
            folder = flow.authorize.rpartition("/")[0]
            answer = connection.get(f"{folder}/{answer.header(b'location').decode()}")
            continue
        csrf = re.search(rb'name="csrf" value="([^"]+)"', answer.body)
        if csrf is None:
            break
        pressed = {"consent": "accept"} if b'name="consent"' in answer.body else {"user": user}
        answer = connection.post(address, {"csrf": csrf[1].decode(), **pressed})
    raise AssertionError(f"no way on: {answer.status} {answer.body[:500]!r}")


def signed_in(flow: CodeFlow, user: str) -> Callable[[Connection], object]:
    """Return the two-request flow for a browser that signs in once, with its first request."""

    def two_requests(connection: Connection) -> object:
        if not connection.cookies:
            sign_in(connection, flow, user)
        return flow(connection)

    return two_requests


def whole_flow(flow: CodeFlow, user: str) -> Callable[[Connection], object]:
    """Return the article's five tasks of a new browser: two pages, a code, tokens, a mail."""

    def pages_and_mail(connection: Connection) -> None:
        connection.cookies.clear()
        tokens = flow.redeem(connection, sign_in(connection, flow, user, prompt="consent"))
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        headers["Content-Type"] = "application/json"
        body = json.dumps(MAIL).encode()
        answer = connection.send("POST", "/v1.0/me/sendMail", headers, body)
        if answer.status != 202:
            raise AssertionError(f"no mail: {answer.status} {answer.body[:500]!r}")

    return pages_and_mail
