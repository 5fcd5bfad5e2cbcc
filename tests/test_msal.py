"""Microsoft's own library as the judge of the sandbox: MSAL Python against it over TLS."""

from urllib.parse import parse_qs

import msal
import pytest
import requests

from .kit import browse, mails
from .trap import Trap, answer

SCOPES = ["User.Read", "Mail.Send"]
PAGE = answer(b"You can close this tab.", "200 OK", "Content-Type: text/plain")


@pytest.fixture
def http(graph_sandbox_tls):
    with requests.Session() as session:
        session.trust_env = False
        session.verify = graph_sandbox_tls.ca
        session.post(f"{graph_sandbox_tls.authority}/_control/reset", timeout=5)
        yield session


@pytest.fixture
def sandbox(graph_sandbox_tls, http):
    return graph_sandbox_tls


def client(sandbox, http, **changes) -> msal.ConfidentialClientApplication:
    known = {
        "client_credential": sandbox.client_secret,
        "authority": f"{sandbox.authority}/{sandbox.tenant}",
        "instance_discovery": False,
        "http_client": http,
    }
    return msal.ConfidentialClientApplication(sandbox.client_id, **known | changes)


def fields_at_the_app(listener: Trap) -> dict[str, str]:
    """Return what the browser brought: by query or by form."""
    head, _, body = listener.requests[-1].decode().partition("\r\n\r\n")
    method, address, _ = head.split(" ", 2)
    fields = body if method == "POST" else address.partition("?")[2]
    return {name: values[0] for name, values in parse_qs(fields).items()}


def signed_in(sandbox, app, mode: str = "form_post", decline: bool = False) -> dict:
    with Trap(PAGE) as listener:
        redirect_uri = f"{listener.url.replace('127.0.0.1', 'localhost')}/connect/get_token/"
        flow = app.initiate_auth_code_flow(SCOPES, redirect_uri, response_mode=mode)
        assert flow["code_verifier"] and flow["nonce"]
        browse(flow["auth_uri"], sandbox.ca, decline=decline)
        return app.acquire_token_by_auth_code_flow(flow, fields_at_the_app(listener))


@pytest.mark.filterwarnings("ignore:response_mode=:UserWarning")  # MSAL prefers form_post
@pytest.mark.parametrize("mode", ["query", "form_post"])
def test_msal_signs_in_and_sends_a_mail(sandbox, http, mode):
    app = client(sandbox, http)
    token = signed_in(sandbox, app, mode)
    assert token.get("error") is None, token.get("error_description")
    assert token["id_token_claims"]["preferred_username"] == sandbox.user
    assert {"User.Read", "Mail.Send"} <= set(token["scope"].split())

    recipient = {"emailAddress": {"address": sandbox.user}}
    body = {"contentType": "text", "content": "Sent with MSAL's token"}
    sent = http.post(
        f"{sandbox.graph}/v1.0/me/sendMail",
        headers={"Authorization": f"Bearer {token['access_token']}"},
        json={"message": {"subject": mode, "body": body, "toRecipients": [recipient]}},
        timeout=5,
    )
    assert sent.status_code == 202
    assert [mail["subject"] for mail in mails(sandbox)] == [mode]


def test_msal_refreshes_silently_from_its_cache(sandbox, http):
    app = client(sandbox, http)
    first = signed_in(sandbox, app)
    (account,) = app.get_accounts()
    assert account["username"] == sandbox.user

    cached = app.acquire_token_silent(SCOPES, account)
    assert (cached["token_source"], cached["access_token"]) == ("cache", first["access_token"])

    fresh = app.acquire_token_silent(SCOPES, account, force_refresh=True)
    assert fresh["token_source"] == "identity_provider"
    assert fresh["access_token"] != first["access_token"]
    me = http.get(
        f"{sandbox.graph}/v1.0/me",
        headers={"Authorization": f"Bearer {fresh['access_token']}"},
        timeout=5,
    )
    assert me.json()["userPrincipalName"] == sandbox.user


def test_msal_reports_a_wrong_secret_as_invalid_client(sandbox, http):
    refused = signed_in(sandbox, client(sandbox, http, client_credential="wrong~secret"))
    assert refused["error"] == "invalid_client" and refused["error_codes"] == [7000215]
    assert "client secret value" in refused["error_description"]


def test_msal_reports_that_the_person_declined(sandbox, http):
    refused = signed_in(sandbox, client(sandbox, http), decline=True)
    assert refused["error"] == "access_denied" and "65004" in refused["error_description"]
