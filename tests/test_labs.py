"""Break it: each lab fails as the platform fails, names the reader's setting, and is repaired."""

import re
import subprocess
import sys

import pytest

import graphsandbox
from graphhelpers import (
    DEFAULT_REDIRECT_URI,
    MICROSOFT,
    Registration,
    RegistrationError,
    Secret,
    checks,
    exchange_code,
    sandbox_cloud,
    start_sign_in,
)
from graphhelpers.checks.verdict import cards

from .homes import VISITOR, own_homes
from .kernel import Kernel, running_kernel
from .solved import ANSWERS, CHAPTERS, FOLDER, REPAIRS, chapter, solved

LABS = [(name, lab) for name in CHAPTERS for lab in REPAIRS[name]]
GUID = "11112222-bbbb-3333-cccc-4444dddd5555"
WRONG = [  # repairs that don't repair, and words of the card that comes then
    ("02_signin", "admin", 'scopes = ("openid", "Nonsense.Read")', "AADSTS650053"),
    ("03_token", "code twice", "times = 0", "No code is handed in"),
    ("04_sendmail", "scope", 'scopes = ("User.Read", "Mail.Sent")', "AADSTS650053"),
    ("04_sendmail", "scope", 'scopes = ("Mail.Send")', "AADSTS650053"),  # no tuple but a text
    ("04_sendmail", "mailbox", 'user = "lost@contoso.example"', "no account lost@contoso.example"),
]


def name_in(source: str) -> str:
    """Return which lab or exercise a cell holds, "" where it is neither."""
    found = re.search(r"checks\.(?:lab|exercise)\(\"([^\"]+)", source)
    return found[1] if found else ""


def saved(name: str) -> dict[str, str]:
    """Return what each lab and exercise says as the chapter stands; nbval holds it true."""
    cells = [cell for cell in chapter(name).cells if name_in(cell.source)]
    return {name_in(cell.source): cell.outputs[0].data["text/plain"] for cell in cells}


def run_mended(kernel: Kernel, name: str) -> dict[str, str]:
    """Run a chapter with every repair and answer; return what each lab and exercise said."""
    said = {}
    for cell in chapter(name).cells:
        if cell.cell_type == "code":
            result = kernel.run(solved(name, cell.source), 60.0)
            meant = "raises-exception" in cell.metadata.get("tags", ())
            assert meant or not result.error, result.text
            if what := name_in(cell.source):
                said[what] = result.text
    return said


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_lab_is_broken_at_first_and_names_the_setting_and_the_repair(name):
    broken = saved(name)
    for lab, repair in REPAIRS[name].items():
        mark, *lines = broken[lab].splitlines()
        assert mark == f"✗ not yet: {cards('labs')[lab]['title']}"
        setting = repair.partition(" = ")[0]
        assert lines[0].startswith(f"  Yours: {setting} = ")
        assert [line.split(":")[0].strip() for line in lines[1:]] == ["What", "Why", "Try"], lines


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_exercise_begins_as_not_tried(name):
    begun = [said for what, said in saved(name).items() if what not in REPAIRS[name]]
    assert len(begun) >= 2 and all(said.startswith("○ not tried: ") for said in begun)


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_lab_and_exercise_turns_green_when_it_is_mended_and_not_before(name, tmp_path):
    with running_kernel(own_homes(tmp_path) | {"BROWSER": VISITOR}, FOLDER) as kernel:
        mended = run_mended(kernel, name)
        for lab, repair, words in [what for chapter_of, *what in WRONG if chapter_of == name]:
            tried = kernel.run(with_switch(lab_cell(name, lab), repair), 60.0)
            assert tried.text.startswith("✗ not yet: ") and words in tried.text, tried.text
            assert not tried.error and all(f"  {head}: " in tried.text for head in ("Why", "Try"))
    assert mended.keys() == saved(name).keys() == {*REPAIRS[name], *ANSWERS[name]}
    assert {what for what, said in mended.items() if not said.startswith("✓ right: ")} == set()
    assert all("Why it works: " in mended[lab] for lab in REPAIRS[name])


def with_switch(cell: str, repair: str) -> str:
    return re.sub("^.*# the switch$", lambda _: repair, cell, flags=re.M)


def lab_cell(name: str, what: str) -> str:
    return next(cell.source for cell in chapter(name).cells if name_in(cell.source) == what)


@pytest.mark.parametrize("text", ["anything", "a~text-of-the-right-length-0123456789abcd"])
def test_a_text_that_is_no_secret_of_the_app_repairs_nothing(text, capsys):
    cell = lab_cell("01_register", "secret id")
    mine = with_switch(cell, f"client_secret = {text!r}")
    known = {"registered": {"client_id": GUID, "client_secret": "a~secret"}, "cloud": MICROSOFT}
    exec(mine, known | {"Registration": Registration})  # noqa: S102 (our own text)
    said = capsys.readouterr().out
    assert said.startswith("✗ not yet: ") and "AADSTS7000215" in said and text not in said


@pytest.mark.parametrize("platform", ["spa", "publicClient"])
def test_on_a_public_platform_the_secret_is_refused(platform, capsys):
    with graphsandbox.running() as sandbox, checks.lab("platform", platform=platform):
        known = sandbox.register(redirect_uris=[DEFAULT_REDIRECT_URI], platform=platform)
        cloud = sandbox_cloud(sandbox.authority, sandbox.graph)
        app = Registration(known.client_id, known.client_secret, tenant=known.tenant, cloud=cloud)
        attempt = start_sign_in(app)
        exchange_code(app, attempt, sandbox.sign_in(attempt.url)["code"])
    said = capsys.readouterr().out
    assert "AADSTS700025" in said and "may send none" in said


def test_there_are_as_many_labs_as_cards_and_each_is_in_one_chapter():
    assert [lab for _, lab in LABS] == list(cards("labs")) and len(LABS) >= 16
    assert all(3 <= len(REPAIRS[name]) <= 5 for name in CHAPTERS)


def test_a_secret_among_the_settings_is_shown_as_a_fingerprint(capsys):
    with checks.lab("secret id", client_secret="canary-7~x", key=Secret("canary-8~x")) as lab:
        raise RegistrationError("a", "b", "c")
    assert "canary" not in capsys.readouterr().out + lab.verdict._repr_html_()
    assert lab.verdict.told["Yours"].count("‹secret ") == 2


def test_a_mistake_in_the_python_is_raised_as_ever():
    with pytest.raises(ZeroDivisionError), checks.lab("tenant"):
        _ = 1 / 0
    with pytest.raises(RuntimeError, match="mine"), checks.lab("tenant"):
        raise RuntimeError("mine")


def test_a_name_that_is_no_labs_is_told_with_those_that_are():
    with pytest.raises(ValueError, match="no 'slsh' among the labs: secret id, tenant"):
        checks.lab("slsh").__enter__()


def test_the_words_of_the_platforms_page_come_with_the_card_of_their_number(capsys):
    with graphsandbox.running() as sandbox, checks.lab("slash", redirect_uri="…/get_token") as lab:
        sandbox.sign_in(
            f"{sandbox.authority}/common/oauth2/v2.0/authorize?client_id={sandbox.client_id}"
            "&response_type=code&scope=openid&redirect_uri=http://localhost:8000/connect/get_token"
        )
    assert lab.verdict.told["What"].startswith("AADSTS50011: The redirect URI")
    assert lab.verdict.told["Why"] == "The redirect URI sent isn't registered, to the letter."
    assert "with the slash at its end" in lab.verdict.told["Try"]
    assert "✗ not yet: The final slash" in capsys.readouterr().out


def test_foreign_words_are_escaped_and_cut(capsys):
    hostile = "<img src=x onerror=alert(1)>" * 200
    with checks.lab("stolen code", pkce=hostile) as lab:
        lab.expect(False, hostile)
    html = lab.verdict._repr_html_()
    assert "<img" not in html and "&lt;img" in html and len(html) < 12_000
    assert capsys.readouterr().out.count("<img") < 200


def test_in_a_terminal_the_verdict_is_printed():
    program = "from graphhelpers import checks\nwith checks.lab('tenant', tenant='x'): pass"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.startswith("✓ right: A whole address") and "tenant = 'x'" in done.stdout


def test_a_lab_that_holds_says_so_to_programs():
    with checks.lab("tenant", tenant="common") as lab:
        Registration(GUID, tenant="common", cloud=MICROSOFT)
    assert lab.verdict.state == "right"
