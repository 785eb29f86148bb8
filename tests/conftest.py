"""What holds for every test: in CI nothing is skipped, and no test depends on how fast the machine is."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import TypeVar

import pytest
from hypothesis import settings

pytest_plugins = ["pytester"]

IN_CI = os.environ.get("CI") == "true"
Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)

settings.register_profile("tweeling", deadline=None, derandomize=IN_CI)
settings.load_profile("tweeling")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A skipped test is a failure in CI; an expected failure stays what it is."""
    report = yield
    return report if hasattr(report, "wasxfail") else refuse_skip(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A skipped module is a failure in CI."""
    return refuse_skip((yield))


def refuse_skip(report: Report) -> Report:
    """Turns a skipped report into a failed one, if this is CI."""
    if IN_CI and report.skipped:
        _file, _line, reason = report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{reason}; in CI nothing may be skipped"
    return report
