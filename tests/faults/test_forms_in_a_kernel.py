"""The forms in a real kernel, driven by the messages that a page sends."""

import json
import subprocess
import sys

import nbformat
import nbformat.v4 as v4
import pytest

from ..homes import own_homes
from ..kernel import ROOT, Kernel, running_kernel
from ..kit import free_port, mails, until

HANDS = """\
import json
from graphhelpers import *
from graphhelpers.forms import *

def parts(form):
    found, waiting = {}, [form]
    while waiting:
        one = waiting.pop()
        waiting += getattr(one, "children", ())
        found[getattr(one, "description", "")] = one
    return found
"""
SECRET = "canary~typed-and-never-submitted"


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    home = tmp_path_factory.mktemp("kernel")
    with running_kernel(own_homes(home), home) as kernel:
        assert not kernel.run(HANDS).error
        yield kernel


@pytest.fixture
def kernel(shared):
    shared.said.clear()
    yield shared
    shared.run("import os; from graphhelpers.deadline import session")
    shared.run("session(True, os.getpid()).close()")


def comm_of(kernel: Kernel, form: str, part: str) -> str:
    return kernel.value(f"parts({form})[{part!r}].comm.comm_id")


def type_in(kernel: Kernel, form: str, part: str, text: str) -> None:
    state = {"method": "update", "state": {"value": text}, "buffer_paths": []}
    kernel.from_page(comm_of(kernel, form, part), state)


def press(kernel: Kernel, form: str, part: str) -> None:
    content = {"method": "custom", "content": {"event": "click"}}
    kernel.from_page(comm_of(kernel, form, part), content)


def updates(kernel: Kernel, timeout_s: float = 1.0) -> str:
    """Return what the page hears when no cell runs; no text may be printed to any cell."""
    heard = list(kernel.messages(timeout_s))
    assert {one["msg_type"] for one in heard} <= {"comm_msg", "status"}
    return "".join(kernel.said)


def app_in(kernel: Kernel, sandbox) -> None:
    uri = f"http://localhost:{free_port()}/connect/get_token/"
    program = f"""\
cloud = sandbox_cloud({sandbox.authority!r}, {sandbox.graph!r})
app = Registration({sandbox.client_id!r}, {sandbox.client_secret!r}, {uri!r}, cloud=cloud)"""
    assert not kernel.run(program).error


@pytest.mark.case("F204")
def test_what_is_typed_into_a_secret_field_never_comes_back_to_any_page(kernel, sandbox):
    app_in(kernel, sandbox)
    kernel.run("form, panel = registration_form(cloud), sign_in_panel(app)")
    type_in(kernel, "form", "Client ID", "what others may see")
    type_in(kernel, "form", "Client secret", SECRET)
    type_in(kernel, "panel", "Address", f"{SECRET}?code={SECRET}")
    heard = updates(kernel)
    assert "Taken, and not shown" in heard and "Start a sign-in first" in heard
    assert "what others may see" in heard  # an ordinary field is echoed
    assert "canary" not in heard


TYPED = """\
for field in (parts(form)["Client secret"], parts(panel)["Address"]):
    field.set_state({"value": "canary~" + "typed"})  # what the page's message does
    field.send_state()  # what a page asks for when it is loaded again
parts(form)["Client ID"].set_state({"value": "to be " + "seen"})"""


@pytest.mark.case("F204", "F214")
def test_a_notebook_saved_with_its_widgets_holds_nothing_that_was_typed_into_secret_fields(
    tmp_path,
):
    app = "Registration('11112222-bbbb-3333-cccc-4444dddd5555')"
    forms = f"form = registration_form(); panel = sign_in_panel({app})"
    cells = [v4.new_code_cell(code) for code in (HANDS, forms, "form", "panel", TYPED)]
    path = tmp_path / "saved.ipynb"
    path.write_text(nbformat.writes(v4.new_notebook(cells=cells)), "utf-8")
    execute = "from nbclient.cli import main; main()"  # `jupyter execute`, which keeps widgets
    subprocess.run(
        [sys.executable, "-c", execute, "--inplace", "--kernel_name=python3", path.name],
        env=own_homes(tmp_path) | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
        check=True,
    )
    saved = nbformat.read(path, as_version=4)
    state = json.dumps([saved.metadata.widgets, [cell.outputs for cell in saved.cells]])
    assert "PasswordModel" in state and "to be seen" in state
    assert "canary" not in state


@pytest.mark.case("F202")
def test_news_after_the_cell_ended_reach_the_form_and_no_cell(kernel, sandbox):
    app_in(kernel, sandbox)
    kernel.run("form = registration_form(cloud)")
    type_in(kernel, "form", "Client ID", sandbox.client_id)
    type_in(kernel, "form", "Client secret", SECRET)
    press(kernel, "form", "Check and save")
    heard = updates(kernel)
    assert "Saved in" in heard and "canary" not in heard
    assert kernel.value("form.value.client_id") == sandbox.client_id


@pytest.mark.case("F201")
def test_a_cell_with_a_form_run_again_makes_one_mail_of_one_click(kernel, sandbox, token):
    app_in(kernel, sandbox)
    kernel.run("from types import SimpleNamespace")
    with_token = f"token = SimpleNamespace(access_token=Secret({str(token.access_token)!r}))"
    assert not kernel.run(with_token).error
    for _ in range(3):
        kernel.run("form = mail_composer(app, token)\nform")
    type_in(kernel, "form", "To", "ada@contoso.example")
    press(kernel, "form", "Send")
    until(lambda: mails(sandbox))
    assert "Graph took the mail" in updates(kernel) and len(mails(sandbox)) == 1
