"""`tweeling simulate`, with a stand-in for the simulation itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import tweeling
from tweeling.cli.main import run
from tweeling.errors import InputError


class FakeSimulation:
    """Takes what the command asks for, writes a file, and does what a test wants."""

    def __init__(self, trouble: BaseException | None = None) -> None:
        self.trouble = trouble
        self.asked: dict[str, Any] = {}

    def __call__(self, network: Any, **asked: Any) -> None:
        self.asked = {"network": network, **asked}
        Path(asked["keep"]).write_text("heads")
        asked["progress"](1, 2)
        if self.trouble:
            raise self.trouble


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file whose content nobody reads."""
    path = tmp_path / "town.inp"
    path.write_text("")
    monkeypatch.setitem(vars(tweeling), "read_network", lambda path: "the network")
    return path


def install(monkeypatch: pytest.MonkeyPatch, simulation: FakeSimulation) -> FakeSimulation:
    monkeypatch.setitem(vars(tweeling), "simulate", simulation)
    return simulation


def test_it_simulates_what_was_asked_and_leaves_one_file(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulation = install(monkeypatch, FakeSimulation())
    out = town.parent / "run.nc"
    assert run(["simulate", str(town), "--hours", "24", "--members", "3", "--out", str(out)]) == 0
    assert (simulation.asked["network"], simulation.asked["hours"], simulation.asked["members"]) == ("the network", 24, 3)
    assert out.read_text() == "heads"
    assert sorted(path.name for path in town.parent.iterdir()) == ["run.nc", "town.inp"]


def test_the_same_seed_gives_the_same_randomness(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulation = install(monkeypatch, FakeSimulation())
    draws = []
    for seed in ("7", "7", "8"):
        run(["simulate", str(town), "--hours", "1", "--seed", seed, "--out", str(town.parent / "run.nc")])
        draws.append(simulation.asked["rng"].random())
    assert draws[0] == draws[1] != draws[2]


@pytest.mark.parametrize(("trouble", "code"), [(KeyboardInterrupt(), 1), (InputError("no such pattern"), 2)])
def test_stopped_or_refused_it_leaves_nothing_behind(
    trouble: BaseException, code: int, town: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, FakeSimulation(trouble))
    assert run(["simulate", str(town), "--hours", "24", "--out", str(town.parent / "run.nc")]) == code
    assert [path.name for path in town.parent.iterdir()] == ["town.inp"]


def test_json_is_one_object_on_stdout(town: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    install(monkeypatch, FakeSimulation())
    out = town.parent / "run.nc"
    assert run(["simulate", str(town), "--hours", "24", "--out", str(out), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["hours"], report["members"], report["out"]) == (24, 1, str(out))


@pytest.mark.parametrize(
    "arguments",
    [["--hours", "-1"], ["--members", "0"], ["--seed", "-1"], ["--out", "absent/run.nc"], ["--hours", "a day"]],
)
def test_nonsense_is_refused_before_anything_is_read(arguments: list[str], town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulation = install(monkeypatch, FakeSimulation())
    asked = ["simulate", str(town), "--hours", "1", "--out", str(town.parent / "run.nc"), *arguments]
    assert run(asked) == 2
    assert simulation.asked == {}


def test_a_network_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    assert run(["simulate", str(tmp_path / "absent.inp"), "--hours", "1", "--out", str(tmp_path / "run.nc")]) == 2
