"""The form that writes and sends mails."""

import html
import os
import re

import ipywidgets as widgets
import pytest

from graphhelpers import wire_log
from graphhelpers.forms import mail_composer

from .form_hands import ADA, HOSTILE, click, everything, fill, parts, said, shown
from .kit import asked, bend, mails, until

SEND = "/v1.0/me/sendMail"
SEND_DRAFT = "/v1.0/me/messages/{id}/send"
UPLOAD = "/api/v2.0/Users('{id}')/Messages('{id}')/AttachmentSessions('{id}')"


def test_the_composer_sends_one_mail_a_click(app, sandbox, token, tmp_path):
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "b.txt").write_text("two")
    form = mail_composer(app, token)
    fill(
        form, To=f"{ADA}, grace@contoso.example", Cc="zoe@contoso.example", Subject="Hi", Text="Yo"
    )
    fill(form, Attachments=f" {tmp_path / 'a.txt'} , {tmp_path / 'b.txt'},")
    assert ADA in click(form, "Send") and form.value.outcome == "sent"
    click(form, "Send")
    first, second = mails(sandbox)
    assert {**first, "id": 0} == {**second, "id": 0} and first["subject"] == "Hi"
    assert first["recipients"] == [ADA, "grace@contoso.example", "zoe@contoso.example"]
    assert [one["name"] for one in first["attachments"]] == ["a.txt", "b.txt"]
    assert repr(form).startswith("Write a mail: Receipt(outcome='sent'")


@pytest.mark.case("F141", "F203")
def test_while_it_sends_the_button_is_disabled_and_a_second_click_is_nothing(app, sandbox, token):
    bend(sandbox, SEND, delay_s=0.3)
    form = mail_composer(app, token)
    send = fill(form, To=ADA)["Send"]
    send.click()
    assert send.disabled and "Working" in said(form)
    send.click()
    until(lambda: not send.disabled)
    assert asked(sandbox, SEND) == len(mails(sandbox)) == 1


@pytest.mark.case("F203")
def test_a_throttled_mail_says_what_it_waits_for_and_goes_out_once(app, sandbox, token):
    bend(sandbox, SEND, status=429, retry_after=1)
    form = mail_composer(app, token)
    send = fill(form, To=ADA)["Send"]
    send.click()
    until(lambda: "throttled: waiting 1 s" in said(form))
    send.click()
    assert send.disabled
    until(lambda: not send.disabled)
    assert "Graph took the mail" in said(form) and len(mails(sandbox)) == 1


def test_only_a_ticked_box_makes_it_html(app, sandbox, token):
    form = mail_composer(app, token)
    fill(form, To=ADA, Text="<b>x</b>")
    click(form, "Send")
    fill(form, The_text_is_HTML=True)
    click(form, "Send")
    assert [mail["body"] for mail in mails(sandbox)] == ["<b>x</b>"] * 2


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        (
            {"To": ""},
            "MessageError: The message has 0 recipients",
        ),
        ({"To": HOSTILE[0]}, "MessageError"),
        ({"Cc": "nobody"}, "not an address"),
        ({"Attachments": "missing.txt"}, "missing.txt"),
    ],
)
def test_what_cannot_be_sent_is_said_and_the_draft_stays(app, sandbox, token, values, complaint):
    form = mail_composer(app, token)
    fields = fill(form, **{"To": ADA, "Subject": "Kept", "Text": "Kept too"} | values)
    assert complaint in click(form, "Send") and form.value is None
    assert not re.search("<(img|svg|script)", form.said.value)
    assert (fields["Subject"].value, fields["Text"].value) == ("Kept", "Kept too")
    assert asked(sandbox, SEND) == 0


def test_a_refusal_of_graph_is_said_with_its_cure(app, sandbox, token):
    bend(sandbox, SEND, status=503, deliver=True)
    form = mail_composer(app, token)
    fill(form, To=ADA)
    text = click(form, "Send")
    assert text.startswith("Unknown: ") and "GraphError: Graph answered 503" in text
    assert form.value is None and len(mails(sandbox)) == 1


@pytest.mark.case("F201")
def test_a_form_that_is_run_again_has_handlers_of_its_own(app, sandbox, token):
    forms = [mail_composer(app, token) for _ in range(3)]
    fill(forms[-1], To=ADA)
    click(forms[-1], "Send")
    assert len(mails(sandbox)) == 1 and forms[0].value is None


def notes(form) -> str:
    """Return what stands below the fields, as it is read."""
    drawn = (one for one in everything(form) if isinstance(one, widgets.HTML) and one != form.said)
    return html.unescape(re.sub("<[^>]+>", "\n", "\n".join(one.value for one in drawn)))


def test_recipients_are_listed_as_they_were_read_and_wrong_ones_told_beside_their_field(app, token):
    form = mail_composer(app, token)
    fill(form, To=f"Ada <{ADA}>, nobody; {ADA}", Cc="grace@contoso.example", Bcc="a b")
    assert {line for line in notes(form).splitlines() if line} == {
        "Write a mail",
        f"To: Ada <{ADA}>",
        "Not usable: 'nobody' in `to` is not an address."
        " An address is name@domain, without blanks, and before the @ in ASCII.",
        "Cc: grace@contoso.example",
        "Not usable: 'a b' in `bcc` is not an address."
        " An address is name@domain, without blanks, and before the @ in ASCII.",
    }
    fill(form, To="", Cc="", Bcc="")
    assert notes(form).split() == ["Write", "a", "mail"]


def test_a_blind_copy_is_sent_as_one(app, sandbox, token):
    form = mail_composer(app, token)
    fill(form, Bcc="zoe@contoso.example")
    assert click(form, "Send").startswith("Sent: Graph took the mail to zoe@contoso.example.")
    assert mails(sandbox)[0]["recipients"] == ["zoe@contoso.example"]


def test_attachments_are_listed_with_size_and_type_and_what_is_wrong(app, token, tmp_path):
    (tmp_path / "agenda.txt").write_text("12345")
    (tmp_path / "large.bin").write_bytes(b"x" * 3_000_000)
    for name in ("half.bin", "other.bin"):
        (tmp_path / name).write_bytes(b"x" * 2_000_000)
    form = mail_composer(app, token)
    fill(form, Attachments=", ".join(f"{tmp_path}/{n}" for n in ("agenda.txt", "no.pdf")))
    assert "agenda.txt: 5 bytes, text/plain" in notes(form)
    assert "no.pdf' can't be read. No such file" in notes(form)
    fill(form, Attachments=f"{tmp_path}/large.bin")
    assert "large.bin: 3,000,000 bytes" in notes(form) and "needs Mail.ReadWrite" in notes(form)
    fill(form, Attachments=f"{tmp_path}/half.bin, {tmp_path}/other.bin")
    assert "half.bin: 2,000,000 bytes" in notes(form) and "needs Mail.ReadWrite" in notes(form)
    (tmp_path / "huge.bin").touch()
    os.truncate(tmp_path / "huge.bin", 150 * 2**20 + 1)  # sparse: it takes no room
    fill(form, Attachments=f"{tmp_path}/huge.bin")
    assert "Not usable: With" in notes(form) and "more than 150 MB" in notes(form)


@pytest.mark.case("F193")
def test_the_preview_shows_the_mail_as_text_and_its_html_as_source(app, sandbox, token):
    form = mail_composer(app, token)
    fill(form, To=f"Ada <{ADA}>", Subject=HOSTILE[0], Text=HOSTILE[2], The_text_is_HTML=True)
    assert "Nothing was sent" in click(form, "Preview") and mails(sandbox) == []
    assert HOSTILE[0] in notes(form) and HOSTILE[2] in notes(form)
    assert "HTML, shown here as its source" in notes(form) and not alive(form)
    fill(form, Text="another")
    assert "Preview" not in notes(form)  # it would show what is no longer there
    fill(form, To="nobody")
    assert click(form, "Preview").startswith("MessageError")


@pytest.mark.parametrize(
    "typed", [*HOSTILE, "x" * 100_000, "a@b.example," * 20_000, "\u202e\x00\x1b\r\n", "\ud800"]
)
def test_hostile_input_is_shown_as_text_and_cut(app, token, typed):
    form = mail_composer(app, token)
    fill(form, To=typed, Cc=typed, Bcc=typed, Attachments=typed)
    click(form, "Preview")
    assert not alive(form) and len(notes(form)) < 20_000
    assert not {"\u202e", "\x00", "\x1b"} & set(notes(form))


def alive(form) -> list[str]:
    drawn = "".join(one.value for one in everything(form) if isinstance(one, widgets.HTML))
    return re.findall("<(?:img|svg|script|iframe)", drawn)


@pytest.mark.case("F141")
def test_after_an_unknown_outcome_only_send_again_anyway_sends_the_same_mail(app, sandbox, token):
    form = mail_composer(app, token)
    again = fill(form, To=ADA, Subject="Once")["Send again anyway"]
    assert again.layout.display == "none"
    bend(sandbox, SEND, status=504, deliver=True)
    assert click(form, "Send").startswith("Unknown: the mail may have gone out, or not.")
    assert again.layout.display == ""
    assert click(form, "Send").startswith("Unknown") and len(mails(sandbox)) == 1
    assert click(form, "Send again anyway").startswith("Sent: ") and len(mails(sandbox)) == 2
    assert again.layout.display == "none"


def test_a_changed_mail_after_an_unknown_one_is_a_new_mail_and_changed_back_the_old(
    app, sandbox, token
):
    form = mail_composer(app, token)
    fields = fill(form, To=ADA, Subject="One")
    bend(sandbox, SEND, status=504)
    click(form, "Send")
    fill(form, Subject="Two")
    assert fields["Send again anyway"].layout.display == "none"
    fill(form, Subject="One")
    assert click(form, "Send").startswith("Unknown") and mails(sandbox) == []
    fill(form, Subject="Two")
    assert click(form, "Send").startswith("Sent") and len(mails(sandbox)) == 1


@pytest.mark.case("F203")
def test_while_a_mail_is_sent_a_bar_moves_and_no_other_button_works(app, sandbox, token):
    bend(sandbox, SEND, delay_s=0.2)
    form = mail_composer(app, token)
    fields = fill(form, To=ADA)
    fields["Send"].click()
    until(lambda: "<progress" in shown(form))
    assert fields["Preview"].disabled and fields["Send again anyway"].disabled
    until(lambda: not fields["Send"].disabled)
    assert "<progress" not in shown(form)


# --- Large files


def drafts_made() -> int:
    return len([one for one in wire_log if one.request == "POST /v1.0/me/messages"])


@pytest.fixture
def large(tmp_path):
    path = tmp_path / "large.bin"
    path.write_bytes(os.urandom(9_000_000))  # three ranges
    return path


@pytest.mark.case("F203")
def test_stop_ends_an_upload_and_send_goes_on_with_it(app, sandbox, writer, large):
    bend(sandbox, UPLOAD, delay_s=0.2)
    form = mail_composer(app, writer)
    fields = fill(form, To=ADA, Attachments=str(large))
    assert fields["Stop"].disabled
    fields["Send"].click()
    until(lambda: not fields["Stop"].disabled)
    fields["Stop"].click()
    assert fields["Stop"].disabled and "Stopping" in said(form)
    until(lambda: not fields["Send"].disabled)
    assert said(form).startswith("Stopped: ") and "Nothing was sent" in said(form)
    assert mails(sandbox) == [] and "is in Drafts" in said(form) and fields["Stop"].disabled
    assert click(form, "Send").startswith("Sent: ") and drafts_made() == len(mails(sandbox)) == 1
    assert len([one for one in wire_log if one.request.startswith("PUT ")]) == 3


@pytest.mark.case("F203")
def test_what_goes_out_has_no_stop(app, sandbox, writer, large):
    for path in (SEND, SEND_DRAFT):
        bend(sandbox, path, status=429, retry_after=1)
    form = mail_composer(app, writer)
    fields = fill(form, To=ADA)
    for attachment in ("", str(large)):
        fill(form, Attachments=attachment)
        fields["Send"].click()
        until(lambda: "throttled: waiting 1 s" in said(form))
        assert fields["Stop"].disabled
        until(lambda: not fields["Send"].disabled)
    assert len(mails(sandbox)) == 2


@pytest.mark.case("F169")
@pytest.mark.parametrize("fault", [{"status": 403}, {"status": 429, "retry_after": 99}], ids=str)
def test_after_a_refusal_the_same_draft_is_sent_by_the_next_click(
    app, sandbox, writer, large, fault
):
    bend(sandbox, SEND_DRAFT, **fault)
    form = mail_composer(app, writer)
    fill(form, To=ADA, Attachments=str(large))
    assert click(form, "Send").startswith("Not sent: ")
    assert parts(form)["Send again anyway"].layout.display == "none"
    fill(form, Cc="nobody")
    assert "not an address" in click(form, "Send")
    fill(form, Cc="")
    assert click(form, "Send").startswith("Sent: ") and drafts_made() == len(mails(sandbox)) == 1


def test_paths_are_read_beside_the_field_as_they_are_sent(app, sandbox, token, tmp_path):
    for name in ("a,b.txt", "c;d.txt", "e.txt"):
        (tmp_path / name).write_text("x")
    form = mail_composer(app, token)
    quoted = f'"{tmp_path}/a,b.txt"; "{tmp_path}/c;d.txt", {tmp_path}/e.txt'
    fill(form, To=ADA, Attachments=quoted)
    assert re.findall("([a-e,;]+.txt): 1 bytes", notes(form)) == ["a,b.txt", "c;d.txt", "e.txt"]
    assert click(form, "Send").startswith("Sent: ")
    arrived = [one["name"] for one in mails(sandbox)[0]["attachments"]]
    assert arrived == ["a,b.txt", "c;d.txt", "e.txt"]
