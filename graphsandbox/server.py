"""One sandbox from its first socket to its last: bind, say "ready", serve, stop."""

import contextlib
import errno
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from . import certificates, directory, public, ready, samples
from .app import build_app
from .classroom import Classroom, Hub, Place
from .faults import Connection
from .owners import Owners
from .ready import Ready
from .store import RedirectUri

KEEP_ALIVE_S = 75  # a notebook pauses between cells; a connection closed meanwhile is a riddle
STOP_S = 1  # how long answers under way may take once the sandbox is told to stop


class PortTaken(OSError):
    """The port that was asked for belongs to another program."""


class Server(uvicorn.Server):
    """uvicorn's server, which says when it answers, and whose exit code stays 0."""

    def __init__(self, config: uvicorn.Config, when_ready: Callable[[], None]):
        super().__init__(config)
        self._when_ready = when_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept, then tell."""
        await super().startup(sockets)
        self._when_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop to accept, let answers under way end, and leave no connection open."""
        await super().shutdown(sockets)
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; uvicorn's own method also raises the signal again when it has stopped."""
        self.force_exit = self.should_exit  # asked twice: don't wait for answers under way
        self.should_exit = True


class Sandbox:
    """A sandbox with its home open and its port bound; `serve` answers until it is stopped.

    address is the base that browsers reach it by, through a proxy (see public.py); where is the
    place that a hub has for it, which makes it a class's (see classroom.py).
    """

    def __init__(
        self,
        home: Path,
        port: int = 0,
        tls: bool = False,
        owner: int | None = None,
        address: str | None = None,
        where: Place | None = None,
    ):
        if not home.exists():
            home.mkdir(mode=0o700, parents=True)
        self.home = home
        self.where = where
        self.app = build_app(home, Classroom(where, Hub()) if where else None)
        self.sockets: list[socket.socket] = []
        self.server: Server | None = None
        try:
            self.sockets = _bind_at(where) if where else _bind_again(self.app, port)
            self.pems = certificates.for_home(home) if tls else None
            port = self.sockets[0].getsockname()[1]
            self.app.state.public = public.parse(address, port) if address else None
            here = public.redirect_uri(address) if address else None
            self.ready = (
                _ready_for_a_class(self.app, port)
                if where
                else _ready(self.app, port, self.pems, here)
            )
        except BaseException:
            self.close()
            raise
        self.app.state.owners = self.owners = Owners(owner)

    def serve(self, when_ready: Callable[[], None]) -> None:
        """Answer requests until `stop`, a signal, or the end of the last owner."""

        def started() -> None:
            if not self.where:  # a class has no app of everybody's for connect() to find
                ready.write(self.home, self.ready)
            when_ready()

        self.server = Server(self._config(), started)
        try:
            self.server.run(self.sockets)
        finally:
            ready.remove(self.home, self.ready)

    def stop(self) -> None:
        """Tell `serve` to return; safe from any thread."""
        if self.server:
            self.server.should_exit = True

    def close(self) -> None:
        """Give port and home back."""
        for one in self.sockets:
            one.close()
        self.app.state.store.close()

    def _config(self) -> uvicorn.Config:
        certificate = str(self.pems[1]) if self.pems else None
        return uvicorn.Config(
            self.app,
            http=Connection,
            ws="none",
            loop="asyncio",
            lifespan="off",
            log_config=None,  # warnings to stderr by Python's own last resort
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ssl_certfile=certificate,
            ssl_keyfile=certificate,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=STOP_S,
            callback_notify=self._watch_owners,  # called about once a second
            timeout_notify=0,
        )

    async def _watch_owners(self) -> None:
        if self.owners.all_gone():
            self.stop()


def bind(port: int) -> list[socket.socket]:
    """Listen on 127.0.0.1 and, where the machine has it, on ::1 at the same port.

    Port 0 means a free one. Raises PortTaken.
    """
    for _ in range(20):
        first = _listen(socket.AF_INET, "127.0.0.1", port)
        try:
            second = _listen(socket.AF_INET6, "::1", first.getsockname()[1])
            return [first, second]
        except PortTaken:
            first.close()
            if port:
                raise
        except OSError:  # a machine without IPv6
            return [first]
    raise PortTaken("No port is free on both 127.0.0.1 and ::1.")


def _bind_at(where: Place) -> list[socket.socket]:
    """Listen where the hub has its service; in a cluster that is no loopback address."""
    if where.is_here:
        return bind(where.port)
    return [_listen(socket.AF_INET, where.host, where.port)]


def _listen(family: int, host: str, port: int) -> socket.socket:
    # asyncio turns Nagle's algorithm off only for sockets that name their protocol.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # On Windows SO_REUSEADDR would let two programs have the same port.
        if sys.platform == "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            why = f"Port {port} on {host} is taken by another program, or reserved."
            raise PortTaken(why) from error
        raise
    return listener


def _bind_again(app: Starlette, port: int) -> list[socket.socket]:
    """Bind the port asked for, else the last one of this home, else a free one."""
    store = app.state.store
    try:
        sockets = bind(port or int(store.setting("port") or 0))
    except PortTaken:
        if port:
            raise
        sockets = bind(0)
    store.set_setting("port", str(sockets[0].getsockname()[1]))
    return sockets


def _ready(
    app: Starlette, port: int, pems: tuple[Path, Path] | None, redirect_uri: str | None
) -> Ready:
    """Give the app its own address, and return what the ready line says.

    redirect_uri is one more for the registered app, and the one to use: the usual one by way of
    the proxy.
    """
    base = f"{'https' if pems else 'http'}://localhost:{port}"
    app.state.authority = app.state.graph = base
    registration, secret = app.state.store.default_app()
    if redirect_uri and redirect_uri not in [one.uri for one in registration.redirect_uris]:
        registration.redirect_uris.append(RedirectUri(redirect_uri))
        app.state.store.save(registration)
    samples.add_once(app.state.store)
    known, uris = app.state.public, [one.uri for one in registration.redirect_uris]
    return Ready(
        authority=base,
        graph=base,
        portal=f"{known or base}/portal",
        mailbox=f"{known or base}/mailbox",
        client_id=registration.client_id,
        client_secret=secret,
        tenant=directory.TENANT_ID,
        redirect_uris=sorted(uris, key=lambda uri: uri != redirect_uri),  # that one is first
        user=directory.USERS[0].upn,
        ca=str(pems[0]) if pems else None,
        pid=os.getpid(),
        public=str(known) if known else None,
    )


def _ready_for_a_class(app: Starlette, port: int) -> Ready:
    """Give the app its addresses; a learner is told theirs, and their own app, when they join."""
    state, base = app.state, str(app.state.public)
    at = f"http://localhost:{port}" if state.classroom.where.is_here else base
    state.authority = state.graph = at
    return Ready(
        authority=at, graph=at, portal=f"{base}/portal", mailbox=f"{base}/mailbox", public=base,
        client_id="", client_secret="", redirect_uris=[], user="",  # nobody's
        tenant=directory.TENANT_ID, ca=None, pid=os.getpid(),
    )  # fmt: skip


@contextlib.contextmanager
def running(home: str | os.PathLike[str] | None = None, tls: bool = False) -> Iterator[Ready]:
    """Serve in a thread as long as the block lasts (see `graphsandbox.running`)."""
    with contextlib.ExitStack() as cleanup:
        if home is None:
            home = cleanup.enter_context(tempfile.TemporaryDirectory(prefix="graphsandbox-"))
        sandbox = Sandbox(Path(home).absolute(), tls=tls)
        cleanup.callback(sandbox.close)
        _serve_in_thread(sandbox, cleanup)
        yield sandbox.ready


def _serve_in_thread(sandbox: Sandbox, cleanup: contextlib.ExitStack) -> None:
    answering = threading.Event()
    failure: list[BaseException] = []

    def serve() -> None:
        try:
            sandbox.serve(answering.set)
        except BaseException as error:
            failure.append(error)
        finally:
            answering.set()

    thread = threading.Thread(target=serve, name="graphsandbox", daemon=True)
    thread.start()
    cleanup.callback(thread.join)
    cleanup.callback(sandbox.stop)
    answering.wait()
    if failure:
        raise RuntimeError("The sandbox could not start.") from failure[0]
