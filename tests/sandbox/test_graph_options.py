"""The `$` options of a query: none is passed over in silence (entra-and-graph.md 7.1)."""

import base64

import pytest

from tests.sandbox import client
from tests.sandbox.client import mail_to
from tests.sandbox.graph import FILE, GRACE, caller, exchange, gateway

NOTE = "String {11112222-bbbb-3333-cccc-4444dddd5555} Name a, attachments"
PROPERTY = {"id": NOTE, "value": "Seven"}
NOTES = f"singleValueExtendedProperties($filter=id eq '{NOTE}')"


@pytest.fixture
def call(sandbox, http, token_for_all):
    return caller(sandbox, http, token_for_all)


def file(name):
    content = base64.b64encode(name.encode()).decode()
    return {"@odata.type": FILE, "name": name, "contentType": "x/y", "contentBytes": content}


@pytest.fixture
def draft(call):
    """A draft with two files and a note."""
    files = {"attachments": [file("one.txt"), file("two.txt")]}
    message = mail_to(GRACE, singleValueExtendedProperties=[PROPERTY], **files)["message"]
    return call("POST", "me/messages", json=message).json()["id"]


def lacks(answer, what):
    """Say whether the sandbox names itself as what lacks this."""
    return gateway(answer) == (501, "NotImplemented", f"The sandbox doesn't know {what}.")


ADDRESSES = [
    "me", "me/messages", "me/messages/{id}", "me/messages/{id}/$value", "me/mailFolders",
    "me/mailFolders/inbox", "me/mailFolders/drafts/messages", "me/messages/{id}/attachments",
]  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_graph_knows_and_the_sandbox_does_not_is_501(call, draft, address):
    path = address.format(id=draft)
    assert lacks(call("GET", path, params={"$search": '"Hello"'}), "$search")
    assert lacks(call("GET", path, params={"$skipToken": "x"}), "$skiptoken")
    assert lacks(call("GET", path, params={"$format": "xml"}), "$format=xml")
    assert lacks(call("GET", path, params={"$expand": "manager"}), "$expand=manager")


@pytest.mark.parametrize(
    ("address", "option"),
    [
        ("me/mailFolders", "$orderby"),
        ("me/messages/{id}/attachments", "$orderby"),
    ],
)  # fmt: skip
def test_an_option_that_would_change_an_answer_is_not_passed_over(call, draft, address, option):
    answer = call("GET", address.format(id=draft), params={option: "displayName"})
    assert lacks(answer, f"{option} here")


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_option_that_nobody_knows_is_400(call, draft, address):
    answer = call("GET", address.format(id=draft), params={"$bogus": "1"})
    words = "The query parameter '$bogus' is not supported."  # U
    assert gateway(answer) == (400, "BadRequest", words)


def test_nothing_is_done_where_an_option_is_refused(sandbox, http, call):
    for option in ("$bogus=1", "$search=x", "$expand=nothing"):
        assert not call("POST", f"me/sendMail?{option}", json=mail_to(GRACE)).ok
        assert not call("POST", f"me/messages?{option}", json={"subject": "x"}).ok
    assert http.get(f"{sandbox.authority}/_control/mailbox").json() == []
    assert call("GET", "me/messages").json()["value"] == []


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_changes_nothing_is_taken(call, draft, address):
    query = "$count=true&$top=5&$skip=0&$format=json&$select=id&mine=1&bogus=1"
    assert call("GET", f"{address.format(id=draft)}?{query}").status_code == 200


def test_options_are_known_in_any_letter_case(call, draft):
    call("POST", "me/messages", json={"subject": "A"})
    query = {"$OrderBy": "subject", "$Select": "subject", "$TOP": "1", "$Format": "JSON"}
    first = call("GET", "me/messages", params=query).json()
    assert [set(one) for one in first["value"]] == [{"@odata.etag", "id", "subject"}]
    assert first["value"][0]["subject"] == "A"
    second = call("GET", first["@odata.nextLink"].split("/v1.0/")[1]).json()
    assert [one["subject"] for one in second["value"]] == ["Hello"]


def names(message):
    return [one["name"] for one in message["attachments"]]


def test_files_show_where_they_are_expanded(sandbox, call, draft):
    listed = call("GET", f"me/messages/{draft}/attachments").json()
    one = call("GET", f"me/messages/{draft}?$expand=attachments").json()
    [of_all] = call("GET", "me/messages?$expand=Attachments").json()["value"]
    [of_folder] = call("GET", "me/mailFolders/drafts/messages?$expand=attachments").json()["value"]
    assert one["attachments"] == listed["value"]
    assert one["attachments@odata.context"] == listed["@odata.context"]
    assert names(of_all) == names(of_folder) == ["one.txt", "two.txt"]
    assert base64.b64decode(one["attachments"][0]["contentBytes"]) == b"one.txt"
    assert "attachments" not in call("GET", f"me/messages/{draft}").json()


def test_a_message_without_files_shows_none(call):
    call("POST", "me/messages", json={"subject": "Bare"})
    [bare] = call("GET", "me/messages?$expand=attachments").json()["value"]
    assert bare["attachments"] == []


@pytest.mark.parametrize("select", ["subject", "subject,attachments"])
def test_files_are_expanded_beside_what_is_selected(call, draft, select):
    [one] = call("GET", f"me/messages?$expand=attachments&$select={select}").json()["value"]
    context = "attachments@odata.context"
    assert set(one) == {"@odata.etag", "id", "subject", "attachments", context}
    assert set(one["attachments"][0]) > {"name", "contentBytes"}


@pytest.mark.parametrize("expand", [f"attachments,{NOTES}", f" {NOTES} , attachments "])
def test_files_and_notes_are_expanded_together(call, draft, expand):
    one = call("GET", f"me/messages/{draft}", params={"$expand": expand}).json()
    assert names(one) == ["one.txt", "two.txt"]
    assert one["singleValueExtendedProperties"] == [PROPERTY]


@pytest.mark.parametrize(
    "expand",
    ["nothing", "attachments($select=name)", "attachments,", "attachments,extensions", "",
     "attachments attachments", NOTES[:-1]],
)  # fmt: skip
def test_what_else_could_be_expanded_is_501_in_an_empty_mailbox_too(call, expand):
    answer = call("GET", "me/messages", params={"$expand": expand})
    assert lacks(answer, f"$expand={expand}")


def test_who_may_not_see_files_cannot_expand_them(sandbox, http, call, draft):
    basic = client.access_token(sandbox, http, scope="Mail.ReadBasic")
    answer = call("GET", f"me/messages/{draft}?$expand=attachments", token=basic)
    assert exchange(answer)[:2] == (403, "ErrorAccessDenied")


def test_files_come_in_pages_where_that_is_asked_for(call, draft):
    path = f"me/messages/{draft}/attachments?$select=name&$count=true"
    first = call("GET", f"{path}&$top=1").json()
    assert (first["@odata.count"], [one["name"] for one in first["value"]]) == (2, ["one.txt"])
    second = call("GET", first["@odata.nextLink"].split("/v1.0/")[1]).json()
    assert [one["name"] for one in second["value"]] == ["two.txt"]
    assert "@odata.nextLink" not in second and "@odata.nextLink" not in call("GET", path).json()
