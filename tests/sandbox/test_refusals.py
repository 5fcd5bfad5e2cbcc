"""Refusals that take two legs to provoke, word for word at the token endpoint.

The words stand here once more on purpose: these tests import nothing of the sandbox's table.
"""

import re

import pytest

import graphsandbox
from graphsandbox.store import RedirectUri, Store
from tests.sandbox.entra import (
    CHALLENGE,
    REDIRECT_URI,
    VERIFIER,
    Other,
    advance,
    arrived,
    authorize,
    redeem,
    register,
    sign_in,
    token_request,
)
from tests.sandbox.refusal import GUID, TIME, missing


def refused(answer, error, words, status=400):
    """Assert the whole form of a refusal, and return its body."""
    body = answer.json()
    number = int(re.match(r"AADSTS(\d+): ", words)[1])
    trailer = rf" Trace ID: {body['trace_id']} Correlation ID: {body['correlation_id']}"
    assert (answer.status_code, body["error"]) == (status, error), body
    assert body["error_description"].startswith(words), body["error_description"]
    assert body["error_description"].endswith(f"{trailer} Timestamp: {body['timestamp']}")
    assert re.fullmatch(TIME, body["timestamp"])
    assert body["error_codes"] == [number]
    assert body["error_uri"].endswith(f"/error?code={number}")
    assert answer.headers["cache-control"] == "no-store"
    return body


def test_an_expired_secret_is_refused(sandbox, http):
    app = register(sandbox, http)
    advance(sandbox, http, 3 * 365 * 86400)
    code = sign_in(app, http)["code"]
    words = (
        f"AADSTS7000222: The provided client secret keys for app '{app.client_id}' are expired."
        " Visit the Azure portal to create new keys for your app:"
        " https://aka.ms/NewClientSecret, or consider using certificate credentials for added"
        " security: https://aka.ms/certCreds."
    )
    refused(redeem(app, http, code), "invalid_client", words, status=401)


def test_only_a_browser_may_redeem_for_a_single_page_app(sandbox, http):
    app = register(sandbox, http, platform="spa")
    code = sign_in(app, http, code_challenge=CHALLENGE, code_challenge_method="S256")["code"]
    given = {"client_secret": None, "code_verifier": VERIFIER}
    words = (
        "AADSTS9002327: Tokens issued for the 'Single-Page Application' client-type may only be"
        " redeemed via cross-origin requests."
    )
    refused(redeem(app, http, code, **given), "invalid_request", words)
    answer = redeem(app, http, code, headers={"Origin": "http://localhost:8000"}, **given)
    assert answer.status_code == 200


def test_a_code_older_than_ten_minutes_is_refused(sandbox, http):
    fresh, old = sign_in(sandbox, http)["code"], sign_in(sandbox, http)["code"]
    advance(sandbox, http, 590)
    assert redeem(sandbox, http, fresh).status_code == 200
    advance(sandbox, http, 20)
    words = (
        "AADSTS70008: The provided authorization code or refresh token has expired due to"
        " inactivity. Send a new interactive authorization request for this user and resource."
    )
    refused(redeem(sandbox, http, old), "invalid_grant", words)


def test_a_code_belongs_to_the_tenant_path_it_was_asked_for_at(sandbox, http):
    code = sign_in(sandbox, http)["code"]
    words = (
        "AADSTS700005: Provided Authorization Code is intended to use against other tenant, thus"
        " rejected."
    )
    refused(redeem(sandbox, http, code, tenant=sandbox.tenant), "invalid_grant", words)
    assert redeem(sandbox, http, code).status_code == 200


def test_a_code_belongs_to_its_client(sandbox, http):
    code = sign_in(sandbox, http)["code"]
    words = "AADSTS9002313: Invalid request. Request is malformed or invalid."
    refused(redeem(register(sandbox, http), http, code), "invalid_grant", words)
    assert redeem(sandbox, http, code).status_code == 200


NO_MATCH = (
    "AADSTS501481: The Code_Verifier does not match the code_challenge supplied in the"
    " authorization request."
)


@pytest.mark.parametrize(
    ("verifier", "words"),
    [
        (
            None,
            "AADSTS50148: The code_verifier does not match the code_challenge supplied in the"
            " authorization request for PKCE.",
        ),
        ("x" * 43, NO_MATCH),
        (CHALLENGE, NO_MATCH),
        ("short", NO_MATCH),
        ("ü" * 50, NO_MATCH),
        (VERIFIER + "x" * 100, NO_MATCH),
    ],
)
def test_a_code_with_a_challenge_needs_its_verifier(sandbox, http, verifier, words):
    code = sign_in(sandbox, http, code_challenge=CHALLENGE, code_challenge_method="S256")["code"]
    refused(redeem(sandbox, http, code, code_verifier=verifier), "invalid_grant", words)


def test_v1_must_name_the_resource_on_one_of_the_legs(sandbox, http):
    code = sign_in(sandbox, http, "v1")["code"]
    answer = redeem(sandbox, http, code, "v1", resource=None)
    refused(answer, "invalid_request", missing("resource"))


@pytest.mark.parametrize(
    ("scope", "error", "words"),
    [
        ("mailsend", "invalid_client", "AADSTS650053: The application 'Graph tutorial app' asked"),
        ("a,b", "invalid_scope", "AADSTS70011: The provided request must include a 'scope'"),
        ("https://x.example/y", "invalid_resource", "AADSTS500011: The resource principal named"),
    ],
)
def test_scopes_are_judged_at_the_token_endpoint_too(sandbox, http, scope, error, words):
    code = sign_in(sandbox, http)["code"]
    refused(redeem(sandbox, http, code, scope=scope), error, words)
    assert redeem(sandbox, http, code).status_code == 200


def test_a_request_id_that_is_no_guid_does_not_come_back(sandbox, http):
    answer = token_request(sandbox, http, code="x", headers={"client-request-id": "<script>"})
    assert re.fullmatch(GUID, answer.json()["correlation_id"])


def test_v1_needs_a_graph_permission_in_the_registration(tmp_path, http):
    store = Store(tmp_path)
    app = store.register("No Graph", [RedirectUri(REDIRECT_URI)], permissions=["openid"])
    secret, _ = store.add_secret(app, "", days=1)
    store.close()
    with graphsandbox.running(tmp_path) as sandbox:
        other = Other(sandbox, app.client_id, secret, "")
        code = sign_in(other, http, "v1")["code"]
        words = (
            "AADSTS650057: Invalid resource. The client has requested access to a resource which"
            " is not listed in the requested permissions in the client's application"
            f" registration. Client app ID: {app.client_id}(No Graph). Resource value from"
            " request: https://graph.microsoft.com. Resource app ID:"
            " 00000003-0000-0000-c000-000000000000. List of valid resources from app"
            " registration: ."
        )
        refused(redeem(other, http, code, "v1"), "invalid_resource", words)
        answer = authorize(other, http, "v1", resource="https://graph.microsoft.com")
        assert arrived(answer)["error_description"].startswith(words)
