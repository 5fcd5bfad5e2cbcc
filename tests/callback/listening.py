"""What the tests of the listener share: a browser, a good answer, and raw bytes."""

import socket
from urllib.parse import urlencode, urlsplit

import requests

CODE = "0.canary~code-0123456789"


def browse(url: str, **kwargs) -> requests.Response:
    return requests.get(url, timeout=5, allow_redirects=False, **kwargs)


def good(server, attempt, **more) -> str:
    return f"{server.url}?{urlencode({'code': CODE, 'state': attempt.state} | more)}"


def raw(app, data: bytes, read: bool = True) -> bytes:
    port = int(app.redirect_uri.split(":")[2].split("/")[0])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(data)
        answer = b""
        while read and (more := connection.recv(65536)):
            answer += more
        return answer


def still_waits(server, attempt) -> None:
    assert browse(good(server, attempt)).status_code == 200
    assert server.wait(1) == CODE


def port_of(app) -> int:
    return urlsplit(app.redirect_uri).port
