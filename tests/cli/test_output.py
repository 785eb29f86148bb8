"""What commands share."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
import typer

from tweeling.cli.output import progress_bar, writable


def test_a_file_that_cannot_be_made_is_refused_before_the_work(tmp_path: Path) -> None:
    assert writable(tmp_path / "run.nc") == tmp_path / "run.nc"
    for path in (tmp_path, tmp_path / "absent" / "run.nc"):
        with pytest.raises(typer.BadParameter, match="cannot be made"):
            writable(path)


class Screen(io.StringIO):
    """A terminal that remembers."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [Screen(), io.StringIO()], ids=["terminal", "file"])
def test_progress_is_shown_on_a_terminal_only(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    with progress_bar("Counting") as progress:
        for done in range(4):
            progress(done + 1, 4)
    assert ("Counting" in stream.getvalue()) is stream.isatty()
