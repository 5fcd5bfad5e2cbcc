"""A load client with little weight of its own: raw sockets, kept alive, requests made of bytes.

It is the same for every server that is measured, and spends about 0.05 ms on a request.
"""

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ANSWER_S = 30.0


class Flow(Protocol):
    """One client's work; it is called again and again."""

    def __call__(self, connection: "Connection") -> object: ...


@dataclass(frozen=True)
class Answer:
    """What came back, as bytes."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: bytes) -> bytes:
        """Return a header's value; its first, should there be two."""
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.lower() == name:
                return value.strip()
        return b""


class Connection:
    """One connection to a server on this machine, and the cookies it was given."""

    def __init__(self, host: str, port: int):
        self._host, self._address = f"{host}:{port}", (host, port)
        self._socket, self._used = self._opened(), False
        self.cookies: dict[bytes, bytes] = {}

    def _opened(self) -> socket.socket:
        opened = socket.create_connection(self._address, ANSWER_S)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return opened

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def get(self, path: str) -> Answer:
        """Send a GET."""
        return self.send("GET", path, {}, b"")

    def post(self, path: str, fields: dict[str, str]) -> Answer:
        """Send a form."""
        return self.send("POST", path, FORM, urlencode(fields).encode())

    def send(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Send a request and wait for its answer."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._host}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if self.cookies:
            pairs = (name + b"=" + value for name, value in self.cookies.items())
            lines.append("Cookie: " + b"; ".join(pairs).decode())
        if method != "GET":
            lines.append(f"Content-Length: {len(body)}")
        asked = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
        try:
            answer = self._asked(asked)
        except ConnectionError:
            if not self._used:
                raise
            # Servers hang up on a connection that was idle for some seconds; a browser asks again.
            self.close()
            self._socket = self._opened()
            answer = self._asked(asked)
        self._used = True
        return answer

    def _asked(self, request: bytes) -> Answer:
        self._socket.sendall(request)
        return self._receive()

    def _receive(self) -> Answer:
        head, _, body = self._until(b"", b"\r\n\r\n").partition(b"\r\n\r\n")
        answer = Answer(int(head[9:12]), head, b"")
        if length := answer.header(b"content-length"):
            while len(body) < int(length):
                body += self._more()
        elif answer.header(b"transfer-encoding"):
            body = self._until(body, b"0\r\n\r\n")
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"set-cookie:"):
                name, _, value = line[11:].split(b";")[0].strip().partition(b"=")
                self.cookies[name] = value
        return Answer(answer.status, head, body)

    def _until(self, data: bytes, mark: bytes) -> bytes:
        while mark not in data:
            data += self._more()
        return data

    def _more(self) -> bytes:
        piece = self._socket.recv(65536)
        if not piece:
            raise ConnectionError("The server hung up.")
        return piece


def rate(connect: Callable[[], Connection], flow: Flow, clients: int, seconds: float) -> float:
    """Return how many flows a second so many clients get through, each on its connection."""
    connections = [connect() for _ in range(clients)]
    for one in connections:
        flow(one)  # what comes only once is not measured: cookies, a first consent
    done, failures = [0] * clients, []
    deadline = time.perf_counter() + seconds

    def work(number: int) -> None:
        try:
            while done[number] == 0 or time.perf_counter() < deadline:
                flow(connections[number])
                done[number] += 1
        except BaseException as error:
            failures.append(error)

    started = time.perf_counter()
    threads = [threading.Thread(target=work, args=(number,)) for number in range(clients)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    took = time.perf_counter() - started
    for one in connections:
        one.close()
    if failures:
        raise failures[0]
    return sum(done) / took
