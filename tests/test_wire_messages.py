"""Each exchange as the HTTP messages it was, and as a command to try; no secret in either."""

import html
import json
import subprocess
import time
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from requests import Session

from graphhelpers import NoAnswer, Secret, record, sandbox_cloud, whoami, wire_log
from graphhelpers.exchanges import FORM_SECRETS, JSON, Exchange, WireLog, masked, sealed
from graphhelpers.wire import call_graph, call_upload, get_published, post_form

from .issued import trap_token
from .kit import app_at
from .trap import Trap, answer

TOKEN = Secret("canary~access-token")
CODE = Secret("canary~code")
HOSTILE = ["'; touch ran #", "$(touch ran)", "`touch ran`", "two\nlines", "@/etc/passwd", "a=b&c=d",
           '"; touch ran; "', "\\", "$HOME", "!!", "-o ran", "ü ‹secret 123456›", ""]  # fmt: skip


def asked(trap: Trap, *script: str) -> Exchange:
    """Post a form, and return the exchange that the log holds then."""
    form = {
        "grant_type": "authorization_code",
        "code": CODE,
        "redirect_uri": "http://localhost:1/a b",
    }
    post_form(sandbox_cloud(trap.url, trap.url), f"{trap.url}/common/oauth2/v2.0/token", form)
    return wire_log[-1]


def test_a_refused_form_reads_as_it_went_over_the_wire():
    said = answer(b'{"error": "invalid_grant"}', "400 Bad Request", "Retry-After: 3")
    with Trap(said) as trap:
        request, _, came = asked(trap).http.partition("\n\nHTTP/1.1")
    head, _, body = request.partition("\n\n")
    lines = head.splitlines()
    assert lines[:2] == ["POST /common/oauth2/v2.0/token HTTP/1.1", f"Host: {trap.url[7:]}"]
    assert {"Accept: application/json", "Content-Type: application/x-www-form-urlencoded"} < {
        *lines
    }
    assert body.splitlines() == [
        "grant_type=authorization_code", f"&code={CODE!r}", "&redirect_uri=http://localhost:1/a+b",
    ]  # fmt: skip
    assert came.splitlines()[0] == " 400 Bad Request" and "Retry-After: 3" in came
    assert came.endswith('\n\n{\n  "error": "invalid_grant"\n}')


def test_what_is_shown_was_sent():
    with Trap(answer(b"{}")) as trap:
        shown = asked(trap).http.partition("\n\n")[0].splitlines()
    sent = trap.requests[0].partition(b"\r\n\r\n")[0].decode().splitlines()
    assert set(shown) <= set(sent) and any(line.startswith("client-request-id") for line in shown)


def test_a_call_to_graph_shows_its_token_as_a_fingerprint_and_its_json():
    with Trap(answer(b"", "202 Accepted", "request-id: 7")) as trap:
        cloud = sandbox_cloud(trap.url, trap.url)
        call_graph(cloud, "POST", "/v1.0/me/sendMail", TOKEN, {"message": {"subject": "Hi"}})
    text = wire_log[-1].http
    assert (
        f"\nAuthorization: Bearer {TOKEN!r}\n" in text
        and "\nContent-Type: application/json" in text
    )
    assert '\n\n{\n  "message": {\n    "subject": "Hi"\n  }\n}\n\nHTTP/1.1 202 Accepted\n' in text
    assert text.endswith("request-id: 7")


def test_a_query_stands_in_the_request_line_and_its_secrets_are_masked():
    with Trap(answer(b"{}")) as trap:
        get_published(sandbox_cloud(trap.url, trap.url), f"{trap.url}/keys?p=b2c&code=canary~x&e=")
    line, *_ = wire_log[-1].http.splitlines()
    assert line == f"GET /keys?p=b2c&code={Secret('canary~x')!r}&e= HTTP/1.1"


def test_where_no_answer_came_that_is_said():
    with Trap(lambda connection: None) as trap, pytest.raises(NoAnswer):
        whoami(app_at(trap), trap_token())
    assert wire_log[-1].http.endswith("\n\n✗ no answer") and wire_log[-1].failed


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ("Set-Cookie: x=canary~cookie", None),
        ("X-Powered-By: canary~powder", None),
        ("WWW-Authenticate: Bearer realm=x", "Bearer realm=x"),
        ("Location: https://x.example/cb?code=canary~code", "https://x.example/cb"),
        ("Location: https://x.example/cb#access_token=canary~code", "https://x.example/cb"),
        ("Retry-After: a\x07b", "a\\x07b"),
    ],
)
def test_of_an_answers_headers_only_those_worth_seeing_are_kept(header, shown):
    with Trap(answer(b"{}", "400 No", header)) as trap:
        kept = asked(trap)
    name = header.partition(":")[0]
    assert kept.answer_headers.get(name) == shown and "canary" not in kept.http + repr(vars(kept))


def test_a_value_cannot_feign_another_field_or_another_message():
    feigned = "x\n&admin=1\n\nHTTP/1.1 200 OK"
    odd = Exchange("notebook", "Entra ID", "POST /token", {"state": feigned}, "400")
    odd = replace(odd, answer_headers={"Retry-After": "1\nX: y"})
    lines = odd.http.splitlines()
    assert len([line for line in lines if line.startswith(("&", "X:", "HTTP/1.1 200"))]) == 0


def test_the_table_folds_messages_and_command_below_each_line_and_escapes_them():
    payload = "<script>ran(1)</script>"
    kept = Exchange(
        "notebook", "Entra ID", "POST /token", {payload: payload}, "200", {"a": payload}
    )
    page = WireLog([kept])._repr_html_()
    assert "<script" not in page and page.count("<details>") == 1
    assert kept.curl in html.unescape(page) and kept.http in html.unescape(page)


# --- As a command


def run(exchange: Exchange, tmp_path, **secrets: str) -> list[str]:
    """Return the arguments that bash gives to curl; another program would leave its trace."""
    stub = "curl() { printf '%s\\0' \"$@\"; }\n"
    shell = subprocess.run(
        ["bash", "-c", stub + exchange.curl],
        env={"PATH": "/usr/bin:/bin", **secrets}, cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert shell.returncode == 0 and shell.stderr == "" and list(tmp_path.iterdir()) == []
    return shell.stdout.split("\0")[:-1]


def fields(arguments: list[str]) -> list[tuple[str, str]]:
    """Return the fields that curl would send: it encodes what stands after the first `=`."""
    given = [b for a, b in zip(arguments, arguments[1:], strict=False) if a == "--data-urlencode"]
    names = [parse_qsl(one.partition("=")[0] + "=", True)[0][0] for one in given]
    return [(name, one.partition("=")[2]) for name, one in zip(names, given, strict=True)]


def test_the_command_sends_the_form_with_a_variable_for_each_secret(tmp_path):
    with Trap(answer(b"{}")) as trap:
        kept = asked(trap)
    assert kept.curl.splitlines() == [
        f"curl -X POST {trap.url}/common/oauth2/v2.0/token \\",
        "  --data-urlencode grant_type=authorization_code \\",
        '  --data-urlencode "code=$CODE" \\',
        "  --data-urlencode 'redirect_uri=http://localhost:1/a b'",
    ]
    sent = run(kept, tmp_path, CODE="a b$(id)'")
    assert fields(sent)[1:] == [("code", "a b$(id)'"), ("redirect_uri", "http://localhost:1/a b")]


def test_the_command_sends_the_token_and_the_json(tmp_path):
    content = {"message": {"subject": "; ".join(HOSTILE)}}
    with Trap(answer(b"{}")) as trap:
        call_graph(sandbox_cloud(trap.url, trap.url), "POST", "/v1.0/me/sendMail", TOKEN, content)
    sent = run(wire_log[-1], tmp_path, ACCESS_TOKEN="of my own")
    assert sent[:3] == ["-X", "POST", f"{trap.url}/v1.0/me/sendMail"]
    assert sent[3:7] == ["-H", "Authorization: Bearer of my own", "-H", f"Content-Type: {JSON}"]
    assert sent[7] == "-d" and json.loads(sent[8]) == content and "canary" not in "".join(sent)


def test_a_get_is_asked_with_its_query(tmp_path):
    query = masked(sealed({"code": CODE, "state": "s"}, FORM_SECRETS))
    kept = Exchange("browser", "notebook", "GET /cb/", query, "200", {}, "http://localhost:8000")
    sent = run(kept, tmp_path, CODE="c")
    assert sent[:2] == ["--get", "http://localhost:8000/cb/"]
    assert fields(sent) == [("code", "c"), ("state", "s")]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_foreign_text_stays_text_in_a_shell(hostile, tmp_path):
    sent = {"state": hostile, f"n{hostile}": "v"}
    for method in ("GET", "POST"):
        kept = Exchange("browser", "notebook", f"{method} /{hostile}", sent, "200", {}, "http://h")
        arguments = run(kept, tmp_path)
        assert fields(arguments) == list(sent.items()) and f"http://h/{hostile}" in arguments


def test_the_command_for_a_range_names_its_place_and_no_address(tmp_path):
    with Trap(answer(b"{}")) as trap:
        url, place = Secret(f"{trap.url}/up?authtoken=canary"), {"Content-Range": "bytes 0-2/9"}
        ends = time.monotonic() + 5
        call_upload(sandbox_cloud(trap.url, trap.url), "PUT", url, place, b"abc", ends)
    sent = run(wire_log[-1], tmp_path, UPLOAD_URL="https://own.example/up")
    assert sent[:3] == ["-X", "PUT", "https://own.example/up"] and sent[-2:] == ["-T", "content"]
    assert "Content-Range: bytes 0-2/9" in sent and "canary" not in wire_log[-1].curl


# --- What is kept has an end


def test_of_long_lists_the_log_keeps_the_beginning_and_the_count():
    assert masked({"a": [*range(11)]}) == {"a": [*range(10), "… (11 in all)"]}
    assert masked([*range(10)]) == [*range(10)]


def test_a_diagram_that_mermaid_would_not_draw_ends_with_how_many_are_left():
    log = WireLog([Exchange("notebook", "Entra ID", "POST /token", {}, "400")] * 1_000)
    drawn = log.diagram()._repr_mimebundle_()["text/vnd.mermaid"]
    steps = drawn.count("->>Entra ID")
    assert len(drawn) < 50_000 and steps > 100 and f": {1_000 - steps} more are" in drawn
    assert "more" not in log.diagram(100)._repr_mimebundle_()["text/vnd.mermaid"]


# --- Calls of other code


def test_no_secret_of_an_address_or_a_json_body_is_taken_up():
    with Trap(answer(b"{}")) as trap, Session() as http:
        http.trust_env = False
        http.hooks["response"] = record
        address = f"http://ada:canary~p@{trap.url[7:]}"
        secret = {"client_secret": "canary~a=canary~b"}
        for query in ("authtoken=canary~t", "tempauth=canary~t", "sig=canary~t"):
            http.put(f"{address}/up?{query}", data=b"canary~bytes", timeout=5)
            http.post(f"{address}/up?{query}", json=secret, timeout=5)
            lower = {"content-type": "application/json"}
            http.post(address, data=json.dumps(secret), headers=lower, timeout=5)
    assert all("canary" not in one.http + one.curl + repr(one) for one in wire_log)


def test_a_password_in_an_upload_address_is_not_kept():
    with Trap(answer(b"{}")) as trap:
        url = Secret(f"http://ada:canary~p@{trap.url[7:]}/up")
        ends = time.monotonic() + 5
        call_upload(sandbox_cloud(trap.url, trap.url), "GET", url, {}, b"", ends)
    assert "canary" not in wire_log[-1].http + wire_log[-1].curl + wire_log[-1].origin


def test_a_call_of_other_code_is_taken_up_masked_by_a_hook():
    said = b'{"access_token": "canary~new", "expires_in": 3599}'
    with Trap(answer(said, "200 OK", "Set-Cookie: a=canary~cookie")) as trap, Session() as http:
        http.trust_env = False
        http.hooks["response"] = record
        form = {
            "grant_type": "authorization_code",
            "code": "canary~code",
            "client_secret": "canary~s",
        }
        http.post(f"{trap.url}/common/oauth2/v2.0/token?p=b2c", data=form, timeout=5)
    one = wire_log[-1]
    assert (one.sender, one.receiver, one.answer) == ("other code", "Entra ID", "200")
    assert one.sent["p"] == "b2c" and one.sent["code"] == repr(Secret("canary~code"))
    assert one.received["access_token"] == repr(Secret("canary~new"))
    assert "canary" not in one.http + one.curl + repr(one) + wire_log._repr_html_()
    assert "Content-Type: application/x-www-form-urlencoded" in one.http


def test_a_call_of_other_code_to_graph_keeps_neither_its_token_nor_its_upload():
    with Trap(answer(b"", "401 Unauthorized")) as trap, Session() as http:
        http.trust_env = False
        http.hooks["response"] = record
        bearer = {"Authorization": "Bearer canary~token"}
        http.put(f"{trap.url}/v1.0/me/photo", data=b"canary~bytes", headers=bearer, timeout=5)
    one = wire_log[-1]
    assert one.receiver == "Microsoft Graph" and one.failed
    assert "canary" not in one.http + one.curl + repr(one)
