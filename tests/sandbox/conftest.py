"""One sandbox for each test file, fresh for each test but for its registrations and keys."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

import graphsandbox
from tests.sandbox import client, graph

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def sandbox_of_this_file():
    with graphsandbox.running() as sandbox:
        yield sandbox


@pytest.fixture
def http():
    """A browser, or any other HTTP client, without cookies."""
    with client.browser() as session:
        yield session


@pytest.fixture
def sandbox(sandbox_of_this_file, http):
    """A sandbox on which nothing has happened yet."""
    http.post(f"{sandbox_of_this_file.authority}/_control/reset")
    return sandbox_of_this_file


@pytest.fixture(scope="module")
def token_of_this_file(sandbox_of_this_file):
    with client.browser() as session:
        return client.access_token(sandbox_of_this_file, session)


@pytest.fixture
def token(sandbox, token_of_this_file):
    """An access token that may do all a tutorial needs; a reset leaves it good."""
    return token_of_this_file


@pytest.fixture(scope="module")
def token_for_all(sandbox_of_this_file):
    """An access token that may do all that Graph mail offers to one's own mailbox."""
    with client.browser() as session:
        return client.access_token(sandbox_of_this_file, session, scope=graph.SCOPE)


@pytest.fixture
def run():
    """Start Python programs; whatever is left of them, and of theirs, ends with the test."""
    processes: list[subprocess.Popen] = []

    def start(*arguments, env=None, **options):
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
            **{**streams, **options},
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        for child in _family(process):
            child.kill()
        process.communicate()


@pytest.fixture
def serve(run, tmp_path):
    """Start `python -m graphsandbox`; return the process and its ready line."""

    def start(*arguments, home=tmp_path / "home"):
        process = run("-m", "graphsandbox", "--home", str(home), *arguments)
        return process, json.loads(process.stdout.readline())

    return start


def _family(process):
    try:
        parent = psutil.Process(process.pid)
        return [*parent.children(recursive=True), parent]
    except psutil.NoSuchProcess:
        return []
