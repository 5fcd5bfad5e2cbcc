"""TLS for loopback: a throw-away certificate authority, made once per home by trustme."""

import os
from pathlib import Path

NAMES = ("localhost", "127.0.0.1", "::1")


def for_home(home: Path) -> tuple[Path, Path]:
    """Return the authority's PEM, and the server's certificate with its key; made at need.

    The authority's own key is not kept: nobody can issue another certificate under it.
    """
    authority, server = home / "ca.pem", home / "server.pem"
    if not (authority.exists() and server.exists()):
        import trustme

        ca = trustme.CA()
        _write(authority, ca.cert_pem.bytes())
        _write(server, ca.issue_cert(*NAMES).private_key_and_cert_chain_pem.bytes())
    return authority, server


def _write(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, even while it is being written."""
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
