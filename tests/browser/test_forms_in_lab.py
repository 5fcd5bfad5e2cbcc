"""The forms as a learner meets them: drawn in JupyterLab, used by keyboard and by clicks."""

import json

import nbformat.v4 as v4
import pytest

from tests.browser.desk import click_through_sign_in
from tests.browser.lab import (
    await_run,
    complaints,
    kernel_says,
    notebook_json,
    open_notebook,
    start_run_all,
)
from tests.homes import VISITOR
from tests.kit import last_address, until

KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
SET_UP = f"""\
import os
import graphsandbox
from graphhelpers import *
from graphhelpers.forms import mail_composer, registration_form, sign_in_panel, token_inspector

sandbox = graphsandbox.connect()
cloud = sandbox_cloud(sandbox.authority, sandbox.graph)
app = Registration.load(cloud)
VISITOR = {VISITOR!r}
"""


@pytest.fixture(scope="module")
def window(browser):
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        yield context


@pytest.fixture
def page(window):
    """A tab of one window, without cookies; JupyterLab's own code loads faster in the next one."""
    window.clear_cookies()
    page = window.new_page()
    yield page
    page.close()


@pytest.fixture
def show(desk, page):
    """Show a form in a notebook of its own; whatever the page complains of fails the test."""
    said = complaints(page)

    def run(*lines: str) -> None:
        cells = [v4.new_code_cell("\n".join([SET_UP, *lines, "form"]))]
        desk.lay_out("form.ipynb", v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL}))
        open_notebook(page, desk.lab, "form.ipynb")
        start_run_all(page)
        await_run(page)

    yield run
    assert said == []


def await_words(page, words: str) -> None:
    """Wait until the form says this."""
    page.locator(".jupyter-widgets [role=status]", has_text=words).wait_for()


def press(page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_a_registration_is_refused_then_saved_by_keyboard_alone(show, desk, page):
    show("form = registration_form(cloud)")
    page.get_by_label("Client ID").focus()
    page.keyboard.type(desk.app.client_id)
    press(page, "Tab")
    page.keyboard.type(desk.app.client_id)  # a GUID: what the portal calls the Secret ID
    press(page, "Tab", "Tab", "Tab", "Enter")
    await_words(page, "client_secret looks like the Secret ID, not like the secret's Value.")
    await_words(page, "Try: Copy the Value.")
    assert kernel_says(page, "form.value") == "None"

    page.get_by_label("Client secret").focus()
    page.keyboard.type(desk.app.client_secret)
    press(page, "Tab", "Tab", "Tab", "Enter")
    await_words(page, "Saved in")
    assert page.get_by_label("Client secret").input_value() == ""
    assert desk.app.client_secret not in json.dumps(notebook_json(page))
    assert kernel_says(page, "form.value == Registration.load(cloud)") == "True"
    saved = json.loads((desk.home / "registrations.json").read_text("utf-8"))
    assert saved["sandbox"]["client_secret"] == desk.app.client_secret


def test_the_panel_signs_in_by_its_link(show, desk, page):
    show("form = sign_in_panel(app)")
    page.get_by_role("button", name="Start a sign-in").click()
    tab = click_through_sign_in(page, desk.sandbox.user)
    tab.get_by_text("You can close this tab and go back to the notebook.").wait_for()
    await_words(page, "Signed in. Granted: openid profile User.Read Mail.Send")
    assert page.get_by_role("link", name="Sign in", exact=True).count() == 0
    assert kernel_says(page, "form.value.scope") == "'openid profile User.Read Mail.Send'"


def test_the_panel_takes_the_address_that_a_browser_elsewhere_ended_on(show, desk, page):
    show("form = sign_in_panel(app)")
    page.get_by_role("button", name="Start a sign-in").click()
    link = page.get_by_role("link", name="Sign in", exact=True).get_attribute("href")
    page.get_by_label("Other machine?").fill(last_address(link, desk.app))
    press(page, "Enter")
    await_words(page, "Signed in. Granted:")
    assert page.get_by_label("Other machine?").input_value() == ""  # it held the code


def test_a_claim_that_the_learner_changes_is_refused(show, page):
    show(
        "os.environ['BROWSER'] = VISITOR",
        "attempt = start_sign_in(app)",
        "import webbrowser",
        "with CallbackServer(app, attempt) as server:",
        "    webbrowser.open(attempt.url)",
        "    token = exchange_code(app, attempt, server.wait(20))",
        "form = token_inspector(token, app, attempt)",
    )
    page.get_by_role("cell", name="permissions that the person granted").wait_for()
    page.get_by_label("Token", exact=True).select_option("id_token")
    page.get_by_label("Change", exact=True).select_option("name")
    name = page.get_by_label("to", exact=True)
    until(lambda: name.input_value() == "Ada Lovelace")  # the kernel puts it there
    name.fill("Somebody Else")
    page.get_by_role("button", name="Change and verify").click()
    await_words(page, "Signature verification failed")
    assert page.get_by_role("img", name="minutes left").is_visible()


def test_a_mail_written_in_the_form_is_in_the_mailbox(show, desk, page):
    # The robot signs in; here it's about the mail.
    show("os.environ['BROWSER'] = VISITOR", "form = mail_composer(app, sign_in(app))")
    page.get_by_label("To", exact=True).fill("nobody")
    page.get_by_label("Subject").fill("Written by hand")
    page.get_by_label("Text", exact=True).fill("Good morning from the form.")
    page.get_by_role("button", name="Send").click()
    await_words(page, "MessageError")
    page.get_by_label("To", exact=True).fill("grace@example.com")
    page.get_by_role("button", name="Send").click()
    await_words(page, "Graph took the mail to grace@example.com.")

    mailbox = page.context.new_page()
    mailbox.goto(desk.sandbox.mailbox)
    mailbox.get_by_role("link", name="Written by hand").click()
    mailbox.get_by_text("Good morning from the form.").wait_for()
