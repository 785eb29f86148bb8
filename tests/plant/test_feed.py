"""A town that is stopped and started again gives the readings that it would have given; it goes at its own speed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plant.towns import read_town
from tweeling.errors import InputError
from tweeling.observation.sensors import Sensor, Sensors
from tweeling.plant.config import plant_world
from tweeling.plant.feed import Clock, Feed, Place, Stopped, is_ready, play, read_place, write_place
from tweeling.plant.run import Piece, run_plant
from tweeling.plant.truth import Hidden, hide
from tweeling.reading import SECOND, microseconds

HOURS, HEALTHY = 60, 24


@pytest.fixture(scope="module")
def hidden(tmp_path_factory: pytest.TempPathFactory) -> Hidden:
    network = read_town(tmp_path_factory.mktemp("town"))
    rows = [Sensor("p", "pressure", "mill", "m", 0.02), Sensor("q", "flow", "main", "m3/h", 0.1)]
    events = [
        {"kind": "leak", "element": "random", "at": "30h", "flow_m3h": 5},
        {"kind": "gap", "sensor": "q", "at": "40h", "until": "44h"},
    ]
    world = plant_world({"seed": 4, "days": HOURS / 24, "interval": "1h", "events": events})
    return hide(network, Sensors.of_rows(rows, network), world)


class Door:
    """Takes readings until it is told to break, and remembers when each came."""

    def __init__(self, clock: Callable[[], float], breaks_after: int | None = None) -> None:
        self.clock, self.left = clock, breaks_after
        self.rows: dict[int, list[float]] = {}
        self.when: dict[int, float] = {}

    def post(self, piece: Piece) -> int:
        for moment, row in zip(piece.times.tolist(), piece.readings.tolist(), strict=True):
            self.rows[moment], self.when[moment] = row, self.clock()
        if self.left is not None:
            self.left -= 1
            if self.left < 0:  # what came is there, and its acknowledgement is lost
                raise Stopped
        return int(np.isfinite(piece.readings).sum())


def played(hidden: Hidden, door: Door, place: Place, now: list[float], speed: float = 600.0) -> Place:
    """Plays a town until its end or until the door breaks; gives the place that was kept."""
    kept = [place]

    def wait(seconds: float) -> None:
        now[0] += max(seconds, 0.0)

    live_from = microseconds(hidden.world.start) + HEALTHY * 3600 * SECOND
    feed = Feed(door.post, kept.append, lambda: wait(100.0), live_from, speed, Clock(lambda: now[0], wait))
    with suppress(Stopped):
        play(run_plant(hidden), place, feed)
    return kept[-1]


@given(breaks=st.lists(st.integers(0, 20), max_size=5))
@settings(max_examples=15)
def test_a_town_that_is_stopped_at_any_moments_gives_what_it_would_have_given_bit_for_bit(
    hidden: Hidden, breaks: list[int]
) -> None:
    now = [0.0]
    whole = Door(lambda: now[0])
    place = played(hidden, whole, Place(), now)
    assert (len(whole.rows), place.readings) == (HOURS, 2 * HOURS - 4)
    seen: dict[int, list[float]] = {}
    place = Place()
    for left in [*breaks, None]:
        door = Door(lambda: now[0], left)
        place = played(hidden, door, place, now)
        assert all(seen.get(moment, row) == row or np.isnan(row).any() for moment, row in door.rows.items())
        seen |= door.rows
    assert list(seen) == list(whole.rows)
    assert np.array_equal(list(seen.values()), list(whole.rows.values()), equal_nan=True)
    assert place.readings == 2 * HOURS - 4


def test_a_healthy_time_goes_at_once_and_what_follows_at_its_speed_when_the_twin_is_ready(hidden: Hidden) -> None:
    now = [7.0]
    door = Door(lambda: now[0])
    played(hidden, door, Place(), now, speed=600)
    when = list(door.when.values())
    assert when[:HEALTHY] == [7.0] * HEALTHY
    assert when[HEALTHY:] == pytest.approx([107.0 + 6 * hour for hour in range(HOURS - HEALTHY)])


def test_a_town_that_goes_on_waits_for_nothing_but_the_twin(hidden: Hidden) -> None:
    now, start = [0.0], microseconds(hidden.world.start)
    door = Door(lambda: now[0])
    played(hidden, door, Place(start + 40 * 3600 * SECOND, 80), now, speed=3600)
    assert list(door.when.values()) == pytest.approx([100.0 + hour for hour in range(HOURS - 41)])


def test_how_far_it_has_come_is_read_as_it_was_written(tmp_path: Path) -> None:
    assert read_place(tmp_path / "sent.json") == Place()
    place = Place(1_768_176_000 * SECOND, 12)
    write_place(tmp_path / "sent.json", place)
    assert read_place(tmp_path / "sent.json") == place
    assert [path.name for path in tmp_path.iterdir()] == ["sent.json"]


@pytest.mark.parametrize("text", ["", "[]", '{"upto": "noon", "readings": 1}', '{"upto": "2026-01-12T00:00:00Z"}'])
def test_a_place_that_cannot_be_read_is_refused_with_the_way_out(tmp_path: Path, text: str) -> None:
    (tmp_path / "sent.json").write_text(text)
    with pytest.raises(InputError, match="--fresh"):
        read_place(tmp_path / "sent.json")


@pytest.mark.parametrize(
    ("last_end", "last_time", "catching_up", "ready"),
    [
        (None, None, None, False),
        (None, "2026-01-11T23:55:00Z", {"done": 0, "of": 168}, False),
        ("2026-01-10T00:00:00Z", "2026-01-11T23:55:00Z", {"done": 120, "of": 168}, False),
        ("2026-01-11T23:00:00Z", "2026-01-11T23:55:00Z", None, False),
        ("2026-01-11T23:50:00Z", "2026-01-11T23:55:00Z", None, True),
    ],
)
def test_a_twin_is_ready_when_it_is_where_its_sensors_are(
    last_end: str | None, last_time: str | None, catching_up: dict[str, float] | None, ready: bool
) -> None:
    health = {"twin": {"last_end": last_end}, "sensors": {"last_time": last_time}, "catching_up": catching_up}
    assert is_ready(health) is ready
