"""requests-oauthlib: OAuth for requests, which knows nothing of Microsoft.

It takes the addresses of the two endpoints. What else it needs, it needs at Microsoft too:
OAUTHLIB_RELAX_TOKEN_SCOPE, because `offline_access` never comes back among the scopes, and
OAUTHLIB_INSECURE_TRANSPORT, because an app on one's own computer listens at http://localhost.
"""

import pytest
import requests
from oauthlib import oauth2
from requests_oauthlib import OAuth2Session

from tests.kit import mails

SCOPES = ["openid", "offline_access", "User.Read", "Mail.Send"]


@pytest.fixture(autouse=True)
def relaxed(monkeypatch):
    monkeypatch.setenv("OAUTHLIB_RELAX_TOKEN_SCOPE", "1")
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


@pytest.fixture
def app(sandbox, person):
    """Make the app's client; the tests close each."""
    made = []

    def client(**changes) -> OAuth2Session:
        known = {"scope": SCOPES, "redirect_uri": person.redirect_uri, "pkce": "S256"}
        made.append(OAuth2Session(sandbox.client_id, **known | changes))
        return made[-1]

    yield client
    for one in made:
        one.close()


@pytest.fixture
def sign_in(sandbox, person):
    """Sign a person in; return the token."""

    def run(client, secret=None, ask=None, **wishes):
        base = f"{sandbox.authority}/common/oauth2/v2.0"
        link, _ = client.authorization_url(f"{base}/authorize", **ask or {})
        assert "code_challenge_method=S256" in link
        back = person.opens(link, **wishes)
        known = {"client_secret": secret or sandbox.client_secret, "include_client_id": True}
        return client.fetch_token(f"{base}/token", authorization_response=back, **known)

    return run


def mail_to(address):
    recipient = {"emailAddress": {"address": address}}
    body = {"contentType": "text", "content": "Sent by requests-oauthlib"}
    return {"message": {"subject": "Hello", "body": body, "toRecipients": [recipient]}}


def send(sandbox, client, address):
    return client.post(f"{sandbox.graph}/v1.0/me/sendMail", json=mail_to(address))


def test_it_signs_a_person_in_whose_mail_is_sent(sandbox, app, sign_in):
    client = app()
    token = sign_in(client)
    assert set(token["scope"]) == {"openid", "User.Read", "Mail.Send"}
    me = client.get(f"{sandbox.graph}/v1.0/me").json()
    assert me["userPrincipalName"] == sandbox.user
    assert send(sandbox, client, sandbox.user).status_code == 202
    assert [mail["recipients"] for mail in mails(sandbox)] == [[sandbox.user]]


def test_it_sends_the_secret_by_http_basic(sandbox, app, person):
    client = app()
    base = f"{sandbox.authority}/common/oauth2/v2.0"
    link, _ = client.authorization_url(f"{base}/authorize")
    basic = requests.auth.HTTPBasicAuth(sandbox.client_id, sandbox.client_secret)
    back = person.opens(link)
    token = client.fetch_token(f"{base}/token", authorization_response=back, auth=basic)
    assert token["token_type"] == "Bearer"


def test_it_refreshes_by_itself_before_a_call(sandbox, app, sign_in):
    token = sign_in(app())
    saved = []
    known = {"client_id": sandbox.client_id, "client_secret": sandbox.client_secret}
    client = app(
        token={**token, "expires_at": 1},
        auto_refresh_url=f"{sandbox.authority}/common/oauth2/v2.0/token",
        auto_refresh_kwargs=known,
        token_updater=saved.append,
    )
    assert client.get(f"{sandbox.graph}/v1.0/me").status_code == 200
    (fresh,) = saved
    assert fresh["access_token"] != token["access_token"]
    assert fresh["refresh_token"] != token["refresh_token"]


def test_it_reports_a_wrong_secret(app, sign_in):
    with pytest.raises(oauth2.InvalidClientError) as refused:
        sign_in(app(), secret="wrong~secret")
    assert refused.value.status_code == 401
    assert refused.value.description.startswith("AADSTS7000215: Invalid client secret provided.")


def test_it_reports_a_code_that_was_used(sandbox, app, person):
    client = app()
    base = f"{sandbox.authority}/common/oauth2/v2.0"
    back = person.opens(client.authorization_url(f"{base}/authorize")[0])
    known = {"client_secret": sandbox.client_secret, "authorization_response": back}
    client.fetch_token(f"{base}/token", include_client_id=True, **known)
    with pytest.raises(oauth2.InvalidGrantError, match="AADSTS54005: "):
        client.fetch_token(f"{base}/token", include_client_id=True, **known)


def test_it_reports_the_verifier_of_another_sign_in(sandbox, app, person):
    client = app()
    base = f"{sandbox.authority}/common/oauth2/v2.0"
    first, _ = client.authorization_url(f"{base}/authorize", state="s-1")
    client.authorization_url(f"{base}/authorize", state="s-1")  # as in a second tab
    known = {"client_secret": sandbox.client_secret, "include_client_id": True}
    with pytest.raises(oauth2.InvalidGrantError, match="AADSTS501481: "):
        client.fetch_token(f"{base}/token", authorization_response=person.opens(first), **known)


def test_it_reports_that_the_person_declined(app, sign_in):
    with pytest.raises(oauth2.AccessDeniedError) as refused:
        sign_in(app(), decline=True)
    assert refused.value.description.startswith("AADSTS65004: User declined to consent")


def test_it_reports_that_the_person_went_back(app, sign_in):
    with pytest.raises(oauth2.AccessDeniedError) as refused:
        sign_in(app(), cancel=True)
    assert not refused.value.description


def test_it_reports_that_nobody_is_signed_in_yet(app, sign_in):
    with pytest.raises(oauth2.OAuth2Error, match="AADSTS50058: ") as refused:
        sign_in(app(), ask={"prompt": "none"})
    assert refused.value.error == "login_required"


def test_it_hands_on_what_graph_refuses(sandbox, app, sign_in, later, throttled):
    client = app(scope=["openid", "User.Read"])
    sign_in(client)
    answer = send(sandbox, client, sandbox.user)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "ErrorAccessDenied")

    throttled("/v1.0/me")
    answer = client.get(f"{sandbox.graph}/v1.0/me")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")

    later(2 * 3600)
    answer = client.get(f"{sandbox.graph}/v1.0/me")
    assert (answer.status_code, answer.json()["error"]["code"]) == (
        401,
        "InvalidAuthenticationToken",
    )


def test_it_hands_on_that_a_recipient_is_no_address(sandbox, app, sign_in):
    client = app()
    sign_in(client)
    answer = send(sandbox, client, "not an address")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "ErrorInvalidRecipients")
    assert mails(sandbox) == []
