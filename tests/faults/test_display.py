"""Foreign text is shown as text: no payload, in no field, becomes part of the page (B7).

Here the HTML is parsed; tests/browser/test_payloads.py draws it.
"""

import ast
import json
import time
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from graphhelpers import (
    Cloud,
    GraphHelpersError,
    RegistrationError,
    SignInRefused,
    TokenRefused,
    exchange_code,
    start_sign_in,
    whoami,
)
from graphhelpers.display import LONGEST_SHOWN, escaped, shown, table
from graphhelpers.forms import token_inspector
from tests.faults.html_sources import PACKAGE, unescaped
from tests.faults.payloads import (
    PAYLOADS,
    app_of_nobody,
    brought_in,
    forms,
    jwt_of,
    pages,
    token_answer,
)
from tests.form_hands import everything
from tests.kit import app_at, as_json
from tests.trap import Trap

TAGS = {"table", "caption", "tr", "th", "td", "details", "summary", "pre", "a", "b", "code", "div"}
TAGS |= {"html", "meta", "title", "style", "h1", "p"}  # of the listener's page
ATTRIBUTES = {
    "style",
    "colspan",
    "class",
    "href",
    "target",
    "rel",
    "role",
    "lang",
    "charset",
    "name",
    "content",
}


class Parsed(HTMLParser):
    """What a page consists of: its tags with their attributes, and its text."""

    def __init__(self, page: str):
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, set[str]] = {}
        self.text = ""
        self.others = 0
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, set()).add(value or "")

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        self.others += 1

    handle_pi = unknown_decl = handle_comment


@pytest.mark.case("F193", "N19")
@given(st.text() | st.text("<>&\"'`=/! \n\tascript#;-[]\x00\u202e") | st.sampled_from(PAYLOADS))
@example("</script><!--&lt;&amp;lt;")
def test_a_parser_finds_exactly_the_text_that_was_escaped(text):
    for page, before in ((escaped(text), ""), (f'<b class="{escaped(text)}">', None)):
        parsed = Parsed(page)
        if before is None:
            assert parsed.tags == {"b"} and parsed.attributes == {"class": {shown(text)}}
        else:
            assert parsed.text == shown(text) and not parsed.tags and not parsed.others


@pytest.mark.case("F193", "F194", "F195", "F198", "N19", "N61")
def test_a_payload_in_any_field_is_shown_as_text():
    for payload in PAYLOADS:
        texts = [_text_of(payload, name, thing) for name, thing in brought_in(payload)]
        assert any(shown(payload)[:80].strip() in text for text in texts), payload[:80]


def _text_of(payload: str, name: str, thing: object) -> str:
    """Return the text that a person sees of a thing, after a look at all that it shows."""
    where = f"{payload[:80]!r} as {name}"
    if isinstance(thing, Exception):
        assert len(str(thing).splitlines()) == 3, where  # no line of it feigns one of ours
        assert hidden(str(thing)) == set(), where
        return str(thing)
    if hasattr(thing, "_repr_mimebundle_"):
        ours = ("rect rgba(220, 0, 0, 0.15)", "end")  # around a failure
        drawn = thing._repr_mimebundle_()["text/vnd.mermaid"].splitlines()[3:]
        said = [line for line in drawn if line not in ours]
        sides = ("notebook-", "Entra ID-", "Microsoft Graph-", "browser-", "Note over ")
        assert all(line.startswith(sides) for line in said), where
        assert not set("<>&\"'%{}[]()$\\") & set("".join(said).replace("->>", "")), where
    if not hasattr(thing, "_repr_html_"):
        return ""  # Python's own dicts and dataclasses
    parsed = Parsed(thing._repr_html_())
    assert parsed.tags <= TAGS and parsed.attributes.keys() <= ATTRIBUTES, where
    assert all(urlsplit(link).scheme == "http" for link in parsed.attributes.get("href", ())), where
    assert hidden(parsed.text + repr(thing)) == set(), where
    return parsed.text


def hidden(text: str) -> set[str]:
    """Return the characters of a text that show nothing, or turn what stands beside them."""
    return {c for c in set(text) if shown(c) != c}


@pytest.mark.case("F014", "F193", "N19")
def test_the_listeners_pages_show_a_payload_as_text():
    for payload in PAYLOADS:
        for status, page in pages(payload):
            parsed = Parsed(page.decode("utf-8"))
            assert status >= 400 and parsed.tags <= TAGS and "href" not in parsed.attributes
            assert hidden(parsed.text) == set()


@pytest.mark.case("F193", "F194", "F195")
def test_a_form_shows_a_payload_as_text():
    for payload in PAYLOADS[::5]:
        for form in forms(payload):
            pieces = [one.value for one in everything(form) if type(one).__name__ == "HTML"]
            parsed = Parsed("".join(pieces))
            assert parsed.tags <= TAGS and parsed.attributes.keys() <= ATTRIBUTES
            assert form.title == "Write a mail" or shown(payload)[:500] in parsed.text
            assert not hidden(parsed.text + repr(form))


# --- One door


@pytest.mark.case("F193", "F194", "F195", where="source")
def test_nothing_gets_into_html_but_through_the_one_door():
    assert {
        p.stem: found for p in PACKAGE.glob("*.py") if (found := unescaped(p.read_text("utf-8")))
    } == {}


@pytest.mark.parametrize(
    "source",
    [
        "def _repr_html_(self): return self.name",
        "def _repr_html_(self): return f'<b>{self.name}</b>'",
        "def _repr_html_(self):\n    x = self.name\n    return '<b>' + x",
        "def _repr_html_(self):\n    x = ''\n    x += self.name\n    return x",
        "def _repr_html_(self): return ''.join(f'<b>{n}</b>' for n in self.names)",
        "def _repr_html_(self): return '' if self else str(self)",
        "said = widgets.HTML(value=error.why)",
        "said = widgets.HTML()\nsaid.value = str(error)",
        "def a(self): self.said = widgets.HTML()\ndef say(self, t): self.said.value = t",
        "said = widgets.HTMLMath('x')",
        "display(HTML(text))",
        "def page(w): return PAGE.format(words=w)",
        "def table(rows): return f'<table>{rows}</table>'",
        "def _row(x): return f'<tr>{x}</tr>'",
    ],
)
def test_a_way_round_the_door_would_be_found(source):
    assert unescaped(source)


@pytest.mark.case("F196", where="source")
def test_no_output_is_markdown_or_anything_else_that_a_front_end_interprets():
    sources = {path: path.read_text("utf-8") for path in PACKAGE.glob("*.py")}
    named = {
        w
        for s in sources.values()
        for n in ast.walk(ast.parse(s))
        if (w := getattr(n, "name", None))
    }
    ours = {"_repr_html_", "_repr_mimebundle_"}  # the latter for the diagram alone
    assert {name for name in named if str(name).startswith("_repr_")} <= ours
    for word in ("Markdown", "Latex", "Javascript", "HTMLMath", "allow_html", "text/markdown"):
        assert not any(word in source for source in sources.values()), word


@pytest.mark.case("F206", where="source")
def test_no_table_is_made_by_anything_but_the_kit():
    folder = PACKAGE.parent
    sources = [
        p.read_text("utf-8") for p in (*PACKAGE.glob("*.py"), *folder.glob("notebooks/*.ipynb"))
    ]
    assert not any("import pandas" in source or "to_html" in source for source in sources)


# --- Links

ADDRESSES = (
    *("javascript:ran(1)//localhost", " javascript:x", "java\tscript:x", "data:text/html,x"),
    *("vbscript:x", "blob:https://x", "file:///etc/passwd", "ftp://localhost/", "//x.example"),
    *("https://", "http://x.example", "http://localhost.x.example", "http://localhost@x.example"),
    *("https://login.microsoftonline.com@x.example", "https://:x@x.example"),
)


@pytest.mark.case("F197", "N02")
@pytest.mark.parametrize("address", ADDRESSES)
def test_no_link_can_lead_elsewhere_than_to_https_or_this_machine(address):
    with pytest.raises(RegistrationError):
        Cloud("odd", address, "https://graph.microsoft.com")


@pytest.mark.case("F197")
def test_a_sign_in_link_says_which_host_it_leads_to_and_is_never_cut():
    app = app_of_nobody()
    attempt = start_sign_in(app, [f"{EVERY}{n}" for n in range(300)])
    assert len(attempt.url) > LONGEST_SHOWN
    parsed = Parsed(attempt._repr_html_())
    assert parsed.attributes["href"] == {attempt.url}
    assert f"{app.cloud.authority}/common/oauth2/v2.0/authorize" in parsed.text


EVERY = "Mail.Send.Number."


@pytest.mark.case("F197", where="source")
def test_the_links_of_the_two_ways_to_sign_in_are_the_only_ones():
    made = [
        path.stem
        for path in sorted(PACKAGE.glob("*.py"))
        for _ in range(path.read_text("utf-8").count("<a "))
    ]
    assert made == ["device", "signin"]  # device: to https or this machine only (test_device.py)


# --- Characters and sizes


@pytest.mark.case("F198")
@pytest.mark.parametrize(
    "character",
    "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\u200b\u200c\u200d\u2060\ufeff\u00ad"
    "\u034f\u115f\u1160\u17b4\u180b\u180e\u2028\u2029\u2063\u2800\u3164\uffa0\ufe0f\U000e0041\U000e0100"
    "\x00\x07\x08\x1b\x7f\x85\x9b\ud800\udfff\ufffe\u2003\u2009",
)
def test_what_the_eye_does_not_see_is_written_out(character):
    assert shown(f"ada{character}@x") == f"ada{ascii(character)[1:-1]}@x"
    assert (
        ascii(character)[1:-1] in str(GraphHelpersError(f"a{character}b c", "", ""))
        or character.isspace()
    )


def test_honest_letters_stay_as_they_are():
    honest = "Åsa Ñandú 山田太郎 Ελένη שָׁלוֹם नमस्ते 🙂 « a\u00a0b »\n\tx"
    assert shown(honest) == honest


@pytest.mark.case("F199")
def test_ten_megabytes_are_cut_quickly_and_their_length_is_told():
    began = time.monotonic()
    for large in ("x" * 10**7, "\u202e" * 10**7, "\n" * 10**7, "<" * 10**7):
        for text in (shown(large), escaped(large), table("Claims", {large: large})):
            assert "(10,000,000 characters in all)" in text and len(text) < 30_000
        refused = SignInRefused("No", {"error": large, "error_description": large})
        assert "Try:" in escaped(refused) and len(str(refused)) < LONGEST_SHOWN + 10_000
    many = table("Claims", dict.fromkeys(range(1_000_000), "x"))
    assert "1,000,000 rows in all" in many and len(many) < 300_000
    assert time.monotonic() - began < 10


@pytest.mark.case("F199", "N61")
def test_a_long_description_leaves_the_help_in_sight():
    refused = SignInRefused(
        "The sign-in ended", {"error": "access_denied", "error_description": "x" * 9_999}
    )
    assert (
        "(9,999 characters in all)" in escaped(refused)
        and refused.fix in Parsed(escaped(refused)).text
    )


@pytest.mark.case("F199")
def test_a_description_of_blanks_costs_no_time():
    with Trap(
        as_json({"error": "x", "error_description": "x" + " " * 3_000_000 + "x"}, "400 No")
    ) as trap:
        app = app_at(trap)
        began = time.monotonic()
        with pytest.raises(TokenRefused):
            exchange_code(app, start_sign_in(app), "canary~code")
        assert time.monotonic() - began < 10


@pytest.mark.case("F199")
@pytest.mark.parametrize("depth", [100, 400, 800, 900, 950, 2_000, 100_000])
def test_deeply_nested_json_ends_in_an_answer_or_a_typed_error(depth):
    deep = b'{"a":' * depth + b"1" + b"}" * depth
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(deep)
    with Trap(token_answer("openid"), head + deep) as trap:
        app = app_at(trap)
        token = exchange_code(app, start_sign_in(app), "canary~code")
        try:
            assert "a" in whoami(app, token)
        except GraphHelpersError as error:
            assert "Graph answered 200" in str(error)


@pytest.mark.case("F195", "F199")
@pytest.mark.parametrize("depth", [100, 900, 950, 2_000])
def test_deeply_nested_claims_are_looked_at_or_refused(depth):
    deep = json.loads("[" * 90 + "1" + "]" * 90)
    for _ in range(depth // 100):
        deep = {"a": deep}
    id_token = jwt_of({"alg": "none"}, {"deep": deep})
    with Trap(token_answer("openid", id_token=id_token)) as trap:
        app = app_at(trap)
        form = token_inspector(exchange_code(app, start_sign_in(app), "canary~code"))
        form.children[1].value = "id_token"
        assert "Header" in form.children[2].value
