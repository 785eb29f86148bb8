"""At the door: flags, units, limits and clocks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from networks import package_network
from tweeling.live.check import ENOUGH_SENSORS, ClockState, Limits, check_readings, limits_of
from tweeling.live.ingest.decoded import repeated, text_column
from tweeling.network.inp.read import read_network
from tweeling.network.network import Network
from tweeling.observation.sensors import Sensor, Sensors
from tweeling.reading import SECOND, CheckedReadings, Flag, Readings, iso_time

HOUR = 3600 * SECOND
NOON = 1_514_808_000 * SECOND


@cache
def town() -> Network:
    return read_network(package_network("epyt", "Net3"))


@cache
def sensors() -> Sensors:
    rows = [
        Sensor("pressure", "pressure", "101", "kPa", 1.0),
        Sensor("head", "head", "101", "m", 0.1),
        Sensor("level", "level", "1", "m", 0.1),
        Sensor("flow", "flow", "20", "m3/h", 1.0),
        Sensor("pump", "flow", "10", "L/s", 1.0),
        Sensor("demand", "demand", "101", "L/h", 1.0),
        *(Sensor(f"p{number}", "pressure", "103", "m", 0.1) for number in range(5)),
    ]
    return Sensors.of_rows(rows, town())


@cache
def limits() -> Limits:
    return limits_of(town(), sensors())


def readings(rows: Sequence[tuple[str, int, float, str]]) -> Readings:
    return Readings(
        sensor=text_column(row[0] for row in rows),
        time=np.array([row[1] for row in rows], dtype=np.int64),
        value=np.array([row[2] for row in rows], dtype=float),
        unit=text_column(row[3] for row in rows),
        quality=repeated("", len(rows)),
    )


def check_one(sensor: str, value: float, unit: str = "", time: int = NOON) -> tuple[Flag, float, str]:
    _, checked = check_readings(sensors(), limits(), ClockState.first(sensors()), readings([(sensor, time, value, unit)]), 0)
    return Flag(int(checked.flag[0])), float(checked.clean[0]), str(checked.why[0])


@pytest.mark.parametrize(
    ("sensor", "value", "unit", "si"),
    [
        ("pressure", 98.0665, "", 10.0),
        ("pressure", 10.0, "m", 10.0),
        ("pressure", 0.980665, "bar", 10.0),
        ("flow", 36.0, "", 0.01),
        ("flow", 10.0, "L/s", 0.01),
        ("flow", -0.01, "m3/s", -0.01),
        ("demand", 3600.0, "", 0.001),
    ],
)
def test_a_number_comes_out_in_si_whatever_unit_of_its_dimension_it_came_in(
    sensor: str, value: float, unit: str, si: float
) -> None:
    flag, clean, why = check_one(sensor, value, unit)
    assert (flag, why) == (Flag.GOOD, "")
    assert clean == pytest.approx(si, rel=1e-12)


@pytest.mark.parametrize(
    ("sensor", "low", "high"),
    [
        ("pressure", -10 * 9.80665, 300 * 9.80665),
        ("head", 12.8016 - 10, 12.8016 + 300),  # 42 ft
        ("level", -0.5, 32.1 * 0.3048 + 0.5),
        ("flow", -3600 * 10 * math.pi / 4 * (99 * 0.0254) ** 2, 3600 * 10 * math.pi / 4 * (99 * 0.0254) ** 2),
        ("demand", -1000.0, 3.6e6 * 10 * math.pi / 4 * (18 * 0.0254) ** 2),
    ],
)
def test_limits_are_what_the_thing_can_physically_do(sensor: str, low: float, high: float) -> None:
    for value, flag in ((low, Flag.OUT_OF_RANGE), (high, Flag.OUT_OF_RANGE), ((low + high) / 2, Flag.GOOD)):
        outwards = 1e-6 * (high - low) * (1 if value == high else -1 if value == low else 0)
        found, clean, why = check_one(sensor, value + outwards)
        assert found == flag
        assert math.isfinite(clean)  # a flagged reading keeps its number
        assert ("outside" in why) == (flag == Flag.OUT_OF_RANGE)
        assert check_one(sensor, value - outwards)[0] == Flag.GOOD


def test_a_pump_may_carry_what_the_pipes_at_its_ends_can() -> None:
    place = sensors().index["pump"]
    assert town().links.diameter[town().link("10")] == 0
    assert 0 < limits().high[place] < math.inf
    assert limits().low[place] == -limits().high[place]


def test_a_node_where_the_model_has_an_inflow_may_have_one() -> None:
    demands = town().demands
    place = town().node("101")
    feeding = replace(town(), demands=replace(demands, base=np.where(demands.junction == place, -1.0, demands.base)))
    found = limits_of(feeding, sensors())
    at = sensors().index["demand"]
    assert found.low[at] == -found.high[at]


@pytest.mark.parametrize(
    ("sensor", "value", "unit", "flag", "clean", "says"),
    [
        ("nobody", 1.0, "", Flag.UNKNOWN_SENSOR, math.nan, "'nobody'"),
        ("pressure", 1.0, "L/s", Flag.BAD_UNIT, math.nan, "pressure cannot be in 'L/s'"),
        ("flow", 1.0, "furlong", Flag.BAD_UNIT, math.nan, "'furlong'"),
        ("pressure", math.nan, "", Flag.MISSING_VALUE, math.nan, "no value"),
        ("pressure", math.inf, "", Flag.OUT_OF_RANGE, math.nan, "outside"),
        ("pressure", -math.inf, "m", Flag.OUT_OF_RANGE, math.nan, "outside"),
        ("p0", 301.0, "", Flag.OUT_OF_RANGE, 301.0, "301 m is outside -10 to 300 m, what pressure at 103 can be"),
    ],
)
def test_what_is_wrong_gets_its_flag_and_a_sentence(
    sensor: str, value: float, unit: str, flag: Flag, clean: float, says: str
) -> None:
    found, number, why = check_one(sensor, value, unit)
    assert found == flag
    np.testing.assert_equal(number, clean)
    assert says in why


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["pressure", "flow", "p0", "p1", "nobody", ""]),
            st.integers(-(2**55), 2**55),
            st.floats(),
            st.sampled_from(["", "m", "L/s", "kPa", "?"]),
        )
    )
)
def test_nothing_is_ever_dropped_and_a_batch_is_its_readings(rows: list[tuple[str, int, float, str]]) -> None:
    batch = readings(rows)
    state, checked = check_readings(sensors(), limits(), ClockState.first(sensors()), batch, 0)
    assert len(checked) == len(rows)
    assert checked.readings is batch
    assert len(state.latest) == len(sensors())
    good = checked.flag == Flag.GOOD
    assert [bool(why) for why in checked.why] == (~good).tolist()
    assert np.isfinite(checked.clean[good]).all()


def beat(time: int, names: Sequence[str] = ("pressure", "flow", "p0", "p1", "p2")) -> list[tuple[str, int, float, str]]:
    """One plausible reading of each sensor."""
    return [(name, time, 1.0, "") for name in names]


def flags_of(state: ClockState, rows: list[tuple[str, int, float, str]], **changes: Any) -> tuple[ClockState, list[Flag]]:
    state, checked = check_readings(sensors(), replace(limits(), **changes), state, readings(rows), NOON)
    return state, [Flag(flag) for flag in checked.flag.tolist()]


def test_one_wrong_clock_is_flagged_and_moves_nobody_else() -> None:
    state, flags = flags_of(ClockState.first(sensors()), beat(NOON))
    assert set(flags) == {Flag.GOOD}
    state, flags = flags_of(state, [("p3", NOON + 2 * HOUR, 1.0, ""), *beat(NOON + HOUR // 12)])
    assert flags == [Flag.BAD_CLOCK, *[Flag.GOOD] * 5]
    state, flags = flags_of(state, [("p3", NOON + HOUR // 6, 1.0, ""), ("p4", NOON + HOUR, 1.0, "")])
    assert flags == [Flag.GOOD, Flag.BAD_CLOCK]  # set right again; an hour ahead, as a wrong zone is


def test_late_readings_and_other_years_are_no_wrong_clocks() -> None:
    state, _ = flags_of(ClockState.first(sensors()), beat(NOON))
    _, flags = flags_of(state, beat(NOON - 365 * 24 * HOUR))
    assert set(flags) == {Flag.GOOD}


@pytest.mark.parametrize("year", ["0003", "1970", "1999", "2101", "9999"])
def test_an_absurd_year_is_flagged_also_when_nobody_was_heard_yet(year: str) -> None:
    time = np.datetime64(f"{year}-06-01", "us").astype(np.int64)
    flag, _, why = check_one("p0", 1.0, time=int(time))
    assert flag == Flag.BAD_CLOCK
    assert why.startswith(f"{year}-06-01T00:00:00Z cannot be")


def test_before_enough_sensors_are_known_nothing_is_judged() -> None:
    few = ("p0", "p1", "p2")[: ENOUGH_SENSORS - 1]
    state, _ = flags_of(ClockState.first(sensors()), beat(NOON, few))
    state, flags = flags_of(state, beat(NOON + 1000 * HOUR, few[:1]))
    assert flags == [Flag.GOOD]


def test_after_a_silence_of_the_town_readings_are_believed_again() -> None:
    state, _ = flags_of(ClockState.first(sensors()), beat(NOON))
    flags: list[Flag] = []
    for beats in range(3):  # one by one, as a broker brings them
        for row in beat(NOON + 100 * HOUR + beats * HOUR // 12):
            state, found = flags_of(state, [row])
            flags += found
    assert flags == [Flag.BAD_CLOCK, Flag.BAD_CLOCK, *[Flag.GOOD] * 13]
    state, found = flags_of(state, beat(NOON + 200 * HOUR))
    assert set(found) == {Flag.GOOD}  # all at once none is ahead of the others


def test_a_clock_that_was_wrong_once_does_not_count_for_ever() -> None:
    state, _ = flags_of(ClockState.first(sensors()), beat(NOON))
    for name in ("pressure", "flow", "p0"):  # one after the other, most of them
        state, flags = flags_of(state, [(name, NOON + 1000 * HOUR, 1.0, "")])
        assert flags == [Flag.BAD_CLOCK]
        state, flags = flags_of(state, beat(NOON + HOUR // 12))
        assert set(flags) == {Flag.GOOD}
    assert flags_of(state, [("p4", NOON + 1000 * HOUR, 1.0, "")])[1] == [Flag.BAD_CLOCK]


def test_the_wall_clock_is_looked_at_only_when_asked_for() -> None:
    future = beat(NOON + 24 * HOUR)
    assert set(flags_of(ClockState.first(sensors()), future)[1]) == {Flag.GOOD}
    assert set(flags_of(ClockState.first(sensors()), future, clock="wall")[1]) == {Flag.BAD_CLOCK}
    assert set(flags_of(ClockState.first(sensors()), beat(NOON), clock="wall")[1]) == {Flag.GOOD}


@given(
    st.lists(st.tuples(st.sampled_from(["p0", "p1", "p2", "p3", "nobody"]), st.integers(-3, 100)), max_size=30),
    st.integers(1, 30),
)
def test_the_state_is_not_changed_in_place_and_the_order_within_a_batch_does_not_matter(
    rows: list[tuple[str, int]], seed: int
) -> None:
    batch = [(name, NOON + hours * HOUR, 1.0, "") for name, hours in rows]
    first, _ = flags_of(ClockState.first(sensors()), beat(NOON))
    before = first.latest.copy(), first.claimed.copy()
    order = np.random.default_rng(seed).permutation(len(batch))
    state, flags = flags_of(first, batch)
    other, shuffled = flags_of(first, [batch[place] for place in order])
    assert [flags[place] for place in order] == shuffled
    for name in ("latest", "claimed"):
        np.testing.assert_array_equal(getattr(state, name), getattr(other, name))
    np.testing.assert_array_equal(np.stack(before), np.stack([first.latest, first.claimed]))


def test_the_checks_answer_is_what_the_store_takes() -> None:
    _, checked = check_readings(sensors(), limits(), ClockState.first(sensors()), readings(beat(NOON)), 0)
    assert isinstance(checked, CheckedReadings)
    assert checked.flag.dtype == np.int8
    assert iso_time(int(checked.readings.time[0])) == "2018-01-01T12:00:00Z"
