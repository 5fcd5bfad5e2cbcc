"""The values of a registration and of the sign-in link, under fault: what people really paste."""

import random
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphhelpers import (
    MICROSOFT,
    CallbackServer,
    Cloud,
    Registration,
    RegistrationError,
    SignInRefused,
    TokenInvalid,
    exchange_code,
    refresh,
    sandbox_cloud,
    start_sign_in,
)
from graphsandbox.visit import DeadEnd

from ..kit import app_at, as_json, browse, code_of, signed_in
from ..trap import Trap

CLIENT_ID = "11112222-bbbb-3333-cccc-4444dddd5555"
SECRET = "canary~3xQ8Q~client-secret-0123456789"
GOOD = {"client_id": CLIENT_ID, "client_secret": SECRET}
TOKEN = {
    "token_type": "Bearer",
    "expires_in": 3600,
    "access_token": "canary~access-token",
    "refresh_token": "canary~refresh-token",
}


def refused(**values: object) -> RegistrationError:
    with pytest.raises(RegistrationError) as caught:
        Registration(**GOOD | values)
    return caught.value


def query_of(attempt) -> dict[str, str]:
    pairs = parse_qsl(urlsplit(attempt.url).query, keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def forms_of(trap: Trap) -> list[dict[str, list[str]]]:
    """Return what was posted to the trap."""
    return [parse_qs(request.partition(b"\r\n\r\n")[2].decode()) for request in trap.requests]


@pytest.mark.case("F056", "N66")
@pytest.mark.parametrize("endpoint", ["v1", "v2.0"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "LOCALHOST", "[::1]"])
@pytest.mark.parametrize("path", ["", "/", "/connect/get_token", "/Connect//get_token/%41"])
def test_both_requests_name_the_redirect_uri_to_the_letter(host, path, endpoint):
    uri = f"http://{host}:8000{path}"
    with Trap(as_json(TOKEN)) as trap:
        there = sandbox_cloud(trap.url, trap.url)
        app = Registration(CLIENT_ID, SECRET, uri, cloud=there)
        attempt = start_sign_in(app, endpoint=endpoint)
        exchange_code(app, attempt, "canary~code")
    assert query_of(attempt)["redirect_uri"] == uri == forms_of(trap)[0]["redirect_uri"][0]


@pytest.mark.case("N37", "N27", "N30", "N35")
def test_only_codes_and_refresh_tokens_are_traded_each_code_with_its_verifier():
    with Trap(as_json(TOKEN)) as trap:
        app = app_at(trap)
        attempts = [start_sign_in(app, endpoint=version) for version in ("v1", "v2.0")]
        tokens = [exchange_code(app, attempt, "canary~code") for attempt in attempts]
        refresh(app, tokens[1])
    assert {query_of(attempt)["response_type"] for attempt in attempts} == {"code"}
    sent = [(form["grant_type"][0], form.get("code_verifier")) for form in forms_of(trap)]
    assert sent == [
        ("authorization_code", [attempts[0].code_verifier]),
        ("authorization_code", [attempts[1].code_verifier]),
        ("refresh_token", None),
    ]
    assert attempts[0].code_verifier != attempts[1].code_verifier


@pytest.mark.case("F057")
@pytest.mark.parametrize("odd", ["\u200b", "\u00a0", "\u00ad", "\u202e", "\r\n", "\0", "ä", "Ａ"])
@pytest.mark.parametrize("name", ["client_id", "client_secret", "tenant", "redirect_uri"])
def test_an_odd_character_inside_is_named_with_its_place_and_the_secret_is_not(name, odd):
    value = {**GOOD, "tenant": "contoso.example", "redirect_uri": "http://localhost:80/"}[name]
    error = refused(**{name: value[:9] + odd + value[9:]})
    place = f"U+{ord(odd[0]):04X}, at position 10."
    assert error.what == f"{name} has an odd character, {place}"
    assert SECRET[:9] not in str(error) and SECRET[9:] not in str(error)


@pytest.mark.case("F060")
@pytest.mark.parametrize("name", ["client_id", "client_secret", "tenant", "redirect_uri"])
@pytest.mark.parametrize(
    "placeholder",
    ["your-client-id", "YOUR_TENANT_ID", "<your client secret>", "{client_secret}", "$APP_ID",
     "Enter_the_Client_Secret_Here", "[secret]", "changeme", "my secret value", "xxxx", "X",
     "00000000-0000-0000-0000-000000000000", "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "3xQ****"],
)  # fmt: skip
def test_a_placeholder_is_refused_by_its_fields_name(name, placeholder):
    error = refused(**{name: placeholder})
    assert error.what.startswith(f"{name} is still the placeholder")
    assert "Overview" in error.fix and "Certificates & secrets" in error.fix


@pytest.mark.case("F060")
@pytest.mark.parametrize(
    "secret",
    ["abc8Q" + "~your.Secret-Value_0123456789abcdef", "client~1", "my-secret-2", "a-b", "~~~"],
)
def test_what_only_resembles_a_placeholder_is_taken(secret):
    assert Registration(CLIENT_ID, secret).client_secret == secret
    assert Registration(CLIENT_ID, tenant="client.id").tenant == "client.id"


@pytest.mark.case("F060")
@pytest.mark.parametrize("text", ["my-" * 20_000 + "~", "x" * 99_999 + "y", "*" * 99_999 + "\n"])
def test_a_huge_value_is_judged_at_once(text):
    began = datetime.now(UTC)
    refused(tenant=text)
    assert datetime.now(UTC) - began < timedelta(seconds=2)


@pytest.mark.case("F058")
def test_one_id_in_both_places_is_a_mix_up_in_any_letters():
    for ids in ((CLIENT_ID, CLIENT_ID.upper()), (CLIENT_ID.upper(), CLIENT_ID)):
        assert "Directory (tenant) ID" in refused(client_id=ids[0], tenant=ids[1]).fix


@pytest.mark.case("F058")
@pytest.mark.parametrize("wrong", [None, 5, b"bytes", "text", [], object()])
def test_another_type_is_refused_where_it_is_passed(wrong):
    acts = [
        lambda: Registration(CLIENT_ID, cloud=wrong),
        lambda: Registration.load(wrong),
        lambda: Registration.forget(wrong),
        lambda: start_sign_in(wrong),
        lambda: Cloud("x", wrong, "https://graph.example"),
        lambda: Cloud("x", "https://login.example", wrong),
        lambda: start_sign_in(Registration(CLIENT_ID), endpoint=wrong),
        lambda: start_sign_in(Registration(CLIENT_ID), prompt=wrong or "no"),
        lambda: start_sign_in(Registration(CLIENT_ID), response_mode=wrong or "no"),
    ]
    if wrong != "text":
        acts += [
            lambda: Registration(wrong),
            lambda: Registration(CLIENT_ID, redirect_uri=wrong),
            lambda: Registration(CLIENT_ID, tenant=wrong),
            lambda: start_sign_in(Registration(CLIENT_ID), wrong),
            lambda: start_sign_in(Registration(CLIENT_ID), [wrong]),
        ]
    for act in acts:
        with pytest.raises(RegistrationError) as caught:
            act()
        assert caught.value.what and caught.value.why and caught.value.fix


@pytest.mark.case("F061", "N65")
def test_permissions_of_two_apis_at_once_are_refused_by_their_service(app):
    two = ["openid", "https://graph.microsoft.com/Mail.Send", "https://vault.azure.net/x"]
    attempt = start_sign_in(app, two)
    with CallbackServer(app, attempt) as server:
        with pytest.raises(DeadEnd):
            browse(attempt.url)
        with pytest.raises(SignInRefused, match="vault.azure.net") as caught:
            server.wait(5)
    assert caught.value.error == "invalid_resource" and caught.value.fix


@pytest.mark.case("N65")
def test_the_usual_scopes_ask_for_one_api_and_the_right_to_send():
    scopes = query_of(start_sign_in(Registration(CLIENT_ID)))["scope"].split()
    assert set(scopes) - {"openid", "profile", "offline_access"} == {"User.Read", "Mail.Send"}


@pytest.mark.case("F062")
def test_without_offline_access_the_token_says_when_to_sign_in_again(app):
    token = signed_in(app, "openid", "User.Read")
    for shown in (repr(token), token._repr_html_()):
        assert "sign in again when it ends" in shown
        assert f"{token.expires_at:%Y-%m-%d %H:%M}" in shown
    assert token.expires_at < datetime.now(UTC) + timedelta(hours=1.6)
    with pytest.raises(TokenInvalid, match="offline_access"):
        refresh(app, token)
    assert "sign in again" not in repr(signed_in(app, "User.Read", "offline_access"))


@pytest.mark.case("F063", "F068")
@settings(max_examples=500, deadline=None)
@given(
    hint=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
    path=st.from_regex(r"[a-z&+=%;~()*]{0,20}", fullmatch=True),
    scope=st.from_regex(r"[!#-+\--\[\]-~]{1,20}", fullmatch=True),
)
def test_every_value_is_encoded_exactly_once(hint, path, scope):
    app = Registration(CLIENT_ID, redirect_uri=f"http://localhost:8000/{path}")
    attempt = start_sign_in(app, ["openid", scope], prompt="login", login_hint=hint)
    query = query_of(attempt)
    assert (query["login_hint"], query["redirect_uri"]) == (hint, app.redirect_uri)
    assert query["scope"].split() == list(dict.fromkeys(["openid", scope]))
    assert (query["state"], query["prompt"], len(query)) == (attempt.state, "login", 11)
    assert attempt.url.isascii() and not set(attempt.url) & set(' "<>#')


@pytest.mark.case("F064", "N16", "N23", "N26")
def test_a_hundred_thousand_values_are_all_different_and_use_every_bit():
    app, values = Registration(CLIENT_ID), []
    for _ in range(33_334):
        attempt = start_sign_in(app)
        values += [attempt.state, attempt.nonce, attempt.code_verifier]
    assert len(set(values)) == len(values) > 100_000
    assert {len(value) for value in values} == {43}
    letters = [set(at) for at in zip(*values, strict=True)]
    assert set.union(*letters) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    )
    assert [len(at) for at in letters] == [64] * 42 + [16]  # 42 * 6 + 4 = 256 bits


@pytest.mark.case("F064", "N16")
def test_a_program_that_seeds_its_dice_does_not_seed_the_state():
    app, attempts = Registration(CLIENT_ID), []
    for _ in range(2):
        random.seed(7)
        attempts.append(start_sign_in(app))
    assert attempts[0].state != attempts[1].state


@pytest.mark.case("F065", "N06", "N24")
@pytest.mark.parametrize("endpoint", ["v1", "v2.0"])
@pytest.mark.parametrize("prompt", [None, "login", "select_account", "consent", "none"])
def test_every_link_carries_state_and_an_s256_challenge(endpoint, prompt):
    attempt = start_sign_in(Registration(CLIENT_ID), endpoint=endpoint, prompt=prompt)
    query = query_of(attempt)
    assert query["code_challenge_method"] == "S256" and query["state"] == attempt.state
    assert (query["response_type"], query["client_id"]) == ("code", CLIENT_ID)
    assert query["code_challenge"] != attempt.code_verifier and len(query["code_challenge"]) == 43


@pytest.mark.case("F066", "N02")
@pytest.mark.parametrize(
    "address",
    ["http://login.example", "HTTP://login.example", "http://localhost.evil.example", "//x.example",
     "http://127.0.0.1.evil.example", "http://2130706433", "http://127.1", "http://0.0.0.0:80",
     "http://192.168.1.2", "http://localhost\\@evil.example", "http://localhost@evil.example",
     "https://login.example\n", " https://login.example", "https://login.example#x", "https://"],
)  # fmt: skip
def test_no_secret_goes_in_the_open_to_another_machine(address):
    for values in (("odd", address, MICROSOFT.graph), ("odd", MICROSOFT.authority, address)):
        with pytest.raises(RegistrationError, match="address of a cloud") as caught:
            Cloud(*values)
        assert "https" in caught.value.why


@pytest.mark.case("F067", "N03")
@pytest.mark.parametrize(
    "uri",
    ["http://localhost:8000/#", "http://localhost:8000/?", "http://@localhost:8000/",
     "http://localhost:8000@evil.example:80/", "http://localhost:8000\\@evil.example/", "/cb",
     "//localhost:8000/", "http:localhost:8000", "http://localhost.:8000/", "http://127.1:80/",
     "http://localhost:80:80/", "http://localhost:+80/", "http://localhost:8_0/",
     "http://localhost:" + "9" * 5_000, "http://[::1]:80]/", "ms-app://localhost:80/"],
)  # fmt: skip
def test_a_redirect_uri_that_would_leave_this_machine_is_refused(uri):
    error = refused(redirect_uri=uri)
    assert "RFC 8252" in error.why and "http://localhost:8000/connect/get_token/" in error.fix


@pytest.mark.case("F068")
def test_a_hint_adds_no_parameter_and_the_service_reads_it_whole(app):
    attempt = start_sign_in(app, login_hint="x@y.example&prompt=none&code_challenge_method=plain#")
    assert query_of(attempt)["login_hint"].endswith("&prompt=none&code_challenge_method=plain#")
    assert "prompt" not in query_of(attempt)
    assert code_of(app, attempt)  # with prompt=none the service would have refused
