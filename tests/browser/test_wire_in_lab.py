"""The wire log as a learner meets it in JupyterLab: stepped through by keyboard, and in a table."""

import nbformat.v4 as v4
import pytest

from tests.browser.lab import await_run, complaints, kernel_says, open_notebook, start_run_all

LOG = """\
from graphhelpers.exchanges import Exchange, WireLog
from graphhelpers.forms import wire_stepper
there, back = ("notebook", "Entra ID", "POST /common/oauth2/v2.0/token"), {"error": "invalid_grant"}
headers = {"Authorization": "Bearer " + "x" * 300}
log = WireLog([
    Exchange("browser", "notebook", "GET /connect/get_token/", {"state": "s" * 200}, "200"),
    Exchange(*there, {"grant_type": "authorization_code"}, "400", back, headers=headers),
    Exchange("notebook", "Microsoft Graph", "GET /v1.0/me", {}, "200", {"id": "7"}),
])
"""
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}


@pytest.fixture
def show(desk, page):
    """Show the value of an expression in a notebook of its own."""
    said = complaints(page)

    def run(expression: str) -> None:
        cells = [v4.new_code_cell(LOG + expression)]
        desk.lay_out("wire.ipynb", v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL}))
        open_notebook(page, desk.lab, "wire.ipynb")
        start_run_all(page)
        await_run(page)

    yield run
    assert said == []


def test_the_stepper_walks_by_keyboard_and_draws_each_step(show, page):
    show("form = wire_stepper(log)\nform")
    form = page.locator(".jupyter-widgets.widget-vbox")
    form.get_by_text("Step 1 of 3").wait_for()
    page.get_by_role("button", name="Next").focus()
    page.keyboard.press("Enter")
    form.get_by_text("Step 2 of 3").wait_for()
    form.get_by_text("HTTP/1.1 400 Bad Request").wait_for()
    drawn = form.locator(".jp-RenderedMermaid figure", has_text="this step failed")
    drawn.locator("img").wait_for()
    assert form.locator(".jp-RenderedMermaid.jp-mod-warning").count() == 0  # mermaid can read it
    page.get_by_label("Step", exact=True).focus()
    page.keyboard.press("ArrowUp")
    form.get_by_text("Step 3 of 3").wait_for()
    assert kernel_says(page, "form.value.receiver") == "'Microsoft Graph'"
    page.get_by_role("button", name="Back").focus()
    page.keyboard.press("Space")
    form.get_by_text("Step 2 of 3").wait_for()


def test_the_unfolded_table_fits_400_pixels(show, page):
    show("log")
    output = page.locator(".jp-OutputArea-output", has=page.locator("details")).first
    for summary in output.locator("summary").all():
        summary.click()
    page.get_by_text("--data-urlencode grant_type=authorization_code").wait_for()
    output.evaluate("one => { one.style.cssText = 'flex: 0 0 400px; width: 400px; min-width: 0' }")
    wide = "one => [...one.querySelectorAll('*'), one].filter(e => e.scrollWidth > 400).length"
    assert output.evaluate(wide) == 0
