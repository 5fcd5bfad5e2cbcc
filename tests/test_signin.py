import hashlib
import re
from base64 import urlsafe_b64encode
from urllib.parse import parse_qsl, urlsplit

import pytest

from graphhelpers import CHINA, DEFAULT_REDIRECT_URI, Registration, RegistrationError, start_sign_in
from graphhelpers.signin import code_challenge

APP = Registration("11112222-bbbb-3333-cccc-4444dddd5555")


def query_of(attempt) -> dict[str, str]:
    pairs = parse_qsl(urlsplit(attempt.url).query, keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


@pytest.mark.case("N37")
@pytest.mark.case("F065", "N06", "N24", "N35")
def test_the_link_holds_what_rfc_6749_and_pkce_ask_for():
    attempt = start_sign_in(APP)
    assert attempt.url.startswith("https://login.microsoftonline.com/common/oauth2/v2.0/authorize?")
    assert query_of(attempt) == {
        "client_id": APP.client_id,
        "response_type": "code",
        "redirect_uri": DEFAULT_REDIRECT_URI,
        "response_mode": "query",
        "scope": "openid profile offline_access User.Read Mail.Send",
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": code_challenge(attempt.code_verifier),
        "code_challenge_method": "S256",
    }


def test_version_1_is_the_articles_request_with_its_holes_closed():
    attempt = start_sign_in(APP, endpoint="v1")
    assert attempt.url.startswith("https://login.microsoftonline.com/common/oauth2/authorize?")
    article = {"client_id", "redirect_uri", "response_type"}
    added = {"state", "nonce", "code_challenge", "code_challenge_method"}
    assert set(query_of(attempt)) == article | added


@pytest.mark.case("N24", "N25")
def test_the_challenge_is_the_example_of_rfc_7636():
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636, appendix B
    assert code_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.case("N27", "N30")
def test_the_verifier_stays_here_and_only_its_hash_travels():
    attempt = start_sign_in(APP)
    assert attempt.code_verifier not in attempt.url
    assert attempt.code_verifier not in repr(attempt) + attempt._repr_html_()
    digest = hashlib.sha256(attempt.code_verifier.encode()).digest()
    assert urlsafe_b64encode(digest).rstrip(b"=").decode() in attempt.url


def test_optional_parameters_are_sent_when_asked_for():
    attempt = start_sign_in(
        APP,
        response_mode="form_post",
        prompt="consent",
        login_hint="ada@contoso.example&prompt=none",
    )
    query = query_of(attempt)
    assert (query["response_mode"], query["prompt"]) == ("form_post", "consent")
    assert query["login_hint"] == "ada@contoso.example&prompt=none"


def test_another_cloud_and_tenant_change_the_address_only():
    app = Registration(APP.client_id, tenant="contoso.example", cloud=CHINA)
    page = start_sign_in(app).url.split("?")[0]
    assert page == (
        "https://login.partner.microsoftonline.cn/contoso.example/oauth2/v2.0/authorize"
    )


@pytest.mark.case("F061")
@pytest.mark.parametrize(
    "scopes", [(), "", ["a b"], ["Mail.Send,User.Read"], [""], ["a\nb"], ["ä"]]
)
def test_a_scope_list_that_no_service_takes_is_refused(scopes):
    with pytest.raises(RegistrationError, match="scopes"):
        start_sign_in(APP, scopes)


@pytest.mark.case("F061", "N05")
def test_scopes_may_be_one_string_and_doubles_go():
    assert query_of(start_sign_in(APP, "openid  User.Read openid"))["scope"] == "openid User.Read"


@pytest.mark.parametrize("wrong", [{"prompt": "always"}, {"response_mode": "fragment"}])
def test_a_parameter_that_no_service_takes_is_refused(wrong):
    with pytest.raises(RegistrationError, match="prompt"):
        start_sign_in(APP, **wrong)


def test_what_is_printed_of_an_attempt_is_its_page_and_no_query():
    attempt = start_sign_in(APP)
    page = "https://login.microsoftonline.com/common/oauth2/v2.0/authorize"
    assert repr(attempt) == f"SignIn(endpoint='v2.0', url='{page}', …)"
    assert f"<code>{page}</code>" in attempt._repr_html_()
    with pytest.raises(AttributeError):
        attempt.state = "another"


def test_the_shown_link_is_a_real_one_and_opens_beside_the_notebook():
    html = start_sign_in(APP)._repr_html_()
    assert re.search(r'<a href="https://[^"<>]+" target="_blank"', html)
    assert "&amp;state=" in html
