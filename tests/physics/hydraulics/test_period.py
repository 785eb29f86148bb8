"""Extended periods by themselves: what is conserved, what is independent, what a restart needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from networks import package_network
from physics.hydraulics.periods import TIGHT, town, walk
from tweeling.network.inp.read import read_network
from tweeling.physics.hydraulics.clock import Clock, report_times
from tweeling.physics.hydraulics.contract import Status
from tweeling.physics.hydraulics.drivers import Drivers
from tweeling.physics.hydraulics.period import Moment, Period, PeriodState, first_state, step
from tweeling.physics.hydraulics.plan import make_plan
from tweeling.physics.hydraulics.tanks import volume_per_flow
from tweeling.physics.kernels.cpu import solve

BUSY = {
    "CONTROLS": "LINK PU CLOSED IF NODE T ABOVE 5.1\nLINK PU OPEN IF NODE T BELOW 2.05\nLINK P3 CLOSED AT TIME 5:11",
    "RULES": "RULE 1\nIF TANK T LEVEL < 3\nAND SYSTEM CLOCKTIME > 8 AM\nTHEN PIPE P3 STATUS = OPEN\n"
    "RULE 2\nIF TANK T FILLTIME < 1\nTHEN PUMP PU SETTING = 0.9",
    "EMITTERS": "J3 0.3",
    "OPTIONS": "Units LPS\nDemand Model PDA\nRequired Pressure 30\nEmitter Exponent 0.5",
}
"""Sections with which much happens and everything that a restart needs is in use."""


def arrays(value: Any, name: str = "") -> Iterator[tuple[str, np.ndarray]]:
    """All arrays of a dataclass of dataclasses, with their names."""
    for entry in fields(value):
        item = getattr(value, entry.name)
        if is_dataclass(item):
            yield from arrays(item, f"{name}.{entry.name}")
        else:
            yield f"{name}.{entry.name}", item


def assert_identical(one: Any, other: Any) -> None:
    """Fails unless all arrays are equal bit for bit."""
    for (name, mine), (_, yours) in zip(arrays(one), arrays(other), strict=True):
        np.testing.assert_array_equal(mine, yours, err_msg=name)


def busy_town(folder: Path) -> tuple[Period, Drivers]:
    """A town in which much happens, with 40 members of different demands."""
    network = read_network(town(folder, **BUSY))
    period = Period.of(make_plan(network))
    factor = np.random.default_rng(1).uniform(0.6, 1.5, (40, network.nodes.n_junctions))
    return period, Drivers.of(period.plan).with_demand_factor(factor)


def steps(period: Period, state: PeriodState, drivers: Drivers, count: int) -> tuple[PeriodState, list[Moment]]:
    """So many steps of every member."""
    moments = []
    for _ in range(count):
        state, moment = step(period, state, drivers, solve, TIGHT)
        moments.append(moment)
    return state, moments


def test_a_restart_from_a_saved_state_equals_no_stop(tmp_path: Path) -> None:
    period, drivers = busy_town(tmp_path)
    first = first_state(period, 40, drivers)
    half, _ = steps(period, first, drivers, 30)
    saved = {name: array.copy() for name, array in arrays(half)}
    end, _ = steps(period, half, drivers, 30)
    for name, array in arrays(half):
        np.testing.assert_array_equal(array, saved[name], err_msg=f"a step has changed {name} of the state it started from")
    again, _ = steps(period, half.rows(np.arange(40)), drivers, 30)
    assert_identical(end, again)


def test_a_member_does_what_it_does_alone(tmp_path: Path) -> None:
    period, drivers = busy_town(tmp_path)
    together, moments = steps(period, first_state(period, 40, drivers), drivers, 50)
    assert len(np.unique(together.time)) > 5, "the members should have gone their own ways"
    for member in (0, 17, 39):
        own = drivers.rows(np.array([member]))
        alone, alone_moments = steps(period, first_state(period, 1, own), own, 50)
        assert_identical(together.rows(np.array([member])), alone)
        np.testing.assert_array_equal(moments[-1].solution.head[member], alone_moments[-1].solution.head[0])


def test_members_in_another_order_do_the_same(tmp_path: Path) -> None:
    period, drivers = busy_town(tmp_path)
    order = np.random.default_rng(2).permutation(40)
    here, _ = steps(period, first_state(period, 40, drivers), drivers, 40)
    there, _ = steps(period, first_state(period, 40, drivers), drivers.rows(order), 40)
    assert_identical(here.rows(order), there)


@pytest.mark.parametrize("name", ["Net1", "Net3"])
def test_what_flows_into_tanks_is_what_they_gain(name: str) -> None:
    day = walk(package_network("epyt", name), 24)
    per_flow = volume_per_flow(day.network.units)
    start = first_state(Period.of(make_plan(day.network)), 1, Drivers.of(make_plan(day.network)))
    tanks = day.network.tanks.node - day.network.nodes.n_junctions
    into, seconds = day.of(0, "net_inflow")[:, tanks], day.of(0, "seconds")[:, None]
    gained = (into * seconds * per_flow + day.of(0, "adjusted")).sum(axis=0)
    np.testing.assert_allclose(day.state.volume[0] - start.volume[0], gained, rtol=0, atol=1e-9)
    assert (np.abs(day.of(0, "adjusted")) <= np.abs(into) * per_flow + 1e-9).all(), "a snap is worth a second at most"


def test_a_tank_that_overflows_spills_what_still_comes(tmp_path: Path) -> None:
    day = walk(town(tmp_path, TANKS="T 40 3 0.5 5.98 8 0 * YES"), 12)
    level = day.of(0, "head")[:, -1] - 40
    full = np.flatnonzero(level >= 5.98 - 1e-9)[1:-1]
    assert len(full) > 3
    inflow, seconds = day.of(0, "net_inflow")[full, -1], day.of(0, "seconds")[full]
    assert (inflow > 0.01).all()
    np.testing.assert_allclose(
        day.of(0, "adjusted")[full, 0], -inflow * seconds * volume_per_flow(day.network.units), rtol=1e-9
    )


def test_a_control_acts_within_a_second_of_its_level(tmp_path: Path) -> None:
    day = walk(town(tmp_path, CONTROLS="LINK PU CLOSED IF NODE T ABOVE 5"), 6)
    closed = day.of(0, "status")[:, day.network.link("PU")] == Status.CLOSED
    first = int(np.flatnonzero(closed)[0])
    level = day.of(0, "head")[first, -1] - 40
    rise_per_second = day.of(0, "net_inflow")[first - 1, -1] / (np.pi * 8**2 / 4)
    assert abs(level - 5) <= rise_per_second
    assert day.of(0, "time")[first] % 3600 != 0


def test_the_pumps_of_all_members_follow_their_pattern(tmp_path: Path) -> None:
    day = walk(town(tmp_path, PUMPS="PU R J1 HEAD H PATTERN DAY"), 6, members=3)
    pump = day.network.link("PU")
    for member in range(3):
        wanted = np.array([0.5, 0.8, 1.4, 1.6])[day.of(member, "time") // 7200]
        np.testing.assert_array_equal(day.of(member, "setting")[:, pump], wanted)


def test_events_come_in_their_order_and_steps_end_at_each(tmp_path: Path) -> None:
    times = "Duration 4\nHydraulic Timestep 1:00\nPattern Timestep 1:30\nReport Timestep 0:50\nRule Timestep 0:07"
    rule = "RULE 1\nIF SYSTEM TIME = 2:05\nTHEN PIPE P3 STATUS = CLOSED"
    day = walk(town(tmp_path, TIMES=times, RULES=rule, CONTROLS="LINK P1 CLOSED AT TIME 0:33:20"), 4)
    minutes = (day.of(0, "time") / 60).tolist()
    control, rule_fires = 33 + 20 / 60, 126.0
    reports, patterns = [50.0, 100.0, 150.0, 200.0], [90.0, 180.0]
    # The rule sees 2:05 when it looks next, at 18 x 7 min.
    assert set(minutes) >= {control, rule_fires, *reports, *patterns}
    assert not set(minutes) & {60.0, 120.0}, "no step ends for nothing"
    closed = dict(zip(minutes, day.of(0, "status") == Status.CLOSED, strict=True))
    p1, p3 = day.network.link("P1"), day.network.link("P3")
    assert not closed[0.0][p1]
    assert closed[control][p1]
    assert not closed[100.0][p3]
    assert closed[rule_fires][p3]


def test_reports_fall_where_the_file_says() -> None:
    times = read_network(package_network("epyt", "Net1")).times
    assert report_times(replace(times, report_start=1800, report_step=3600), 7200).tolist() == [1800, 5400]
    assert report_times(replace(times, report_start=9000, report_step=3600), 7200).tolist() == [0, 3600, 7200]
    clock = Clock.of(replace(times, report_start=1800, report_step=3600, hydraulic_step=3600, pattern_step=7200))
    assert clock.regular_step(np.array([0, 1800, 1801, 5000])).tolist() == [1800, 3600, 3599, 400]


def test_the_longest_step_is_never_above_pattern_and_report() -> None:
    times = read_network(package_network("epyt", "Net1")).times
    clock = Clock.of(replace(times, hydraulic_step=7200, pattern_step=3600, report_step=1800, rule_step=9999))
    assert (clock.hydraulic_step, clock.rule_step) == (1800, 1800)


def test_a_step_may_end_at_a_given_time(tmp_path: Path) -> None:
    period, drivers = busy_town(tmp_path)
    state = first_state(period, 40, drivers)
    state, moment = step(period, state, drivers, solve, TIGHT, until=100)
    assert (state.time <= 100).all()
    state, moment = step(period, state, drivers, solve, TIGHT, until=100)
    assert (moment.seconds + moment.time <= 100).all()


def test_pump_energy_is_power_times_time(tmp_path: Path) -> None:
    day = walk(town(tmp_path, CONTROLS="LINK PU 0.8 AT TIME 3"), 6)
    energy, power = day.state.energy, np.array([moment.power.power[0, 0] for moment in day.moments])
    seconds = day.of(0, "seconds")
    np.testing.assert_allclose(energy.energy[0, 0], (power * seconds).sum(), rtol=1e-12)
    np.testing.assert_allclose(energy.peak[0, 0], power[seconds > 0].max(), rtol=1e-12)
    np.testing.assert_allclose(energy.total_peak[0], energy.peak[0, 0])
    price = 0.12 * np.array([1, 0.5, 2])[(day.of(0, "time") // 7200) % 3]
    np.testing.assert_allclose(energy.cost[0, 0], (price * power * seconds).sum() / 3.6e6, rtol=1e-12)
    assert energy.online[0, 0] == 6 * 3600
    assert 0.5 < energy.efficiency[0, 0] < 0.8


def test_efficiency_at_another_speed_follows_sarbu_and_borza(tmp_path: Path) -> None:
    day = walk(town(tmp_path, CONTROLS="LINK PU 0.8 AT TIME 0"), 0)
    flow = day.of(0, "link")[0, day.network.link("PU")] * 1e3 / 0.8
    at_full_speed = np.interp(flow, [10, 25, 40], [55, 75, 70])
    expected = 1 - (1 - at_full_speed / 100) * (1 / 0.8) ** 0.1
    np.testing.assert_allclose(day.moments[0].power.efficiency[0, 0], expected, rtol=1e-12)
