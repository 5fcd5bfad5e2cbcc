"""What a person may write or attach: understood, or refused before anything goes out."""

import os
import socket
import subprocess
import sys
import time
import tracemalloc
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphhelpers import Message, MessageError, send_mail
from tests.kit import asked, mails, signed_in, until
from tests.letters import ADA, GRACE, SEND, addresses, hello


def refused(match: str, **changes) -> MessageError:
    with pytest.raises(MessageError, match=match) as caught:
        hello(**changes)
    error = caught.value
    assert error.outcome == "not sent" and len(error.why) > 10 and len(error.fix) > 10
    return error


# --- Wrong types


@pytest.mark.case("F146", "F153")
@pytest.mark.parametrize("name", ["to", "cc", "bcc", "attachments"])
def test_what_is_neither_text_nor_a_list_of_it_is_refused(name):
    for value in (None, 5, 1.5, True, b"a@b.example", {"a@b.example": "Ada"}, object(), len):
        error = refused(f"`{name}` is .*not text", **{name: value})
        assert type(value).__name__ in error.what
        refused(f"`{name}` is .*not text", **{name: [value]})
    refused("not text", **{name: [["a@b.example"], ("a@b.example",)]})


@pytest.mark.case("F144")
def test_a_generator_or_any_other_collection_is_as_good_as_a_list():
    for to in ((a for a in (ADA, GRACE)), {ADA: 1, GRACE: 2}.keys(), map(str, [ADA, GRACE])):
        assert addresses(hello(to=to).to) == [ADA, GRACE]


@pytest.mark.case("F149")
@pytest.mark.parametrize("name", ["subject", "body"])
def test_a_subject_or_body_that_is_no_text_is_refused(name):
    for value in (None, 5, b"x", ["x"], {"x": 1}, object()):
        refused(f"`{name}` is .*not text", **{name: value})


# --- Characters


@pytest.mark.case("F143", "N19")
@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_no_line_end_gets_into_a_header(end):
    evil = f"Hi{end}Bcc: eve@evil.example"
    for change in ({"subject": evil}, {"to": f"{evil} <{ADA}>"}, {"cc": [f'"{evil}" <{ADA}>']}):
        assert "position" in refused("forbidden character", **change).what
    refused("forbidden character", attachments=f"{evil}.txt")


@pytest.mark.case("F149")
@pytest.mark.parametrize("character", ["\0", "\x1b", "\x7f", "\x80", "\ud800", "\udfff"])
def test_what_is_no_character_of_a_text_is_refused_with_its_position(character):
    for change in ({"subject": f"ab{character}"}, {"body": f"ab{character}"}):
        error = refused("position 3", **change)
        assert f"U+{ord(character):04X}" in error.what and character not in str(error)


@pytest.mark.case("F148", "F155")
@pytest.mark.parametrize(
    "text",
    [
        "👩\u200d🚀 𝒳",
        "שלום \u202eabc\u202c",
        "e\u0301 Zoë",
        "日本語",
        "<b>&amp;</b>",
        "\\u0041 %41",
    ],
)
def test_text_of_any_script_arrives_unchanged_and_is_no_html(app, sandbox, token, text):
    body = f"{text}\r\n\t{text}\n\u2028\x85{text}"
    message = hello(subject=text, body=body)
    assert message.as_json()["message"]["body"]["contentType"] == "text"
    send_mail(app, token, message)
    assert (mails(sandbox)[0]["subject"], mails(sandbox)[0]["body"]) == (text, body)


@pytest.mark.case("F134", "N71")
@pytest.mark.parametrize(("character", "times"), [("x", 5_000_000), ("ä", 700_000)])
def test_a_text_too_long_for_one_request_is_refused_with_size_and_limit(character, times):
    error = refused(r"takes \d,\d{3},\d{3} bytes", body=character * times)
    assert "4 MB" in error.why and "link" in error.fix and len(str(error)) < 1_000


@pytest.mark.case("N71")
def test_a_text_just_short_enough_arrives(app, sandbox, token):
    send_mail(app, token, hello(body="x" * 4_190_000))
    assert len(mails(sandbox)[0]["body"]) == 4_190_000


# --- Addresses


@pytest.mark.case("F144", "F145", "F152")
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (f"{ADA}, {GRACE}", [ADA, GRACE]),
        (f" {ADA} ;;{GRACE}; ", [ADA, GRACE]),
        (f"Ada <{ADA}>; {GRACE}", [ADA, GRACE]),
        (f'"Lovelace, Ada; Countess" <{ADA}>,<{GRACE}>', [ADA, GRACE]),
        ([ADA, f"{ADA.upper()}, {GRACE}"], [ADA, GRACE]),
    ],
)
def test_addresses_are_split_as_people_write_them(app, sandbox, token, given, expected):
    message = hello(to=given, cc=ADA.title(), bcc=[ADA])
    assert list(message.recipients) == expected
    send_mail(app, token, message)
    assert mails(sandbox)[0]["recipients"] == expected


@pytest.mark.case("F144", "F145", "F146", "F147")
@pytest.mark.parametrize(
    "bad",
    [
        "ada", "a@b@c.example", "a b@c.example", f"{ADA} {GRACE}", f"{ADA}|{GRACE}",
        "x" * 300 + "@b.example", "a@" + "b" * 300, f"Lovelace, Ada <{ADA}>",
        f"Ada <{ADA}> <{GRACE}> x", "ädä@b.example", "a@\u2603.example", "a@-ü.example",
        f"mailto:{ADA}", "a@b..example", "a@b.example\u200b",
    ],
)  # fmt: skip
def test_what_is_no_address_is_named_with_a_hint(bad):
    error = refused("is not an address", to=[GRACE, bad])
    assert "name@domain" in error.why and "xn--" in error.fix and len(str(error)) < 1_000


@pytest.mark.case("F147", "F152")
@pytest.mark.parametrize(
    "written", ["ada@bücher.example", "ada@BÜCHER.example", "ada@bu\u0308cher\u3002example"]
)
def test_an_international_domain_goes_in_its_ascii_form(app, sandbox, token, written):
    ascii_form = "ada@xn--bcher-kva.example"
    message = hello(to=f"Ada Ü <{written}>", cc=[ascii_form.upper(), written])
    send_mail(app, token, message)
    assert message.recipients == (ascii_form,) == tuple(mails(sandbox)[0]["recipients"])


@pytest.mark.case("F150", "F151", "N73")
def test_five_hundred_recipients_are_taken_and_one_more_is_refused(app, sandbox, token):
    many = [f"person{number}@contoso.example" for number in range(501)]
    send_mail(app, token, hello(to=",".join(many[:250]), bcc=many[250:500]))
    assert mails(sandbox)[0]["recipients"] == many[:500]
    assert "500" in refused("501 recipients", to=many[:250], cc=many[250:]).why


@pytest.mark.case("F153")
def test_a_mail_to_nobody_is_refused():
    for nobody in ("", " ,; ", (), [""], iter(())):
        refused("0 recipients", to=nobody)


WRITTEN = st.text(max_size=40) | st.text("ab@.,;<>\"' \r\n\u202eä", max_size=30)


@pytest.mark.case("F143", "F144", "F145", "F146", "F147", "F152")
@given(st.lists(WRITTEN | st.just(ADA), max_size=4) | WRITTEN)
def test_each_recipient_is_one_address_that_was_written_or_all_is_refused(to):
    try:
        message = Message("", "", to)
    except MessageError as error:
        assert error.outcome == "not sent" and "\r" not in str(error)
        return
    written = to if isinstance(to, str) else "\0".join(to)
    assert len({a.lower() for a in message.recipients}) == len(message.recipients) > 0
    for one in message.to:
        email = one["emailAddress"]
        local, domain = email["address"].split("@")
        assert local and domain and email["address"].isascii()
        assert f"{local}@" in written and (domain in written or "xn--" in domain)
        assert not set(' ,;<>"()\r\n') & set(email["address"])
        assert not set("\r\n\0") & set(email.get("name", ""))


# --- Attachments


@contextmanager
def as_nobody():
    """Let the system refuse what it lets root do."""
    if root := hasattr(os, "geteuid") and os.geteuid() == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.case("F162")
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
def test_what_is_no_readable_file_is_named_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")  # to open it would wait for a writer
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    (tmp_path / "secret").write_bytes(b"x")
    (tmp_path / "secret").chmod(0)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "socket"))
    listener.close()
    names = ["missing", "", "pipe", "circle", "secret", "socket", "secret/x", "x" * 300]
    began = time.monotonic()
    for path in (*(tmp_path / name for name in names), "/dev/zero", "/dev/null", "", "~/x", "/"):
        with as_nobody():
            error = refused("can't be read", attachments=[path])
        assert str(path)[:80] in error.what and "path" in error.fix
    assert time.monotonic() - began < 3


@pytest.mark.case("F162", "F167")
@pytest.mark.parametrize(
    "path", ["a\0b/c.txt", "\ud800/c.txt", "tab\t.txt", "line\n.txt", "\x1b[2J"]
)
def test_a_path_with_control_characters_is_refused_with_their_position(path):
    assert "position" in refused("`attachments` has a forbidden character", attachments=path).what


@pytest.mark.case("F156", "F167")
def test_the_base_name_alone_is_told_whatever_it_is(app, sandbox, token, tmp_path):
    (tmp_path / "folder").mkdir()
    names = [
        'it\'s "quoted".txt',
        "x" * 255,
        "grüße 🚀.txt",
        "..txt",
        "-rf",
        "a;b,c",
        "empty",
        "%2e",
    ]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    paths = [f"{tmp_path}/folder/../{name}" for name in names]
    send_mail(app, token, hello(attachments=paths))
    told = mails(sandbox)[0]["attachments"]
    assert [(one["name"], one["size"]) for one in told] == [(name, 0) for name in names]


@pytest.mark.case("F157", "F158", "N71")
@pytest.mark.parametrize(
    ("sizes", "fits"),
    [
        ([2_900_000], True),
        ([2_999_999], True),
        ([3_000_000], False),
        ([3_000_001], False),
        ([1_500_000, 1_499_999], True),
        ([1_500_000, 1_500_000], False),
        ([2_900_000, 0, 100_000], False),
    ],
)
def test_less_than_three_megabytes_in_all_go_in_one_request(app, sandbox, tmp_path, sizes, fits):
    paths = [tmp_path / str(number) for number in range(len(sizes))]
    for path, size in zip(paths, sizes, strict=True):
        path.write_bytes(os.urandom(size))
    token = signed_in(app, "Mail.Send", "Mail.ReadWrite")
    send_mail(app, token, hello(attachments=paths))
    assert [one["size"] for one in mails(sandbox)[0]["attachments"]] == sizes
    assert asked(sandbox, SEND) == fits and asked(sandbox, "/v1.0/me/messages") != fits


@pytest.mark.case("F160")
@pytest.mark.parametrize("megabytes", [158, 100_000])
def test_a_huge_file_is_refused_at_once_and_not_read(tmp_path, megabytes):
    with (tmp_path / "huge.bin").open("wb") as file:
        file.truncate(megabytes * 10**6)  # sparse: it takes no room
    tracemalloc.start()
    try:
        refused("150 MB", attachments=tmp_path / "huge.bin")
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


RESTLESS = """
import sys, time
with open(sys.argv[1], "r+b") as file:
    print(flush=True)
    while True:
        file.truncate(1_000_000 + time.monotonic_ns() % 1_000_000)
"""


def reason_against(path) -> str:
    try:
        hello(attachments=path).as_json()
    except MessageError as error:
        assert "can't be read" in error.what
        return error.why
    return ""


@pytest.mark.case("F161")
def test_a_file_that_shrinks_and_grows_while_it_is_read_is_not_sent_in_part(tmp_path):
    path = tmp_path / "restless.bin"
    path.write_bytes(bytes(2_000_000))
    command = [sys.executable, "-c", RESTLESS, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        writer.stdout.readline()
        try:
            until(lambda: reason_against(path))  # a writer that is not scheduled changes nothing
        finally:
            writer.terminate()
    assert hello(attachments=path).attachments == (path,)  # it has come to rest


@pytest.mark.case("F161")
def test_a_file_that_went_away_is_not_sent_and_the_mail_goes_when_it_is_back(
    app, sandbox, token, tmp_path
):
    path = tmp_path / "a.txt"
    path.write_text("at first")
    message = hello(attachments=path)
    path.unlink()
    with pytest.raises(MessageError, match="a.txt") as caught:
        send_mail(app, token, message)
    assert caught.value.outcome == "not sent" and asked(sandbox, SEND) == 0
    path.write_bytes(bytes(3_000_000))
    with pytest.raises(MessageError, match="Mail.ReadWrite"):
        send_mail(app, token, message)
    path.write_text("back")
    assert send_mail(app, token, message).outcome == "sent" and len(mails(sandbox)) == 1
