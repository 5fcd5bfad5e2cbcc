"""Class mode's own rules, one by one, beside a hub that is only pretended."""

import json
import re
import subprocess
import sys
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests

from graphsandbox import membership
from graphsandbox.people import People
from graphsandbox.store import Store
from tests.hub.pretend import PUBLIC, SERVICE, running_class, variables

HUB = {"Host": "hub.example"}


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    with running_class(tmp_path_factory.mktemp("class")) as one:
        yield one


@pytest.fixture
def room(classes):
    """A class without mails; its learners stay."""
    with requests.Session() as service:
        service.trust_env = False
        headers = {"Authorization": f"token {SERVICE}"}
        assert service.post(f"{classes.authority}/_control/reset", headers=headers).ok
    return classes


class Kernel(requests.Session):
    """A learner's programs: they have the learner's hub token, and no browser."""

    def __init__(self, room, name):
        super().__init__()
        self.trust_env = False
        self.room, self.headers["Authorization"] = room, f"token learner-{name}"

    def request(self, method, url, **more):
        return super().request(method, urljoin(self.room.authority, url), **{"timeout": 10} | more)

    def join(self, server="/user/x/", port=20_001):
        return self.post("/_control/join", json={"server": server, "port": port})

    def tokens(self, scope="openid User.Read Mail.Send Mail.Read"):
        """Sign in by the pages, and return what the code buys."""
        app = self.join().json()
        query = {"client_id": app["client_id"], "response_type": "code", "scope": scope}
        query["redirect_uri"] = app["redirect_uris"][0]
        page = self.get("/common/oauth2/v2.0/authorize", params=query, allow_redirects=False)
        while page.status_code != 302:
            if page.is_redirect:
                page = self.get(urljoin(page.url, page.headers["location"]), allow_redirects=False)
                continue
            csrf = re.search('name="csrf" value="([^"]+)"', page.text)[1]
            press = (
                {"consent": "accept"} if 'name="consent"' in page.text else {"user": app["user"]}
            )
            page = self.post(page.url, data={"csrf": csrf, **press}, allow_redirects=False)
        form = {name: app[name] for name in ("client_id", "client_secret")}
        form |= {"code": parse_qs(urlsplit(page.headers["location"]).query)["code"][0]}
        form |= {"grant_type": "authorization_code", "redirect_uri": query["redirect_uri"]}
        bought = requests.post(f"{self.room.authority}/common/oauth2/v2.0/token", form, timeout=10)
        return bought.json()

    def mail(self, subject, **recipients):
        token = self.tokens()["access_token"]
        fields = {f"{kind}Recipients": [{"emailAddress": {"address": one}} for one in addresses]
                  for kind, addresses in recipients.items()}  # fmt: skip
        message = {"subject": subject, "body": {"contentType": "Text", "content": "…"}, **fields}
        headers = {"Authorization": f"Bearer {token}"}
        return self.post("/v1.0/me/sendMail", json={"message": message}, headers=headers)


@pytest.fixture
def kernel(room):
    made = []

    def start(name):
        made.append(Kernel(room, name))
        return made[-1]

    yield start
    for one in made:
        one.close()


def test_who_joins_gets_an_app_a_user_and_a_redirect_uri_of_their_own(kernel):
    ada = kernel("ada").join("/user/ada/").json()
    bob = kernel("bob").join("/user/bob/", 20_002).json()
    assert (ada["user"], bob["user"]) == ("ada@contoso.example", "bob@contoso.example")
    for name in ("client_id", "client_secret"):
        assert ada[name] != bob[name]
    first = [one["redirect_uris"][0] for one in (ada, bob)]
    assert first == [f"https://hub.example/user/{name}/proxy/{port}/connect/get_token/"
                     for name, port in (("ada", 20_001), ("bob", 20_002))]  # fmt: skip
    assert ada["public"] == PUBLIC and ada["portal"] == f"{PUBLIC}/portal"
    assert ada["authority"].startswith("http://localhost:")


def test_who_joins_again_gets_the_same_app_and_each_servers_redirect_uri(kernel):
    once, again = kernel("ada").join("/user/ada/").json(), kernel("ada").join("/user/ada/two/")
    assert again.json()["client_secret"] == once["client_secret"]
    apps = kernel("ada").get(f"/portal/apps/{once['client_id']}/manifest").text
    assert "/user/ada/proxy/" in apps and "/user/ada/two/proxy/" in apps


@pytest.mark.parametrize("server", [None, 1, "", "user/ada/", "//evil.example/", "/a/?b/", "/a b/"])
def test_a_server_is_a_path_of_the_hub(kernel, server):
    assert kernel("ada").join(server).status_code == 400


@pytest.mark.parametrize("port", [None, 0, 65536, -1, "20001", 1.5, True])
def test_a_port_is_a_number_of_a_port(kernel, port):
    assert kernel("ada").join("/user/ada/", port).status_code == 400


@pytest.mark.parametrize("token", ["elsewhere-ada", "machine-ada", "made-up", SERVICE + "x"])
def test_a_token_that_the_hub_gave_for_elsewhere_opens_nothing(room, kernel, token):
    nobody = kernel("ada")
    nobody.headers["Authorization"] = f"token {token}"
    for method, path in (("POST", "/_control/join"), ("GET", "/mailbox"), ("GET", "/portal")):
        assert nobody.request(method, path).status_code == 403


def test_bcc_is_the_senders_secret_also_at_the_side_door(kernel):
    ada, bob, cyd = kernel("ada"), kernel("bob"), kernel("cyd")
    for one in (bob, cyd):
        one.join()
    sent = ada.mail("Guess", to=["bob@contoso.example"], bcc=["cyd@contoso.example"])
    assert sent.status_code == 202
    seen = {one: one.get("/_control/mailbox").json() for one in (ada, bob, cyd)}
    assert [len(mails) for mails in seen.values()] == [1, 1, 1]
    assert seen[ada][0]["recipients"] == ["bob@contoso.example", "cyd@contoso.example"]
    assert seen[bob][0]["recipients"] == seen[cyd][0]["recipients"] == ["bob@contoso.example"]


def test_a_mail_to_oneself_is_one_mail(kernel):
    ada = kernel("ada")
    ada.mail("Note", to=["ada@contoso.example"])
    assert [one["subject"] for one in ada.get("/_control/mailbox").json()] == ["Note"]


def test_another_learners_device_is_not_let_in(room, kernel):
    ada, bob = kernel("ada"), kernel("bob")
    wish = {"display_name": "TV", "platform": "publicClient", "redirect_uris": []}
    client_id = ada.post("/_control/register", json=wish).json()["client_id"]
    form = {"client_id": client_id, "scope": "openid"}
    there = f"{room.authority}/common/oauth2/v2.0/devicecode"
    code = requests.post(there, form, timeout=10).json()["user_code"]
    assert "Pick an account" in ada.get("/devicelogin", params={"otc": code}).text
    stranger = bob.get("/devicelogin", params={"otc": code})
    assert stranger.status_code == 400 and "work. Check the code" in stranger.text


def test_only_the_learners_own_account_can_be_picked(kernel):
    ada = kernel("ada")
    kernel("bob").join()
    app = ada.join().json()
    query = {"client_id": app["client_id"], "response_type": "code", "scope": "openid"}
    query["redirect_uri"] = app["redirect_uris"][0]
    page = ada.get("/common/oauth2/v2.0/authorize", params=query)
    assert set(re.findall(r'name="user" value="([^"]+)"', page.text)) == {"ada@contoso.example"}
    csrf = re.search('name="csrf" value="([^"]+)"', page.text)[1]
    for other in ("bob@contoso.example", "grace@contoso.example"):
        answer = ada.post(page.url, data={"csrf": csrf, "user": other})
        assert "AADSTS50034" in answer.text


def test_a_post_logout_address_of_another_learner_is_not_followed(kernel):
    ada, bob = kernel("ada"), kernel("bob")
    there = ada.join("/user/ada/").json()["redirect_uris"][0]
    bob.join("/user/bob/")
    query = {"post_logout_redirect_uri": there}
    assert not bob.get(
        "/common/oauth2/v2.0/logout", params=query, allow_redirects=False
    ).is_redirect
    assert ada.get("/common/oauth2/v2.0/logout", params=query, allow_redirects=False).is_redirect


def test_who_has_the_name_of_a_sample_person_takes_their_place_and_not_their_power(kernel):
    grace = kernel("grace").tokens()
    headers = {"Authorization": f"Bearer {grace['access_token']}"}
    me = kernel("grace").get("/v1.0/me", headers=headers).json()
    assert (me["displayName"], me["jobTitle"]) == ("Grace", "Learner")


# The hub's own OAuth, as a browser meets it


class Browser(requests.Session):
    """A browser behind the hub's proxy, whose hops are looked at one by one."""

    def __init__(self, room):
        super().__init__()
        self.trust_env, self.room = False, room

    def open(self, path):
        headers = HUB | {"Cookie": "; ".join(f"{one.name}={one.value}" for one in self.cookies)}
        answer = self.get(
            self.room.authority + "/services/graphsandbox" + path,
            headers=headers,
            allow_redirects=False,
            timeout=10,
        )
        return answer

    def asked(self, path="/portal?done=saved"):
        """Open a page; return the state that the browser is sent to the hub with."""
        where = self.open(path).headers["location"]
        query = parse_qs(urlsplit(where).query)
        assert urlsplit(where).path == "/hub/api/oauth2/authorize"
        assert query["code_challenge_method"] == ["S256"]
        return query["state"][0]


@pytest.fixture
def browsers(room):
    made = [Browser(room), Browser(room)]
    yield made
    for one in made:
        one.close()


def jar(browser):
    """Make its cookies go with every request: the address is loopback, the path the hub's."""
    for one in list(browser.cookies):
        assert one.path == "/services/graphsandbox" and one.secure
        assert one.has_nonstandard_attr("HttpOnly")


def test_a_browser_comes_back_from_the_hub_to_the_page_it_wanted(browsers):
    state = browsers[0].asked()
    back = browsers[0].open(f"/oauth_callback?code=code-ada&state={state}")
    assert (back.status_code, back.headers["location"]) == (303, "./portal?done=saved")
    jar(browsers[0])
    page = browsers[0].open("/portal")
    assert page.ok and "as <bdi>ada@contoso.example</bdi> sees it" in page.text


def test_the_hubs_answer_is_taken_from_the_browser_that_asked_and_once(browsers):
    one, other = browsers
    state = one.asked()
    other.asked()
    assert other.open(f"/oauth_callback?code=code-bob&state={state}").status_code == 403
    state = one.asked()
    for wrong in ("", "made-up", other.asked()):
        assert one.open(f"/oauth_callback?code=code-ada&state={wrong}").status_code == 403
    assert one.open(f"/oauth_callback?code=code-ada&state={state}").status_code == 303
    assert one.open(f"/oauth_callback?code=code-ada&state={state}").status_code == 403


def test_a_refusal_of_the_hub_opens_nothing(browsers):
    state = browsers[0].asked()
    answer = browsers[0].open(f"/oauth_callback?error=access_denied&state={state}")
    assert answer.status_code == 403
    assert browsers[0].open("/portal").status_code == 303


def test_no_page_wanted_leads_out_of_the_sandbox(browsers):
    state = browsers[0].asked("//evil.example/x")
    back = browsers[0].open(f"/oauth_callback?code=code-ada&state={state}")
    where = urljoin(f"{PUBLIC}/oauth_callback", back.headers["location"])
    assert where.startswith(f"{PUBLIC}/")


def test_no_one_is_let_in_when_the_hub_does_not_answer(tmp_path):
    with running_class(tmp_path) as room:
        ada = Kernel(room, "ada")
        room.hub.shutdown()
        room.hub.server_close()
        for method, path in (("GET", "/portal"), ("GET", "/mailbox"), ("POST", "/_control/join")):
            assert ada.request(method, path).status_code == 502
        assert ada.get("/common/v2.0/.well-known/openid-configuration").ok
        ada.close()


# What is open as at Microsoft, and what stays the same from one start to the next


@pytest.mark.parametrize(
    "path",
    ["/common/v2.0/.well-known/openid-configuration", "/common/discovery/v2.0/keys",
     "/static/sandbox.css", "/error?code=50034"],
)  # fmt: skip
def test_what_is_public_at_microsoft_is_public_here(room, path):
    assert requests.get(room.authority + path, timeout=10).ok


@pytest.mark.parametrize(
    "path",
    ["/", "/portal", "/portal/new", "/mailbox", "/mailbox/x/body", "/devicelogin", "/nowhere",
     "/common/oauth2/authorize", "/common/oauth2/v2.0/authorize", "/common/adminconsent",
     "/common/oauth2/v2.0/logout", "//portal", "/static/../portal"],
)  # fmt: skip
def test_all_else_wants_a_learner(room, path):
    with requests.Session() as session:
        request = requests.Request("GET", room.authority).prepare()
        request.url = room.authority + path
        answer = session.send(request, allow_redirects=False, timeout=10)
    assert answer.status_code == 303
    assert "/hub/api/oauth2/authorize" in answer.headers["location"]


def test_after_a_restart_everybody_finds_their_own_again(tmp_path):
    seen = []
    for _ in range(2):
        with running_class(tmp_path) as room:
            ada = Kernel(room, "ada")
            said = ada.join("/user/ada/").json()
            seen.append({name: said[name] for name in ("client_id", "client_secret", "user")})
            ada.close()
    assert seen[0] == seen[1]


def test_its_own_line_holds_no_secret(tmp_path):
    env = variables(PUBLIC)
    command = [sys.executable, "-m", "graphsandbox", "--classroom", "--home", str(tmp_path)]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        line = json.loads(process.stdout.readline())
        process.terminate()
    assert (line["client_id"], line["client_secret"], line["user"]) == ("", "", "")
    assert not (tmp_path / "ready.json").exists()


@pytest.mark.parametrize(
    ("missing", "words"),
    [("JUPYTERHUB_API_TOKEN", "is missing"), ("JUPYTERHUB_PUBLIC_URL", "public_url")],
)
def test_without_a_hub_there_is_no_class(tmp_path, missing, words):
    env = {name: value for name, value in variables(PUBLIC).items() if name != missing}
    command = [sys.executable, "-m", "graphsandbox", "--classroom", "--home", str(tmp_path)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and words in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("service", "token", "words"),
    [("http://hub.example", "x", "https"), ("http://localhost:1", "", "JUPYTERHUB_API_TOKEN"),
     ("http://localhost:1", "x", "did not answer")],
)  # fmt: skip
def test_connect_says_why_it_cannot_join(monkeypatch, service, token, words):
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", token)
    with pytest.raises(membership.NotJoined, match=words):
        membership.join(service)


def test_a_sandbox_without_a_class_never_loads_jupyterhub():
    code = (
        "import sys, graphsandbox\nwith graphsandbox.running(): print('jupyterhub' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20)
    assert done.stdout == "False\n"


def test_connect_joins_the_class_and_shows_no_token(room, monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "learner-ada")
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/ada/")
    sandbox = membership.join(room.authority)
    assert sandbox.user == "ada@contoso.example" and sandbox.mails() == []
    assert "learner-ada" not in repr(sandbox) and sandbox.client_secret not in repr(sandbox)
    with pytest.raises(PermissionError, match="own token"):
        sandbox.reset()


# Names


def test_names_that_an_address_can_not_have_get_addresses_of_their_own(tmp_path):
    store = Store(tmp_path)
    names = [
        "ada",
        "Ada",
        "a.b",
        "a..b",
        "a b",
        "a+b",
        "a@b.example",
        "ü",
        "…",
        "x" * 100,
        ".a",
        "a-b",
    ]
    users = [store.people.learner(name).user for name in names]
    assert len({one.upn for one in users}) == len({one.oid for one in users}) == len(names)
    for one in users:
        assert re.fullmatch(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?@contoso\.example", one.upn)
        assert ".." not in one.upn
        assert store.people.user(one.upn) == store.people.user(one.oid) == one
    assert [one.user for one in map(People(store.db).learner, names)] == users
    store.close()
