"""What a class's sandbox asks a hub, answered without one: whose a token is, and a code's token.

The token of NAME is learner-NAME, and the code that buys it code-NAME. The real hub is in hub.py.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote

from tests.kit import free_port
from tests.node import ROOT

HERE = "access:services!service=graphsandbox"
SERVICE = "the-token-of-the-service"
PUBLIC = "https://hub.example/services/graphsandbox"


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self) -> None:
        kind, _, name = self.headers["Authorization"].removeprefix("token ").partition("-")
        if kind not in ("learner", "elsewhere", "machine"):
            return self._say(403, {"message": "Forbidden"})
        scopes = ["read:users:name"] if kind == "elsewhere" else [HERE]
        self._say(
            200,
            {
                "kind": "service" if kind == "machine" else "user",
                "name": unquote(name),
                "scopes": scopes,
            },
        )

    def do_POST(self) -> None:
        sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        code = sent["code"][0]
        if sent["client_secret"] != [SERVICE] or len(sent["code_verifier"][0]) < 43:
            return self._say(400, {"error": "invalid_request"})
        self._say(200, {"access_token": code.replace("code-", "learner-", 1)})

    def _say(self, status: int, value: dict) -> None:
        body = json.dumps(value).encode()
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@dataclass(frozen=True)
class Class:
    """A class's sandbox at work."""

    authority: str
    pid: int
    hub: ThreadingHTTPServer


@contextmanager
def running_class(home: Path, public: str = PUBLIC) -> Iterator[Class]:
    """Run a class's sandbox beside a hub that knows everybody, as long as the block lasts."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as hub:
        hub.daemon_threads = True
        thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            with _sandbox(home, public, hub.server_port) as (process, line):
                yield Class(line["authority"], process.pid, hub)
        finally:
            hub.shutdown()
            thread.join()


@contextmanager
def _sandbox(home: Path, public: str, hub_port: int) -> Iterator[tuple[subprocess.Popen, dict]]:
    command = [sys.executable, "-m", "graphsandbox", "--classroom", "--home", str(home)]
    env = {**os.environ, "PYTHONPATH": str(ROOT), **variables(public, hub_port)}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.terminate()


def variables(public: str, hub_port: int = 1) -> dict[str, str]:
    """Return what a hub tells its service by the environment."""
    return {
        "JUPYTERHUB_API_TOKEN": SERVICE,
        "JUPYTERHUB_API_URL": f"http://127.0.0.1:{hub_port}/hub/api",
        "JUPYTERHUB_BASE_URL": "/",
        "JUPYTERHUB_CLIENT_ID": "service-graphsandbox",
        "JUPYTERHUB_OAUTH_CALLBACK_URL": "/services/graphsandbox/oauth_callback",
        "JUPYTERHUB_PUBLIC_URL": public,
        "JUPYTERHUB_SERVICE_NAME": "graphsandbox",
        "JUPYTERHUB_SERVICE_PREFIX": "/services/graphsandbox/",
        "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{free_port()}",
    }
