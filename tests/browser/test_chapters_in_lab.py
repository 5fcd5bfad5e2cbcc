"""The chapters as a learner meets them: Run All, real clicks, and every lab repaired by typing."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.desk import click_through_sign_in
from tests.browser.lab import await_run, complaints, notebook_json, open_notebook, start_run_all
from tests.solved import CHAPTERS, REPAIRS, SIGN_INS, chapter
from tools.notebook_pictures import not_drawn, unexpected_errors


@pytest.fixture(scope="module")
def window(browser):
    """One window for all chapters, whose cookies go between: JupyterLab loads faster again."""
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        yield context


@pytest.fixture(scope="module", params=CHAPTERS)
def visited(request, window, desk_of_this_file):
    """A chapter after Run All: its name, page and sign-in tabs, and the page's complaints."""
    desk_of_this_file.tidy()
    window.clear_cookies()
    page, name = window.new_page(), f"{request.param}.ipynb"
    desk_of_this_file.lay_out(name, chapter(request.param))
    said = complaints(page)
    open_notebook(page, desk_of_this_file.lab, name)
    start_run_all(page)
    tabs = [sign_in(page, number) for number in range(SIGN_INS[request.param])]
    await_run(page)
    yield request.param, page, tabs, said
    page.close()


def sign_in(page, number):
    """Click the link of the cell that waits; the second time the browser has its session."""
    if number == 0:
        return click_through_sign_in(page, "ada@contoso.example")
    links = page.get_by_role("link", name="Sign in", exact=True)
    links.nth(number).wait_for()
    with page.expect_popup() as opened:
        links.nth(number).click()
    tab = opened.value
    tab.get_by_role("button", name="Accept").or_(tab.get_by_text("You can close")).wait_for()
    if tab.get_by_role("button", name="Accept").count():  # for a permission that is new
        tab.get_by_role("button", name="Accept").click()
    return tab


def test_run_all_with_clicks_signs_in_and_every_picture_and_form_is_drawn(visited):
    _, page, tabs, said = visited
    for tab in tabs:
        tab.get_by_text("You can close this tab and go back to the notebook.").wait_for()
    notebook = notebook_json(page)
    assert [*unexpected_errors(notebook), *not_drawn(page, notebook), *said] == []
    for tab in tabs:
        assert parse_qs(urlsplit(tab.url).query)["code"][0] not in json.dumps(notebook)


def test_every_lab_is_broken_at_first_and_repaired_by_typing(visited):
    name, page, _, said = visited
    for lab, repair in REPAIRS[name].items():
        cell = page.locator(".jp-CodeCell", has_text=f'checks.lab("{lab}"')
        cell.get_by_text("✗ not yet: ").wait_for()
        cell.locator(".cm-line", has_text="# the switch").click()
        page.keyboard.press("Home")
        page.keyboard.press("Shift+End")
        page.keyboard.insert_text(repair)
        page.keyboard.press("Control+Enter")
        cell.get_by_text("✓ right: ").wait_for()
        cell.get_by_text("Why it works: ").wait_for()
    assert said == []


@pytest.mark.parametrize("visited", ["01_register"], indirect=True)
def test_an_exercise_gives_its_hints_one_at_a_time(visited):
    _, page, _, _ = visited
    cell = page.locator(".jp-CodeCell", has_text="checks.exercise(").first
    cell.get_by_text("○ not tried: ").wait_for()
    for opened, word in enumerate(("A hint", "A better hint", "The answer")):
        assert cell.locator("details[open]").count() == opened
        cell.get_by_text(word, exact=True).click()
    assert cell.get_by_text("public = [").is_visible()
