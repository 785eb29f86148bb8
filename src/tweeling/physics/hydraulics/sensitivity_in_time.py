"""`tweeling.sensitivities_in_time`: what small changes do to later heads and flows, through the tanks.

A run goes on step by step (`period.step`), and at each steady state the derivatives at present levels are known
(`sensitivity.py`). What remembers is the volume in tanks, so for any input x

    dy/dx        = partial y / partial x  +  (partial y / partial level) dlevel/dx               at every steady state
    dV/dx (next) = dV/dx + seconds dQ/dx + Q dseconds/dx                                         Q: net inflow, as y above

A step that the clock ends (hydraulic step, pattern, report, a control on time, a rule) takes `seconds` that no input moves. One
that a level ends (a tank full or empty, a control) ends when V + Q seconds has come to a given volume: that says what dseconds
is, and the step that the clock ends next is as much shorter. Whole seconds are taken for real numbers there.

What no derivative can see is counted in `events`: a change large enough meets such an end in another step, or never. A tank
that is full or empty forgets: its volume no longer moves with what happened before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tweeling.network.network import Bools, Floats, Ints, Network
from tweeling.physics.hydraulics.adjoint import Place
from tweeling.physics.hydraulics.clock import DAY, duration_of, report_times
from tweeling.physics.hydraulics.contract import Conditions, Solution, StoppingRule
from tweeling.physics.hydraulics.controls import KINDS
from tweeling.physics.hydraulics.crew import Job, Tally
from tweeling.physics.hydraulics.drivers import Drivers
from tweeling.physics.hydraulics.inputs import Inputs
from tweeling.physics.hydraulics.period import Moment, Period, PeriodState, conditions_now, step
from tweeling.physics.hydraulics.plan import TankTable
from tweeling.physics.hydraulics.sensitivity import fast_tables, names_of, places_of, table_of
from tweeling.physics.hydraulics.steady import compiled_period, default_engine

INPUTS = ("level", "demand", "log_demand", "log_roughness", "leak_area", "emitter", "setting", "speed", "reservoir_head")
"""What derivatives through time can be asked for."""
_FROM = {"log_demand": "demand", "reservoir_head": "fixed_head"}
"""Tables of a steady state that have another name."""

Tables = dict[str, Floats]


@dataclass(frozen=True, eq=False)
class SensitivitiesInTime:
    """Derivatives of outputs at some times to what held from the start; (member, time, output, element).

    An output is the head of a node (m) or the flow of a link (m3/s). NaN where there is no supply.

    Args:
        outputs: ids or places, as asked for.
        times: s since the start; (time,).
        value: of the outputs; (member, time, output).
        events: steps up to each time that a level or a rule ended, not the clock: a larger change might meet them otherwise;
            (member, time).
        tables: what was asked for, by name; see the properties.
    """

    outputs: tuple[str | Place, ...]
    times: Ints
    value: Floats
    events: Ints
    tables: Mapping[str, Floats]

    @property
    def level(self) -> Floats:
        """Per m of level in a tank at the start, in the order of `Network.tanks`; (member, time, output, tank)."""
        return self._table("level")

    @property
    def demand(self) -> Floats:
        """Per m3/s of required demand at a junction, all the time on top; (member, time, output, junction)."""
        return self._table("demand")

    @property
    def log_demand(self) -> Floats:
        """Per unit of ln of a factor on all of a junction's required demand; (member, time, output, junction)."""
        return self._table("log_demand")

    @property
    def log_roughness(self) -> Floats:
        """Per unit of ln of a pipe's roughness, 0 for other links; (member, time, output, link)."""
        return self._table("log_roughness")

    @property
    def leak_area(self) -> Floats:
        """Per m2 of a leak at a junction; (member, time, output, junction)."""
        return self._table("leak_area")

    @property
    def emitter(self) -> Floats:
        """Per m3/s per m^exponent of a junction's emitter; (member, time, output, junction)."""
        return self._table("emitter")

    @property
    def setting(self) -> Floats:
        """Per unit on top of whatever settings a valve has meanwhile, 0 for other links; (member, time, output, link)."""
        return self._table("setting")

    @property
    def speed(self) -> Floats:
        """Per unit on top of whatever relative speeds a running pump has meanwhile; (member, time, output, pump)."""
        return self._table("speed")

    @property
    def reservoir_head(self) -> Floats:
        """Per m of head, all the time on top, in the order of `Network.reservoirs`; (member, time, output, reservoir)."""
        return self._table("reservoir_head")

    def _table(self, name: str) -> Floats:
        return table_of(self.tables, name)


def sensitivities_in_time(
    network: Network,
    outputs: Sequence[str | Place],
    *,
    hours: float,
    wanted: Sequence[str] = ("level", "log_demand"),
    reports: bool = False,
    demand: npt.ArrayLike | None = None,
    roughness: npt.ArrayLike | None = None,
    setting: npt.ArrayLike | None = None,
    status: npt.ArrayLike | None = None,
    leak_area: npt.ArrayLike | None = None,
    leak_growth: npt.ArrayLike | None = None,
    pipe_leak_area: npt.ArrayLike | None = None,
    pipe_leak_growth: npt.ArrayLike | None = None,
    level: npt.ArrayLike | None = None,
    accuracy: float | None = None,
) -> SensitivitiesInTime:
    """Derivatives of heads and flows of a run to what it started with and to what held all the time.

    Args:
        network: what lies in the ground.
        outputs: ids of nodes (their head) and links (their flow); an id that both have is the node's. Or `("link", index)`.
        hours: how long the run is.
        wanted: names of `SensitivitiesInTime`'s tables.
        reports: at all report times; else at the end only.
        demand, roughness, setting, status, leak_area, leak_growth, pipe_leak_area, pipe_leak_growth, level, accuracy: as of
            `simulate`.

    Raises:
        UnknownElementError: an id that the network has not.
        InputError: an input of the wrong shape or with impossible numbers, or a table that there is none of.
    """
    inputs = Inputs.of(
        network,
        1,
        demand=demand,
        roughness=roughness,
        setting=setting,
        status=status,
        leak_area=leak_area,
        leak_growth=leak_growth,
        pipe_leak_area=pipe_leak_area,
        pipe_leak_growth=pipe_leak_growth,
        level=level,
    )
    duration = duration_of(hours)
    places = places_of(network, outputs)
    wanted = names_of(wanted, INPUTS)
    times = report_times(network.times, duration) if reports else np.array([duration], dtype=np.int64)
    job = Job(
        period=compiled_period(network),
        inputs=inputs,
        beliefs=None,
        seed=None,
        engine=default_engine(),
        rule=StoppingRule(accuracy=accuracy),
        duration=duration,
        times=times,
        tally=Tally.of(inputs.n_members, len(network.pumps.link)),
        progress=None,
    )
    members = range(inputs.n_members)
    drivers = job.drivers(members)
    way = _Way(job, places, wanted, inputs.n_members)
    way.pass_all(drivers, job.start(members, drivers))
    return SensitivitiesInTime(tuple(outputs), times, way.value, way.events, way.tables)


@dataclass(frozen=True, eq=False)
class Memory:
    """What a derivative remembers from step to step; a frozen state of `remembered`.

    Args:
        volume: of tanks, m3 per unit, by input; (member, tank, element).
        clock: s per unit that the members stand later, by input; (member, element).
    """

    volume: Tables
    clock: Tables

    def rows(self, members: Ints) -> Memory:
        """Of some members."""
        return Memory(
            {name: table[members] for name, table in self.volume.items()},
            {name: table[members] for name, table in self.clock.items()},
        )


@dataclass(frozen=True, eq=False)
class Ended:
    """What ended a step; (member,).

    Args:
        seconds: how long it was.
        inflow: into tanks, m3/s by EPANET's measure; (member, tank).
        tank: whose level ended it, -1 for the clock.
        forgets: tanks that are full or empty by now, and would take no more, or no less; (member, tank).
        counted: whether a level or a rule ended it.
    """

    seconds: Ints
    inflow: Floats
    tank: Ints
    forgets: Bools
    counted: Bools


def first_memory(tanks: TankTable, volume: Floats, sizes: Mapping[str, int]) -> Memory:
    """Before the first step: levels are what they are, and nothing else has had any effect.

    Args:
        tanks: of the network.
        volume: m3; (member, tank).
        sizes: number of elements of each input.
    """
    n_members, n_tanks = volume.shape
    volumes = {name: np.zeros((n_members, n_tanks, size)) for name, size in sizes.items()}
    if "level" in volumes:
        with np.errstate(divide="ignore"):
            volumes["level"][:] = np.eye(n_tanks) / level_by_volume(tanks, volume)[:, :, None]
        volumes["level"][~np.isfinite(volumes["level"])] = 0.0
    return Memory(volumes, {name: np.zeros((n_members, size)) for name, size in sizes.items()})


def level_by_volume(tanks: TankTable, volume: Floats) -> Floats:
    """M of level per m3 in tanks; by the piece of a volume curve above the volume, at the last point by that below it;
    (member, tank).
    """
    with np.errstate(divide="ignore"):
        found = np.broadcast_to(1 / tanks.area, volume.shape).copy()
    for tank, level in enumerate(tanks.curve_level):
        if level.size:
            points = tanks.curve_volume[tank]
            right = np.clip(np.searchsorted(points, volume[:, tank], side="right"), 1, len(points) - 1)
            found[:, tank] = (np.diff(level) / np.diff(points))[right - 1]
    return found


def remembered(memory: Memory, inflow: Tables, ended: Ended) -> Memory:
    """The memory after a step.

    Args:
        memory: before it.
        inflow: derivatives of the net inflows into tanks, by EPANET's measure; (member, tank, element).
        ended: how the step ended.
    """
    volumes, clocks = {}, {}
    seconds = ended.seconds[:, None]
    by_level, members = ended.tank >= 0, np.arange(len(seconds))
    for name, volume in memory.volume.items():
        moved = volume + inflow[name] * seconds[:, :, None]
        longer = -memory.clock[name]
        if by_level.any():
            rate = ended.inflow[members, ended.tank]
            to_level = -moved[members, ended.tank] / np.where(by_level, rate, 1.0)[:, None]
            longer = np.where(by_level[:, None], to_level, longer)
        moved = moved + ended.inflow[:, :, None] * longer[:, None, :]
        volumes[name] = np.where(ended.forgets[:, :, None], 0.0, moved)
        clocks[name] = memory.clock[name] + longer
    return Memory(volumes, clocks)


class _Way:
    """Takes all members through time, and writes what is asked for at the times of the job."""

    def __init__(self, job: Job, places: Sequence[Place], wanted: tuple[str, ...], n_members: int) -> None:
        self.job, self.wanted, self.count = job, wanted, len(places)
        plan = job.period.plan
        links, tanks = plan.network.links, plan.network.tanks
        at_tanks = np.flatnonzero(np.isin(links.start, tanks.node) | np.isin(links.end, tanks.node))
        self.places = [*places, *(("link", int(link)) for link in at_tanks)]
        self.into = (links.end[at_tanks] == tanks.node[:, None]) * 1.0 - (links.start[at_tanks] == tanks.node[:, None])
        self.reservoir = plan.network.reservoirs.node - plan.n_junctions
        n, m = plan.n_junctions, plan.n_links
        sizes = (len(tanks.node), n, n, m, n, n, m, len(plan.network.pumps.link), len(self.reservoir))
        self.sizes = {name: size for name, size in zip(INPUTS, sizes, strict=True) if name in wanted}
        shape = (n_members, len(job.times))
        self.value = np.full((*shape, len(places)), np.nan)
        self.events = np.zeros(shape, dtype=np.int64)
        self.tables = {name: np.full((*shape, len(places), size), np.nan) for name, size in self.sizes.items()}

    def pass_all(self, drivers: Drivers, state: PeriodState) -> None:
        """Until every member has had its steady state at the end."""
        job, period = self.job, self.job.period
        memory = first_memory(period.plan.tanks, state.volume, self.sizes)
        rows, events = np.arange(len(state)), np.zeros(len(state), dtype=np.int64)
        while len(rows):
            conditions, _ = conditions_now(period, state, drivers, period.patterns.at(period.clock.period(state.time)))
            after, moment = step(period, state, drivers, job.engine, job.rule, until=job.duration)
            found = self._derivatives(conditions, moment.solution, memory, state.volume)
            self._report(rows, moment, found, events)
            ended = _ended(period, state, after, moment, job.duration)
            inflow = {
                name: np.einsum("kl,mle->mke", self.into * period.volume_per_flow, table[:, self.count :])
                for name, table in found.items()
            }
            memory, events = remembered(memory, inflow, ended), events + ended.counted
            going = np.flatnonzero(moment.time < job.duration)
            if len(going) < len(rows):
                rows, events, memory, drivers = rows[going], events[going], memory.rows(going), drivers.rows(going)
                after = after.rows(going)
            state = after

    def _derivatives(self, conditions: Conditions, solution: Solution, memory: Memory, volume: Floats) -> Tables:
        """Whole derivatives of outputs and of flows at tanks at a steady state; (member, output, element)."""
        plan = self.job.period.plan
        names = {"fixed_head", *(_FROM.get(name, name) for name in self.wanted if name != "level")}
        by = fast_tables(plan, conditions, solution, self.places, tuple(names))
        by_volume = by["fixed_head"][:, :, plan.tanks.fixed] * level_by_volume(plan.tanks, volume)[:, None, :]
        found = {}
        for name in self.wanted:
            through = np.einsum("mok,mke->moe", by_volume, memory.volume[name])
            if name == "level":
                found[name] = through
            elif name == "log_demand":
                found[name] = through + by["demand"] * conditions.demand[:, None, :]
            elif name == "reservoir_head":
                found[name] = through + by["fixed_head"][:, :, self.reservoir]
            else:
                found[name] = through + by[name]
        return found

    def _report(self, rows: Ints, moment: Moment, found: Tables, events: Ints) -> None:
        """Writes down those members that stand at a time that is asked for."""
        position = np.searchsorted(self.job.times, moment.time)
        due = np.flatnonzero(self.job.times[np.minimum(position, len(self.job.times) - 1)] == moment.time)
        to = rows[due], position[due]
        self.events[to] = events[due]
        for column, (kind, index) in enumerate(self.places[: self.count]):
            values = moment.solution.head if kind == "node" else moment.solution.flows.link
            self.value[(*to, column)] = values[due, index]
        for name, table in self.tables.items():
            table[to] = found[name][due, : self.count]


def _ended(period: Period, state: PeriodState, after: PeriodState, moment: Moment, duration: int) -> Ended:
    """What ended a step."""
    tanks, seconds = period.plan.tanks, moment.seconds
    inflow = moment.solution.net_inflow[:, tanks.fixed] * period.volume_per_flow
    cut = seconds < np.minimum(period.clock.regular_step(state.time), duration - state.time)
    tank = np.where(cut, _tank_at_level(period, state.volume, inflow, seconds), -1)
    at_limit = (after.volume == tanks.max_volume) | (after.volume == tanks.min_volume)
    return Ended(
        seconds=seconds,
        inflow=inflow,
        tank=tank,
        forgets=at_limit & (np.abs(inflow) > period.resting) & (seconds > 0)[:, None],
        counted=cut & ((tank >= 0) | ~_on_time(period, state.time + seconds)),
    )


def _on_time(period: Period, time: Ints) -> Bools:
    """Whether a control on time acts; (member,)."""
    controls = period.controls
    by_time = (controls.kind == KINDS.index("time")) & (time[:, None] == controls.seconds)
    of_day = period.clock.of_day(time)[:, None]
    by_clock = (controls.kind == KINDS.index("clock")) & (of_day == controls.seconds % DAY)
    return np.asarray((by_time | by_clock).any(1))


def _tank_at_level(period: Period, volume: Floats, inflow: Floats, seconds: Ints) -> Ints:
    """The tank that comes, within half a second, to its limit or to the level of a control just then, else -1; (member,)."""
    tanks, controls = period.plan.tanks, period.controls
    below, above = controls.kind == KINDS.index("below"), controls.kind == KINDS.index("above")
    n_tanks = len(tanks.fixed)
    levels = [
        (np.arange(n_tanks), np.broadcast_to(tanks.max_volume, (n_tanks,)), 1),
        (np.arange(n_tanks), np.broadcast_to(tanks.min_volume, (n_tanks,)), -1),
        (controls.tank[above], controls.volume[above], 1),
        (controls.tank[below], controls.volume[below], -1),
    ]
    found, nearest = np.full(len(seconds), -1), np.full(len(seconds), 0.5 + 1e-6)
    for tank, goal, sense in levels:
        for which, target in zip(tank, goal, strict=True):
            rate = inflow[:, which] * sense
            moves = rate > period.resting
            when = (target - volume[:, which]) * sense / np.where(moves, rate, 1.0)
            off = np.where(moves, np.abs(when - seconds), np.inf)
            found, nearest = np.where(off < nearest, which, found), np.minimum(off, nearest)
    return found
