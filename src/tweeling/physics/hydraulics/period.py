"""Extended periods: all members step after step, each with a clock of its own.

`step(period, state, drivers, engine, rule) -> (state, moment)` is pure: the state holds all that the next step needs, so a
restart at the end of a step equals no stop, bit for bit. What a member does depends on no other member.

A step is what EPANET 2.3 does between two times (`hydraul.c`): demands, reservoir heads and pump speeds by patterns; simple
controls; a steady state; how long it lasts (hydraulic step, pattern, report, a tank full or empty, a control); then the
tanks move, and inside the step rules are looked at, which may end it.

Two things differ on purpose. EPANET ends a run whose hydraulics do not balance (`UNBALANCED STOP`); here the member goes on
and its outcome says so. And pump energy follows from the steady state, see `energy.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from tweeling.network.network import Floats, Ints
from tweeling.physics.hydraulics.clock import Clock
from tweeling.physics.hydraulics.contract import Codes, Conditions, Engine, Flows, Outcome, Solution, Status, StoppingRule
from tweeling.physics.hydraulics.controls import ControlTable, set_pump_speeds
from tweeling.physics.hydraulics.course import MOST_VALUES, Course
from tweeling.physics.hydraulics.drivers import Drivers, Multipliers, PatternTable
from tweeling.physics.hydraulics.energy import PumpEnergy, PumpPower, tariff_of, used
from tweeling.physics.hydraulics.plan import Plan, PumpLaw, initial_status
from tweeling.physics.hydraulics.rules import Interval, RuleTable, Situation
from tweeling.physics.hydraulics.tanks import compiled_tanks, tank_heads, tank_volumes, volume_per_flow
from tweeling.physics.kernels.compiled import owned
from tweeling.physics.kernels.energy import PumpTariff
from tweeling.physics.kernels.events import (
    Happenings,
    Reservoirs,
    act_controls,
    controls_change,
    cut_steps,
    fill_tanks,
    write_fixed_heads,
)
from tweeling.physics.kernels.memory import copy_of

NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class Period:
    """A network compiled for extended periods: the plan of a steady state, and everything that happens in time.

    `course` is what members start from; None lets them start from their own last flows.
    """

    plan: Plan
    clock: Clock
    patterns: PatternTable
    controls: ControlTable
    rules: RuleTable
    volume_per_flow: float
    course: Course | None = None

    @staticmethod
    def of(plan: Plan) -> Period:
        """What a network's file asks for."""
        network = plan.network
        return Period(
            plan=plan,
            clock=Clock.of(network.times),
            patterns=PatternTable.of(network),
            controls=ControlTable.of(plan),
            rules=RuleTable.of(network),
            volume_per_flow=volume_per_flow(network.units),
        )

    @property
    def resting(self) -> float:
        """A filling, m3 per second, up to which a tank counts as resting."""
        return self.plan.constants.no_flow * self.volume_per_flow

    @cached_property
    def happenings(self) -> Happenings:
        """Controls and tanks as kernels take them."""
        return Happenings(
            controls=self.controls.compiled(self.plan),
            tanks=compiled_tanks(self.plan.tanks),
            reservoirs=self._reservoirs(),
            start_clock=self.clock.start_clock,
            per_flow=self.volume_per_flow,
            resting=self.resting,
        )

    def _reservoirs(self) -> Reservoirs:
        network = self.plan.network
        node, pattern = network.reservoirs.node, network.reservoirs.pattern
        return Reservoirs(node - self.plan.n_junctions, network.nodes.elevation[node], owned(pattern, np.int64))

    @cached_property
    def speeds_follow_patterns(self) -> bool:
        """Whether any pump's speed follows a pattern."""
        return bool((self.plan.network.pumps.speed_pattern >= 0).any())

    @cached_property
    def tariff(self) -> PumpTariff:
        """Pumps and what their energy costs, as kernels take them."""
        return tariff_of(self.plan)


@dataclass(frozen=True, eq=False)
class PeriodState:
    """All that the next step needs of the steps before.

    Args:
        time: s since the start; (member,), int64.
        volume: in tanks, m3; (member, tank).
        net_inflow: into reservoirs and tanks during the last step, m3/s; (member, fixed).
        status: `Status`; (member, link), int8.
        setting: (member, link).
        flows: of the last steady state: where the next one starts from.
        since: s, when that was, -1 before the first; (member,).
        energy: of pumps since the start.
    """

    time: Ints
    volume: Floats
    net_inflow: Floats
    status: Codes
    setting: Floats
    flows: Flows
    since: Ints
    energy: PumpEnergy

    def __len__(self) -> int:
        return len(self.time)

    def rows(self, members: Ints) -> PeriodState:
        """The state of some members."""
        picked: PeriodState = _map_arrays(lambda array: _picked(array, members), self)
        return picked


@dataclass(frozen=True, eq=False)
class Moment:
    """What a step found: the steady state at its beginning, and what came of it.

    Args:
        time: s, of the steady state; (member,).
        seconds: how long the step lasted; (member,).
        solution: the steady state.
        power: of pumps.
        adjusted: m3 that tanks gained beside their inflow: the snap to full or empty, negative what a full tank spilled;
            (member, tank).
    """

    time: Ints
    seconds: Ints
    solution: Solution
    power: PumpPower
    adjusted: Floats


def first_state(
    period: Period,
    n_members: int,
    drivers: Drivers,
    *,
    level: Floats | None = None,
    status: Codes | None = None,
    setting: Floats | None = None,
) -> PeriodState:
    """The state before the first step.

    Args:
        period: the compiled network.
        n_members: how many members.
        drivers: of the run.
        level: initial levels of tanks, m above the bottom; (member, tank). None is the file's.
        status: `Status` at the start; (member, link). None is the file's.
        setting: at the start; (member, link). None is the file's.
    """
    plan = period.plan
    network, tanks = plan.network, plan.tanks
    head = np.atleast_2d(tanks.bottom + (network.tanks.initial_level if level is None else level))
    status, setting = np.broadcast_arrays(
        np.atleast_2d(initial_status(network) if status is None else status),
        np.atleast_2d(network.links.setting if setting is None else setting),
    )
    conditions = Conditions(
        demand=np.zeros((1, plan.n_junctions)),
        fixed_head=np.zeros((1, 0)),
        status=status,
        setting=setting,
        roughness=drivers.roughness,
        emitter=drivers.emitter,
        leak_area=drivers.leak_area,
        leak_growth=drivers.leak_growth,
    )
    state = PeriodState(
        time=np.zeros(1, dtype=np.int64),
        volume=tank_volumes(tanks, head),
        net_inflow=np.zeros((1, len(plan.tank_of_fixed))),
        status=status,
        setting=setting,
        flows=plan.cold_flows(conditions),
        since=np.full(1, -1),
        energy=PumpEnergy.none(1, len(network.pumps.link)),
    )
    for_all: PeriodState = _map_arrays(lambda array: np.broadcast_to(array, (n_members, *array.shape[1:])), state)
    return replace(for_all, time=np.zeros(n_members, dtype=np.int64))


def step(
    period: Period, state: PeriodState, drivers: Drivers, engine: Engine, rule: StoppingRule, until: int | None = None
) -> tuple[PeriodState, Moment]:
    """One step of every member from its own time to its next event.

    Args:
        period: the compiled network.
        state: where the members are.
        drivers: what drives them.
        engine: solves the steady states.
        rule: when a steady state is settled.
        until: s at which the step ends at the latest; None leaves it to the events.
    """
    multiplier = period.patterns.at(period.clock.period(state.time))
    conditions, flows = conditions_now(period, state, drivers, multiplier)
    solution = engine(period.plan, conditions, flows, rule)
    seconds = _time_to_next(period, state, conditions, solution, until)
    if len(period.rules):
        now = _situation(period, state, drivers, multiplier, solution)
        seconds, gain = _pass_under_rules(period, now, state.time, seconds)
        volume, status, setting, flows = now.volume, now.status, now.setting, replace(solution.flows, link=now.flow)
    else:
        volume, gain = _filled(period, state.volume, solution.net_inflow, seconds)
        status, setting, flows = solution.status, solution.setting, solution.flows
    power, energy = used(period.tariff, state.energy, solution, multiplier, seconds)
    after = PeriodState(
        time=state.time + seconds,
        volume=volume,
        net_inflow=solution.net_inflow,
        status=status,
        setting=setting,
        flows=flows,
        since=state.time,
        energy=energy,
    )
    return after, Moment(state.time, seconds, solution, power, gain)


def with_course(period: Period, engine: Engine, rule: StoppingRule, duration: int) -> Period:
    """The period with its course: the file's own run up to a time, while it balances and is not too long to keep.

    Args:
        period: without a course.
        engine: solves the steady states.
        rule: when a steady state is settled.
        duration: s.
    """
    plan, drivers = period.plan, Drivers.of(period.plan)
    state, moments = first_state(period, 1, drivers), list[Moment]()
    while state.time[0] <= duration and (len(moments) + 1) * plan.n_links <= MOST_VALUES:
        state, moment = step(period, state, drivers, engine, rule)
        if moment.solution.outcome[0] > Outcome.UNSUPPLIED:
            break
        moments.append(moment)
    if not moments:
        return period
    solutions = [moment.solution for moment in moments]
    time = np.concatenate([moment.time for moment in moments])
    flow = np.concatenate([solution.flows.link for solution in solutions])
    is_open = np.concatenate([solution.status for solution in solutions]) > Status.CLOSED
    return replace(period, course=Course.of(time, flow, is_open, plan.network.pumps.link))


def conditions_now(period: Period, state: PeriodState, drivers: Drivers, multiplier: Multipliers) -> tuple[Conditions, Flows]:
    """What holds now, patterns and controls applied, and where the solve starts."""
    status, setting, flow = _switched(period, state, multiplier)
    if period.course is not None:
        flow = period.course.start(state.time, state.since, flow, owned(state.status, np.int8), status)
    demand = drivers.demand(multiplier)
    conditions = Conditions(
        demand=demand,
        fixed_head=_fixed_heads(period, state.volume, multiplier),
        status=status,
        setting=setting,
        roughness=drivers.roughness,
        emitter=drivers.emitter,
        leak_area=drivers.leak_area,
        leak_growth=drivers.leak_growth,
    )
    return conditions, replace(state.flows, link=flow, demand=demand)


def _switched(period: Period, state: PeriodState, multiplier: Multipliers) -> tuple[Codes, Floats, Floats]:
    """Statuses, settings and first flows once pump speeds and controls have acted; copies only where any does."""
    plan = period.plan
    status, setting, flow = owned(state.status, np.int8), owned(state.setting), owned(state.flows.link)
    now = (period.happenings, state.time, owned(state.volume), owned(state.net_inflow))
    if not period.speeds_follow_patterns and not controls_change(*now, status, setting):
        return status, setting, flow
    status, setting = copy_of(status), copy_of(setting)
    if (plan.pumps.law == PumpLaw.POWER).any():
        flow = copy_of(flow)
    set_pump_speeds(plan, multiplier, status, setting, flow)
    act_controls(*now, status, setting, flow)
    return status, setting, flow


def _fixed_heads(period: Period, volume: Floats, multiplier: Multipliers) -> Floats:
    """Heads of reservoirs by their patterns and of tanks by what they hold, m; (member, fixed)."""
    head = np.empty((len(volume), len(period.plan.tank_of_fixed)))
    write_fixed_heads(period.happenings, multiplier.table, multiplier.row, owned(volume), head)
    return head


def _time_to_next(period: Period, state: PeriodState, conditions: Conditions, solution: Solution, until: int | None) -> Ints:
    """Seconds until the next event that can be foreseen, not beyond a time in s; (member,)."""
    seconds = period.clock.regular_step(state.time)
    heads, inflow = owned(conditions.fixed_head), owned(solution.net_inflow)
    links = (owned(solution.status, np.int8), owned(solution.setting))
    latest = NEVER if until is None else until
    cut_steps(period.happenings, state.time, heads, owned(state.volume), inflow, *links, latest, seconds)
    return seconds


def _filled(period: Period, volume: Floats, net_inflow: Floats, seconds: Ints) -> tuple[Floats, Floats]:
    """Volumes after some time, and what tanks gain beside their inflow, m3; (member, tank).

    A tank within a second of full or empty is full or empty. A full tank that can overflow spills what still comes; other tanks
    have closed their links by then.
    """
    after, gain = np.empty(volume.shape), np.empty(volume.shape)
    fill_tanks(period.happenings, owned(volume), owned(net_inflow), seconds, after, gain)
    return after, gain


def _situation(period: Period, state: PeriodState, drivers: Drivers, multiplier: Multipliers, solution: Solution) -> Situation:
    """What rules look at, and change: at the beginning of a step."""
    plan, flows = period.plan, solution.flows
    required = np.ascontiguousarray(np.maximum(drivers.parts(multiplier), 0)).sum(axis=1)
    return Situation(
        junction_head=solution.head,
        fixed_head=solution.head[:, plan.n_junctions :].copy(),
        outflow=flows.demand + flows.emitter + flows.leak_fixed + flows.leak_variable,
        net_inflow=solution.net_inflow,
        required=np.broadcast_to(required, len(state)),
        volume=state.volume.copy(),
        filling=np.take(solution.net_inflow, plan.tanks.fixed, axis=1) * period.volume_per_flow,
        flow=flows.link.copy(),
        status=solution.status.copy(),
        setting=solution.setting.copy(),
    )


def _pass_under_rules(period: Period, now: Situation, start: Ints, seconds: Ints) -> tuple[Ints, Floats]:
    """Passes time from one evaluation of the rules to the next, until a rule fires or the step is over.

    Args:
        period: the compiled network.
        now: moved along in place.
        start: s; (member,).
        seconds: how long the step lasts; (member,).

    Returns:
        How long it has lasted, s, (member,), and what tanks have gained beside their inflow, m3, (member, tank).
    """
    tanks, rule_step = period.plan.tanks, period.clock.rule_step
    time, end, gain = start.copy(), start + seconds, np.zeros(now.volume.shape)
    members = np.flatnonzero(end > start)
    while members.size:
        since = time[members]
        until = np.minimum(since + rule_step - since % rule_step, end[members])
        time[members] = until
        volume, more = _filled(period, now.volume[members], now.net_inflow[members], until - since)
        now.volume[members] = volume
        gain[members] += more
        now.fixed_head[members[:, None], tanks.fixed] = tank_heads(tanks, volume)
        changed = period.rules.apply(period.plan, period.clock, now, Interval(members, since + 1, until))
        members = members[~changed & (until < end[members])]
    return time - start, gain


def joined(parts: Sequence[tuple[Ints, PeriodState]]) -> PeriodState:
    """One state of members that come in parts, each with the rows that its members are to have."""
    if len(parts) == 1:
        return parts[0][1]
    order = np.argsort(np.concatenate([rows for rows, _ in parts]))

    def join(*arrays: np.ndarray) -> np.ndarray:
        return np.asarray(np.concatenate(arrays)[order])

    whole: PeriodState = _map_arrays(join, *(state for _, state in parts))
    return whole


def _picked(array: np.ndarray, members: Ints) -> np.ndarray:
    """Rows of some members; where one stands for all it stays one."""
    shared = len(array) > 0 and array.strides[0] == 0
    return np.broadcast_to(array[0], (len(members), *array.shape[1:])) if shared else np.take(array, members, axis=0)


def _map_arrays(function: Callable[..., np.ndarray], *values: Any) -> Any:
    """Dataclasses of arrays (and of such dataclasses) with a function applied to the arrays of one name."""
    changes = {}
    for entry in fields(values[0]):
        items = [getattr(value, entry.name) for value in values]
        changes[entry.name] = function(*items) if isinstance(items[0], np.ndarray) else _map_arrays(function, *items)
    return replace(values[0], **changes)
