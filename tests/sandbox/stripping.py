"""A proxy as it stands before a sandbox on a hub: it takes its prefix off a path, and lies."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LIES = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-For": "203.0.113.9",
    "Forwarded": "host=evil.example;proto=https",
}


class Proxy(ThreadingHTTPServer):
    """Listens on loopback; a path /user/NAME/proxy/PORT/rest goes to that port as /rest."""

    daemon_threads = True

    @property
    def address(self) -> str:
        return f"http://localhost:{self.server_port}"


class Passing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def pass_on(self) -> None:
        _, _, _, _, port, rest = self.path.split("/", 5)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        connection = http.client.HTTPConnection("localhost", int(port), timeout=10)
        headers = {**dict(self.headers.items()), **LIES}
        connection.request(self.command, f"/{rest}", body or None, headers)
        answer = connection.getresponse()
        content = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        connection.close()

    do_GET = do_POST = pass_on

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def stripping_proxy() -> Iterator[Proxy]:
    """Run the proxy as long as the block lasts."""
    with Proxy(("127.0.0.1", 0), Passing) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
