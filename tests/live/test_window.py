"""Cycles close when half of the sensors have come so far, whatever one clock says and in whatever order readings come."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fake_twin import MINUTE, START, fake_config, fake_network, fake_sensors
from tweeling.live.store.contract import StoredReadings
from tweeling.live.window import Timing, Window, close, collect_batch, due, hear, level
from tweeling.reading import HOUR, Flag

CONFIG = fake_config()
TIMING = Timing.of(CONFIG)
SENSORS = fake_sensors(fake_network())
N_SENSORS = 5


def stored(rows: list[tuple[int, float, float]], order: list[int] | None = None, **columns: object) -> StoredReadings:
    """Readings of (sensor, minute, value), kept in an order."""
    rows = [rows[place] for place in order] if order is not None else rows
    names = SENSORS.ids
    usual = {
        "sequence": np.arange(1, len(rows) + 1),
        "sensor": np.array([names[row[0]] for row in rows], dtype=object),
        "time": np.array([START + round(row[1] * MINUTE) for row in rows], dtype=np.int64),
        "value": np.array([row[2] for row in rows], dtype=float),
        "unit": np.full(len(rows), "", dtype=object),
        "quality": np.full(len(rows), "", dtype=object),
        "flag": np.zeros(len(rows), dtype=np.int8),
        "clean": np.array([row[2] for row in rows], dtype=float),
        "received": np.zeros(len(rows), dtype=np.int64),
    }
    return StoredReadings(**(usual | columns))


def heard(minutes: dict[int, float], window: Window | None = None, received: int = 0) -> Window:
    """A window after one reading of some sensors."""
    sensor = np.array(list(minutes), dtype=np.int64)
    time = np.array([START + round(minute * MINUTE) for minute in minutes.values()], dtype=np.int64)
    return hear(window or Window.of(N_SENSORS), sensor, time, np.full(len(sensor), received))


def ends(window: Window, now: int = 0) -> list[tuple[float, str]]:
    return [((end - START) / MINUTE, reason) for end, reason in due(window, TIMING, now)]


def test_nothing_is_due_before_anything_is_heard() -> None:
    assert due(Window.of(N_SENSORS), TIMING, now=10 * HOUR) == []


def test_a_cycle_closes_when_half_of_the_sensors_have_passed_its_end_by_the_lateness() -> None:
    window = heard(dict.fromkeys(range(N_SENSORS), 5.0))
    assert ends(window) == []
    window = heard({0: 20.0, 1: 20.0}, window)
    assert ends(window) == []
    window = heard({2: 19.0}, window)
    assert ends(window) == []
    window = heard({2: 20.0}, window)
    assert ends(window) == [(10.0, "watermark")]
    assert ends(close(window, START + 10 * MINUTE)) == []


@given(
    minutes=st.lists(st.integers(0, 600), min_size=N_SENSORS, max_size=N_SENSORS),
    wrong=st.integers(0, N_SENSORS - 1),
    clock=st.sampled_from([-(10**9), -1440.0 * 365 * 48, 10**6, 1440.0 * 365 * 80]),
)
def test_one_wrong_clock_moves_nothing_beyond_where_the_others_are(minutes: list[int], wrong: int, clock: float) -> None:
    right = {sensor: minute for sensor, minute in enumerate(minutes) if sensor != wrong}
    window = heard(dict.fromkeys(range(N_SENSORS), 0.0))
    window = heard({**right, wrong: clock}, window)
    reached = level(window)
    assert reached is not None
    assert min(right.values()) <= (reached - START) / MINUTE <= max(right.values())
    assert all(0 <= end <= max(right.values()) for end, _ in ends(window))


def test_of_two_sensors_one_wrong_clock_moves_nothing() -> None:
    window = heard({0: 5.0, 1: 5.0})
    assert ends(heard({0: 10**6}, window)) == []


@given(st.permutations(range(30)), st.integers(0, 25))
def test_what_was_heard_does_not_depend_on_the_order(order: list[int], cut: int) -> None:
    sensor, minute = np.arange(30) % N_SENSORS, START + np.arange(30) * 3 * MINUTE
    once = hear(Window.of(N_SENSORS), sensor, minute, minute)
    shuffled = Window.of(N_SENSORS)
    for part in (np.array(order[:cut], dtype=int), np.array(order[cut:], dtype=int)):
        shuffled = hear(shuffled, sensor[part], minute[part], minute[part])
    assert due(once, TIMING, 0) == due(shuffled, TIMING, 0)


def test_sensors_that_fell_silent_together_hold_the_others_for_an_hour_and_no_longer() -> None:
    window = heard(dict.fromkeys(range(N_SENSORS), 5.0), received=0)
    going_on = heard({0: 55.0, 1: 55.0}, window, received=50 * MINUTE)
    assert ends(going_on) == []
    later = heard({0: 70.0, 1: 70.0}, going_on, received=65 * MINUTE)
    assert [end for end, _ in ends(later)] == [10.0, 20.0, 30.0, 40.0, 50.0, 60.0]


def test_silence_closes_the_cycles_that_have_readings_and_no_more() -> None:
    window = heard(dict.fromkeys(range(N_SENSORS), 12.0), received=START)
    assert ends(window, now=START + 14 * MINUTE) == []
    assert ends(window, now=START + 15 * MINUTE) == [(20.0, "give_up")]
    assert ends(close(window, START + 20 * MINUTE), now=START + 10 * HOUR) == []


def test_where_readings_are_stamped_by_the_wall_clock_silence_is_time_that_passes() -> None:
    window = close(heard(dict.fromkeys(range(N_SENSORS), 12.0), received=START + 12 * MINUTE), START + 20 * MINUTE)
    timing = Timing.of(fake_config(clock="wall"))
    assert [end - START for end, _ in due(window, timing, START + 50 * MINUTE)] == [30 * MINUTE]


CATCHING_UP = Timing.of(fake_config(catch_up="30min"))


def lengths(window: Window, timing: Timing = CATCHING_UP, now: int = 0) -> list[float]:
    found = [end for end, _ in due(window, timing, now)]
    return [(end - before) / MINUTE for before, end in zip([window.closed or START, *found], found, strict=False)]


def test_a_backlog_is_taken_in_long_cycles_and_what_is_left_of_it_in_short_ones() -> None:
    assert lengths(heard(dict.fromkeys(range(N_SENSORS), 5.0), heard(dict.fromkeys(range(N_SENSORS), 115.0)))) == [
        *[10.0] * 3,  # the first is short, and so are those until a long one can begin
        *[30.0] * 2,
        10.0,
    ]
    assert lengths(close(heard(dict.fromkeys(range(N_SENSORS), 68.0)), START + 30 * MINUTE)) == [10.0, 10.0]
    assert lengths(close(heard(dict.fromkeys(range(N_SENSORS), 70.0)), START + 30 * MINUTE)) == [30.0]
    assert lengths(close(heard(dict.fromkeys(range(N_SENSORS), 170.0)), START + 40 * MINUTE)) == [
        10.0,
        10.0,
        30.0,
        30.0,
        30.0,
        10.0,
    ]


def test_without_catching_up_all_cycles_are_of_one_length() -> None:
    window = close(heard(dict.fromkeys(range(N_SENSORS), 610.0)), START)
    assert lengths(window, TIMING) == [10.0] * 60
    assert TIMING.catch_up == TIMING.cycle


def test_silence_and_the_wall_clock_are_caught_up_in_long_cycles_too() -> None:
    window = close(heard(dict.fromkeys(range(N_SENSORS), 72.0), received=START), START)
    assert due(window, CATCHING_UP, START + 15 * MINUTE) == [
        (START + minute * MINUTE, reason)
        for minute, reason in ((30, "watermark"), (60, "watermark"), (70, "give_up"), (80, "give_up"))
    ]
    by_wall = Timing.of(fake_config(catch_up="30min", clock="wall"))
    assert lengths(close(window, START + 90 * MINUTE), by_wall, START + 180 * MINUTE) == [30.0, 30.0, 10.0]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12))
def test_rows_that_were_closed_by_the_rules_are_known_as_such(steps: list[int]) -> None:
    window, ends, minute = Window.of(N_SENSORS), [], 0
    for step in steps:
        minute += step * 5
        window = heard(dict.fromkeys(range(N_SENSORS), float(minute)), window)
        while found := due(window, CATCHING_UP, 0):
            window = close(window, found[0][0])
            ends.append(found[0][0])
    assert CATCHING_UP.could_be(np.array(ends, dtype=np.int64))
    if (np.diff(ends) > 10 * MINUTE).any():
        assert not TIMING.could_be(np.array(ends, dtype=np.int64))


def test_a_batch_has_a_row_for_each_interval_since_the_cycle_before() -> None:
    rows = [(0, minute, minute) for minute in range(5, 45, 5)]
    batch = collect_batch(stored(rows), SENSORS, CONFIG, START, START + 30 * MINUTE)
    assert batch.value[:, 0].tolist() == [5.0, 10.0, 15.0, 20.0, 25.0, 30.0]
    assert batch.times.tolist() == [START + minute * MINUTE for minute in range(5, 35, 5)]
    later = collect_batch(stored(rows), SENSORS, CONFIG, START + 30 * MINUTE, START + 40 * MINUTE)
    assert later.value[:, 0].tolist() == [35.0, 40.0]


@given(st.data())
def test_shuffled_arrival_gives_the_same_batches(data: st.DataObject) -> None:
    rows = data.draw(
        st.lists(
            st.tuples(st.integers(0, N_SENSORS - 1), st.floats(0.1, 10.0), st.floats(-1e3, 1e3)),
            unique_by=lambda row: (row[0], round(row[1] * MINUTE)),
            max_size=40,
        )
    )
    order = data.draw(st.permutations(range(len(rows))))
    once = collect_batch(stored(rows), SENSORS, CONFIG, START, START + 10 * MINUTE)
    shuffled = collect_batch(stored(rows, order), SENSORS, CONFIG, START, START + 10 * MINUTE)
    for name in ("times", "value", "seen", "flag"):
        assert np.array_equal(getattr(once, name), getattr(shuffled, name), equal_nan=True)


def one_batch(readings: StoredReadings) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    batch = collect_batch(readings, SENSORS, CONFIG, START, START + 10 * MINUTE)
    assert batch.times.tolist() == [START + 5 * MINUTE, START + 10 * MINUTE]
    return batch.value, batch.seen, batch.flag


def test_a_batch_takes_its_half_open_span_and_nothing_beside() -> None:
    value, _, _ = one_batch(stored([(0, 0.0, 1.0), (0, 5.0, 2.0), (0, 10.0, 3.0), (0, 10.1, 4.0), (1, 0.1, 5.0)]))
    assert value[:, 0].tolist() == [2.0, 3.0]
    assert value[0, 1] == 5.0
    assert np.isnan(value[1, 1])


def test_the_first_version_counts_unless_a_later_one_is_corrected() -> None:
    rows = [(0, 5.0, 1.0), (0, 5.0, 2.0), (1, 5.0, 1.0), (1, 5.0, 2.0), (1, 5.0, 3.0), (2, 5.0, np.nan), (2, 5.0, 4.0)]
    quality = np.array(["", "", "", "corrected", "", "", ""], dtype=object)
    value, _, _ = one_batch(stored(rows, quality=quality))
    assert value[0, :3].tolist() == [1.0, 2.0, 4.0]


def test_of_several_in_an_interval_the_last_point_counts_and_the_mean_of_a_flow() -> None:
    rows = [(0, 3.0, 1.0), (0, 4.0, 2.0), (3, 2.0, 10.0), (3, 4.0, 20.0), (4, 1.0, 1.0), (4, 5.0, 2.0)]
    value, _, _ = one_batch(stored(rows))
    assert value[0].tolist()[0] == 2.0
    assert value[0, 3:].tolist() == [15.0, 1.5]


def test_flagged_readings_are_seen_and_not_valued_and_late_ones_are_as_good_as_any() -> None:
    rows = [(0, 5.0, 1.0), (1, 5.0, 2.0), (2, 4.0, 3.0), (2, 5.0, 4.0)]
    flags = np.array([Flag.SPIKE, Flag.LATE, Flag.GOOD, Flag.OUT_OF_RANGE], dtype=np.int8)
    value, seen, flag = one_batch(stored(rows, flag=flags))
    assert np.isnan(value[0, 0])
    assert seen[0, :3].tolist() == [1.0, 2.0, 3.0]
    assert value[0, 1:3].tolist() == [2.0, 3.0]
    assert flag[0].tolist() == [Flag.SPIKE, Flag.GOOD, Flag.GOOD, Flag.MISSING_VALUE, Flag.MISSING_VALUE]
