"""Whatever shows an object, a traceback, a log or a warning: no secret is in it."""

import copy
import json
import os
import pickle
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from graphhelpers import (
    CallbackServer,
    Message,
    Registration,
    RegistrationError,
    Secret,
    Token,
    exchange_code,
    refresh,
    send_mail,
    start_sign_in,
    whoami,
    wire_log,
)
from graphhelpers.tokens import TOKENS
from tests.cases import forms_of
from tests.homes import VISITOR
from tests.kit import app_of, browse, code_of, signed_in

ROOT = Path(__file__).parents[2]


def shown_in(text: str, secrets) -> list[str]:
    """Return the secrets that a text holds in plain, in Base64 or URL-encoded."""
    return [repr(s) for s in secrets if any(form in text for form in forms_of(str(s)))]


def everything_held(app: Registration) -> tuple[list[object], list[Secret]]:
    """Sign in and send a mail; return every object that holds a secret, and the secrets."""
    attempt = start_sign_in(app)
    with CallbackServer(app, attempt) as server:
        browse(attempt.url)
        code = server.wait(5)
    token = exchange_code(app, attempt, code)
    newer = refresh(app, token)
    message = Message("Hello", "World", "zoe@contoso.example")
    receipt = send_mail(app, newer, message)
    objects = [app, attempt, server, token, newer, message, receipt, wire_log]
    secrets = [app.client_secret, code, attempt.code_verifier]
    secrets += [getattr(t, n) for t in (token, newer) for n in ("access_token", "refresh_token")]
    return objects, [*secrets, token.id_token, newer.id_token]


@pytest.mark.case("F207", "F208", "N14")
def test_every_way_to_look_at_an_object_shows_fingerprints(app):
    objects, secrets = everything_held(app)
    assert len({str(secret) for secret in secrets}) == 9
    for one in objects:
        looks = [
            repr(one),
            str(one),
            f"{one} {one!r} {one!s}",
            f"{[one]} { ({1: one}) }",
            ascii(one),
        ]
        looks += [repr(vars(one)) if hasattr(one, "__dict__") else "", repr(dir(one))]
        for name in ("_repr_html_", "_repr_mimebundle_", "__rich_repr__"):
            if hasattr(one, name):
                looks.append(str(getattr(one, name)()))
        assert shown_in(" ".join(looks), secrets) == []
        assert looks[0] and "object at 0x" not in looks[0] or isinstance(one, CallbackServer)


@pytest.mark.case("F209")
def test_an_object_is_neither_pickled_nor_written_as_json_and_a_copy_hides_as_well(app):
    objects, secrets = everything_held(app)
    app, attempt, _server, token, newer, *_rest = objects
    for one in (app, attempt, token, newer):
        with pytest.raises(TypeError):
            json.dumps(one)
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(one)
        copied = copy.deepcopy(one)
        assert copied == one and shown_in(f"{copied!r}{copy.copy(one)!r}", secrets) == []
        assert shown_in(repr(asdict(one)), secrets) == []
    for secret in secrets:
        assert isinstance(copy.deepcopy(secret), Secret)
        with pytest.raises(TypeError):
            pickle.dumps({"a": [secret]})


@pytest.mark.case("F207")
def test_what_is_made_of_a_secret_is_made_on_purpose():
    secret = Secret("canary~0123456789abcdef")
    assert "canary" not in f"{secret!r} {[secret]} { ({'a': secret}) } {(secret,)}"
    assert secret == "canary~0123456789abcdef"  # it is used as it is


def run(program: str, *arguments: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a program that may print whatever it likes, with everything that makes Python talk."""
    return subprocess.run(
        [sys.executable, "-X", "dev", "-W", "always", "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "BROWSER": VISITOR, **env},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
    )


TALKATIVE = """
import http.client, json, logging, sys, urllib3
logging.basicConfig(level=logging.DEBUG)
http.client.HTTPConnection.debuglevel = 1
from graphhelpers import *
from graphhelpers import sandbox_cloud
known = json.loads(sys.argv[1])
cloud = sandbox_cloud(known["authority"], known["graph"])
app = Registration(known["client_id"], known["client_secret"], known["redirect_uri"],
                   known["tenant"], cloud)
app.save()
token = sign_in(app, 20)
newer = refresh(app, token)
print(whoami(app, newer), send_mail(app, newer, Message("s", "b", "zoe@contoso.example")))
for bad in (lambda: exchange_code(app, start_sign_in(app), Secret("0123456789canary~spent")),
            lambda: Registration(app.client_id, "Secret with canary~blank"),
            lambda: Registration("canary~" + str(app.client_secret)),
            lambda: CallbackServer(app, start_sign_in(app)).accept(
                app.redirect_uri + "?code=canary~pasted&state=x"),
            lambda: read_jwt("canary~no.jwt")):
    try:
        bad()
    except GraphHelpersError as error:
        print(error, repr(error), vars(error))
        logging.exception("it failed")
print(app, token, newer, wire_log, wire_log._repr_html_(), wire_log.diagram())
json.dump([token.access_token, token.refresh_token, token.id_token, newer.access_token,
           newer.refresh_token, newer.id_token, app.client_secret], open(sys.argv[2], "w"))
"""


@pytest.mark.case("F211", "F212", "F213", "N14")
def test_with_all_logging_on_and_every_warning_shown_nothing_secret_is_said(sandbox, tmp_path):
    app = app_of(sandbox)
    known = {name: getattr(sandbox, name) for name in ("authority", "graph", "tenant")}
    known |= {"client_id": app.client_id, "client_secret": str(app.client_secret)}
    known["redirect_uri"] = app.redirect_uri
    work = tmp_path / "work"
    work.mkdir()
    home, told = str(tmp_path / "home"), tmp_path / "secrets.json"
    # The secret is among the arguments, which is this test's own doing.
    done = run(TALKATIVE, json.dumps(known), str(told), cwd=work, GRAPHHELPERS_HOME=home)
    assert done.returncode == 0, done.stderr[-2000:]
    said = done.stdout + done.stderr
    assert "Receipt(outcome='sent'" in said and "DEBUG" in said and "invalid_grant" in said
    assert shown_in(said, json.loads(told.read_text())) == []
    assert "canary" not in said and list(work.iterdir()) == []


VERBOSE = """
import os, signal, sys, threading
from IPython.core.interactiveshell import InteractiveShell
from graphhelpers import *
from graphhelpers import sandbox_cloud
from tests.kit import app_at, as_json
from tests.trap import Trap, answer
shell = InteractiveShell.instance(colors="nocolor")
shell.run_line_magic("xmode", "Verbose")
never = threading.Event()

def ends(cell):
    print("ENDED", type(shell.run_cell(cell).error_in_exec).__name__)

def interrupted(cell):
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    ends(cell)
    timer.join()

def plain(name):
    return "can" + "ary~" + name

def stumble(*_args):
    raise ZeroDivisionError("in the learner's own progress=")

with Trap(lambda connection: never.wait()) as trap, Trap(answer(b"{}", "429 Busy")) as busy:
    app, slow = app_at(trap), app_at(busy)
    attempt = start_sign_in(app)
    from datetime import datetime, UTC
    made = lambda name: Secret(plain(name))
    token = Token(made("access"), made("id"), made("refresh"), "", datetime.now(UTC),
                  {"access_token": made("access")})
    code = made("code")
    shell.push(dict(globals()))
    interrupted("exchange_code(app, attempt, plain('code'))")
    interrupted("refresh(app, token)")
    interrupted("whoami(app, token)")
    interrupted("send_mail(app, token, Message('s', 'b', 'zoe@contoso.example'))")
    interrupted("sign_in(app)")
    interrupted("CallbackServer(app, attempt).start().wait()")
    interrupted("exchange_code(slow, attempt, code)")
    ends("send_mail(slow, token, Message('s', 'b', 'zoe@contoso.example'), progress=stumble)")
    ends("Registration(app.client_id, plain('client-secret') + ' ')")
    ends("CallbackServer(app, attempt).accept(app.redirect_uri + '?code=' + plain('x'))")
    ends("read_jwt(plain('.x'))")
    never.set()
"""


@pytest.mark.case("F210")
def test_a_verbose_traceback_of_an_interrupt_or_an_error_shows_no_secret(tmp_path):
    done = run(VERBOSE, cwd=tmp_path, BROWSER="true %s", IPYTHONDIR=str(tmp_path / "ipython"))
    ended = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("ENDED")]
    assert ended[:7] == ["KeyboardInterrupt"] * 7, done.stdout[-3000:] + done.stderr[-3000:]
    assert ended[7:] == ["ZeroDivisionError", "RegistrationError", "CallbackError", "TokenInvalid"]
    said = done.stdout + done.stderr
    assert "wire.py" in said and "_answer" in said  # the frames of ours are there
    secrets = [f"canary~{name}" for name in ("code", "access", "id", "refresh", "client-secret")]
    assert shown_in(said, secrets) == [] and "canary" not in said


@pytest.mark.case("F210")
def test_an_error_of_ours_holds_on_to_nothing_that_was_sent(app):
    """Whatever walks an error's frames and causes, as pytest and rich do, finds only ours."""
    attempt = start_sign_in(app)
    code = code_of(app, attempt)
    exchange_code(app, attempt, code)
    for again in (code, "canary~0123456789abcdef"):
        try:
            exchange_code(app, attempt, again)
        except Exception as error:
            assert shown_in(locals_of(error), [code, app.client_secret]) == []
            assert error.__context__ is None and error.__cause__ is None


@pytest.mark.case("F210")
@pytest.mark.parametrize("wrong", [{"tenant": "a b"}, {"client_id": "1"}, {"cloud": None}])
def test_a_registration_that_is_refused_holds_on_to_no_secret_in_the_clear(app, wrong):
    given = {"client_id": app.client_id, "client_secret": str(app.client_secret)} | wrong
    with pytest.raises(RegistrationError) as caught:
        Registration(**given)
    assert shown_in(locals_of(caught.value), [app.client_secret]) == []


@pytest.mark.case("F208")
def test_a_token_that_another_library_got_is_shown_no_more_than_ours(app):
    got = signed_in(app)
    texts = {name: str(getattr(got, name)) for name in TOKENS}
    token = Token(**texts, scope=got.scope, expires_at=got.expires_at, raw={**texts, "x": "y"})
    wire_log.clear()
    assert whoami(app, token)["mail"]
    said = f"{token!r} {vars(token)} {token._repr_html_()} {[vars(one) for one in wire_log]}"
    assert shown_in(said, list(texts.values())) == [] and "'x': 'y'" in said


def locals_of(error: BaseException) -> str:
    """Return the reprs of all locals of the package's frames of a traceback."""
    frames, trace = [], error.__traceback__
    while trace:
        if "graphhelpers" in trace.tb_frame.f_code.co_filename:
            frames.append(repr(trace.tb_frame.f_locals))
        trace = trace.tb_next
    assert frames
    return "\n".join(frames)


@pytest.mark.case("F219")
def test_no_address_of_ours_holds_a_secret(sandbox):
    _objects, secrets = everything_held(app_of(sandbox))
    asked = [f"{e.request} {e.sent if e.sender == 'browser' else ''}" for e in wire_log]
    assert len(asked) >= 4 and shown_in("\n".join(asked), secrets) == []


@pytest.mark.case("F208")
def test_a_registration_without_a_secret_shows_that_there_is_none(app):
    public = Registration(app.client_id, redirect_uri=app.redirect_uri)
    assert "client_secret=None" in repr(public)
