"""What every request meets first: Host, Origin, size (faults.md F221 to F225, F243)."""

import socket

import pytest

from tests.sandbox import client, raw
from tests.sandbox.client import bearer, mail_to


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", 200), ("LOCALHOST:80", 200), ("127.0.0.1:1234", 200), ("[::1]:99", 200),
        ("evil.example", 421), ("localhost.evil.example", 421), ("127.0.0.1.nip.io", 421),
        ("localhost@evil.example", 421), ("0.0.0.0", 421), ("", 421),
    ],
)  # fmt: skip
def test_only_loopback_names_are_answered(sandbox, host, expected):
    answer = raw.send(sandbox, raw.head("GET", "/_control/ready", f"Host: {host}"))
    assert status(answer) == expected


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:1", "null"])
def test_a_foreign_page_cannot_use_the_control(sandbox, http, origin):
    answer = http.post(f"{sandbox.authority}/_control/reset", headers={"Origin": origin})
    assert answer.status_code == 403


def test_the_own_origin_may(sandbox, http):
    url = f"{sandbox.authority}/_control/reset"
    assert http.post(url, headers={"Origin": sandbox.authority}).ok


def test_a_foreign_page_cannot_post_the_forms_of_the_portal(sandbox, http):
    headers = {"Origin": "https://evil.example"}
    answer = http.post(f"{sandbox.portal}/new", {"display_name": "x"}, headers=headers)
    assert answer.status_code == 403


def test_a_form_without_a_known_origin_is_left_to_its_hidden_token(sandbox, http):
    # Pages with "Referrer-Policy: no-referrer" send "Origin: null" with their own forms.
    url = client.sign_in_url(sandbox)
    answer = http.post(url, {"user": sandbox.user}, headers={"Origin": "null"})
    assert answer.status_code == 403
    assert "hidden token" in answer.text


@pytest.mark.parametrize("method", ["OPTIONS", "GET", "POST"])
@pytest.mark.parametrize("path", ["/v1.0/me", "/_control/mailbox", "/common/oauth2/v2.0/token"])
def test_no_answer_permits_another_origin(sandbox, http, method, path):
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = http.request(method, sandbox.authority + path, headers=headers)
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_a_query_without_end_is_refused(sandbox, http):
    assert http.get(f"{sandbox.authority}/", params={"q": "x" * 20_000}).status_code == 414


def test_a_large_form_is_refused_after_it_was_read(sandbox, http):
    url = f"{sandbox.authority}/common/oauth2/v2.0/token"
    assert http.post(url, data={"code": "x" * 2_000_000}).status_code == 413


def test_a_body_without_end_is_cut_off_while_others_are_served(sandbox, http):
    """The sandbox reads a bounded part of it, answers and hangs up."""
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    lines = ("Host: localhost", "Transfer-Encoding: chunked")
    with socket.create_connection(("127.0.0.1", raw.port(sandbox)), 10) as connection:
        connection.sendall(raw.head("POST", "/v1.0/me/sendMail", *lines))
        sent = 0
        try:
            while sent < 500:
                connection.sendall(chunk)
                sent += 1
                if sent == 8:
                    assert http.get(f"{sandbox.authority}/_control/ready", timeout=5).ok
        except OSError:
            pass
    assert sent < 200
    assert http.get(f"{sandbox.authority}/_control/mailbox").json() == []


def test_a_stalled_request_does_not_stop_others(sandbox, http):
    lines = ("Host: localhost", "Content-Length: 100")
    address = ("127.0.0.1", raw.port(sandbox))
    with socket.create_connection(address) as silent, socket.create_connection(address) as half:
        half.sendall(raw.head("POST", "/v1.0/me/sendMail", *lines) + b"{")
        assert http.get(f"{sandbox.authority}/_control/ready", timeout=5).ok
        silent.close()


def test_a_body_shorter_than_its_length_leaves_nothing_behind(sandbox, http, token):
    whole = (
        client.browser()
        .prepare_request(
            client.requests.Request(
                "POST", f"{sandbox.graph}/v1.0/me/sendMail", json=mail_to("a@b.c")
            )
        )
        .body
    )
    lines = ["Host: localhost", f"Content-Length: {len(whole) + 1}"]
    lines += [f"{name}: {value}" for name, value in bearer(token).items()]
    wire = raw.head("POST", "/v1.0/me/sendMail", *lines, "Content-Type: application/json") + whole
    with socket.create_connection(("127.0.0.1", raw.port(sandbox)), 10) as connection:
        connection.sendall(wire)
        connection.shutdown(socket.SHUT_WR)
        assert not raw.rest(connection).startswith(b"HTTP/1.1 2")
    assert http.get(f"{sandbox.authority}/_control/mailbox").json() == []


def test_what_is_no_http_is_told_so(sandbox):
    assert raw.send(sandbox, b"\x16\x03\x01 hello\r\n\r\n").startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "path",
    ["/../../etc/passwd", "/static/..%2f..%2fstore.py", "/static/%2e%2e/store.py",
     "/mailbox/../../../etc/passwd", "/mailbox/%00", "/static/\\..\\store.py", "//etc/passwd"],
)  # fmt: skip
def test_no_path_leads_out_of_the_sandbox(sandbox, path):
    answer = raw.send(sandbox, raw.head("GET", path, "Host: localhost"))
    assert status(answer) in (400, 404)
    assert b"root:" not in answer and b"sqlite" not in answer
