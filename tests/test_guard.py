"""The leak guard finds every kind of secret in every place, names none of them, and masks."""

import base64
import html
import json
import os
import re
import stat
import string
import subprocess
import sys
import uuid
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import nbformat
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from graphhelpers import Cloud, Registration, secret_shapes
from graphhelpers.display import fingerprint
from graphhelpers.guard import Mask, check
from graphsandbox import store, token_forms
from graphsandbox.grants import SignIn
from graphsandbox.keys import Keys

from .test_house import tracked_files

ROOT = Path(__file__).parents[1]
NOTHING_SAVED: secret_shapes.Saved = {}
MANY, FEW = 200, 40  # few of what differs inside only


def run(*paths, cwd=ROOT) -> subprocess.CompletedProcess:
    """Run the guard as a person does."""
    return subprocess.run(
        [sys.executable, "-m", "graphhelpers.guard", *map(str, paths)],
        cwd=cwd, capture_output=True, text=True, encoding="utf-8", timeout=30,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip


def notebook(*cells, **metadata) -> dict:
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def code(source="", *outputs) -> dict:
    cell = {"cell_type": "code", "execution_count": 1, "id": uuid.uuid4().hex[:8]}
    return cell | {"metadata": {}, "outputs": list(outputs), "source": source}


def shows(**data) -> dict:
    mimes = {name.replace("_", "/"): value for name, value in data.items()}
    return {"data": mimes, "execution_count": 1, "metadata": {}, "output_type": "execute_result"}


def saved(path: Path, content: dict) -> Path:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def kinds(tmp_path_factory) -> dict[str, list[str]]:
    """Secrets of each kind, as the sandbox makes them."""
    with closing(store.Store(tmp_path_factory.mktemp("home"))) as home:
        keys, grants = Keys(home), home.grants
        sign_in = SignIn("family", "app", "web", "http://localhost/", True, "common", "oid", [])
        claims = {"aud": str(uuid.uuid4()), "name": "Ada", "upn": "ada@contoso.example"}
        parts = token_forms.signed(keys, claims).split(".")
        made = {
            "JWT": lambda: token_forms.signed(keys, claims | {"uti": str(uuid.uuid4())}),
            "JWT for Graph": lambda: token_forms.signed_for_graph(keys, claims),
            "JWT unsigned": lambda: f"{parts[0]}.{parts[1]}{uuid.uuid4().hex}.",
            "sealed": lambda: token_forms.sealed(keys, claims),
            "client secret": store._secret_value,
            "code": lambda: grants.issue_code(sign_in),
            "refresh token": lambda: grants.issue_refresh_token(sign_in),
        }
        count = {"JWT unsigned": FEW, "JWT for Graph": FEW, "sealed": FEW}
        return {kind: [make() for _ in range(count.get(kind, MANY))] for kind, make in made.items()}


WIDGETS = "application/vnd.jupyter.widget-state+json"
PLACES = {
    "source, in lines": lambda s: notebook(code(["import x\n", f"y = '{s}'\n", "z"])),
    "stream": lambda s: notebook(
        code("1", {"name": "stdout", "output_type": "stream", "text": [f"got {s}\n", "ok\n"]})
    ),
    "HTML": lambda s: notebook(
        code("1", shows(text_html=html.escape(f"<td title=\"a&b='{s}'\">x</td>")))
    ),
    "JSON": lambda s: notebook(code("1", shows(application_json={"a": [{"b": [1, s, None]}]}))),
    "JSON in text": lambda s: notebook(code("1", shows(text_plain=json.dumps(json.dumps([s]))))),
    "traceback": lambda s: notebook(
        code("1", {
            "ename": "E", "evalue": "x", "output_type": "error",
            "traceback": [f"\x1b[0;31mE\x1b[0m: \x1b[33m'\x1b[39m\x1b[33m{s}\x1b[39m\x1b[33m'"],
        })
    ),
    "address in prose": lambda s: notebook(
        {"cell_type": "markdown", "id": "a", "metadata": {},
         "source": f"[back](http://localhost:8000/x/?code={quote(s, safe='')}&state=1#)"}
    ),
    "attachment": lambda s: notebook(
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "x", "attachments": {
            "a.txt": {"text/plain": base64.encodebytes(f"Bearer {s}!".encode()).decode()}}}
    ),
    "Base64 in a path": lambda s: notebook(
        code(f"get('/x/{base64.urlsafe_b64encode(s.encode()).decode()}')")
    ),
    "widget state": lambda s: notebook(
        code(), widgets={WIDGETS: {"state": {"a": {"state": {"value": f"<b>{s}</b>"}}}}}
    ),
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_every_secret_of_the_sandbox_is_found_and_masked_in_every_place(place, kinds, tmp_path):
    for kind, secrets in kinds.items():
        made = [PLACES[place](secret) for secret in secrets]
        metadata = {"widgets": [one["metadata"] for one in made]}
        whole = notebook(*(one["cells"][0] for one in made), **metadata)
        path = saved(tmp_path / "a.ipynb", whole)
        found = check(path, NOTHING_SAVED, write=True)
        text = path.read_text("utf-8")
        missed = [secret for secret in secrets if secret in text]
        assert not missed, f"{len(missed)} of {len(secrets)}: {kind} in {place}"
        assert len(found) >= len(secrets)
        if "Base64" not in place and place != "attachment":
            told = "\n".join(found)
            assert all(fingerprint(s) in told or fingerprint(quote(s)) in told for s in secrets)
        assert check(path, NOTHING_SAVED) == []


SHAPED = {  # what Microsoft's own look like, put together here so that no line of this file does
    "1.": "AXkAv4j5cvGGr0GRqy180BHbR6X8" + "aB3_-" * 20 + ".AgABAwEAAADn" + "Xy9-" * 60,
    "0.": "ARoAv4j5cvGGr0GRqy180BHbR6X8" + "aB3_-" * 20,
    "M.C5": "07_BAY.0.U.-Cq" + "aB3!x*$" * 30,
    "M.R": "3_BAY.4d0e9a57-2b8f-1c0e-7d42-5f6ae2d13c1b",
    "OAQAB": "AAIAAAD" + "--DLA3VO7Q" * 20,
    "EwB": "4A8l6BAAU" + "aB3+/x9Z" * 40 + "AQ==",
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0": ".eyJhdWQiOiIxIiwiYSI6MX0.",
    "https://x.example/S('1')?authtoken": "=" + "abcdefghijklmnopqrst" * 2,
    "https://x.example/_layouts/upload?tempauth": "=v1." + "abcdefghij" * 9,
    "client_secret = '": "aB3=" * 10 + "'",
    '"clientSecret": "': "R4nd0mOlderSecret+/x9Z=" + '"',
    "code_verifier=": "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz",
    "/?code=": "opaque0Text0Of0Some0Kind%2Dend&state=1",
}


@pytest.mark.parametrize("begins", SHAPED)
def test_the_shapes_that_were_seen_at_microsoft_are_found(begins):
    text = f"see {begins}{SHAPED[begins]} there"
    mask = Mask(NOTHING_SAVED)
    masked = mask.text(text)
    assert len(mask.found) == 1, masked
    assert SHAPED[begins][9:20] not in masked and masked.startswith("see ")
    assert masked.endswith(" there")


INNOCENT = (
    "code = server.wait(timeout_s=300)", "code=made-up-by-a-stranger", "code=yesterdays&state=x",
    "client_secret=registered['client_secret']", "‹secret 3f9a2c›", "code: ‹secret 3f9a2c›",
    "00000003-0000-0000-c000-000000000000", "error code: InvalidAuthenticationToken",
    '"code": "ErrorMimeContentInvalidBase64String"', "eyJ", "eyJ0eXAi… (1,200 characters)",
    "state=hB-Oeqd6UM5oPCk398LG2fIBY_GHEYcCEFE6_cVuVSc", "0.1234567890" + "1234567890" * 9,
    '"e": "AQAB"', "1." + "-" * 200, "code_verifier=attempt.code_verifier",
)  # fmt: skip


@pytest.mark.parametrize("text", INNOCENT)
def test_an_example_is_no_secret(text):
    assert secret_shapes.find(text, NOTHING_SAVED) == []


@pytest.mark.case("F214")
def test_the_files_of_this_project_hold_no_secret():
    result = run(*tracked_files())
    assert (result.returncode, result.stderr) == (0, ""), result.stdout


@pytest.mark.case("F214")
def test_where_a_secret_stands_is_told_and_what_it_is_is_not(kinds, tmp_path):
    secret, token = kinds["client secret"][0], kinds["JWT"][0]
    saved(tmp_path / "a.ipynb", notebook(code(), code(f"'{secret}'", shows(text_plain=token))))
    (tmp_path / "kept.txt").write_text(f"one\ntwo {secret}\n", "utf-8")
    result = run(tmp_path)
    assert result.returncode == 1
    assert result.stdout.splitlines() == [
        f"{tmp_path}/a.ipynb: cell 2, output: JWT {fingerprint(token)}",
        f"{tmp_path}/a.ipynb: cell 2, source: client secret {fingerprint(secret)}",
        f"{tmp_path}/kept.txt: line 2: client secret {fingerprint(secret)}",
        "Found: 3.",
    ]


@pytest.mark.case("F204")
@pytest.mark.parametrize("form", [str, lambda s: quote(s, safe=""), html.escape])
def test_the_learners_own_secret_is_found_whatever_its_shape(form, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPHHELPERS_HOME", str(tmp_path / "home"))
    cloud = Cloud("mine", "https://sign-in.example", "https://graph.example")
    own = "canary~of&my=own/word"
    Registration("11112222-bbbb-3333-cccc-4444dddd5555", own, cloud=cloud).save()
    text = tmp_path / "a.md"
    text.write_text(f"secret='{form(own)}'. And canary~of.\n", "utf-8")
    result = run("--mask", text)
    assert result.returncode == 1 and "line 1: your saved client secret" in result.stdout
    assert text.read_text("utf-8") == f"secret='{fingerprint(own)}'. And canary~of.\n"


@pytest.mark.case("F204")
def test_a_password_field_in_the_widget_state_is_found_whatever_it_holds(tmp_path):
    state = {"_model_name": "PasswordModel", "description": "Secret", "value": "canary~hunter2"}
    state = {"state": {"a": {"model_name": "PasswordModel", "state": state}}}
    path = saved(tmp_path / "a.ipynb", notebook(code(), widgets={WIDGETS: state}))
    result = run("--mask", path)
    assert "a.ipynb: widget state: value typed into a password field" in result.stdout
    text = path.read_text("utf-8")
    assert "canary" not in text and fingerprint("canary~hunter2") in text
    assert run(path).returncode == 0


def test_masking_leaves_all_else_byte_for_byte(kinds, tmp_path):
    secret = kinds["client secret"][0]
    for chapter in sorted((ROOT / "notebooks").glob("*.ipynb")):
        text = chapter.read_text("utf-8")
        content = json.loads(text)
        last = next(cell for cell in reversed(content["cells"]) if cell["cell_type"] == "code")
        last["source"] += ["\n", f"# ½ {secret} \ud800 ¾"]
        path = tmp_path / chapter.name
        leaky = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        path.write_bytes(leaky.encode("utf-8", "backslashreplace"))
        before = path.read_bytes()
        path.chmod(0o640)
        assert len(check(path, NOTHING_SAVED, write=True)) == 1
        expected = before.replace(secret.encode(), fingerprint(secret).encode())
        assert path.read_bytes() == expected
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        nbformat.validate(nbformat.read(path, as_version=4))
        assert check(path, NOTHING_SAVED, write=True) == [] and path.read_bytes() == expected
    assert len(list(tmp_path.iterdir())) == 4, "no temporary file is left"


def test_a_link_stays_a_link_and_a_clean_file_is_not_touched(kinds, tmp_path):
    target, link = tmp_path / "a.txt", tmp_path / "b.txt"
    target.write_text(kinds["code"][0])
    link.symlink_to(target)
    assert run("--mask", link).returncode == 1
    assert link.is_symlink() and target.read_text("utf-8") == fingerprint(kinds["code"][0])
    inode = target.stat().st_ino
    assert run("--mask", tmp_path).returncode == 0
    assert target.stat().st_ino == inode


UNREADABLE = {
    "missing.ipynb": None,
    "no JSON.ipynb": b"{",
    "old.ipynb": b'{"nbformat": 3, "worksheets": [], "metadata": {}}',
    "list.ipynb": b"[1]",
    "no cells.ipynb": b'{"nbformat": 4, "metadata": {}}',
    "odd cells.ipynb": b'{"nbformat": 4, "cells": [1], "metadata": {}}',
    "deep.ipynb": b'{"nbformat": 4, "metadata": {}, "cells": [{"a": ' + b"[" * 100_000,
    "latin.ipynb": b'{"nbformat": 4, "cells": [], "metadata": {"a": "\xe4"}}',
    "latin.md": "ä".encode("latin-1"),
}


@pytest.mark.case("F214")
def test_what_cannot_be_read_is_said_and_the_rest_is_checked(kinds, tmp_path):
    for name, content in UNREADABLE.items():
        if content is not None:
            (tmp_path / name).write_bytes(content)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "z.md").write_text(kinds["code"][0])
    result = run(*(tmp_path / name for name in [*UNREADABLE, "pipe", "z.md"]))
    assert result.returncode == 2
    assert "z.md: line 1: code or refresh token" in result.stdout
    for name in [*UNREADABLE, "pipe"]:
        assert f"{tmp_path / name} can't be checked for secrets.\n  Why: " in result.stderr
    assert "Traceback" not in result.stderr and "None" not in result.stderr


def test_a_folder_is_walked_but_for_what_is_not_the_persons(kinds, tmp_path):
    secret = kinds["code"][0]
    for folder in (".ipynb_checkpoints", "deep/er", ".git", ".venv/lib"):
        (tmp_path / folder).mkdir(parents=True)
        saved(tmp_path / folder / "a.ipynb", notebook(code(secret)))
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\0" + secret.encode())
    (tmp_path / "gone").symlink_to("nowhere")
    result = run(tmp_path)
    assert result.returncode == 1 and result.stderr == ""
    found = re.findall(rf"{tmp_path}/(.*)/a.ipynb", result.stdout)
    assert found == [".ipynb_checkpoints", "deep/er"]


PIECES = [
    "eyJ", "code=", "code_verifier: ", "%", "%2", "%41", "&amp;", "&#x2e;", "&#0;", "\\", "\\u00",
    "\\u002e", "\\x2", "1.", "0.A", "8Q~", "M.C5_A.", "EwB", "AQAB", "aB3_-" * 9, "x" * 30, "\r\n",
    "=", "'", " ", "\x1b[31m", "\x1b[", "‹secret ",
    base64.b64encode(b"eyJhbGciOiJub25lIn0" + b".eyJhIjoiYiJ9Cg.").decode(),
    ".", "/", "\ud800", "ä", "𝒳", "PasswordModel", "typed into a password field: ",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=9), max_size=16).map("".join))
@example("code=" + "aB3_-" * 9 + "8Q~" + "aB3_-" * 9)
def test_masking_never_fails_and_twice_is_as_once(text):
    once, again = Mask(NOTHING_SAVED), Mask(NOTHING_SAVED)
    masked = once.text(text)
    assert again.text(masked) == masked and not again.found
    assert masked.count("\n") == text.count("\n")
    if not once.found:
        assert masked == text


@given(st.text(st.characters(exclude_characters=string.digits), max_size=300))
def test_text_without_a_secrets_shape_gives_no_alarm(text):
    assert secret_shapes.find(text, NOTHING_SAVED) == []


LEAF = st.none() | st.integers() | st.sampled_from([*PIECES, "code", "value", "aB3_-" * 9, "a\n"])
JSON = st.lists(
    LEAF | st.lists(LEAF, max_size=4) | st.dictionaries(LEAF.map(str), LEAF, max_size=4)
)


@given(JSON)
def test_any_json_keeps_its_form_when_masked(value):
    mask = Mask(NOTHING_SAVED)
    masked = mask.value(value, "somewhere")
    assert masked == value or mask.found
    assert Mask(NOTHING_SAVED).value(masked, "somewhere") == masked
