"""What the tests of refusals share, written from Microsoft's documents alone."""

import re
import uuid
from dataclasses import dataclass

from tests.sandbox.entra import advance, redeem, refresh, register, sign_in, visible_text

TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ"
GUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
NOT_FOUND = (
    "This can happen if the application has not been installed by the administrator of the"
    " tenant or consented to by any user in the tenant."
)
PERSONAL = "AzureADandPersonalMicrosoftAccount"
SOMEBODY = "alan@outlook.example"  # with a personal account


def missing(parameter):
    return f"AADSTS900144: The request body must contain the following parameter: '{parameter}'."


def shown(answer):
    """Return the description on the error page, which never redirects."""
    assert answer.status_code == 400
    assert "location" not in answer.headers
    text = visible_text(answer)
    assert "Sign in Sorry, but we're having trouble signing you in." in text
    return text


@dataclass(frozen=True)
class Row:
    """What must be answered; in the words, `{app}` is the client that asked."""

    error: str
    words: str
    status: int = 400
    suberror: str | None = None


def request_id(http):
    """Return the id that all further requests of this client carry."""
    sent = str(uuid.uuid4())
    http.headers["client-request-id"] = sent
    return sent


def assert_refused(answer, row, app, sent):
    """Assert everything a refusal is made of (Microsoft: reference-error-codes)."""
    body, words = answer.json(), row.words.format(app=app)
    number = int(re.match(r"AADSTS(\d+): ", words)[1])
    members = {"error", "error_description", "error_codes", "timestamp", "trace_id"}
    members |= {"correlation_id", "error_uri"} | ({"suberror"} if row.suberror else set())
    assert set(body) == members
    assert (answer.status_code, body["error"]) == (row.status, row.error), body
    assert body["error_codes"] == [number]
    assert body.get("suberror") == row.suberror
    assert body["error_uri"] == f"{app.authority}/error?code={number}"
    assert body["correlation_id"] == sent
    assert re.fullmatch(GUID, body["trace_id"]) and re.fullmatch(TIME, body["timestamp"])
    trailer = f" Trace ID: {body['trace_id']} Correlation ID: {sent} Timestamp: {body['timestamp']}"
    text = body["error_description"]
    assert text.endswith(trailer), text
    assert text.startswith(words), text
    assert "\n" not in text and "{" not in text
    assert answer.headers["content-type"] == "application/json"
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")


def coded(after=0, of=None, version="v2.0", asked=None, **changes):
    """Return: sign in, wait, and redeem the code with these changes."""

    def provoke(app, http):
        client = register(app, http, **of) if of else app
        code = sign_in(client, http, version, **(asked or {}))["code"]
        advance(app, http, after)
        return redeem(client, http, code, version, **changes), client

    return provoke


def refreshed(after=0, version="v2.0", asked=None, **changes):
    """Return: sign in, redeem, wait, and refresh with these changes."""

    def provoke(app, http):
        code = sign_in(app, http, version, **(asked or {}))["code"]
        token = redeem(app, http, code, version).json()["refresh_token"]
        advance(app, http, after)
        return refresh(app, http, token, version, **changes), app

    return provoke
