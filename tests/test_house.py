"""The files around the code agree with one another, and carry nothing of one machine."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PACKAGES = ("graphhelpers", "graphsandbox")
MODULES = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
TARGETS = {"lab", "test", "notebooks", "bench", "screenshots", "soak", "clean", "help"}

CONDA_NAMES = {"playwright": "playwright-python"}  # where conda-forge has another name
ONLY_CONDA = {"python", "pip", "cryptography"}  # the last is PyJWT's extra "crypto"

# Written so that they do not find themselves.
MACHINE_TRACES = re.compile(
    r"(pyp[i]|pythonhoste[d]|npmj[s]|deb\.debia[n])\.(org|com)|/(w[o]rk|f[a]rm|r[o]ot)/"
)


def requirements() -> list[Requirement]:
    """Return what both packages and every extra ask for, but for the project's own extras."""
    extras = PROJECT["optional-dependencies"].values()
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in extra)]
    return [one for one in map(Requirement, lines) if one.name != PROJECT["name"]]


def environment_lines() -> list[str]:
    """Return the dependency lines of environment.yml as they are written, without dash."""
    text = (ROOT / "environment.yml").read_text()
    return re.findall(r"^ +- (?!conda-forge$|pip:$)(.+)$", text, re.MULTILINE)


def tracked_files() -> list[Path]:
    """Return the files that git keeps or would keep."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    if listing.returncode != 0:
        pytest.skip("this is no git checkout, so nobody says which files are the project's")
    return [ROOT / name for name in listing.stdout.split("\0") if (ROOT / name).is_file()]


def test_conda_is_asked_for_the_same_packages_as_pip():
    asked = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    conda = {line for line in asked if isinstance(line, str)}
    names = {re.split("[<>=]", line)[0] for line in conda}
    pip = {
        CONDA_NAMES.get(name := canonicalize_name(one.name), name) + str(one.specifier)
        for one in requirements()
    }
    assert {line for line in conda if re.split("[<>=]", line)[0] not in ONLY_CONDA} == pip
    assert names >= ONLY_CONDA
    assert f"python{PROJECT['requires-python']}" in conda


def test_conda_installs_the_project_itself():
    asked = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    assert asked[-1] == {"pip": ["-e ."]}


def test_each_dependency_has_its_reason_beside_it():
    lines = environment_lines()
    assert len(lines) > len(requirements())
    for line in lines:
        _, _, reason = line.partition("  # ")
        assert len(reason) > 10, line


def test_each_dependency_has_a_version_that_was_seen_working():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    seen = dict(line.split("==") for line in lines if not line.startswith("#"))
    seen = {canonicalize_name(name): version for name, version in seen.items()}
    for one in requirements():
        assert seen[canonicalize_name(one.name)] in one.specifier, one


def test_each_version_runs_on_the_first_python_that_will_do():
    """Debian 12 has Python 3.11.2, and one library that wants 3.11.5 is the end of `make lab`."""
    first = PROJECT["requires-python"].removeprefix(">=") + ".0"
    wanted = {one.name: SpecifierSet(one.metadata["Requires-Python"] or "")
              for one in distributions()}  # fmt: skip
    assert {name for name, pythons in wanted.items() if first not in pythons} == set()


def test_constraints_hold_names_and_versions_only():
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert re.fullmatch(r"#.*|[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line), line


def test_no_file_names_a_registry_or_a_path_of_the_machine_it_was_made_on():
    found = []
    for path in tracked_files():
        text = path.read_bytes().decode(errors="replace")
        found += [f"{path.name}: {hit[0]}" for hit in MACHINE_TRACES.finditer(text)]
    assert found == []


@pytest.mark.parametrize("room", ["judges", "hub"])
def test_the_packages_from_npm_are_locked_without_an_address(room):
    folder = ROOT / "tests" / room / "npm"
    asked = json.loads((folder / "package.json").read_text())["dependencies"]
    locked = json.loads((folder / "package-lock.json").read_text())["packages"]
    root = locked.pop("")
    assert root["dependencies"] == asked
    for name, version in asked.items():
        assert locked[f"node_modules/{name}"]["version"] == version
    for name, package in locked.items():
        assert "resolved" not in package and package["integrity"].startswith("sha512-"), name


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_bears_the_name_of_a_standard_one(module):
    assert module.stem not in sys.stdlib_module_names


def imported_by(module: Path) -> set[str]:
    """Return the top-level packages that a module imports anywhere, also inside functions."""
    names = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("package", PACKAGES)
def test_the_two_packages_never_import_each_other(package):
    (other,) = set(PACKAGES) - {package}
    modules = [path for path in MODULES if path.is_relative_to(ROOT / package)]
    assert modules
    for module in modules:
        assert other not in imported_by(module), module


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_links_within_the_project_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    for link in links:
        if not re.match(r"[a-z]+:|#", link):
            assert (ROOT / link.partition("#")[0]).exists(), link


@pytest.mark.parametrize("package", PACKAGES)
def test_users_get_the_types(package):
    assert (ROOT / package / "py.typed").is_file()  # PEP 561: else mypy takes all for Any


def test_the_licence_is_there_and_is_the_one_that_pyproject_names():
    assert (ROOT / "LICENSE").read_text().startswith(f"{PROJECT['license']} License")


def test_make_lists_every_target_with_a_word():
    makefile = (ROOT / "Makefile").read_text()
    assert set(re.findall(r"^([a-z]+):.*## \w", makefile, re.MULTILINE)) == TARGETS
