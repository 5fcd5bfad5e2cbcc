"""Each refusal of a code, a refresh token or a device code, word for word.

The words stand here once more on purpose: these tests import nothing of the sandbox's table.
"""

import pytest

from tests.sandbox.entra import (
    CHALLENGE,
    REDIRECT_URI,
    VERIFIER,
    advance,
    press,
    redeem,
    refresh,
    register,
    sign_in,
    token_request,
)
from tests.sandbox.refusal import (
    PERSONAL,
    SOMEBODY,
    Row,
    assert_refused,
    coded,
    refreshed,
    request_id,
)

DAY_S = 86400
GRANT = "urn:ietf:params:oauth:grant-type:device_code"
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}


def held(parameter, value, of=None, tenant="common"):
    """Return: hand in something that was never given out."""

    def provoke(app, http):
        client = register(app, http, **of) if of else app
        grant = "authorization_code" if parameter == "code" else "refresh_token"
        fields = {"grant_type": grant, parameter: value}
        return token_request(client, http, tenant=tenant, **fields), client

    return provoke


def twice(app, http):
    code = sign_in(app, http)["code"]
    assert redeem(app, http, code).status_code == 200
    return redeem(app, http, code), app


def revoked(app, http):
    code = sign_in(app, http)["code"]
    token = redeem(app, http, code).json()["refresh_token"]
    redeem(app, http, code)
    return refresh(app, http, token), app


def of_another_app(parameter):
    def provoke(app, http):
        other, value = register(app, http), sign_in(app, http)["code"]
        if parameter == "code":
            return redeem(other, http, value), other
        token = redeem(app, http, value).json()["refresh_token"]
        return refresh(other, http, token), other

    return provoke


def device(after=0, button=None, polls=1, code=None, tenant="common"):
    """Return: start a device, perhaps press a button in the browser, wait, and poll."""

    def provoke(app, http):
        uris = ["http://localhost"]
        client = register(app, http, platform="publicClient", redirect_uris=uris)
        address = f"{app.authority}/common/oauth2/v2.0/devicecode"
        fields = {"client_id": client.client_id, "scope": "openid User.Read"}
        started = http.post(address, fields).json()
        if button:
            page = http.get(f"{app.authority}/devicelogin")
            page = press(http, page, code=started["user_code"])
            press(http, press(http, page, user=app.user), consent=button)
        advance(app, http, after)
        given = {"grant_type": GRANT, "device_code": code or started["device_code"]}
        for _ in range(polls):
            answer = token_request(client, http, tenant=tenant, client_secret=None, **given)
        return answer, client

    return provoke


def grant(words, suberror=None):
    return Row("invalid_grant", words, suberror=suberror)


MANGLED = grant("AADSTS9002313: Invalid request. Request is malformed or invalid.")
NO_MATCH = grant(
    "AADSTS501481: The Code_Verifier does not match the code_challenge supplied in the"
    " authorization request."
)
OTHER_TENANT = grant(
    "AADSTS700005: Provided Authorization Code is intended to use against other tenant, thus"
    " rejected."
)
REDEEMED = grant(
    "AADSTS54005: OAuth2 Authorization code was already redeemed, please retry with a new valid"
    " code or use an existing refresh token."
)
MSA = {"sign_in_audience": PERSONAL}
MSA_SIGN_IN = {"user": SOMEBODY, "tenant": "consumers"}
REFUSED = {
    # Codes
    "54005 a code twice": (twice, REDEEMED),
    "70008 a code after ten minutes": (
        coded(after=601),
        grant(
            "AADSTS70008: The provided authorization code or refresh token has expired due to"
            " inactivity. Send a new interactive authorization request for this user and resource."
        ),
    ),
    "9002313 a mangled code": (held("code", "1.mangled"), MANGLED),
    "9002313 a code of another app": (of_another_app("code"), MANGLED),
    "700005 a code at another tenant": (coded(tenant="organizations"), OTHER_TENANT),
    "900144 no redirect URI": (
        coded(redirect_uri=None),
        Row(
            "invalid_request",
            "AADSTS900144: The request body must contain the following parameter: 'redirect_uri'.",
        ),
    ),
    "500112 another redirect URI": (
        coded(redirect_uri="http://localhost:8000/connect/get_token"),
        grant(
            "AADSTS500112: The reply address 'http://localhost:8000/connect/get_token' does not"
            f" match the reply address '{REDIRECT_URI}' provided when requesting Authorization"
            " code."
        ),
    ),
    "50148 no verifier": (
        coded(asked=PKCE),
        grant(
            "AADSTS50148: The code_verifier does not match the code_challenge supplied in the"
            " authorization request for PKCE."
        ),
    ),
    "501481 a wrong verifier": (coded(asked=PKCE, code_verifier="x" * 43), NO_MATCH),
    "501481 a verifier out of the blue": (coded(code_verifier=VERIFIER), NO_MATCH),
    # Refresh tokens
    "9002313 a mangled refresh token": (held("refresh_token", "1.mangled"), MANGLED),
    "9002313 a refresh token of another app": (of_another_app("refresh_token"), MANGLED),
    "700082 a refresh token after 90 days": (
        refreshed(after=90 * DAY_S + 1),
        grant(
            "AADSTS700082: The refresh token has expired due to inactivity. The token was issued"
            " on 20",
            "bad_token",
        ),
    ),
    "50173 a revoked refresh token": (
        revoked,
        grant(
            "AADSTS50173: The provided grant has expired due to it being revoked. The user might"
            " have changed or reset their password. The grant was issued on '20"
        ),
    ),
    "65001 more than was consented to": (
        refreshed(scope="Mail.ReadWrite"),
        grant(
            "AADSTS65001: The user or administrator has not consented to use the application with"
            " ID '{app.client_id}' named 'Graph tutorial app'. Send an interactive authorization"
            " request for this user and resource.",
            "consent_required",
        ),
    ),
    # Personal accounts
    "70000 a code of a personal account after ten minutes": (
        coded(after=601, of=MSA, asked=MSA_SIGN_IN, tenant="consumers"),
        grant(
            "AADSTS70000: The provided value for the 'code' parameter is not valid. The code has"
            " expired."
        ),
    ),
    "70000 a mangled code for consumers": (
        held("code", "M.mangled", MSA, "consumers"),
        grant("AADSTS70000: The provided value for the 'code' parameter is not valid."),
    ),
    "70000 a mangled refresh token for consumers": (
        held("refresh_token", "M.mangled", MSA, "consumers"),
        grant(
            "AADSTS70000: The provided value for the input parameter 'refresh_token' or"
            " 'assertion' is not valid."
        ),
    ),
    # Devices
    "70016 a device before its person": (
        device(),
        Row(
            "authorization_pending",
            "AADSTS70016: OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
        ),
    ),
    "65004 a person who declined": (
        device(button="cancel"),
        Row("authorization_declined", "AADSTS65004: User declined to consent to access the app."),
    ),
    "70018 a device code nobody gave out": (
        device(code="x"),
        Row(
            "bad_verification_code",
            "AADSTS70018: Invalid verification code due to User typing in wrong user code for"
            " device code flow. Authorization is not approved.",
        ),
    ),
    "70020 a device code after 15 minutes": (
        device(after=901),
        Row(
            "expired_token",
            "AADSTS70020: The provided value for the input parameter 'device_code' is not valid."
            " This device code has expired.",
        ),
    ),
    "54005 a device code twice": (device(button="accept", polls=2), REDEEMED),
    "700005 a device code at another tenant": (device(tenant="organizations"), OTHER_TENANT),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_token_endpoint_refuses(sandbox, http, case):
    provoke, row = REFUSED[case]
    sent = request_id(http)
    answer, app = provoke(sandbox, http)
    assert_refused(answer, row, app, sent)
