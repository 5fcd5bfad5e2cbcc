"""What the tests of faults share."""

import pytest


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder for registrations, which is not there yet."""
    monkeypatch.setenv("GRAPHHELPERS_HOME", str(tmp_path / "kept"))
    return tmp_path / "kept"
