"""A page as a visitor without eyes sees it: its forms, its buttons, and what it says."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Button:
    """Something to press; it sends its name and value with its form."""

    name: str
    value: str
    text: str = ""


@dataclass
class Form:
    """A form, with the fields that nobody fills in."""

    method: str
    action: str
    hidden: dict[str, str] = field(default_factory=dict)
    buttons: list[Button] = field(default_factory=list)


class Page(HTMLParser):
    """What can be done on a page."""

    def __init__(self, html: str):
        super().__init__()
        self.forms: list[Form] = []
        self.heading = ""  # the text of the first h1
        self.alert = ""  # the text of what is marked role="alert": why it went wrong
        self._inside: list[str] = []
        self.feed(html)
        self.close()

    def buttons(self) -> list[tuple[Form, Button]]:
        """Return every button with its form."""
        return [(form, button) for form in self.forms for button in form.buttons]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note forms, their fields, and where text belongs from here on."""
        known = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(known.get("method", "get").upper(), known.get("action", "")))
        elif tag == "input" and known.get("type") == "hidden" and self.forms:
            self.forms[-1].hidden[known.get("name", "")] = known.get("value", "")
        elif tag == "button" and self.forms:
            self.forms[-1].buttons.append(Button(known.get("name", ""), known.get("value", "")))
        if tag in ("button", "h1"):
            self._inside.append(tag)
        elif tag == "p" and known.get("role") == "alert":
            self._inside.append("p")

    def handle_endtag(self, tag: str) -> None:
        """End what the text belonged to."""
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        """Give text to the button, heading or alert it stands in."""
        where, text = self._inside[-1:], " ".join(data.split())
        if not text:
            return
        if where == ["button"] and self.forms and self.forms[-1].buttons:
            button = self.forms[-1].buttons[-1]
            button.text = f"{button.text} {text}".strip()
        elif where == ["h1"]:
            self.heading = f"{self.heading} {text}".strip()
        elif where == ["p"]:
            self.alert = f"{self.alert} {text}".strip()
