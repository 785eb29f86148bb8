"""`tweeling replay`, from the command line to the three files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from networks import package_network
from tweeling.cli.main import run
from tweeling.cli.replay import as_text
from tweeling.live.advance import make_twin
from tweeling.plant.output import write_readings
from twins import NET3, hidden_town, make_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a twin and what was read for four hours."""
    folder = tmp_path_factory.mktemp("twin")
    twin = make_twin(make_folder(folder, package_network("epyt", "Net3"), NET3, ensemble={"members": 3}))
    plant = hidden_town(twin.network, twin, 4)
    write_readings(folder / "readings.csv", twin.sensors.ids, plant.times, plant.readings)
    return folder


def replayed(folder: Path, out: Path, *more: str, readings: str = "readings.csv") -> int:
    return run(["replay", str(folder / "TWIN.toml"), "--from", str(folder / readings), "--out", str(out), *more])


def test_it_writes_three_files_and_says_so(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replayed(folder, tmp_path / "found") == 0
    assert {path.name for path in (tmp_path / "found").iterdir()} == {"estimates.parquet", "findings.json", "scorecard.json"}
    assert json.loads((tmp_path / "found" / "findings.json").read_text()) == []
    assert "4 cycles" in capsys.readouterr().out.replace("\n", " ")


def test_json_is_one_document(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert replayed(folder, tmp_path, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report.keys() == {"out", "cycles", "seconds", "findings", "open"}
    assert (report["cycles"], report["findings"], report["open"]) == (4, {}, 0)


def test_a_broken_file_of_readings_is_unusable_input(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "broken.csv").write_text("time,who,knows\n2018-01-01T00:00:00Z,1,2\n")
    assert replayed(folder, tmp_path / "found", readings="broken.csv") == 2
    told = capsys.readouterr().err
    assert "broken.csv" in told
    assert "Traceback" not in told
    assert not (tmp_path / "found").exists()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('network = { file = "none.inp" }\nsensors = { file = "sensors.csv" }', "none.inp"),
        ('network = { file = "network.inp" }\nsensors = { file = "none.csv" }', "none.csv"),
        ('network = { file = "network.inp", zones = "none.csv" }\nsensors = { file = "sensors.csv" }', "none.csv"),
        ('network = { file = "network.inp" }', "sensors"),
        ("network = ", "cannot be read"),
    ],
)
def test_a_twin_that_cannot_be_made_is_unusable_input(
    folder: Path, tmp_path: Path, text: str, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("network.inp", "sensors.csv", "readings.csv"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "TWIN.toml").write_text(text + "\n")
    assert replayed(tmp_path, tmp_path / "found") == 2
    assert word in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["TWIN.toml", "readings.csv"])
def test_a_file_that_is_not_there_is_wrong_usage(folder: Path, tmp_path: Path, missing: str) -> None:
    paths = {name: folder / name for name in ("TWIN.toml", "readings.csv")} | {missing: tmp_path / "none"}
    assert run(["replay", str(paths["TWIN.toml"]), "--from", str(paths["readings.csv"]), "--out", str(tmp_path)]) == 2


def test_the_report_counts_findings_by_kind() -> None:
    report = {"out": "found", "cycles": 3, "seconds": 0.5, "findings": {"leak": 2, "sensor": 1}, "open": 1}
    assert as_text(report) == "found: 3 cycles in 0.5 s; found: 2 of kind leak, 1 of kind sensor (1 still open)"
