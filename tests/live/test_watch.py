"""In the twin: spikes return and steps stay; a stuck sensor repeats more than it does by itself."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import numpy.typing as npt
import pytest

from tweeling.live.batch import Batch
from tweeling.live.watch import ENOUGH, LEAST_RUN, STDS, WatchState, watch
from tweeling.observation.sensors import Sensor, Sensors
from tweeling.reading import SECOND, Flag

STD = 0.02
INTERVAL = 300 * SECOND
Values = npt.NDArray[np.float64]


def sensors(count: int) -> Sensors:
    rows = tuple(Sensor(f"p{number}", "pressure", "n", "m", STD) for number in range(count))
    return Sensors(rows, np.zeros(count, dtype=np.int64), np.full(count, STD), np.ones(count))


def run(values: Values, steps: int, state: WatchState | None = None) -> tuple[WatchState, Values, npt.NDArray[np.int8]]:
    """Takes (step, sensor) in cycles of some steps."""
    state = WatchState.first(sensors(values.shape[1])) if state is None else state
    clean, flags = [], []
    for start in range(0, len(values), steps):
        part = values[start : start + steps]
        times = np.arange(start, start + len(part), dtype=np.int64) * INTERVAL
        batch = Batch(int(times[-1]), times, part, part, np.zeros(part.shape, dtype=np.int8))
        state, batch = watch(state, batch)
        assert batch.seen is part
        clean.append(batch.value)
        flags.append(batch.flag)
    return state, np.concatenate(clean), np.concatenate(flags)


def days(count: int, n_sensors: int = 4, seed: int = 1) -> Values:
    """Pressures as a town has them: a daily wave, noise of the demands, two decimals."""
    rng = np.random.default_rng(seed)
    step = np.arange(288 * count)[:, None]
    return np.round(40 + 3 * np.sin(2 * np.pi * step / 288) + rng.normal(0, 0.05, (len(step), n_sensors)), 2)


every_cycle = pytest.mark.parametrize("steps", [1, 5, 12, 288])


@every_cycle
def test_good_readings_stay_good(steps: int) -> None:
    values = days(10)
    state, clean, flags = run(values, steps)
    np.testing.assert_array_equal(clean, values)
    assert not flags.any()
    assert not state.spikes.any()


@every_cycle
def test_a_spike_is_flagged_or_held_back_and_its_neighbours_are_good(steps: int) -> None:
    values = days(5)
    at = 1000
    values[at, 2] += 3.0
    state, clean, flags = run(values, steps)
    assert np.argwhere(np.isnan(clean)).tolist() == [[at, 2]]
    assert state.spikes.tolist() == [0, 0, 1, 0]
    last_of_cycle = (at + 1) % steps == 0
    assert np.argwhere(flags == Flag.SPIKE).tolist() == ([] if last_of_cycle else [[at, 2]])


@every_cycle
def test_a_step_that_stays_is_good_and_costs_one_reading_at_most(steps: int) -> None:
    values = days(5)
    at = 1000
    values[at:, 1] -= 6.0
    state, clean, flags = run(values, steps)
    assert not flags.any()
    assert not state.spikes.any()
    assert np.argwhere(np.isnan(clean)).tolist() == ([[at, 1]] if (at + 1) % steps == 0 else [])


@every_cycle
def test_a_step_that_overshoots_and_stays_is_good(steps: int) -> None:
    values = days(5)
    at = 1000
    values[at, 1] -= 8.0
    values[at + 1 :, 1] -= 5.0
    state, _, flags = run(values, steps)
    assert not flags.any()
    assert not state.spikes.any()


def test_a_sensor_that_jumps_by_itself_is_not_held_back() -> None:
    values = days(6)
    values[:, 0] = np.where(np.arange(len(values)) // 37 % 2, 25.0, 0.0) + np.arange(len(values)) % 2 * 0.01  # a pump
    _, clean, flags = run(values, 1)
    assert not flags[:, 0].any()
    assert not np.isnan(clean[:, 0]).any()


def test_a_sensor_with_peaks_of_its_own_is_judged_by_them() -> None:
    values = days(6)
    values[::50, 0] += 2.0  # a customer's meter
    values[1414, 0] += 3.0
    values[1514, 0] += 20.0
    values[1514, 1] += 2.0
    _, clean, flags = run(values, 12)
    assert np.argwhere(flags).tolist() == [[1514, 0], [1514, 1]]
    assert np.isnan(clean[1514, :2]).all()


def test_what_is_small_for_the_instrument_is_no_spike() -> None:
    values = np.full((900, 2), 40.0) + np.arange(900)[:, None] * 1e-6
    values[800] += STDS * STD * np.array([0.9, 1.1])
    _, _, flags = run(values, 12)
    assert np.argwhere(flags).tolist() == [[800, 1]]


def test_gaps_are_passed_over() -> None:
    values = days(5)
    values[998:1000] = np.nan
    values[1000, 0] += 3.0
    values[1001:1003] = np.nan
    state, clean, flags = run(values, 5)
    assert flags[1000, 0] == Flag.SPIKE or np.isnan(clean[1000, 0])
    assert state.spikes.tolist() == [1, 0, 0, 0]
    assert not np.isnan(clean[1003:]).any()


@every_cycle
def test_a_sensor_that_sticks_is_flagged_beyond_three_of_its_own_runs(steps: int) -> None:
    values = days(5)
    at = 900
    values[at : at + 200, 3] = values[at, 3]
    state, clean, flags = run(values, steps)
    stuck = np.flatnonzero(flags[:, 3] == Flag.STUCK)
    assert at + LEAST_RUN <= stuck[0] <= at + LEAST_RUN + 3
    assert stuck.tolist() == list(range(int(stuck[0]), at + 200))
    assert np.isnan(clean[stuck, 3]).all()
    assert not flags[:, :3].any()
    assert state.stuck.tolist() == [0, 0, 0, len(stuck)]


def test_a_sensor_that_holds_long_runs_by_itself_may() -> None:
    values = days(9)
    for day in range(9):
        values[288 * day : 288 * day + 100 + 10 * day, 0] = 0.0  # a pump that stands still, longer every night
    _, _, flags = run(values, 12)
    assert not flags.any()


def test_a_fault_is_not_learned_as_a_habit() -> None:
    values = days(12)
    for at in (1000, 2000):
        values[at : at + 500, 0] = 40.0
    _, _, flags = run(values, 12)
    assert (flags[1000:1500, 0] == Flag.STUCK).sum() > 460
    assert (flags[2000:2500, 0] == Flag.STUCK).sum() > 450


def test_nothing_is_judged_before_a_sensor_is_known() -> None:
    values = days(4)
    values[ENOUGH - 50, 0] += 30.0
    values[100:400, 1] = 40.0
    _, _, flags = run(values, 12)
    assert not flags.any()


def test_what_the_door_has_flagged_is_not_looked_at_and_keeps_its_flag() -> None:
    values = days(4)
    state, _, _ = run(values[:1000], 12)
    part = values[1000:1012].copy()
    seen = part.copy()
    part[5, 0] = np.nan
    flag = np.zeros(part.shape, dtype=np.int8)
    flag[5, 0] = Flag.OUT_OF_RANGE
    _, batch = watch(state, Batch(0, np.arange(12), part, seen, flag))
    assert batch.flag[5, 0] == Flag.OUT_OF_RANGE
    assert (batch.flag != 0).sum() == 1
    np.testing.assert_array_equal(batch.seen, seen)


def test_cycles_of_any_length_leave_the_same_state() -> None:
    values = days(5)
    values[1000, 2] += 3.0
    values[1100:1200, 1] = 40.0
    values[::17, 0] = np.nan
    first, *_ = run(values, 1)
    for steps in (5, 12, 288):
        other, *_ = run(values, steps)
        for field in fields(WatchState):
            np.testing.assert_array_equal(getattr(first, field.name), getattr(other, field.name), err_msg=field.name)


def test_a_step_changes_neither_the_state_nor_the_batch_it_was_given() -> None:
    values = days(4)
    state, *_ = run(values, 12)
    before = {field.name: getattr(state, field.name).copy() for field in fields(WatchState)}
    part = np.full((24, 4), 40.0)
    batch = Batch(0, np.arange(24), part, part.copy(), np.zeros(part.shape, dtype=np.int8))
    _, after = watch(state, batch)
    assert after.value is not batch.value
    assert (part == 40.0).all()
    for name, column in before.items():
        np.testing.assert_array_equal(getattr(state, name), column)
