"""A session of `requests` whose calls end at a deadline, whatever the peer does.

The time-outs of `requests` are per read, so a peer that sends a byte now and then holds a
call for ever, and nothing bounds the search for an address. So each call has a thread for
itself: the caller stops waiting, and the call's socket is shut down. An interrupt ends it the
same way, and no frame of the caller's traceback ever holds what was sent.
"""

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from logging import getLogger
from queue import SimpleQueue
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

MOST_AT_ONCE = 4  # calls to one host (Microsoft Graph: "Throttling limits", Outlook's)

_under_way = threading.local()
idle: list["_Thread"] = []  # each ready for a call; to start one takes a third of a mail's time

# At its lowest level urllib3 logs each address, and that of an upload is a secret.
THREAD = "graphhelpers call"
getLogger("urllib3.connectionpool").addFilter(lambda record: record.threadName != THREAD)


class Call:
    """One call under way: what its deadline has to cut, and whether bytes of it left."""

    def __init__(self) -> None:
        self.sent = False  # from here on the peer may have carried the request out
        self._connection: HTTPConnection | None = None
        self._sock: socket.socket | None = None
        self._over = False
        self._lock = threading.Lock()

    def result(self, work: Callable[[], Any], connect_s: float, ends: float) -> Any:
        """Return what `work` returns, or None when it was cut.

        It is cut at `ends`, a time of `time.monotonic()`, and after `connect_s` seconds when by
        then it has a place among the calls to its host, and could still send nothing.
        """
        outcome: Future[Any] = Future()
        try:
            _free_thread().calls.put((self, work, outcome))
            for moment in (time.monotonic() + connect_s, ends):
                with suppress(TimeoutError):
                    return outcome.result(max(0.0, min(moment, ends) - time.monotonic()))
                if self.connecting:
                    break
            return None
        finally:
            if not outcome.done():
                self._cut()

    @property
    def connecting(self) -> bool:
        """Whether it has begun to connect, and could send nothing yet."""
        return self._connection is not None and not self.sent

    def use(self, connection: HTTPConnection, sending: bool = False) -> None:
        """Note the connection that the call uses; raises TimeoutError when the call is over."""
        with self._lock:
            if self._over:
                raise TimeoutError("The call is over.")
            self._connection, self._sock = connection, connection.sock
            self.sent = self.sent or sending

    def _cut(self) -> None:
        """Let nothing more be sent, and wake the thread that reads or writes the socket."""
        with self._lock:
            self._over = True
        for sock in {self._sock, getattr(self._connection, "sock", None)}:
            with suppress(OSError, TypeError):  # it ended by itself, or there was none
                # Past SSLSocket.shutdown, which would pull the TLS state from under the reader.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # type: ignore[arg-type]


class _Thread(threading.Thread):
    """Makes one call after another. A few wait for their next one; more than that end."""

    def __init__(self) -> None:
        super().__init__(name=THREAD, daemon=True)
        self.calls: SimpleQueue[tuple[Call, Callable[[], Any], Future[Any]]] = SimpleQueue()
        self.start()

    def run(self) -> None:
        while self._waits_again():
            pass

    def _waits_again(self) -> bool:
        _under_way.call, work, outcome = self.calls.get()
        answer = work()
        if waits := len(idle) < MOST_AT_ONCE:
            idle.append(self)
        outcome.set_result(answer)
        return waits


def _free_thread() -> _Thread:
    with suppress(IndexError):
        while not (thread := idle.pop()).is_alive():
            pass  # after a fork none is
        return thread
    return _Thread()


@cache
def session(loopback: bool, _process: int) -> requests.Session:
    """Return the session for this machine (never through a proxy) or for the internet.

    Each process has its own: two that share a connection after a fork read each other's answers.
    """
    made = requests.Session()
    made.trust_env = not loopback
    made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("http://", "https://"):
        made.mount(scheme, _Adapter(pool_maxsize=MOST_AT_ONCE, pool_block=True))
    return made


class _Cuttable(HTTPConnection):
    """A connection that tells the call under way which socket it uses."""

    debuglevel = 0  # whatever is set for all of http.client: its output would hold the tokens

    def connect(self) -> None:
        _under_way.call.use(self)
        super().connect()

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        # A proxy is asked for a tunnel first; nothing of the request itself has left by then.
        _under_way.call.use(self, sending=not data.startswith(b"CONNECT "))
        super().send(data)


class _Https(_Cuttable, HTTPSConnection):
    """The same over TLS."""


class _Adapter(HTTPAdapter):
    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = _Https if pool.scheme == "https" else _Cuttable
        return pool
