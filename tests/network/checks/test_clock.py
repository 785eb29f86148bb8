"""Times as an INP file writes them."""

from __future__ import annotations

import pytest

from tweeling.network.checks.clock import seconds


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1.5", 5400),
        ("1:30", 5400),
        ("1:30:15", 5415),
        (":30", 1800),
        ("90 MIN", 5400),
        ("90 Seconds", 90),
        ("2 DAYS", 172800),
        ("12 AM", 0),
        ("12 PM", 43200),
        ("12:30 AM", 1800),
        ("6 pm", 64800),
        ("11:59 PM", 86340),
    ],
)
def test_a_time_is_read_as_seconds(text: str, meant: float) -> None:
    assert seconds(*text.split()) == meant


@pytest.mark.parametrize("text", ["noon", "1:x", "13 PM", "13:00 AM", "3 FORTNIGHTS", "nan", "1:2:x"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert seconds(*text.split()) is None
