"""GET /me, and what Graph says to calls it does not take (entra-and-graph.md 7.1 to 7.5)."""

import base64
import http.client
import json
import re
from urllib.parse import urlsplit

import pytest

from tests.sandbox import client
from tests.sandbox.client import bearer

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.mark.parametrize("version", ["v1.0", "beta"])
def test_me_has_exactly_the_default_properties(sandbox, http, token, version):
    answer = http.get(f"{sandbox.graph}/{version}/me", headers=bearer(token))
    assert answer.status_code == 200
    me = answer.json()
    assert me.pop("@odata.context") == f"{sandbox.graph}/{version}/$metadata#users/$entity"
    assert set(me) == {
        "businessPhones", "displayName", "givenName", "id", "jobTitle", "mail", "mobilePhone",
        "officeLocation", "preferredLanguage", "surname", "userPrincipalName",
    }  # fmt: skip
    assert me["userPrincipalName"] == sandbox.user


def test_me_is_the_person_who_signed_in(sandbox, http):
    token = client.access_token(sandbox, http, user="zoe@contoso.example")
    me = http.get(f"{sandbox.graph}/v1.0/me", headers=bearer(token)).json()
    assert me["displayName"] == "Zoë Núñez"


def test_every_answer_can_be_traced(sandbox, http, token):
    headers = bearer(token, **{"client-request-id": "9f6a0b1c-0000-4000-8000-000000000001"})
    answer = http.get(f"{sandbox.graph}/v1.0/me", headers=headers)
    assert GUID.fullmatch(answer.headers["request-id"])
    assert answer.headers["client-request-id"] == "9f6a0b1c-0000-4000-8000-000000000001"
    assert "ServerInfo" in json.loads(answer.headers["x-ms-ags-diagnostic"])
    assert answer.headers["OData-Version"] == "4.0"
    assert answer.headers["content-type"].startswith("application/json;odata.metadata=minimal;")


def test_refusals_uploads_and_inner_calls_can_be_traced_too(sandbox, http, token_for_all):
    ours = {"client-request-id": "ours"}
    root, headers = f"{sandbox.graph}/v1.0", bearer(token_for_all, **ours)
    draft = http.post(f"{root}/me/messages", json={}, headers=headers)
    files = f"{root}/me/messages/{draft.json()['id']}/attachments"
    item = {"AttachmentItem": {"attachmentType": "file", "name": "x", "size": 3_000_000}}
    session = http.post(f"{files}/createUploadSession", json=item, headers=headers)
    url = session.json()["uploadUrl"]
    inner = {"id": "1", "method": "GET", "url": "/me"}
    batch = http.post(f"{root}/$batch", json={"requests": [inner]}, headers=headers)
    answers = [
        draft, session, batch,
        http.put(url, b"x", headers=ours), http.get(url, headers=ours),
        http.delete(url, headers=ours), http.get(url, headers=ours),
        http.get(f"{root}/me", headers=ours), http.get(f"{root}/nowhere", headers=headers),
        http.post(f"{root}/me/sendMail", data=b"x" * 5_000_000, headers=headers),
    ]  # fmt: skip
    statuses = [201, 201, 200, 416, 200, 204, 404, 401, 400, 413]
    assert [one.status_code for one in answers] == statuses
    for found in [one.headers for one in answers] + [batch.json()["responses"][0]["headers"]]:
        found = {name.lower(): value for name, value in found.items()}
        assert GUID.fullmatch(found["request-id"]) and found["client-request-id"] == "ours"
        assert "ServerInfo" in found["x-ms-ags-diagnostic"]


def test_without_a_client_request_id_graph_uses_its_own(sandbox, http, token):
    headers = http.get(f"{sandbox.graph}/v1.0/me", headers=bearer(token)).headers
    assert headers["client-request-id"] == headers["request-id"]


@pytest.mark.parametrize(
    ("authorization", "words"),
    [
        (None, "Access token is empty."),
        ("Bearer", "Access token is empty."),
        ("Basic YTpi", "Access token is empty."),
        ("Bearer abc", "IDX14100: JWT is not well formed, there are no dots (.).\n"),
        ("Bearer a.b.c", "CompactToken parsing failed with error code: 80049217"),
        ('Bearer "TOKEN"', "CompactToken parsing failed with error code: 80049217"),
        ("Bearer Bearer TOKEN", "CompactToken parsing failed with error code: 80049217"),
        ("Bearer TOKENAAAA", "Access token validation failure. Invalid signature."),
    ],
)
def test_a_call_without_a_good_token_is_401(sandbox, http, token, authorization, words):
    headers = {"Authorization": authorization.replace("TOKEN", token)} if authorization else {}
    answer = http.get(f"{sandbox.graph}/v1.0/me", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == (
        f'Bearer realm="", authorization_uri="{sandbox.authority}/common/oauth2/authorize",'
        ' client_id="00000003-0000-0000-c000-000000000000"'
    )
    error = answer.json()["error"]
    assert error["code"] == "InvalidAuthenticationToken"
    assert error["message"].startswith(words)
    assert list(error["innerError"]) == ["date", "request-id", "client-request-id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", error["innerError"]["date"])
    assert error["innerError"]["request-id"] == answer.headers["request-id"]


def test_an_expired_token_is_401(sandbox, http, token):
    http.post(f"{sandbox.authority}/_control/clock", json={"advance_s": 4000})
    answer = http.get(f"{sandbox.graph}/v1.0/me", headers=bearer(token))
    assert answer.status_code == 401
    expired = "Lifetime validation failed, the token is expired."
    assert answer.json()["error"]["message"] == expired


def test_a_token_of_microsofts_is_refused_and_told_why(sandbox, http, token):
    header, claims, signature = token.split(".")
    real = json.loads(base64.urlsafe_b64decode(claims + "=="))
    real["iss"] = f"https://sts.windows.net/{real['tid']}/"
    claims = base64.urlsafe_b64encode(json.dumps(real).encode()).decode().rstrip("=")
    headers = bearer(f"{header}.{claims}.{signature}")
    answer = http.get(f"{sandbox.graph}/v1.0/me", headers=headers)
    assert answer.status_code == 401
    assert "issued by Microsoft" in answer.json()["error"]["message"]


def test_two_authorization_headers_are_none(sandbox, token):
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(sandbox.graph).port, timeout=10)
    connection.putrequest("GET", "/v1.0/me")
    for _ in range(2):
        connection.putheader("Authorization", f"Bearer {token}")
    connection.endheaders()
    assert connection.getresponse().status == 401
    connection.close()


def test_a_token_in_the_query_is_not_looked_at(sandbox, http, token):
    assert http.get(f"{sandbox.graph}/v1.0/me?access_token={token}").status_code == 401


def test_me_needs_user_read(sandbox, http):
    token = client.access_token(sandbox, http, scope="Mail.Send")
    answer = http.get(f"{sandbox.graph}/v1.0/me", headers=bearer(token))
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "Authorization_RequestDenied"


@pytest.mark.parametrize(
    ("path", "segment"),
    [("me/sendEmail", "sendEmail"), ("mee", "mee"), ("me/calendar/events", "calendar")],
)
def test_an_unknown_segment_is_named(sandbox, http, token, path, segment):
    answer = http.post(f"{sandbox.graph}/v1.0/{path}", json={}, headers=bearer(token))
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "BadRequest"
    assert error["message"] == f"Resource not found for the segment '{segment}'."


def test_a_path_is_not_told_to_strangers(sandbox, http):
    assert http.get(f"{sandbox.graph}/v1.0/me/sendEmail").status_code == 401


@pytest.mark.parametrize(("method", "path"), [("GET", "me/sendMail"), ("DELETE", "me")])
def test_a_wrong_method_is_405(sandbox, http, token, method, path):
    answer = http.request(method, f"{sandbox.graph}/v1.0/{path}", headers=bearer(token))
    assert answer.status_code == 405
    assert answer.headers["Allow"] in ("GET", "POST")
    assert "not allowed" in answer.json()["error"]["message"]
