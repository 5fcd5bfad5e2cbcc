"""`python -m graphsandbox.visit`: the browser that notebooks use when nobody is there."""

import http.server
import sys
import threading
from urllib.parse import parse_qs, urlsplit

import pytest

import graphsandbox
from graphsandbox import visit
from tests.sandbox import client

PATH = "/connect/get_token/"


class App(http.server.ThreadingHTTPServer):
    """The app at the end of the sign-in: it notes what the browser brings."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), AppHandler)
        self.status, self.brought = 200, []

    @property
    def redirect_uri(self):
        return f"http://127.0.0.1:{self.server_port}{PATH}"


class AppHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer("GET", urlsplit(self.path).query)

    def do_POST(self):
        self.answer("POST", self.rfile.read(int(self.headers["Content-Length"])).decode())

    def answer(self, method, fields):
        brought = {name: value[0] for name, value in parse_qs(fields).items()}
        self.server.brought.append((method, self.path.split("?")[0], brought))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        if self.server.status == 302:
            self.server.status = 200
            self.send_header("Location", "/done")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def app():
    with App() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def visited(sandbox, app, capsys, monkeypatch):
    """Visit a sign-in link; return the exit code and what stderr says."""

    def go(*options, url=None, **changes):
        url = url or client.sign_in_url(sandbox, **{"redirect_uri": app.redirect_uri} | changes)
        monkeypatch.setattr(sys, "argv", ["visit", *options, url])
        code = visit.main()
        out, err = capsys.readouterr()
        assert out == ""
        return code, err

    return go


def test_a_visit_brings_the_code_to_the_app_and_says_nothing(visited, app):
    assert visited() == (0, "")
    [(method, path, brought)] = app.brought
    assert (method, path, brought["state"]) == ("GET", PATH, "s-1")
    assert brought["code"]


def test_form_post_is_sent_on_as_a_form(visited, app):
    assert visited(response_mode="form_post") == (0, "")
    [(method, _, brought)] = app.brought
    assert method == "POST" and brought["code"] and brought["state"] == "s-1"


def test_a_fragment_stays_in_the_browser(visited, app):
    assert visited(response_mode="fragment") == (0, "")
    assert app.brought == [("GET", PATH, {})]


def test_the_account_can_be_chosen(visited, app, sandbox, http):
    assert visited("--user", "grace@contoso.example")[0] == 0
    redeemed = client.redeem(
        sandbox, http, app.brought[0][2]["code"], redirect_uri=app.redirect_uri
    ).json()
    headers = client.bearer(redeemed["access_token"])
    assert http.get(f"{sandbox.graph}/v1.0/me", headers=headers).json()["givenName"] == "Grace"


@pytest.mark.parametrize(
    "name", ["mary@fabrikam.example", "mary_fabrikam.example#EXT#@contoso.example"]
)
def test_a_guest_is_chosen_by_either_address(visited, app, sandbox, http, name):
    assert visited("--user", name)[0] == 0
    redeemed = client.redeem(
        sandbox, http, app.brought[0][2]["code"], redirect_uri=app.redirect_uri
    ).json()
    headers = client.bearer(redeemed["access_token"])
    assert http.get(f"{sandbox.graph}/v1.0/me", headers=headers).json()["givenName"] == "Mary"


def test_an_unknown_account_is_a_dead_end(visited, app):
    code, err = visited("--user", "nobody@contoso.example")
    assert code == 1 and "no account nobody@contoso.example" in err
    assert app.brought == []


def test_declining_brings_the_refusal_to_the_app(visited, app):
    app.status = 400
    code, err = visited("--decline")
    assert code == 1 and "answered 400" in err
    assert app.brought[0][2]["error"] in ("access_denied", "consent_required")


def test_cancelling_brings_it_too(visited, app):
    visited("--cancel")
    assert app.brought[0][2]["error"] == "access_denied"
    assert app.brought[0][2]["error_subcode"] == "cancel"


def test_declining_where_no_consent_is_asked_is_signing_in(visited, app):
    assert visited()[0] == 0
    assert visited("--decline")[0] == 0
    assert visited("--decline", prompt="consent")[0] == 0
    assert ["code" in brought for _, _, brought in app.brought] == [True, True, False]


def test_the_apps_own_redirect_is_followed(visited, app):
    app.status = 302
    assert visited() == (0, "")
    assert [path for _, path, _ in app.brought] == [PATH, "/done"]


def test_a_device_code_is_visited_to_its_end(visited, sandbox, http):
    public = http.post(f"{sandbox.authority}/_control/register", json={"platform": "publicClient"})
    asked = {"client_id": public.json()["client_id"], "scope": "User.Read"}
    flow = http.post(f"{sandbox.authority}/common/oauth2/v2.0/devicecode", asked).json()
    page = f"{flow['verification_uri']}?otc={flow['user_code']}"
    assert visited(url=page) == (0, "")
    assert visited(url=page)[0] == 1  # it is spent


def test_an_error_page_of_the_platform_is_told_in_one_line(visited, app):
    code, err = visited(client_id="11111111-2222-4333-8444-555555555555")
    assert code == 1
    assert err.count("\n") == 1 and "AADSTS700016" in err
    assert app.brought == []


def test_an_app_that_is_not_there_is_told_in_one_line(visited):
    code, err = visited(redirect_uri=f"http://127.0.0.1:9{PATH}")
    assert code == 1
    assert err.count("\n") == 1 and "did not answer" in err and "code=" not in err


@pytest.mark.parametrize(
    "url", ["https://login.microsoftonline.com/common/", "nonsense", "http://["]
)
def test_nothing_but_this_machine_is_visited(visited, url):
    code, err = visited(url=url)
    assert code == 1 and err.count("\n") == 1


def test_over_tls_the_authority_can_be_given(run, app):
    with graphsandbox.running(tls=True) as sandbox:
        url = client.sign_in_url(sandbox, redirect_uri=app.redirect_uri)
        process = run("-m", "graphsandbox.visit", url, "--ca", sandbox.ca)
        assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == 0


def test_an_authority_that_is_not_there_is_told_in_one_line(visited):
    code, err = visited("--ca", "/nowhere/ca.pem", url="https://localhost:9/")
    assert code == 1 and err.count("\n") == 1 and "/nowhere/ca.pem" in err


def test_over_tls_the_authority_of_this_home_is_known(app, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPHSANDBOX_HOME", str(tmp_path))
    with graphsandbox.running(tmp_path, tls=True) as sandbox:
        url = client.sign_in_url(sandbox, redirect_uri=app.redirect_uri)
        monkeypatch.setattr(sys, "argv", ["visit", url])
        assert visit.main() == 0


def test_no_proxy_sees_a_visit(visited, app, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert visited() == (0, "")
