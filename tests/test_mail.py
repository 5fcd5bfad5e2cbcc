import hashlib
import json
import os
import signal
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphhelpers import (
    GraphError,
    Message,
    MessageError,
    NoAnswer,
    Receipt,
    refresh,
    send_mail,
    whoami,
    wire,
    wire_log,
)

from .kit import app_at, app_of, as_json, asked, bend, control, mails, signed_in
from .test_tokens import trap_token
from .trap import Trap, answer, drip, reset

SEND = "/v1.0/me/sendMail"
ADA = "ada@contoso.example"
GRACE = "grace@contoso.example"
ZOE = "zoe@contoso.example"


def hello(**changes) -> Message:
    return Message(**{"subject": "Hello", "body": "Good morning", "to": ADA} | changes)


def addresses(recipients) -> list[str]:
    return [one["emailAddress"]["address"] for one in recipients]


# --- whoami


def test_whoami_returns_the_profile_of_who_signed_in(app, sandbox):
    assert whoami(app, signed_in(app))["userPrincipalName"] == sandbox.user
    assert whoami(app, signed_in(app, user=ZOE))["displayName"] == "Zoë Núñez"


def test_whoami_without_its_permission_is_refused(app):
    with pytest.raises(GraphError, match="403") as caught:
        whoami(app, signed_in(app, "Mail.Send"))
    assert caught.value.outcome is None and caught.value.request_id


def test_an_expired_token_is_refused_and_refreshing_is_the_cure(app, sandbox):
    token = signed_in(app)
    control(sandbox, "POST", "clock", advance_s=4000)
    with pytest.raises(GraphError, match="401 InvalidAuthenticationToken") as caught:
        whoami(app, token)
    assert "refresh(app, token)" in caught.value.fix
    assert asked(sandbox, "/v1.0/me") == 1  # nothing was refreshed behind our back
    assert whoami(app, refresh(app, token))["displayName"]


@pytest.mark.parametrize(
    "said",
    [answer(b"<html>Hotel</html>"), answer(b""), as_json([1]), as_json({"error": "x"}, "418 No")],
)
def test_a_profile_that_is_none_is_a_typed_error(said):
    with Trap(said) as trap, pytest.raises(GraphError) as caught:
        whoami(app_at(trap), trap_token())
    assert "Hotel" not in str(caught.value)


# --- Sending


def test_a_mail_arrives(app, sandbox, token):
    receipt = send_mail(
        app, token, hello(to=[ADA, f"Grace <{GRACE}>"], cc=ZOE, bcc=f"{ADA}, x@y.example")
    )
    assert isinstance(receipt, Receipt) and receipt.outcome == "sent" and receipt.request_id
    assert receipt.recipients == (ADA, GRACE, ZOE, "x@y.example")
    (mail,) = mails(sandbox)
    assert (mail["subject"], mail["body"], mail["attachments"]) == ("Hello", "Good morning", [])
    assert mail["recipients"] == [ADA, GRACE, ZOE, "x@y.example"]


@pytest.mark.parametrize(("html", "kind"), [(False, "text"), (True, "html")])
def test_only_html_is_sent_as_html(app, sandbox, token, html, kind):
    message = hello(body="<b>Good</b> morning", html=html)
    assert message.as_json()["message"]["body"]["contentType"] == kind
    send_mail(app, token, message)
    assert mails(sandbox)[0]["body"] == "<b>Good</b> morning"


def test_only_bcc_is_enough(app, sandbox, token):
    send_mail(app, token, hello(to=(), bcc=GRACE))
    assert mails(sandbox)[0]["recipients"] == [GRACE]


def test_a_mail_may_be_empty(app, sandbox, token):
    send_mail(app, token, hello(subject="", body=""))
    assert (mails(sandbox)[0]["subject"], mails(sandbox)[0]["body"]) == ("", "")


@pytest.mark.parametrize(
    "text",
    [
        "Grüße aus Łódź",
        "👩\u200d🚀 𝒳",
        "שלום, עולם",
        "e\u0301 \u202eabc\u202c",
        "日本語",
        "  blank  ",
        "<>&\"'\\",
    ],
)
def test_text_arrives_unchanged(app, sandbox, token, text):
    body = f"{text}\r\n\ttabbed\n{text}"
    send_mail(app, token, hello(subject=text, body=body))
    assert (mails(sandbox)[0]["subject"], mails(sandbox)[0]["body"]) == (text, body)


def test_the_mail_is_kept_among_the_sent_ones():
    assert hello().as_json()["saveToSentItems"] is True


# --- At most once


def test_one_message_is_sent_once(app, sandbox, token):
    message = hello()
    first = send_mail(app, token, message)
    assert send_mail(app, token, message) is first
    assert asked(sandbox, SEND) == len(mails(sandbox)) == 1


def test_two_threads_send_one_message_once(app, sandbox, token):
    bend(sandbox, SEND, delay_s=0.2)
    message, receipts = hello(), []
    threads = [
        threading.Thread(target=lambda: receipts.append(send_mail(app, token, message)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert receipts[0] is receipts[1] and len(mails(sandbox)) == 1


def test_again_sends_it_again(app, sandbox, token):
    message = hello()
    first = send_mail(app, token, message)
    assert send_mail(app, token, message, again=True) is not first
    assert len(mails(sandbox)) == 2


def test_a_new_message_is_a_new_mail(app, sandbox, token):
    send_mail(app, token, hello()), send_mail(app, token, hello())
    assert len(mails(sandbox)) == 2


def test_any_success_is_final():
    for status in ("200 OK", "202 Accepted", "204 No Content"):
        with Trap(answer(b"", status)) as trap:
            assert send_mail(app_at(trap), trap_token(), hello()).outcome == "sent"


@pytest.mark.parametrize("deliver", [True, False])
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_after_a_fault_of_the_service_nobody_knows_and_nothing_is_repeated(
    app, sandbox, token, status, deliver
):
    bend(sandbox, SEND, status=status, deliver=deliver, retry_after=0)
    message = hello()
    with pytest.raises(GraphError, match=str(status)) as caught:
        send_mail(app, token, message)
    assert caught.value.outcome == "unknown" and caught.value.request_id
    assert "Sent Items" in caught.value.fix
    with pytest.raises(GraphError) as again:
        send_mail(app, token, message)
    assert again.value is caught.value
    assert asked(sandbox, SEND) == 1 and len(mails(sandbox)) == deliver
    send_mail(app, token, message, again=True)
    assert len(mails(sandbox)) == 1 + deliver


@pytest.mark.parametrize("length", [0, 5, 11])
def test_an_answer_that_is_cut_off_leaves_it_unknown(app, sandbox, token, length):
    bend(sandbox, SEND, drop_after=length)
    message = hello()
    for _ in range(2):
        with pytest.raises(NoAnswer, match="broke") as caught:
            send_mail(app, token, message)
        assert caught.value.outcome == "unknown" and "Sent Items" in caught.value.fix
    assert asked(sandbox, SEND) == len(mails(sandbox)) == 1


@pytest.mark.parametrize(
    "misbehaviour",
    [
        pytest.param(reset, id="a reset"),
        pytest.param(lambda connection: time.sleep(2), id="never answers"),
        pytest.param(drip(answer(b"{}", "202 Accepted"), 0.1), id="drips"),
        pytest.param(lambda connection: connection.sendall(b"\x00\xff\r\n\r\n"), id="no HTTP"),
    ],
)
def test_a_lost_answer_leaves_it_unknown(monkeypatch, misbehaviour):
    monkeypatch.setattr(wire, "DEADLINE_S", 1.0)
    began, message = time.monotonic(), hello()
    with Trap(misbehaviour) as trap:
        for _ in range(2):
            with pytest.raises(NoAnswer) as caught:
                send_mail(app_at(trap), trap_token(), message)
        assert len(trap.requests) == 1
    assert caught.value.outcome == "unknown" and time.monotonic() - began < 4
    assert "canary" not in str(caught.value)


@pytest.mark.skipif(os.name == "nt", reason="Windows can't interrupt one thread")
def test_an_interrupt_leaves_it_unknown():
    def interrupt(connection) -> None:
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        connection.recv(1)

    message = hello()
    with Trap(interrupt) as trap:
        with pytest.raises(KeyboardInterrupt):
            send_mail(app_at(trap), trap_token(), message)
        with pytest.raises(NoAnswer, match="stopped") as caught:
            send_mail(app_at(trap), trap_token(), message)
        assert len(trap.requests) == 1
    assert caught.value.outcome == "unknown" and "again=True" in caught.value.fix


def test_nobody_listening_means_not_sent_and_it_may_be_tried_again(app, sandbox, token):
    with Trap(b"") as trap:
        pass
    message = hello()
    for _ in range(2):
        with pytest.raises(NoAnswer, match="nothing listens") as caught:
            send_mail(app_at(trap), trap_token(), message)
        assert caught.value.outcome == "not sent"
    assert send_mail(app, token, message).outcome == "sent" and len(mails(sandbox)) == 1


# --- Refusals


def refused(app, sandbox, token, message, status: int) -> GraphError:
    with pytest.raises(GraphError, match=str(status)) as caught:
        send_mail(app, token, message)
    error = caught.value
    assert (error.status, error.outcome) == (status, "not sent")
    assert error.request_id and error.request_id in str(error) and len(error.fix) > 20
    assert asked(sandbox, SEND) == 1 and mails(sandbox) == []
    return error


def test_an_expired_token_is_not_sent_with(app, sandbox):
    token = signed_in(app)
    control(sandbox, "POST", "clock", advance_s=4000)
    message = hello()
    error = refused(app, sandbox, token, message, 401)
    assert error.code == "InvalidAuthenticationToken" and "refresh(app, token)" in error.fix
    assert send_mail(app, refresh(app, token), message).outcome == "sent"


def test_a_missing_permission_is_named(app, sandbox):
    error = refused(app, sandbox, signed_in(app, "openid", "User.Read"), hello(), 403)
    assert error.code == "ErrorAccessDenied" and "Mail.Send" in error.fix


def test_a_token_that_is_none_is_refused(app, sandbox):
    refused(app, sandbox, trap_token(), hello(), 401)


def test_the_wire_log_shows_graphs_word_for_it_and_no_token(app, sandbox):
    refused(app, sandbox, trap_token(), hello(), 401)
    assert wire_log[-1].received["error"]["code"] == "InvalidAuthenticationToken"
    assert "canary" not in str([vars(exchange) for exchange in wire_log])


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 413, 422])
def test_a_no_is_not_sent_and_may_be_tried_again(app, sandbox, token, status):
    bend(sandbox, SEND, status=status)
    message = hello()
    refused(app, sandbox, token, message, status)
    assert send_mail(app, token, message).outcome == "sent"


@pytest.mark.parametrize(
    ("status", "code", "message", "cure"),
    [
        (
            "400 Bad Request",
            "ErrorInvalidRecipients",
            'Recipient "a@b" is not resolved.',
            "name@domain",
        ),
        (
            "404 Not Found",
            "MailboxNotEnabledForRESTAPI",
            "REST API is not yet supported",
            "Outlook",
        ),
        ("403 Forbidden", "ErrorSendAsDenied", "does not have the right", "Send As"),
        ("413 Payload Too Large", "RequestEntityTooLarge", "4MB", "3 MB"),
        ("403 Forbidden", "never heard of", "", "scope"),
    ],
)
def test_graphs_words_are_kept_and_the_cure_is_added(status, code, message, cure):
    inner = {"request-id": "0b1c"}
    error = {"error": {"code": code, "message": message, "innerError": inner}}
    with Trap(as_json(error, status)) as trap, pytest.raises(GraphError, match=code) as caught:
        send_mail(app_at(trap), trap_token(), hello())
    assert message in caught.value.why and cure in caught.value.fix
    assert caught.value.request_id == "0b1c"


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html><script>alert(1)</script>", b"null", b"[]", b'"x"', b'{"error": "x"}',
        b'{"error": {"code": {"a": 1}, "message": ["<b>"], "innerError": 7}}', b"\xff\xfe",
        b'{"error": {"message": "' + b"x" * 100_000 + b'"}}', b"[" * 200_000,
    ],
)  # fmt: skip
def test_an_error_in_any_form_is_told_by_its_status(body):
    with Trap(answer(body, "403 Forbidden")) as trap, pytest.raises(GraphError) as caught:
        send_mail(app_at(trap), trap_token(), hello())
    assert (caught.value.status, caught.value.outcome) == (403, "not sent")
    assert len(str(caught.value)) < 5_000


# --- Throttling


def test_a_429_is_waited_for_once_and_said(app, sandbox, token):
    bend(sandbox, SEND, status=429, retry_after=0.3)
    notes, began = [], time.monotonic()
    receipt = send_mail(app, token, hello(), progress=lambda *note: notes.append(note))
    assert receipt.outcome == "sent" and 0.3 <= time.monotonic() - began < 3
    assert asked(sandbox, SEND) == 2 and len(mails(sandbox)) == 1
    assert len(notes) == 1 and "throttled" in notes[0][2]


def test_many_429_end_in_a_refusal_that_names_the_time(app, sandbox, token, monkeypatch):
    monkeypatch.setattr(wire, "DEADLINE_S", 2.0)
    bend(sandbox, SEND, status=429, retry_after=0.3, count=50)
    began, message = time.monotonic(), hello()
    with pytest.raises(GraphError, match="429 TooManyRequests") as caught:
        send_mail(app, token, message)
    assert time.monotonic() - began < 3
    assert caught.value.outcome == "not sent" and "0.3 s" in caught.value.why
    assert 2 <= asked(sandbox, SEND) < 10
    control(sandbox, "DELETE", "faults")
    assert send_mail(app, token, message).outcome == "sent"


def test_a_pause_that_is_too_long_is_not_begun(app, sandbox, token):
    bend(sandbox, SEND, status=429, retry_after=120)
    began = time.monotonic()
    with pytest.raises(GraphError, match="429") as caught:
        send_mail(app, token, hello())
    assert time.monotonic() - began < 2 and "120 s" in caught.value.why
    assert asked(sandbox, SEND) == 1


# --- Addresses


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (ADA, [ADA]),
        (f"{ADA}, {GRACE}", [ADA, GRACE]),
        (f"{ADA};{GRACE} ; {ZOE},", [ADA, GRACE, ZOE]),
        (f"{ADA},, ;{GRACE}", [ADA, GRACE]),
        ([ADA, GRACE], [ADA, GRACE]),
        ((f"{ADA},{GRACE}", ZOE), [ADA, GRACE, ZOE]),
        (iter([ADA]), [ADA]),
        (f"  {ADA}  ", [ADA]),
        (f"Ada <{ADA}>", [ADA]),
        (f"<{ADA}>", [ADA]),
        (f'"Lovelace, Ada" <{ADA}>; "Hopper; Grace" <{GRACE}>', [ADA, GRACE]),
        (f"{GRACE} <{ADA}>", [ADA]),
        ([ADA, ADA.upper(), f"Ada <{ADA.title()}>"], [ADA]),
        ("o'neil+tag@sub-1.b.example", ["o'neil+tag@sub-1.b.example"]),
        ("ada@xn--bcher-kva.example", ["ada@xn--bcher-kva.example"]),
    ],
)
def test_addresses_are_understood_as_people_write_them(given, expected):
    assert addresses(hello(to=given).to) == expected


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (f"Ada Lovelace <{ADA}>", "Ada Lovelace"),
        (f'"Lovelace, Ada" <{ADA}>', "Lovelace, Ada"),
        (f"Zoë 🚀 <{ADA}>", "Zoë 🚀"),
        (f"<b>Ada</b> <{ADA}>", "<b>Ada</b>"),
    ],
)
def test_a_name_before_the_address_is_kept(given, name):
    assert hello(to=given).to[0]["emailAddress"] == {"address": ADA, "name": name}


@pytest.mark.parametrize(
    "bad",
    [
        "ada", "@b.example", "ada@", "a@b@c.example", "a b@c.example", f"{ADA} {GRACE}",
        f"Lovelace, Ada <{ADA}>", f"Ada <{ADA}> Grace", "Ada <>", "<>", "a@.example",
        "a@b..example", "a@b.example.", "x" * 300 + "@b.example", f"mailto:{ADA}", f"{ADA}>",
        f"team: {ADA};",
        "ada@bücher.example", "ädä@b.example", "a@b.example\u200b", "a\u202e@b.example", "a@b,c",
        "a@[127.0.0.1]", '"a b"@c.example', "a@b.example(comment)", "a\\@b.example",
        "a@b c.example",
    ],
)  # fmt: skip
@pytest.mark.parametrize("field", ["to", "cc", "bcc"])
def test_what_is_no_address_is_named_and_nothing_goes_out(field, bad):
    with pytest.raises(MessageError, match=f"`{field}` is not an address") as caught:
        hello(**{"to": GRACE, field: [bad]})
    assert "name@domain" in caught.value.why and len(str(caught.value)) < 1_000


@pytest.mark.parametrize("given", ["", "  ", ",;", (), [""], [" ", ","]])
def test_a_mail_for_nobody_is_refused(given):
    with pytest.raises(MessageError, match="0 recipients"):
        hello(to=given)


def test_five_hundred_recipients_are_taken_and_one_more_is_not(app, sandbox, token):
    many = [f"person{number}@contoso.example" for number in range(501)]
    send_mail(app, token, hello(to=many[:200], cc=many[200:400], bcc=many[400:500]))
    assert mails(sandbox)[0]["recipients"] == many[:500]
    with pytest.raises(MessageError, match="501 recipients") as caught:
        hello(to=many[:200], cc=many[200:400], bcc=many[400:])
    assert "500" in caught.value.why
    assert len(hello(to=many[:500] + many[:500]).recipients) == 500


@pytest.mark.parametrize("given", [[7], [None], [b"a@b.example"], [["a@b.example"]]])
def test_a_recipient_that_is_no_text_is_refused(given):
    with pytest.raises(MessageError, match="not text"):
        hello(to=given)


@given(st.text(max_size=60) | st.text("ab@.,;<>\"' ", max_size=30))
@settings(deadline=None)
def test_whatever_is_given_each_recipient_is_an_address_or_it_is_refused(text):
    try:
        found = hello(to=text).recipients
    except MessageError as error:
        assert str(error).count("\n") >= 2
    else:
        for address in found:
            local, domain = address.split("@")
            assert local and domain and address.isascii() and address in text
            assert not set(' ,;<>"()') & set(address)


# --- Text that can't be sent


@pytest.mark.parametrize(
    "character", ["\r", "\n", "\r\n", "\0", "\x1b", "\x7f", "\ud800", "\udfff"]
)
def test_a_control_character_in_a_header_is_refused_with_its_position(character):
    for change in (
        {"subject": f"ab{character}Bcc: x@y.example"},
        {"to": f"Ab{character} <{ADA}>"},
        {"cc": [f"{character}{ADA}"]},
    ):
        with pytest.raises(MessageError, match="forbidden character: U") as caught:
            hello(**change)
        assert "position" in caught.value.what and character not in caught.value.what.strip()


@pytest.mark.parametrize("character", ["\0", "\x1b", "\x7f", "\ud800"])
def test_a_body_has_lines_and_tabs_but_no_other_control_character(character):
    assert hello(body="a\r\n\tb\nc").body == "a\r\n\tb\nc"
    with pytest.raises(MessageError, match="at position 3"):
        hello(body=f"ab{character}")


@pytest.mark.parametrize("field", ["subject", "body"])
@pytest.mark.parametrize("value", [None, 7, b"x", ["x"]])
def test_what_is_no_text_is_refused(field, value):
    with pytest.raises(MessageError, match=f"`{field}` is .*, not text"):
        hello(**{field: value})


# --- Attachments


@pytest.fixture
def file(tmp_path):
    def make(name: str, content: bytes):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return make


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_attachments_arrive_byte_for_byte(app, sandbox, token, file):
    every_byte, nothing = bytes(range(256)) * 9, b""
    files = [
        file("a table.csv", b"1,2\r\n"),
        str(file("bücher.bin", every_byte)),
        file("empty", nothing),
    ]
    send_mail(app, token, hello(attachments=files))
    assert mails(sandbox)[0]["attachments"] == [
        {"name": "a table.csv", "size": 5, "sha256": sha256(b"1,2\r\n")},
        {"name": "bücher.bin", "size": 2304, "sha256": sha256(every_byte)},
        {"name": "empty", "size": 0, "sha256": sha256(nothing)},
    ]


def test_one_path_needs_no_list(app, sandbox, token, file):
    send_mail(app, token, hello(attachments=file("a.txt", b"a")))
    send_mail(app, token, hello(attachments=str(file("b.txt", b"b"))))
    assert [mail["attachments"][0]["name"] for mail in mails(sandbox)] == ["b.txt", "a.txt"]


def test_each_file_says_what_it_is(file):
    made = hello(attachments=[file("a.pdf", b"x"), file("b.unheard-of", b"x")]).as_json()
    kinds = [one["contentType"] for one in made["message"]["attachments"]]
    assert kinds == ["application/pdf", "application/octet-stream"]


@pytest.mark.parametrize("size", [2_900_000, 2_999_999])
def test_just_under_three_megabytes_fit_into_one_request(app, sandbox, token, file, size):
    content = os.urandom(size)
    message = hello(attachments=file("large.bin", content))
    assert len(json.dumps(message.as_json())) < 4 * 2**20
    send_mail(app, token, message)
    assert mails(sandbox)[0]["attachments"][0]["sha256"] == sha256(content)


@pytest.mark.parametrize(
    "sizes", [[3_000_000], [3_100_000], [2_000_000, 1_000_000], [1, 2_999_999]]
)
def test_three_megabytes_in_all_are_refused_before_any_request(app, sandbox, token, file, sizes):
    files = [file(f"{number}.bin", bytes(size)) for number, size in enumerate(sizes)]
    with pytest.raises(MessageError, match="3 MB") as caught:
        send_mail(app, token, hello(attachments=files))
    assert files[-1].name in caught.value.what and asked(sandbox, SEND) == 0


def test_what_cannot_be_read_is_named_and_nothing_goes_out(app, sandbox, token, file, tmp_path):
    if hasattr(os, "mkfifo"):  # to read one would take for ever
        os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "missing.txt", tmp_path / "pipe", ""):
        with pytest.raises(MessageError, match="can't be read") as caught:
            send_mail(app, token, hello(attachments=[file("good.txt", b"x"), path]))
        assert "path" in caught.value.fix and len(caught.value.why) > 20
    assert asked(sandbox, SEND) == 0


def test_a_message_survives_an_attachment_that_is_missing_at_first(app, sandbox, token, tmp_path):
    message = hello(attachments=tmp_path / "late.txt")
    with pytest.raises(MessageError, match="late.txt"):
        send_mail(app, token, message)
    (tmp_path / "late.txt").write_text("here now")
    assert send_mail(app, token, message).outcome == "sent"


def test_only_the_files_own_name_is_told(app, sandbox, token, file, tmp_path):
    file("a.txt", b"x")
    send_mail(app, token, hello(attachments=tmp_path / "." / ".." / tmp_path.name / "a.txt"))
    assert mails(sandbox)[0]["attachments"][0]["name"] == "a.txt"


@pytest.mark.parametrize("name", ["it's (quoted).txt", "x" * 250, "grüße 🚀.txt", "..txt", "-rf"])
def test_an_odd_file_name_arrives(app, sandbox, token, file, name):
    send_mail(app, token, hello(attachments=file(name, b"x")))
    assert mails(sandbox)[0]["attachments"][0]["name"] == name


@pytest.mark.parametrize("name", ["tab\t.txt", "line\n.txt", "\udcff.txt", "\x1b[2J"])
def test_a_file_name_that_cannot_be_told_is_refused(app, sandbox, token, file, name):
    with pytest.raises(MessageError, match="`attachments` has a forbidden character") as caught:
        send_mail(app, token, hello(attachments=file(name, b"x")))
    assert caught.value.outcome == "not sent" and asked(sandbox, SEND) == 0


# --- Over TLS, and what is shown


def test_over_tls_too(graph_sandbox_tls):
    app = app_of(graph_sandbox_tls)
    send_mail(app, signed_in(app), hello(subject="Over TLS"))
    assert mails(graph_sandbox_tls)[0]["subject"] == "Over TLS"


def test_message_and_receipt_show_what_they_are_and_nothing_of_this_run(app, token):
    message = hello()
    assert "Hello" in repr(message) and "_sent" not in repr(message)
    receipt = send_mail(app, token, message)
    assert repr(receipt) == f"Receipt(outcome='sent', recipients=('{ADA}',))"
