"""Which redirect URI to register where the kernel runs."""

from pathlib import Path

import pytest

from graphhelpers import DEFAULT_REDIRECT_URI, Registration, suggest_redirect_uri
from graphhelpers.forms import registration_form
from graphhelpers.registration import listens_at

from .form_hands import parts, shown

NOWHERE = Path("/nowhere")
PUBLIC = "JUPYTERHUB_PUBLIC_URL"
PREFIX = {"JUPYTERHUB_SERVICE_PREFIX": "/user/ada/"}
CODESPACE = {"CODESPACES": "true", "CODESPACE_NAME": "fuzzy-owl", "REMOTE_CONTAINERS": "true"}


@pytest.mark.parametrize(
    ("env", "place", "uri", "near"),
    [
        ({}, "the machine of your browser", DEFAULT_REDIRECT_URI, True),
        ({"WSL_DISTRO_NAME": "x"}, "WSL", DEFAULT_REDIRECT_URI, True),
        ({"SSH_CONNECTION": "1 2 3 4"}, "SSH", DEFAULT_REDIRECT_URI, False),
        (
            {"VSCODE_IPC_HOOK_CLI": "x", "SSH_CONNECTION": "1"},
            "VS Code",
            DEFAULT_REDIRECT_URI,
            True,
        ),
        ({"REMOTE_CONTAINERS": "true"}, "VS Code forwards", DEFAULT_REDIRECT_URI, True),
        ({"DEVCONTAINER": "1"}, "a dev container", DEFAULT_REDIRECT_URI, False),
        ({"COLAB_RELEASE_TAG": "x"}, "Google Colab", None, False),
        ({**PREFIX, "BINDER_SERVICE_HOST": "x"}, "Binder", None, False),
        ({"CODESPACES": "true"}, "GitHub Codespaces", None, False),
        ({"JUPYTERHUB_USER": "ada"}, "JupyterHub", None, False),
    ],
)
def test_each_place_is_known_by_its_environment(env, place, uri, near):
    found = suggest_redirect_uri(env, NOWHERE)
    assert (found.uri, found.near) == (uri, near) and place in found.why
    assert repr(found).startswith(uri or "No redirect URI") and found.why in repr(found)


def test_a_container_has_a_localhost_of_its_own(tmp_path):
    found = suggest_redirect_uri({}, tmp_path)
    assert not found.near and "a container" in found.why and found.uri == DEFAULT_REDIRECT_URI


def registered(uri: str) -> tuple[str, int, str, set[str]]:
    """Return where the answer to a URI arrives that the registration takes."""
    return listens_at(
        Registration("11112222-bbbb-3333-cccc-4444dddd5555", redirect_uri=uri).redirect_uri
    )


@pytest.mark.parametrize("public", ["https://hub.example/user/ada/", "http://localhost:9000/"])
def test_a_hub_that_tells_its_address_hands_on_to_a_port_of_each_learners_own(public):
    def uri_of(name: str) -> str:
        prefix = {"JUPYTERHUB_SERVICE_PREFIX": f"/user/{name}/", "JUPYTERHUB_USER": name}
        return suggest_redirect_uri({**prefix, PUBLIC: public}, NOWHERE).uri

    ada, bob = uri_of("ada"), uri_of("bob")
    assert ada == uri_of("ada") and ada.startswith(
        f"{public.split('/user')[0].rstrip('/')}/user/ada/"
    )
    (host, port, path, _), (_, another, _, _) = registered(ada), registered(bob)
    assert (host, path) == ("localhost", "/connect/get_token/") and port != another
    assert 20_000 <= port < 30_000  # below the ports that systems hand out


def test_a_hub_may_give_each_learner_a_port():
    env = {**PREFIX, PUBLIC: "https://hub.example/user/ada/", "GRAPHHELPERS_PORT": "20007"}
    uri = suggest_redirect_uri(env, NOWHERE).uri
    assert uri == "https://hub.example/user/ada/proxy/20007/connect/get_token/"
    assert registered(uri)[1] == 20_007


@pytest.mark.parametrize(
    ("public", "word"), [("", "your hub's own"), ("http://hub.example/", "can't be registered")]
)
def test_a_hub_whose_address_is_unknown_or_plain_http_is_told(public, word):
    found = suggest_redirect_uri({**PREFIX, PUBLIC: public}, NOWHERE)
    assert found.uri is None and word in found.why and not found.near
    assert public or "/user/ada/proxy/" in found.why


@pytest.mark.parametrize("domain", [None, "preview.app.github.dev"])
def test_a_codespace_forwards_a_port_that_its_address_names(domain):
    named = {"GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN": domain} if domain else {}
    found = suggest_redirect_uri({**CODESPACE, **named}, NOWHERE)
    assert found.uri == f"https://fuzzy-owl-8000.{domain or 'app.github.dev'}/connect/get_token/"
    assert registered(found.uri)[:3] == ("localhost", 8000, "/connect/get_token/")


def test_the_registration_form_offers_it_and_says_why(monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/ada/")
    monkeypatch.setenv(PUBLIC, "https://hub.example/user/ada/")
    form, here = registration_form(), suggest_redirect_uri()
    assert parts(form)["Redirect URI"].value == here.uri != DEFAULT_REDIRECT_URI
    assert here.why in shown(form)
    monkeypatch.setenv("BINDER_SERVICE_HOST", "x")
    assert parts(registration_form())["Redirect URI"].value == DEFAULT_REDIRECT_URI
