"""Gaps: what is missing between readings is found whatever groups they come in, and silence is told once."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tweeling.live.gaps import MOST_CLOSED, Gap, Gaps, Rules, Told, hear, look
from tweeling.live.window import NEVER, Timing
from tweeling.reading import SECOND

MINUTE = 60 * SECOND
RULES = Rules(patience=15 * MINUTE, interval=5 * MINUTE)
START = 1_514_764_800 * SECOND
SENSORS = 3


def nothing() -> Gaps:
    return Gaps(np.full(SENSORS, NEVER), np.full(SENSORS, NEVER))


def heard(gaps: Gaps, rows: list[tuple[int, int]], now: int = START) -> tuple[Gaps, Told]:
    """After readings (sensor, minute)."""
    sensor = np.array([one for one, _ in rows], dtype=np.int64)
    time = np.array([START + minute * MINUTE for _, minute in rows], dtype=np.int64)
    return hear(gaps, RULES, sensor, time, now)


def spans(closed: tuple[Gap, ...]) -> list[tuple[int, int, int, int]]:
    """Sensor, from and to in minutes, readings missing."""
    return [(gap.sensor, (gap.begin - START) // MINUTE, ((gap.end or 0) - START) // MINUTE, gap.missing) for gap in closed]


def test_a_hole_between_readings_is_a_gap_and_a_late_one_is_not() -> None:
    gaps, told = heard(nothing(), [(0, 0), (0, 5), (0, 20), (0, 40), (1, 0)])
    assert spans(told.closed) == [(0, 20, 40, 3)]
    gaps, told = heard(gaps, [(1, 60), (0, 30), (0, 45)])
    assert spans(told.closed) == [(1, 0, 60, 11)]
    assert spans(gaps.closed) == [(0, 20, 40, 3), (1, 0, 60, 11)]


def test_the_first_reading_of_a_sensor_ends_no_gap() -> None:
    assert heard(nothing(), [(2, 500)])[1] == Told()


def test_silence_by_the_wall_clock_opens_a_gap_once_and_the_next_later_reading_closes_it() -> None:
    gaps, _ = heard(nothing(), [(0, 0), (1, 0)])
    assert look(gaps, RULES, START, START + 15 * MINUTE)[1] == Told()
    gaps, told = look(gaps, RULES, START, START + 16 * MINUTE)
    assert [(gap.sensor, gap.begin, gap.end) for gap in told.opened] == [(0, START, None), (1, START, None)]
    assert look(gaps, RULES, START, START + 17 * MINUTE)[1] == Told()
    gaps, told = heard(gaps, [(0, 0)], START + 18 * MINUTE)  # the same again says nothing new
    assert (told, set(gaps.open)) == (Told(), {0, 1})
    gaps, told = heard(gaps, [(0, 10), (0, 5), (0, 15)], START + 18 * MINUTE)  # what was held back comes
    assert spans(told.closed) == [(0, 0, 5, 0)]
    assert told.closed[0].noticed == START + 16 * MINUTE
    gaps, told = heard(gaps, [(1, 200)], START + 200 * MINUTE)
    assert spans(told.closed) == [(1, 0, 200, 39)]
    assert not gaps.open


def test_a_sensor_behind_the_others_is_silent_though_it_was_just_heard() -> None:
    gaps, _ = heard(nothing(), [(0, 0), (1, 60), (2, 60)])
    gaps, told = look(gaps, RULES, START + 60 * MINUTE, START)
    assert [gap.sensor for gap in told.opened] == [0]


def test_a_sensor_that_was_never_heard_has_no_gap() -> None:
    assert look(nothing(), RULES, None, START + 10**12)[1] == Told()


def test_the_list_of_closed_gaps_is_bounded() -> None:
    gaps, _ = heard(nothing(), [(0, 60 * hour) for hour in range(MOST_CLOSED + 50)])
    assert len(gaps.closed) == MOST_CLOSED
    assert spans(gaps.closed)[-1] == (0, 60 * (MOST_CLOSED + 48), 60 * (MOST_CLOSED + 49), 11)


def test_patience_is_three_intervals_and_at_least_give_up() -> None:
    def timing(interval: int, give_up: int) -> Timing:
        return Timing(cycle=0, catch_up=0, lateness=0, revise=0, give_up=give_up, interval=interval, by_wall=False)

    assert Rules.of(timing(300, 1000)) == Rules(1000, 300)
    assert Rules.of(timing(300, 100)) == Rules(900, 300)


minutes = st.lists(st.integers(0, 400).map(lambda place: 5 * place), min_size=1, max_size=30, unique=True).map(sorted)


@given(st.lists(minutes, min_size=SENSORS, max_size=SENSORS), st.data())
def test_in_order_the_gaps_are_the_differences_however_the_readings_are_grouped(times: list[list[int]], data: Any) -> None:
    rows = sorted(((one, minute) for one, its in enumerate(times) for minute in its), key=lambda row: (row[1], row[0]))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(rows)), max_size=5)))
    gaps = nothing()
    found = []
    for begin, end in itertools.pairwise([0, *cuts, len(rows)]):
        shuffled = data.draw(st.permutations(rows[begin:end]))
        gaps, told = heard(gaps, shuffled)
        found += spans(told.closed)
    expected = [
        (one, before, after, (after - before) // 5 - 1)
        for one, its in enumerate(times)
        for before, after in itertools.pairwise(its)
        if after - before > 15
    ]
    assert sorted(found) == sorted(expected)
    assert gaps.latest.tolist() == [START + its[-1] * MINUTE for its in times]


events = st.one_of(
    st.tuples(st.just("hear"), st.integers(0, SENSORS - 1), st.integers(0, 60)),
    st.tuples(st.just("look"), st.integers(0, 60), st.booleans()),
)


@given(st.lists(events, max_size=60))
def test_whatever_happens_gaps_open_once_close_once_and_never_run_backwards(rows: list[tuple[Any, ...]]) -> None:
    gaps, open_now, now = nothing(), set[int](), START
    for kind, one, other in rows:
        before = gaps
        if kind == "hear":
            gaps, told = heard(gaps, [(one, 5 * other)], now)
        else:
            now += one * MINUTE
            gaps, told = look(gaps, RULES, int(gaps.latest.max()) if other and gaps.latest.max() != NEVER else None, now)
        assert not open_now & {gap.sensor for gap in told.opened}
        open_now |= {gap.sensor for gap in told.opened}
        for gap in told.closed:
            open_now.discard(gap.sensor)
            assert gap.end is not None
            assert gap.begin < gap.end
            assert gap.begin == before.latest[gap.sensor]
        assert open_now == set(gaps.open)
