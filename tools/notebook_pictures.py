"""Run one notebook in JupyterLab, picture it, and say what was not drawn or does not fit."""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser.lab import Lab, await_run, notebook_json, open_notebook, start_run_all

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HEIGHT = 1600  # of one picture; a chapter takes several, which can be read
MERMAID, WIDGET = "text/vnd.mermaid", "application/vnd.jupyter.widget-view+json"

# What scrolls sideways within rendered prose and outputs, each by the start of its text.
TOO_WIDE = r"""() => {
  const found = [];
  for (const area of document.querySelectorAll('.jp-OutputArea-output, .jp-MarkdownOutput')) {
    const scrolls = e => e === area || /auto|scroll/.test(getComputedStyle(e).overflowX);
    const wide = [area, ...area.querySelectorAll('*')].find(
      e => scrolls(e) && e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1);
    if (wide) found.push(wide.textContent.trim().replace(/\s+/g, ' ').slice(0, 60));
  }
  return found;
}"""

# What is left at 400 px is for the notebook, as on a phone.
HIDE_SIDES = """async () => {
  jupyterapp.shell.collapseLeft();
  for (const side of ['left', 'right'])
    await jupyterapp.commands.execute('application:toggle-side-tabbar', {side});
}"""
SCROLL_TO_TOP = "() => { document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0 }"
# Scrolls by a window less two lines, and says whether the end had been reached before that.
SCROLL_ON = """() => {
  const panel = document.querySelector('.jp-WindowedPanel-outer');
  const end = [...panel.querySelectorAll('.jp-Cell')].at(-1).getBoundingClientRect().bottom;
  if (end <= panel.getBoundingClientRect().bottom) return true;
  const before = panel.scrollTop;
  panel.scrollTop += panel.clientHeight - 40;
  return panel.scrollTop === before;
}"""


def code_outputs(notebook: dict) -> Iterator[tuple[int, dict, dict]]:
    """Yield (number of the cell, cell, output) for every output of every code cell."""
    for number, cell in enumerate(notebook["cells"], 1):
        for output in cell.get("outputs", ()):
            yield number, cell, output


def unexpected_errors(notebook: dict) -> Iterator[str]:
    """Say which cells failed though no tag says so, and which did not run."""
    for number, cell, output in code_outputs(notebook):
        meant = "raises-exception" in cell["metadata"].get("tags", ())
        if output["output_type"] == "error" and not meant:
            yield f"cell {number} ends in {output['ename']}: {output['evalue'].splitlines()[0]}"
    for number, cell in enumerate(notebook["cells"], 1):
        if cell["cell_type"] == "code" and cell["source"] and cell["execution_count"] is None:
            yield f"cell {number} did not run"


def not_drawn(page: "Page", notebook: dict) -> Iterator[str]:
    """Say which diagrams and forms the page lacks."""
    kinds = [kind for *_, output in code_outputs(notebook) for kind in output.get("data", ())]
    prose = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    diagrams = kinds.count(MERMAID) + sum(len(re.findall("^```mermaid", s, re.M)) for s in prose)
    drawn = page.locator(".jp-RenderedMermaid:not(.jp-mod-warning) :is(img, svg)")
    failed = page.locator(".jp-RenderedMermaid.jp-mod-warning")
    for _ in range(100):  # a diagram is drawn some time after its cell has run
        if drawn.count() + failed.count() >= diagrams:
            break
        page.wait_for_timeout(100)
    if lacking := max(0, diagrams - drawn.count()):
        yield f"{lacking} of {diagrams} diagrams failed to draw"
    forms = page.locator(".jp-OutputArea-output:has(> .jupyter-widgets)").count()
    if forms < kinds.count(WIDGET):
        yield f"{kinds.count(WIDGET) - forms} of {kinds.count(WIDGET)} forms failed to draw"


def picture_parts(page: "Page", stem: Path, width: int) -> None:
    """Save the notebook from top to bottom, a window at a time, until its last cell was in view."""
    page.evaluate(SCROLL_TO_TOP)
    for part in itertools.count(1):
        page.wait_for_timeout(200)
        page.screenshot(path=f"{stem}-{width}-{part}.png")
        if page.evaluate(SCROLL_ON):
            break


def picture_forms_and_labs(page: "Page", stem: Path) -> None:
    """Save each form, and each cell of a lab or an exercise, as a picture of its own."""
    for number, form in enumerate(
        page.locator(".jp-OutputArea-output:has(> .jupyter-widgets)").all(), 1
    ):
        form.screenshot(path=f"{stem}-form-{number}.png")
    for cell in page.locator(".jp-CodeCell", has_text="checks.").all():
        if found := re.search(r'checks\.(lab|exercise)\("([^"]+)', cell.inner_text()):
            kind, name = found.groups()
            cell.screenshot(path=f"{stem}-{kind}-{name.replace(' ', '-')}.png")


def picture_notebook(
    browser: "Browser", lab: Lab, name: str, widths: tuple[int, ...], folder: Path
) -> list[str]:
    """Run a notebook and picture it at each width; return what is wrong."""
    with browser.new_context(viewport={"width": widths[0], "height": HEIGHT}) as context:
        page = context.new_page()
        open_notebook(page, lab, name)
        start_run_all(page)
        await_run(page)
        notebook = notebook_json(page)
        problems = [*unexpected_errors(notebook), *not_drawn(page, notebook)]
        page.evaluate(HIDE_SIDES)
        stem = folder / f"notebook-{name.removesuffix('.ipynb')}"
        picture_forms_and_labs(page, stem)
        for width in widths:
            page.set_viewport_size({"width": width, "height": HEIGHT})
            page.wait_for_timeout(500)
            wide = page.evaluate(TOO_WIDE)
            problems += [f"scrolls sideways at {width} px: {text}" for text in wide]
            picture_parts(page, stem, width)
    return [f"{name}: {problem}" for problem in problems]
