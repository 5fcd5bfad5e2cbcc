"""The servers that are measured, each as its maker says to start it, and its code flow."""

import contextlib
import importlib.metadata
import importlib.util
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from _load import Answer, Connection

HERE = Path(__file__).parent
NPM_HOME = Path(sys.prefix) / "node-bench"
REDIRECT_URI = "http://localhost:8000/connect/get_token/"
START_S = 20.0


@dataclass(frozen=True)
class Server:
    """A running server, and one code flow against it."""

    name: str
    version: str
    port: int
    pid: int
    flow: Callable[[Connection], object]

    def connect(self) -> Connection:
        """Open a connection, as one client has it."""
        return Connection("127.0.0.1", self.port)


@dataclass(frozen=True)
class CodeFlow:
    """The two requests of a flow whose person is signed in and has consented."""

    authorize: str
    token: str
    client: dict[str, str]  # client_id and client_secret
    scope: str
    form: dict[str, str] | None = None  # a server without sessions is told the person each time
    first_steps: int = 1  # requests until a new browser has its code; later it is one

    def __call__(self, connection: Connection) -> dict[str, object]:
        """Get a code, redeem it, and return the token answer."""
        address = f"{self.authorize}?{urlencode(self.question())}"
        steps = 1 if connection.cookies else self.first_steps
        if self.form is None:
            answer = connection.get(address)
        else:
            answer = connection.post(address, self.form)
        for _ in range(steps - 1):
            to = urlsplit(answer.header(b"location").decode())
            answer = connection.get(to.path)
        return self.redeem(connection, answer)

    def question(self) -> dict[str, str]:
        """Return the parameters of the authorization request."""
        known = {"response_type": "code", "redirect_uri": REDIRECT_URI, "scope": self.scope}
        return {"client_id": self.client["client_id"], **known, "state": "s-1", "nonce": "n-1"}

    def redeem(self, connection: Connection, answer: Answer) -> dict[str, object]:
        """Exchange the code of a redirect for tokens."""
        code = re.search(rb"[?&]code=([^&]+)", answer.header(b"location"))
        if answer.status not in (302, 303) or code is None:
            raise AssertionError(f"no code: {answer.status} {answer.body[:500]!r}")
        fields = {"grant_type": "authorization_code", "code": code[1].decode()}
        answer = connection.post(
            self.token, {**self.client, **fields, "redirect_uri": REDIRECT_URI}
        )
        tokens = json.loads(answer.body)
        if answer.status != 200 or not {"access_token", "id_token"} <= tokens.keys():
            raise AssertionError(f"no tokens: {answer.status} {answer.body[:500]!r}")
        return tokens


@contextlib.contextmanager
def sandbox(home: Path | None = None) -> Iterator[tuple[Server, dict[str, str]]]:
    """Run our sandbox, and give what its ready line says too."""
    with contextlib.ExitStack() as cleanup:
        if home is None:
            home = Path(cleanup.enter_context(tempfile.TemporaryDirectory()))
        command = [sys.executable, "-m", "graphsandbox", "--home", str(home)]
        process = cleanup.enter_context(_process(command, stdout=subprocess.PIPE))
        ready = json.loads(process.stdout.readline())
        flow = CodeFlow(
            "/common/oauth2/v2.0/authorize",
            "/common/oauth2/v2.0/token",
            {name: ready[name] for name in ("client_id", "client_secret")},
            "openid profile offline_access User.Read Mail.Send",
        )
        port = int(ready["authority"].rsplit(":", 1)[1])
        version = importlib.metadata.version("graph-tutorial-kit")
        yield Server("graphsandbox", version, port, process.pid, flow), ready


@contextlib.contextmanager
def oauth2_mock_server() -> Iterator[Server]:
    """Run npm's oauth2-mock-server: it asks nobody and redirects at once."""
    port, name = free_port(), "oauth2-mock-server"
    program = NPM_HOME / "node_modules" / name / "dist/oauth2-mock-server.mjs"
    flow = CodeFlow("/authorize", "/token", CLIENT, "openid profile")
    with _process(["node", str(program), "-p", str(port)]) as process:
        _wait_for(port, process)
        yield Server(name, _npm_version(name), port, process.pid, flow)


@contextlib.contextmanager
def oidc_provider() -> Iterator[Server]:
    """Run npm's oidc-provider, whose pages (npm/oidc-provider.mjs) press their own buttons."""
    port, name = free_port(), "oidc-provider"
    flow = CodeFlow("/auth", "/token", CLIENT, "openid profile", first_steps=3)
    with _process(["node", str(NPM_HOME / "oidc-provider.mjs"), str(port)]) as process:
        _wait_for(port, process)
        yield Server(name, _npm_version(name), port, process.pid, flow)


@contextlib.contextmanager
def oidc_provider_mock() -> Iterator[Server]:
    """Run PyPI's oidc-provider-mock: its form is posted with the person's name."""
    port, name = free_port(), "oidc-provider-mock"
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)]
    form = {"sub": "ada@contoso.example"}
    flow = CodeFlow("/oauth2/authorize", "/oauth2/token", CLIENT, "openid profile", form)
    with _process(command) as process:
        _wait_for(port, process)
        yield Server(name, importlib.metadata.version(name), port, process.pid, flow)


CLIENT = {"client_id": "bench", "client_secret": "bench-secret"}


def peers() -> list[Callable[[], contextlib.AbstractContextManager[Server]]]:
    """Return the peers that can run here; say which can't."""
    found = []
    if problem := _install_npm_peers():
        print(f"Without oauth2-mock-server and oidc-provider: {problem}", file=sys.stderr)
    else:
        found += [oauth2_mock_server, oidc_provider]
    if importlib.util.find_spec("oidc_provider_mock") is None:
        print('Without oidc-provider-mock: it comes with the extra "bench".', file=sys.stderr)
    else:
        found.append(oidc_provider_mock)
    return found


def node() -> str:
    """Return the version of Node.js, in words."""
    if shutil.which("node") is None:
        return "no Node.js"
    told = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout
    return f"Node.js {told.strip().lstrip('v')}"


def _npm_version(name: str) -> str:
    return json.loads((NPM_HOME / "node_modules" / name / "package.json").read_text())["version"]


def _install_npm_peers() -> str | None:
    """Install what npm/package-lock.json names beside this Python, or say why not."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        return "there is no Node.js with npm here."
    lock = NPM_HOME / "package-lock.json"
    wanted = (HERE / "npm/package-lock.json").read_text()
    known = lock.exists() and lock.read_text() == wanted and (NPM_HOME / "node_modules").exists()
    NPM_HOME.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json", "oidc-provider.mjs"):
        shutil.copy(HERE / "npm" / name, NPM_HOME)
    if known:
        return None
    command = [npm, "ci", "--no-audit", "--no-fund", "--silent"]
    done = subprocess.run(command, cwd=NPM_HOME, capture_output=True, text=True)
    if done.returncode:
        lock.unlink()
        return f"npm could not install them. {done.stderr[-300:]}"
    return None


@contextlib.contextmanager
def _process(command: list[str], stdout: int = subprocess.DEVNULL) -> Iterator[subprocess.Popen]:
    quiet = {"stdin": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, stdout=stdout, **quiet) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(10)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def _wait_for(port: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError(f"{process.args[1:3]} did not start.")
