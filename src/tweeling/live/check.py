"""At the door: what is wrong with a reading by itself, and its number in SI. Nothing is ever dropped.

A reading gets one flag, the first that fits: unknown_sensor, bad_clock, bad_unit, missing_value, out_of_range. What needs the
readings around it (spike, stuck) is judged in the twin (`watch.py`).

**Limits are physical**: what the thing cannot do, not what it seldom does.

| quantity | from | to |
|---|---|---|
| pressure | -10 m (a vacuum) | 300 m |
| head | as pressure, above the node's elevation | |
| level | 0.5 m below the tank's bottom | 0.5 m above its highest level |
| flow | what the pipe carries at 10 m/s, backwards | the same, forwards |
| demand | -1 m3/h, or as flow where the model has an inflow | what the node's largest pipe carries at 10 m/s |

A pump has no diameter; the largest pipe at its ends stands for it.

**Clocks are compared with each other**: a time cannot be when it is further ahead of the median of the latest times of all
sensors heard than `ahead`. So a sensor with a wrong clock, or an hour ahead because of its time zone, is found out, and a
recording of another year is not. While fewer than three sensors were heard, only times before 2000 and after 2100 are
refused. After a silence of the whole town, longer than `ahead`, the first half of the sensors to be heard again is flagged
once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, partial
from typing import Literal

import numpy as np
import numpy.typing as npt

from tweeling.network.network import Floats, Ints, Network
from tweeling.observation.sensors import Sensors
from tweeling.reading import SECOND, CheckedReadings, Flag, Readings, iso_time, microseconds
from tweeling.units import QUANTITIES, SI, UNITS, dimension, si_per

LOWEST_PRESSURE, HIGHEST_PRESSURE = -10.0, 300.0
"""m"""
LEVEL_MARGIN = 0.5
"""m"""
FASTEST = 10.0
"""m/s in a pipe"""
BACKFLOW = 1 / 3600
"""m3/s through a customer's meter"""
OLDEST, NEWEST = (microseconds(datetime(year, 1, 1, tzinfo=UTC)) for year in (2000, 2101))
BEHIND = 10 * 365 * 86400 * SECOND
"""Older than that against the other sensors is no late reading but a wrong clock."""
LEAST_AHEAD = 45 * 60.0
"""s; less than the hour by which a wrong time zone is off."""
ENOUGH_SENSORS = 3
NEVER = np.iinfo(np.int64).min


@dataclass(frozen=True, eq=False)
class Limits:
    """What readings may be.

    Args:
        low, high: SI; (sensor,).
        ahead: microseconds by which a reading may be ahead of the others.
        clock: what times are compared with: the other `readings`, or the `wall` clock of the door.
    """

    low: Floats
    high: Floats
    ahead: int
    clock: Literal["readings", "wall"] = "readings"


@dataclass(frozen=True, eq=False)
class ClockState:
    """What the check remembers: how far the sensors' clocks are.

    Args:
        latest: time of the latest reading that was believed; (sensor,), `NEVER` before the first.
        claimed: time of the latest that was not, when none was believed since; (sensor,), else `NEVER`.
    """

    latest: Ints
    claimed: Ints

    @staticmethod
    def first(sensors: Sensors) -> ClockState:
        """Before anything was heard."""
        return ClockState(np.full(len(sensors), NEVER), np.full(len(sensors), NEVER))


def limits_of(
    network: Network, sensors: Sensors, *, lateness: float = 600.0, clock: Literal["readings", "wall"] = "readings"
) -> Limits:
    """The physical limits of each sensor.

    Args:
        network: that the sensors hang in.
        sensors: to be checked.
        lateness: s; how late readings usually come. Twice that, and 45 minutes at least, is how far one may be ahead.
        clock: see `Limits`.
    """
    pairs = [_limits(network, row.quantity, int(place)) for row, place in zip(sensors.rows, sensors.element, strict=True)]
    low, high = np.array(pairs, dtype=float).reshape(-1, 2).T
    return Limits(low, high, int(max(LEAST_AHEAD, 2 * lateness) * SECOND), clock)


def _limits(network: Network, quantity: str, place: int) -> tuple[float, float]:
    if quantity == "pressure":
        return LOWEST_PRESSURE, HIGHEST_PRESSURE
    if quantity == "head":
        elevation = float(network.nodes.elevation[place])
        return elevation + LOWEST_PRESSURE, elevation + HIGHEST_PRESSURE
    if quantity == "level":
        tank = int(np.flatnonzero(network.tanks.node == place)[0])
        return -LEVEL_MARGIN, float(network.tanks.max_level[tank]) + LEVEL_MARGIN
    links = network.links
    if quantity == "flow":
        ends = [place] if links.diameter[place] > 0 else _links_at(network, links.start[place], links.end[place])
        return -_most(network, ends), _most(network, ends)
    most = _most(network, _links_at(network, place))
    feeds = bool((network.demands.base[network.demands.junction == place] < 0).any())
    return -most if feeds else -BACKFLOW, most


def _links_at(network: Network, *nodes: int) -> list[int]:
    links = network.links
    found: list[int] = np.flatnonzero(np.isin(links.start, nodes) | np.isin(links.end, nodes)).tolist()
    return found


def _most(network: Network, links: Iterable[int]) -> float:
    """m3/s that the largest of some links carries at `FASTEST`; of none with a diameter: no limit."""
    diameter = max((float(network.links.diameter[link]) for link in links), default=0.0)
    return FASTEST * np.pi / 4 * diameter**2 if diameter > 0 else np.inf


def check_readings(
    sensors: Sensors, limits: Limits, clock_state: ClockState, readings: Readings, now: int
) -> tuple[ClockState, CheckedReadings]:
    """Looks at readings one by one.

    Args:
        sensors: that are known.
        limits: of them.
        clock_state: after the readings before.
        readings: as they were decoded.
        now: the wall clock, microseconds since 1970 UTC; looked at only with `clock = "wall"`.

    Returns:
        The state after, and the readings with flag, clean value and why.
    """
    index = sensors.index
    sensor = np.fromiter((index.get(name, -1) for name in readings.sensor), dtype=np.int64, count=len(readings))
    known = sensor >= 0
    factor = si_factors(readings.unit.tolist(), sensor, sensors)
    clean = readings.value * factor
    wrong_clock, state = _judge_clocks(limits, clock_state, sensor, readings.time, now)
    outside = known & ((clean < limits.low[sensor]) | (clean > limits.high[sensor]) | np.isinf(clean))
    flag = np.select(
        [~known, wrong_clock, np.isnan(factor), np.isnan(readings.value), outside],
        [Flag.UNKNOWN_SENSOR, Flag.BAD_CLOCK, Flag.BAD_UNIT, Flag.MISSING_VALUE, Flag.OUT_OF_RANGE],
        default=Flag.GOOD,
    ).astype(np.int8)
    clean[~known | np.isinf(clean)] = np.nan
    return state, CheckedReadings(readings, flag, clean, _reasons(sensors, limits, sensor, readings, flag))


def grid_flags(limits: Limits, values: Floats) -> npt.NDArray[np.int8]:
    """The flags of readings that are on a grid already, such as a recording's; (step, sensor).

    Args:
        limits: of the sensors.
        values: SI, NaN where there is none; (step, sensor).
    """
    outside = (values < limits.low) | (values > limits.high) | np.isinf(values)
    return np.where(outside, Flag.OUT_OF_RANGE, Flag.GOOD).astype(np.int8)


def si_factors(unit: list[str], sensor: Ints, sensors: Sensors) -> Floats:
    """SI in one of what each reading is in, NaN where the unit does not fit the sensor; (reading,).

    Args:
        unit: "" for the sensor's own; (reading,).
        sensor: index, -1 for none that is known; (reading,).
        sensors: the known ones.
    """
    row = {"": 0} | {name: 1 + number for number, name in enumerate(UNITS)}
    kinds = [*SI]
    kind_of_unit = np.array([-1, *(kinds.index(dimension(name)) for name in UNITS), -1])
    factor_of_unit = np.array([np.nan, *(si_per(name) for name in UNITS), np.nan])
    kind_of_sensor = np.array([*(kinds.index(QUANTITIES[sensor.quantity]) for sensor in sensors.rows), -2])
    own = np.append(sensors.si_per_unit, np.nan)
    place = np.fromiter((row.get(name, -1) for name in unit), dtype=np.int64, count=len(unit))
    stated = np.where(kind_of_unit[place] == kind_of_sensor[sensor], factor_of_unit[place], np.nan)
    return np.where(place == 0, own[sensor], stated)


def _judge_clocks(
    limits: Limits, state: ClockState, sensor: Ints, time: Ints, now: int
) -> tuple[npt.NDArray[np.bool_], ClockState]:
    """Which readings have an unbelievable time; the batch itself is part of what they are compared with."""
    absurd = (time < OLDEST) | (time >= NEWEST)
    counted = (sensor >= 0) & ~absurd
    reached = np.maximum(state.latest, state.claimed)
    np.maximum.at(reached, sensor[counted], time[counted])
    heard = reached[reached != NEVER]
    wrong = absurd
    if limits.clock == "wall":
        wrong = absurd | (time > now + limits.ahead) | (time < now - BEHIND)
    elif len(heard) >= ENOUGH_SENSORS:
        middle = int(np.partition(heard, (len(heard) - 1) // 2)[(len(heard) - 1) // 2])
        wrong = absurd | (time > middle + limits.ahead) | (time < middle - BEHIND)
    believed, doubted = counted & ~wrong, counted & wrong
    latest, claimed = state.latest.copy(), state.claimed.copy()
    np.maximum.at(latest, sensor[believed], time[believed])
    claimed[sensor[believed]] = NEVER
    np.maximum.at(claimed, sensor[doubted], time[doubted])
    return wrong, ClockState(latest, claimed)


def _reasons(
    sensors: Sensors, limits: Limits, sensor: Ints, readings: Readings, flag: npt.NDArray[np.int8]
) -> npt.NDArray[np.object_]:
    """A sentence for each reading that is not good; what many have in common is written once."""
    why = np.full(len(readings), "", dtype=object)
    shown, fits = cache(iso_time), cache(partial(_limits_as_text, sensors, limits))
    bad = np.flatnonzero(flag)
    columns = (readings.sensor, readings.time, readings.value, readings.unit, flag, sensor)
    rows = zip(*(column[bad].tolist() for column in columns), strict=True)
    for place, (name, time, value, unit, found, index) in zip(bad.tolist(), rows, strict=True):
        if found == Flag.UNKNOWN_SENSOR:
            why[place] = f"no sensor {name!r} in sensors.csv"
        elif found == Flag.BAD_CLOCK:
            why[place] = f"{shown(time)} cannot be: the other sensors' times are far from it"
        elif found == Flag.BAD_UNIT:
            why[place] = f"{sensors.rows[index].quantity} cannot be in {unit!r}"
        elif found == Flag.MISSING_VALUE:
            why[place] = "no value"
        else:
            why[place] = f"{value:g} {unit or sensors.rows[index].unit} is outside {fits(index)}"
    return why


def _limits_as_text(sensors: Sensors, limits: Limits, sensor: int) -> str:
    row, factor = sensors.rows[sensor], float(sensors.si_per_unit[sensor])
    low, high = limits.low[sensor] / factor, limits.high[sensor] / factor
    return f"{low:.4g} to {high:.4g} {row.unit}, what {row.quantity} at {row.element} can be"
