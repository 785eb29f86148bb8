"""The rules of the house themselves: a skipped test fails in CI, whether one test or a whole module."""

from __future__ import annotations

from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"


SKIPS = {
    "inside": "import pytest\ndef test_something(): pytest.skip('no time')",
    "marked": "import pytest\n@pytest.mark.skip(reason='no time')\ndef test_something(): ...",
    "module": "import pytest\npytest.skip('no time', allow_module_level=True)",
}


def test_a_skipped_test_fails_in_ci_and_nowhere_else(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    pytester.makepyfile(**{f"test_{how}": module for how, module in SKIPS.items()})
    arguments = ("-p", "no:xdist", "--continue-on-collection-errors")
    monkeypatch.setenv("CI", "true")
    refused = pytester.runpytest_subprocess(*arguments)
    assert refused.parseoutcomes() == {"failed": 1, "errors": 2}  # a mark or a module is skipped before its test is called
    assert refused.stdout.str().count("no time; in CI nothing may be skipped") >= len(SKIPS)
    monkeypatch.delenv("CI")
    allowed = pytester.runpytest_subprocess(*arguments)
    assert allowed.parseoutcomes() == {"skipped": len(SKIPS)}
