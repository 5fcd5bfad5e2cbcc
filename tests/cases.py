"""A pytest plugin that looks after every test marked with `case`, whatever the test looks at.

Six promises stand behind each hostile case of tests/cases.toml, and here the ones are kept that
every case shares: only the kit's own errors leave it, no secret is shown, threads and sockets
are given back, it ends in time. A test that did nothing at all fails, so that an empty one
can't stand for a case.
"""

import ast
import base64
import functools
import gc
import importlib
import inspect
import logging
import os
import pkgutil
import re
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import psutil
import pytest

import graphhelpers
from graphhelpers import deadline, display

TESTS = Path(__file__).parent
WITHIN_S = 35.0  # a call's 30 s, and room
GIVEN_BACK_S = float(os.environ.get("GIVEN_BACK_S", "5"))
TYPED = (graphhelpers.GraphHelpersError, KeyboardInterrupt, SystemExit)
OTHERS_THREADS = ("AnyIO", "asyncio_", "ThreadPoolExecutor", "pytest_timeout")
HAPPENED = {"socket.connect": "network", "socket.bind": "network", "subprocess.Popen": "process"}


class Watch:
    """What one marked test did."""

    def __init__(self) -> None:
        self.did: set[str] = set()
        self.errors: set[str] = set()  # their texts: with its frames one may keep megabytes
        self.untyped: set[str] = set()
        self.secrets: set[str] = set()
        self.log: set[str] = set()


_WATCH = pytest.StashKey[Watch]()
_watch: Watch | None = None
_in_a_test = False
_made_before: set[str] = set()  # the secrets of fixtures that many tests share


def pytest_configure() -> None:
    for module in pkgutil.iter_modules(graphhelpers.__path__, "graphhelpers."):
        if module.name not in ("graphhelpers.guard", "graphhelpers.__main__"):
            importlib.import_module(module.name)
    _watch_public_face()
    _watch_secrets()
    sys.addaudithook(_notice)


def _watch_public_face() -> None:
    """Wrap each public function and method, wherever it was imported to, so that none is missed."""
    modules = [m for name, m in sys.modules.items() if name.split(".")[0] == "graphhelpers"]
    for module in modules:
        for name, thing in list(vars(module).items()):
            if name.startswith("_") or getattr(thing, "__module__", "") != module.__name__:
                continue
            if inspect.isfunction(thing):
                seen = _seen(thing)
                for place in modules:
                    if vars(place).get(name) is thing:
                        setattr(place, name, seen)
            elif module is deadline:
                continue  # what is raised there, wire turns into an error of the kit
            elif inspect.isclass(thing) and not issubclass(thing, Exception | str):
                _watch_methods(thing)


def _watch_methods(kind: type) -> None:
    for name, method in list(vars(kind).items()):
        if isinstance(method, classmethod):
            setattr(kind, name, classmethod(_seen(method.__func__)))
        elif inspect.isfunction(method) and (name == "__init__" or not name.startswith("_")):
            setattr(kind, name, _seen(method))


def _seen(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if _watch:
            _watch.did.add("call")
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            if _watch:
                _watch.errors.add(f"{error} {error!r} {vars(error)} {error.args}")
                if not isinstance(error, TYPED):
                    _watch.untyped.add(repr(error))
            raise

    return call


def _watch_secrets() -> None:
    def remember(kind: type, *args: Any) -> Any:
        secret = str.__new__(kind, *args)
        # What hypothesis makes up may be a word of any text; a real secret is long and varied.
        if len(secret) >= 16 and len(set(secret)) >= 8:
            if _watch:
                _watch.secrets.add(str(secret))
            elif not _in_a_test:
                _made_before.add(str(secret))
        return secret

    display.Secret.__new__ = remember  # type: ignore[method-assign, assignment]


def _notice(event: str, args: tuple[Any, ...]) -> None:
    if _watch and event in HAPPENED:
        _watch.did.add(HAPPENED[event])
    elif _watch and event == "open" and str(args[0]).endswith((".py", ".toml", ".ipynb", ".md")):
        _watch.did.add("source")


class _Log(logging.Handler):
    """Everything that is logged while a test runs, but for what its own browser says."""

    def emit(self, record: logging.LogRecord) -> None:
        if _watch and record.name.startswith("urllib3"):
            _watch.did.add("network")  # over a connection that was open already
        others = record.name.startswith("urllib3") and "graphhelpers" not in record.threadName
        if _watch and not others:
            _watch.log.add(record.getMessage())


def _mark(item: Any) -> pytest.Mark | None:
    return item.get_closest_marker("case") if hasattr(item, "get_closest_marker") else None


@pytest.fixture(autouse=True)
def _looked_after(request: pytest.FixtureRequest) -> Iterator[None]:
    """Stand around a marked test and the fixtures made for it alone."""
    global _watch
    if not _mark(request.node):
        yield
        return
    before = _in_use()
    root, handler = logging.getLogger(), _Log()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    _watch = watch = request.node.stash[_WATCH] = Watch()
    began = time.monotonic()
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        _watch = None
    took_s = time.monotonic() - began
    assert not watch.untyped, f"errors left the kit that are not its own: {watch.untyped}"
    config = request.config
    is_long = request.node.get_closest_marker("soak") or config.getoption(
        "--hypothesis-profile", None
    )
    assert took_s < WITHIN_S or is_long, f"it took {took_s:.1f} s"
    _hides(watch, "a log", "\n".join(watch.log))
    _hides(watch, "an error", "\n".join(watch.errors))
    log = graphhelpers.wire_log
    shown = f"{log!r} {log._repr_html_()} {log.diagram()._repr_mimebundle_()}"
    _hides(watch, "wire_log", shown)
    _given_back(before)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    """Count only what the test function itself did, and not the fixtures before it."""
    global _in_a_test
    mark = _mark(pyfuncitem)
    if not (mark and _watch):
        _in_a_test = True
        try:
            return (yield)
        finally:
            _in_a_test = False
    if mark.kwargs.get("where") == "browser":
        _watch_pages()
    watch = _watch
    watch.did.clear()
    result = yield
    if mark.kwargs.get("where") != "source":
        watch.did.discard("source")
    assert watch.did, "this test of a case called nothing of the kit, and met nobody"
    return result


@functools.cache
def _watch_pages() -> None:
    from playwright.sync_api import Page

    for name in ("goto", "set_content", "click", "evaluate"):
        setattr(Page, name, _seen(getattr(Page, name)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, pytest.TestReport]:
    """Look through what a marked test printed, too."""
    report = yield
    if _mark(item) and report.when == "call" and report.passed:
        try:
            _hides(item.stash[_WATCH], "its output", report.capstdout + report.capstderr)
        except AssertionError as leak:
            report.outcome, report.longrepr = "failed", str(leak)
    return report


def _hides(watch: Watch, place: str, text: str) -> None:
    """Assert that no secret is in a text, plain, Base64 or URL-encoded."""
    for secret in (*_made_before, *watch.secrets):
        found = [form for form in forms_of(secret) if form in text]
        assert not found, f"{place} shows the secret {display.fingerprint(secret)}"
    found = re.search(r"canary~[\w-]+", text)
    assert not found, f"{place} shows {found and found[0]}"


@functools.cache
def forms_of(secret: str) -> tuple[str, ...]:
    """Return a secret as it may stand in a text: plain, URL-encoded, and inside any Base64."""
    data = secret.encode("utf-8", "surrogatepass")
    based = []
    for shift in range(3):  # Base64 of a text depends on where in the text the secret begins
        whole = base64.b64encode(b"\0" * shift + data).decode()
        core = whole[4 if shift else 0 : len(whole) // 4 * 4 - 4]
        based += [core, core.replace("+", "-").replace("/", "_")]
    quoted = (quoting(secret, safe="", errors="replace") for quoting in (quote, quote_plus))
    return tuple({secret, *quoted, *(part for part in based if len(part) >= 12)})


def _in_use() -> tuple[set[threading.Thread], int]:
    for loopback in (True, False):
        deadline.session(loopback, os.getpid()).close()  # what the kit keeps open for its next call
    kept = {*deadline.idle}  # for the next call, too
    threads = {t for t in threading.enumerate() if not t.name.startswith(OTHERS_THREADS)} - kept
    return threads, len(psutil.Process().net_connections("inet"))


def _given_back(before: tuple[set[threading.Thread], int]) -> None:
    ends = time.monotonic() + GIVEN_BACK_S
    while True:
        threads, sockets = _in_use()
        left = threads - before[0]
        if not left and sockets <= before[1]:
            return
        gc.collect()
        assert time.monotonic() < ends, f"left: {left}, {sockets - before[1]} sockets"
        time.sleep(0.02)


# --- Which cases have a test


def catalogue() -> dict[str, dict[str, str]]:
    """Return every case by its number: `title`, and `out`, the reason where it has no test."""
    return tomllib.loads((TESTS / "cases.toml").read_text("utf-8"))


def marks() -> dict[str, list[str]]:
    """Return the files that hold a test of each number, as the marks in the sources say."""
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark.case"):
                for argument in node.args:
                    number = ast.literal_eval(argument)
                    found.setdefault(number, []).append(str(path.relative_to(TESTS)))
    return found


def report() -> str:
    """Return, line by line, the cases that have no test, and why."""
    cases, marked = catalogue(), marks()
    lines = [
        f"{number}  {case['title']}: {case.get('out', 'NO TEST AND NO REASON')}"
        for number, case in cases.items()
        if number not in marked
    ]
    return "\n".join([f"{len(cases) - len(lines)} of {len(cases)} cases have a test.", *lines])


if __name__ == "__main__":
    print(report())
