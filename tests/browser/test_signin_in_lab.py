"""Chapter 2 as a learner meets it: Run All, a click on the link, and the code arrives."""

import json
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import nbformat

from tests.browser.desk import click_through_sign_in
from tests.browser.lab import (
    await_run,
    complaints,
    notebook_json,
    open_notebook,
    start_run_all,
)
from tools.notebook_pictures import code_outputs, not_drawn, unexpected_errors

CHAPTER = Path(__file__).parents[2] / "notebooks" / "02_signin.ipynb"


def errors(notebook: dict) -> list[str]:
    outputs = (output for *_, output in code_outputs(notebook))
    return [output["ename"] for output in outputs if output["output_type"] == "error"]


def results(notebook: dict, source: str) -> list[str]:
    """Return the results of the cells whose source holds this text."""
    return [
        output["data"]["text/plain"]
        for _, cell, output in code_outputs(notebook)
        if source in cell["source"] and output["output_type"] == "execute_result"
    ]


def test_a_click_on_the_link_signs_in_and_the_code_arrives(desk, page):
    desk.lay_out(CHAPTER.name, nbformat.read(CHAPTER, as_version=4))
    said = complaints(page)
    open_notebook(page, desk.lab, CHAPTER.name)
    start_run_all(page)
    tab = click_through_sign_in(page, desk.sandbox.user)
    tab.get_by_text("You can close this tab and go back to the notebook.").wait_for()
    await_run(page)

    notebook = notebook_json(page)
    assert results(notebook, "server.wait(timeout_s=300)") == ["True"]
    assert [*unexpected_errors(notebook), *not_drawn(page, notebook), *said] == []
    assert errors(notebook) == ["SignInTimeout", "SignInRefused"]  # the ones provoked at its end
    assert tab.url.startswith(desk.app.redirect_uri)
    assert parse_qs(urlsplit(tab.url).query)["code"][0] not in json.dumps(notebook)
