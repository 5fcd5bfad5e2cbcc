"""Drafts: written, changed, sent, deleted (entra-and-graph.md 7.1, 7.7)."""

import base64

import pytest

from tests.sandbox import client, graph, raw
from tests.sandbox.client import mail_to
from tests.sandbox.graph import GRACE, caller

MEMBERS = [
    "@odata.context", "@odata.etag", "id", "createdDateTime", "lastModifiedDateTime",
    "changeKey", "categories", "receivedDateTime", "sentDateTime", "hasAttachments",
    "internetMessageId", "subject", "bodyPreview", "importance", "parentFolderId",
    "conversationId", "conversationIndex", "isDeliveryReceiptRequested",
    "isReadReceiptRequested", "isRead", "isDraft", "webLink", "inferenceClassification", "body",
    "sender", "from", "toRecipients", "ccRecipients", "bccRecipients", "replyTo", "flag",
]  # fmt: skip


@pytest.fixture
def call(sandbox, http, token_for_all):
    """Call Graph with a token that may write."""

    return caller(sandbox, http, token_for_all)


@pytest.fixture
def draft(call):
    """A draft to Grace."""
    return call("POST", "me/messages", json=mail_to(GRACE)["message"]).json()


@pytest.fixture
def accepted(sandbox, http):
    """Return every mail the sandbox took."""
    return lambda: http.get(f"{sandbox.authority}/_control/mailbox").json()


def refusal(answer):
    error = answer.json()["error"]
    return answer.status_code, error["code"]


def test_a_draft_has_graphs_members_in_graphs_order(call, accepted):
    answer = call("POST", "me/messages", json=mail_to(GRACE, importance="Low")["message"])
    assert answer.status_code == 201
    draft = answer.json()
    assert list(draft) == MEMBERS
    assert (draft["isDraft"], draft["isRead"], draft["importance"]) == (True, True, "low")
    assert draft["@odata.context"].endswith("/messages/$entity")
    assert call("GET", f"me/messages/{draft['id']}").json() == draft
    assert accepted() == []


def test_a_draft_may_be_empty_or_unfinished(call):
    for message in ({}, {"toRecipients": [{"emailAddress": {"address": "bad"}}, {}]}):
        draft = call("POST", "me/messages", json=message).json()
        assert (draft["subject"], draft["isDraft"]) == ("", True)
        answer = call("POST", f"me/messages/{draft['id']}/send", data=b"")
        assert refusal(answer) == (400, "ErrorInvalidRecipients")


def test_html_comes_back_as_a_whole_page(call):
    body = {"contentType": "HTML", "content": "They were <b>awesome</b>!"}
    draft = call("POST", "me/messages", json={"body": body}).json()
    assert draft["body"] == {
        "contentType": "html",
        "content": '<html><head>\r\n<meta http-equiv="Content-Type" content="text/html;'
        ' charset=utf-8"></head><body>They were <b>awesome</b>!</body></html>\r\n',
    }
    assert draft["bodyPreview"] == "They were awesome!"


def test_a_patch_changes_what_it_names_and_nothing_else(call, draft):
    change = {"subject": "New", "categories": ["a"], "ccRecipients": draft["toRecipients"]}
    answer = call("PATCH", f"me/messages/{draft['id']}", json=change)
    assert answer.status_code == 200
    after = answer.json()
    own = {"@odata.etag", "changeKey", "lastModifiedDateTime", *change}
    assert {name: after[name] for name in change} == change
    assert after["changeKey"] != draft["changeKey"]
    for name in set(MEMBERS) - own:
        assert after[name] == draft[name], name


def test_null_takes_a_member_back(call, draft):
    change = {"subject": None, "toRecipients": None, "body": None, "importance": None}
    after = call("PATCH", f"me/messages/{draft['id']}", json=change).json()
    assert (after["subject"], after["toRecipients"], after["importance"]) == ("", [], "normal")
    assert after["body"] == {"contentType": "text", "content": ""}


def test_what_the_type_does_not_know_is_refused(call, draft):
    for method, path in (("POST", "me/messages"), ("PATCH", f"me/messages/{draft['id']}")):
        assert refusal(call(method, path, json={"subjekt": 1})) == (400, "RequestBodyRead")


def test_a_sent_draft_leaves_drafts_and_arrives(sandbox, http, call, draft, accepted):
    answer = call("POST", f"me/messages/{draft['id']}/send", data=b"")
    assert (answer.status_code, answer.content) == (202, b"")
    assert [one["subject"] for one in accepted()] == ["Hello"]
    assert refusal(call("GET", f"me/messages/{draft['id']}")) == (404, "ErrorItemNotFound")
    [sent] = call("GET", "me/messages").json()["value"]
    assert (sent["isDraft"], sent["internetMessageId"]) == (False, draft["internetMessageId"])
    grace = client.access_token(sandbox, http, user=GRACE)
    [got] = call("GET", "me/messages", token=grace).json()["value"]
    assert (got["isDraft"], got["isRead"]) == (False, False)
    answer = call("POST", f"me/messages/{draft['id']}/send", data=b"")
    assert refusal(answer) == (404, "ErrorItemNotFound")


def test_sending_without_a_length_is_411(sandbox, token_for_all, draft, accepted):
    lines = ["Host: localhost", f"Authorization: Bearer {token_for_all}"]
    wire = raw.head("POST", f"/v1.0/me/messages/{draft['id']}/send", *lines)
    assert raw.send(sandbox, wire).startswith(b"HTTP/1.1 411")
    assert accepted() == []


def test_a_draft_in_another_name_is_kept_but_not_sent(call, draft, accepted):
    sender = {"from": {"emailAddress": {"address": GRACE}}}
    assert call("PATCH", f"me/messages/{draft['id']}", json=sender).status_code == 200
    answer = call("POST", f"me/messages/{draft['id']}/send", data=b"")
    assert refusal(answer) == (403, "ErrorSendAsDenied")
    assert accepted() == []


def test_a_deleted_message_is_in_deleted_items_and_then_nowhere(call, draft):
    assert call("DELETE", f"me/messages/{draft['id']}").status_code == 204
    assert refusal(call("GET", f"me/messages/{draft['id']}")) == (404, "ErrorItemNotFound")
    [moved] = call("GET", "me/messages").json()["value"]
    assert moved["id"] != draft["id"] and moved["parentFolderId"] != draft["parentFolderId"]
    assert call("DELETE", f"me/messages/{moved['id']}").status_code == 204
    assert call("GET", "me/messages").json()["value"] == []


def test_of_a_sent_message_only_what_is_ones_own_is_changed(call, draft):
    call("POST", f"me/messages/{draft['id']}/send", data=b"")
    [sent] = call("GET", "me/messages").json()["value"]
    path = f"me/messages/{sent['id']}"
    after = call("PATCH", path, json={"isRead": False, "categories": ["x"]}).json()
    assert (after["isRead"], after["categories"]) == (False, ["x"])
    assert refusal(call("PATCH", path, json={"subject": "x"})) == (400, "ErrorInvalidPropertySet")
    assert refusal(call("POST", f"{path}/send", data=b""))[0] == 400


def test_files_come_along_with_a_new_draft(call, accepted):
    file = {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": "a.txt",
        "contentBytes": base64.b64encode(b"abc").decode(),
    }
    message = mail_to(GRACE, attachments=[file])["message"]
    draft = call("POST", "me/messages", json=message).json()
    assert draft["hasAttachments"] is True
    call("POST", f"me/messages/{draft['id']}/send", data=b"")
    assert accepted()[0]["attachments"][0]["size"] == 3


def test_writing_needs_mail_readwrite(call, draft, token):
    for method, path in (
        ("POST", "me/messages"),
        ("PATCH", f"me/messages/{draft['id']}"),
        ("DELETE", f"me/messages/{draft['id']}"),
    ):
        assert refusal(call(method, path, token=token, json={})) == (403, "ErrorAccessDenied")


def test_only_its_owner_gets_at_a_draft(sandbox, http, call, draft):
    other = client.access_token(sandbox, http, scope=graph.SCOPE, user=GRACE)
    path = f"me/messages/{draft['id']}"
    for method, address in (("GET", path), ("DELETE", path), ("POST", f"{path}/send")):
        answer = call(method, address, token=other, data=b"")
        assert refusal(answer) == (404, "ErrorItemNotFound")


@pytest.mark.parametrize(
    ("kind", "prefer", "expected"),
    [
        ("html", "text", "Tea & cake\r\nat four"),
        ("text", "html", "<body>&lt;h1&gt;Tea &amp;amp; cake&lt;/h1&gt;at "),
        ("text", "text", "<h1>Tea &amp; cake</h1>at <script>x</script>four"),
        ("html", "html", "<body><h1>Tea &amp; cake</h1>"),
    ],
)
def test_a_body_comes_as_the_kind_that_is_preferred(call, kind, prefer, expected):
    body = "<h1>Tea &amp; cake</h1>at <script>x</script>four"
    message = {"body": {"contentType": kind, "content": body}}
    path = f"me/messages/{call('POST', 'me/messages', json=message).json()['id']}"
    preference = f'outlook.body-content-type="{prefer}"'
    for address in (path, "me/messages", "me/mailFolders/drafts/messages"):
        answer = call("GET", address, headers={"Prefer": preference})
        assert answer.headers["Preference-Applied"] == preference
        found = answer.json()
        shown = found.get("value", [found])[0]["body"]
        assert shown["contentType"] == prefer and expected in shown["content"]
    plain = call("GET", path)
    assert "Preference-Applied" not in plain.headers
    assert plain.json()["body"]["contentType"] == kind


def test_a_hostile_body_becomes_text_in_no_time(call):
    body = "<script>" * 100_000 + "<" * 100_000 + "<a" * 100_000
    message = {"body": {"contentType": "html", "content": body}}
    path = f"me/messages/{call('POST', 'me/messages', json=message).json()['id']}"
    answer = call("GET", path, headers={"Prefer": 'outlook.body-content-type="text"'}, timeout=5)
    assert answer.json()["body"] == {"contentType": "text", "content": ""}
