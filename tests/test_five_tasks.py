"""The README's script: the article's five tasks by the public face, as a newcomer would run it."""

import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from graphhelpers import DEFAULT_REDIRECT_URI

from .homes import VISITOR, own_homes, running_sandbox

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"^<!-- five tasks -->\n+```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PORT = int(DEFAULT_REDIRECT_URI.split(":")[2].split("/")[0])


def script() -> str:
    blocks = BLOCK.findall(README.read_text("utf-8"))
    assert len(blocks) == 1, "README.md holds one python block after the line <!-- five tasks -->"
    return blocks[0]


def wait_for_the_port(timeout_s: float = 60.0) -> None:
    """Another run on this machine may be signing in just now, at the same redirect URI."""
    ends = time.monotonic() + timeout_s
    while time.monotonic() < ends:
        try:
            socket.create_server(("127.0.0.1", PORT)).close()
            return
        except OSError:
            time.sleep(0.1)
    pytest.skip(f"another program keeps port {PORT}, which the README's script listens at")


def test_it_fits_into_fifteen_lines_and_the_width_of_a_page():
    lines = script().splitlines()
    assert len(lines) <= 15 and max(map(len, lines)) <= 100


def test_it_uses_the_public_face_only():
    program = script()
    assert not re.search(r"\._|import _", program)
    for name in "Registration start_sign_in CallbackServer exchange_code send_mail".split():
        assert name in program


def test_it_sends_a_mail(tmp_path):
    env = own_homes(tmp_path) | {"BROWSER": VISITOR}
    with running_sandbox(env) as sandbox, requests.Session() as http:
        wait_for_the_port()
        ran = subprocess.run(
            [sys.executable, "-c", script()],
            env=env, cwd=tmp_path, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        assert "outcome='sent'" in ran.stdout and sandbox["client_secret"] not in ran.stdout
        http.trust_env = False
        (mail,) = http.get(f"{sandbox['authority']}/_control/mailbox", timeout=5).json()
        assert mail["recipients"] == [sandbox["user"]] and mail["subject"] and mail["body"]
