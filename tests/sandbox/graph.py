"""Calls to Graph, and the two forms of its refusals; written from the protocol alone."""

import re

from tests.sandbox import client
from tests.sandbox.client import bearer

GRACE = "grace@contoso.example"
FILE = "#microsoft.graph.fileAttachment"
SCOPE = f"{client.SCOPE} Mail.ReadWrite Mail.Send.Shared"


def caller(sandbox, http, own_token):
    """Return what calls Graph with this token, or with another one."""

    def request(method, path, token=own_token, headers=None, **options):
        headers = {**bearer(token), **(headers or {})}
        return http.request(method, f"{sandbox.graph}/v1.0/{path}", headers=headers, **options)

    return request


def exchange(answer):
    """Return status, code and words of a refusal by Exchange, which has no innerError."""
    error = answer.json()["error"]
    assert list(error) == ["code", "message"]
    return answer.status_code, error["code"], error["message"]


def gateway(answer):
    """Return status, code and words of a refusal by the gateway, with its innerError."""
    error = answer.json()["error"]
    assert list(error) == ["code", "message", "innerError"]
    inner = error["innerError"]
    assert list(inner) == ["date", "request-id", "client-request-id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", inner["date"])
    assert inner["request-id"] == answer.headers["request-id"]
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code, error["code"], error["message"]
