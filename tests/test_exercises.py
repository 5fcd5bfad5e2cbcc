"""Check yourself: three states, hints on request, and no right answer is called wrong."""

import hashlib
import hmac
import json
import time
from base64 import urlsafe_b64encode
from http import HTTPStatus
from types import SimpleNamespace
from urllib.parse import parse_qs, parse_qsl

import pytest
import requests

import graphsandbox
from graphhelpers import (
    DEFAULT_REDIRECT_URI,
    Message,
    Registration,
    Secret,
    checks,
    exchange_code,
    read_jwt,
    start_sign_in,
)
from graphhelpers.checks.exercises import CHECKS
from graphhelpers.checks.verdict import HINTS, cards
from graphhelpers.signin import code_challenge

from .kit import app_of
from .solved import ANSWERS

CLAIMS = {"aud": "11112222-bbbb-3333-cccc-4444dddd5555", "name": "Zoë Núñez", "nonce": "n"}
JWT = ".".join(urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in ({}, CLAIMS))
TOKEN = SimpleNamespace(id_token=Secret(f"{JWT}.c2ln"))
ADA = {"emailAddress": {"address": "ada@contoso.example"}}
ELSEWHERE = "http://localhost:8765/connect/get_token/"


def by_hash(verifier: str) -> str:
    return urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode()


def hasty(query: str, state: str) -> str | None:
    return dict(parse_qsl(query)).get("code")


def by_its_beginning(query: str, state: str) -> str | None:
    given = dict(parse_qsl(query)).get("state", "")
    return hasty(query, state) if state.startswith(given) else None


def careful(query: str, state: str) -> str:
    answer = {name: values[0] for name, values in parse_qs(query, strict_parsing=True).items()}
    if not hmac.compare_digest(answer["state"], state):
        raise PermissionError("another sign-in")
    return answer["code"]


def by_the_clock(answer: dict) -> float:
    ends = answer.get("expires_on")
    return float(ends) - time.time() if ends else answer["expires_in"]


def mail(**changes: object) -> dict:
    sent = Message("Hello", "Hi.", "ada@contoso.example", cc="grace@contoso.example").as_json()
    return {"message": sent["message"] | changes}


RIGHT = [
    ("public values", {"client_id", "tenant", "redirect_uri"}),
    ("public values", "Client ID, Tenant ID, redirect_uri"),
    ("public values", "client id, redirect URI and tenant"),
    ("public values", "client_id redirect_uri tenant"),
    ("public values", ["Application (client) ID", "Redirect URI", "Directory (tenant) ID"]),
    ("public values", {"tenant": 1, "client_id": 2, "redirect_uri": 3}),
    ("another port", ELSEWHERE),
    ("another port", "http://LOCALHOST:1/connect/get_token/"),
    ("another port", Registration(CLAIMS["aud"], redirect_uri=ELSEWHERE)),
    ("challenge", code_challenge),
    ("challenge", lambda v: by_hash(v).rstrip("=").encode()),
    ("our answer", careful),
    ("our answer", lambda q, s: "" if f"&state={s}&" not in f"&{q}&" else hasty(q, s)),
    ("least scopes", "openid profile offline_access"),
    ("least scopes", "offline_access, profile, openid"),
    ("least scopes", ["openid profile offline_access"]),
    ("least scopes", {"openid", "profile", "offline_access"}),
    ("seconds left", lambda a: int(a["expires_in"])),
    ("seconds left", lambda a: float(a["expires_in"])),
    ("seconds left", lambda a: int(a["expires_in"]) if "resource" in a else a["expires_in"]),
    ("seconds left", by_the_clock),
    ("read the claims", CLAIMS),
    ("read the claims", read_jwt(TOKEN.id_token)),
    ("may repeat", [429]),
    ("may repeat", 429),
    ("may repeat", {"429"}),
    ("may repeat", 429.0),
    ("may repeat", "429 Too Many Requests"),
    ("may repeat", ["HTTP 429"]),
    ("may repeat", [HTTPStatus.TOO_MANY_REQUESTS]),
    ("may repeat", "Too Many Requests"),
    ("by hand", mail()),
    ("by hand", json.dumps(mail())),
    ("by hand", mail() | {"saveToSentItems": False}),
    ("by hand", mail(importance="high") | {"SaveToSentItems": "true"}),
    ("by hand", mail(body={"content": "Hi."})),
    ("by hand", {"Message": {"Subject": "Hello", "Body": {"Content": "Hi."},
        "ToRecipients": [{"EmailAddress": {"Address": "ADA@contoso.example"}}],
        "CcRecipients": [{"EmailAddress": {"Address": "grace@contoso.example"}}]}}),
]  # fmt: skip

WRONG = [
    ("public values", ["client_secret", "tenant"], "proves that the app is itself"),
    ("public values", ["client_id"], "one more"),
    ("public values", ["Object ID"], "none of the four"),
    ("public values", "Secret ID", "none of the four"),
    ("public values", "the Value, tenant", "proves that the app is itself"),
    ("another port", DEFAULT_REDIRECT_URI, "the port that is taken"),
    ("another port", "http://localhost/connect/get_token/", "Give a port"),
    ("another port", "http://localhost:0/connect/get_token/", "Give a port"),
    ("another port", "http://localhost:8765/connect/get_token", "final slash"),
    ("another port", "http://127.0.0.1:8765/connect/get_token/", "All but the port"),
    ("another port", ELSEWHERE + "?a=b", "something was added"),
    ("another port", 8765, "It ends in"),
    ("challenge", by_hash, "no = at its end"),
    ("challenge", lambda v: hashlib.sha256(v.encode()).hexdigest(), "hexadecimal"),
    ("challenge", lambda v: v, "isn't"),
    ("challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "It ends in TypeError"),
    ("our answer", hasty, "another sign-in"),
    ("our answer", lambda q, s: None, "and it gave None"),
    ("our answer", lambda q, s: hasty(q, s) if "state=" in q else None, "another sign-in"),
    ("our answer", lambda q, s: hasty(q, s) if s in q else None, "another field"),
    ("our answer", lambda q, s: hasty(q, s) if f"&state={s}" in q else None, "letter more"),
    ("our answer", lambda q, s: careful(q.lower(), s.lower()) and hasty(q, s), "letter case"),
    ("our answer", by_its_beginning, "no state"),
    ("least scopes", ["openid", "offline_access", "Mail.Send"], "needs no mail.send"),
    ("least scopes", ["openid", "profile", "offline_access", "User.Read"], "needs no user.read"),
    ("least scopes", ["profile", "offline_access"], "Without openid"),
    ("least scopes", ["openid", "offline_access"], "without a name"),
    ("least scopes", ["openid", "profile"], "no refresh token"),
    ("seconds left", lambda a: a["expires_in"], "it gave '3599'"),
    ("seconds left", lambda a: 3599, "it gave 3599"),
    ("seconds left", lambda a: float("nan"), "it gave nan"),
    ("seconds left", lambda a: int(a.get("expires_on", 0)) or a["expires_in"], "it gave 1"),
    ("read the claims", {"scp": "Mail.Send"}, "the access token's"),
    ("read the claims", TOKEN.id_token, "aren't the claims"),
    ("may repeat", [429, 503], "After 503"),
    ("may repeat", [429, "broken connection"], "After broken connection"),
    ("may repeat", "429, 503 Service Unavailable", "After 503"),
    ("may repeat", "429 or 504", "After 504"),
    ("may repeat", [], "nothing was begun"),
    ("by hand", {"subject": "Hello"}, "a member `message`"),
    ("by hand", mail(subject="hello!"), "The subject is Hello"),
    ("by hand", mail(body="Hi."), '`body` is an object: {"content": …, "contentType": …}'),
    ("by hand", {"message": "Hi."}, "`message` is an object"),
    ("by hand", [mail()], 'The whole is an object: {"message": …'),
    ("by hand", mail(toRecipients=[]), "ada@contoso.example"),
    ("by hand", mail(toRecipients="ada@contoso.example"), "`toRecipients` is a list"),
    ("by hand", mail(toRecipients=ADA), "`toRecipients` is a list"),
    ("by hand", mail(toRecipients=["ada@contoso.example"]), 'A recipient is an object: {"emailA'),
    ("by hand", mail(toRecipients=[{"emailAddress": "ada@contoso.example"}]), "`emailAddress` is"),
    ("by hand", mail(toRecipients=[{"emailAddress": {"address": "ada"}}]), "behind its @"),
    ("by hand", mail(toRecipients=[ADA, ADA]), "nobody else"),
    ("by hand", mail(bccRecipients=[ADA]), "Nobody else gets it"),
    ("by hand", mail(torecipients=[ADA]), "'torecipients' in `message`. It is written toRecipient"),
    ("by hand", mail(to=[ADA]), "Graph knows no 'to' in `message`."),
    ("by hand", mail() | {"saveToSentItems": "yes"}, "is True or False"),
    ("by hand", mail(ccRecipients=mail()["message"]["toRecipients"]), "`ccRecipients` holds grace"),
    ("by hand", mail(body={"contentType": "HTML", "content": "Hi."}), "plain text"),
]  # fmt: skip


def ask(name: str, answer: object) -> checks.Verdict:
    return checks.exercise(name, answer, *([TOKEN] if name == "read the claims" else []))


@pytest.mark.parametrize(("name", "answer"), RIGHT)
def test_other_right_ways_count(name, answer):
    verdict = ask(name, answer)
    assert verdict.state == "right", verdict
    assert verdict.told["Why"] == cards("exercises")[name]["right"]


def test_what_is_right_by_hand_is_taken_by_graph_and_what_is_no_json_of_a_mail_is_not():
    with graphsandbox.running() as sandbox:
        answers = [answer for name, answer in RIGHT if name == "by hand"]
        assert {status(sandbox, answer) for answer in answers} == {202}
        refused = [mail(body="Hi."), mail(toRecipients=ADA), mail(torecipients=[ADA])]
        assert {status(sandbox, answer) for answer in refused} == {400}


def status(sandbox: graphsandbox.handle.Handle, answer: object) -> int:
    app = app_of(sandbox)
    attempt = start_sign_in(app)
    token = exchange_code(app, attempt, sandbox.sign_in(attempt.url)["code"])
    bearer = {"Authorization": f"Bearer {token.access_token}", "Content-Type": "application/json"}
    body = answer if isinstance(answer, str) else json.dumps(answer)
    url = f"{sandbox.graph}/v1.0/me/sendMail"
    return requests.post(url, data=body.encode(), headers=bearer, timeout=10).status_code


@pytest.mark.parametrize(("name", "answer", "remark"), WRONG)
def test_what_is_not_right_yet_is_told_with_what_is_missing(name, answer, remark):
    verdict = ask(name, answer)
    assert verdict.state == "not yet" and remark in verdict.told["What"], verdict


@pytest.mark.parametrize("name", cards("exercises"))
@pytest.mark.parametrize("nothing", [..., None])
def test_without_an_answer_it_is_not_tried(name, nothing):
    verdict = ask(name, nothing)
    assert verdict.state == "not tried"
    assert repr(verdict).endswith(f"For a hint: checks.hint({name!r})")


@pytest.mark.parametrize("name", cards("exercises"))
@pytest.mark.parametrize(
    "odd",
    [0, -1.5, "", "<b>\x00", [], {}, object(), b"\xff", [[]], lambda *a: [][0], range(9), "{"],
)
def test_whatever_is_answered_there_is_a_verdict_and_no_error(name, odd):
    verdict = ask(name, odd)
    assert verdict.state == "not yet" and "<b>" not in verdict._repr_html_().replace("<b>✗", "")


@pytest.mark.parametrize("name", cards("exercises"))
def test_the_last_hint_is_a_right_answer(name):
    """Run as the reader would: with what the chapter has imported by then."""
    known = {"token": TOKEN}
    imports = "import hashlib, json\nfrom base64 import *\nfrom urllib.parse import *\n"
    exec(imports + cards("exercises")[name]["hints"][2], known)  # noqa: S102 (our own text)
    answer = list(known.values())[-1]
    assert ask(name, answer).state == "right"


def test_hints_come_one_by_one_and_the_last_stays(capsys):
    hints = cards("exercises")["may repeat"]["hints"]
    for _ in range(4):
        checks.hint("may repeat")
    said = capsys.readouterr().out.splitlines()
    words = [*zip(HINTS, hints, strict=True), (HINTS[2], hints[2])]
    assert said == [f"{word}: {text}" for word, text in words]


def test_in_a_page_each_hint_is_inside_the_one_before():
    html = ask("may repeat", ...)._repr_html_()
    first, better, answer = (html.index(f"<summary>{word}</summary>") for word in HINTS)
    assert first < better < answer and html.endswith("</details></details></details></div>")
    assert "may_repeat = [429]" not in repr(ask("may repeat", ...))


def test_a_right_answer_needs_no_hints():
    assert "<details>" not in ask("may repeat", [429])._repr_html_()


def test_every_exercise_has_its_check_its_texts_and_its_chapter():
    asked = [name for chapter in ANSWERS.values() for name in chapter]
    assert asked == list(cards("exercises")) and set(asked) == set(CHECKS)
    assert all(len(texts["hints"]) == 3 for texts in cards("exercises").values())


def test_no_token_shows_in_a_verdict():
    for answer in (CLAIMS, TOKEN.id_token, [TOKEN.id_token]):
        verdict = ask("read the claims", answer)
        assert JWT not in repr(verdict) + verdict._repr_html_()


def test_an_exercise_that_there_is_not_is_told():
    with pytest.raises(ValueError, match="no 'x' among the exercises: public values"):
        checks.exercise("x", 1)
