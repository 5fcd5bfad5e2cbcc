"""The four chapters: run, compared strictly with their saved outputs, and nothing left behind."""

import configparser
import json
import re
import shutil
import socket
import subprocess
import symtable
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import psutil
import pytest

from graphhelpers import MICROSOFT, Registration, RegistrationError
from tests.homes import VISITOR, offline, own_homes

FOLDER = Path(__file__).parents[1] / "notebooks"
CLIENT_ID = "11112222-bbbb-3333-cccc-4444dddd5555"
SANDBOX = SimpleNamespace(
    authority="http://localhost:1",
    graph="http://localhost:1",
    client_id=CLIENT_ID.replace("1", "2"),
    client_secret="canary~sandbox",
    tenant="contoso.example",
    redirect_uris=["http://localhost:8000/connect/get_token/"],
    public=None,
)
CHAPTERS = sorted(FOLDER.glob("*.ipynb"))
SANITIZE = FOLDER / "sanitize.cfg"


def nbval(home: Path, *notebooks: Path) -> subprocess.CompletedProcess[str]:
    """Run nbval strictly over notebooks, in this order, offline, with homes of their own."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval"]
    options = ["--nbval-sanitize-with", str(SANITIZE), "--nbval-cell-timeout=60"]
    options.append(f"--rootdir={notebooks[0].parent}")  # so that a failure names its notebook
    return subprocess.run(
        [*offline(), *command, *options, *map(str, notebooks)],
        env=own_homes(home) | {"BROWSER": VISITOR},
        cwd=FOLDER.parent,
        capture_output=True,
        text=True,
        timeout=300,
    )


def gone(home: Path) -> bool:
    """Say whether the sandbox that was started in these homes has ended, and port 8000 is free."""
    ready = home / "graphsandbox" / "ready.json"
    pid = json.loads(ready.read_text("utf-8"))["pid"] if ready.exists() else None
    with socket.socket() as probe:
        return (pid is None or not psutil.pid_exists(pid)) and probe.connect_ex(
            ("127.0.0.1", 8000)
        ) != 0


def wait_until_gone(home: Path) -> None:
    ends = time.monotonic() + 10
    while not gone(home):
        assert time.monotonic() < ends, "a sandbox or listener outlived its program by 10 s"
        time.sleep(0.1)


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def output_texts(path: Path) -> list[str]:
    """What nbval compares: streams, error values, and every textual form of a result."""
    texts = []
    for cell in code_cells(path):
        for output in cell.outputs:
            if output.output_type == "stream":
                texts.append(output.text)
            elif output.output_type == "error":
                texts.append(output.evalue)
            else:
                texts += [v for k, v in output.data.items() if k.startswith(("text/", "image/svg"))]
    return texts


def test_there_are_four_chapters():
    assert [path.stem for path in CHAPTERS] == [
        "01_register",
        "02_signin",
        "03_token",
        "04_sendmail",
    ]


def test_all_chapters_pass_strictly_in_order_and_again_in_reverse(tmp_path):
    forward = nbval(tmp_path, *CHAPTERS)
    assert forward.returncode == 0, forward.stdout[-5000:]
    backward = nbval(tmp_path, *reversed(CHAPTERS))  # on the state that the first run left
    assert backward.returncode == 0, backward.stdout[-5000:]
    wait_until_gone(tmp_path)


@pytest.mark.case("F248", "F249")
@pytest.mark.parametrize("path", CHAPTERS[1:], ids=lambda path: path.stem)  # the first did
def test_a_chapter_passes_alone_on_empty_homes(path, tmp_path):
    alone = nbval(tmp_path, path)
    assert alone.returncode == 0, alone.stdout[-5000:]
    wait_until_gone(tmp_path)


def test_one_changed_character_in_a_saved_output_is_reported(tmp_path):
    tampered = [tamper(path, tmp_path / path.name) for path in CHAPTERS]
    report = nbval(tmp_path, *tampered)
    assert report.returncode == 1
    failed = {name for name in re.findall(r"FAILED \S*?(\d\d_\w+)\.ipynb", report.stdout)}
    assert failed == {path.stem for path in CHAPTERS}, report.stdout[-5000:]


def tamper(path: Path, copy: Path) -> Path:
    """Change one letter in the last plain result of a chapter."""
    notebook = read(path)
    results = [
        output.data
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "execute_result" and "text/plain" in output.data
    ]
    text = results[-1]["text/plain"]
    place = re.search(r"[A-Za-z]", text).start()
    results[-1]["text/plain"] = text[:place] + "@" + text[place + 1 :]
    nbformat.write(notebook, copy)
    return copy


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_sanitising_leaves_four_fifths_of_the_outputs(path):
    config = configparser.RawConfigParser()
    config.read(SANITIZE, encoding="utf-8")
    patterns = [re.compile(config[name]["regex"]) for name in config.sections()]
    texts = output_texts(path)
    left = texts
    for pattern in patterns:
        left = [pattern.sub("", text) for text in left]
    assert sum(map(len, left)) >= 0.8 * sum(map(len, texts))


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_code_cell_was_executed_in_order(path):
    numbers = [cell.execution_count for cell in code_cells(path)]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_cells_are_short_and_prose_stands_before_each(path):
    cells = read(path).cells
    pairs = zip(cells, cells[1:], strict=False)
    assert all(a.cell_type == "markdown" for a, b in pairs if b.cell_type == "code")
    lines = [cell.source.splitlines() for cell in code_cells(path)]
    assert max(map(len, lines)) <= 10
    assert [line for each in lines for line in each if len(line) > 88] == []
    prose = sum(cell.cell_type == "markdown" for cell in cells)
    assert prose >= len(cells) / 2


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_has_five_to_eight_sections_before_its_labs(path):
    prose = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    named = re.findall(r"^## (.+)$", prose, re.M)
    names = [name.partition(":")[0] for name in named]
    assert 5 <= names.index("Break it") - 1 <= 8 and "Set up" in names[:2]  # which doesn't count
    for name in ("Check yourself", "The same on Microsoft's side", "What you have now"):
        assert names.index(name) > names.index("Break it")


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_leads_to_the_one_before_the_contents_and_the_next_at_head_and_foot(path):
    cells = read(path).cells
    head, foot = cells[0].source.splitlines()[0], cells[-1].source.splitlines()[-1]
    number = CHAPTERS.index(path)
    others = CHAPTERS[max(number - 1, 0) : number + 2]
    expected = [one.name for one in others if one != path]
    expected.insert(min(number, 1), "../README.md")
    assert head == foot and re.findall(r"\]\(([^)]+)\)", head) == expected


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_no_lab_or_exercise_takes_a_name_that_an_earlier_cell_needs(path):
    """Or a cell that is run again afterwards would work with the lab's value."""
    needed = set()
    for cell in code_cells(path):
        assigned, used = names_in(cell.source)
        if "checks.lab(" in cell.source or "checks.exercise(" in cell.source:
            assert assigned & needed == set(), cell.source
        else:
            needed |= assigned | used


def names_in(source: str) -> tuple[set[str], set[str]]:
    """Return the kernel's names that a cell assigns (an import doesn't count), and uses."""
    top = symtable.symtable(source, "cell", "exec")
    tables, used = [top], set()
    while tables:
        table = tables.pop()
        tables += table.get_children()
        used |= {s.get_name() for s in table.get_symbols() if s.is_global() and s.is_referenced()}
        if table is top:
            used |= {s.get_name() for s in table.get_symbols() if s.is_referenced()}
    symbols = [s for s in top.get_symbols() if s.is_assigned() and not s.is_imported()]
    return {s.get_name() for s in symbols}, used


SETS_UP = CHAPTERS[1:]  # the first chapter stays in the sandbox


@pytest.mark.parametrize("path", SETS_UP, ids=lambda path: path.stem)
def test_one_line_of_the_set_up_cell_leads_to_microsoft_and_all_that_follows_goes_there(
    path, tmp_path, monkeypatch
):
    first, *others = code_cells(path)
    for cell in others:  # only the labs know another cloud, and the side door of the sandbox
        assert not re.search(r"\bsandbox\.(graph|client)", cell.source)
        assert names_in(cell.source)[1] & {"here", "ready_made"} == set()
    name = r"# At Microsoft this line is: (.+)\n.+\n"
    at_microsoft, changes = re.subn(name, r"\1\n", first.source)
    assert changes == 1
    monkeypatch.setenv("GRAPHHELPERS_HOME", str(tmp_path))
    monkeypatch.setattr("graphsandbox.connect", lambda: SANDBOX)
    with pytest.raises(RegistrationError, match="No registration"):
        exec(at_microsoft, {})  # noqa: S102 (our own text)
    mine = Registration(CLIENT_ID, "canary~mine", cloud=MICROSOFT)
    mine.save()
    known = {}
    exec(at_microsoft, known)  # noqa: S102
    assert known["app"] == mine and known["app"].cloud == MICROSOFT
    exec(first.source, known)  # noqa: S102
    assert known["app"].client_id == SANDBOX.client_id
    assert known["app"].cloud.authority == SANDBOX.authority


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_comparison_is_switched_off_for_few_cells_and_never_in_comments(path):
    cells = code_cells(path)
    tagged = [c for c in cells if "nbval-ignore-output" in c.metadata.get("tags", ())]
    assert len(tagged) <= len(cells) / 10
    assert not any("nbval" in cell.source.lower() for cell in cells)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_saved_outputs_hold_no_secret_and_no_path_of_a_machine(path):
    text = path.read_text("utf-8")
    assert not re.search(r"eyJ[\w-]{10,}\.", text), "a JWT"
    assert not re.search(r"[\w~.-]{3}8Q~[\w~.-]{34}", text), "a client secret"
    assert not re.search(r"code=(?!made-up|yesterdays|\$)[^&\"\\\s{]{20,}", text), "a code"
    assert not re.search(r"/(home|tmp|Users|root|var)/", text), "a path"
    assert "widget-view" not in text and "widget-state" not in text


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_links_of_a_chapter_lead_somewhere(path):
    prose = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    for target in re.findall(r"\]\(([^)#]+)\)", prose):
        assert target.startswith("https://") or (FOLDER / target).exists(), target


@pytest.mark.case("F254")
def test_a_chapter_runs_from_another_folder(tmp_path):
    copy = shutil.copy(CHAPTERS[0], tmp_path / "elsewhere.ipynb")
    result = nbval(tmp_path, Path(copy))
    assert result.returncode == 0, result.stdout[-3000:]
