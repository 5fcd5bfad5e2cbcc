"""`graphsandbox.connect()`: one sandbox for a user, which ends with those it was started for."""

import json
import os
import stat
import sys
import time

import psutil
import pytest
import requests

from graphsandbox import background, ready

CONNECT = """
import dataclasses, json, graphsandbox
print(json.dumps(dataclasses.asdict(graphsandbox.connect())))
"""
SLEEP = "import time; print('up', flush=True); time.sleep(60)"


@pytest.fixture
def home(tmp_path):
    """A home without a sandbox; whatever one is left in it ends with the test."""
    home = tmp_path / "home"
    yield home
    if said := ready.read(home):
        end(said.pid)


def end(pid):
    try:
        psutil.Process(pid).kill()
    except psutil.NoSuchProcess:
        pass


@pytest.fixture
def owner(run):
    """Start a program for which a kernel could have been started."""

    def start():
        process = run("-c", SLEEP)
        process.stdout.readline()
        return process

    return start


@pytest.fixture
def connecting(run, home):
    """Start a kernel of this owner that calls connect()."""

    def start(owner, **env):
        told = {"GRAPHSANDBOX_HOME": str(home), "JPY_PARENT_PID": str(owner.pid)}
        return run("-W", "error", "-c", CONNECT, env=told | env)

    return start


@pytest.fixture
def connect(connecting):
    """Let a kernel of this owner call connect() and end; return the ready line."""
    return lambda owner, **env: answer_of(connecting(owner, **env))


def answer_of(process):
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    return json.loads(out)


def ended_within(pid, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not alive(pid):
            return True
        time.sleep(0.02)
    return False


def alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def answers(line):
    with requests.Session() as session:
        session.trust_env = False
        return session.get(f"{line['authority']}/_control/ready").json()["pid"] == line["pid"]


def test_the_second_kernel_finds_what_the_first_one_started(owner, connect):
    jupyter = owner()
    first, second = connect(jupyter), connect(jupyter)
    assert first == second
    assert answers(first)


def test_two_kernels_at_once_end_up_with_one_sandbox(owner, connecting, home):
    jupyter = owner()
    kernels = [connecting(jupyter) for _ in range(3)]
    lines = [answer_of(kernel) for kernel in kernels]
    assert lines[0] == lines[1] == lines[2]
    assert answers(lines[0])


def test_it_lives_as_long_as_any_owner_and_ends_soon_after_the_last(owner, connect, home):
    first, second = owner(), owner()
    line = connect(first)
    assert connect(second) == line
    first.kill()  # and stays a zombie: nobody has waited for it yet
    time.sleep(1.7)
    assert alive(line["pid"]) and answers(line)
    second.kill()
    assert ended_within(line["pid"], 10)
    assert not (home / "ready.json").exists()


def test_after_kill_9_the_next_kernel_gets_the_same_sandbox_again(owner, connect):
    jupyter = owner()
    before = connect(jupyter)
    end(before["pid"])
    after = connect(jupyter)
    assert after["pid"] != before["pid"]
    assert after | {"pid": 0} == before | {"pid": 0}


def test_a_sandbox_started_by_hand_is_found_and_outlives_its_visitors(owner, connect, run, home):
    by_hand = run("-m", "graphsandbox", "--home", str(home))
    line = json.loads(by_hand.stdout.readline())
    jupyter = owner()
    assert connect(jupyter) == line
    jupyter.kill()
    time.sleep(1.7)
    assert by_hand.poll() is None


def test_a_proxy_is_not_asked(owner, connect):
    proxy = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    jupyter = owner()
    assert connect(jupyter, **proxy) == connect(jupyter, **proxy)


def test_a_file_left_by_another_sandbox_is_not_believed(owner, connect, home, sandbox):
    """The process of the old ready.json lives, its port answers, but it is not the sandbox."""
    home.mkdir()
    stale = json.loads(sandbox.line()) | {"pid": os.getppid(), "client_id": "stale"}
    (home / "ready.json").write_text(json.dumps(stale))
    assert connect(owner())["client_id"] != "stale"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', "\x00"])
def test_a_damaged_file_is_no_answer(tmp_path, text):
    (tmp_path / "ready.json").write_text(text)
    assert ready.read(tmp_path) is None


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX file modes")
def test_log_and_ready_line_are_for_their_owner_only(owner, connect, home):
    line = connect(owner())
    for name in ("sandbox.log", "ready.json"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert line["client_secret"] not in (home / "sandbox.log").read_text()


def test_a_start_that_fails_says_why(owner, connecting, home):
    home.write_text("not a directory")
    kernel = connecting(owner())
    _, err = kernel.communicate(timeout=30)
    assert kernel.returncode != 0
    assert "Can't use" in err.splitlines()[-1] or "SandboxFailed" in err


def test_a_file_beside_the_notebook_shadows_nothing_in_the_sandbox(owner, run, tmp_path, home):
    folder = tmp_path / "course"
    folder.mkdir()
    (folder / "sqlite3.py").write_text("raise SystemExit('shadowed')")
    told = {"GRAPHSANDBOX_HOME": str(home), "JPY_PARENT_PID": str(owner().pid)}
    assert answers(answer_of(run("-c", CONNECT, env=told, cwd=folder)))


def test_the_owner_is_the_program_that_started_the_kernel_or_else_the_shell(monkeypatch):
    monkeypatch.setenv("JPY_PARENT_PID", str(os.getpid()))
    assert background.owner_pid() == os.getpid()
    for gone in ("", "x", "-1", "4194305"):
        monkeypatch.setenv("JPY_PARENT_PID", gone)
        assert background.owner_pid() == os.getppid()


@pytest.mark.parametrize("parent", [0, 1, 4194305])
def test_without_a_parent_the_owner_is_this_process(monkeypatch, parent):
    monkeypatch.delenv("JPY_PARENT_PID", raising=False)
    monkeypatch.setattr(os, "getppid", lambda: parent)
    assert background.owner_pid() == os.getpid()
