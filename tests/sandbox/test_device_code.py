"""Signing in on a device without a browser: the device code flow, in both versions."""

import json

import pytest

import graphsandbox
from tests.sandbox.entra import (
    PATHS,
    Other,
    advance,
    me,
    press,
    refresh,
    register,
    sign_in,
    token_request,
    visible_text,
)

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
GRAPH = "https://graph.microsoft.com"
SCOPE = "openid profile offline_access User.Read"


@pytest.fixture
def app(sandbox, http):
    """An app of the mobile and desktop platform."""
    uris = ["http://localhost"]
    return register(sandbox, http, platform="publicClient", redirect_uris=uris)


def start(app, http, version="v2.0", tenant="common", **changes):
    """Ask for a device code; a change to None leaves the field out."""
    fields = {"client_id": app.client_id, "scope": SCOPE, **changes}
    present = {name: value for name, value in fields.items() if value is not None}
    return http.post(f"{app.authority}/{tenant}/{PATHS[version]}/devicecode", present)


def poll(app, http, device_code, version="v2.0", **changes):
    fields = {"grant_type": GRANT, "client_secret": None, "device_code": device_code}
    return token_request(app, http, version, **{**fields, **changes})


def enter(app, http, user_code):
    """Type the code into the page."""
    return press(http, http.get(f"{app.authority}/devicelogin"), code=user_code)


def approve(app, http, user_code, answer="accept"):
    """Type the code, pick the account, and accept or decline."""
    page = enter(app, http, user_code)
    if 'name="user"' in page.text:
        page = press(http, page, user=app.user)
    return press(http, page, consent=answer)


def refusal(answer):
    body = answer.json()
    return answer.status_code, body["error"], body["error_description"].split(" Trace ID")[0]


PENDING = (
    400,
    "authorization_pending",
    "AADSTS70016: OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
)


def test_the_answer_has_microsofts_fields(app, http):
    fields = start(app, http).json()
    page, code = f"{app.authority}/devicelogin", fields["user_code"]
    assert len(code) == 9 and code.isalnum() and code.upper() == code
    assert fields == {
        "user_code": code,
        "device_code": fields["device_code"],
        "verification_uri": page,
        "expires_in": 900,
        "interval": 5,
        "message": f"To sign in, use a web browser to open the page {page} and enter the code"
        f" {code} to authenticate.",
    }


def test_v1_has_texts_for_numbers_and_another_name_for_the_page(app, http):
    fields = start(app, http, "v1", scope=None, resource=GRAPH).json()
    assert (fields["expires_in"], fields["interval"]) == ("900", "5")
    assert fields["verification_url"] == f"{app.authority}/devicelogin"
    assert "verification_uri" not in fields


def test_a_device_signs_in(app, http):
    started = start(app, http).json()
    assert refusal(poll(app, http, started["device_code"])) == PENDING
    end = visible_text(approve(app, http, started["user_code"]))
    assert "You have signed in Test app is signed in on your device. You may close this" in end
    tokens = poll(app, http, started["device_code"]).json()
    assert set(tokens) >= {"access_token", "refresh_token", "id_token"}
    assert tokens["scope"] == "openid profile User.Read"
    assert me(app, http, tokens["access_token"]).json()["userPrincipalName"] == app.user
    again = refresh(app, http, tokens["refresh_token"], client_secret=None)
    assert again.status_code == 200


@pytest.mark.parametrize(
    "grant", [(GRANT, "device_code"), ("device_code", "code"), ("device_code", "device_code")]
)
def test_a_device_signs_in_by_v1(app, http, grant):
    name, parameter = grant
    started = start(app, http, "v1", scope=None, resource=GRAPH).json()
    approve(app, http, started["user_code"])
    held = {"grant_type": name, "client_secret": None, parameter: started["device_code"]}
    tokens = token_request(app, http, "v1", **held).json()
    assert (tokens["resource"], tokens["expires_in"]) == (GRAPH, "3599")
    assert me(app, http, tokens["access_token"]).json()["userPrincipalName"] == app.user


def test_a_device_may_name_the_grant_as_msal_for_node_does(app, http):
    started = start(app, http).json()
    approve(app, http, started["user_code"])
    answer = poll(app, http, started["device_code"], grant_type="device_code")
    assert answer.status_code == 200, answer.text


def test_a_person_may_type_the_code_as_they_like(app, http):
    code = start(app, http).json()["user_code"].lower()
    page = enter(app, http, f" {code[:4]}-{code[4:]} ")
    assert "Pick an account" in visible_text(page)


@pytest.mark.parametrize("button", [{"consent": "cancel"}, {"cancel": "1"}])
def test_a_device_learns_that_the_person_declined(app, http, button):
    started = start(app, http).json()
    page = enter(app, http, started["user_code"])
    if "consent" in button:
        page = press(http, page, user=app.user)
    assert "You declined" in visible_text(press(http, page, **button))
    assert refusal(poll(app, http, started["device_code"])) == (
        400,
        "authorization_declined",
        "AADSTS65004: User declined to consent to access the app.",
    )
    assert "That code didn't work." in visible_text(enter(app, http, started["user_code"]))


def test_a_device_code_lasts_fifteen_minutes(app, http):
    started = start(app, http).json()
    advance(app, http, 890)
    assert refusal(poll(app, http, started["device_code"])) == PENDING
    advance(app, http, 10)
    assert refusal(poll(app, http, started["device_code"])) == (
        400,
        "expired_token",
        "AADSTS70020: The provided value for the input parameter 'device_code' is not valid."
        " This device code has expired.",
    )
    assert "That code didn't work." in visible_text(enter(app, http, started["user_code"]))


@pytest.mark.parametrize("code", ["nothing", "\u00e9\u0000"])
def test_a_device_code_that_was_never_given_out_is_refused(app, http, code):
    status, error, text = refusal(poll(app, http, code))
    assert (status, error) == (400, "bad_verification_code")
    assert text.startswith("AADSTS70018: Invalid verification code")


def test_a_device_code_of_another_app_is_as_good_as_unknown(sandbox, app, http):
    other = register(sandbox, http, platform="publicClient", redirect_uris=["http://localhost"])
    started = start(app, http).json()
    approve(app, http, started["user_code"])
    assert refusal(poll(other, http, started["device_code"]))[1] == "bad_verification_code"


def test_a_device_code_works_once(app, http):
    started = start(app, http).json()
    approve(app, http, started["user_code"])
    assert poll(app, http, started["device_code"]).status_code == 200
    status, error, text = refusal(poll(app, http, started["device_code"]))
    assert (status, error) == (400, "invalid_grant") and text.startswith("AADSTS54005: ")


def test_a_code_belongs_to_its_tenant(app, http):
    started = start(app, http).json()
    approve(app, http, started["user_code"])
    refused = poll(app, http, started["device_code"], tenant=app.tenant)
    assert refusal(refused)[2].startswith("AADSTS700005: ")


def test_a_web_app_needs_its_secret_for_it(sandbox, http):
    started = start(sandbox, http).json()
    assert refusal(poll(sandbox, http, started["device_code"])) == (
        401,
        "invalid_client",
        "AADSTS7000218: The request body must contain the following parameter:"
        " 'client_assertion' or 'client_secret'.",
    )


def test_a_public_client_sends_no_secret(app, http):
    code = start(app, http).json()["device_code"]
    refused = refusal(poll(app, http, code, client_secret=app.client_secret))
    assert refused[2].startswith("AADSTS700025: Client is public")


def test_a_web_app_may_allow_public_client_flows_in_its_manifest(sandbox, http):
    app = register(sandbox, http)
    address = f"{sandbox.authority}/portal/apps/{app.client_id}/manifest"
    shown = visible_text(http.get(address))
    manifest = json.loads(shown[shown.index("{") : shown.rindex("}") + 1])
    assert manifest["isFallbackPublicClient"] is False
    manifest["isFallbackPublicClient"] = True
    press(http, http.get(address), manifest=json.dumps(manifest))
    started = start(app, http).json()
    assert refusal(poll(app, http, started["device_code"])) == PENDING
    approve(app, http, started["user_code"])
    assert poll(app, http, started["device_code"]).status_code == 200


REFUSED = {
    "no client": ({"client_id": None}, "AADSTS900144: The request body must contain"),
    "no scope": ({"scope": None}, "AADSTS900144: The request body must contain"),
    "an unknown client": ({"client_id": "nobody"}, "AADSTS700016: Application with"),
    "an unknown scope": ({"scope": "Mail.Sned"}, "AADSTS650053: The application 'Test app'"),
    "v1's resource": ({"resource": GRAPH}, "AADSTS901002: The 'resource' request parameter"),
    "an unknown tenant": ({"tenant": "fabrikam.example"}, "AADSTS90002: Tenant 'fabrikam"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_device_code_is_refused_for(app, http, case):
    changes, words = REFUSED[case]
    answer = start(app, http, **changes)
    assert answer.status_code == 400
    assert answer.json()["error_description"].startswith(words)


def test_the_endpoint_takes_posts_only(app, http):
    answer = http.get(f"{app.authority}/common/oauth2/v2.0/devicecode")
    assert refusal(answer)[2].startswith("AADSTS900561: The endpoint only accepts POST")


def test_a_signed_in_browser_is_asked_all_the_same(sandbox, app, http):
    sign_in(sandbox, http)
    code = start(app, http).json()["user_code"]
    page = visible_text(enter(app, http, code))
    assert "Permissions requested by Test app" in page and app.user in page


def test_what_needs_an_administrator_waits_for_one(app, http):
    started = start(app, http, scope="User.Read.All").json()
    page = press(http, enter(app, http, started["user_code"]), user=app.user)
    assert "Need admin approval" in visible_text(page)
    page = press(http, page, consent="accept")
    assert "Need admin approval" in visible_text(page)
    assert refusal(poll(app, http, started["device_code"])) == PENDING
    page = press(http, press(http, page, switch="1"), user="grace@contoso.example")
    press(http, page, consent="accept")
    assert poll(app, http, started["device_code"]).status_code == 200


def test_an_account_that_may_not_sign_in_is_asked_again(app, http):
    page = enter(app, http, start(app, http).json()["user_code"])
    page = press(http, page, user="eve@evil.example")
    assert "Pick an account" in visible_text(page)


def test_nobody_agrees_without_an_account_or_the_forms_token(app, http):
    started = start(app, http).json()
    page = enter(app, http, started["user_code"])
    assert "Pick an account" in visible_text(press(http, page, consent="accept"))
    assert http.post(page.url, {"consent": "accept"}).status_code == 403
    assert refusal(poll(app, http, started["device_code"])) == PENDING


def test_a_wrong_code_is_shown_escaped_nowhere(app, http):
    page = http.get(f"{app.authority}/devicelogin", params={"otc": "<script>alert(1)</script>"})
    assert page.status_code == 400 and "<script" not in page.text


def test_a_sign_in_under_way_survives_a_restart(tmp_path, http):
    uris = ["http://localhost"]
    with graphsandbox.running(home=tmp_path) as sandbox:
        app = register(sandbox, http, platform="publicClient", redirect_uris=uris)
        started, second = start(app, http).json(), start(app, http).json()
        approve(app, http, started["user_code"])
    with graphsandbox.running(home=tmp_path) as sandbox:
        app = Other(sandbox, app.client_id, None, None)
        assert poll(app, http, started["device_code"]).status_code == 200
        assert refusal(poll(app, http, second["device_code"])) == PENDING
        approve(app, http, second["user_code"])
        assert poll(app, http, second["device_code"]).status_code == 200
