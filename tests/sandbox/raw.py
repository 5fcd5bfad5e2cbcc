"""HTTP by the byte, for what no client library would send or let through."""

import socket
from urllib.parse import urlsplit


def send(sandbox, wire: bytes, timeout_s: float = 10.0) -> bytes:
    """Send these bytes on a connection of their own; return all that comes until its end."""
    with socket.create_connection(("127.0.0.1", port(sandbox)), timeout_s) as connection:
        connection.sendall(wire)
        return rest(connection)


def rest(connection: socket.socket) -> bytes:
    """Return what still comes on a connection until the other side ends it."""
    pieces = []
    while piece := connection.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def port(sandbox) -> int:
    """Return the port a sandbox listens on."""
    return urlsplit(sandbox.authority).port


def head(method: str, path: str, *lines: str) -> bytes:
    """Return the head of a request that ends its connection."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Connection: close", *lines, "", ""]).encode()
