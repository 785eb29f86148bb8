"""The real twin in the loop: live is replay, a kill is no event, and late readings end as if in order; all bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fake_twin import MINUTE, START
from networks import package_network
from tweeling.cli.main import run
from tweeling.errors import SnapshotMismatch
from tweeling.live.config import read_config
from tweeling.live.run import Loop, Steps, replay_store
from tweeling.live.steps import make_steps
from tweeling.live.store.open import Store, open_store
from tweeling.reading import CheckedReadings, Readings

NODES = ("11", "12", "22", "31")
MINUTES = range(5, 125, 5)
Rows = list[tuple[str, int, float]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A twin of Net1 with four pressures, one of them withheld, and twelve members."""
    place = tmp_path_factory.mktemp("net1")
    sensors = place / "mine.csv"
    rows = [f"p{node},pressure,{node},m,0.1" for node in NODES]
    sensors.write_text("\n".join(["sensor,quantity,element,unit,std", *rows]))
    assert run(["init", str(place / "town"), "--inp", str(package_network("epyt", "Net1")), "--sensors", str(sensors)]) == 0
    path = place / "town" / "TWIN.toml"
    text = path.read_text().replace("members = 100", "members = 12").replace("withhold = []", 'withhold = ["p31"]')
    path.write_text(text.replace('cycle = "5min"', 'cycle = "10min"'))
    return place / "town"


@pytest.fixture(scope="module")
def steps(folder: Path) -> Steps[Any]:
    return make_steps(read_config(folder / "TWIN.toml"))


@pytest.fixture(scope="module")
def rows() -> Rows:
    rng = np.random.default_rng(2)
    return [(f"p{node}", minute, float(rng.normal(80, 0.3))) for minute in MINUTES for node in NODES]


class Life:
    """A twin over a store of its own, and a wall clock that stands."""

    def __init__(self, steps: Steps[Any], folder: Path) -> None:
        self.store: Store = open_store("sqlite:///twin.db", folder, write=("readings", "twin"))
        self.steps, self.now = steps, START
        self.loop = Loop(steps, self.store.readings, self.store.twin, lambda: self.now)
        self.position = self.loop.resume()

    def send(self, rows: Rows) -> None:
        names, minutes, values = (list(column) for column in zip(*rows, strict=True))
        empty = np.full(len(rows), "", dtype=object)
        times = START + np.array(minutes, dtype=np.int64) * MINUTE
        readings = Readings(np.array(names, dtype=object), times, np.array(values), empty, empty)
        good = np.zeros(len(rows), dtype=np.int8)
        self.store.readings.append(CheckedReadings(readings, good, readings.value, empty), self.now)

    def lives_through(self, rows: Rows, killed_at: frozenset[int] = frozenset()) -> None:
        for minute in sorted({row[1] for row in rows}):
            self.send([row for row in rows if row[1] == minute])
            self.position = self.loop.settle(self.position)
            if minute in killed_at:
                self.position = self.loop.resume()

    def end(self) -> bytes:
        """The state after silence."""
        self.now += 16 * MINUTE
        self.position = self.loop.settle(self.position)
        return self.steps.pack(self.position.state)


@pytest.fixture(scope="module")
def peace(steps: Steps[Any], rows: Rows, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """One that lived through it all in order."""
    life = Life(steps, tmp_path_factory.mktemp("peace"))
    life.lives_through(rows)
    life.end()
    yield life
    life.store.close()


def test_a_replay_of_its_store_is_the_live_run(peace: Life) -> None:
    kept = [peace.store.twin.snapshot(row.end) for row in peace.store.twin.cycles()]
    replayed = replay_store(peace.steps, peace.store.readings, peace.store.twin)
    assert [(row, peace.steps.pack(state)) for row, state, _, _ in replayed] == kept
    assert len(kept) == len(MINUTES) // 2


def test_kills_and_late_readings_end_in_the_same_state(peace: Life, rows: Rows, tmp_path: Path) -> None:
    life = Life(peace.steps, tmp_path)
    late = [row for place, row in enumerate(rows) if place in (37, 44, 61)]
    life.lives_through([row for row in rows if row not in late], killed_at=frozenset(MINUTES[3::4]))
    life.send(late)
    assert life.end() == peace.steps.pack(peace.position.state)
    assert "revised" in {row.reason for row in life.store.twin.cycles()}
    life.store.close()


def test_a_backlog_that_is_caught_up_is_replayed_and_survives_kills_and_late_readings(
    folder: Path, rows: Rows, tmp_path: Path
) -> None:
    config = read_config(folder / "TWIN.toml")
    time = config.time.model_copy(update={"cycle": 300.0, "catch_up": 1800.0})
    catching_up = make_steps(config.model_copy(update={"time": time}))
    lives = []
    for name, killed_at in (("one", frozenset[int]()), ("other", frozenset(MINUTES[3::4]))):
        (tmp_path / name).mkdir()
        life = Life(catching_up, tmp_path / name)
        late = [row for place, row in enumerate(rows) if place in (5, 37, 81)]
        life.send([row for row in rows if row[1] <= 70 and row not in late])
        life.lives_through([row for row in rows if row[1] > 70 and row not in late], killed_at)
        life.send(late)
        life.end()
        lives.append(life)
    one, other = lives
    ends = [row.end for row in one.store.twin.cycles()]
    assert set(np.diff(ends).tolist()) == {5 * MINUTE, 30 * MINUTE}
    assert ends == [row.end for row in other.store.twin.cycles()]
    for life in lives:
        assert catching_up.pack(life.position.state) == catching_up.pack(one.position.state)
        kept = [life.store.twin.snapshot(row.end) for row in life.store.twin.cycles()]
        replayed = replay_store(catching_up, life.store.readings, life.store.twin)
        assert [(row, catching_up.pack(state)) for row, state, _, _ in replayed] == kept
        life.store.close()


def test_the_scorecard_counts_the_readings_that_the_twin_was_not_told(peace: Life) -> None:
    assert peace.store.twin.health()["scorecard"]["withheld"]["pressure"]["n"] == len(MINUTES)


def test_a_state_of_another_belief_is_not_gone_on_from(peace: Life, folder: Path) -> None:
    config = read_config(folder / "TWIN.toml")
    other = config.model_copy(update={"beliefs": config.beliefs.model_copy(update={"roughness_sd": 0.2})})
    kept = peace.store.twin.snapshot()
    assert kept is not None
    with pytest.raises(SnapshotMismatch):
        make_steps(other).unpack(kept[1])
