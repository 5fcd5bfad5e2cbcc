"""The plugin that looks after the tests of hostile cases (tests/cases.py), and its list."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cases import catalogue, forms_of, marks, report

ROOT = Path(__file__).parents[1]

HEAD = """
import base64, socket, threading, pytest, graphhelpers
from graphhelpers import Registration, Secret, display
pytestmark = pytest.mark.case("F001")
ID, SECRET = "11112222-bbbb-3333-cccc-4444dddd5555", "3xQ8Q~canary~0123456789abcdef"
"""
BAD = {
    "called nothing of the kit": "def test_it(): pass",
    "not its own": "def test_it():\n    try: display.shown(open)(1)\n    except TypeError: pass\n"
    "    try: graphhelpers.refresh(None, None)\n    except AttributeError: pass",
    "its output shows": "def test_it(): print(str(Registration(ID, SECRET).client_secret))",
    "its output shows the": "def test_it():\n    app = Registration(ID, SECRET)\n"
    "    print(base64.b64encode(b'x' + app.client_secret.encode()))",
    "a log shows": "import logging\ndef test_it():\n"
    "    logging.getLogger('x').debug(str(Registration(ID, SECRET).client_secret))",
    "an error shows": "def test_it():\n    try: graphhelpers.Cloud('x', 'canary~x', 'y')\n"
    "    except graphhelpers.GraphHelpersError: pass",
    "left: {<Thread": "def test_it():\n    Registration(ID)\n"
    "    threading.Thread(target=threading.Event().wait, daemon=True).start()",
    "1 sockets": "def test_it():\n    Registration(ID)\n"
    "    global kept; kept = socket.create_server(('127.0.0.1', 0))",
}
GOOD = "def test_it():\n    app = Registration(ID, SECRET)\n    print(app)"


def run_pytest(folder: Path, source: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_one.py").write_text(HEAD + source)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.cases", "-p", "no:cacheprovider",
         "-o", "markers=case: x", "--rootdir", folder, folder],
        cwd=ROOT,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "GIVEN_BACK_S": "0.5"},
        capture_output=True,
        text=True,
        timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("word", BAD)
def test_a_test_of_a_case_fails_when_a_promise_is_broken(tmp_path, word):
    run = run_pytest(tmp_path, BAD[word])
    assert run.returncode == 1 and word in run.stdout


def test_a_test_that_keeps_them_passes(tmp_path):
    assert run_pytest(tmp_path, GOOD).returncode == 0


def test_a_secret_is_found_wherever_it_stands_in_base64():
    secret = "3xQ8Q~canary/0123456789+abcdef"
    for before in (b"", b"a", b"ab", b"abc"):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            text = encode(before + secret.encode() + b"!!").decode()
            assert any(form in text for form in forms_of(secret))


def test_every_case_has_a_test_or_a_reason_and_every_mark_is_a_case():
    unknown = marks().keys() - catalogue().keys()
    both = {n for n, case in catalogue().items() if "out" in case} & marks().keys()
    assert (unknown, both) == (set(), set())
    assert "NO TEST AND NO REASON" not in report(), report()
