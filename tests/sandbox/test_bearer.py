"""In which ways an access token may come, and in which not (RFC 6750 §2; RFC 9110 §11)."""

import base64
import contextlib

import pytest

from tests.sandbox import client, raw

EMPTY = "Access token is empty."
NO_DOTS = "IDX14100: JWT is not well formed, there are no dots (.)."
MALFORMED = "CompactToken parsing failed with error code: 80049217"

GOOD = {
    "as documented": ["Authorization: Bearer {token}"],
    "in small letters": ["authorization: bearer {token}"],
    "in capitals": ["AUTHORIZATION: BEARER {token}"],
    "with more room": ["Authorization:   Bearer   {token}  "],
}
REFUSED = {
    "nowhere": ([], EMPTY),
    "an empty header": (["Authorization:"], EMPTY),
    "the scheme alone": (["Authorization: Bearer"], EMPTY),
    "the token alone": (["Authorization: {token}"], EMPTY),
    "joined to its scheme": (["Authorization: Bearer{token}"], EMPTY),
    "another scheme": (["Authorization: Token {token}"], EMPTY),
    "a scheme with a colon": (["Authorization: Bearer: {token}"], EMPTY),
    "Basic with the token": (["Authorization: Basic {token}"], EMPTY),
    "Basic with the token as password": (["Authorization: Basic {basic}"], EMPTY),
    "Digest": (['Authorization: Digest username="{token}"'], EMPTY),
    "another header": (["X-Authorization: Bearer {token}"], EMPTY),
    "the proxy's header": (["Proxy-Authorization: Bearer {token}"], EMPTY),
    "a cookie": (["Cookie: access_token={token}"], EMPTY),
    "two headers": (["Authorization: Bearer {token}"] * 2, MALFORMED),
    "a good header after a bad one": (
        ["Authorization: Basic YTpi", "Authorization: Bearer {token}"], MALFORMED),
    "an empty header after the good one": (
        ["Authorization: Bearer {token}", "Authorization:"], MALFORMED),
    "two in one header": (["Authorization: Bearer {token}, Bearer {token}"], MALFORMED),
    "a list": (["Authorization: Bearer {token},"], MALFORMED),
    "with a parameter": (["Authorization: Bearer {token}; scope=all"], MALFORMED),
    "the scheme twice": (["Authorization: Bearer Bearer {token}"], MALFORMED),
    "in quotes": (['Authorization: Bearer "{token}"'], MALFORMED),
    "with a name": (["Authorization: Bearer token={token}"], MALFORMED),
    "with a letter beyond ASCII": (["Authorization: Bearer {token}\u20ac"], MALFORMED),
    "with a control character": (["Authorization: Bearer \x01{token}"], MALFORMED),
    "percent-encoded": (["Authorization: Bearer {percent}"], NO_DOTS),
}  # fmt: skip
NO_HTTP = {
    "a NUL": ["Authorization: Bearer {token}\0"],
    "a CR": ["Authorization: Bearer {token}\rX: y"],
    "a space before the colon": ["Authorization : Bearer {token}"],
}
TOO_LONG = {
    "a megabyte": ["Authorization: Bearer {megabyte}"],
    "a megabyte in lines": ["Authorization: Bearer {token}", *["X: {token}"] * 600],
}


@pytest.fixture
def ask(sandbox, token):
    """Send a call with these header lines, byte for byte; return status, head and body."""
    known = {
        "token": token,
        "basic": base64.b64encode(f"user:{token}".encode()).decode(),
        "percent": token.replace(".", "%2E"),
        "megabyte": "A" * 2**20,
    }

    def send(lines, method="GET", target="/v1.0/me", body=b""):
        host = f"Host: localhost:{raw.port(sandbox)}"
        filled = [line.format(**known) for line in lines]
        answer = raw.send(sandbox, raw.head(method, target.format(**known), host, *filled) + body)
        head, _, text = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), head.decode().lower(), text.decode()

    return send


@pytest.mark.parametrize("name", GOOD)
def test_a_token_is_taken(ask, name):
    status, _, text = ask(GOOD[name])
    assert status == 200
    assert "ada@contoso.example" in text


@pytest.mark.parametrize("target", ["/v1.0/me", "/oidc/userinfo"])
@pytest.mark.parametrize("name", REFUSED)
def test_a_token_is_not_taken(ask, name, target):
    lines, words = REFUSED[name]
    status, head, text = ask(lines, target=target)
    assert status == 401
    assert '\r\nwww-authenticate: bearer realm=""' in head
    assert words in text


@pytest.mark.parametrize("name", NO_HTTP)
def test_what_is_no_http_gets_no_further(ask, name):
    status, _, text = ask(NO_HTTP[name])
    assert status in (400, 431)
    assert "ada@" not in text


@pytest.mark.parametrize(
    "target", ["/v1.0/me?access_token={token}", "/oidc/userinfo?access_token={token}"]
)
def test_a_token_in_the_address_is_not_looked_at(ask, target):
    status, head, text = ask([], target=target)
    assert (status, EMPTY in text) == (401, True)
    assert "www-authenticate: bearer" in head


@pytest.mark.parametrize("target", ["/oidc/userinfo", "/v1.0/me/sendMail"])
def test_a_token_in_a_form_is_not_looked_at(ask, token, target):
    body = f"access_token={token}".encode()
    kind = "Content-Type: application/x-www-form-urlencoded"
    status, _, text = ask([kind, f"Content-Length: {len(body)}"], "POST", target, body)
    assert (status, EMPTY in text) == (401, True)


def test_no_mail_leaves_without_a_token(sandbox, http, ask):
    mail = b'{"message":{"toRecipients":[{"emailAddress":{"address":"a@example.org"}}]}}'
    about = ["Content-Type: application/json", f"Content-Length: {len(mail)}"]
    for lines, _ in REFUSED.values():
        assert ask([*lines, *about], "POST", "/v1.0/me/sendMail", mail)[0] == 401
    assert http.get(f"{sandbox.authority}/_control/mailbox").json() == []
    headers = [*GOOD["as documented"], *about]
    assert ask(headers, "POST", "/v1.0/me/sendMail", mail)[0] == 202


@pytest.mark.parametrize("name", TOO_LONG)
def test_what_has_no_end_is_not_read_to_its_end(sandbox, http, token, ask, name):
    with contextlib.suppress(ConnectionError):  # the answer may get lost: nobody reads the rest
        assert ask(TOO_LONG[name])[0] in (400, 431)
    assert http.get(f"{sandbox.graph}/v1.0/me", headers=client.bearer(token)).ok
