"""A browser that tries https at the listener, which speaks plain http."""

import socket
import ssl
import time

import pytest

from graphhelpers import SignInTimeout

from .listening import port_of, still_waits


@pytest.mark.case("F025")
def test_https_at_the_plain_port_is_closed_and_told(app, server, attempt):
    context = ssl.create_default_context()
    for _ in range(2):
        with socket.create_connection(("127.0.0.1", port_of(app)), timeout=5) as plain:
            began = time.monotonic()
            with pytest.raises(OSError):
                context.wrap_socket(plain, server_hostname="localhost")
            assert time.monotonic() - began < 1
    with pytest.raises(SignInTimeout, match="tried https: 2") as caught:
        server.wait(0.05)
    assert "http://" in caught.value.fix
    still_waits(server, attempt)


@pytest.mark.case("F025")
@pytest.mark.parametrize("chance", [b"\n\n", b"\n\r\n", b"\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"])
def test_a_handshake_is_known_whatever_its_random_bytes_are(app, server, attempt, chance):
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"r" * 9 + chance + b"r" * 20
    with socket.create_connection(("127.0.0.1", port_of(app)), timeout=5) as plain:
        plain.sendall(hello)
        assert plain.recv(1) == b""
    with pytest.raises(SignInTimeout, match="tried https: 1"):
        server.wait(0.05)
    still_waits(server, attempt)
