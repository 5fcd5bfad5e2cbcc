"""`/users/{id or name}` and `$select` (entra-and-graph.md 7.1, 8)."""

import pytest

from tests.sandbox import client
from tests.sandbox.client import bearer, mail_to

GRACE = "grace@contoso.example"


def refusal(answer):
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]


@pytest.fixture
def get(sandbox, http, token):
    """Get a Graph address with the tutorial's token, or with another."""
    return lambda path, given=token: http.get(f"{sandbox.graph}/v1.0/{path}", headers=bearer(given))


def test_one_is_found_under_id_and_name_and_me(get, sandbox):
    me = get("me").json()
    assert get(f"users/{me['id']}").json() == get(f"users/{sandbox.user.upper()}").json() == me


def test_others_need_a_permission_for_all_people(get, sandbox, http):
    assert refusal(get(f"users/{GRACE}"))[:2] == (403, "Authorization_RequestDenied")
    basic = client.access_token(sandbox, http, scope="User.Read User.ReadBasic.All")
    grace = get(f"users/{GRACE}", basic).json()
    assert (grace["displayName"], grace["jobTitle"]) == ("Grace Hopper", None)


def test_who_is_not_in_the_directory_is_not_found(get):
    words = (
        "Resource 'nobody@contoso.example' does not exist or one of its queried"
        " reference-property objects are not present."
    )
    found = refusal(get("users/nobody@contoso.example"))
    assert found == (404, "Request_ResourceNotFound", words)
    found = refusal(get("users/nobody@contoso.example/messages"))
    assert found == (404, "ResourceNotFound", "Resource could not be discovered.")


def test_select_shows_what_it_names_and_says_so(get, sandbox):
    me = get("me?$select=displayName,MAIL,department,userType").json()
    context = f"{sandbox.graph}/v1.0/$metadata#users(displayName,MAIL,department,userType)/$entity"
    assert me == {
        "@odata.context": context, "displayName": "Ada Lovelace", "mail": sandbox.user,
        "department": None, "userType": "Member",
    }  # fmt: skip


def test_select_of_something_unknown_is_refused(get):
    words = (
        "Parsing OData Select and Expand failed: Could not find a property named '{}' on type '{}'."
    )
    found = refusal(get("me?$select=nickname"))
    assert found == (400, "BadRequest", words.format("nickname", "microsoft.graph.user"))


def test_messages_keep_their_id_whatever_is_selected(get, sandbox, http, token):
    http.post(f"{sandbox.graph}/v1.0/me/sendMail", json=mail_to(GRACE), headers=bearer(token))
    [mail] = get("me/messages?$select=subject,internetMessageHeaders").json()["value"]
    assert set(mail) == {"@odata.etag", "id", "subject", "internetMessageHeaders"}
    assert set(get(f"me/messages/{mail['id']}?$select=isRead").json()) == {
        "@odata.context", "@odata.etag", "id", "isRead"
    }  # fmt: skip
    assert refusal(get("me/messages?$select=subjekt"))[:2] == (400, "BadRequest")


def test_the_own_mailbox_is_also_below_users(get, sandbox, http, token):
    url = f"{sandbox.graph}/v1.0/users/{sandbox.user}/sendMail"
    assert http.post(url, json=mail_to(GRACE), headers=bearer(token)).status_code == 202
    assert get(f"users/{sandbox.user}/messages").json() == get("me/messages").json()


def test_nobody_sends_from_or_reads_the_mailbox_of_another(get, sandbox, http, token):
    url = f"{sandbox.graph}/v1.0/users/{GRACE}/sendMail"
    answer = http.post(url, json=mail_to(GRACE), headers=bearer(token))
    denied = (403, "ErrorAccessDenied", "Access is denied. Check credentials and try again.")
    assert refusal(answer) == denied
    assert refusal(get(f"users/{GRACE}/messages")) == denied
    shared = client.access_token(sandbox, http, scope="Mail.Send Mail.Send.Shared")
    answer = http.post(url, json=mail_to(GRACE), headers=bearer(shared))
    assert refusal(answer)[:2] == (403, "ErrorSendAsDenied")
    assert http.get(f"{sandbox.authority}/_control/mailbox").json() == []
