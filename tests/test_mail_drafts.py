"""Drafts, Sent Items, and mail that Python's own email package built."""

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

from .kit import asked, bend, control, mails, signed_in
from .letters import ADA, GRACE, SEND, ZOE, hello

MESSAGES = "/v1.0/me/messages"


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


def test_a_draft_that_was_deleted_by_hand_is_told(app, sandbox, writer):
    draft = save_draft(app, writer, hello())
    call_graph(app.cloud, "DELETE", f"{MESSAGES}/{draft.id}", writer.access_token)
    with pytest.raises(GraphError, match="404") as caught:
        send_draft(app, writer, draft)
    assert caught.value.outcome == "not sent" and mails(sandbox) == []


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
