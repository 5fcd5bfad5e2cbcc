"""How an app proves who it is: its secrets, in the body or by HTTP Basic (RFC 6749 §2.3.1)."""

import base64
import contextlib
from urllib.parse import quote_plus

import pytest

import graphsandbox
from graphsandbox.store import RedirectUri, Store
from tests.sandbox.entra import (
    REDIRECT_URI,
    Other,
    advance,
    authorize,
    redeem,
    register,
    sign_in,
    token_request,
    visible_text,
)
from tests.sandbox.refusal import Row, assert_refused, request_id

WRONG = Row(
    "invalid_client",
    "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request"
    " is the client secret value, not the client secret ID, for a secret added to app"
    " '{app.client_id}'.",
    401,
)
EXPIRED = Row(
    "invalid_client",
    "AADSTS7000222: The provided client secret keys for app '{app.client_id}' are expired. Visit"
    " the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or"
    " consider using certificate credentials for added security: https://aka.ms/certCreds.",
    401,
)
NO_SECRET = Row(
    "invalid_client",
    "AADSTS7000218: The request body must contain the following parameter: 'client_assertion' or"
    " 'client_secret'.",
    401,
)
TWO_WAYS = Row("invalid_request", "AADSTS90013: Invalid input received from the user.")
DISABLED = "AADSTS7000112: Application '{app.client_id}'(Kept) is disabled."


def basic(client_id, client_secret):
    text = f"{client_id}:{client_secret}".encode()
    return {"Authorization": f"Basic {base64.b64encode(text).decode()}"}


def by_basic(app, http, client_secret, **changes):
    """Send a token request whose client is named in the header only."""
    headers = basic(app.client_id, client_secret)
    fields = {"code": "x", "client_id": None, "client_secret": None, **changes}
    return token_request(app, http, headers=headers, **fields)


@pytest.fixture
def kept(tmp_path):
    """Change the one app of a home, then run a sandbox there: `kept(change)` returns both."""
    with contextlib.ExitStack() as stack:

        def start(change):
            store = Store(tmp_path)
            app = store.register("Kept", [RedirectUri(REDIRECT_URI)])
            value, secret = store.add_secret(app, "first", days=1)
            changed = change(store, app)
            store.close()
            sandbox = stack.enter_context(graphsandbox.running(tmp_path))
            return Other(sandbox, app.client_id, value, secret.secret_id), changed

        yield start


def test_each_of_two_secrets_is_good_until_its_own_end(kept, http):
    app, second = kept(lambda store, app: store.add_secret(app, "second", days=30)[0])
    for secret in (app.client_secret, second):
        code = sign_in(app, http, scope="User.Read")["code"]
        assert redeem(app, http, code, client_secret=secret).status_code == 200
    advance(app, http, 2 * 86400)
    code = sign_in(app, http, scope="User.Read")["code"]
    sent = request_id(http)
    assert_refused(redeem(app, http, code), EXPIRED, app, sent)
    assert redeem(app, http, code, client_secret=second).status_code == 200


def test_a_disabled_app_gets_no_token_and_no_sign_in(kept, http):
    def disable(store, app):
        app.disabled = True
        store.save(app)

    app, _ = kept(disable)
    sent = request_id(http)
    answer = token_request(app, http, code="x")
    assert_refused(answer, Row("unauthorized_client", DISABLED), app, sent)
    page = authorize(app, http, scope="User.Read")
    assert page.status_code == 400
    assert DISABLED.format(app=app) in visible_text(page)


def test_the_secrets_id_is_no_secret(sandbox, http):
    app = register(sandbox, http)
    code, sent = sign_in(app, http)["code"], request_id(http)
    assert_refused(redeem(app, http, code, client_secret=app.secret_id), WRONG, app, sent)
    assert redeem(app, http, code).status_code == 200


def test_a_secret_of_another_app_is_refused(sandbox, http):
    app = register(sandbox, http)
    code, sent = sign_in(app, http)["code"], request_id(http)
    answer = redeem(app, http, code, client_secret=sandbox.client_secret)
    assert_refused(answer, WRONG, app, sent)


def test_the_secret_may_come_by_basic(sandbox, http):
    code = sign_in(sandbox, http)["code"]
    headers = basic(sandbox.client_id, quote_plus(sandbox.client_secret))
    answer = redeem(sandbox, http, code, client_id=None, client_secret=None, headers=headers)
    assert answer.status_code == 200


def test_basic_is_form_decoded(sandbox, http):
    escaped = "".join(f"%{ord(character):02x}" for character in sandbox.client_secret)
    headers = basic(sandbox.client_id, escaped)
    code = sign_in(sandbox, http)["code"]
    answer = redeem(sandbox, http, code, client_secret=None, headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize(("secret", "row"), [("wrong", WRONG), ("", NO_SECRET)])
def test_a_refusal_of_basic_comes_with_a_challenge(sandbox, http, secret, row):
    sent = request_id(http)
    answer = by_basic(sandbox, http, secret)
    assert_refused(answer, row, sandbox, sent)
    assert answer.headers["www-authenticate"].startswith("Basic ")


def test_a_refusal_of_the_body_comes_with_none(sandbox, http):
    answer = token_request(sandbox, http, code="x", client_secret="wrong")
    assert answer.status_code == 401 and "www-authenticate" not in answer.headers


@pytest.mark.parametrize(
    "changes",
    [{}, {"client_secret": "wrong"}, {"client_id": "another", "client_secret": None}],
)
def test_two_ways_at_once_are_refused(sandbox, http, changes):
    sent = request_id(http)
    headers = basic(sandbox.client_id, sandbox.client_secret)
    answer = token_request(sandbox, http, code="x", headers=headers, **changes)
    assert_refused(answer, TWO_WAYS, sandbox, sent)


@pytest.mark.parametrize(
    "header", ["Basic !!!", "Basic", "Bearer abc", f"Basic {base64.b64encode(b'nocolon').decode()}"]
)
def test_an_authorization_header_that_makes_no_sense_is_refused(sandbox, http, header):
    sent = request_id(http)
    given = {"code": "x", "client_secret": None, "headers": {"Authorization": header}}
    assert_refused(token_request(sandbox, http, **given), TWO_WAYS, sandbox, sent)
