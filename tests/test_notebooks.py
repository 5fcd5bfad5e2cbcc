"""The four chapters: run, compared strictly with their saved outputs, and nothing left behind."""

import configparser
import json
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from tests.homes import VISITOR, offline, own_homes

FOLDER = Path(__file__).parents[1] / "notebooks"
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
    assert all(len(cell.source.splitlines()) <= 15 for cell in code_cells(path))
    prose = sum(cell.cell_type == "markdown" for cell in cells)
    assert prose >= len(cells) / 2


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
