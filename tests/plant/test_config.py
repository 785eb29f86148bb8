"""`PLANT.toml`: what it may say, and how it is refused."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant.towns import every_sensor, read_town, world
from tweeling.errors import InputError, TooLargeError
from tweeling.network.network import Network
from tweeling.observation.sensors import Sensors
from tweeling.plant.config import PlantConfig, TruthSection, plant_world, read_plant
from tweeling.plant.events import EVENTS as KINDS
from tweeling.plant.run import simulate_plant
from tweeling.plant.truth import hide, step_seconds

EXAMPLE = """\
network = "network.inp"
sensors = "sensors.csv"
seed    = 7
start   = "2018-01-01T00:00:00Z"
days    = 14
truth   = { roughness_sd = 0.1, node_demand_sd = 0.3, demand_noise_sd = 0.4, sensor_offset_sd = 0.1 }
events  = [ { kind = "leak", element = "p232", at = "8d12h", flow_m3h = 20 }, { kind = "close", element = "p100", at = "9d" },
            { kind = "drift", sensor = "pressure:n410", at = 2018-01-11T00:00:00Z, m_per_day = 0.2 } ]
"""


def read(tmp_path: Path, text: str) -> PlantConfig:
    path = tmp_path / "PLANT.toml"
    path.write_text(text)
    return read_plant(path)


def test_the_file_says_what_the_world_is(tmp_path: Path) -> None:
    config = read(tmp_path, EXAMPLE)
    assert config.path(config.network) == tmp_path / "network.inp"
    assert (config.seed, config.days, config.interval, config.n_intervals) == (7, 14, 300, 14 * 288)
    assert [event.kind for event in config.events] == ["leak", "close", "drift"]
    assert config.events[2].at == datetime(2018, 1, 11, tzinfo=UTC)
    assert config.truth.noise


def test_without_doubt_nothing_is_doubted() -> None:
    quiet = TruthSection.none()
    assert not quiet.noise
    assert {value for name, value in quiet.model_dump().items() if name.endswith("_sd")} == {0.0}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("seed    = 7", "seed = -1", ["seed", "greater than or equal to 0"]),
        ("days    = 14", "days = 0", ["days", "greater than 0"]),
        ("days    = 14", "days = nan", ["days"]),
        ("days    = 14", "days = 0.001", ["holds no interval of 300 s"]),
        ("days    = 14", "days = 14\ninterval = '0s'", ["interval"]),
        ("days    = 14", "days = 14\ninterval = '1500ms'", ["interval must be whole seconds"]),
        ("days    = 14", "days = 14\ninterval = inf", ["interval"]),
        ("days    = 14", "days = 14\ninterval = 'soon'", ["interval", "'soon' is no span of time"]),
        ("days    = 14", "days = 14\ncolour = 'blue'", ["colour", "Extra inputs"]),
        ("2018-01-01T00:00:00Z", "yesterday", ["start"]),
        ("2018-01-01T00:00:00Z", "9999-01-01T00:00:00Z", ["start is in the year 9999"]),
        ("2018-01-01T00:00:00Z", "2018-01-01T00:00:00.5Z", ["whole seconds"]),
        ("roughness_sd = 0.1", "roughness_sd = -0.1", ["truth.roughness_sd", "greater than or equal to 0"]),
        ("roughness_sd = 0.1", "roughness_sd = nan", ["truth.roughness_sd"]),
        ("roughness_sd = 0.1", "roughness = 0.1", ["truth.roughness", "Extra inputs"]),
        ('kind = "leak"', 'kind = "flood"', ["events.0", "'flood'", "'leak'"]),
        ("flow_m3h = 20", "flow_m3h = -20", ["events.0.leak.flow_m3h", "greater than 0"]),
        ("flow_m3h = 20", "flow_m3h = inf", ["events.0.leak.flow_m3h"]),
        (", flow_m3h = 20", "", ["events.0.leak.flow_m3h", "Field required"]),
        ('at = "8d12h"', 'at = "later"', ["events.0.leak.at", "'later' is no span of time"]),
        ('at = "8d12h"', "at = -5", ["events.0.leak.at", "8d12h"]),
        ('at = "8d12h"', "at = true", ["events.0.leak.at"]),
        ('at = "8d12h"', 'at = "2018-13-45"', ["events.0.leak.at"]),
        ('at = "8d12h"', 'at = "1d", until = "random"', ["events.0.leak.until"]),
        ("m_per_day = 0.2", "m_per_day = 0.2, per_day = 1", ["events.2.drift", "give its size once"]),
        (", m_per_day = 0.2", "", ["events.2.drift", "give its size once"]),
        ("network = ", "netwerk = ", ["network", "Field required"]),
        ("seed    = 7", "seed = 7 7", ["cannot be read", "line 3"]),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_key_and_the_reason(
    tmp_path: Path, old: str, new: str, words: list[str]
) -> None:
    assert old in EXAMPLE
    with pytest.raises(InputError) as refused:
        read(tmp_path, EXAMPLE.replace(old, new))
    assert "PLANT.toml" in str(refused.value)
    for word in words:
        assert word in str(refused.value)


EVENTS: list[tuple[dict[str, Any], str]] = [
    ({"kind": "leak", "element": "lanes", "at": "1h", "flow_m3h": 1}, "no link 'lanes'; near it: lane"),
    ({"kind": "leak", "element": "lift", "at": "1h", "flow_m3h": 1}, "link 'lift' is a PUMP, not a pipe"),
    ({"kind": "leak", "element": "lane", "at": "4h", "flow_m3h": 1}, "not within the run"),
    ({"kind": "leak", "element": "lane", "at": "2017-12-31T00:00:00Z", "flow_m3h": 1}, "not within the run"),
    ({"kind": "leak", "element": "lane", "at": "2h", "until": "2h", "flow_m3h": 1}, "not after at"),
    ({"kind": "close", "element": "check", "at": "1h"}, "CHECK_VALVE_PIPE, not a pipe without check valve"),
    ({"kind": "pump", "element": "lane", "at": "1h", "factor": 0.9}, "PIPE, not a pump"),
    ({"kind": "setting", "element": "lane", "at": "1h", "setting": 1}, "has no setting"),
    ({"kind": "demand", "element": "lake", "at": "1h", "factor": 2}, "reservoir or tank, not a junction"),
    ({"kind": "demand", "element": ["mill", "moon"], "at": "1h", "factor": 2}, "no node 'moon'"),
    ({"kind": "drift", "sensor": "pressure:moon", "at": "1h", "m_per_day": 1}, "no sensor 'pressure:moon'"),
    ({"kind": "offset", "sensor": "flow:main", "at": "1h", "m": 1}, "measures flow in m3/s: give its size in that unit"),
]


@pytest.mark.parametrize(("event", "reason"), EVENTS, ids=[reason for _, reason in EVENTS])
def test_an_event_that_does_not_fit_the_town_is_refused_with_its_place(
    event: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    network = read_town(tmp_path)
    good = {"kind": "gap", "sensor": "flow:main", "at": "1h"}
    with pytest.raises(InputError) as refused:
        hide(network, every_sensor(network), plant_world(world([good, event])))
    assert f"events.1 ({event['kind']})" in str(refused.value)
    assert reason in str(refused.value)


def test_nothing_to_draw_from_is_said(tmp_path: Path) -> None:
    network = read_town(tmp_path)
    opened = network.with_changes([])
    events = [{"kind": "pump", "element": "random", "at": "1h", "factor": 0.9}]
    text = "\n".join(line for line in (tmp_path / "town.inp").read_text().splitlines() if " lift " not in line)
    opened = read_town(tmp_path, text.replace("[PUMPS]", ""))
    with pytest.raises(InputError, match=r"events\.0 \(pump\): there is nothing to draw from"):
        hide(opened, every_sensor(opened), plant_world(world(events)))


def test_intervals_that_fit_no_pattern_period_are_refused(tmp_path: Path) -> None:
    text = "[PATTERNS]\n day 1 2 3\n[END]"
    network = read_town(tmp_path, (read_town(tmp_path), (tmp_path / "town.inp").read_text())[1].replace("[END]", text))
    hidden = hide(network, every_sensor(network), plant_world(world(interval=301)))
    with pytest.raises(InputError, match="have only steps of 1 s in common"):
        step_seconds(hidden)
    fits = hide(network, every_sensor(network), plant_world(world(interval=420)))
    assert step_seconds(fits) == 60


def test_a_run_that_would_not_fit_in_memory_is_refused_before_it_begins(tmp_path: Path) -> None:
    network = read_town(tmp_path)
    with pytest.raises(TooLargeError, match=r"GiB; ask for fewer days"):
        simulate_plant(network, every_sensor(network), world(days=3000, interval=1))


@cache
def steady_town() -> tuple[Network, Sensors]:
    with tempfile.TemporaryDirectory() as folder:
        network = read_town(Path(folder))
    return network, every_sensor(network)


SCALARS = (st.none() | st.booleans() | st.integers() | st.floats() | st.datetimes() | st.text(max_size=20)) | st.sampled_from(
    ["random", "all", "1h", "1e400d", "-3d", "99999999999999y", "2018-01-02", "9999-12-31T23:59:59Z", "lane"]
)
EVENT_KEYS = ("at", "until", "element", "sensor", "flow_m3h", "grows", "factor", "setting", "m", "m_per_day", "size", "per_day")


@given(
    keys=st.dictionaries(st.sampled_from(["seed", "start", "days", "interval", "pattern_zero"]), SCALARS),
    truth=st.dictionaries(st.sampled_from(sorted(TruthSection.model_fields)), SCALARS),
    kind=st.sampled_from(sorted(KINDS)),
    event=st.dictionaries(st.sampled_from(EVENT_KEYS), SCALARS),
)
def test_whatever_a_file_says_is_taken_or_refused_and_nothing_else(
    keys: dict[str, Any], truth: dict[str, Any], kind: str, event: dict[str, Any]
) -> None:
    network, sensors = steady_town()
    for events in ([], [event | {"kind": kind}], [{"at": "1h", "element": "lane", "sensor": "p"} | event | {"kind": kind}]):
        with suppress(InputError):
            hide(network, sensors, plant_world(keys | {"truth": truth, "events": events}))
