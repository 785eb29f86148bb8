"""The reference page lists every check, as the code has it."""

from __future__ import annotations

from pathlib import Path

from tweeling.network.checks.reference import listing

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "check.md"


def test_the_page_lists_the_checks_of_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text[text.index("## Errors") :] == listing()
