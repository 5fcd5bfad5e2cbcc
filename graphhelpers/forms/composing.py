"""Task 5 as a form: a mail is written, sent by one click, and its outcome told."""

import ipywidgets as widgets

from ..mail import Message, send_mail
from ..registration import Registration
from ..tokens import Token
from .fields import FIELD, LABELS, WIDE, Form, text_field


def mail_composer(app: Registration, token: Token) -> Form:
    """Return a form that sends one mail a click; `.value` is the last Receipt.

    A send has no Stop: what left can't be called back, and it ends by itself within 30 s.
    """
    to, cc, subject = (
        text_field("To", "ada@contoso.example, …"),
        text_field("Cc"),
        text_field("Subject"),
    )
    body = widgets.Textarea(description="Text", rows=6, **FIELD)
    is_html = widgets.Checkbox(description="The text is HTML", style=LABELS, layout=WIDE)
    files = text_field("Attachments", "paths, separated by commas")
    send = widgets.Button(description="Send", icon="paper-plane", button_style="primary")
    rows = (to, cc, subject, body, is_html, files, send)
    form = Form("Write a mail", "send_mail(app, token, Message(…))", *rows)

    def progress(_done: float, _total: float, note: str) -> None:
        form.say(note)

    def work() -> str:
        paths = [path.strip() for path in files.value.split(",") if path.strip()]
        message = Message(
            subject.value, body.value, to.value, cc.value, html=is_html.value, attachments=paths
        )
        form.value = send_mail(app, token, message, progress=progress)
        return f"Graph took the mail to {', '.join(form.value.recipients)}."

    send.on_click(lambda _button: form.run(send, work))
    return form
