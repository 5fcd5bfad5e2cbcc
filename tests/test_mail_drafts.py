"""Drafts, Sent Items, and mail that Python's own email package built."""

import os
import signal
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.policy import compat32

import pytest

from graphhelpers import (
    GraphError,
    MessageError,
    NoAnswer,
    find_sent,
    last_sent,
    save_draft,
    send_draft,
    send_mail,
    wire_log,
)  # fmt: skip
from graphhelpers.wire import call_graph

from .issued import trap_token
from .kit import app_at, as_json, asked, bend, control, mails, signed_in
from .letters import ADA, GRACE, SEND, ZOE, hello
from .trap import Trap

MESSAGES = "/v1.0/me/messages"
SEND_DRAFT = MESSAGES + "/{id}/send"


def sends() -> int:
    """Return how often a draft was asked to be sent."""
    return len([one for one in wire_log if one.request.endswith("/send")])


def test_a_draft_waits_until_it_is_sent_once(app, sandbox, writer):
    message = hello(subject="Later", cc=GRACE)
    draft = save_draft(app, writer, message)
    assert save_draft(app, writer, message).id == draft.id and mails(sandbox) == []
    assert (draft.subject, draft.recipients) == ("Later", (ADA, GRACE)) and draft.id not in repr(
        draft
    )
    receipt = send_draft(app, writer, draft)
    assert send_draft(app, writer, draft) is send_mail(app, writer, message) is receipt
    assert len(mails(sandbox)) == 1 and asked(sandbox, SEND) == 0


def test_a_draft_keeps_its_files(app, sandbox, writer, tmp_path):
    for name, size in (("small.bin", 10), ("large.bin", 3_000_000)):
        (tmp_path / name).write_bytes(bytes(size))
    draft = save_draft(app, writer, hello(attachments=[tmp_path / "small.bin"]))
    send_draft(app, writer, draft)
    both = [tmp_path / "small.bin", tmp_path / "large.bin"]
    send_draft(app, writer, save_draft(app, writer, hello(attachments=both)))
    assert [[file["size"] for file in mail["attachments"]] for mail in mails(sandbox)] == [
        [10, 3_000_000], [10],
    ]  # fmt: skip


def gone(app, writer, draft) -> None:
    call_graph(app.cloud, "DELETE", f"{MESSAGES}/{draft.id}", writer.access_token)


def drafts(app, writer) -> list[str]:
    path = "/v1.0/me/mailFolders/drafts/messages"
    found = call_graph(app.cloud, "GET", path, writer.access_token).json["value"]
    return [one["subject"] for one in found]


@pytest.mark.case("F169")
def test_of_a_draft_that_is_gone_nobody_knows_and_it_can_be_sent_anew(app, sandbox, writer):
    draft = save_draft(app, writer, hello())
    gone(app, writer, draft)  # or a person has sent it from Outlook
    for _ in range(2):
        with pytest.raises(GraphError, match="404") as caught:
            send_draft(app, writer, draft)
        assert caught.value.outcome == "unknown" and "Sent Items" in caught.value.fix
    assert sends() == 1 and mails(sandbox) == []
    assert send_mail(app, writer, draft.message, again=True).outcome == "sent"
    assert len(mails(sandbox)) == 1


@pytest.mark.case("F169")
def test_again_sends_the_draft_that_is_there_and_leaves_none(app, sandbox, writer):
    message = hello()
    save_draft(app, writer, message)
    send_mail(app, writer, message, again=True)
    assert drafts(app, writer) == [] and sends() == len(mails(sandbox)) == 1
    send_mail(app, writer, message, again=True)
    assert drafts(app, writer) == [] and len(mails(sandbox)) == 2


@pytest.mark.case("F169")
@pytest.mark.parametrize("deliver", [True, False])
def test_again_after_an_unknown_leaves_no_draft(app, sandbox, writer, deliver):
    message = hello()
    save_draft(app, writer, message)
    bend(sandbox, SEND_DRAFT, status=504, deliver=deliver)
    with pytest.raises(GraphError):
        send_mail(app, writer, message)
    send_mail(app, writer, message, again=True)
    assert drafts(app, writer) == [] and len(mails(sandbox)) == 1 + deliver


def test_of_what_was_sent_or_is_unknown_no_draft_is_made(app, sandbox, writer):
    sent, unknown = hello(), hello()
    send_mail(app, writer, sent)
    bend(sandbox, SEND, status=504)
    with pytest.raises(GraphError):
        send_mail(app, writer, unknown)
    with pytest.raises(MessageError, match="was sent already"):
        save_draft(app, writer, sent)
    with pytest.raises(GraphError) as caught:
        save_draft(app, writer, unknown)
    assert caught.value.outcome == "unknown" and drafts(app, writer) == []


@pytest.mark.parametrize("body", [{}, {"id": ""}, {"id": None}, []])
def test_a_new_draft_without_a_name_is_no_success(body):
    message = hello()
    with Trap(as_json(body, "201 Created")) as trap:
        with pytest.raises(NoAnswer, match="doesn't name it") as caught:
            save_draft(app_at(trap), trap_token(scope="Mail.ReadWrite"), message)
    assert caught.value.outcome == "not sent" and "'Hello' may lie in Drafts" in caught.value.fix


@pytest.mark.skipif(os.name == "nt", reason="Windows can't interrupt one thread")
def test_an_interrupt_while_the_draft_is_made_says_that_it_may_lie_there():
    def interrupt(connection) -> None:
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        connection.recv(1)

    with Trap(interrupt) as trap, pytest.raises(KeyboardInterrupt) as caught:
        save_draft(app_at(trap), trap_token(scope="Mail.ReadWrite"), hello())
    assert "'Hello' may lie in Drafts" in "".join(caught.value.__notes__)


def test_a_draft_needs_a_permission_and_no_request_tells_so(app, sandbox, token):
    with pytest.raises(MessageError, match="doesn't hold Mail.ReadWrite"):
        save_draft(app, token, hello())
    assert asked(sandbox, MESSAGES) == 0


# --- Sent Items


def test_the_last_sent_are_listed_newest_first(app, sandbox, writer):
    for number in range(4):
        send_mail(app, writer, hello(subject=f"mail {number}"))
    listed = last_sent(app, writer, 3)
    assert [one["subject"] for one in listed] == ["mail 3", "mail 2", "mail 1"]
    assert listed[0]["toRecipients"][0]["emailAddress"]["address"] == ADA


@pytest.mark.parametrize("call", [lambda *a: last_sent(*a), lambda *a: find_sent(*a, hello())])
def test_reading_needs_a_permission_and_no_request_tells_so(app, sandbox, token, call):
    with pytest.raises(MessageError, match="doesn't hold Mail.Read"):
        call(app, token)
    assert not [path for path in control(sandbox, "GET", "requests") if "sentitems" in path]


def test_mail_read_is_enough_to_look(app, sandbox):
    reader = signed_in(app, "openid", "User.Read", "Mail.Send", "Mail.Read")
    send_mail(app, reader, message := hello())
    assert find_sent(app, reader, message).outcome == "sent" and len(last_sent(app, reader)) == 1


@pytest.mark.case("F137", "F139")
@pytest.mark.parametrize("fault", [{"status": 504, "deliver": True}, {"drop_after": 0}], ids=str)
def test_what_is_unknown_is_settled_when_it_is_found(app, sandbox, writer, fault):
    bend(sandbox, SEND, **fault)
    message = hello()
    with pytest.raises((GraphError, NoAnswer)):
        send_mail(app, writer, message)
    receipt = find_sent(app, writer, message)
    assert receipt.outcome == "sent" and receipt.recipients == (ADA,)
    assert send_mail(app, writer, message) is receipt and len(mails(sandbox)) == 1


@pytest.mark.case("F137")
def test_what_is_not_found_stays_unknown(app, sandbox, writer):
    bend(sandbox, SEND, status=504)
    message, other = hello(), hello()
    with pytest.raises(GraphError):
        send_mail(app, writer, message)
    send_mail(app, writer, other)
    assert find_sent(app, writer, message) is None
    with pytest.raises(GraphError) as caught:
        send_mail(app, writer, message)
    assert caught.value.outcome == "unknown" and len(mails(sandbox)) == 1


def test_a_draft_whose_answer_was_lost_is_found_too(app, sandbox, writer):
    draft = save_draft(app, writer, hello())
    bend(sandbox, MESSAGES + "/{id}/send", status=504, deliver=True)
    with pytest.raises(GraphError):
        send_draft(app, writer, draft)
    assert find_sent(app, writer, draft.message).outcome == "sent" and len(mails(sandbox)) == 1


# --- MIME


def built(**headers) -> EmailMessage:
    mail = EmailMessage()
    for name, value in {"Subject": "Grüße", "To": ADA, **headers}.items():
        mail[name] = value
    mail.set_content("Guten Morgen, Zoë.\n")
    return mail


def test_an_email_message_goes_as_it_is(app, sandbox, token):
    mail = built(Cc=f"Grace Hopper <{GRACE}>", Bcc=ZOE)
    mail.add_alternative("<p>Guten Morgen</p>", subtype="html")
    mail.add_attachment(b"\x00\xff", maintype="image", subtype="png", filename="ä.png")
    receipt = send_mail(app, token, mail)
    assert receipt.recipients == (ADA, GRACE, ZOE)
    [arrived] = mails(sandbox)
    assert (arrived["subject"], arrived["body"].strip()) == ("Grüße", "<p>Guten Morgen</p>")
    assert arrived["recipients"] == [ADA, GRACE, ZOE]
    assert [(one["name"], one["size"]) for one in arrived["attachments"]] == [("ä.png", 2)]
    assert wire_log[-1].headers["Content-Type"] == "text/plain"


def test_it_goes_once_and_a_changed_one_is_another_mail(app, sandbox, token):
    mail = built()
    first = send_mail(app, token, mail)
    assert send_mail(app, token, mail) is first and len(mails(sandbox)) == 1
    del mail["To"]
    mail["To"] = GRACE
    assert send_mail(app, token, mail).recipients == (GRACE,) and len(mails(sandbox)) == 2
    assert send_mail(app, token, mail, again=True) is not first and len(mails(sandbox)) == 3


def test_its_unknown_is_remembered(app, sandbox, token):
    bend(sandbox, SEND, status=504, deliver=True)
    mail = built()
    for _ in range(2):
        with pytest.raises(GraphError) as caught:
            send_mail(app, token, mail)
        assert caught.value.outcome == "unknown"
    assert len(mails(sandbox)) == asked(sandbox, SEND) == 1


@pytest.mark.case("F143", "N19")
def test_no_line_end_gets_into_a_header_of_it(app, sandbox, token):
    mail = EmailMessage(policy=compat32)
    mail["To"], mail["Subject"] = ADA, f"x\r\nBcc: {GRACE}"
    with pytest.raises(MessageError, match="forbidden character"):
        send_mail(app, token, mail)
    assert mails(sandbox) == []


def test_a_folded_header_is_no_injection(app, sandbox, token):
    source = f"To: {ADA}\r\nSubject: a long\r\n\tsubject\r\n\r\nHi\r\n".encode()
    send_mail(app, token, message_from_bytes(source, policy=policy.default))
    assert " ".join(mails(sandbox)[0]["subject"].split()) == "a long subject"


@pytest.mark.parametrize("payload", [object(), 7, ["x"], [object()], {"a": 1}])
def test_a_payload_that_python_cannot_write_is_told(app, sandbox, token, payload):
    mail = built()
    mail.set_payload(payload)
    try:
        send_mail(app, token, mail)
    except MessageError as error:
        assert "can't be written as MIME" in error.what and mails(sandbox) == []


@pytest.mark.parametrize("call", [find_sent, save_draft])
@pytest.mark.parametrize("wrong", [built(), "text", None])
def test_what_only_a_message_can_do_is_told(app, sandbox, writer, call, wrong):
    with pytest.raises(MessageError, match="can't be used here"):
        call(app, writer, wrong)


@pytest.mark.case("F151", "F153")
@pytest.mark.parametrize("to", ["", ", ".join(f"p{n}@contoso.example" for n in range(501))])
def test_nobody_and_too_many_are_refused(app, sandbox, token, to):
    mail = built()
    del mail["To"]
    mail["To"] = to
    with pytest.raises(MessageError, match="recipients"):
        send_mail(app, token, mail)
    assert asked(sandbox, SEND) == 0


def test_mime_over_four_megabytes_is_refused_with_its_size(app, sandbox, token):
    mail = built()
    mail.add_attachment(bytes(3_000_000), maintype="image", subtype="png", filename="a.png")
    with pytest.raises(MessageError, match="bytes") as caught:
        send_mail(app, token, mail)
    assert "Message(…, attachments" in caught.value.fix and asked(sandbox, SEND) == 0


@pytest.mark.parametrize("wrong", ["text", None, 7, b"To: x"])
def test_what_is_no_message_is_told(app, sandbox, token, wrong):
    with pytest.raises(MessageError, match="is no message") as caught:
        send_mail(app, token, wrong)
    assert type(wrong).__name__ in caught.value.what
