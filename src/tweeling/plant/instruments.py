"""What instruments make of the truth: offset, noise, faults, resolution.

A reading is the truth plus the sensor's offset plus noise of the instrument's `std`, then what faults make of it, rounded to
the instrument's resolution: the largest of 1, 2 or 5 times a power of ten that is at most half its `std`. A customer's meter
does not run backwards: where there is a consumption, it reads at least 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tweeling.network.network import Floats
from tweeling.plant.config import DAY
from tweeling.plant.events import SensorEvent
from tweeling.plant.truth import Happening, Hidden


@dataclass(frozen=True, eq=False)
class InstrumentState:
    """What the next readings need of those before.

    Args:
        interval: the next one.
        last: reading of each sensor, in its unit, NaN before the first; (sensor,).
        held: by place of an event that has begun: the last reading before it.
        noise: random stream; it goes along, the only part that is not frozen.
    """

    interval: int
    last: Floats
    held: Mapping[int, float]
    noise: np.random.Generator


def first_state(hidden: Hidden) -> InstrumentState:
    """The state before the first reading."""
    return InstrumentState(0, np.full(len(hidden.sensors), np.nan), {}, hidden.rng("instrument"))


def read(hidden: Hidden, state: InstrumentState, exact: Floats) -> tuple[InstrumentState, Floats]:
    """Readings of the next intervals.

    Args:
        hidden: the truth.
        state: where they begin.
        exact: what there is to measure, SI; (step, sensor).

    Returns:
        The state after them, and readings in each sensor's unit, NaN where nothing comes; (step, sensor).
    """
    sensors, noisy = hidden.sensors, hidden.world.truth.noise
    readings = exact + hidden.offset
    if noisy:
        readings = readings + sensors.std * state.noise.standard_normal(exact.shape)
        backwards = np.array([row.quantity == "demand" for row in sensors.rows]) & (exact >= 0)
        readings = np.where(backwards, np.maximum(readings, 0.0), readings)
    readings = readings / sensors.si_per_unit
    held = dict(state.held)
    for place, happening in enumerate(hidden.happenings):
        if isinstance(happening.event, SensorEvent):
            _spoil(hidden, state, readings, place, happening, held)
    if noisy:
        readings = rounded(readings, np.array([row.std for row in sensors.rows]))
    return InstrumentState(state.interval + len(exact), readings[-1], held, state.noise), readings


def _spoil(
    hidden: Hidden, state: InstrumentState, readings: Floats, place: int, happening: Happening, held: dict[int, float]
) -> None:
    """What a fault makes of the readings of its sensor, in place."""
    first = state.interval
    begin, end = max(happening.start, first), min(happening.end, first + len(readings))
    if begin >= end:
        return
    assert isinstance(happening.event, SensorEvent)
    sensor = hidden.sensors.index[happening.subject]
    column: Floats = readings[:, sensor]
    if place not in held:
        before = state.last[sensor] if begin == first else column[begin - first - 1]
        held[place] = float(column[begin - first] if np.isnan(before) else before)
    during = slice(begin - first, end - first)
    days = np.arange(begin - happening.start, end - happening.start, dtype=float) * (hidden.world.interval / DAY)
    column[during] = happening.event.spoil(column[during], days, held[place], hidden.sensors.rows[sensor])


def resolution(std: Floats) -> tuple[Floats, Floats]:
    """The largest of 1, 2 or 5 times a power of ten that is at most half of `std`; and its decimals."""
    power = np.floor(np.log10(std / 2) + 1e-9)
    lead = std / 2 / 10**power
    lead = np.where(lead >= 5 - 1e-6, 5.0, np.where(lead >= 2 - 1e-6, 2.0, 1.0))
    return lead * 10**power, -power


def rounded(readings: Floats, std: Floats) -> Floats:
    """Readings in steps of the instruments' resolution, with the decimals that it has; (step, sensor)."""
    step, decimals = resolution(std)
    readings = np.round(readings / step) * step
    for sensor, places in enumerate(decimals.astype(int).tolist()):
        readings[:, sensor] = np.round(readings[:, sensor], places)  # no 36.800000000000004
    return readings
