import json
from dataclasses import replace

import pytest

from graphhelpers import Secret, wire_log
from graphhelpers.exchanges import FORM_SECRETS, Exchange, WireLog, masked, sealed


def log_of(*exchanges: Exchange) -> WireLog:
    log = WireLog(maxlen=wire_log.maxlen)
    for exchange in exchanges:
        log.append(exchange)
    return log


ASKED = Exchange("notebook", "Entra ID", "POST /common/oauth2/v2.0/token", answer="200")
CAME = Exchange("browser", "notebook", "GET /connect/get_token/", {"code": "‹secret 1›"}, "200")


def test_secret_fields_are_masked_at_any_depth():
    text = '{"a": [{"access_token": "canary", "n": 1}], "id_token": ["canary"], "code": "word"}'
    told = masked(json.loads(text, object_hook=sealed))
    assert "canary" not in str(told)
    assert told["a"][0]["n"] == 1 and told["code"] == "word"
    form = sealed({"code": "canary", "x": Secret("canary")}, FORM_SECRETS)
    assert "canary" not in str(masked(form))


def test_the_same_secret_keeps_the_same_name_across_exchanges():
    one, two = (masked(sealed({"refresh_token": text})) for text in ("one", "two"))
    assert one == masked(sealed({"refresh_token": "one"})) != two


def test_the_table_escapes_what_came_from_outside():
    html = log_of(
        Exchange("notebook", "Microsoft Graph", "GET /<script>", {"<b>": "<i>"}, "200")
    )._repr_html_()
    assert "<script>" not in html and "<b>" not in html and "<i>" not in html


def test_an_empty_log_says_so():
    assert "Nothing" in repr(WireLog()) and "Nothing" in WireLog()._repr_html_()
    assert set(WireLog().diagram()._repr_mimebundle_()) == {"text/plain"}


def test_the_diagram_names_who_took_part_and_has_a_text_twin():
    drawn = log_of(CAME, ASKED).diagram()._repr_mimebundle_()
    lines = drawn["text/vnd.mermaid"].splitlines()
    assert lines[1] == "sequenceDiagram" and lines[2].startswith("accTitle: ")
    assert "notebook->>Entra ID: POST /common/oauth2/v2.0/token" in lines
    assert drawn["text/plain"].splitlines()[1] == str(ASKED)


REFUSED = Exchange(
    "notebook", "Entra ID", "POST /token", {}, "400", {"error": "invalid_grant", "x": 1}
)
DENIED = Exchange(
    "notebook", "Microsoft Graph", "POST /mail", {}, "403", {"error": {"code": "ErrorAccessDenied"}}
)
CANCELLED = Exchange("browser", "notebook", "GET /cb", {"error": "access_denied"}, "400")


@pytest.mark.parametrize(
    ("exchange", "outcome"),
    [
        (ASKED, "200"),
        (REFUSED, "✗ 400 invalid_grant"),
        (DENIED, "✗ 403 ErrorAccessDenied"),
        (CANCELLED, "✗ 400 access_denied"),
        (replace(ASKED, answer="no answer"), "✗ no answer"),
        (replace(ASKED, answer="302"), "✗ 302"),
        (replace(REFUSED, received={"error": None}), "✗ 400"),
        (replace(REFUSED, received={"error": "a\nb"}), "✗ 400 a b"),
    ],
)
def test_a_failure_bears_a_mark_and_the_services_own_word_wherever_it_is_shown(exchange, outcome):
    log = log_of(exchange)
    assert exchange.outcome == outcome and exchange.failed == ("✗" in outcome)
    for shown in (repr(log), repr(log.diagram()), log._repr_html_()):
        assert outcome in shown


def drawn(*exchanges: Exchange) -> list[str]:
    return log_of(*exchanges).diagram()._repr_mimebundle_()["text/vnd.mermaid"].splitlines()[3:]


def test_the_diagram_stops_in_red_at_a_failure_and_says_so_without_the_colour():
    assert drawn(ASKED, REFUSED)[2:] == [
        "rect rgba(220, 0, 0, 0.15)",
        "notebook->>Entra ID: POST /token",
        "Entra ID--xnotebook: ✗ 400 invalid_grant",
        "Note over notebook,Entra ID: ✗ this step failed",
        "end",
    ]
    assert not {"rect rgba(220, 0, 0, 0.15)", "end"} & set(drawn(ASKED, CAME))


def test_the_diagram_can_be_stepped_through_by_hand():
    log = log_of(CAME, ASKED, REFUSED)
    assert list(log.diagram(2)) == [CAME, ASKED] and list(log.diagram()) == list(log)
    assert list(log.diagram(0)) == [] and list(log.diagram(99)) == list(log)


def test_foreign_text_cannot_speak_mermaid():
    evil = "x;end\nparticipant evil#quot;<b>"
    odd = Exchange("notebook", "Microsoft Graph", f"GET /{evil}", answer="200")
    lines = drawn(odd)
    assert len(lines) == 2 and "<" not in lines[0]
    lines = drawn(replace(odd, answer="403", received={"error": evil}))
    assert len(lines) == 5 and lines[2].startswith("Microsoft Graph--xnotebook: ✗ 403 x#59;end")


def test_only_the_newest_exchanges_are_kept():
    log = log_of(*[ASKED] * (wire_log.maxlen + 5))
    assert len(log) == wire_log.maxlen
    log.clear()
    assert list(log) == []
