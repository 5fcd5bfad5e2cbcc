"""The chapters in odd places: other locales and clocks, no network, no widgets, a busy loop."""

import json
import os
import re
import subprocess
import sys

import pytest
from nbconvert import HTMLExporter, MarkdownExporter

from ..homes import offline
from ..kernel import ROOT
from .room import CHAPTERS, code_cells, open_room, sanitized, saved

INSTALLED = subprocess.run(["locale", "-a"], capture_output=True, text=True).stdout.lower().split()
FURTHER = ("C.utf8", "tr_TR.utf8", "de_DE.utf8")
PLACES = [
    pytest.param("C", "Pacific/Kiritimati"),
    *(
        pytest.param(name, "Asia/Kathmandu", marks=pytest.mark.soak)
        for name in FURTHER
        if name.lower() in INSTALLED
    ),
]


@pytest.mark.case("F259", "F254")
@pytest.mark.parametrize(("language", "zone"), PLACES)
def test_in_any_locale_and_time_zone_the_saved_outputs_come_out(tmp_path, language, zone):
    odd = {"LC_ALL": language, "TZ": zone, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    with open_room(tmp_path, **odd) as room:
        for path in CHAPTERS:
            assert not room.run("import locale; locale.setlocale(locale.LC_ALL, '')").error
            for cell in code_cells(path):
                shown = room.run(cell.source).text
                if "nbval-ignore-output" not in cell.metadata.get("tags", ()):
                    assert sanitized(shown) == sanitized(saved(cell)), cell.source
            room.run("import graphhelpers; graphhelpers.wire_log.clear()")
            room.leave()


# --- No network

OFFLINE = """\
import json, time
from datetime import datetime, timezone
from graphhelpers import *

app = Registration("11112222-bbbb-3333-cccc-4444dddd5555", "canary~secret", cloud=MICROSOFT)
attempt = start_sign_in(app)
now = datetime.now(timezone.utc)
token = Token(Secret("canary~access"), None, Secret("canary~refresh"), "Mail.Send", now)
for call in (
    lambda: exchange_code(app, attempt, Secret("canary~code")),
    lambda: refresh(app, token),
    lambda: whoami(app, token),
    lambda: send_mail(app, token, Message("Hello", "…", to="ada@contoso.example")),
):
    began = time.monotonic()
    try:
        call()
    except GraphHelpersError as error:
        print(json.dumps([type(error).__name__, str(error), time.monotonic() - began]))
"""
NO_RESOLVER = """\
import socket

def getaddrinfo(*asked, **options):
    raise socket.gaierror(-3, "Temporary failure in name resolution")

socket.getaddrinfo = getaddrinfo
"""


def without_network(program: str) -> list[str]:
    """Return a command that runs a program without any network, or at least without names."""
    prefix = offline()
    return [*prefix, sys.executable, "-c", program if prefix else NO_RESOLVER + program]


@pytest.mark.case("F260")
def test_without_a_network_each_call_to_microsoft_is_a_typed_error_that_offers_the_sandbox():
    proxies = [name for name in os.environ if name.lower().endswith("_proxy")]
    env = {name: value for name, value in os.environ.items() if name not in proxies}
    ran = subprocess.run(
        without_network(OFFLINE),
        env=env | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    said = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(said) == 4, ran.stderr
    for kind, text, took_s in said:
        assert kind == "NoAnswer" and "no network" in text and took_s < 10
        assert "works in the sandbox: run graphsandbox.connect()" in text
        assert "canary" not in text


# --- Kernels and front ends


AWAITED = """\
import asyncio
from graphhelpers import CallbackServer, exchange_code, sign_in, start_sign_in, whoami

async def waited():
    attempt = start_sign_in(app)
    with CallbackServer(app, attempt) as server:
        webbrowser.open(attempt.url)
        code = await asyncio.to_thread(server.wait, 30)
    return exchange_code(app, attempt, code)
"""


@pytest.mark.case("F257")
def test_a_running_event_loop_is_no_hindrance(tmp_path):
    with open_room(tmp_path) as room:
        room.run(code_cells(CHAPTERS[3])[0].source)
        assert not room.run(AWAITED + "import webbrowser").error
        assert "Ada" in room.run("whoami(app, await waited())").text
        assert not room.run("async def plain():\n    return sign_in(app)").error
        assert "Ada" in room.run("whoami(app, await plain())").text  # blocks, and works
        assert room.run("asyncio.run(plain())").error == "RuntimeError"  # so the loop does run
        room.leave()


@pytest.mark.case("F263", "F256", where="source")
@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_saved_output_is_there_without_javascript_and_without_widgets(path):
    for cell in code_cells(path):
        for output in cell.outputs:
            data = output.get("data", {})
            assert not data or data["text/plain"]
            assert not [kind for kind in data if "javascript" in kind or "widget" in kind]
            assert not re.search(
                r"<script|<iframe|\son\w+\s*=|javascript:", data.get("text/html", "")
            )


@pytest.mark.case("F256", "F205", where="source")
def test_nbconvert_shows_the_plain_call_in_a_forms_place():
    pages = [MarkdownExporter().from_filename(str(path))[0] for path in CHAPTERS]
    assert "without widgets: Registration(…).save()" in pages[0]
    assert "without widgets: send_mail(app, token, Message(…))" in pages[3]
    html = HTMLExporter().from_filename(str(CHAPTERS[3]))[0]
    assert "without widgets: send_mail(app, token, Message(…))" in html


PRINTED = """\
from datetime import datetime, timezone
from graphhelpers import *
from graphhelpers.forms import registration_form

app = Registration("11112222-bbbb-3333-cccc-4444dddd5555", "canary~secret")
token = Token(Secret("canary~access"), None, None, "Mail.Send", datetime.now(timezone.utc))
attempt = start_sign_in(app)
print(app, token, attempt, registration_form(), wire_log, wire_log.diagram())
try:
    Registration("Zoë Ångström")
except RegistrationError as error:
    print(error)
"""


@pytest.mark.case("F258", "F205")
def test_in_a_windows_console_encoding_everything_can_be_printed(tmp_path):
    ran = subprocess.run(
        [sys.executable, "-c", PRINTED],
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "cp1252"},
        cwd=tmp_path,
        capture_output=True,
        timeout=30,
    )
    text = ran.stdout.decode("cp1252")
    assert ran.returncode == 0, ran.stderr
    assert "without widgets" in text and "RegistrationError" not in text and "canary" not in text
