"""A command's file comes into being whole, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from tweeling.cli.output import whole_file, writable


def test_the_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "run.nc"
    with whole_file(path) as partial:
        partial.write_text("half")
        assert not path.exists()
        partial.write_text("whole")
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, ValueError])
def test_trouble_leaves_the_old_file_and_nothing_else(trouble: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "run.nc"
    path.write_text("old")

    def write() -> None:
        with whole_file(path) as partial:
            partial.write_text("half")
            raise trouble

    with pytest.raises(trouble):
        write()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_made_is_refused_before_the_work(tmp_path: Path) -> None:
    assert writable(tmp_path / "run.nc") == tmp_path / "run.nc"
    for path in (tmp_path, tmp_path / "absent" / "run.nc"):
        with pytest.raises(typer.BadParameter, match="cannot be made"):
            writable(path)
