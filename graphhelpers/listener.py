"""HTTP on loopback that no idle, slow or odd connection can hold up; it knows nothing of OAuth.

The standard library's server does the HTTP; what is added are limits. Browsers open idle
connections in advance, and one of those ends the sign-in of many a well-known client.
"""

import errno
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from typing import Any

from .display import escaped
from .errors import CallbackError
from .help_cards import card

LONGEST_CONNECTION_S = 10.0  # an honest browser needs milliseconds
MOST_CONNECTIONS = 500  # the oldest make room
LARGEST_FORM = 64 * 1024  # bytes
POLL_S = 0.02  # how soon `close` is noticed

# Takes method, path and query (or form), and returns a status and the words for the person.
Answer = Callable[[str, str, str], tuple[int, str]]

PAGE = Path(__file__).with_suffix(".html").read_text("utf-8")
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Connection": "close",
    "Allow": "GET, HEAD, POST",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",  # the code stands in the page's address
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline';"
    " frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
}


class Listener:
    """Serves `answer` at a loopback host and port, in the background, from `open` to `close`."""

    def __init__(self, host: str, port: int, answer: Answer):
        self.host, self.port, self.answer = host, port, answer
        self._servers: list[tuple[_Server, threading.Thread]] = []

    def open(self) -> None:
        """Bind and begin, or go on; raises CallbackError when the port is taken."""
        # `localhost` is 127.0.0.1 and ::1, and a browser may try either first.
        addresses = ("127.0.0.1", "::1") if self.host == "localhost" else (self.host,)
        for address in addresses if not self._servers else ():
            try:
                server = _Server(address, self.port, self.answer)
            except OSError as error:
                if address == "::1" and self._servers and not _is_taken(error):
                    continue  # this machine has no IPv6
                self.close()
                raise _cannot_listen(self.port, error) from None
            thread = threading.Thread(target=server.serve_forever, args=(POLL_S,), daemon=True)
            self._servers.append((server, thread))
            thread.start()

    def close(self) -> None:
        """Give the port, every connection and every thread back; doing so twice is fine."""
        closer = threading.Thread(target=self._close)  # a thread, which no interrupt can stop
        closer.start()
        closer.join()

    def _close(self) -> None:
        while self._servers:
            server, thread = self._servers.pop()
            if thread.ident:  # else an interrupt came before it began
                server.shutdown()
                thread.join()  # closing while it polls would keep the port for one poll more
            server.server_close()


class _Server(ThreadingTCPServer):  # not HTTPServer, which looks our own name up
    daemon_threads = True  # a kernel must be able to end while a browser holds a connection
    request_queue_size = 128
    allow_reuse_address = os.name == "posix"  # on Windows it would let others take the port too

    def __init__(self, address: str, port: int, answer: Answer):
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.answer = answer
        self.connections: dict[socket.socket, float] = {}  # each with the time it began
        super().__init__((address, port), _Handler)

    def server_bind(self) -> None:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        super().server_bind()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections[request] = time.monotonic()
        super().process_request(request, client_address)

    def service_actions(self) -> None:
        """Cut the connections that are too old or too many; called at each poll."""
        oldest_first = list(self.connections.items())
        late = time.monotonic() - LONGEST_CONNECTION_S
        spare = len(oldest_first) - MOST_CONNECTIONS
        for number, (sock, began) in enumerate(oldest_first):
            if began < late or number < spare:
                _cut(sock)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.connections.pop(request, None)

    def server_close(self) -> None:
        super().server_close()
        for sock in list(self.connections):
            _cut(sock)  # which wakes its thread, and so ends it

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a connection that broke: a thread's output would land in any cell."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "graphhelpers", ""
    timeout = LONGEST_CONNECTION_S
    wbufsize = -1  # one write per answer; the default sends each header by itself
    disable_nagle_algorithm = True

    def handle_one_request(self) -> None:
        if self.rfile.peek(1)[:1] == b"\x16":  # type: ignore[attr-defined]
            self.close_connection = True
            self.server.answer("TLS", "", "")  # a browser that was told to use https
        else:
            super().handle_one_request()

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        self._serve(path, query)

    def do_HEAD(self) -> None:
        self._page(200, "")  # no effect (RFC 9110 §9.3.2)

    def do_POST(self) -> None:
        """Take a form like a query (OAuth 2.0 Form Post Response Mode §2)."""
        lengths = self.headers.get_all("Content-Length", [])
        length = int(lengths[0]) if len(lengths) == 1 and lengths[0].isdecimal() else -1
        kind = self.headers.get_content_type()
        path, _, query = self.path.partition("?")
        if length < 0 or "Transfer-Encoding" in self.headers:
            self._page(400, "The form has no valid length.")
        elif length > LARGEST_FORM:
            self._page(413, "The form is too large.")
        elif kind != "application/x-www-form-urlencoded" or query:
            self._page(400, "An answer by POST is a form, and has no query.")
        else:
            form = self.rfile.read(length)
            if len(form) == length:  # a code that was cut short is none
                self._serve(path, form.decode("utf-8", "replace"))

    def _serve(self, path: str, fields: str) -> None:
        hosts = self.headers.get_all("Host", [])
        if self.request_version == "HTTP/0.9" or not path.startswith("/"):
            self._page(400, "This is not an HTTP request of today.")
        elif len(hosts) > 1 or not hosts and self.request_version == "HTTP/1.1":
            self._page(400, "HTTP/1.1 needs one Host header.")
        elif hosts and hosts[0].lower() not in self._own_hosts():
            self._page(421, "This listener is known by another name.")  # DNS rebinding
        else:
            self._page(*self.server.answer(self.command, path, fields))

    def _own_hosts(self) -> set[str]:
        port = self.server.server_address[1]
        return {f"localhost:{port}", f"127.0.0.1:{port}", f"[::1]:{port}"}

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what the standard library refuses, in our form; a method it lacks is a 405."""
        self._page(405 if code == 501 else code, "This is not a sign-in's answer.")

    def _page(self, status: int, words: str) -> None:
        title = "Back to the notebook" if status == 200 else "Not taken"
        body = PAGE.format(title=title, words=escaped(words)).encode("utf-8", "replace")
        self.close_connection = True
        self.send_response(status)
        for name, value in {**HEADERS, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Log nothing: the request line holds the code."""


def _cut(sock: socket.socket) -> None:
    with suppress(OSError):  # it ended by itself
        sock.shutdown(socket.SHUT_RDWR)


def _is_taken(error: OSError) -> bool:
    return error.errno in (errno.EADDRINUSE, errno.EACCES, 10013, 10048)  # the last two: Windows


def _cannot_listen(port: int, error: OSError) -> CallbackError:
    what = f"Can't listen on port {port} for the sign-in's answer."
    key = "cannot listen"
    if _is_taken(error):
        key = "port taken by a notebook" if _is_ours(port) else "port taken"
    return CallbackError(what, *card(key, port=port, reason=error.strerror))


def _is_ours(port: int) -> bool:
    """Ask whether it is another kernel's listener that has the port."""
    with suppress(OSError, HTTPException), closing(HTTPConnection("localhost", port, 1)) as asked:
        asked.request("HEAD", "/")
        return _Handler.server_version in asked.getresponse().headers.get("Server", "")
    return False
