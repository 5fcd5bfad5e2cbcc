"""A pytest plugin: with REQUIRE_ALL=1 in the environment, a skipped test is a failed one.

A person's machine may lack a browser, and its tests say so and are skipped. Where all is
installed, as in continuous integration, a skip would hide that something was not tested.
"""

import os
from collections.abc import Generator

import pytest


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    wanted = os.environ.get("REQUIRE_ALL") == "1"
    if wanted and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"REQUIRE_ALL=1 lets no test be skipped. {reason}"


# Outermost, so that both see the outcome that pytest itself has settled on.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip(report)
    return report
