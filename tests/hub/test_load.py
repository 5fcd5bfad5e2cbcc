"""A whole class at once on one sandbox: ten learners with every run, a hundred by `make soak`."""

import pytest

from tests.hub.load import MAILS, measure


@pytest.mark.parametrize("learners", [10, pytest.param(100, marks=pytest.mark.soak)])
def test_a_class_works_at_once(learners):
    seen = measure(learners, pause_s=0.5 if learners > 10 else 0.05)
    print(seen)
    assert seen["errors"] == []
    assert seen["mails"] == MAILS * learners
    assert seen["memory_mib"][1] <= 150
    if learners == 100:
        assert seen["p95_ms"]["all"] <= 500
