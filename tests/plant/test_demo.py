"""The folder of a demo: what is made is cleared, what is not is left alone, and no two demos run in it."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest

from plant.towns import TOWN
from tweeling.errors import InputError, MissingExtraError
from tweeling.live.config import read_config
from tweeling.observation.sensors import Sensor
from tweeling.plant import demo, l_town
from tweeling.plant.demo import Town

ROWS = (Sensor("p", "pressure", "mill", "m", 0.02), Sensor("q", "flow", "main", "m3/h", 0.1))


@pytest.fixture
def town(tmp_path: Path) -> Town:
    file = tmp_path / "town.inp"
    file.write_text(TOWN)
    return Town("Small", file, ROWS, ("p",))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "demo"


def made(folder: Path, town: Town, scenario: str = "burst", seed: int = 3) -> demo.Story:
    planned = demo.plan(town, scenario=scenario, seed=seed, members=20)
    with demo.held(folder):
        return demo.make(folder, planned)


def test_the_town_is_drawn_again_from_what_is_kept(folder: Path, town: Town) -> None:
    planned = demo.plan(town, scenario="burst", seed=3, members=20)
    story = made(folder, town)
    assert demo.story_of(folder) == story == planned.story
    again = demo.read_hidden(folder)
    assert np.array_equal(again.roughness_factor, planned.hidden.roughness_factor)
    assert [one.subjects for one in again.happenings] == [one.subjects for one in planned.hidden.happenings]
    truth = json.loads((folder / "hidden" / "truth.json").read_text())
    assert truth["events"][0]["element"] == again.happenings[0].subject
    assert truth["events"][0]["at"] == "2026-01-12T00:30:00Z"


def test_the_twin_is_told_where_its_truth_lies_and_nothing_of_it(folder: Path, town: Town) -> None:
    config = read_config(demo.write_config(folder, made(folder, town), speed=120))
    assert config.demo is not None
    assert (config.path(config.demo.truth), config.demo.speed) == (folder.resolve() / "hidden" / "truth.json", 120)
    assert (config.ensemble.members, config.sensors.withhold) == (20, ("p",))
    assert config.time.catch_up == 3600


def test_a_broker_is_another_input_with_the_topic_of_its_url(folder: Path, town: Town) -> None:
    story = made(folder, town)
    for url, topic in (("mqtt://127.0.0.1:1883", demo.TOPIC), ("mqtt://127.0.0.1:1883/my/town", "my/town")):
        document = tomllib.loads(demo.write_config(folder, story, speed=60, mqtt=url).read_text())
        assert document["inputs"][1] == {"kind": "mqtt", "url": "mqtt://127.0.0.1:1883", "topic": topic}
        assert demo.send_url(url) == f"mqtt://127.0.0.1:1883/{topic}"


def test_clearing_takes_what_a_demo_made_and_nothing_else(folder: Path, town: Town) -> None:
    made(folder, town)
    demo.write_config(folder, made_story(folder), speed=60)
    for name in ("twin.db", "twin.db-wal", "twin-state.db", "demo.log"):
        (folder / name).write_text("")
    (folder / "notes.txt").write_text("mine")
    with demo.held(folder):
        demo.clear(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["demo.lock", "notes.txt"]


def made_story(folder: Path) -> demo.Story:
    story = demo.story_of(folder)
    assert story is not None
    return story


def test_what_is_half_made_can_be_cleared_and_made_again(folder: Path, town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(demo, "write_truth", breaks)
        with pytest.raises(OSError, match="full"):
            made(folder, town)
    (folder / "hidden" / "plant.json").unlink()
    with pytest.raises(InputError, match="--fresh"):
        demo.read_hidden(folder)
    with demo.held(folder):
        demo.clear(folder)
    made(folder, town)


@pytest.mark.parametrize(
    ("name", "text"), [("letter.txt", "dear"), ("demo.json", '{"made_by": "me"}'), ("demo.json", "[1]"), ("demo.json", "{")]
)
def test_a_folder_that_is_no_demo_is_refused_and_stays_as_it_is(folder: Path, name: str, text: str) -> None:
    folder.mkdir()
    (folder / name).write_text(text)
    for act in (demo.story_of, demo.clear):
        with pytest.raises(InputError, match="another --data FOLDER"):
            act(folder)
    assert [path.name for path in folder.iterdir()] == [name]
    assert (folder / name).read_text() == text


def test_no_two_demos_run_in_a_folder(folder: Path) -> None:
    with demo.held(folder), pytest.raises(InputError, match="running"), demo.held(folder):
        pass
    with demo.held(folder):
        pass


def test_without_the_package_that_carries_it_l_town_is_missing_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(l_town.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtraError, match="pip install --no-deps epyt"):
        demo.l_town()
