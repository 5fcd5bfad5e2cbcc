"""The forms as a learner meets them: drawn in JupyterLab, used by keyboard and by clicks."""

import json

import nbformat.v4 as v4
import pytest

from tests.browser.lab import (
    await_run,
    complaints,
    kernel_says,
    notebook_json,
    open_notebook,
    start_run_all,
)
from tests.browser.test_accessibility import WEIGHTY
from tests.homes import VISITOR
from tests.kit import bend, last_address, mails, type_code, until
from tools.notebook_pictures import HIDE_SIDES

KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
SET_UP = f"""\
import os
import graphsandbox
from graphhelpers import *
from graphhelpers import checks
from graphhelpers.forms import *

sandbox = graphsandbox.connect()
cloud = sandbox_cloud(sandbox.authority, sandbox.graph)
app = Registration.load(cloud)
VISITOR = {VISITOR!r}
"""
UPLOAD = "/api/v2.0/Users('{id}')/Messages('{id}')/AttachmentSessions('{id}')"


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


def tab_to(page, wanted) -> None:
    """Press Tab until this has the focus, as one does who has no mouse."""
    wanted.wait_for()
    for _ in range(40):
        if wanted.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError("Tab doesn't get there")


def test_a_person_signs_in_by_keyboard_alone(show, desk, page):
    show("form = sign_in_panel(app)")
    page.get_by_role("button", name="Start a sign-in").focus()
    press(page, "Enter")
    link = page.get_by_role("link", name="Sign in", exact=True)
    tab_to(page, link)
    with page.expect_popup() as opened:
        press(page, "Enter")
    tab = opened.value
    for button in (desk.sandbox.user, "Accept"):
        tab_to(tab, tab.get_by_role("button", name=button))
        press(tab, "Enter")
    tab.get_by_text("You can close this tab and go back to the notebook.").wait_for()
    await_words(page, "Signed in. Granted: openid profile User.Read Mail.Send")
    assert link.count() == 0
    assert kernel_says(page, "form.value.scope") == "'openid profile User.Read Mail.Send'"


def test_a_person_has_a_code_to_type_by_keyboard_alone(show, desk, page):
    show("form = sign_in_panel(app)")
    tab_to(page, page.get_by_role("button", name="Get a code"))
    press(page, "Enter")
    link = page.get_by_role("link", name=f"{desk.sandbox.authority}/devicelogin")
    tab_to(page, link)
    assert link.evaluate("one => getComputedStyle(one).textDecorationLine") == "underline"
    type_code(link.get_attribute("href"), page.locator("[role=status] code").inner_text())
    await_words(page, "Signed in. Granted: openid profile User.Read Mail.Send")
    assert link.count() == 0


def test_the_panel_takes_the_address_that_a_browser_elsewhere_ended_on(show, desk, page):
    show("form = sign_in_panel(app)")
    page.get_by_role("button", name="Start a sign-in").click()
    page.get_by_role("timer").wait_for()
    page.get_by_label("Address").fill("http://localhost/elsewhere?code=x")
    press(page, "Enter")
    await_words(page, "The sign-in still waits for its address.")
    link = page.get_by_role("link", name="Sign in", exact=True).get_attribute("href")
    page.get_by_label("Address").fill(last_address(link, desk.app))
    press(page, "Enter")
    await_words(page, "Signed in. Granted:")
    assert page.get_by_label("Address").input_value() == ""  # it held the code


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
    await_words(page, "Not usable: 'nobody' in `to` is not an address.")
    page.get_by_label("To", exact=True).fill("grace@example.com")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("cell", name="plain text, 27 characters").wait_for()
    page.get_by_role("button", name="Send", disabled=False).wait_for()
    press(page, "Tab", "Enter")  # from Preview to Send
    await_words(page, "Graph took the mail to grace@example.com.")

    mailbox = page.context.new_page()
    mailbox.goto(desk.sandbox.mailbox)
    mailbox.get_by_role("link", name="Written by hand").click()
    mailbox.get_by_text("Good morning from the form.").wait_for()


def test_ten_megabytes_go_from_the_form_with_their_progress(show, desk, page, tmp_path):
    (tmp_path / "ten.bin").write_bytes(bytes(10_000_000))
    scopes = "('openid', 'profile', 'User.Read', 'Mail.Send', 'Mail.ReadWrite')"
    show(
        "os.environ['BROWSER'] = VISITOR",
        f"form = mail_composer(app, sign_in(app, scopes={scopes}))",
    )
    for _ in range(3):  # slow enough to be seen
        bend(desk.sandbox, UPLOAD, delay_s=0.6)
    page.get_by_label("To", exact=True).fill("ada@contoso.example")
    page.get_by_label("Subject").fill("Ten megabytes")
    page.get_by_label("Attachments").fill(str(tmp_path / "ten.bin"))
    press(page, "Tab")
    await_words(page, "ten.bin: 10,000,000 bytes, application/octet-stream")
    await_words(page, "the files go to a draft first")
    page.get_by_role("button", name="Send").click()
    bar = page.get_by_role("progressbar", name="Sending")
    page.wait_for_function(
        "() => document.querySelector('progress[aria-label=Sending]')?.value > 3e6"
    )
    assert bar.get_attribute("max") == "10000000"
    await_words(page, "of 10.0 MB")
    await_words(page, "Graph took the mail to ada@contoso.example.")
    [file] = mails(desk.sandbox)[0]["attachments"]
    assert (file["name"], file["size"]) == ("ten.bin", 10_000_000)


FITS = """() => [...document.querySelectorAll('.jp-OutputArea-output:has(.jupyter-widgets)')]
  .every(one => one.scrollWidth <= one.clientWidth)"""
IN_THEME = "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})"


def test_the_forms_and_cards_keep_nobody_out_in_the_light_and_in_the_dark(show, page, axe):
    show(
        "os.environ['BROWSER'] = VISITOR",
        "token = sign_in(app)",
        "mail, panel = mail_composer(app, token), sign_in_panel(app)",
        "display(registration_form(cloud), mail, panel, wire_stepper(), wire_log)",
        "with checks.lab('tenant', tenant='x'):",
        "    Registration(app.client_id, tenant='https://login.microsoftonline.com/x')",
        "display(checks.exercise('public values', ['client_secret']))",
        "form = token_inspector(token)",
    )
    page.get_by_role("button", name="Start a sign-in").click()
    page.get_by_role("timer").wait_for()
    page.get_by_label("To", exact=True).fill("grace@example.com")
    page.get_by_label("Attachments").fill("missing.txt")
    page.get_by_label("Subject").focus()
    await_words(page, "Not usable: The attachment 'missing.txt'")
    page.get_by_label("Attachments").fill("")
    press(page, "Tab")  # a click could overtake what was typed
    page.get_by_text("Not usable: The attachment 'missing.txt'").wait_for(state="hidden")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("cell", name="plain text, 0 characters").wait_for()
    found = []
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        page.evaluate(IN_THEME, theme)
        dark = str(theme.endswith("Light")).lower()
        page.locator(f"body[data-jp-theme-light={dark}]").wait_for(state="attached")
        page.wait_for_timeout(300)  # until its colours are there
        said = axe.run(page, context=".jp-OutputArea-output").response
        assert len(said["passes"]) > 5
        found += [
            f"{one['id']} in {theme}: {[node['html'][:200] for node in one['nodes']]}"
            for one in said["violations"]
            if one["impact"] in WEIGHTY
        ]
    page.evaluate(HIDE_SIDES)
    page.set_viewport_size({"width": 400, "height": 900})
    assert found == [] and page.evaluate(FITS)
