"""What all forms share: a column of fields, work in the background, and a place for its outcome."""

import threading
import time
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
from traitlets import Any as AnyValue
from traitlets import Unicode

from ..display import escaped, shown
from ..errors import GraphHelpersError

WIDE = widgets.Layout(width="min(40rem, 98%)")
BUTTONS = widgets.Layout(width="98%", flex_flow="row wrap")  # below one another where it's narrow
LABELS = {"description_width": "7rem"}
# A field is sent once, when one leaves it: sent letter by letter, its end may come after a click.
FIELD = {"style": LABELS, "layout": WIDE, "continuous_update": False}

# Seconds. A field's value may arrive after the click that made one leave the field: the front end
# holds it back while an earlier message of that field is under way.
SETTLED_S = 0.3

TEXT = "white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.4"


class Form(widgets.VBox):  # type: ignore[misc]
    """A column of fields, and below them what happened; the result is `.value`.

    Where no widgets are drawn it is a line of text, which names the plain call to make instead.
    """

    value = AnyValue(None, allow_none=True)  # stays in the kernel: it isn't synchronized

    def __init__(self, title: str, plain_call: str, *rows: widgets.Widget):
        self.title, self.plain_call = shown(title), plain_call
        self.said = widgets.HTML(layout=WIDE)
        super().__init__([widgets.HTML(f"<b>{escaped(title)}</b>"), *rows, self.said])

    def __repr__(self) -> str:
        if self.value is None:
            return f"{self.title}: no value yet (without widgets: {self.plain_call})"
        return f"{self.title}: {self.value!r}"

    def say(self, text: str) -> None:
        """Show plain text; foreign text goes no other way."""
        self.said.value = f'<div role="status" style="{TEXT}">{escaped(text)}</div>'

    def run(self, button: widgets.Button, work: Callable[[], str], *others: widgets.Button) -> None:
        """Do the work of a click in the background, its button disabled until the outcome.

        So are the others, whose work may not run beside it. An outcome of "" leaves what is said.
        """
        if button.disabled:  # the second of a double click, sent before the page heard of it
            return
        for one in (*others, button):
            one.disabled = True
        self.say("Working …")

        def finish() -> None:
            time.sleep(SETTLED_S)
            try:
                if outcome := work():
                    self.say(outcome)
            except GraphHelpersError as error:
                self.say(f"{type(error).__name__}: {error}")
            except Exception as error:  # shown here, since nobody reads a thread's traceback
                self.say(f"Unexpected {type(error).__name__}; please report it.")
            finally:
                for one in (*others, button):
                    one.disabled = False

        threading.Thread(target=finish, daemon=True).start()


def words(text: str) -> widgets.HTML:
    return widgets.HTML(f'<div style="{TEXT}">{escaped(text)}</div>', layout=WIDE)


def text_field(label: str, placeholder: str = "", value: str = "") -> widgets.Text:
    return widgets.Text(value, description=label, placeholder=placeholder, **FIELD)


def note_on(field: widgets.Text, read: Callable[[str], str]) -> widgets.HTML:
    """Return a note on how a field's content was read, which comes when one has left the field.

    It belongs below the buttons: above them it would push away the one that is being clicked.
    """
    note = widgets.HTML(layout=widgets.Layout(width=WIDE.width, display="none"))

    def tell(change: dict[str, Any]) -> None:
        words = read(change["new"])
        note.value = f'<div role="status" style="{TEXT}">{escaped(words)}</div>'
        note.layout.display = "" if words else "none"

    field.observe(tell, "value")
    return note


def take_at_once(field: widgets.Text, take: Callable[[str], None]) -> None:
    """Hand a secret over when it arrives and empty its field: a saved notebook keeps its value.

    The kernel also must not echo what came from the page, as it does with other fields.
    """
    field.add_traits(value=Unicode(field.value).tag(sync=True, echo_update=False))

    def arrived(change: dict[str, Any]) -> None:
        field.value = ""
        if change["new"]:
            take(change["new"])

    field.observe(arrived, "value")
