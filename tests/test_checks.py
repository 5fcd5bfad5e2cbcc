"""The start check: what is missing or in the way is named, in a shell and in a kernel."""

import os
import subprocess
import sys
import sysconfig
from importlib.metadata import metadata
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from .homes import own_homes
from .kernel import ROOT, running_kernel

PACKAGES = [ROOT / "graphhelpers", ROOT / "graphsandbox"]


def start(folder: Path, *program: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Import the kit in a Python that was started in this folder."""
    known = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", **env}
    command = [sys.executable, *(program or ("-c", "import graphhelpers"))]
    return subprocess.run(
        command, env=known, cwd=folder, capture_output=True, text=True, timeout=30
    )


@pytest.mark.case("F262")
@pytest.mark.parametrize("name", ["token", "email", "secrets", "json", "requests", "urllib3"])
def test_a_file_beside_the_program_with_a_modules_name_is_named(tmp_path, name):
    (tmp_path / f"{name}.py").write_text("mine = True")
    said = start(tmp_path)
    error = said.stderr.splitlines()[-3:]
    assert error[0].startswith(f"ImportError: {tmp_path / name}.py has the name of the module")
    assert "another name" in error[2] and said.returncode == 1


@pytest.mark.case("F262")
def test_in_a_kernel_a_file_that_does_no_harm_is_let_be_and_another_one_named(tmp_path):
    for name in ("email", "json", "token", "secrets"):  # a kernel has Python's first three
        (tmp_path / f"{name}.py").write_text("mine = True")
    set_up = "from graphhelpers import wire_log\nimport secrets\nsecrets.token_urlsafe"
    with running_kernel(own_homes(tmp_path / "homes"), tmp_path) as kernel:
        refused = kernel.run(set_up)
        assert refused.error == "ImportError" and f"{tmp_path}/secrets.py has" in refused.text
        (tmp_path / "secrets.py").rename(tmp_path / "my_secrets.py")
        assert kernel.run(set_up).error == ""


@pytest.mark.case("F261")
@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_no_module_of_ours_has_a_standard_modules_name(package):
    files = [path for path in package.rglob("*.py") if path.stem != "__init__"]
    assert not {path.stem for path in files} & sys.stdlib_module_names
    for folder in {path.parent for path in files}:
        assert start(folder).stderr == ""


@pytest.mark.case("F255")
def test_a_missing_package_is_named_with_the_command_that_installs_it(tmp_path):
    said = start(tmp_path, "-S", "-c", "import graphhelpers")  # -S: without what is installed
    error = said.stderr.splitlines()[-3:]
    assert (
        error[0]
        == "ModuleNotFoundError: The package requests is missing here, and the kit needs it."
    )
    assert f'{sys.executable} -m pip install "requests"' in error[2]


@pytest.mark.case("F255")
def test_without_ipywidgets_the_kit_works_and_the_forms_name_it(tmp_path):
    for installed in Path(sysconfig.get_path("purelib")).iterdir():
        if not installed.name.startswith(("ipywidgets", "__pycache__")):
            (tmp_path / installed.name).symlink_to(installed)
    program = ("-S", "-c", "import graphhelpers, graphhelpers.forms")
    said = start(ROOT / "notebooks", *program, PYTHONPATH=f"{ROOT}{os.pathsep}{tmp_path}")
    assert "The package ipywidgets is missing here" in said.stderr
    assert "-m pip install" in said.stderr and "graphhelpers/forms" in said.stderr.replace(
        "\\", "/"
    )


def test_a_python_that_is_too_old_is_refused_by_pip():
    """No older Python is at hand; what pip goes by is what the package says it requires."""
    required = SpecifierSet(metadata("graph-tutorial-kit")["Requires-Python"])
    assert "3.10.14" not in required and "3.11.0" in required and "3.14.0" in required
