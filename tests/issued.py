"""What the tests of tokens share: a token, an answer of a trap, a JWT that nobody signed."""

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime

import pytest

from graphhelpers import (
    GraphHelpersError,
    Secret,
    Token,
    exchange_code,
    start_sign_in,
    wire_log,
)
from tests.kit import app_at
from tests.trap import Trap, answer

TOKEN_V2 = "/{tenant}/oauth2/v2.0/token"
CODE = Secret("canary~code")
GOOD = {
    "token_type": "Bearer",
    "scope": "openid Mail.Send",
    "expires_in": 3599,
    "access_token": "canary~access",
}


def trap_token(**changes) -> Token:
    known = {
        "access_token": Secret("canary~old"),
        "id_token": None,
        "refresh_token": Secret("canary~refresh"),
        "scope": "",
        "expires_at": datetime.now(UTC),
    }
    return Token(**known | changes)


def exchange_at(trap: Trap) -> Token:
    app = app_at(trap)
    return exchange_code(app, start_sign_in(app), CODE)


def fails_once(*script: object) -> GraphHelpersError:
    """Return the error of an exchange that met this; it was asked once and shows no secret."""
    wire_log.clear()
    with Trap(*script) as trap, pytest.raises(GraphHelpersError) as caught:
        exchange_at(trap)
    assert len(trap.requests) == 1
    error = caught.value
    text = f"{error} {error!r} {error._render_traceback_()} {vars(error)}"
    assert "canary" not in text + repr(wire_log) + str([vars(e) for e in wire_log])
    assert len(str(error)) < 5_000
    return error


def html(status: str = "200 OK") -> bytes:
    page = b"<html><title>Hotel network</title>Please log in</html>"
    return answer(page, status, "Content-Type: text/html")


def jwt_of(header: object, claims: object, signature: str = "c2ln") -> str:
    parts = (urlsafe_b64encode(json.dumps(part).encode()) for part in (header, claims))
    return ".".join([*(part.decode().rstrip("=") for part in parts), signature])
