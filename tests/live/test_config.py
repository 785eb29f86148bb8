"""`TWIN.toml`: what is left out has its default, what is wrong is said with its key, all at once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tweeling.errors import InputError
from tweeling.live.config import TwinConfig, read_config, seconds_of

LEAST = 'network = { file = "n.inp" }\nsensors = { file = "s.csv" }\n'
PAGE = """\
name     = "l-town"
network  = { file = "network.inp", pattern_zero = "2018-01-01T00:00:00Z", zones = "derived" }
sensors  = { file = "sensors.csv", interval = "5min", zone = "UTC", withhold = ["pressure:n54"] }
time     = { cycle = "1h", lateness = "10min", revise = "24h", give_up = "15min", clock = "readings" }
ensemble = { members = 100, seed = 1 }
beliefs  = { zone_factor_sd = 0.2, node_demand_sd = 0.3, roughness_sd = 0.1, sensor_offset_sd = 0.1 }
inputs   = [ { kind = "http" }, { kind = "mqtt", url = "mqtt://127.0.0.1:1883", topic = "tweeling/l-town/readings" } ]
store    = { url = "sqlite:///twin.db", keep = "2y" }
output   = { every = "1h", quantities = ["pressure", "flow"], elements = "all" }
service  = { host = "127.0.0.1", port = 8080 }
"""


def read(folder: Path, text: str) -> TwinConfig:
    (folder / "TWIN.toml").write_text(text)
    return read_config(folder / "TWIN.toml")


def test_a_whole_file_is_read_in_seconds_and_relative_to_itself(tmp_path: Path) -> None:
    config = read(tmp_path, PAGE)
    assert (config.sensors.interval, config.time.cycle, config.time.revise) == (300, 3600, 86400)
    assert config.store.keep == 2 * 365 * 86400
    assert config.steps == 12
    assert config.network.pattern_zero == datetime(2018, 1, 1, tzinfo=UTC)
    assert config.sensors.withhold == ("pressure:n54",)
    assert config.path(config.network.file) == tmp_path.resolve() / "network.inp"
    assert [door.kind for door in config.inputs] == ["http", "mqtt"]


def test_what_is_left_out_has_the_default_that_the_whole_file_shows(tmp_path: Path) -> None:
    config, whole = read(tmp_path, LEAST), read(tmp_path, PAGE)
    for section in ("ensemble", "beliefs", "store", "output", "service"):
        assert getattr(config, section) == getattr(whole, section)
    assert config.time.cycle == 300


WRONG = {
    LEAST + "speed = 1": ["speed"],
    LEAST + 'time = { cycle = "7min" }': ["time.cycle must be a whole number of sensors.interval"],
    LEAST + 'time = { cycle = "1min" }': ["time.cycle must be a whole number"],
    LEAST + 'time = { cycle = "10min", catch_up = "15min" }': ["time.catch_up must be a whole number of time.cycle"],
    LEAST + 'time = { cycle = "10min", catch_up = "5min" }': ["time.catch_up must be a whole number of time.cycle"],
    LEAST + 'time = { cycle = "soon" }': ["time.cycle", "no span of time"],
    LEAST + 'time = { cycle = "0min" }': ["time.cycle"],
    LEAST + "time = { cycle = -5 }": ["time.cycle"],
    LEAST + 'time = { clock = "sun" }': ["time.clock"],
    LEAST + "ensemble = { members = 1 }": ["ensemble.members"],
    LEAST + "ensemble = { members = 2.5 }": ["ensemble.members"],
    LEAST + "beliefs = { roughness_sd = -1 }": ["beliefs.roughness_sd"],
    LEAST + "beliefs = { luck = 1 }": ["beliefs.luck"],
    LEAST + 'output = { quantities = ["warmth"] }': ["output.quantities", "warmth"],
    LEAST + "service = { port = 70000 }": ["service.port"],
    LEAST + 'inputs = [ { kind = "pigeon" } ]': ["inputs.0.kind"],
    LEAST + 'name = ""': ["name"],
    'network = { file = "n.inp" }\nsensors = { file = "s.csv", zone = "Mars/Olympus" }': ["sensors.zone", "Mars/Olympus"],
    'network = { file = "n.inp", pattern_zero = "monday" }\nsensors = { file = "s.csv" }': ["network.pattern_zero"],
    'network = { }\nsensors = { interval = "1h", fil = "s" }': ["network.file", "sensors.file", "sensors.fil"],
    "": ["network", "sensors"],
}


@pytest.mark.parametrize("text", WRONG)
def test_all_that_is_wrong_is_said_at_once_with_its_key(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError) as refused:
        read(tmp_path, text)
    told = str(refused.value)
    assert told.startswith(str(tmp_path / "TWIN.toml"))
    assert all(word in told for word in WRONG[text])


@pytest.mark.parametrize("text", ["network = {", "\x00", "[network]\nfile = 1\nfile = 2"])
def test_a_file_that_is_no_toml_says_where(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"cannot be read: .*(line \d+|end of document)"):
        read(tmp_path, text)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_config(tmp_path / "none.toml")


def test_a_moment_without_a_zone_is_utc(tmp_path: Path) -> None:
    text = 'network = { file = "n.inp", pattern_zero = 2018-01-01T00:00:00 }\nsensors = { file = "s.csv" }'
    assert read(tmp_path, text).network.pattern_zero == datetime(2018, 1, 1, tzinfo=UTC)


UNITS = {"ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}


@given(st.lists(st.tuples(st.integers(0, 999), st.sampled_from(sorted(UNITS))), min_size=1, max_size=4))
def test_a_span_is_the_sum_of_its_parts(parts: list[tuple[int, str]]) -> None:
    text = "".join(f"{number}{unit}" for number, unit in parts)
    assert seconds_of(text) == pytest.approx(sum(number * UNITS[unit] for number, unit in parts))
    assert seconds_of(f" {text} ") == seconds_of(text)


@pytest.mark.parametrize("text", ["", "5", "min", "5 m", "-5min", "5min later", "1e3s", "5µs"])
def test_a_span_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no span of time"):
        seconds_of(text)
