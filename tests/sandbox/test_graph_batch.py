"""`POST /$batch` (entra-and-graph.md 7.8)."""

import base64

import pytest

from tests.sandbox import client
from tests.sandbox.client import bearer, mail_to

GRACE = "grace@contoso.example"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def batch(sandbox, http, token):
    """Post a batch; return its answer."""

    def post(*requests, given=token, **options):
        options = options or {"json": {"requests": list(requests)}}
        return http.post(f"{sandbox.graph}/v1.0/$batch", headers=bearer(given), **options)

    return post


@pytest.fixture
def accepted(sandbox, http):
    """Return every mail the sandbox took."""
    return lambda: http.get(f"{sandbox.authority}/_control/mailbox").json()


def one(name, method="GET", url="/me", **more):
    return {"id": name, "method": method, "url": url, **more}


def sending(name, subject="Hello", **more):
    body = mail_to(GRACE, subject=subject)
    return one(name, "POST", "/me/sendMail", body=body, headers=JSON, **more)


def by_id(answer):
    assert answer.status_code == 200, answer.text
    return {found["id"]: found for found in answer.json()["responses"]}


def test_calls_are_answered_together(batch, sandbox, accepted):
    found = by_id(batch(
        one("1"), sending("2"), one("3", url="me/messages?$top=1&$select=subject"),
        one("4", url="/me/nothing"), one("5", "DELETE"),
    ))  # fmt: skip
    assert [found[name]["status"] for name in "12345"] == [200, 202, 200, 400, 405]
    assert found["1"]["body"]["userPrincipalName"] == sandbox.user
    assert "body" not in found["2"] and "Request-Id" in found["2"]["headers"]
    assert found["3"]["body"]["value"][0]["subject"] == "Hello"
    words = "Resource not found for the segment 'nothing'."
    assert found["4"]["body"]["error"]["message"] == words
    assert len(accepted()) == 1


def test_what_depends_on_a_failure_is_not_tried(batch, accepted):
    found = by_id(batch(
        sending("3", "Third", dependsOn=["2"]), sending("2", "Second", dependsOn=["1"]),
        one("1", url="/me/nothing"), sending("4", "Fourth"), sending("5", "Fifth", dependsOn=["4"]),
    ))  # fmt: skip
    statuses = {name: answer["status"] for name, answer in found.items()}
    assert statuses == {"1": 400, "2": 424, "3": 424, "4": 202, "5": 202}
    assert [mail["subject"] for mail in accepted()] == ["Fifth", "Fourth"]


def test_an_inner_call_is_checked_like_any_other(batch, sandbox, http, accepted):
    token = client.access_token(sandbox, http, scope="User.Read")
    found = by_id(batch(sending("1"), one("2"), given=token))
    assert (found["1"]["status"], found["2"]["status"]) == (403, 200)
    bad = {"Authorization": "Bearer x"}
    found = by_id(batch(one("1", headers=bad), one("2")))
    assert (found["1"]["status"], found["2"]["status"]) == (401, 200)
    assert accepted() == []


def test_faults_reach_inner_calls_and_they_are_counted(batch, sandbox, http):
    fault = {"path": "/v1.0/me/sendMail", "status": 429, "retry_after": 2}
    http.post(f"{sandbox.authority}/_control/faults", json=fault)
    found = by_id(batch(sending("1"), sending("2")))
    assert [found[name]["status"] for name in "12"] == [429, 202]
    assert found["1"]["headers"]["Retry-After"] == "2"
    counted = http.get(f"{sandbox.authority}/_control/requests").json()
    assert (counted["/v1.0/$batch"], counted["/v1.0/me/sendMail"]) == (1, 2)


def test_what_is_no_json_comes_back_in_base64(batch, sandbox):
    batch(sending("1"))
    [mail] = by_id(batch(one("1", url="/me/messages")))["1"]["body"]["value"]
    source = by_id(batch(one("1", url=f"/me/messages/{mail['id']}/$value")))["1"]["body"]
    assert b"Subject: Hello" in base64.b64decode(source)


def test_a_filter_may_be_written_with_spaces(batch):
    batch(sending("1", "a b&c"))
    url = "/me/messages?$filter=subject eq 'a b%26c'&$orderby=subject desc"
    assert len(by_id(batch(one("1", url=url)))["1"]["body"]["value"]) == 1


def test_an_address_may_be_absolute_as_in_microsofts_sdk_for_python(batch, sandbox):
    found = by_id(batch(one("1", url=f"{sandbox.graph}/v1.0/me?$select=mail")))
    assert found["1"]["body"]["mail"] == sandbox.user


def test_twenty_calls_are_taken_and_twenty_one_are_not(batch):
    assert len(by_id(batch(*(one(str(n)) for n in range(20))))) == 20
    assert batch(*(one(str(n)) for n in range(21))).status_code == 400


@pytest.mark.parametrize(
    "requests",
    [
        None, {}, [], [5], [one("")], [one(5)], [one("1"), one("1")], [one("1", "BREW")],
        [one("1", url="https://example.org/me")], [one("1", url="")],
        [one("1", url="/me\r\nX: y")], [one("1", url="//")], [one("1", headers=[1])],
        [one("1", dependsOn=["2"])], [one("1", dependsOn=["1"])], [one("1", dependsOn=[[]])],
        [one("1", dependsOn=["2"]), one("2", dependsOn=["1"])],
        [one("1", "POST", "/me/sendMail", body=mail_to(GRACE))],
        [one("1", "PUT", body="%", headers={"Content-Type": "image/png"})],
    ],
)  # fmt: skip
def test_a_batch_that_makes_no_sense_is_refused_whole(batch, accepted, requests):
    answer = batch(json={"requests": requests})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")
    assert accepted() == []


def test_a_batch_needs_a_token_and_post(sandbox, http, token):
    url = f"{sandbox.graph}/v1.0/$batch"
    assert http.post(url, json={"requests": [one("1")]}).status_code == 401
    assert http.get(url, headers=bearer(token)).status_code == 405


@pytest.mark.parametrize(
    "url", ["$batch", "/$batch", "/../_control/reset", "//_control/mailbox", "/me/../../portal",
            "/%2e%2e/_control/mailbox", "/ü", "/me#x"],
)  # fmt: skip
def test_no_url_leads_out_of_graph(batch, accepted, url):
    batch(sending("1"))
    answer = by_id(batch(one("1", "GET", url)))["1"]
    assert answer["status"] in (200, 400) and "recipients" not in str(answer)
    assert len(accepted()) == 1


def test_headers_of_an_inner_call_stay_inside(batch):
    odd = {"Host": "evil.example", "X": "a\r\nb", "client-request-id": "a\r\nb", "Origin": "x"}
    answer = batch(one("1", headers=odd))
    assert by_id(answer)["1"]["status"] == 200 and "X" not in answer.headers
