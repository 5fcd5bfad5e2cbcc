"""Task 5 as a form: a mail is written, looked at, sent by one click, and its outcome told."""

from functools import partial

import ipywidgets as widgets

from ..errors import GraphHelpersError
from ..mail import Message, send_mail
from ..registration import Registration
from ..tokens import Token
from .drafts import files_read, paths_in, preview, recipients_read
from .fields import BUTTONS, FIELD, LABELS, WIDE, Form, note_on, text_field

OUTCOMES = {
    "not sent": "Not sent: nothing went out, and your text is still here.",
    "unknown": "Unknown: the mail may have gone out, or not. Look into Sent Items first; only if"
    " it isn't there, press “Send again anyway”.",
}
STOPPED = "Stopped: press “Send” to go on with the upload."
SENT = (
    "Sent: Graph took the mail to {}. It is in Sent Items; if it can't be delivered, a mail in"
    " your inbox will say so."
)


class Stopped(KeyboardInterrupt):
    """The person pressed Stop while a file was uploaded."""


def mail_composer(app: Registration, token: Token) -> Form:
    """Return a form that sends one mail a click; `.value` is the last Receipt.

    Stop ends the upload of a large file, at its next range. What was sent can't be called back, so
    that a send itself has no Stop; it ends within 30 s, and each range takes as long at most.
    """
    to, cc, bcc = text_field("To", "ada@contoso.example, …"), text_field("Cc"), text_field("Bcc")
    subject = text_field("Subject")
    body = widgets.Textarea(description="Text", rows=6, **FIELD)
    is_html = widgets.Checkbox(description="The text is HTML", style=LABELS, layout=WIDE)
    files = text_field("Attachments", 'paths, separated by commas; one with a comma in "quotes"')
    look = widgets.Button(description="Preview", icon="eye")
    send = widgets.Button(description="Send", icon="paper-plane", button_style="primary")
    stop = widgets.Button(description="Stop", icon="stop", disabled=True)
    again = widgets.Button(description="Send again anyway", layout=widgets.Layout(width="14rem"))
    bar, page = widgets.HTML(), widgets.HTML(layout=WIDE)
    fields = (to, cc, bcc, subject, body, is_html, files)
    buttons = widgets.HBox([look, send, stop, again], layout=BUTTONS)
    people = {"to": to, "cc": cc, "bcc": bcc}
    notes = [note_on(field, partial(recipients_read, name)) for name, field in people.items()]
    notes.append(note_on(files, files_read))
    rows = (*fields, buttons, *notes, page, bar)
    form = Form("Write a mail", "send_mail(app, token, Message(…))", *rows)
    tried: tuple[list[object], Message] | None = None  # the fields, and the mail that wasn't sent
    is_stopped = False

    def filled_in() -> list[object]:
        return [field.value for field in fields]

    def message() -> Message:
        if tried and tried[0] == filled_in():
            return tried[1]  # a new one would be a new mail, and begin its upload anew
        people, paths = (to.value, cc.value, bcc.value), paths_in(files.value)
        return Message(subject.value, body.value, *people, is_html.value, paths)

    def changed(_change: object = None) -> None:
        page.value, again.layout.display = "", "none"

    def progress(done: float, total: float, note: str) -> None:
        form.say(note)
        is_upload = total > 1 and done < total  # of bytes; at its end the mail goes out
        stop.disabled = is_stopped or not is_upload
        if is_stopped and is_upload:
            raise Stopped
        if done:
            bar.value = f'<progress aria-label="Sending" max="{total}" value="{done}"></progress>'

    def show() -> str:
        page.value = preview(message())
        return "The preview shows the mail as it would go out. Nothing was sent."

    def stopped(_button: object) -> None:
        nonlocal is_stopped
        is_stopped = stop.disabled = True
        form.say("Stopping, after this range …")

    def work(anyway: bool) -> str:
        nonlocal tried, is_stopped
        is_stopped = False
        bar.value = '<progress aria-label="Sending"></progress>'  # moves, and names no share
        asked, mail = filled_in(), None
        try:
            mail = message()
            form.value = send_mail(app, token, mail, again=anyway, progress=progress)
        except Stopped as error:
            tried = (asked, mail) if mail else tried
            return "\n".join([STOPPED, *error.__notes__])
        except GraphHelpersError as error:
            tried = (asked, mail) if mail else tried
            again.layout.display = "" if error.outcome == "unknown" else "none"
            words = OUTCOMES.get(error.outcome or "", "")
            return f"{words}\n{type(error).__name__}: {error}".strip()
        finally:
            bar.value, stop.disabled = "", True
        tried, again.layout.display = None, "none"
        return SENT.format(", ".join(form.value.recipients))

    for field in fields:
        field.observe(changed, "value")
    changed()
    look.on_click(lambda _button: form.run(look, show, send, again))
    send.on_click(lambda _button: form.run(send, lambda: work(False), look, again))
    stop.on_click(stopped)
    again.on_click(lambda _button: form.run(again, lambda: work(True), look, send))
    return form
