"""The form that writes and sends mails."""

import re

import pytest

from graphhelpers.forms import mail_composer

from .form_hands import ADA, HOSTILE, click, fill, said
from .kit import asked, bend, mails, until

SEND = "/v1.0/me/sendMail"


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
        ({"To": ""}, "MessageError: The message has 0 recipients"),
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
    assert text.startswith("GraphError: Graph answered 503") and "Sent Items" in text
    assert form.value is None and len(mails(sandbox)) == 1


@pytest.mark.case("F201")
def test_a_form_that_is_run_again_has_handlers_of_its_own(app, sandbox, token):
    forms = [mail_composer(app, token) for _ in range(3)]
    fill(forms[-1], To=ADA)
    click(forms[-1], "Send")
    assert len(mails(sandbox)) == 1 and forms[0].value is None
