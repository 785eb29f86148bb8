"""`tweeling simulate`, from the command line to the file."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import xarray

import tweeling as tw
from tweeling.cli import simulate as command
from tweeling.cli.main import run

TOWN = """\
[JUNCTIONS]
 square  10  5
 mill    12  2
[RESERVOIRS]
 lake    60
[PIPES]
 main    lake    square  1000  200  100
 lane    square  mill    500   100  100
[OPTIONS]
 Units   LPS
[END]
"""


@pytest.fixture
def town(tmp_path: Path) -> Path:
    path = tmp_path / "town.inp"
    path.write_text(TOWN)
    return path


@pytest.fixture
def out(town: Path) -> Path:
    return town.parent / "run.nc"


def test_the_file_holds_what_the_simulation_gives(town: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", str(town), "--hours", "2", "--members", "3", "--out", str(out)]) == 0
    assert "3 members, 2 h, 3 report times" in capsys.readouterr().out
    expected = tw.simulate(tw.read_network(town), hours=2, members=3, beliefs=tw.Beliefs(), rng=1)
    with xarray.open_dataset(out) as written:
        assert written.pressure.dims == ("member", "time", "node")
        np.testing.assert_array_equal(written.pressure, expected.pressure.astype(np.float32))
        np.testing.assert_array_equal(written.flow, expected.flow.astype(np.float32))
    assert sorted(path.name for path in town.parent.iterdir()) == ["run.nc", "town.inp"]


def test_one_member_is_the_file_itself(town: Path, out: Path) -> None:
    assert run(["simulate", str(town), "--hours", "0", "--out", str(out)]) == 0
    with xarray.open_dataset(out) as written:
        np.testing.assert_allclose(written.demand[0, 0], [5e-3, 2e-3], rtol=1e-6)


def test_named_doubts_are_the_only_ones_that_change(town: Path, out: Path) -> None:
    no_doubt = ["--zone-factor-sd", "0", "--node-demand-sd", "0", "--roughness-sd", "0"]
    assert run(["simulate", str(town), "--hours", "0", "--members", "3", *no_doubt, "--out", str(out)]) == 0
    with xarray.open_dataset(out) as written:
        assert np.ptp(written["head"].values, axis=0).max() == 0
    assert run(["simulate", str(town), "--hours", "0", "--members", "3", *no_doubt[:4], "--out", str(out)]) == 0
    with xarray.open_dataset(out) as written:
        assert np.ptp(written["demand"].values, axis=0).max() == 0
        assert np.ptp(written["head"].values, axis=0).max() > 0


def test_help_says_the_usual_doubts(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert run(["simulate", "--help"]) == 0
    page = capsys.readouterr().out
    for belief in dataclasses.fields(tw.Beliefs):
        line = next(line for line in page.splitlines() if "--" + belief.name.replace("_", "-") in line)
        assert f"usually {belief.default}" in line


def test_json_is_one_object_on_stdout(town: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", str(town), "--hours", "1", "--out", str(out), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["hours"], report["members"], report["times"], report["out"]) == (1, 1, 2, str(out))
    assert report["troubled"] == []


def test_a_member_in_trouble_is_named_and_is_no_failure(town: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    town.write_text(TOWN.replace("[OPTIONS]", "[STATUS]\n lane Closed\n[OPTIONS]"))
    assert run(["simulate", str(town), "--hours", "1", "--out", str(out)]) == 0
    assert "1 of them unsupplied; member 0 first at 0:00 h, at mill" in capsys.readouterr().out


def interrupted(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar during which the user presses Ctrl-C."""

    def progress(done: int, total: int) -> None:
        raise KeyboardInterrupt

    yield progress


def test_ctrl_c_leaves_the_old_file_and_nothing_else(town: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out.write_text("old")
    monkeypatch.setattr(command, "progress_bar", contextmanager(interrupted))
    assert run(["simulate", str(town), "--hours", "24", "--out", str(out)]) == 1
    assert out.read_text() == "old"
    assert sorted(path.name for path in town.parent.iterdir()) == ["run.nc", "town.inp"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--hours", "-1"],
        ["--hours", "nan"],
        ["--hours", "inf"],
        ["--hours", "a day"],
        ["--members", "0"],
        ["--seed", "-1"],
        ["--roughness-sd", "nan"],
        ["--out", "absent/run.nc"],
    ],
)
def test_nonsense_is_exit_code_2_and_makes_no_file(arguments: list[str], town: Path, out: Path) -> None:
    assert run(["simulate", str(town), "--hours", "1", "--out", str(out), *arguments]) == 2
    assert not out.exists()


def test_a_network_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    assert run(["simulate", str(tmp_path / "absent.inp"), "--hours", "1", "--out", str(tmp_path / "run.nc")]) == 2
