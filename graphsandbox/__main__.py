"""`python -m graphsandbox`: one ready line on stdout, then serve until SIGINT or SIGTERM."""

import argparse
import sqlite3
import sys
from pathlib import Path

from . import _load
from .ready import CANNOT_START, HOME_IN_USE, PORT_TAKEN, default_home, read


def main() -> int:
    """Run a sandbox in the foreground and return the exit code."""
    options = _options().parse_args()
    home = options.home.absolute()
    try:
        server, store, classroom = _load("server"), _load("store"), _load("classroom")
    except ModuleNotFoundError as error:
        return _complain(CANNOT_START, str(error))
    try:
        where = classroom.place(options.public) if options.classroom else None
        address = where.public if where else options.public
        sandbox = server.Sandbox(home, options.port, options.tls, options.owner, address, where)
    except classroom.NoClass as error:
        return _complain(CANNOT_START, str(error))
    except server.PortTaken as error:
        return _complain(PORT_TAKEN, f"{error} Choose another --port, or 0 for a free one.")
    except store.HomeInUse as error:
        return _complain(HOME_IN_USE, f"{error} {_who_runs(home)}")
    except ValueError as error:
        return _complain(CANNOT_START, str(error))
    except (OSError, sqlite3.DatabaseError) as error:
        return _complain(CANNOT_START, f"Can't use {home}: {error}")
    try:
        sandbox.serve(lambda: print(sandbox.ready.line(), flush=True))
    finally:
        sandbox.close()
    return 0


def _who_runs(home: Path) -> str:
    """Name the sandbox that has this home, as far as it has said where it is."""
    said = read(home)
    return f"It is process {said.pid}, at {said.authority}." if said else ""


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m graphsandbox",
        description="An offline Entra ID and Microsoft Graph, on loopback only.",
    )
    parser.add_argument("--port", type=_port, default=0, help="0 (the default): any free one")
    kept = "where it keeps its state (%(default)s)"
    parser.add_argument("--home", type=Path, default=default_home(), help=kept)
    parser.add_argument("--tls", action="store_true", help="https, under a throw-away authority")
    address = "where browsers reach it through a proxy; {port} is its own"
    parser.add_argument("--public", metavar="URL", help=address)
    service = "serve a class, as a service of JupyterHub, whose variables say where"
    parser.add_argument("--classroom", action="store_true", help=service)
    parser.add_argument("--owner", type=int, metavar="PID", help="end when this process has")
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def _complain(code: int, why: str) -> int:
    print(f"graphsandbox: {why}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
