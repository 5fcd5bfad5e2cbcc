"""A session of `requests` whose calls end at a deadline, whatever the peer does.

The time-outs of `requests` are per read, so a peer that sends a byte now and then holds a
call for ever. Only shutting its socket down ends it; that is all this module adds.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

_under_way = threading.local()


class Call:
    """One call under way: what its deadline has to cut, and whether bytes of it left."""

    def __init__(self) -> None:
        self.connection: HTTPConnection | None = None
        self.sock: socket.socket | None = None
        self.sent = False  # from here on the peer may have carried the request out
        self.expired = False

    def cut(self) -> None:
        """Shut the sockets down, which wakes the thread that reads or writes them."""
        self.expired = True
        for sock in {self.sock, getattr(self.connection, "sock", None)}:
            with suppress(OSError, TypeError):  # it ended by itself, or there was none
                # Past SSLSocket.shutdown, which would pull the TLS state from under the reader.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)  # type: ignore[arg-type]


@contextmanager
def deadline(ends: float) -> Iterator[Call]:
    """Cut the call made inside at `ends`, a time of `time.monotonic()`."""
    call = _under_way.call = Call()
    timer = threading.Timer(max(0.0, ends - time.monotonic()), call.cut)
    timer.daemon = True
    timer.start()
    try:
        yield call
    finally:
        timer.cancel()
        _under_way.call = None


@cache
def session(loopback: bool) -> requests.Session:
    """Return the session for this machine (never through a proxy) or for the internet."""
    made = requests.Session()
    made.trust_env = not loopback
    made.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("http://", "https://"):
        made.mount(scheme, _Adapter())
    return made


class _Cuttable:
    """A connection that tells the call under way which socket it uses."""

    sock: socket.socket | None

    def connect(self) -> None:
        if call := getattr(_under_way, "call", None):
            call.connection = self
            if call.expired:
                raise TimeoutError("The deadline has passed.")
        super().connect()  # type: ignore[misc]

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        if call := getattr(_under_way, "call", None):
            call.connection, call.sent = self, True
        super().send(data)  # type: ignore[misc]

    def getresponse(self) -> Any:
        if call := getattr(_under_way, "call", None):
            call.sock = self.sock  # a connection forgets its socket before the answer is read
        return super().getresponse()  # type: ignore[misc]


class _Http(_Cuttable, HTTPConnection):
    pass


class _Https(_Cuttable, HTTPSConnection):
    pass


class _Adapter(HTTPAdapter):
    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        kind: Any = _Https if pool.scheme == "https" else _Http
        pool.ConnectionCls = kind
        return pool
