"""What happens in a demo: built-in scenarios fit any town, files of one's own are read in the same form."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from plant.towns import every_sensor, read_town
from tweeling.errors import InputError
from tweeling.network.inp.read import read_network
from tweeling.network.network import Network
from tweeling.observation.sensors import Sensors
from tweeling.plant.config import plant_world
from tweeling.plant.l_town import WITHHELD, l_town_file, l_town_sensors
from tweeling.plant.scenario import USUAL, Chosen, as_plant_events, names, read_scenario
from tweeling.plant.truth import Hidden, hide

WEEK = timedelta(days=7)


@pytest.fixture(scope="module")
def towns(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Network, Sensors]]:
    l_town, small = read_network(l_town_file()), read_town(tmp_path_factory.mktemp("town"))
    return {
        "l-town": (l_town, Sensors.of_rows(l_town_sensors(l_town), l_town)),
        "small": (small, every_sensor(small)),
    }


def drawn(town: tuple[Network, Sensors], name: str, seed: int, sensors: tuple[str, ...] = ()) -> Hidden:
    events = as_plant_events(read_scenario(name), WEEK, Chosen(sensors, (), seed))
    return hide(*town, plant_world({"days": 14, "seed": seed, "events": events}))


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("town", ["l-town", "small"])
def test_every_built_in_scenario_fits_every_town(towns: dict[str, tuple[Network, Sensors]], town: str, name: str) -> None:
    for seed in range(5):
        hidden = drawn(towns[town], name, seed)
        assert all(happening.start >= 7 * 288 for happening in hidden.happenings), "the week before is healthy"
        assert all("random" not in happening.subjects for happening in hidden.happenings)
    assert read_scenario(name).about


def test_the_usual_one_has_a_leak_then_a_closed_valve_then_a_drift() -> None:
    events = read_scenario(USUAL).events
    assert [(event.kind, event.at) for event in events] == [
        ("leak", timedelta(minutes=30)),
        ("close", timedelta(hours=12)),
        ("drift", timedelta(hours=24)),
    ]
    assert events[0].flow_m3h == 20  # type: ignore[union-attr]


def test_only_instruments_that_the_twin_hears_fail_each_once_and_another_seed_chooses_others(
    towns: dict[str, tuple[Network, Sensors]],
) -> None:
    rows = towns["l-town"][1].rows
    heard = tuple(row.id for row in rows if row.quantity == "pressure" and row.id not in WITHHELD)
    chosen = [[one.subject for one in drawn(towns["l-town"], "sensor", seed, heard).happenings] for seed in range(20)]
    assert all(len(set(subjects)) == 3 and set(subjects) <= set(heard) for subjects in chosen)
    assert len({tuple(subjects) for subjects in chosen}) == 20


def test_a_pipe_that_is_closed_is_one_of_those_that_may_be() -> None:
    events = [as_plant_events(read_scenario("valve"), WEEK, Chosen((), ("a", "b", "c"), seed)) for seed in range(20)]
    assert {event["element"] for (event,) in events} == {"a", "b", "c"}
    (burst,) = as_plant_events(read_scenario("burst"), WEEK, Chosen((), ("a",), 1))
    assert burst["element"] == "random", "a leak may be anywhere"


def test_a_file_of_ones_own_counts_from_the_beginning_of_the_demo(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        'events = [{ kind = "close", element = "lane", at = "1h", until = "1d" },'
        ' { kind = "gap", sensor = "p", at = 2026-01-12T06:00:00Z }]'
    )
    first, second = as_plant_events(read_scenario(str(own)), WEEK, Chosen((), (), 1))
    assert (first["at"], first["until"]) == (7 * 86400 + 3600, 8 * 86400)
    assert second["at"] == "2026-01-12T06:00:00Z"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('events = [{ kind = "leak", element = "random", at = "random", flow_m3h = 1 }]', "say when"),
        ('events = [{ kind = "flood", at = "1h" }]', "flood"),
        ("seed = 3\nevents = []", "seed"),
        ("about = 'nothing'", "events"),
        ("events = [", "cannot be read"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_with_what_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "own.toml").write_text(text)
    with pytest.raises(InputError, match=words):
        read_scenario(str(tmp_path / "own.toml"))


def test_a_name_that_is_none_is_answered_with_those_that_are() -> None:
    with pytest.raises(InputError, match="burst, calm, incidents, sensor, valve"):
        read_scenario("earthquake")
