"""The rules of the house themselves: a skipped test fails in CI, whether one test or a whole module."""

from __future__ import annotations

from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"


@pytest.mark.parametrize(
    "module",
    [
        "import pytest\ndef test_something(): pytest.skip('no time')",
        "import pytest\n@pytest.mark.skip(reason='no time')\ndef test_something(): ...",
        "import pytest\npytest.skip('no time', allow_module_level=True)",
    ],
)
def test_a_skipped_test_fails_in_ci_and_nowhere_else(
    module: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    pytester.makepyfile(module)
    monkeypatch.setenv("CI", "true")
    refused = pytester.runpytest_subprocess()
    assert refused.ret != 0
    refused.stdout.fnmatch_lines(["*no time; in CI nothing may be skipped*"])
    monkeypatch.delenv("CI")
    allowed = pytester.runpytest_subprocess()
    assert allowed.parseoutcomes().get("skipped") == 1
    assert "failed" not in allowed.parseoutcomes()
