"""`tweeling init` makes a folder that `serve` and `replay` accept, and spoils nothing that is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from networks import package_network
from tweeling.cli.main import run
from tweeling.live.config import TwinConfig, read_config
from tweeling.network.inp.read import read_network
from tweeling.observation.sensors import read_sensors

NET1 = package_network("epyt", "Net1")
SENSORS = "sensor,quantity,element,unit,std\nflow:10,flow,10,m3/h,1\npressure:11,pressure,11,kPa,2\n"


def test_the_folder_is_whole_and_every_value_in_the_file_is_the_usual_one(tmp_path: Path) -> None:
    sensors = tmp_path / "mine.csv"
    sensors.write_text(SENSORS)
    folder = tmp_path / "new" / "town"
    assert run(["init", str(folder), "--inp", str(NET1), "--sensors", str(sensors)]) == 0
    config = read_config(folder / "TWIN.toml")
    network = read_network(config.path(config.network.file))
    assert [row.id for row in read_sensors(config.path(config.sensors.file), network).rows] == ["flow:10", "pressure:11"]
    assert config.name == "town"
    plain = TwinConfig(network=config.network, sensors=config.sensors, name="town", folder=config.folder)
    assert config == plain


def test_the_line_about_a_broker_is_right_once_its_stroke_is_gone(tmp_path: Path) -> None:
    assert run(["init", str(tmp_path / "town"), "--inp", str(NET1)]) == 0
    file = tmp_path / "town" / "TWIN.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("# inputs =", "inputs ="), encoding="utf-8")
    assert [(one.kind, one.topic) for one in read_config(file).inputs] == [("http", ""), ("mqtt", "tweeling/town/readings")]


def test_without_sensors_there_is_a_template_that_can_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["init", str(tmp_path / "town"), "--inp", str(NET1)]) == 0
    assert "template" in capsys.readouterr().out
    config = read_config(tmp_path / "town" / "TWIN.toml")
    network = read_network(config.path(config.network.file))
    (row,) = read_sensors(config.path(config.sensors.file), network).rows
    assert row.quantity == "pressure"


def test_a_folder_that_holds_a_twin_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "TWIN.toml").write_text("mine")
    assert run(["init", str(tmp_path), "--inp", str(NET1)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["TWIN.toml"]


def test_sensors_that_do_not_fit_are_refused_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.csv").write_text(SENSORS.replace(",11,", ",nowhere,"))
    assert run(["init", str(tmp_path / "town"), "--inp", str(NET1), "--sensors", str(tmp_path / "mine.csv")]) == 2
    assert "nowhere" in capsys.readouterr().err
    assert not (tmp_path / "town").exists()


def test_the_network_may_lie_in_the_folder_itself(tmp_path: Path) -> None:
    (tmp_path / "network.inp").write_bytes(NET1.read_bytes())
    assert run(["init", str(tmp_path), "--inp", str(tmp_path / "network.inp")]) == 0
    assert (tmp_path / "network.inp").read_bytes() == NET1.read_bytes()


@pytest.mark.parametrize("name", ['a "quoted" name', "ünï", "{brace}", "x" * 150])
def test_any_name_of_a_folder_makes_a_file_that_can_be_read(tmp_path: Path, name: str) -> None:
    assert run(["init", str(tmp_path / name), "--inp", str(NET1)]) == 0
    assert read_config(tmp_path / name / "TWIN.toml").name
