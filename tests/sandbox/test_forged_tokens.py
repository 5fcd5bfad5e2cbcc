"""Tokens that Graph and userinfo must not take: forged, mangled, misused, out of time.

Some are signed with the sandbox's own key: what a signature can't refuse, the claims must.
"""

import base64
import json

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import graphsandbox
from graphsandbox.keys import Keys
from graphsandbox.store import Store
from tests.sandbox import client, entra
from tests.sandbox.forger import PSS, STRANGER, Forger, as_signed, jwk, part, sign

MALFORMED = "CompactToken parsing failed with error code: 80049217"
NO_DOTS = "IDX14100: JWT is not well formed, there are no dots (.).\n"
SIGNATURE = "Access token validation failure. Invalid signature."
EXPIRED = "Lifetime validation failed, the token is expired."
AUDIENCE = "Access token validation failure. Invalid audience."
ISSUER = "Access token validation failure. Invalid issuer."
MICROSOFTS = "This token was issued by Microsoft. The sandbox never takes a real token"
NOBODY = "The user of this token is not in the directory."
NO_APP = "The identity of the calling application could not be established."
ELSEWHERE = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
LONG = 1 << 12
IN_TOKENS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
PATHS = ("v1.0/me", "beta/me", "oidc/userinfo", "common/openid/userinfo")


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    """A home, and the key that its sandbox will sign with."""
    home = tmp_path_factory.mktemp("home")
    store = Store(home)
    private = Keys(store).current.private
    store.close()
    return home, private


@pytest.fixture(scope="module")
def sandbox_of_this_file(key):
    with graphsandbox.running(key[0]) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def forger(key, sandbox_of_this_file):
    with client.browser() as http:
        return Forger(client.access_token(sandbox_of_this_file, http), key[1])


def refusal(answer):
    """Return the words of a 401, which always says where tokens come from."""
    assert answer.status_code == 401, (answer.status_code, answer.text)
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer realm="", authorization_uri="http://localhost:')
    return answer.json()["error"]["message"]


def refusals(sandbox, http, token):
    """Return how each address refuses a token; no mail leaves with it."""
    headers = {"Authorization": f"Bearer {token}".encode()}
    words = {refusal(http.get(f"{sandbox.graph}/{path}", headers=headers)) for path in PATHS}
    mail = client.mail_to("a@example.org")
    words.add(refusal(http.post(f"{sandbox.graph}/v1.0/me/sendMail", json=mail, headers=headers)))
    assert http.get(f"{sandbox.authority}/_control/mailbox").json() == []
    return words


# name: (how it is made, how it is refused)
MANGLED = {
    "dots only": (lambda f: "..", MALFORMED),
    "letters": (lambda f: "a.b.c", MALFORMED),
    "no dots": (lambda f: "0123456789abcdef" * 8, NO_DOTS),
    "two parts": (lambda f: f.good.rpartition(".")[0], MALFORMED),
    "four parts": (lambda f: f.good + ".AAAA", MALFORMED),
    "twice": (lambda f: f"{f.good}.{f.good}", MALFORMED),
    "encrypted, in five parts": (lambda f: f"{part({'alg': 'dir'})}..AAAA.AAAA.AAAA", MALFORMED),
    "padding at the end": (lambda f: f.good + "==", MALFORMED),
    "padding of a payload": (lambda f: f.pieces(payload=f.good.split(".")[1] + "="), MALFORMED),
    "a space inside": (lambda f: f.good[:40] + " " + f.good[40:], MALFORMED),
    "a tab inside": (lambda f: f.good[:40] + "\t" + f.good[40:], MALFORMED),
    "a letter beyond ASCII": (lambda f: f.good[:-1] + "é", MALFORMED),
    "quoted": (lambda f: f'"{f.good}"', MALFORMED),
    "a scheme twice": (lambda f: f"Bearer {f.good}", MALFORMED),
    "a comma and another": (lambda f: f"{f.good}, Bearer {f.good}", MALFORMED),
    "a header that is no JSON": (lambda f: f.pieces(header=part("typ: JWT")), MALFORMED),
    "a header that is a list": (lambda f: f.pieces(header=part([f.header])), MALFORMED),
    "a header with one member twice": (
        lambda f: f.pieces(header=part('{"alg":"none",' + json.dumps(f.header)[1:])), MALFORMED),
    "the header spelt otherwise": (
        lambda f: f.pieces(header=part(json.dumps(f.header))), MALFORMED),
    "a header that is deep": (lambda f: f.pieces(header=part("[" * LONG)), MALFORMED),
    "a nonce with half a letter": (lambda f: f.header_with(nonce="\ud800"), MALFORMED),
    "a signature cut short": (lambda f: f.pieces(signature=part(bytes(255))), SIGNATURE),
    "the signed nonce in place of the shown": (
        lambda f: f.header_with(nonce=as_signed(f.header)["nonce"]), SIGNATURE),
    "no signature": (lambda f: f.pieces(signature=""), SIGNATURE),
    "a signature of zeros": (lambda f: f.pieces(signature=part(bytes(256))), SIGNATURE),
    "a longer signature": (lambda f: f.good[:-2] + "AAAA" + f.good[-2:], SIGNATURE),
    "a signature of something else": (
        lambda f: f.pieces(signature=f.ours(scp="").split(".")[2]), SIGNATURE),
    "more scopes": (lambda f: f.claims_with(scp="Mail.ReadWrite User.Read.All"), SIGNATURE),
    "somebody else": (
        lambda f: f.claims_with(oid="2e7d9a34-0b5f-4c86-8d21-f64b1a7c3e90"), SIGNATURE),
    "a longer life": (lambda f: f.claims_with(exp=10**10), SIGNATURE),
    "an endless life": (lambda f: f.claims_with(exp=10**400), SIGNATURE),
    "another tenant": (lambda f: f.claims_with(tid=ELSEWHERE), SIGNATURE),
    "no nonce": (lambda f: f.header_with(nonce=None), SIGNATURE),
    "another nonce": (lambda f: f.header_with(nonce="n"), SIGNATURE),
    "a nonce that is a number": (lambda f: f.header_with(nonce=7), SIGNATURE),
    "alg none": (lambda f: f.unsigned("none"), SIGNATURE),
    "alg None": (lambda f: f.unsigned("None"), SIGNATURE),
    "alg nOnE": (lambda f: f.unsigned("nOnE"), SIGNATURE),
    "no alg": (lambda f: f.header_with(alg=None), SIGNATURE),
    "alg none over the good signature": (lambda f: f.header_with(alg="none"), SIGNATURE),
    "alg as a list": (lambda f: f.header_with(alg=["RS256"]), SIGNATURE),
    "alg rs256": (lambda f: f.ours_under(alg="rs256"), SIGNATURE),
    "HS256 by the public key": (lambda f: f.by_secret(f.pem), SIGNATURE),
    "HS256 by the modulus": (lambda f: f.by_secret(f.modulus), SIGNATURE),
    "HS256 by the published text": (lambda f: f.by_secret(part(f.modulus).encode()), SIGNATURE),
    "HS256 by the JWK": (
        lambda f: f.by_secret(json.dumps(jwk(f.key.public_key(), f.header["kid"])).encode()),
        SIGNATURE),
    "HS256 by nothing": (lambda f: f.by_secret(b""), SIGNATURE),
    "ES256": (lambda f: f.by_curve(), SIGNATURE),
    "a stranger's key under our kid": (lambda f: f.strangers(), SIGNATURE),
    "a stranger's key as Microsoft signs": (
        lambda f: Forger(f.good, STRANGER).ours(), SIGNATURE),
    "a stranger's key that is brought along": (
        lambda f: f.strangers(kid="x", jwk=jwk(STRANGER.public_key(), "x")), SIGNATURE),
    "a stranger's key under our kid, brought along": (
        lambda f: f.strangers(jwk=jwk(STRANGER.public_key(), f.header["kid"])), SIGNATURE),
    "a stranger's key set": (lambda f: f.strangers(jku="http://localhost:1/keys"), SIGNATURE),
    "a stranger's certificate by address": (
        lambda f: f.strangers(x5u="http://localhost:1/cert"), SIGNATURE),
    "a stranger's certificate": (lambda f: f.strangers(x5c=[
        base64.b64encode(STRANGER.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).decode()
    ]), SIGNATURE),
    "a critical extension": (lambda f: f.strangers(crit=["exp"], exp=1), SIGNATURE),
    "a payload that is not encoded": (lambda f: f.strangers(b64=False, crit=["b64"]), SIGNATURE),
    "no kid": (lambda f: f.header_with(kid=None), SIGNATURE),
    "a kid from nowhere": (lambda f: f.header_with(kid="unknown"), SIGNATURE),
    "a kid that is empty": (lambda f: f.header_with(kid=""), SIGNATURE),
    "a kid that is a number": (lambda f: f.header_with(kid=7), SIGNATURE),
    "a kid that is a list": (lambda f: f.header_with(kid=[f.header["kid"]]), SIGNATURE),
    "a kid that is an object": (lambda f: f.header_with(kid={"a": 1}), SIGNATURE),
    "a kid that is a path": (lambda f: f.header_with(kid="../../../../dev/null"), SIGNATURE),
    "a kid that is SQL": (lambda f: f.header_with(kid="' UNION SELECT 'key' --"), SIGNATURE),
    "a kid that is long": (lambda f: f.header_with(kid="k" * LONG), SIGNATURE),
    "Microsoft's own": (
        lambda f: f.claims_with(iss=f"https://sts.windows.net/{f.claims['tid']}/"), MICROSOFTS),
    "Microsoft's of version 2": (
        lambda f: f.claims_with(iss="https://login.microsoftonline.com/x/v2.0"), MICROSOFTS),
    "sealed, and short": (lambda f: "EwB", MALFORMED),
    "sealed by nobody": (lambda f: base64.b64encode(b"\x13\x00\x78" * 80).decode(), MALFORMED),
    "sealed in clear": (
        lambda f: "EwB4" + base64.b64encode(json.dumps(f.claims).encode()).decode(), MALFORMED),
}  # fmt: skip

BY_OUR_KEY = {
    "RS384": (lambda f: f.ours_by(
        f.header | {"alg": "RS384"}, part(f.claims), digest=hashes.SHA384()), SIGNATURE),
    "PS256": (lambda f: f.ours_by(
        f.header | {"alg": "PS256"}, part(f.claims), scheme=PSS), SIGNATURE),
    "RS384 under the name of RS256": (lambda f: f.ours_by(
        f.header, part(f.claims), digest=hashes.SHA384()), SIGNATURE),
    "signed as if the nonce were nothing special": (
        lambda f: sign(f.header, f.claims, f.key), SIGNATURE),
    "a critical extension, ours": (lambda f: f.ours_under(crit=["b64"], b64=False), SIGNATURE),
    "claims that are a list": (lambda f: f.ours_by(f.header, part([f.claims])), MALFORMED),
    "claims that are another token": (lambda f: f.ours_by(f.header, part(f.good)), MALFORMED),
    "claims that are a text": (lambda f: f.ours_by(f.header, part('"claims"')), MALFORMED),
    "no claims": (lambda f: f.ours_by(f.header, ""), MALFORMED),
    "no exp": (lambda f: f.ours(exp=None), EXPIRED),
    "an exp that is text": (lambda f: f.ours(exp=str(f.claims["exp"])), EXPIRED),
    "an exp with a fraction": (lambda f: f.ours(exp=f.claims["exp"] + 0.5), EXPIRED),
    "an exp without end": (lambda f: f.ours(exp=float("inf")), EXPIRED),
    "an exp that is no number": (lambda f: f.ours(exp=float("nan")), EXPIRED),
    "an exp that is true": (lambda f: f.ours(exp=True, nbf=False), EXPIRED),
    "an exp before 1970": (lambda f: f.ours(exp=-1), EXPIRED),
    "an exp that is over": (lambda f: f.ours(exp=f.claims["nbf"] + 1), EXPIRED),
    "an nbf to come": (lambda f: f.ours(nbf=f.claims["exp"] - 1), EXPIRED),
    "no nbf": (lambda f: f.ours(nbf=None), EXPIRED),
    "no aud": (lambda f: f.ours(aud=None), AUDIENCE),
    "an aud that is a list": (lambda f: f.ours(aud=[f.claims["aud"]]), AUDIENCE),
    "the aud of another API": (lambda f: f.ours(aud="https://vault.azure.net"), AUDIENCE),
    "an aud that begins like Graph": (
        lambda f: f.ours(aud="https://graph.microsoft.com.example"), AUDIENCE),
    "the app as aud": (lambda f: f.ours(aud=f.claims["appid"]), AUDIENCE),
    "no iss": (lambda f: f.ours(iss=None), ISSUER),
    "an iss that is a list": (lambda f: f.ours(iss=[f.claims["iss"]]), ISSUER),
    "the iss of another sandbox": (
        lambda f: f.ours(iss=f"http://localhost:1/{f.claims['tid']}/"), ISSUER),
    "the iss of version 2": (lambda f: f.ours(iss=f.claims["iss"] + "v2.0"), ISSUER),
    "another tid": (lambda f: f.ours(tid=ELSEWHERE), ISSUER),
    "Microsoft's iss": (lambda f: f.ours(iss="https://sts.windows.net/x/"), MICROSOFTS),
    "no tid": (lambda f: f.ours(tid=None), MALFORMED),
    "an oid that is a number": (lambda f: f.ours(oid=7), MALFORMED),
    "no sign-in": (lambda f: f.ours(rh=None), MALFORMED),
    "an oid from nowhere": (lambda f: f.ours(oid=ELSEWHERE), NOBODY),
    "an app from nowhere": (lambda f: f.ours(appid=ELSEWHERE), NO_APP),
}  # fmt: skip


def test_the_forger_can_sign_as_the_sandbox_does(sandbox, http, forger):
    for token in (forger.good, forger.ours(), forger.pieces()):
        assert entra.me(sandbox, http, token).status_code == 200


@pytest.mark.parametrize("name", [*MANGLED, *BY_OUR_KEY])
def test_a_forged_token_opens_nothing(sandbox, http, forger, name):
    make, words = (MANGLED | BY_OUR_KEY)[name]
    (said,) = refusals(sandbox, http, make(forger))
    assert said.startswith(words)


# Good once, or good for something else


def test_other_tokens_are_no_access_tokens(sandbox, http):
    code = entra.sign_in(sandbox, http)["code"]
    fields = entra.redeem(sandbox, http, code).json()
    assert refusals(sandbox, http, fields["id_token"]) == {AUDIENCE}
    assert refusals(sandbox, http, fields["refresh_token"]) == {MALFORMED}
    assert refusals(sandbox, http, code) == {MALFORMED}
    code = entra.sign_in(sandbox, http, "v1")["code"]
    unsigned = entra.redeem(sandbox, http, code, "v1").json()["id_token"]
    assert refusals(sandbox, http, unsigned) == {SIGNATURE}


def test_another_sandboxes_tokens_are_refused(sandbox, http):
    with graphsandbox.running() as other:
        token, sealed = client.access_token(other, http), personal(other, http)
    http.cookies.clear()
    assert refusals(sandbox, http, token) == {SIGNATURE}
    assert refusals(sandbox, http, sealed) == {MALFORMED}


def test_a_revoked_token_is_refused(sandbox, http):
    code = client.sign_in(sandbox, http)["code"]
    token = client.redeem(sandbox, http, code).json()["access_token"]
    assert client.redeem(sandbox, http, code).status_code == 400
    assert refusals(sandbox, http, token) == {"Access token has been revoked."}


@pytest.mark.parametrize("seconds", [-400, 3601])
def test_the_clock_is_asked(sandbox, http, seconds):
    tokens = client.access_token(sandbox, http), personal(sandbox, http)
    entra.advance(sandbox, http, seconds)
    for token in tokens:
        assert refusals(sandbox, http, token) == {EXPIRED}


def test_a_token_of_a_deleted_app_is_refused(sandbox, http):
    app = entra.register(
        sandbox, http, display_name="Short-lived", redirect_uris=[entra.REDIRECT_URI]
    )
    code = entra.sign_in(app, http)["code"]
    token = entra.redeem(app, http, code).json()["access_token"]
    assert entra.me(sandbox, http, token).status_code == 200
    page = http.get(f"{sandbox.portal}/apps/{app.client_id}/delete")
    entra.press(http, page)
    answer = entra.me(sandbox, http, token)
    assert answer.json()["error"]["code"] == "Authorization_IdentityNotFound"
    assert refusals(sandbox, http, token) == {NO_APP}


# Changed by one character


def personal(sandbox, http):
    """Return a sealed access token: one of a personal account."""
    app = entra.register(
        sandbox,
        http,
        display_name="For everybody",
        redirect_uris=[entra.REDIRECT_URI],
        sign_in_audience="AzureADandPersonalMicrosoftAccount",
    )
    with client.browser() as own:
        code = entra.sign_in(app, own, user="alan@outlook.example", scope="User.Read")["code"]
        return entra.redeem(app, own, code).json()["access_token"]


@pytest.fixture(scope="module")
def tokens(sandbox_of_this_file, forger):
    """One token of each form, both good, and a connection to try them on."""
    with client.browser() as http:
        sealed = personal(sandbox_of_this_file, http)
        assert entra.me(sandbox_of_this_file, http, sealed).status_code == 200
        yield {"signed": forger.good, "sealed": sealed}, http


@pytest.mark.parametrize("form", ["signed", "sealed"])
def test_the_last_character_has_no_second_spelling(sandbox_of_this_file, tokens, form):
    texts, http = tokens
    good = texts[form].rstrip("=")
    rest = texts[form][len(good) :]
    for other in set(IN_TOKENS + "+/") - {good[-1]}:
        answer = entra.me(sandbox_of_this_file, http, good[:-1] + other + rest)
        assert refusal(answer) in (SIGNATURE, MALFORMED)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), form=st.sampled_from(["signed", "sealed"]))
def test_a_token_with_one_character_changed_is_refused(sandbox_of_this_file, tokens, data, form):
    texts, http = tokens
    good = texts[form]
    place = data.draw(st.integers(0, len(good) - 1))
    piece = data.draw(st.sampled_from(["", *IN_TOKENS, *".+/=~", good[place] * 2]))
    assume(piece != good[place])
    refusal(entra.me(sandbox_of_this_file, http, good[:place] + piece + good[place + 1 :]))


@settings(max_examples=150, deadline=None)
@given(text=st.one_of(
    st.text(st.characters(codec="ascii", exclude_categories=["Cc"])),
    st.from_regex(r"[A-Za-z0-9_-]{0,40}(\.[A-Za-z0-9_-]{0,40}){1,5}", fullmatch=True),
    st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner)
        | st.dictionaries(st.sampled_from(["alg", "kid", "nonce", "typ", "crit", "b64"]), inner))
        .map(lambda header: f"{part(header)}.e30.AAAA"),
))  # fmt: skip
def test_random_text_is_refused(sandbox_of_this_file, tokens, text):
    refusal(entra.me(sandbox_of_this_file, tokens[1], text))
