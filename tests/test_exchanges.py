import json

from graphhelpers import Secret, wire_log
from graphhelpers.exchanges import KEPT, Exchange, WireLog, masked, request_line, sealed


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
    assert "canary" not in str(masked(sealed({"code": "canary", "x": Secret("canary")}, "code")))


def test_the_same_secret_keeps_the_same_name_across_exchanges():
    one, two = (masked(sealed({"refresh_token": text})) for text in ("one", "two"))
    assert one == masked(sealed({"refresh_token": "one"})) != two


def test_a_secret_in_a_query_is_masked_too():
    line, query = request_line("GET", "http://localhost:1/cb?code=canary&state=abc")
    assert line == "GET /cb" and query["state"] == "abc" and "canary" not in str(query)


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
    assert lines[1] == "sequenceDiagram"
    assert "notebook->>Entra ID: POST /common/oauth2/v2.0/token" in lines
    assert drawn["text/plain"].splitlines()[1] == str(ASKED)


def test_foreign_text_cannot_speak_mermaid():
    odd = Exchange(
        "notebook", "Microsoft Graph", "GET /x;end\nparticipant evil#quot;<b>", answer="200"
    )
    lines = log_of(odd).diagram()._repr_mimebundle_()["text/vnd.mermaid"].splitlines()
    assert len(lines) == 4 and "<" not in lines[2]


def test_only_the_newest_exchanges_are_kept():
    log = log_of(*[ASKED] * (KEPT + 5))
    assert len(log) == KEPT
    log.clear()
    assert list(log) == []
