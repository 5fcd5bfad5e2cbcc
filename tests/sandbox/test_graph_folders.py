"""Mail folders, and listings that are filtered, sorted and counted (7.1, 7.9, 8)."""

import pytest

from tests.sandbox import client
from tests.sandbox.client import bearer, mail_to
from tests.sandbox.graph import exchange

GRACE = "grace@contoso.example"
SCOPE = f"{client.SCOPE} Mail.ReadWrite"


@pytest.fixture(scope="module")
def writing_token(sandbox_of_this_file):
    with client.browser() as session:
        return client.access_token(sandbox_of_this_file, session, scope=SCOPE)


@pytest.fixture
def call(sandbox, http, writing_token):
    """Call Graph with a token that may write."""

    def request(method, path, token=writing_token, **options):
        url = path if "://" in path else f"{sandbox.graph}/v1.0/{path}"
        return http.request(method, url, headers=bearer(token), **options)

    return request


@pytest.fixture
def mails(sandbox, call):
    """Three mails in Ada's Inbox and Sent Items, and one draft."""
    for subject, more in (
        ("Beta's plan", {"importance": "high"}),
        ("alpha", {"categories": ["x"]}),
        ("Gamma", {}),
    ):
        call("POST", "me/sendMail", json=mail_to(sandbox.user, GRACE, subject=subject, **more))
    return call("POST", "me/messages", json={"subject": "Draft"}).json()


def refusal(answer):
    error = answer.json()["error"]
    return answer.status_code, error["code"]


def subjects(answer):
    assert answer.status_code == 200, answer.text
    return [one["subject"] for one in answer.json()["value"]]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("displayName eq 'drafts'", ["Drafts"]),
        ("totalItemCount gt 2", ["Inbox", "Sent Items"]),
        ("startswith(displayName, 'J') or isHidden", ["Junk Email"]),
        ("displayName eq 'nowhere'", []),
    ],
)
def test_folders_are_found_by_a_filter(call, mails, asked, found):
    answer = call("GET", "me/mailFolders", params={"$filter": asked, "$select": "displayName"})
    assert [one["displayName"] for one in answer.json()["value"]] == found


def test_a_filter_of_folders_knows_their_members_only(call):
    answer = call("GET", "me/mailFolders", params={"$filter": "subject eq 'x'"})
    assert refusal(answer)[0] == 400


def test_each_mailbox_has_the_well_known_folders(sandbox, call, mails):
    answer = call("GET", "me/mailFolders").json()
    assert answer["@odata.context"].endswith("/mailFolders")
    counted = {one["displayName"]: one["totalItemCount"] for one in answer["value"]}
    assert counted == {
        "Archive": 0, "Deleted Items": 0, "Drafts": 1, "Inbox": 3, "Junk Email": 0, "Outbox": 0,
        "Sent Items": 3,
    }  # fmt: skip
    inbox = call("GET", "me/mailFolders/Inbox").json()
    assert (inbox["unreadItemCount"], inbox["childFolderCount"]) == (3, 0)
    assert call("GET", f"me/mailFolders/{inbox['id']}").json() == inbox


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("inbox", ["Gamma", "alpha", "Beta's plan"]),
        ("SentItems", ["Gamma", "alpha", "Beta's plan"]),
        ("drafts", ["Draft"]),
        ("deleteditems", []),
    ],
)
def test_a_folder_shows_what_is_in_it(call, mails, folder, expected):
    answer = call("GET", f"me/mailFolders/{folder}/messages")
    assert subjects(answer) == expected
    context = answer.json()["@odata.context"]
    assert context.endswith(f"/mailFolders('{folder}')/messages")


def test_a_folder_is_found_by_the_id_that_its_messages_name(call, mails):
    answer = call("GET", f"me/mailFolders/{mails['parentFolderId']}/messages")
    assert subjects(answer) == ["Draft"]


@pytest.mark.parametrize("path", ["", "/messages"])
def test_an_unknown_folder_is_not_found(call, path):
    assert refusal(call("GET", f"me/mailFolders/nowhere{path}")) == (404, "ErrorItemNotFound")


def test_a_draft_can_be_made_in_a_folder(call):
    made = call("POST", "me/mailFolders/Drafts/messages", json={"subject": "Here"})
    assert (made.status_code, made.json()["isDraft"]) == (201, True)
    assert subjects(call("GET", "me/mailFolders/drafts/messages")) == ["Here"]


def test_a_folder_comes_in_pages_with_absolute_links(sandbox, call, mails):
    first = call("GET", "me/mailFolders/inbox/messages?$top=2&$count=true&$select=subject")
    assert subjects(first) == ["Gamma", "alpha"]
    assert first.json()["@odata.count"] == 3
    link = first.json()["@odata.nextLink"]
    assert link.startswith(f"{sandbox.graph}/v1.0/me/mailFolders/inbox/messages?")
    second = call("GET", link)
    assert subjects(second) == ["Beta's plan"] and "@odata.nextLink" not in second.json()


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("subject eq 'ALPHA'", ["alpha"]),
        ("subject eq 'Beta''s plan'", ["Beta's plan"]),
        ("startswith(subject,'g') or contains(subject, 'plan')", ["Gamma", "Beta's plan"]),
        ("importance eq 'high' and isRead eq false", ["Beta's plan"]),
        ("not (importance eq 'high')", ["Gamma", "alpha"]),
        ("from/emailAddress/address eq 'ada@contoso.example'", ["Gamma", "alpha", "Beta's plan"]),
        ("from/emailAddress/address ne 'ada@contoso.example'", []),
        ("receivedDateTime ge 2020-01-01", ["Gamma", "alpha", "Beta's plan"]),
        ("receivedDateTime lt 2020-01-01T00:00:00Z", []),
        ("receivedDateTime gt 2020-01-01T00:00:00+02:00 and hasAttachments", []),
        ("subject gt 5", []),
    ],
)
def test_a_filter_lets_through_what_it_says(call, mails, asked, expected):
    answer = call("GET", "me/mailFolders/inbox/messages", params={"$filter": asked})
    assert subjects(answer) == expected


def test_a_listing_is_sorted_as_asked(call, mails):
    def sorted_by(order, **more):
        query = {"$orderby": order, **more}
        return subjects(call("GET", "me/mailFolders/inbox/messages", params=query))

    assert sorted_by("subject") == ["alpha", "Beta's plan", "Gamma"]
    assert sorted_by("subject desc", **{"$top": 1}) == ["Gamma"]
    assert sorted_by("importance,subject desc") == ["Beta's plan", "Gamma", "alpha"]
    assert sorted_by("subject", **{"$filter": "not startswith(subject,'b')"}) == ["alpha", "Gamma"]


NEW = "receivedDateTime ge 2020-01-01"
ADA = "from/emailAddress/address eq 'ada@contoso.example'"


@pytest.mark.parametrize(
    ("asked", "order"),
    [
        (NEW, "receivedDateTime desc"),
        (f"{NEW} and importance eq 'normal'", "receivedDateTime"),
        (f"{NEW} and importance eq 'normal'", "RECEIVEDDATETIME desc,importance"),
        (f"{NEW} and isRead eq false and receivedDateTime lt 2222-02-02", "receivedDateTime"),
        (f"{NEW} and isRead eq false and receivedDateTime lt 2222-02-02",
         "receivedDateTime,isRead"),
        (f"{ADA} and isRead eq false", "from/emailAddress/address"),
        (f"({NEW}) and (contains(subject,'a') or isRead)", "receivedDateTime,subject,isRead"),
    ],
)  # fmt: skip
def test_a_listing_is_filtered_and_sorted_by_the_same(call, mails, asked, order):
    query = {"$filter": asked, "$orderby": order}
    assert call("GET", "me/mailFolders/inbox/messages", params=query).status_code == 200


@pytest.mark.parametrize(
    ("asked", "order"),
    [
        ("importance eq 'normal'", "sentDateTime desc"),  # not in the filter
        (f"importance eq 'normal' and {NEW}", "receivedDateTime"),  # not first in it
        (f"{NEW} and importance eq 'normal'", "importance,receivedDateTime"),  # another order
        (NEW, "receivedDateTime,subject"),
        ("contains(subject,'a')", "receivedDateTime"),
        (ADA, "from/emailAddress/name"),
        ("singleValueExtendedProperties/any(subject:subject/id eq 'x')", "subject"),
        ("true", "subject"),
    ],
)
def test_a_filter_that_does_not_begin_with_the_order_is_too_complex(call, mails, asked, order):
    words = "The restriction or sort order is too complex for this operation."
    for path in ("me/messages", "me/mailFolders/inbox/messages"):
        answer = call("GET", path, params={"$filter": asked, "$orderby": order})
        assert exchange(answer) == (400, "InefficientFilter", words)


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("$filter", "subject eq"), ("$filter", "subject = 'x'"), ("$filter", "(subject eq 'x'"),
        ("$filter", "nothing eq 'x'"), ("$filter", "subject eq 'x"), ("$filter", ""),
        ("$filter", "not " * 1000 + "isRead"), ("$filter", "(" * 1000), ("$filter", "; drop"),
        ("$filter", "receivedDateTime gt 2020-99-99"),
        ("$filter", "receivedDateTime gt 0001-01-01T00:00:00+14:00"),
        ("$orderby", "nothing"), ("$orderby", "subject sideways"), ("$count", "perhaps"),
    ],
)  # fmt: skip
def test_a_query_that_makes_no_sense_is_refused(call, mails, option, text):
    answer = call("GET", "me/messages", params={option: text})
    assert refusal(answer) == (400, "BadRequest")


def test_who_may_not_see_bodies_cannot_ask_for_them_by_filter(sandbox, http, call, mails):
    basic = client.access_token(sandbox, http, scope="Mail.ReadBasic")
    query = {"$filter": "contains(body/content,'Good')"}
    answer = call("GET", "me/mailFolders/inbox/messages", token=basic, params=query)
    assert refusal(answer) == (400, "BadRequest")
    assert len(subjects(call("GET", "me/mailFolders/inbox/messages", params=query))) == 3


def test_folders_need_a_permission_to_read(sandbox, http, call):
    token = client.access_token(sandbox, http, scope="Mail.Send")
    for path in ("me/mailFolders", "me/mailFolders/inbox", "me/mailFolders/inbox/messages"):
        assert refusal(call("GET", path, token=token)) == (403, "ErrorAccessDenied")
