"""A hub that doesn't tell its address: a kernel there hears it from the browser, and no other.

That a browser answers is seen in tests/hub, on a real hub.
"""

import json
import sys
from types import SimpleNamespace

import nbformat
import psutil
import pytest
import requests
from nbclient import NotebookClient

from graphsandbox import background, hub_address

from .stripping import LIES

HUB = "https://hub.example"
SERVER = "/user/ada/"


@pytest.fixture
def listener():
    with hub_address.Listener() as one:
        yield one


def post(listener, word, **headers):
    url = f"http://127.0.0.1:{listener.server_port}/"
    return requests.post(url, word, headers=headers, timeout=5).status_code


def test_who_brings_the_word_is_believed(listener):
    assert post(listener, listener.word, Origin=HUB, **LIES) == 204
    assert listener.answered.is_set() and listener.origin == HUB


@pytest.mark.parametrize("word", ["", "x", "x" * 43, "x" * 100_000])
def test_nobody_else_is(listener, word):
    try:
        assert post(listener, word, Origin="https://evil.example") == 403
    except requests.ConnectionError:  # shut while the long word was still on its way
        assert len(word) > 1000
    assert not listener.answered.is_set() and listener.origin is None


def test_forwarding_headers_are_no_address(listener):
    assert post(listener, listener.word, **LIES) == 204
    assert not listener.answered.is_set()


@pytest.mark.parametrize("method", ["GET", "PUT", "OPTIONS"])
def test_the_word_is_posted(listener, method):
    url = f"http://127.0.0.1:{listener.server_port}/"
    assert requests.request(method, url, data=listener.word, timeout=5).status_code == 501


def test_it_has_gone_when_the_question_has():
    with hub_address.Listener() as listener:
        pass
    with pytest.raises(requests.ConnectionError):
        post(listener, listener.word, Origin=HUB)


def test_outside_of_a_notebook_nobody_is_asked(monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    with pytest.raises(hub_address.NoBrowser, match="no notebook"):
        hub_address.ask(SERVER)
    monkeypatch.delitem(sys.modules, "IPython")
    with pytest.raises(hub_address.NoBrowser, match="no notebook"):
        hub_address.ask(SERVER)


@pytest.fixture
def silent_hub(monkeypatch):
    for name in ("GRAPHSANDBOX_PUBLIC", "JUPYTERHUB_PUBLIC_URL"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", SERVER)


def test_what_the_browser_said_stands_where_the_hub_would_have_said_it(silent_hub, monkeypatch):
    monkeypatch.setattr(hub_address, "ask", lambda server: HUB + server)
    assert background.public_address() == f"{HUB}/user/ada/proxy/{{port}}"
    monkeypatch.setattr(hub_address, "ask", lambda server: pytest.fail("asked once more"))
    assert background.public_address() == f"{HUB}/user/ada/proxy/{{port}}"


@pytest.mark.parametrize(
    ("told", "word"),
    [("http://hub.example/user/ada/", "https"),
     ("null/user/ada/", "https://hub.example"), ("https://a b/user/ada/", "https://hub.example")],
)  # fmt: skip
def test_without_a_good_address_the_reader_is_told_what_to_do(silent_hub, monkeypatch, told, word):
    monkeypatch.setattr(hub_address, "ask", lambda server: told)
    with pytest.warns(UserWarning, match="GRAPHSANDBOX_PUBLIC") as said:
        assert background.public_address() is None
    assert word in str(said[0].message)


def test_a_notebook_that_no_browser_shows_goes_on_and_keeps_no_word(tmp_path):
    code = f"""
import os
os.environ |= {{"JUPYTERHUB_SERVICE_PREFIX": "{SERVER}", "GRAPHSANDBOX_HOME": {str(tmp_path)!r}}}
import graphsandbox, graphsandbox.hub_address
graphsandbox.hub_address.ANSWER_S = 0.2
print(graphsandbox.connect().public)
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=60).execute()
    text = json.dumps(notebook)
    assert '"None\\n"' in text and "no browser answered in 0.2 s" in text
    assert "GRAPHSANDBOX_PUBLIC" in text
    assert "fetch(" not in text and "javascript" not in text


def test_a_sandbox_from_before_gets_the_address_and_stays_what_it_is(tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPHSANDBOX_HOME", str(tmp_path))
    before = background.connect()
    monkeypatch.setenv("GRAPHSANDBOX_PUBLIC", f"{HUB}{SERVER}proxy/{{port}}")
    after = background.connect()
    assert (before.public, before.client_secret) == (None, after.client_secret)
    assert before.authority == after.authority and before.pid != after.pid
    assert after.public.startswith(f"{HUB}{SERVER}proxy/")
    assert background.connect().pid == after.pid
    psutil.Process(after.pid).terminate()
    assert background._started[-1].wait(20) == 0
