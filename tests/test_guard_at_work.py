"""The leak guard where people meet it: in JupyterLab, before a commit, and in the notebooks."""

import ast
import json
import logging
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
import requests
import yaml

from graphhelpers import Registration
from graphhelpers.display import fingerprint
from graphhelpers.guard import mask_before_saving

from .browser.lab import running_lab
from .homes import own_homes
from .test_guard import code, notebook, run, saved, shows

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TOKEN = "eyJhbGciOiJub25lIn0" + ".eyJhdWQiOiJjYW5hcnkifQ."
HOOK = re.search(r"--ContentsManager\.pre_save_hook=\S+", (ROOT / "Makefile").read_text())[0]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab with the flag of `make lab`: what asks its contents API, its folder, its log."""
    folder = tmp_path_factory.mktemp("lab")
    env = own_homes(folder / "homes")
    root = folder / "notebooks"
    root.mkdir()
    with running_lab(root, env, flags=[HOOK]) as server:

        def ask(method, name, **content):
            url = f"{server.url}api/contents/{name}?token={server.token}"
            with requests.Session() as session:
                session.trust_env = False
                answer = session.request(method, url, json=content or None, timeout=10)
            answer.raise_for_status()
            return answer.json()

        log = Path(env["JUPYTER_RUNTIME_DIR"]) / "lab.log"
        yield SimpleNamespace(ask=ask, root=root, log=log)


@pytest.mark.case("F214")
def test_jupyterlab_saves_a_notebook_and_its_checkpoint_masked(lab):
    content = notebook(code(f"x = '{TOKEN}'\n1", shows(text_plain=f"'{TOKEN}'")))
    lab.ask("PUT", "a.ipynb", type="notebook", content=content)
    lab.ask("POST", "a.ipynb/checkpoints")
    first = lab.root / "a.ipynb"
    copies = [first, lab.root / ".ipynb_checkpoints" / "a-checkpoint.ipynb"]
    for path in copies:
        text = path.read_text("utf-8")
        assert TOKEN not in text and text.count(fingerprint(TOKEN)) == 2
        nbformat.validate(nbformat.reads(text, as_version=4))
    assert lab.ask("GET", "a.ipynb")["content"]["cells"][0]["source"].endswith("\n1")
    log = lab.log.read_text("utf-8")
    assert f"a.ipynb, cell 1, source: JWT {fingerprint(TOKEN)}, is masked in the saved file" in log
    assert TOKEN not in log


def test_jupyterlab_saves_a_clean_notebook_as_it_is_and_text_files_untouched(lab):
    content = json.loads(CHAPTERS[0].read_text("utf-8"))
    lab.ask("PUT", "b.ipynb", type="notebook", content=content)
    assert (lab.root / "b.ipynb").read_bytes() == CHAPTERS[0].read_bytes()
    lab.ask("PUT", "b.txt", type="file", format="text", content=TOKEN)
    assert (lab.root / "b.txt").read_text() == TOKEN  # only notebooks keep what nobody typed


@pytest.mark.case("F214")
def test_no_fault_of_the_guard_stops_a_save(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("GRAPHHELPERS_HOME", str(tmp_path))
    Registration("11112222-bbbb-3333-cccc-4444dddd5555", "canary~client-secret").save()
    (tmp_path / "registrations.json").write_text("[]")
    deep = []
    for _ in range(5_000):
        deep = [deep]
    content = notebook(code("1", shows(application_json=deep)), code(f"'{TOKEN}'"))
    manager = SimpleNamespace(log=logging.getLogger("a manager"))
    mask_before_saving(
        model={"type": "notebook", "content": content}, path="a.ipynb", contents_manager=manager
    )
    assert content["cells"][1]["source"] == f"'{fingerprint(TOKEN)}'"
    assert content["cells"][0]["outputs"][0]["data"]["application/json"] is deep
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert "Saved client secrets can't be looked for: RegistrationError" in said
    assert "a.ipynb, cell 1, output, can't be masked: RecursionError" in said
    assert TOKEN not in said and TOKEN not in caplog.text


@pytest.mark.case("F214")
def test_the_hook_before_a_commit_refuses_a_leaky_notebook(tmp_path):
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    (repo,) = config["repos"]
    (hook,) = repo["hooks"]
    assert (repo["repo"], hook["language"], hook["types"]) == ("local", "system", ["text"])
    python, *arguments = shlex.split(hook["entry"])
    assert python == ".venv/bin/python"
    for source, status in ((f"'{TOKEN}'", 1), ("1", 0)):
        path = saved(tmp_path / "a.ipynb", notebook(code(source)))
        command = [sys.executable, *arguments, str(path)]
        assert subprocess.run(command, cwd=ROOT, timeout=30).returncode == status


SECRET_NAMES = {"client_secret", "secret", "password", "access_token", "refresh_token"}


@pytest.mark.case("F215", where="source")
@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_no_cell_asks_for_a_secret_to_be_typed_into_it(path):
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        tree = ast.parse(cell.source)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                assert ast.unparse(node.func) not in ("input", "getpass", "getpass.getpass")
            named = {}
            if isinstance(node, ast.keyword):
                named = {node.arg: node.value}
            elif isinstance(node, ast.Assign):
                named = {ast.unparse(target): node.value for target in node.targets}
            elif isinstance(node, ast.Dict):
                named = {
                    getattr(k, "value", k): v for k, v in zip(node.keys, node.values, strict=True)
                }
            typed = [n for n, v in named.items() if n in SECRET_NAMES and literal(v)]
            assert not typed, f"{typed} in: {cell.source}"


def literal(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


@pytest.mark.case("F215")
def test_a_secret_that_was_typed_into_a_cell_is_found(tmp_path):
    typed = "app = Registration(client_id, client_secret='" + "canary~R4nd0m.Older.Secret" + "')"
    path = saved(tmp_path / "a.ipynb", notebook(code(), code(typed)))
    result = run("--mask", path)
    assert "cell 2, source: value of client_secret ‹secret " in result.stdout
    assert "canary" not in path.read_text("utf-8")
