"""The members: what each believes, and their way through a cycle.

Row 0 is the *central* run, at the mean of what is believed and without noise: surprises are taken from it. Row 1 is the *open*
run, the file as it is, driven by the same boundary: what the twin would say without assimilation. The others are members, drawn
from the belief by numbers that never change: `mean + L z` with `L L' = covariance`, so that a member moves smoothly as the
belief does. Noise of single demands is drawn anew for every interval from (seed, cycle).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tweeling.inference.assimilation.extended_filter import Belief, parts
from tweeling.inference.model import Fields, Model
from tweeling.network.network import Bools, Floats, Ints
from tweeling.observation.operator import observe
from tweeling.physics.hydraulics.contract import Conditions, Solution, Status, StoppingRule
from tweeling.physics.hydraulics.drivers import Drivers
from tweeling.physics.hydraulics.period import PeriodState, conditions_now, first_state, step
from tweeling.physics.hydraulics.tanks import tank_heads, tank_volumes

CENTRAL, OPEN, FIRST = 0, 1, 2
"""Rows of an ensemble: the central run, the open run, the first member."""
RULE = StoppingRule()
MOST_LEAKS = 16
"""Leaks that can be open at once."""
AT_REST = 5.0
"""A metered pump stands still when its flow is below so many standard deviations of its meter."""
PARTLY = 0.05
"""A meter that is off by more than this share was switched within the interval, unless the interval before says the same."""


@dataclass(frozen=True, eq=False)
class Draws:
    """The numbers that members are made from; drawn once from the seed.

    Args:
        unknown: standard normal, mean 0 and variance 1 over the members; (member, unknown + MOST_LEAKS).
        place: uniform, evenly spread: at which of its candidates a leak is; (member, MOST_LEAKS).
        born: of the vector p across the directions; (member, size of p).
        withheld: offsets of sensors that are not compared, in sd; (member, sensor).
    """

    unknown: Floats
    place: Floats
    born: Floats
    withheld: Floats


@dataclass(frozen=True, eq=False)
class Members:
    """What every row of the ensemble believes.

    Args:
        unknown: zones, directions, offsets, leaks; (row, unknown).
        factor: of a zone's demand; (row, zone).
        fields: factors of demand and roughness, shifts of settings; (row, ...).
        offset: of every sensor, SI; (row, sensor).
        leak: what leaks that were found lose, m3/s; (row, junction).
    """

    unknown: Floats
    factor: Floats
    fields: Fields
    offset: Floats
    leak: Floats


@dataclass(frozen=True, eq=False)
class Track:
    """Where the ensemble stands in time.

    Args:
        period: of all rows: tanks, statuses, flows.
        waited: intervals since the level of a tank was last read, -1 before the first; (level sensor,).
        switched: whether a pump was switched within the last interval, which no run at whole intervals can follow.
    """

    period: PeriodState
    waited: Ints
    switched: bool


@dataclass(frozen=True, eq=False)
class Boundary:
    """The readings that drive an interval, SI, NaN where there is none; (level sensor,), (pump sensor,), (meter,)."""

    level: Floats
    pump: Floats
    meter: Floats


@dataclass(frozen=True, eq=False)
class Interval:
    """One interval of all rows.

    Args:
        time: s since pattern time 0.
        before: where the rows stood, boundary applied.
        led: whether meters say what pumps do.
        demand: of customers, m3/s; (row, junction). The steady state serves leaks beside it.
        conditions, solution: of the steady state at `time`.
        read: what sensors read without error and offset; levels before they were led; (row, sensor).
        filled: how much more the tanks filled than the central run thought, m3/s; NaN where unknown; (level sensor,).
        switched: whether a pump was switched within it.
    """

    time: int
    before: PeriodState
    led: bool
    demand: Floats
    conditions: Conditions
    solution: Solution
    read: Floats
    filled: Floats
    switched: bool


@dataclass(frozen=True, eq=False)
class Places:
    """Where a leak that was found may be.

    Args:
        pipe: indices of pipes, likeliest first; (candidate,).
        probability: sum 1; (candidate,).
    """

    pipe: Ints
    probability: Floats


def draw(model: Model, n_members: int, seed: int) -> Draws:
    """Draws what members are made from."""
    unknown, born, withheld, place = (np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(4))
    normal = unknown.standard_normal((n_members, parts(model)[3].start + MOST_LEAKS))
    normal -= normal.mean(axis=0)
    even = (np.arange(n_members)[:, None] + 0.5) / n_members
    return Draws(
        unknown=normal / np.maximum(normal.std(axis=0), 1e-12),
        place=place.permuted(np.repeat(even, MOST_LEAKS, axis=1), axis=0),
        born=born.standard_normal((n_members, model.prior.size)),
        withheld=withheld.standard_normal((n_members, len(model.sensors))),
    )


def members_of(model: Model, belief: Belief, draws: Draws, places: Sequence[Places]) -> Members:
    """The rows that a belief makes.

    Args:
        model: the twin.
        belief: what is believed.
        draws: what members are made from.
        places: where each leak may be, in the order of the belief's leaks.
    """
    zone, direction, offset, leak = parts(model)
    values, vectors = np.linalg.eigh(belief.covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0)) @ vectors.T  # the symmetric root moves least when the covariance does
    n = len(belief.mean)
    x = np.concatenate((belief.mean[None], np.zeros((1, n)), belief.mean + draws.unknown[:, :n] @ root))
    rest = draws.born - (draws.born @ model.directions.T) @ model.directions
    p = np.concatenate((np.zeros((2, model.prior.size)), rest)) + x[:, direction] @ model.directions
    fields = model.prior.fields(p)
    nominal = np.exp(-0.5 * np.log1p(model.doubts.node_demand_sd**2))
    fields.demand[:FIRST] /= nominal  # a central member has the mean demand, not the median
    offsets = np.zeros((len(x), len(model.sensors)))
    unused = np.setdiff1d(np.arange(len(model.sensors)), model.compared.sensor)
    length = np.array([row.quantity in ("pressure", "head") for row in model.sensors.rows])
    unused = unused[length[unused]]
    offsets[FIRST:, unused] = draws.withheld[:, unused] * _usual_offset(model, belief)
    offsets[:, model.compared.sensor[model.compared.offset]] = x[:, offset]
    return Members(x, np.exp(x[:, zone]), fields, offsets, _leaks(model, x[:, leak], draws, places))


def _usual_offset(model: Model, belief: Belief) -> float:
    """How far off a sensor usually is, m: of those that are compared, as far as they are known by now."""
    offset = parts(model)[2]
    learnt = belief.mean[offset] ** 2 + np.diag(belief.covariance)[offset]
    return float(np.sqrt(learnt.mean())) if len(learnt) else model.doubts.sensor_offset_sd


def _leaks(model: Model, flow: Floats, draws: Draws, places: Sequence[Places]) -> Floats:
    """What leaks lose, half at each end of a pipe, m3/s; (row, junction).

    The central run has each leak at all its candidates, in parts; a member has it at one.

    Args:
        model: the twin.
        flow: of each leak, m3/s; (row, leak).
        draws: what members are made from.
        places: where each leak may be.
    """
    n, links = model.free.plan.n_junctions, model.network.links
    if not places:
        return np.zeros((len(flow), n))
    lost = np.zeros((len(flow), len(model.network.nodes)))
    for number, place in enumerate(places):
        size = np.maximum(flow[:, number], 0.0)
        for ends in (links.start, links.end):
            np.add.at(lost[CENTRAL], ends[place.pipe], 0.5 * size[CENTRAL] * place.probability)
            edges = np.cumsum(place.probability)
            mine = place.pipe[np.searchsorted(edges, draws.place[:, number] * edges[-1]).clip(max=len(edges) - 1)]
            np.add.at(lost, (np.arange(FIRST, len(flow)), ends[mine]), 0.5 * size[FIRST:])
    return lost[:, :n]


def first_track(model: Model, n_rows: int, time: int) -> Track:
    """Where the ensemble stands before the first interval.

    Args:
        model: the twin.
        n_rows: rows of the ensemble.
        time: s since pattern time 0.
    """
    state = first_state(model.free, n_rows, Drivers.of(model.free.plan))
    state = replace(state, time=np.full(n_rows, time, dtype=np.int64))
    return Track(state, np.full(len(model.level), -1, dtype=np.int64), False)


def pass_interval(
    model: Model, track: Track, members: Members, boundary: Boundary, noise: Floats | None
) -> tuple[Track, Interval]:
    """Takes all rows through one interval.

    Args:
        model: the twin.
        track: where they stand.
        members: what they believe.
        boundary: readings at the interval's start that drive them.
        noise: factors of single demands of the members; (member, junction), None for none.
    """
    plan = model.free.plan
    time = int(track.period.time[0])
    expected = _levels(model, track.period)
    filled = _filled(model, track, boundary, expected[CENTRAL])
    led = bool(len(model.pump)) and bool(np.isfinite(boundary.pump).all())
    before = _led(model, track.period, members, boundary, led)
    demand = _demand(model, time, members, boundary, noise)
    drivers = Drivers(
        base=demand + members.leak,
        junction=np.arange(plan.n_junctions),
        pattern=np.full(plan.n_junctions, -1),
        factor=None,
        roughness=plan.network.links.roughness * members.fields.roughness,
        emitter=plan.network.nodes.emitter[None],
        leak_area=np.zeros((1, plan.n_junctions)),
        leak_growth=np.zeros((1, plan.n_junctions)),
    )
    period = model.led if led else model.free
    conditions, _ = conditions_now(period, before, drivers, period.patterns.at(period.clock.period(before.time)))
    state, moment = step(period, before, drivers, model.engine, RULE, until=time + model.interval)
    while (state.time < time + model.interval).any():
        state, _ = step(period, state, drivers, model.engine, RULE, until=time + model.interval)
    read = observe(plan.network, model.sensors, moment.solution)
    read[:, model.level] = expected
    waited = np.where(np.isfinite(boundary.level), 0, np.where(track.waited < 0, -1, track.waited + 1))
    switched = led and not track.switched and _switched(model, boundary, read[CENTRAL])
    interval = Interval(time, before, led, demand, conditions, moment.solution, read, filled, switched)
    return Track(state, waited, switched), interval


def solve_again(model: Model, interval: Interval, members: Members, demand: Floats) -> Solution:
    """The steady state of an interval anew, for members that believe something else by now.

    Args:
        model: the twin.
        interval: as it was passed.
        members: what they believe now.
        demand: of customers, m3/s; (row, junction).
    """
    conditions = replace(
        interval.conditions,
        demand=demand + members.leak,
        roughness=model.network.links.roughness * members.fields.roughness,
        setting=_settings(model, interval.conditions.setting, members),
    )
    return model.engine(model.free.plan, conditions, interval.solution.flows, RULE)


def _levels(model: Model, state: PeriodState) -> Floats:
    """Levels of the tanks that are read, m above their bottom; (row, level sensor)."""
    tanks = model.free.plan.tanks
    head = tank_heads(tanks, state.volume)
    return np.asarray(head[:, _tank(model)] - tanks.bottom[_tank(model)])


def _tank(model: Model) -> np.ndarray:
    """Row in `Tanks` of each level sensor."""
    nodes = model.network.tanks.node
    return np.array(
        [int(np.flatnonzero(nodes == element)[0]) for element in model.sensors.element[model.level]], dtype=np.int64
    )


def _filled(model: Model, track: Track, boundary: Boundary, expected: Floats) -> Floats:
    """How much more each tank filled since its last reading than the central run thought, m3/s; NaN where unknown."""
    area = np.pi / 4 * model.network.tanks.diameter[_tank(model)] ** 2
    known = (track.waited >= 0) & (not track.switched)
    seconds = model.interval * (np.maximum(track.waited, 0) + 1)
    return np.where(known, (boundary.level - expected) * area / seconds, np.nan)


def _led(model: Model, state: PeriodState, members: Members, boundary: Boundary, led: bool) -> PeriodState:
    """The state with tanks and pumps as they are read, and valves set as members believe."""
    plan = model.free.plan
    volume, status = state.volume.copy(), state.status.copy()
    tanks = plan.tanks
    for tank, level in zip(_tank(model), boundary.level, strict=True):
        if np.isfinite(level):
            head = tank_heads(tanks, volume)
            head[:, tank] = tanks.bottom[tank] + level
            limited = np.clip(tank_volumes(tanks, head)[:, tank], tanks.min_volume[tank], tanks.max_volume[tank])
            volume[:, tank] = limited
    setting = _settings(model, state.setting, members)
    if led:
        for sensor, flow in zip(model.pump, boundary.pump, strict=True):
            link = model.sensors.element[sensor]
            running = abs(flow) > AT_REST * model.sensors.std[sensor]
            setting[:, link] = np.where(running & ~(setting[:, link] > 0), 1.0, setting[:, link])
            closed = status[:, link] <= Status.CLOSED
            status[:, link] = np.where(running, np.where(closed, Status.OPEN, status[:, link]), Status.CLOSED)
    return replace(state, volume=volume, status=status, setting=setting)


def _switched(model: Model, boundary: Boundary, expected: Floats) -> bool:
    """Whether a running pump moved clearly more or less water than the central run thought."""
    running = np.abs(boundary.pump) > AT_REST * model.sensors.std[model.pump]
    return bool((running & (np.abs(boundary.pump - expected[model.pump]) > PARTLY * np.abs(expected[model.pump]))).any())


def _settings(model: Model, setting: Floats, members: Members) -> Floats:
    """Settings with the members' shifts on those pressure valves that hold the network's setting."""
    valve, nominal = model.prior.valve, model.network.links.setting
    changed = np.array(np.broadcast_to(setting, members.fields.setting.shape))
    holds = ~np.isnan(changed[:, valve])
    changed[:, valve] = np.where(holds, nominal[valve] + members.fields.setting[:, valve], np.nan)
    return changed


def _demand(model: Model, time: int, members: Members, boundary: Boundary, noise: Floats | None) -> Floats:
    """Required demands, m3/s; (row, junction). Metered junctions take what their meter says, in all rows but the open one."""
    nominal = model.nominal_demand(time)
    factor = members.factor[:, model.zones.of_junction] * members.fields.demand
    factor[OPEN] = 1.0
    if noise is not None:
        factor[FIRST:] *= noise
    demand = nominal * factor
    read = np.isfinite(boundary.meter)
    if read.any():
        node = model.sensors.element[model.meter[read]]
        closed = np.arange(len(demand)) != OPEN
        demand[np.ix_(closed, node)] = boundary.meter[read]
    return np.asarray(demand)


def demand_noise(model: Model, n_members: int, seed: tuple[int, ...], sd: float) -> Floats:
    """Factors of mean 1 on single demands in one interval; (member, junction).

    Args:
        model: the twin.
        n_members: how many.
        seed: what they are drawn from.
        sd: relative.
    """
    log_sd = np.float32(np.sqrt(np.log1p(sd**2)))
    normal = rng(*seed).standard_normal((n_members, model.free.plan.n_junctions), dtype=np.float32)
    return np.asarray(np.exp(log_sd * normal - log_sd * log_sd / 2), dtype=float)


def rng(*seed: int) -> np.random.Generator:
    """Random numbers of (seed, cycle, purpose, ...): nothing is carried from one cycle to the next."""
    return np.random.default_rng(np.random.SeedSequence(seed[0], spawn_key=seed[1:]))


def metered(model: Model, boundary: Boundary) -> Bools:
    """Junctions whose meter has a reading; (junction,)."""
    found = np.zeros(model.free.plan.n_junctions, dtype=bool)
    found[model.sensors.element[model.meter[np.isfinite(boundary.meter)]]] = True
    return found
