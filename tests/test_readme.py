"""The README's page on the sandbox as a test double: its test runs as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import graphsandbox.handle

README = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
PLACE = "<!-- a test of somebody's code -->"


def example() -> str:
    return re.search(re.escape(PLACE) + r"\n```python\n(.*?)```", README, re.DOTALL)[1]


def run(tmp_path, text):
    (tmp_path / "test_mine.py").write_text(text, "utf-8")
    options = ["-q", "-W", "error", "-p", "no:cacheprovider", "test_mine.py"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        timeout=60,
    ).stdout


def test_the_test_in_the_readme_passes(tmp_path):
    assert "1 passed" in (said := run(tmp_path, example())), said


IMPATIENT = """
once = report

def report(token, graph):
    once(token, graph)
    return once(token, graph)

"""


def test_it_fails_when_the_code_under_test_is_wrong(tmp_path):
    wrong = example().replace("@pytest", f"{IMPATIENT}@pytest", 1)
    assert "1 failed" in (said := run(tmp_path, wrong)), said


def test_the_test_has_ten_lines_beside_the_code_it_tests():
    body = example().partition("@pytest.mark")[2].strip().splitlines()
    assert len(body) - 1 <= 10


def test_the_readme_names_every_method_of_the_fixture():
    members = vars(graphsandbox.handle.Handle).items()
    methods = {name for name, member in members if name[0].islower() and callable(member)}
    table = README.partition("| `graph_sandbox.` |")[2].partition("\n\n")[0]
    assert methods == set(re.findall(r"`(\w+)\(", table))
