"""MSAL Python, Microsoft's own client of Entra ID.

It takes the authority as it is, with a tenant's id or `common`. `instance_discovery=False` keeps
it from asking the real login.microsoftonline.com whether this host is a sign-in service.
"""

import msal
import pytest

from tests.kit import mails
from tests.sandbox.entra import Other, register

SCOPES = ["User.Read", "Mail.Send"]


@pytest.fixture
def web(sandbox, http):
    """Make the client of a web app."""

    def client(tenant=None, **changes) -> msal.ConfidentialClientApplication:
        known = {
            "client_credential": sandbox.client_secret,
            "authority": f"{sandbox.authority}/{tenant or sandbox.tenant}",
            "instance_discovery": False,
            "http_client": http,  # one that the tests close
        }
        return msal.ConfidentialClientApplication(sandbox.client_id, **known | changes)

    return client


def start(app, person, **ask) -> dict:
    return app.initiate_auth_code_flow(
        SCOPES, person.redirect_uri, **{"response_mode": "form_post", **ask}
    )


def sign_in(app, person, ask=None, **wishes) -> dict:
    flow = start(app, person, **ask or {})
    assert flow["code_verifier"] and flow["nonce"]
    return app.acquire_token_by_auth_code_flow(flow, person.brings(flow["auth_uri"], **wishes))


def call(sandbox, http, token, method, path, **options):
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    return http.request(method, f"{sandbox.graph}/v1.0/me{path}", headers=headers, **options)


@pytest.mark.filterwarnings("ignore:response_mode=:UserWarning")  # it prefers form_post
@pytest.mark.parametrize("tenant", ["common", "organizations", None])
@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_it_signs_a_person_in_whose_mail_is_sent(sandbox, http, web, person, mode, tenant):
    token = sign_in(web(tenant), person, {"response_mode": mode})
    assert token.get("error") is None, token.get("error_description")
    assert token["id_token_claims"]["preferred_username"] == sandbox.user
    assert {"User.Read", "Mail.Send"} <= set(token["scope"].split())

    recipient = {"emailAddress": {"address": sandbox.user}}
    body = {"contentType": "text", "content": "Sent with MSAL's token"}
    mail = {"message": {"subject": mode, "body": body, "toRecipients": [recipient]}}
    assert call(sandbox, http, token, "POST", "/sendMail", json=mail).status_code == 202
    assert [mail["subject"] for mail in mails(sandbox)] == [mode]


@pytest.mark.parametrize("tenant", ["common", None])
def test_it_refreshes_silently_from_its_cache(sandbox, http, web, person, tenant):
    app = web(tenant)
    first = sign_in(app, person)
    (account,) = app.get_accounts()
    assert account["username"] == sandbox.user

    cached = app.acquire_token_silent(SCOPES, account)
    assert (cached["token_source"], cached["access_token"]) == ("cache", first["access_token"])

    fresh = app.acquire_token_silent(SCOPES, account, force_refresh=True)
    assert fresh["token_source"] == "identity_provider"
    assert fresh["access_token"] != first["access_token"]
    me = call(sandbox, http, fresh, "GET", "").json()
    assert me["userPrincipalName"] == sandbox.user


def test_it_asks_for_an_account_and_for_consent_again(web, person):
    assert "error" not in sign_in(web(), person, {"login_hint": "grace@contoso.example"})
    app = web()
    token = sign_in(app, person, {"prompt": "consent", "login_hint": "grace@contoso.example"})
    assert token["id_token_claims"]["preferred_username"] == "grace@contoso.example"
    assert [one["username"] for one in app.get_accounts()] == ["grace@contoso.example"]


def test_an_app_signs_in_as_itself(web):
    scopes = ["https://graph.microsoft.com/.default"]
    app = web()
    assert app.acquire_token_for_client(scopes)["token_source"] == "identity_provider"
    assert app.acquire_token_for_client(scopes)["token_source"] == "cache"


def refused(answer) -> tuple[str, int]:
    """Return what MSAL hands on: the error, and the number of the AADSTS text."""
    (number,) = answer["error_codes"]
    assert answer["error_description"].startswith(f"AADSTS{number}: ")
    return answer["error"], number


def test_it_reports_a_wrong_secret(web, person):
    app = web(client_credential="wrong~secret")
    answer = sign_in(app, person)
    assert refused(answer) == ("invalid_client", 7000215)
    assert "client secret value, not the client secret ID" in answer["error_description"]
    scopes = ["https://graph.microsoft.com/.default"]
    assert refused(app.acquire_token_for_client(scopes)) == ("invalid_client", 7000215)


def test_it_reports_a_code_that_was_used(web, person):
    app = web()
    flow = start(app, person)
    brought = person.brings(flow["auth_uri"])
    assert "error" not in app.acquire_token_by_auth_code_flow(flow, brought)
    again = app.acquire_token_by_auth_code_flow(flow, brought)
    assert refused(again) == ("invalid_grant", 54005)


def test_it_reports_that_the_person_declined(web, person):
    answer = sign_in(web(), person, decline=True)
    assert answer["error"] == "access_denied"
    assert answer["error_description"].startswith("AADSTS65004: User declined to consent")


def test_it_reports_that_the_person_went_back(web, person):
    answer = sign_in(web(), person, cancel=True)
    assert answer == {"error": "access_denied"}


def test_it_reports_that_nobody_is_signed_in_yet(web, person):
    answer = sign_in(web(), person, {"prompt": "none"})
    assert answer["error"] == "login_required"
    assert answer["error_description"].startswith("AADSTS50058: ")


def test_it_reports_that_an_app_by_itself_can_ask_for_all_only(web):
    answer = web().acquire_token_for_client(["User.Read"])
    assert refused(answer)[1] == 1002012


def test_it_refuses_a_tenant_that_is_nowhere(web):
    with pytest.raises(ValueError, match="Unable to get authority configuration"):
        web("fabrikam.example")


@pytest.fixture
def device(sandbox, http):
    """Make the client of a device, and the flow it waits with."""
    uris = ["http://localhost"]
    app: Other = register(sandbox, http, platform="publicClient", redirect_uris=uris)

    def client(tenant=None):
        return msal.PublicClientApplication(
            app.client_id,
            authority=f"{sandbox.authority}/{tenant or sandbox.tenant}",
            instance_discovery=False,
            http_client=http,
        )

    return client


def poll(client, flow):
    """Ask once, as if the interval had passed."""
    flow["latest_attempt_at"] = 0
    return client.acquire_token_by_device_flow(flow, exit_condition=lambda flow: True)


@pytest.mark.parametrize("tenant", ["common", None])
def test_it_signs_a_device_in(sandbox, http, device, person, tenant):
    client = device(tenant)
    flow = client.initiate_device_flow(["User.Read"])
    assert flow["user_code"] in flow["message"]
    assert poll(client, flow)["error"] == "authorization_pending"

    person.types(flow)
    assert poll(client, flow)["id_token_claims"]["preferred_username"] == sandbox.user
    (account,) = client.get_accounts()
    fresh = client.acquire_token_silent(["User.Read"], account, force_refresh=True)
    assert call(sandbox, http, fresh, "GET", "").status_code == 200


def test_it_reports_that_a_device_was_declined_or_too_late(device, person, later):
    client = device()
    flow = client.initiate_device_flow(["User.Read"])
    person.types(flow, decline=True)
    assert refused(poll(client, flow)) == ("authorization_declined", 65004)
    flow = client.initiate_device_flow(["User.Read"])
    later(901)
    assert refused(poll(client, flow)) == ("expired_token", 70020)
