"""O365 (python-o365), a client of Graph that signs in with MSAL inside.

Its addresses are constants: a protocol and a connection of one's own, five lines each, say
others. What it offers for tests elsewhere holds here too (a token in memory, no retries).
"""

import msal
import O365
import pytest
import requests
from O365.utils.token import MemoryTokenBackend

from tests.kit import asked, mails

SCOPES = ["User.Read", "Mail.Send", "Mail.ReadWrite"]
GRACE = "grace@contoso.example"
SIZES = {"small.bin": 1000, "large.bin": 5 * 1024 * 1024}

# O365 asks for the answer by query, and MSAL says that it would rather have a form.
pytestmark = pytest.mark.filterwarnings("ignore:response_mode=:UserWarning")


@pytest.fixture
def account(sandbox, http):
    """Make the app's client of O365; the tests close what it opened."""

    class Graph(O365.MSGraphProtocol):
        _protocol_url = f"{sandbox.graph}/"

    class Connection(O365.Connection):
        @property
        def msal_client(self):
            if self._msal_client is None:
                self._msal_client = msal.ConfidentialClientApplication(
                    self.auth[0],
                    client_credential=self.auth[1],
                    authority=f"{sandbox.authority}/{self.tenant_id}",
                    instance_discovery=False,  # as for MSAL by itself
                    token_cache=self.token_backend,
                    http_client=http,
                )
            return self._msal_client

    class Account(O365.Account):
        connection_constructor = Connection

    made = []

    def client(secret=None, **changes) -> O365.Account:
        known = {"tenant_id": "common", "request_retries": 0, "requests_delay": 0}
        known |= {"token_backend": MemoryTokenBackend(), "timezone": "UTC", **changes}
        credentials = (sandbox.client_id, secret or sandbox.client_secret)
        made.append(Account(credentials, protocol=Graph, **known))
        return made[-1]

    yield client
    for one in made:
        one.con.__del__()  # closes its sessions
        one.con.session = one.con.naive_session = None


@pytest.fixture
def sign_in(person):
    """Sign a person in as O365's own console flow does; return whether that went well."""

    def run(account, scopes=SCOPES, **wishes):
        return account.authenticate(
            requested_scopes=scopes,
            redirect_uri=person.redirect_uri,
            handle_consent=lambda link: person.opens(link, **wishes),
        )

    return run


def message_to(account, address, subject="Hello"):
    message = account.mailbox().new_message()
    message.to.add(address)
    message.subject, message.body = subject, "<p>Sent by O365</p>"
    return message


@pytest.mark.parametrize("tenant", ["common", "contoso.example"])
def test_it_signs_a_person_in_whose_mail_is_sent(sandbox, account, sign_in, tenant):
    signed_in = account(tenant_id=tenant)
    assert sign_in(signed_in) and signed_in.is_authenticated
    assert signed_in.con.username == sandbox.user
    assert signed_in.get_current_user_data().mail == sandbox.user
    assert message_to(signed_in, GRACE).send()
    (mail,) = mails(sandbox)
    assert (mail["subject"], mail["recipients"]) == ("Hello", [GRACE])


def test_it_attaches_a_small_and_a_large_file(sandbox, account, sign_in, tmp_path):
    client = account()
    sign_in(client)
    message = message_to(client, GRACE)
    for name, size in SIZES.items():
        (tmp_path / name).write_bytes(b"x" * size)
        message.save_draft()  # what comes to a draft is uploaded, in ranges if it is large
        message.attachments.add(str(tmp_path / name))
    assert message.save_draft() and message.send()
    (mail,) = mails(sandbox)
    sizes = {one["name"]: one["size"] for one in mail["attachments"]}
    assert sizes == SIZES


def test_it_lists_an_inbox_page_by_page(sandbox, account, sign_in):
    client = account()
    sign_in(client)
    for number in range(5):
        message_to(client, sandbox.user, f"Mail {number}").send()
    inbox = client.mailbox().inbox_folder()
    assert client.mailbox().get_folder(folder_name="Inbox").total_items_count == 5
    found = [one.subject for one in inbox.get_messages(limit=5, batch=2)]
    assert found == ["Mail 4", "Mail 3", "Mail 2", "Mail 1", "Mail 0"]
    query = client.mailbox().new_query().equals("subject", "Mail 3")
    (found,) = inbox.get_messages(query=query)
    assert (found.get_body_text(), found.sender.address) == ("Sent by O365", sandbox.user)
    assert found.mark_as_read() and found.delete()
    assert inbox.get_message(query=query) is None


def test_it_refreshes_when_graph_refuses_an_old_token(sandbox, account, sign_in, later):
    client = account()
    sign_in(client)
    later(2 * 3600)
    for token in client.con.token_backend._cache["AccessToken"].values():
        token["expires_on"] = "1"
    assert client.get_current_user_data().mail == sandbox.user
    assert asked(sandbox, "/v1.0/me") == 2


def test_it_reports_a_sign_in_that_did_not_work(account, sign_in, caplog):
    assert sign_in(account(), cancel=True) is False
    assert "Error: access_denied | Description: None" in caplog.text
    assert sign_in(account(), decline=True) is False
    assert "Error: access_denied | Description: AADSTS65004: " in caplog.text
    assert sign_in(account(secret="wrong~secret")) is False
    assert "Error: invalid_client | Description: AADSTS7000215: " in caplog.text


def refused(call) -> tuple[int, str]:
    """Return the status and the message that O365 raises."""
    with pytest.raises(requests.HTTPError) as refusal:
        call()
    _, _, message = str(refusal.value).partition(" | Error Message: ")
    return refusal.value.response.status_code, message


def test_it_reports_what_graph_refuses(sandbox, account, sign_in, throttled, later):
    client = account()
    sign_in(client, ["User.Read", "Mail.Send"])
    denied = "Access is denied. Check credentials and try again."
    assert refused(client.mailbox().get_folders) == (403, denied)

    status, message = refused(message_to(client, "not an address").send)
    assert status == 400 and message.startswith("At least one recipient is not valid.")
    throttled("/v1.0/me")
    assert refused(client.get_current_user_data)[0] == 429
    later(2 * 3600)
    status, message = refused(client.get_current_user_data)
    assert status == 401 and "Lifetime validation failed, the token is expired." in message
    assert mails(sandbox) == []
