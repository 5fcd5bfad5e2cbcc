"""The token endpoint: what a code and a refresh token buy."""

import base64
import json

import jwt
import pytest

import graphsandbox
from tests.sandbox.entra import (
    CHALLENGE,
    GRAPH,
    REDIRECT_URI,
    VERIFIER,
    advance,
    authorize,
    me,
    press,
    redeem,
    refresh,
    register,
    sign_in,
    token_request,
)


def scp(token):
    return jwt.decode(token, options={"verify_signature": False})["scp"]


def test_the_articles_own_flow_in_bare_requests(sandbox, http):
    """Three parameters to sign in; the resource goes with the code; eight fields come back."""
    code = sign_in(sandbox, http, "v1")["code"]
    answer = http.post(
        f"{sandbox.authority}/common/oauth2/token",
        data={
            "client_id": sandbox.client_id,
            "client_secret": sandbox.client_secret,
            "code": code,
            "grant_type": "authorization_code",
            "redirect_uri": REDIRECT_URI,
            "resource": "https://graph.microsoft.com",
        },
    )
    fields = answer.json()
    assert list(fields) == [
        "token_type",
        "scope",
        "expires_in",
        "ext_expires_in",
        "expires_on",
        "not_before",
        "resource",
        "access_token",
        "refresh_token",
        "id_token",
    ]
    assert all(isinstance(value, str) for value in fields.values())
    assert fields["token_type"] == "Bearer"
    assert fields["scope"] == "Mail.Read Mail.Send User.Read"
    assert fields["expires_in"] == "3599"
    assert int(fields["expires_on"]) - int(fields["not_before"]) == 3900
    assert fields["resource"] == "https://graph.microsoft.com"
    assert me(sandbox, http, fields["access_token"]).json()["userPrincipalName"] == sandbox.user
    message = {
        "Message": {
            "Subject": "Welcome",
            "Body": {"ContentType": "HTML", "Content": "<p>Hello</p>"},
            "ToRecipients": [{"EmailAddress": {"Address": sandbox.user}}],
        },
        "SaveToSentItems": "true",
    }
    headers = {
        "User-Agent": "python_tutorial/1.0",
        "Authorization": f"Bearer {fields['access_token']}",
        "Accept": "application/json",
        "Content-Type": "application/json",
    }
    address = f"{sandbox.graph}/beta/me/sendMail"
    assert http.post(address, headers=headers, data=json.dumps(message)).status_code == 202


def test_v2_answers_with_numbers_and_the_tokens_asked_for(sandbox, http):
    answer = redeem(sandbox, http, sign_in(sandbox, http)["code"])
    fields = answer.json()
    assert list(fields) == [
        "token_type",
        "scope",
        "expires_in",
        "ext_expires_in",
        "access_token",
        "refresh_token",
        "id_token",
    ]
    assert (fields["expires_in"], fields["ext_expires_in"]) == (3599, 3599)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"].startswith("application/json")
    assert me(sandbox, http, fields["access_token"]).status_code == 200


def test_without_offline_access_there_is_no_refresh_token(sandbox, http):
    code = sign_in(sandbox, http, scope="openid User.Read")["code"]
    assert "refresh_token" not in redeem(sandbox, http, code).json()


def test_without_openid_there_is_no_id_token(sandbox, http):
    code = sign_in(sandbox, http, scope="offline_access User.Read")["code"]
    assert "id_token" not in redeem(sandbox, http, code).json()


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("openid profile offline_access User.Read", "openid profile User.Read"),
        ("Mail.Send openid", "openid Mail.Send"),
        ("mail.send USER.READ", "Mail.Send User.Read"),
        ("Mail.Send Mail.Send", "Mail.Send"),
        (f"{GRAPH}/Mail.Send openid", f"openid {GRAPH}/Mail.Send"),
        (f"{GRAPH}/mail.send", f"{GRAPH}/Mail.Send"),
        (
            f"{GRAPH}/.default",
            f"openid profile {GRAPH}/User.Read {GRAPH}/Mail.Send {GRAPH}/Mail.Read",
        ),
    ],
)
def test_scopes_come_back_in_the_form_they_were_asked_in(sandbox, http, asked, answered):
    code = sign_in(sandbox, http, scope=asked)["code"]
    assert redeem(sandbox, http, code).json()["scope"] == answered


def test_the_sandboxes_own_graph_address_works_as_a_resource(sandbox, http):
    code = sign_in(sandbox, http, scope=f"{sandbox.graph}/User.Read")["code"]
    fields = redeem(sandbox, http, code).json()
    assert fields["scope"] == f"{sandbox.graph}/User.Read"
    assert me(sandbox, http, fields["access_token"]).status_code == 200


def test_the_token_request_may_ask_for_less(sandbox, http):
    code = sign_in(sandbox, http)["code"]
    fields = redeem(sandbox, http, code, scope="User.Read").json()
    assert fields["scope"] == scp(fields["access_token"]) == "User.Read"


@pytest.mark.parametrize("resource", [GRAPH, GRAPH + "/", "00000003-0000-0000-c000-000000000000"])
def test_v1_takes_graph_by_each_of_its_names(sandbox, http, resource):
    code = sign_in(sandbox, http, "v1")["code"]
    fields = redeem(sandbox, http, code, "v1", resource=resource).json()
    claims = jwt.decode(fields["access_token"], options={"verify_signature": False})
    assert fields["resource"] == claims["aud"] == resource


def test_v1s_resource_may_go_with_the_first_leg_only(sandbox, http):
    code = sign_in(sandbox, http, "v1", resource=GRAPH)["code"]
    assert redeem(sandbox, http, code, "v1", resource=None).json()["resource"] == GRAPH


@pytest.mark.parametrize(
    "sent",
    [
        {"code_challenge": CHALLENGE, "code_challenge_method": "S256"},
        {"code_challenge": VERIFIER, "code_challenge_method": "plain"},
        {"code_challenge": VERIFIER},  # plain is what RFC 7636 falls back on
    ],
)
@pytest.mark.parametrize("version", ["v1", "v2.0"])
def test_the_right_verifier_is_accepted(sandbox, http, sent, version):
    code = sign_in(sandbox, http, version, **sent)["code"]
    assert redeem(sandbox, http, code, version, code_verifier=VERIFIER).status_code == 200


@pytest.mark.parametrize("version", ["v1", "v2.0"])
def test_a_refresh_brings_a_new_refresh_token_and_leaves_the_old_one_good(sandbox, http, version):
    first = redeem(sandbox, http, sign_in(sandbox, http, version)["code"], version).json()
    second = refresh(sandbox, http, first["refresh_token"], version).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert second["scope"] == first["scope"]
    assert me(sandbox, http, second["access_token"]).status_code == 200
    assert refresh(sandbox, http, first["refresh_token"], version).status_code == 200
    assert refresh(sandbox, http, second["refresh_token"], version).status_code == 200


def test_a_refresh_may_ask_for_less_and_later_for_all_again(sandbox, http):
    token = redeem(sandbox, http, sign_in(sandbox, http)["code"]).json()["refresh_token"]
    less = refresh(sandbox, http, token, scope="User.Read").json()
    assert less["scope"] == "User.Read"
    assert "id_token" not in less
    again = refresh(sandbox, http, less["refresh_token"]).json()
    assert again["scope"] == "openid profile User.Read Mail.Send"


def test_a_refresh_may_ask_for_what_was_granted_on_another_day(sandbox, http):
    code = sign_in(sandbox, http, scope="offline_access User.Read")["code"]
    token = redeem(sandbox, http, code).json()["refresh_token"]
    sign_in(sandbox, http, scope="Mail.Read")
    assert refresh(sandbox, http, token, scope="Mail.Read").json()["scope"] == "Mail.Read"


def test_a_refresh_works_at_any_door_of_the_tenant(sandbox, http):
    token = redeem(sandbox, http, sign_in(sandbox, http)["code"]).json()["refresh_token"]
    given = {"grant_type": "refresh_token", "refresh_token": token}
    answer = token_request(sandbox, http, tenant=sandbox.tenant, **given)
    assert answer.status_code == 200


def test_the_nonce_is_in_the_first_id_token_only(sandbox, http):
    def nonce(fields):
        return jwt.decode(fields["id_token"], options={"verify_signature": False}).get("nonce")

    first = redeem(sandbox, http, sign_in(sandbox, http, nonce="n-1")["code"]).json()
    assert nonce(first) == "n-1"
    assert nonce(refresh(sandbox, http, first["refresh_token"]).json()) is None


def test_client_info_comes_when_msal_asks(sandbox, http):
    fields = redeem(sandbox, http, sign_in(sandbox, http)["code"], client_info="1").json()
    account = json.loads(base64.urlsafe_b64decode(fields["client_info"] + "=="))
    assert account["utid"] == sandbox.tenant
    assert account["uid"] == me(sandbox, http, fields["access_token"]).json()["id"]


def test_a_code_used_twice_takes_its_tokens_with_it(sandbox, http):
    code = sign_in(sandbox, http)["code"]
    bystander = redeem(sandbox, http, sign_in(sandbox, http)["code"]).json()
    first = redeem(sandbox, http, code).json()
    later = refresh(sandbox, http, first["refresh_token"]).json()
    redeem(sandbox, http, code)
    for fields in (first, later):
        assert me(sandbox, http, fields["access_token"]).status_code == 401
        body = refresh(sandbox, http, fields["refresh_token"]).json()
        assert body["error"] == "invalid_grant"
        assert body["error_description"].startswith(
            "AADSTS50173: The provided grant has expired due to it being revoked. The user might"
            " have changed or reset their password. The grant was issued on '"
        )
    assert me(sandbox, http, bystander["access_token"]).status_code == 200


def test_a_refused_exchange_does_not_use_the_code_up(sandbox, http):
    code = sign_in(sandbox, http)["code"]
    assert redeem(sandbox, http, code, client_secret="wrong").status_code == 401
    assert redeem(sandbox, http, code, redirect_uri="http://localhost/").status_code == 400
    assert redeem(sandbox, http, code, scope="mailsend").status_code == 400
    assert redeem(sandbox, http, code).status_code == 200


def test_the_refresh_token_of_a_withdrawn_consent_is_refused(sandbox, http):
    token = redeem(sandbox, http, sign_in(sandbox, http)["code"]).json()["refresh_token"]
    http.post(f"{sandbox.authority}/_control/reset")
    body = refresh(sandbox, http, token).json()
    assert (body["error"], body["suberror"]) == ("invalid_grant", "consent_required")


def test_a_public_client_needs_no_secret(sandbox, http):
    app = register(sandbox, http, platform="publicClient", redirect_uris=["http://localhost"])
    uri = "http://localhost:51234"
    page = press(http, authorize(app, http, redirect_uri=uri), user=app.user)
    location = press(http, page, consent="accept").headers["location"]
    assert location.startswith("http://localhost:51234/?code=")
    code = location.partition("code=")[2].partition("&")[0]
    fields = redeem(app, http, code, redirect_uri=uri, client_secret=None).json()
    claims = jwt.decode(fields["access_token"], options={"verify_signature": False})
    assert claims["appidacr"] == "0"
    answer = refresh(app, http, fields["refresh_token"], client_secret=None)
    assert answer.status_code == 200


def test_codes_and_tokens_survive_a_restart(http, tmp_path):
    with graphsandbox.running(tmp_path) as before:
        spent, kept = sign_in(before, http)["code"], sign_in(before, http)["code"]
        fields = redeem(before, http, spent).json()
    with graphsandbox.running(tmp_path) as after:
        assert after.authority == before.authority
        assert after.client_id == before.client_id
        assert after.client_secret == before.client_secret
        assert me(after, http, fields["access_token"]).status_code == 200
        assert refresh(after, http, fields["refresh_token"]).status_code == 200
        assert redeem(after, http, kept).status_code == 200
        assert redeem(after, http, spent).json()["error_codes"] == [54005]


def test_the_clock_ages_access_tokens(sandbox, http):
    token = redeem(sandbox, http, sign_in(sandbox, http)["code"]).json()["access_token"]
    advance(sandbox, http, 3500)
    assert me(sandbox, http, token).status_code == 200
    advance(sandbox, http, 200)
    assert me(sandbox, http, token).status_code == 401
