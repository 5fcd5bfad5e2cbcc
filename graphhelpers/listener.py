"""HTTP on loopback that no idle, slow or odd connection can hold up; it knows nothing of OAuth.

h11 reads the requests, and refuses whatever RFC 9112 forbids; asyncio, in a thread of its own,
serves hundreds of connections side by side. Browsers open idle ones in advance, and one of
those ends the sign-in of many a well-known client.
"""

import asyncio
import errno
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing, suppress
from http import HTTPStatus
from pathlib import Path

import h11

from .display import escaped
from .errors import CallbackError

LONGEST_CONNECTION_S = 10.0  # an honest browser needs milliseconds
LARGEST_PART = 64 * 1024  # bytes of a head, or of a form
MOST_WAITING = 1_024  # connections that nobody has taken up yet
TAKEN = (errno.EADDRINUSE, errno.EACCES, 10013, 10048)  # the last two: Windows

# What a page begins with; by no-referrer no other page sees its address, where the code stands.
HEAD = Path(__file__).with_suffix(".http").read_text("utf-8").replace("\n", "\r\n") + "\r\n"
PAGE = Path(__file__).with_suffix(".html").read_text("utf-8")

Judge = Callable[[str, str, str], tuple[int, str]]


class Listener:
    """Serves `answer` at a loopback host and port, in the background, from `open` to `close`.

    It takes method, path and query (or form), and returns a status and the words for the person.
    A request whose Host is none of `names` is for somebody else (RFC 9110 §7.4).
    """

    def __init__(self, host: str, port: int, names: set[str], answer: Judge):
        self.host, self.port, self.answer, self._names = host, port, answer, names
        self._sockets: list[socket.socket] = []
        self._thread: threading.Thread | None = None
        self._stop: Future[Callable[[], object]] = Future()

    def open(self) -> None:
        """Bind and begin, or go on; raises CallbackError when the port is taken."""
        if self._thread is None:
            self._stop = Future()
            self._bind()
            self._thread = threading.Thread(target=asyncio.run, args=(self._serve(),), daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Give the port, every connection and the thread back; doing so twice is fine.

        An interrupt may come at any moment, here and in `open`: the next call does the rest.
        """
        if self._thread:
            with suppress(RuntimeError, TimeoutError):  # it has ended, or never began
                self._stop.result(1)()
                self._thread.join()
        while self._sockets:
            self._sockets[-1].close()
            self._sockets.pop()
        self._thread = None

    def _bind(self) -> None:
        # `localhost` is 127.0.0.1 and ::1, and a browser may try either first.
        for address in ("127.0.0.1", "::1") if self.host == "localhost" else (self.host,):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            try:
                self._sockets.append(socket.create_server((address, self.port), family=family))
            except OSError as error:
                if address != "::1" or not self._sockets or error.errno in TAKEN:
                    self.close()
                    key = "port taken" if error.errno in TAKEN else "cannot listen"
                    raise CallbackError.of(key, port=self.port, reason=error.strerror) from None
                # This machine has no IPv6.

    async def _serve(self) -> None:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        for sock in self._sockets:
            # A full queue would make the browser wait for a second, and try again.
            await asyncio.start_server(self._connection, sock=sock, backlog=MOST_WAITING)
        self._stop.set_result(lambda: loop.call_soon_threadsafe(stop.set))
        await stop.wait()  # what is still connected ends with the loop

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Of an error, a time-out (an OSError, too) or the end nothing is said: a thread's output
        # would land in any cell.
        with closing(writer), suppress(OSError, asyncio.CancelledError):
            async with asyncio.timeout(LONGEST_CONNECTION_S):
                writer.write(await self._answered(reader))
                await writer.drain()

    async def _answered(self, reader: asyncio.StreamReader) -> bytes:
        """Read one request, and return the answer to it; nothing for a TLS handshake."""
        peer, form = h11.Connection(h11.SERVER, max_incomplete_event_size=LARGEST_PART), b""
        first = await reader.read(LARGEST_PART)
        if first.startswith(b"\x16"):  # a browser that was told to use https
            self.answer("TLS", "", "")
            return b""
        peer.receive_data(first)
        try:
            request = await _next_event(peer, reader)
            if not isinstance(request, h11.Request):
                return b""
            if b"transfer-encoding" in dict(request.headers):  # no form that a browser sends
                return _page(request.method, 400, "The form has no length.")
            while isinstance(more := await _next_event(peer, reader), h11.Data):
                form += more.data
                if len(form) > LARGEST_PART:
                    return _page(request.method, 413, "The form is too large.")
        except h11.RemoteProtocolError as odd:
            return _page(b"", odd.error_status_hint, "This is not a sign-in's answer.")
        return _page(request.method, *self._judged(request, form))

    def _judged(self, request: h11.Request, form: bytes) -> tuple[int, str]:
        headers = dict(request.headers)
        path, _, query = request.target.decode("latin-1").partition("?")
        if request.method not in (b"GET", b"HEAD", b"POST"):
            return 405, "This is not a sign-in's answer."
        if not path.startswith("/"):
            return 400, "This is not a request that a browser sends."
        if b"host" in headers and headers[b"host"].decode("latin-1").lower() not in self._names:
            return 421, "This listener is known by another name."  # DNS rebinding
        if request.method == b"HEAD":
            return 200, ""  # no effect (RFC 9110 §9.3.2)
        if request.method == b"GET":
            return self.answer("GET", path, query)
        # Taken like a query (OAuth 2.0 Form Post Response Mode §2).
        kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if kind != b"application/x-www-form-urlencoded" or query:
            return 400, "An answer by POST is a form, and has no query."
        return self.answer("POST", path, form.decode("utf-8", "replace"))


async def _next_event(peer: h11.Connection, reader: asyncio.StreamReader) -> object:
    while (event := peer.next_event()) is h11.NEED_DATA:
        peer.receive_data(await reader.read(LARGEST_PART))
    return event


def _page(method: bytes, status: int, words: str) -> bytes:
    title = "Back to the notebook" if status == 200 else "Not taken"
    body = PAGE.format(title=title, words=escaped(words)).encode("utf-8", "replace")
    head = HEAD.format(status=status, phrase=HTTPStatus(status).phrase, length=len(body))
    return head.encode("ascii") + (b"" if method == b"HEAD" else body)
