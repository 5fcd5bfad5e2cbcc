"""Named properties of a message: an app's own notes (Microsoft: "extended properties")."""

import pytest

from tests.sandbox.client import mail_to
from tests.sandbox.graph import caller

NOTE = "String {11112222-bbbb-3333-cccc-4444dddd5555} Name my-id"
PROPERTY = {"id": NOTE, "value": "Seven"}


def found(call, folder, condition):
    path = f"me/mailFolders/{folder}/messages"
    answer = call("GET", path, params={"$filter": condition, "$select": "subject"})
    assert answer.status_code == 200, answer.text
    return [one["subject"] for one in answer.json()["value"]]


def any_of(name=NOTE, value="Seven", variable="p"):
    v = variable
    return f"singleValueExtendedProperties/any({v}:{v}/id eq '{name}' and {v}/value eq '{value}')"


@pytest.fixture
def call(sandbox, http, token_for_all):
    return caller(sandbox, http, token_for_all)


@pytest.fixture
def sent(call):
    mail = mail_to("ada@contoso.example", singleValueExtendedProperties=[PROPERTY])
    mail["message"]["subject"] = "Noted"
    assert call("POST", "me/sendMail", json=mail).status_code == 202
    assert call("POST", "me/sendMail", json=mail_to("ada@contoso.example")).status_code == 202


def test_a_sent_mail_is_found_by_what_its_app_noted(call, sent):
    assert found(call, "sentitems", any_of()) == ["Noted"]
    assert found(call, "sentitems", any_of(value="seven", variable="ep")) == ["Noted"]
    assert found(call, "sentitems", f"isRead eq true and {any_of()}") == ["Noted"]
    assert found(call, "sentitems", any_of(value="Eight")) == []


def test_a_note_does_not_travel(call, sent):
    assert found(call, "inbox", any_of()) == []


def test_a_draft_keeps_its_note_when_it_is_sent(call):
    message = mail_to("ada@contoso.example", singleValueExtendedProperties=[PROPERTY])["message"]
    draft = call("POST", "me/messages", json=message).json()
    assert "singleValueExtendedProperties" not in draft
    assert len(found(call, "drafts", any_of())) == 1
    call("POST", f"me/messages/{draft['id']}/send", data=b"")
    assert len(found(call, "sentitems", any_of())) == 1


def test_a_note_shows_where_it_is_expanded(call, sent):
    path = "me/mailFolders/sentitems/messages"
    expand = f"singleValueExtendedProperties($filter=id eq '{NOTE}')"
    plain, noted = call("GET", path, params={"$expand": expand}).json()["value"]
    assert noted["singleValueExtendedProperties"] == [PROPERTY]
    assert plain["singleValueExtendedProperties"] == []
    assert "singleValueExtendedProperties" not in call("GET", path).json()["value"][0]


@pytest.mark.parametrize(
    "condition",
    ["singleValueExtendedProperties/any(p", any_of().replace("p/id", "q/id"), "x/any()"],
)
def test_a_condition_that_makes_no_sense_is_refused(call, condition):
    answer = call("GET", "me/messages", params={"$filter": condition})
    assert answer.status_code == 400
