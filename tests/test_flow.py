import json
import os
import re
import shlex
import subprocess
import sys
import threading
import time

import pytest

from graphhelpers import start_sign_in
from graphhelpers.flow import show_link

from .homes import VISITOR
from .issued import jwt_of
from .kit import answer_with, app_at, app_of, as_json, browse
from .trap import Trap

# A person's program, in a process of its own because `webbrowser` reads BROWSER only once.
PROGRAM = """
import json, sys
from graphhelpers import GraphHelpersError, Registration, sandbox_cloud, sign_in, whoami

said = json.load(sys.stdin)
app = Registration(cloud=sandbox_cloud(*said["cloud"]), **said["app"])
try:
    token = sign_in(app, **said["options"])
    print("signed in:", whoami(app, token)["userPrincipalName"], token.scope)
except GraphHelpersError as error:
    print("refused:", type(error).__name__, error)
"""
NO_BROWSER = f"{shlex.quote(sys.executable)} -c 0/0 %s"
STAYS_OPEN = f"{shlex.quote(sys.executable)} -c 'import time; time.sleep(4)' %s"


class Program:
    """A running program; what it has printed so far is `.printed`."""

    def __init__(self, app, browser: str, **options):
        self.printed, self.began = "", time.monotonic()
        self._line_came = threading.Condition()
        # No PATH: else a desktop's own browsers would be next in the row.
        env = {**os.environ, "BROWSER": browser, "PATH": "", "DISPLAY": "", "WAYLAND_DISPLAY": ""}
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-c", PROGRAM],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=env, text=True,
        )  # fmt: skip
        values = ("client_id", "client_secret", "redirect_uri", "tenant")
        said = {
            "app": {name: getattr(app, name) for name in values},
            "cloud": [app.cloud.authority, app.cloud.graph],
            "options": options,
        }
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(said))
        self.process.stdin.close()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def __enter__(self) -> "Program":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()

    def _read(self) -> None:
        for line in self.process.stdout:
            with self._line_came:
                self.printed += line
                self._line_came.notify_all()

    def wait_for(self, pattern: str) -> str:
        with self._line_came:
            assert self._line_came.wait_for(lambda: re.search(pattern, self.printed), 15), (
                self.printed
            )
        return re.search(pattern, self.printed)[0]


@pytest.mark.case("N32")
def test_one_call_signs_in_by_the_browser(app, sandbox):
    with Program(app, VISITOR) as program:
        program.wait_for(f"signed in: {sandbox.user} .*Mail.Send")
        link = program.wait_for("Sign in here: .*")
    assert app.redirect_uri.split(":")[2].split("/")[0] in link


@pytest.mark.case("F069")
def test_without_a_browser_the_link_is_shown_and_the_wait_goes_on(app, sandbox):
    with Program(app, NO_BROWSER) as program:
        link = program.wait_for(r"(?<=Sign in here: )\S+")
        time.sleep(0.5)
        assert program.process.poll() is None
        browse(link)
        program.wait_for(f"signed in: {sandbox.user}")


def test_a_browser_that_stays_open_holds_nothing_up(app, sandbox):
    with Program(app, STAYS_OPEN) as program:
        browse(program.wait_for(r"(?<=Sign in here: )\S+"))
        program.wait_for(f"signed in: {sandbox.user}")
        assert program.process.wait(10) == 0 and time.monotonic() - program.began < 3


def test_a_person_who_says_no_is_an_error_that_says_so(app):
    with Program(app, VISITOR.replace("%s", "%s --decline")) as program:
        assert "SignInRefused" in program.wait_for("refused: .*access_denied.*")
        program.wait_for("Try: .*Accept")


def test_nobody_coming_ends_the_wait_and_names_what_to_do(app):
    with Program(app, NO_BROWSER, timeout_s=0.2) as program:
        assert "SignInTimeout" in program.wait_for("refused: .*within 0.2 s")
        program.wait_for("Try: .*")


def test_an_id_token_that_does_not_verify_gives_no_token():
    token = {"token_type": "Bearer", "access_token": "x", "id_token": jwt_of({"alg": "none"}, {})}
    with Trap(as_json(token)) as trap, Program(app_at(trap), NO_BROWSER) as program:
        answer_with(program.wait_for(r"(?<=Sign in here: )\S+"), code="x")
        assert "TokenInvalid" in program.wait_for("refused: .*does not verify.*")


def test_without_openid_there_is_no_id_token_to_verify(app, sandbox):
    with Program(app, VISITOR, scopes=["User.Read"]) as program:
        assert "openid" not in program.wait_for(f"signed in: {sandbox.user} .*")


def test_outside_a_notebook_the_link_is_printed_whole(sandbox, capsys):
    attempt = start_sign_in(app_of(sandbox))
    show_link(attempt)
    assert capsys.readouterr().out == f"Sign in here: {attempt.url}\n"


@pytest.mark.parametrize("shell", ["TerminalInteractiveShell", "ZMQInteractiveShell"])
def test_the_link_is_one_to_click_in_a_notebook_and_text_in_an_ipython_terminal(shell):
    program = (
        "from graphhelpers import Registration, start_sign_in\n"
        "from graphhelpers.flow import show_link\n"
        "show_link(start_sign_in(Registration('11112222-bbbb-3333-cccc-4444dddd5555')))"
    )
    if shell == "TerminalInteractiveShell":
        command = [
            sys.executable,
            "-m",
            "IPython",
            "--no-banner",
            "--colors=NoColor",
            "-c",
            program,
        ]
        said = subprocess.run(command, capture_output=True, text=True, timeout=60).stdout
        assert "Sign in here: https://" in said and "code_challenge=" in said
    else:
        from nbclient import NotebookClient
        from nbformat.v4 import new_code_cell, new_notebook

        notebook = new_notebook(cells=[new_code_cell(program)])
        NotebookClient(notebook, timeout=60).execute()
        (output,) = notebook.cells[0].outputs
        assert '<a href="https://' in output.data["text/html"]
