"""Who am I, and a mail that arrives as it was written."""

import pytest

from graphhelpers import GraphError, Receipt, refresh, send_mail, whoami

from .issued import trap_token
from .kit import app_at, app_of, as_json, asked, control, mails, signed_in
from .letters import ADA, GRACE, ZOE, hello
from .trap import Trap, answer

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


@pytest.mark.case("F154")
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
