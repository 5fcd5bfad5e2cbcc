"""Files of a draft: small ones as JSON, large ones in ranges (entra-and-graph.md 7.1, 7.7)."""

import base64
import hashlib
import json
import os
import re
from types import SimpleNamespace

import psutil
import pytest

import graphsandbox
from tests.sandbox import client
from tests.sandbox.client import bearer, mail_to

GRACE = "grace@contoso.example"
SCOPE = f"{client.SCOPE} Mail.ReadWrite"
MEBIBYTE = 1024 * 1024
DATA = os.urandom(5 * MEBIBYTE + 7)
SIZE = len(DATA)


@pytest.fixture(scope="module")
def writing_token(sandbox_of_this_file):
    with client.browser() as session:
        return client.access_token(sandbox_of_this_file, session, scope=SCOPE)


@pytest.fixture
def call(sandbox, http, writing_token):
    """Call Graph with a token that may write."""

    def request(method, path, **options):
        url = path if "://" in path else f"{sandbox.graph}/v1.0/{path}"
        return http.request(method, url, headers=bearer(writing_token), **options)

    return request


@pytest.fixture
def files(call):
    """The address of a new draft's files."""
    draft = call("POST", "me/messages", json=mail_to(GRACE)["message"]).json()
    return f"me/messages/{draft['id']}/attachments"


@pytest.fixture
def accepted(sandbox, http):
    """Return every mail the sandbox took."""
    return lambda: http.get(f"{sandbox.authority}/_control/mailbox").json()


def refusal(answer):
    error = answer.json()["error"]
    return answer.status_code, error["code"]


def small(content=b"abc", **more):
    return {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": "a.txt",
        "contentBytes": base64.b64encode(content).decode(),
        **more,
    }


def start(call, files, size=SIZE, **more):
    item = {"attachmentType": "file", "name": "large.bin", "size": size, **more}
    return call("POST", f"{files}/createUploadSession", json={"AttachmentItem": item})


def put(http, url, first, content, size=SIZE):
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Range": f"bytes {first}-{first + len(content) - 1}/{size}",
    }
    return http.put(url, data=content, headers=headers)


def test_a_small_file_is_attached_listed_read_and_taken_off(call, files):
    made = call("POST", files, json=small(isInline=True, contentId="logo"))
    assert made.status_code == 201
    file = made.json()
    assert (file["@odata.type"], file["size"]) == ("#microsoft.graph.fileAttachment", 3)
    assert (file["contentType"], file["isInline"], file["contentId"]) == (
        "text/plain", True, "logo",
    )  # fmt: skip
    [listed] = call("GET", files).json()["value"]
    assert base64.b64decode(listed["contentBytes"]) == b"abc"
    [short] = call("GET", f"{files}?$select=name,size").json()["value"]
    assert "contentBytes" not in short and short["name"] == "a.txt"
    assert call("GET", f"{files}/{file['id']}").json()["name"] == "a.txt"
    value = call("GET", f"{files}/{file['id']}/$value")
    assert (value.content, value.headers["X-Content-Type-Options"]) == (b"abc", "nosniff")
    assert call("DELETE", f"{files}/{file['id']}").status_code == 204
    assert call("GET", files).json()["value"] == []
    assert refusal(call("GET", f"{files}/{file['id']}")) == (404, "ErrorItemNotFound")


def test_a_file_needs_its_type(call, files):
    file = small()
    del file["@odata.type"]
    assert refusal(call("POST", files, json=file)) == (400, "RequestBodyRead")


def test_a_large_file_goes_up_in_ranges_without_a_token_and_arrives(call, http, files, accepted):
    session = start(call, files)
    assert session.status_code == 201
    answer = session.json()
    assert answer["@odata.context"].endswith("$metadata#microsoft.graph.uploadSession")
    assert answer["nextExpectedRanges"] == ["0-"]
    url, half = answer["uploadUrl"], 3 * MEBIBYTE
    first = put(http, url, 0, DATA[:half])
    assert first.status_code == 200
    assert first.json()["nextExpectedRanges"] == [str(half)]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", first.json()["ExpirationDateTime"])
    last = put(http, url, half, DATA[half:])
    assert (last.status_code, last.content) == (201, b"")
    assert re.search(r"/Attachments\('[^']+'\)$", last.headers["Location"])
    assert call("GET", last.headers["Location"]).json()["size"] == len(DATA)
    assert call("GET", last.headers["Location"]).json()["name"] == "large.bin"
    assert refusal(put(http, url, 0, DATA[:half])) == (404, "ErrorItemNotFound")
    assert call("POST", files.replace("attachments", "send"), data=b"").status_code == 202
    expected = hashlib.sha256(DATA).hexdigest()
    assert accepted()[0]["attachments"] == [
        {"name": "large.bin", "size": len(DATA), "sha256": expected}
    ]
    [sent] = call("GET", "me/messages").json()["value"]
    [file] = call("GET", f"me/messages/{sent['id']}/attachments?$select=id").json()["value"]
    value = call("GET", f"me/messages/{sent['id']}/attachments/{file['id']}/$value")
    assert hashlib.sha256(value.content).hexdigest() == expected


def test_a_wrong_range_is_416_and_the_upload_can_go_on(call, http, files):
    url = start(call, files).json()["uploadUrl"]
    for first, size in ((1, len(DATA)), (0, len(DATA) + 1)):
        assert put(http, url, first, DATA[:1000], size).status_code == 416
    assert http.put(url, data=b"abc").status_code == 416
    lying = {"Content-Range": f"bytes 0-99/{len(DATA)}"}
    assert http.put(url, data=b"abc", headers=lying).status_code == 416
    assert put(http, url, 0, DATA[:MEBIBYTE]).status_code == 200
    assert put(http, url, 0, DATA[:MEBIBYTE]).status_code == 416  # its answer was lost, say
    assert http.get(url).json()["nextExpectedRanges"] == [str(MEBIBYTE)]
    assert put(http, url, MEBIBYTE, DATA[MEBIBYTE : 4 * MEBIBYTE]).status_code == 200
    assert put(http, url, 4 * MEBIBYTE, DATA[4 * MEBIBYTE :]).status_code == 201


def test_a_range_over_4_mb_is_413(call, http, files):
    url = start(call, files).json()["uploadUrl"]
    assert put(http, url, 0, DATA[: 4 * MEBIBYTE + 1]).status_code == 413
    assert put(http, url, 0, DATA[: 4 * MEBIBYTE]).status_code == 200


def test_an_upload_expires_by_the_clock_of_the_sandbox(call, http, sandbox, files):
    url = start(call, files).json()["uploadUrl"]
    http.post(f"{sandbox.authority}/_control/clock", json={"advance_s": 3700})
    assert refusal(put(http, url, 0, DATA[:1000])) == (404, "ErrorItemNotFound")


def test_an_upload_can_be_given_up(call, http, files):
    url = start(call, files).json()["uploadUrl"]
    assert http.delete(url).status_code == 204
    assert http.get(url).status_code == 404


def test_the_address_of_an_upload_is_of_no_use_without_its_secret(call, http, files):
    url = start(call, files).json()["uploadUrl"]
    bare = url.split("?")[0]
    for address in (bare, f"{bare}?authtoken=", f"{url[:-1]}!"):
        assert http.get(address).status_code == 401


@pytest.mark.parametrize(
    ("size", "code"),
    [
        (1000, "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize"),
        (-1, "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize"),
        (150 * MEBIBYTE + 1, "ErrorMessageSizeExceeded"),
        ("many", "RequestBodyRead"),
    ],
)
def test_a_file_of_an_impossible_size_is_refused(call, files, size, code):
    assert refusal(start(call, files, size)) == (400, code)


def test_uploading_needs_mail_readwrite(sandbox, http, token, files):
    url = f"{sandbox.graph}/v1.0/{files}"
    for address in (url, f"{url}/createUploadSession"):
        answer = http.post(address, json=small(), headers=bearer(token))
        assert refusal(answer) == (403, "ErrorAccessDenied")


def test_nothing_is_attached_to_a_mail_that_was_sent(call, files):
    call("POST", files.replace("attachments", "send"), data=b"")
    [sent] = call("GET", "me/messages").json()["value"]
    files = f"me/messages/{sent['id']}/attachments"
    assert call("POST", files, json=small()).status_code == 400
    assert start(call, files).status_code == 400


def test_an_upload_survives_a_restart_of_the_sandbox(tmp_path, http):
    def opened(sandbox):
        token = client.access_token(sandbox, http, scope=SCOPE)
        return lambda method, path, **options: http.request(
            method, f"{sandbox.graph}/v1.0/{path}", headers=bearer(token), **options
        )

    with graphsandbox.running(home=tmp_path) as sandbox:
        call = opened(sandbox)
        draft = call("POST", "me/messages", json=mail_to(GRACE)["message"]).json()
        files = f"me/messages/{draft['id']}/attachments"
        url = start(call, files).json()["uploadUrl"]
        put(http, url, 0, DATA[: 4 * MEBIBYTE])
        port = sandbox.graph.rsplit(":", 1)[1]
    with graphsandbox.running(home=tmp_path) as sandbox:
        url = url.replace(f":{port}/", f":{sandbox.graph.rsplit(':', 1)[1]}/")
        assert http.get(url).json()["nextExpectedRanges"] == [str(4 * MEBIBYTE)]
        assert put(http, url, 4 * MEBIBYTE, DATA[4 * MEBIBYTE :]).status_code == 201


def test_memory_stays_flat_while_a_large_file_goes_up_and_comes_back(run, tmp_path, http):
    process = run("-m", "graphsandbox", "--port", "0", "--home", str(tmp_path))
    sandbox = SimpleNamespace(**json.loads(process.stdout.readline()))
    token = client.access_token(sandbox, http, scope=SCOPE)
    headers, base = bearer(token), f"{sandbox.graph}/v1.0/me/messages"
    draft = http.post(base, json=mail_to(GRACE)["message"], headers=headers).json()
    limits = {"enabled": False, "message_mb": 150}
    http.post(f"{sandbox.graph}/_control/limits", json=limits)
    size, piece = 60 * MEBIBYTE, os.urandom(3 * MEBIBYTE)
    item = {"attachmentType": "file", "name": "x", "size": size}
    answer = http.post(
        f"{base}/{draft['id']}/attachments/createUploadSession",
        json={"AttachmentItem": item},
        headers=headers,
    )
    url, memory = answer.json()["uploadUrl"], psutil.Process(process.pid).memory_info
    for first in range(0, size, len(piece)):
        last = put(http, url, first, piece, size)
        if first == 0:
            before = memory().rss
    assert last.status_code == 201
    sent = http.post(f"{base}/{draft['id']}/send", headers={**headers, "Content-Length": "0"})
    assert sent.status_code == 202
    [mail] = http.get(f"{sandbox.graph}/_control/mailbox").json()
    with http.get(f"{sandbox.mailbox}/{mail['id']}/mime", stream=True) as source:
        assert sum(map(len, source.iter_content(MEBIBYTE))) > size * 4 / 3
    assert memory().rss - before < 25 * MEBIBYTE
