"""Three learners of one class, at once, on a real hub: what they can do, and what they cannot."""

import json
import re
from urllib.parse import urlsplit

import pytest
import requests

from tests.hub.learner import Learner
from tests.node import ROOT
from tests.sandbox.stripping import LIES
from tests.solved import SIGN_INS
from tools.notebook_pictures import code_outputs

NAMES = ("ada", "bob", "cyd")
TO_THE_NEXT = "send_mail(app, token, Message('From {}', 'Good morning', to='{}@contoso.example'))"
CONTROL = [
    ("POST", "faults"), ("DELETE", "faults"), ("POST", "limits"), ("GET", "requests"),
    ("GET", "mailbox"), ("POST", "clock"), ("POST", "register"), ("POST", "reset"),
    ("POST", "keys"), ("GET", "ready"), ("POST", "owners"), ("POST", "join"), ("GET", "anything"),
]  # fmt: skip
A_LEARNERS = {("GET", "mailbox"), ("POST", "register"), ("POST", "join")}


@pytest.fixture(scope="module")
def learners(hub, browser):
    """Ada, Bob and Cyd, each in a browser of their own, logged in to the hub."""
    windows = [browser.new_context(viewport={"width": 1280, "height": 900}) for _ in NAMES]
    them = [Learner(hub, *one, one[1].new_page()) for one in zip(NAMES, windows, strict=True)]
    for one in them:
        one.arrive()
    for one in them:
        one.await_notebook("notebooks/01_register.ipynb")
    yield them
    for one in windows:
        one.close()


ALONE = """
import os
del os.environ["GRAPHSANDBOX_SERVICE_URL"]  # as on a hub without a class,
del os.environ["JUPYTERHUB_PUBLIC_URL"]  # and that doesn't tell its address
"""
TOKEN = """
from graphhelpers import exchange_code, verify_id_token, whoami
token = exchange_code(app, attempt, code)
claims = verify_id_token(app, attempt, token)
me = whoami(app, token)
"""


@pytest.fixture(scope="module")
def alone(learners, hub):
    """Cyd, after chapter 2 with a sandbox of her own, which her kernel started."""
    cyd = learners[2]
    cyd.lay_out("alone.ipynb", "02_signin", ALONE, TOKEN)
    cyd.open("alone.ipynb")  # a kernel of its own
    cyd.run_all()
    tab = cyd.sign_in(0, "ada@contoso.example")  # it knows the sample people only
    assert tab.url.startswith(f"{hub.url}/user/cyd/proxy/")
    tab.close()
    assert "fetch(" not in json.dumps(cyd.finish())  # by which the browser was asked
    return cyd


@pytest.fixture(scope="module")
def taught(learners):
    """The same, after all four chapters, which they did side by side; the last is still open."""
    for chapter, sign_ins in SIGN_INS.items():
        for one in learners:
            one.open(f"notebooks/{chapter}.ipynb")
        for one in learners:
            one.run_all()
        for number in range(sign_ins):
            for one in learners:
                one.sign_in(number).close()
        for one in learners:
            shown = one.finish()
            if chapter == "02_signin":  # a stale answer came to the listener, not to the hub
                assert "400\n" in [output.get("text") for *_, output in code_outputs(shown)]
    for one, after in zip(learners, NAMES[1:] + NAMES[:1], strict=True):
        one.says(TO_THE_NEXT.format(one.name, after))
    return learners


@pytest.fixture
def ada(taught):
    return taught[0]


@pytest.fixture
def bob(taught):
    return taught[1]


@pytest.fixture
def http():
    with requests.Session() as session:
        session.trust_env = False
        yield session


def as_kernel(learner) -> dict[str, str]:
    """Return the headers that a learner's kernel sends to `/_control`."""
    return {"Authorization": learner.says("sandbox.headers['Authorization']").strip("'")}


def subjects(http, hub, learner) -> set[str]:
    mails = http.get(f"{hub.sandbox}/_control/mailbox", headers=as_kernel(learner)).json()
    return {re.sub(" #.*", "", one["subject"]) for one in mails}


def test_each_is_given_the_chapters_and_begins_at_the_first(learners, hub):
    files = [*(ROOT / "notebooks").glob("*.ipynb"), ROOT / "README.md"]
    for one in learners:
        for file in files:
            own = hub.home(one.name) / file.relative_to(ROOT)
            assert own.read_bytes() == file.read_bytes()


def test_a_sandbox_of_ones_own_is_reached_through_the_hub_by_clicks(alone, hub):
    prefix = f"{hub.url}/user/cyd/proxy/"
    assert alone.says("sandbox.public").startswith(f"'{prefix}")
    assert alone.says("attempt.url").startswith(f"'{prefix}")
    assert alone.says("me['userPrincipalName']") == "'ada@contoso.example'"
    assert alone.says("claims['iss'].startswith(sandbox.authority)") == "True"
    assert alone.says("sandbox.authority").startswith("'http://localhost:")


def test_kit_and_sandbox_agree_on_the_redirect_uri_of_a_hub(alone, taught):
    for one in (alone, *taught):
        said = one.says("__import__('graphhelpers').suggest_redirect_uri().uri")
        assert said == one.says("sandbox.redirect_uris[0]") == one.says("app.redirect_uri")


def test_each_has_done_four_chapters_as_themselves(taught):
    for one in taught:
        assert one.says("me['userPrincipalName']") == repr(one.address)


def test_they_mail_each_other_and_each_sees_their_own_mail_only(taught, hub, http):
    before = dict(zip(NAMES, NAMES[-1:] + NAMES[:-1], strict=True))
    for one in taught:
        own = {"Hello from chapter 4", f"From {one.name}", f"From {before[one.name]}"}
        assert subjects(http, hub, one) == own
        page = one.window.new_page()
        page.goto(f"{hub.service}/mailbox")
        page.get_by_role("link", name=f"From {before[one.name]}").click()
        page.get_by_text("Good morning").wait_for()
        assert page.get_by_text(f"as {one.address} sees it").is_visible()
        page.close()


def test_a_code_is_typed_at_an_address_that_the_browser_reaches(ada, hub):
    page = ada.says("__import__('graphhelpers').start_device_sign_in(app).verification_uri")
    assert page == repr(f"{hub.service}/devicelogin")


def test_the_portal_shows_each_their_own_registrations(taught, hub):
    for one in taught:
        page = one.window.new_page()
        page.goto(f"{hub.service}/portal")
        names = page.locator("table a").all_text_contents()
        assert names == ["My mail app", f"App of {one.name.title()}"]
        page.close()


def test_another_learners_registration_is_not_there(ada, bob, hub):
    client_id = ada.says("app.client_id").strip("'")
    for path in ("", "/secrets", "/manifest", "/permissions", "/authentication", "/delete"):
        answer = bob.window.request.get(f"{hub.service}/portal/apps/{client_id}{path}")
        assert answer.status == 404
    link = ada.says("app.cloud.endpoint('common', 'authorize')")
    query = {"client_id": client_id, "response_type": "code", "scope": "openid"}
    answer = bob.window.request.get(link.strip("'"), params=query)
    assert answer.status == 400 and "AADSTS700016" in answer.text()


def test_another_learners_mail_is_not_there(ada, bob, hub, http):
    mails = http.get(f"{hub.sandbox}/_control/mailbox", headers=as_kernel(ada)).json()
    assert mails
    for one in mails:
        for path in ("", "/body", "/mime"):
            assert bob.window.request.get(f"{hub.service}/mailbox/{one['id']}{path}").status == 404
    for query in (f"user={ada.address}", f"user={ada.address}&folder=sentitems"):
        answer = bob.window.request.get(f"{hub.service}/mailbox?{query}")
        assert answer.status == 404


def test_a_learners_token_opens_no_other_mailbox_at_graph(ada, bob, hub, http):
    token = {
        "Authorization": f"Bearer {bob.says('str.__str__(token.access_token)').strip(chr(39))}"
    }
    me = http.get(f"{hub.sandbox}/v1.0/me", headers=token).json()
    assert me["userPrincipalName"] == bob.address
    for path in ("messages", "mailFolders/inbox/messages"):
        answer = http.get(f"{hub.sandbox}/v1.0/users/{ada.address}/{path}", headers=token)
        assert answer.status_code in (403, 404)
    mail = {"message": {"subject": "Not mine", "toRecipients": []}}
    url = f"{hub.sandbox}/v1.0/users/{ada.address}/sendMail"
    assert http.post(url, json=mail, headers=token).status_code in (403, 404)


@pytest.mark.parametrize(("method", "what"), CONTROL)
def test_the_control_is_the_services_own(bob, hub, http, method, what):
    for base in (hub.sandbox, hub.service):
        url = f"{base}/_control/{what}"
        for headers in ({}, {"Authorization": "token made-up"}, {"Authorization": "token "}):
            assert http.request(method, url, headers=headers, json={}).status_code == 403
        if (method, what) not in A_LEARNERS:
            assert http.request(method, url, headers=as_kernel(bob), json={}).status_code == 403
        assert bob.window.request.fetch(url, method=method).status == 403


def test_the_services_token_opens_all_of_the_control(hub, taught, http):
    headers = {"Authorization": f"token {hub.token}"}
    assert http.get(f"{hub.sandbox}/_control/requests", headers=headers).ok
    mails = http.get(f"{hub.sandbox}/_control/mailbox", headers=headers).json()
    assert {f"From {name}" for name in NAMES} < {one["subject"] for one in mails}


def test_the_hub_lets_nobody_to_another_learners_ports(ada, bob, hub):
    port = urlsplit(hub.sandbox).port
    for path in (f"proxy/{port}/static/sandbox.css", f"proxy/absolute/{port}/", "lab"):
        there = bob.window.request.get(f"{hub.url}/user/ada/{path}")
        assert there.status == 403, path
        assert "Sandbox" not in there.text()
    assert ada.window.request.get(f"{hub.url}/user/ada/proxy/{port}/static/sandbox.css").ok


LISTENS = (
    "exec('from graphhelpers import CallbackServer, start_sign_in\\n"
    "mine = start_sign_in(app)\\nlistens = CallbackServer(app, mine).start()')"
)


def test_a_code_for_ada_that_is_brought_to_bob_is_not_taken(ada, bob, hub):
    for one in (ada, bob):
        one.says(LISTENS)
    link = ada.says("mine.url").strip("'")
    answer = ada.window.request.get(link, max_redirects=0)
    brought = answer.headers["location"]
    assert brought.startswith(f"{hub.url}/user/ada/proxy/") and "code=" in brought
    query = brought.partition("?")[2]
    at_bob = bob.says("app.redirect_uri").strip("'")
    for headers in ({}, LIES):
        refused = bob.window.request.get(f"{at_bob}?{query}", headers=headers)
        assert refused.status == 400, refused.text()
        assert bob.window.request.get(brought, headers=headers).status == 403
    taken = ada.window.request.get(brought, headers=LIES)
    assert taken.ok and "You can close this tab" in taken.text()
    assert ada.says("listens.wait(5) != ''") == "True"
    assert bob.says("listens._answer.done()") == "False"
    for one in (ada, bob):
        one.says("listens.stop()")


@pytest.mark.parametrize("path", ["/", "/portal", "/mailbox", "/devicelogin"])
def test_forged_forwarding_changes_no_page_of_the_class(ada, hub, path):
    plain = ada.window.request.get(hub.service + path)
    forged = ada.window.request.get(hub.service + path, headers=LIES)
    assert (plain.status, plain.text()) == (forged.status, forged.text())
    assert "evil" not in forged.text()


def test_a_stranger_is_sent_to_the_hub_and_by_no_forged_address(hub, learners, http):
    for path in ("/portal", "/mailbox", "/", "/common/oauth2/v2.0/authorize?client_id=x"):
        answer = http.get(hub.service + path, headers=LIES, allow_redirects=False)
        assert answer.status_code == 303
        where = answer.headers["location"]
        assert where.startswith(f"{hub.url}/hub/api/oauth2/authorize?client_id=service-")
        assert "evil" not in where


def test_nobodys_hub_token_or_cookie_is_in_a_log_or_a_notebook(taught, hub):
    for one in taught:
        secret = as_kernel(one)["Authorization"].removeprefix("token ")
        assert secret not in hub.log()
        for notebook in hub.home(one.name).rglob("*.ipynb"):
            assert secret not in notebook.read_text()
