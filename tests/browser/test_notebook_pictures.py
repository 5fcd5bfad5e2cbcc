"""`make screenshots` sees what a reader would stumble over (tools/notebook_pictures.py)."""

import nbformat.v4 as v4
import pytest

from tests.browser.lab import running_lab
from tests.homes import own_homes
from tools.notebook_pictures import picture_notebook

KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
MEANT = {"tags": ["raises-exception"]}
WIDE_ROW = "'<table><tr>' + '<td>wide</td>' * 99 + '</tr></table>'"

GOOD = [
    v4.new_markdown_cell("# Good\n\n```mermaid\nflowchart LR\n  a --> b\n```"),
    v4.new_code_cell("import ipywidgets\nipywidgets.Button(description='Press')"),
    v4.new_code_cell("1 / 0", metadata=MEANT),
    v4.new_code_cell('from graphhelpers import checks\nwith checks.lab("late code"): pass'),
    v4.new_code_cell("'after'"),
]
BAD = [
    # `graph` is a word of mermaid's own language, and no name for a box.
    v4.new_markdown_cell("# Bad\n\n```mermaid\nflowchart LR\n  graph --> b\n```"),
    v4.new_code_cell(f"from IPython.display import HTML\nHTML({WIDE_ROW})"),
    v4.new_code_cell("1 / 0"),
    v4.new_code_cell("'after'"),
]


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebooks")
    for name, cells in {"good": GOOD, "bad": BAD}.items():
        notebook = v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})
        (folder / f"{name}.ipynb").write_text(v4.writes(notebook))
    with running_lab(folder, own_homes(tmp_path_factory.mktemp("homes"))) as lab:
        yield lab


def test_a_well_made_notebook_is_pictured_at_each_width(browser, lab, tmp_path):
    assert picture_notebook(browser, lab, "good.ipynb", (1280, 400), tmp_path) == []
    pictures = sorted(path.name for path in tmp_path.iterdir())
    assert pictures == [
        "notebook-good-1280-1.png",
        "notebook-good-400-1.png",
        "notebook-good-form-1.png",
        "notebook-good-lab-late-code.png",
    ]


def test_what_failed_or_does_not_fit_is_named(browser, lab, tmp_path):
    problems = picture_notebook(browser, lab, "bad.ipynb", (1280,), tmp_path)
    assert problems == [
        "bad.ipynb: cell 3 ends in ZeroDivisionError: division by zero",
        "bad.ipynb: cell 4 did not run",
        "bad.ipynb: 1 of 1 diagrams failed to draw",
        f"bad.ipynb: scrolls sideways at 1280 px: {'wide' * 15}",
    ]
