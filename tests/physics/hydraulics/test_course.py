"""The course that members start from: a shorter way to the same end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from networks import package_network
from physics.hydraulics.periods import TIGHT, town
from tweeling.network.inp.read import read_network
from tweeling.physics.hydraulics import period as module
from tweeling.physics.hydraulics.contract import Conditions, Flows, Outcome, Solution, Status, StoppingRule
from tweeling.physics.hydraulics.course import Course
from tweeling.physics.hydraulics.drivers import Drivers
from tweeling.physics.hydraulics.period import Moment, Period, PeriodState, first_state, step, with_course
from tweeling.physics.hydraulics.plan import Plan, make_plan
from tweeling.physics.kernels.cpu import solve

CONTROLS = "LINK PU CLOSED IF NODE T ABOVE 5.1\nLINK PU OPEN IF NODE T BELOW 2.05"


def some_course() -> Course:
    """Three moments of four links, of which the last is a pump; in the last moment link 1 is closed."""
    flow = np.array([[1.0, 2.0, 3.0, 4.0], [1.5, 2.5, 2.0, 0.5], [5.0, 0.0, 7.0, 8.0]])
    is_open = np.array([[True] * 4, [True] * 4, [True, False, True, True]])
    return Course.of(np.array([0, 3600, 7200]), flow, is_open, np.array([3]))


def test_members_start_from_the_course_and_their_difference_to_it() -> None:
    course, opened, shut = some_course(), [Status.OPEN] * 4, [3, Status.CLOSED, Status.XFLOW, Status.ACTIVE]
    cases = [
        # time, since, statuses before and now, flows to start from
        (0, -1, opened, opened, course.flow[0]),  # no flows yet
        (4000, 100, opened, opened, [7.35, 7.7, 6.55, 5.0]),  # as the course has moved: 0.65 of the difference
        (4000, 3700, opened, opened, [10.0] * 4),  # which it has not
        (4000, 100, shut, opened, course.flow[1]),  # just opened
        (4000, 100, opened, shut, [10.0] * 4),  # another state than the course's
        (7200, 3600, shut, shut, course.flow[2]),  # the course was in another state
        (7201, 7200, shut, shut, [10.0] * 4),  # behind its end
    ]
    time, since, before, status = (np.array([case[column] for case in cases]) for column in range(4))
    before, status = before.astype(np.int8), status.astype(np.int8)
    flow = np.full((len(cases), 4), 10.0)
    found = course.start(time, since, flow, before, status)
    np.testing.assert_allclose(found, np.array([case[4] for case in cases]), rtol=1e-15)


def test_a_pump_starts_with_half_its_flow_at_least() -> None:
    flow = np.full((1, 4), 1.0)
    open_ = np.full((1, 4), Status.OPEN, dtype=np.int8)
    found = some_course().start(np.array([3600]), np.array([0]), flow, open_, open_)
    np.testing.assert_allclose(found[0], [1.5, 1.85, 0.7, 0.5], rtol=1e-14)


def test_where_the_course_hardly_moves_a_member_keeps_its_own_flows() -> None:
    moved = np.array([[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.05], [1.0, 2.0, 3.0, 4.1], [1.0, 2.0, 3.0, 4.3]])
    course = Course.of(np.array([0, 3600, 7200, 10800]), moved, np.ones((4, 4), dtype=bool), np.array([3]))
    flow, open_ = np.full((1, 4), 10.0), np.full((1, 4), Status.OPEN, dtype=np.int8)
    for time, since, own in ((3600, 0, True), (7300, 7250, True), (7200, 0, False), (10800, 7200, False)):
        start = course.start(np.array([time]), np.array([since]), flow, open_, open_)
        assert (start is flow) == own, (time, since)


def passed(period: Period, drivers: Drivers, hours: float) -> tuple[PeriodState, list[Moment]]:
    """Twenty members, all steps."""
    state, moments = first_state(period, 20, drivers), []
    while (state.time < hours * 3600).any():
        state, moment = step(period, state, drivers, solve, TIGHT, until=round(hours * 3600))
        moments.append(moment)
    return state, moments


def iterations(moments: list[Moment]) -> int:
    """Of all members and steps."""
    return sum(int(moment.solution.iterations.sum()) for moment in moments)


@pytest.mark.parametrize("which", ["town", "Net3"])
def test_with_a_course_the_same_is_found_in_fewer_iterations(which: str, tmp_path: Path) -> None:
    path = town(tmp_path, CONTROLS=CONTROLS) if which == "town" else package_network("epyt", which)
    period = Period.of(make_plan(read_network(path)))
    factor = np.random.default_rng(1).lognormal(0, 0.1, (20, period.plan.n_junctions))
    drivers = Drivers.of(period.plan).with_demand_factor(factor)
    alone, his_moments = passed(period, drivers, 14)
    led, moments = passed(with_course(period, solve, TIGHT, 14 * 3600), drivers, 14)
    np.testing.assert_allclose(led.volume, alone.volume, rtol=1e-7)
    np.testing.assert_array_equal(led.status, alone.status)
    assert iterations(moments) < 0.9 * iterations(his_moments)


def test_a_course_is_the_files_run_and_longer_ones_begin_alike(tmp_path: Path) -> None:
    period = Period.of(make_plan(read_network(town(tmp_path, CONTROLS=CONTROLS))))
    short, long = (with_course(period, solve, TIGHT, hours * 3600).course for hours in (5, 24))
    assert short is not None
    assert long is not None
    assert len(short.time) < len(long.time)
    np.testing.assert_array_equal(short.flow, long.flow[: len(short.time)])
    state, drivers = first_state(period, 1, Drivers.of(period.plan)), Drivers.of(period.plan)
    for time, flow in zip(long.time, long.flow, strict=True):
        state, moment = step(period, state, drivers, solve, TIGHT)
        assert moment.time[0] == time
        np.testing.assert_array_equal(moment.solution.flows.link[0], flow)
    assert long.time[-1] <= 24 * 3600 < state.time[0]


def test_a_course_ends_where_it_would_be_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    period = Period.of(make_plan(read_network(town(tmp_path, CONTROLS=CONTROLS))))
    monkeypatch.setattr(module, "MOST_VALUES", 3 * period.plan.n_links)
    course = with_course(period, solve, TIGHT, 24 * 3600).course
    assert course is not None
    assert len(course.time) == 3
    monkeypatch.setattr(module, "MOST_VALUES", 0)
    assert with_course(period, solve, TIGHT, 24 * 3600).course is None


def failing(at: int) -> Callable[[Plan, Conditions, Flows, StoppingRule], Solution]:
    """An engine whose solve number `at` does not balance."""
    count = iter(range(100))

    def engine(plan: Plan, conditions: Conditions, flows: Flows, rule: StoppingRule) -> Solution:
        solution = solve(plan, conditions, flows, rule)
        bad = next(count) == at
        return replace(solution, outcome=np.full_like(solution.outcome, Outcome.UNBALANCED)) if bad else solution

    return engine


def test_a_course_ends_where_it_does_not_balance(tmp_path: Path) -> None:
    period = Period.of(make_plan(read_network(town(tmp_path, CONTROLS=CONTROLS))))
    course = with_course(period, failing(2), TIGHT, 24 * 3600).course
    assert course is not None
    assert len(course.time) == 2
    assert with_course(period, failing(0), TIGHT, 24 * 3600).course is None
