"""Class mode's own rules, one by one, beside a hub that is only pretended."""

import json
import re
import subprocess
import sys

import pytest
import requests

from graphsandbox import membership
from graphsandbox.people import People
from graphsandbox.store import Store
from tests.hub.kernels import Kernel
from tests.hub.pretend import PUBLIC, SERVICE, running_class, variables


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


@pytest.mark.parametrize(
    "server",
    [None, 1, "", "user/ada/", "//evil.example/", "/a/?b/", "/a b/", "/user/../hub/", "/./"],
)
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


def test_a_mail_to_who_has_not_been_there_yet_comes_back(kernel):
    ada, late = kernel("ada"), kernel("late")  # whom no other test lets in
    for subject in ("Early", "In time"):
        assert ada.mail(subject, to=["late@contoso.example"]).status_code == 202
        late.join()
    inbox = {one: one.get("/mailbox").text for one in (ada, late)}
    assert "Undeliverable: Early" in inbox[ada] and "In time" not in inbox[ada]
    assert "In time" in inbox[late] and "Early" not in inbox[late]
    sent = ada.get("/_control/mailbox").json()
    assert [one["subject"] for one in sent] == ["In time", "Early"]


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


# From one start to the next


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
