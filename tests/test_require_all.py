"""A skip counts as a failure where everything is installed (tests/require_all.py)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

SKIPS = {
    "by a mark": "import pytest\n@pytest.mark.skip(reason='no browser')\ndef test_it(): pass\n",
    "in a test": "import pytest\ndef test_it(): pytest.skip('no browser')\n",
    "in a fixture": (
        "import pytest\n@pytest.fixture\ndef page(): pytest.skip('no browser')\n"
        "def test_it(page): pass\n"
    ),
    "of a module": "import pytest\npytest.skip('no browser', allow_module_level=True)\n",
}


def run_pytest(folder: Path, source: str, require_all: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_one.py").write_text(source)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.require_all", "--rootdir", folder, folder],
        cwd=ROOT,
        env={**os.environ, "REQUIRE_ALL": require_all, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("source", SKIPS.values(), ids=SKIPS.keys())
def test_a_skip_fails_the_run_and_says_why(tmp_path, source):
    run = run_pytest(tmp_path, source, require_all="1")
    assert run.returncode != 0
    assert "REQUIRE_ALL=1 lets no test be skipped" in run.stdout
    assert "no browser" in run.stdout


def test_without_the_variable_a_skip_stays_a_skip(tmp_path):
    run = run_pytest(tmp_path, SKIPS["in a test"], require_all="")
    assert run.returncode == 0
    assert "1 skipped" in run.stdout


def test_what_is_expected_to_fail_is_no_skip(tmp_path):
    source = "import pytest\n@pytest.mark.xfail\ndef test_it(): assert False\n"
    assert "1 xfailed" in run_pytest(tmp_path, source, require_all="1").stdout
