"""Milliseconds from the browser's request until the code is with the caller who waits for it.

The browser is a bare socket: the clock starts before it connects, and stops when the waiting call
has returned. It comes alone, or after 200 idle connections such as browsers open in advance.
msal takes the answer by POST only and looks once a second whether it is there, so its browser
comes at a random moment of that second. A try that takes too long counts as "hangs".
"""

import contextlib
import http.server
import logging
import os
import random
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit

from _figures import Aim, Program, Table, installed, times
from _servers import free_port
from msal.oauth2cli.authcode import AuthCodeReceiver

import graphhelpers as g

OURS, FLOOR = "graphhelpers", "threaded http.server + Event"
MSAL, GOOGLE = "msal", "google-auth-oauthlib"
PATH, CODE = "/connect/get_token/", "0.AXEA-a-code-of-the-usual-length-" + "c" * 600
IDLE = 200
MOST_HANGS = 2  # tries that are waited for in vain, then no more


class Listening:
    """What a listener needs of us: a port, and the moment its waiting caller had the code."""

    def __init__(self) -> None:
        self.port, self.state = free_port(), "s-1"
        self._returned, self._at = threading.Event(), 0.0

    def wait(self, call: Callable[[], str]) -> threading.Thread:
        """Let a thread wait in `call`, which returns the code."""

        def caller() -> None:
            with contextlib.suppress(Exception):  # one that hung, when its port is closed
                code = call()
                self._at = time.perf_counter()
                assert code == CODE
                self._returned.set()

        thread = threading.Thread(target=caller, daemon=True)
        thread.start()
        return thread

    def ended(self, patience_s: float) -> float | None:
        """Return when the caller had the code; None when it hasn't."""
        return self._at if self._returned.wait(patience_s) else None


@contextlib.contextmanager
def graphhelpers_server(here: Listening) -> Iterator[None]:
    """Ours."""
    app = g.Registration("11112222-bbbb-3333-cccc-4444dddd5555", "a-secret~of.some-length",
                         redirect_uri=f"http://127.0.0.1:{here.port}{PATH}")  # fmt: skip
    attempt = g.start_sign_in(app)
    here.state = attempt.state
    with g.CallbackServer(app, attempt) as server:
        here.wait(server.wait)
        yield
    g.wire_log.clear()


@contextlib.contextmanager
def threaded_server(here: Listening) -> Iterator[None]:
    """The floor: what the standard library does at best, without a check."""
    arrived, found = threading.Event(), []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version, wbufsize, disable_nagle_algorithm = "HTTP/1.1", -1, True

        def do_GET(self) -> None:
            found.append(parse_qs(urlsplit(self.path).query)["code"][0])
            arrived.set()
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 1024  # a full queue makes a browser wait for a second
        block_on_close = False

    with Server(("127.0.0.1", here.port), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        serving.start()
        here.wait(lambda: found[0] if arrived.wait() else "")
        yield
        server.shutdown()
        serving.join()


@contextlib.contextmanager
def msal_receiver(here: Listening) -> Iterator[None]:
    """The receiver of msal's acquire_token_interactive()."""
    with AuthCodeReceiver(port=here.port) as receiver:
        here.wait(lambda: receiver.get_auth_response(timeout=30, state=here.state)["code"])
        yield


@contextlib.contextmanager
def google_server(here: Listening) -> Iterator[None]:
    """google-auth-oauthlib's run_local_server(), up to the exchange that it would make."""
    from google_auth_oauthlib.flow import InstalledAppFlow

    addresses = {"auth_uri": "https://localhost/a", "token_uri": "https://localhost/t"}
    config = {"installed": {"client_id": "c", "client_secret": "s", **addresses}}
    flow, found = InstalledAppFlow.from_client_config(config, ["openid"]), []

    def fetch_token(authorization_response: str, **_: object) -> None:
        found.append(parse_qs(urlsplit(authorization_response).query)["code"][0])
        raise StopIteration

    def call() -> str:
        with contextlib.suppress(StopIteration):
            flow.run_local_server(
                "127.0.0.1", port=here.port, open_browser=False, timeout_seconds=30,
                authorization_prompt_message=None, state=here.state,
            )  # fmt: skip
        return found[0]

    flow.fetch_token = fetch_token
    waiting = here.wait(call)
    _until_listening(here.port)
    yield
    waiting.join(1)


CONTENDERS = {OURS: graphhelpers_server, FLOOR: threaded_server, MSAL: msal_receiver,
              GOOGLE: google_server}  # fmt: skip


def one_try(name: str, idle: int, patience_s: float) -> float | None:
    """Return the milliseconds of one answer; None when the caller didn't get it."""
    here = Listening()
    with contextlib.ExitStack() as cleanup:
        cleanup.enter_context(CONTENDERS[name](here))
        for _ in range(idle):
            _connect_idly(here.port, cleanup)
        time.sleep(random.uniform(0.05, 1.05) if name == MSAL else 0.05)  # until it has seen them
        asked = _post(here) if name == MSAL else _get(here)
        before = time.perf_counter()
        try:
            browser = socket.create_connection(("127.0.0.1", here.port), patience_s)
        except TimeoutError:
            return None
        with browser:
            browser.sendall(asked)
            after = here.ended(patience_s)
            if after is None:
                return None
            browser.recv(65536)
    return (after - before) * 1000


def _connect_idly(port: int, cleanup: contextlib.ExitStack) -> None:
    """Begin to connect, as a browser does in advance; where the queue is full, it stays at that."""
    idle = cleanup.enter_context(socket.socket())
    idle.setblocking(False)
    idle.connect_ex(("127.0.0.1", port))


def _get(here: Listening) -> bytes:
    query = f"code={CODE}&state={here.state}&session_state=x"
    return f"GET {PATH}?{query} HTTP/1.1\r\nHost: 127.0.0.1:{here.port}\r\n\r\n".encode()


def _post(here: Listening) -> bytes:
    form = f"code={CODE}&state={here.state}&session_state=x"
    head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{here.port}\r\nContent-Length: {len(form)}\r\n"
    return f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\n{form}".encode()


def _until_listening(port: int) -> None:
    """Wait for a port to be bound, without a connection: google's server would take it."""
    while True:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return
        time.sleep(0.001)


def measure(names: list[str], rounds: int, idle: int, patience_s: float) -> Table:
    """Let each have its turn in each round."""
    title = f"{idle} idle connections" if idle else "no idle connection"
    table = Table(title, "ms", {name: [] for name in names}, [FLOOR], digits=2)
    tries: dict[str, list[float | None]] = {name: [] for name in names}
    for _ in range(rounds + 1):
        for one, row in tries.items():
            if row.count(None) < MOST_HANGS:
                row.append(one_try(one, idle, patience_s))
    for one, row in tries.items():
        if hung := row.count(None):
            table.remarks[one] = f"hangs ({hung} of {len(row)} tries, {patience_s:g} s each)"
        else:
            table.rows[one] = row[1:]  # the first loads what is loaded once
    return table


def main() -> None:
    """Measure and show."""
    program = Program(__doc__, 40, ("msal", "google-auth-oauthlib"))
    program.add("--idle", IDLE, "connections that are open and silent in the second table")
    program.add("--patience", 4.0, "seconds after which a try counts as hanging")
    program.options.add_argument("--alone", action="store_true", help=f"without {GOOGLE}")
    asked, names = program.asked(), list(CONTENDERS)
    if asked.alone or not installed(GOOGLE):
        names.remove(GOOGLE)
        if not asked.alone:
            print(f'Without {GOOGLE}: it comes with the extra "bench".', file=sys.stderr)
    os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
    logging.disable(logging.CRITICAL)
    # What servers print about connections that we have closed is no figure.
    socketserver.BaseServer.handle_error = lambda *_: None
    alone, among = (measure(names, asked.rounds, n, asked.patience) for n in (0, asked.idle))
    more = among.rows[OURS], alone.rows[OURS]
    aims = [
        Aim("redirect to caller, to the floor", alone.ratio(OURS, FLOOR), "≤", 1.5),
        Aim("the same with idle connections", among.ratio(OURS, FLOOR), "≤", 1.5),
        Aim("with idle connections, to without", times(*more) if all(more) else None, "≤", 1.2),
    ]
    program.finish([alone, among], aims)


if __name__ == "__main__":
    main()
