"""Who may know whom: the picture of CONTRIBUTING.md, kept true."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "graphhelpers"
GROUND = {"display", "help_cards", "errors", "clouds"}
SHARED = GROUND | {"registration", "wire", "exchanges"}  # what every step may know
GUARD = {"guard", "secret_shapes"}
APART = GUARD | {"__init__", "checks", "forms"}  # nothing in the core knows them
APART_FROM_THE_FIVE = {"places", "device"}  # for where the browser is on another machine
EVERYTHING = {path.stem for path in PACKAGE.glob("*.py")} - APART | {"mail"}

# The rooms of mail, each of which may know those before it.
MAIL = "once attachment message uploading mime sending drafts many __init__".split()
FURTHER = {"attachment", "uploading", "mime", "drafts", "many"}  # beyond the article's one mail
FORMS = sorted((PACKAGE / "forms").glob("*.py"))
CHECKS = sorted((PACKAGE / "checks").glob("*.py"))

MAY_IMPORT = {
    "display": set(),
    "help_cards": set(),
    "errors": {"display", "help_cards"},
    "clouds": {"errors", "help_cards"},
    "registration": GROUND,
    "exchanges": {"display"},
    "deadline": set(),
    "wire": GROUND | {"deadline", "exchanges"},
    "signin": SHARED,
    "listener": GROUND,
    "callback": SHARED | {"listener"},
    "tokens": SHARED,
    "mail": SHARED,  # a folder: each of its rooms, which know those before them
    "flow": EVERYTHING,
    "places": {"errors", "clouds", "registration"},
    "device": SHARED | {"signin", "tokens"},  # like flow, where steps meet
    "checks": {"display", "errors", "exchanges", "help_cards"},  # a folder: each of its modules
    "forms": EVERYTHING | {"checks"},  # a folder: each of its modules
    "secret_shapes": {"display", "registration"},
    "guard": {"display", "errors", "help_cards", "secret_shapes"},
    "__init__": EVERYTHING | {"checks"},
}


def imports_of(path: Path) -> set[str]:
    """The package's own modules that a file imports, outside `if TYPE_CHECKING:`."""
    tree = ast.parse(path.read_text("utf-8"))
    annotations_only = {
        node
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for node in ast.walk(branch)
    }
    return {
        module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level > 0 and node not in annotations_only
        for module in ([node.module] if node.module else [alias.name for alias in node.names])
    }


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda path: path.stem)
def test_a_module_knows_only_its_neighbours(path):
    assert imports_of(path) <= MAY_IMPORT[path.stem]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_each_form_knows_the_steps_and_of_the_forms_what_they_share(path):
    shared = {"fields", "claims", "doors", "drafts"}
    known = {one.stem for one in FORMS} if path.stem == "__init__" else shared
    assert imports_of(path) <= MAY_IMPORT["forms"] | known


@pytest.mark.parametrize("room", MAIL)
def test_each_room_of_mail_knows_only_those_before_it(room):
    known = MAY_IMPORT["mail"] | set(MAIL[: MAIL.index(room)])
    assert imports_of(PACKAGE / "mail" / f"{room}.py") <= known
    assert {path.stem for path in (PACKAGE / "mail").glob("*.py")} == set(MAIL)


@pytest.mark.parametrize("path", CHECKS, ids=lambda path: path.stem)
def test_each_check_knows_what_it_takes_to_explain(path):
    known = {"verdict"} | ({"mailing", "signing_in"} if path.stem == "exercises" else set())
    known = {one.stem for one in CHECKS} if path.stem == "__init__" else known
    assert imports_of(path) <= MAY_IMPORT["checks"] | known


def test_only_forms_imports_ipywidgets():
    users = [p for p in PACKAGE.rglob("*.py") if "import ipywidgets" in p.read_text("utf-8")]
    assert {path.parent for path in users} == {PACKAGE / "forms"}


def test_importing_the_package_loads_no_widgets_and_nothing_of_the_sandbox():
    unwanted = "ipywidgets IPython starlette uvicorn jinja2 graphsandbox".split()
    program = f"import graphhelpers, sys; print([m for m in {unwanted} if m in sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "[]"


def code_lines(path: Path) -> int:
    """Lines that hold code: no blanks, comments or docstrings."""
    source = path.read_text("utf-8")
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        number
        for node in ast.walk(tree)
        if isinstance(node, documented) and ast.get_docstring(node)
        for number in range(node.body[0].lineno, node.body[0].end_lineno + 1)
    }
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") and number not in docstrings
        for number, line in enumerate(source.splitlines(), 1)
    )


def test_the_package_can_be_read_in_one_sitting():
    lines = {path.stem: code_lines(path) for path in PACKAGE.glob("*.py")}
    mail = {f"mail/{room}": code_lines(PACKAGE / "mail" / f"{room}.py") for room in MAIL}
    assert max(map(code_lines, FORMS)) <= 120
    assert max(map(code_lines, CHECKS)) <= 150
    further = {f"mail/{room}" for room in FURTHER}
    core = {n: count for n, count in {**lines, **mail}.items() if n not in APART - {"__init__"}}
    further |= APART_FROM_THE_FIVE
    assert sum(count for name, count in core.items() if name not in further) <= 1480, core
    assert lines["places"] <= 60 and lines["device"] <= 88, lines
    assert sum(mail[name] for name in further & mail.keys()) <= 480, mail
    assert sum(lines[name] for name in GUARD) <= 240, lines
    assert max({**lines, **mail}.values()) <= 200, lines
