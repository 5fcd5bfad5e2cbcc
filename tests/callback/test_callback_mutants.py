"""Random and mutated requests to the listener: none is an answer, and none does harm."""

import random
import socket
from pathlib import Path

import psutil
import pytest

from graphhelpers import (
    CallbackServer,
)

from .listening import port_of, still_waits

ROOT = Path(__file__).parents[2]


GOOD_REQUESTS = [
    b"GET /connect/get_token/?code=canary~code&state=S HTTP/1.1\r\nHost: localhost:P\r\n\r\n",
    b"POST /connect/get_token/ HTTP/1.1\r\nHost: localhost:P\r\nContent-Length: 24\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n\r\ncode=canary~code&state=S",
    b"GET /connect/get_token/?error=access_denied&state=S HTTP/1.0\r\n\r\n",
]
ODD = [b"\0", b"\xff", b"%", b"%zz", b"&", b"\r\n", b"\n", b" ", b"=", b"HTTP/9.9", b"\x16\x03",
       b"Content-Length: 9\r\n", b"Host: x\r\n", b"a" * 5_000]  # fmt: skip


def mutated(chance: random.Random, port: int) -> bytes:
    """Return bytes like a good answer with a stranger's state, but for some changes."""
    data = bytearray(chance.choice(GOOD_REQUESTS).replace(b"P", str(port).encode()))
    for _ in range(chance.randrange(1, 6)):
        place = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0:
                data[place:place] = chance.choice(ODD)
            case 1:
                del data[place : place + chance.randrange(1, 20)]
            case 2:
                data[place : place + 1] = chance.randbytes(1)
            case _:
                data += data[place : place + 40]
    return bytes(data) if chance.random() < 0.9 else chance.randbytes(chance.randrange(1, 500))


def meet_mutants(app, attempt, requests: int) -> None:
    chance = random.Random(20)
    with CallbackServer(app, attempt) as server:
        for _ in range(requests):
            with socket.create_connection(("127.0.0.1", port_of(app)), timeout=5) as connection:
                try:
                    connection.sendall(mutated(chance, port_of(app)))
                    connection.shutdown(socket.SHUT_WR)
                    while answer := connection.recv(65536):
                        assert answer.startswith(b"HTTP/1.1 ") or b"<!doctype" not in answer
                        assert b"canary" not in answer
                except ConnectionError:
                    pass
        still_waits(server, attempt)


@pytest.mark.case("F021", "F022", "F024", "F031", "F034")
def test_a_thousand_mutants_are_harmless(app, attempt):
    meet_mutants(app, attempt, 1_000)


@pytest.mark.soak
def test_a_hundred_thousand_mutants_are_harmless(app, attempt):
    before = psutil.Process().memory_info().rss
    meet_mutants(app, attempt, 50_000)  # for each of the two hosts
    assert psutil.Process().memory_info().rss - before < 10_000_000
