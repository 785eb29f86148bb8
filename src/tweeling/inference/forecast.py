"""A cycle of the ensemble: forecast through its intervals, observe, linearise; and, once assimilated, what is believed now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tweeling.inference.assimilation.extended_filter import Belief, Linearisation, parts
from tweeling.inference.diagnosis.library import supply
from tweeling.inference.ensemble import (
    CENTRAL,
    FIRST,
    OPEN,
    Boundary,
    Interval,
    Members,
    Places,
    Track,
    demand_noise,
    metered,
    pass_interval,
    rng,
    solve_again,
)
from tweeling.inference.model import Model, instrument_variance, nodal_noise
from tweeling.network.network import Floats
from tweeling.observation.operator import ROWS, Comparison, observe
from tweeling.physics.hydraulics.contract import Conditions, Solution
from tweeling.physics.hydraulics.sensitivity import sensitivities_of

MOST = 1.5
"""Largest change of the logarithm of a single demand in an interval that readings may suggest."""
WILD = 25.0
"""Mean square of what is left of an interval, in its own standard deviations, above which it is no noise of demands alone."""
FLOW_MISFIT = 0.01
"""Share of a flow by which model and meter may part without anything being wrong."""
UNSURE = 0.1
"""Relative error of what a leak does to a row."""


@dataclass(frozen=True, eq=False)
class Forecast:
    """What the ensemble expected of a cycle, before its readings were assimilated.

    Args:
        read: what sensors read by the state and the offsets, without instrument noise, SI; (row, step, sensor).
        each: surprise of the central run by step, NaN where there was no reading; (step, row of `Model.compared`).
        linear: around the central run in the middle of the cycle, of the rows that are compared.
        scored: the same of the rows that only score.
        last: the last interval.
        supply: what reservoirs give in the central run, a mean over the cycle, m3/s; see `library.supply`.
    """

    read: Floats
    each: Floats
    linear: Linearisation
    scored: Linearisation
    last: Interval
    supply: float


def boundaries(model: Model, value: Floats) -> list[Boundary]:
    """The readings of each step that drive it; value is (step, sensor), NaN where there is none."""
    return [Boundary(row[model.level], row[model.pump], row[model.meter]) for row in value]


def forecast(
    model: Model,
    track: Track,
    members: Members,
    places: Sequence[Places],
    value: Floats,
    noise_sd: float,
    seed: tuple[int, ...],
) -> tuple[Track, Forecast]:
    """Takes the ensemble through the intervals of a cycle.

    Args:
        model: the twin.
        track: where the rows stand.
        members: what they believe.
        places: where leaks that were found may be.
        value: readings that may be used, SI, NaN where there is none; (step, sensor).
        noise_sd: relative, of a single demand in one interval.
        seed: what the noise is drawn from.
    """
    compared, reads, each, supplied = model.compared, [], [], []
    middle, last = None, None
    for number, boundary in enumerate(boundaries(model, value)):
        single = demand_noise(model, len(members.factor) - FIRST, (*seed, number), noise_sd)
        track, last = pass_interval(model, track, members, boundary, single)
        read = last.read + members.offset
        surprise = (value[number] - read[CENTRAL])[compared.sensor]
        balance = compared.balance >= 0
        if balance.any():
            place = np.searchsorted(model.level, compared.sensor[balance])
            surprise[balance] = last.filled[place]
        reads.append(read)
        supplied.append(float(supply(model.network, last.solution.flows)[CENTRAL]))
        each.append(np.full(len(compared), np.nan) if last.switched else surprise)
        if number <= len(value) // 2:
            middle = (last, boundary)
    assert last is not None
    assert middle is not None
    linear, scored = linearise(model, *middle, places, members.unknown[CENTRAL, parts(model)[3]])
    by_step = np.array(each)
    mean_supply = float(np.mean(supplied))
    return track, Forecast(np.stack(reads, axis=1), by_step, linear, scored, last, mean_supply)


def linearise(
    model: Model, interval: Interval, boundary: Boundary, places: Sequence[Places], flows: Floats
) -> tuple[Linearisation, Linearisation]:
    """Derivatives around the central run, of the rows that are compared and of those that only score.

    Args:
        model: the twin.
        interval: to linearise.
        boundary: that drove it.
        places, flows: where leaks that were found may be, and what they lose, m3/s; (leak,).
    """
    conditions: Conditions = _row(interval.conditions)
    solution: Solution = _row(interval.solution)
    outputs = tuple(dict.fromkeys((*model.compared.outputs, *model.scored.outputs)))
    by = sensitivities_of(model.free.plan, conditions, solution, outputs, ROWS)
    expected = np.where(metered(model, boundary), 0.0, interval.demand[CENTRAL])
    found = []
    for comparison in (model.compared, model.scored):
        pick = [outputs.index(name) for name in comparison.outputs]
        tables = [comparison.derivative(table[0][pick]) for table in (by.demand, by.log_roughness, by.setting)]
        unknown = _by_unknown(model, comparison, (tables[0], tables[1], tables[2]), expected, places)
        blur = _blur(model, tables[0], places, flows) + _misfit(model, comparison, solution)
        found.append(Linearisation(unknown, tables[0], expected, blur))
    return found[0], found[1]


def _by_unknown(
    model: Model,
    comparison: Comparison,
    by: tuple[Floats, Floats, Floats],
    expected: Floats,
    places: Sequence[Places],
) -> Floats:
    """Derivatives of rows by zones, directions, offsets and leaks; (row, unknown)."""
    demand, roughness, setting = by
    zone, direction, offset, leak = parts(model)
    by_log_demand = demand * expected
    table = np.zeros((len(comparison), leak.start + len(places)))
    table[:, zone] = by_log_demand @ model.zones.membership
    table[:, direction] = model.prior.derivative(by_log_demand, roughness, setting) @ model.directions.T
    if comparison is model.compared:
        table[np.flatnonzero(comparison.offset), np.arange(offset.start, offset.stop)] = 1.0
    for number, place in enumerate(places):
        table[:, leak.start + number] = _by_pipe(model, demand, place) @ place.probability
    return table


def _misfit(model: Model, comparison: Comparison, solution: Solution) -> Floats:
    """Covariance of rows because a model splits flows only so well, and errors of meters grow with the flow; (row, row)."""
    read = observe(model.network, model.sensors, solution)[0, comparison.sensor]
    flow = np.array([model.sensors.rows[sensor].quantity == "flow" for sensor in comparison.sensor], dtype=bool)
    return np.diag(np.where(flow, (FLOW_MISFIT * read) ** 2, 0.0))


def _by_pipe(model: Model, demand: Floats, place: Places) -> Floats:
    """Derivatives of rows by a leak in the middle of each candidate; (row, candidate)."""
    links, by_node = model.network.links, np.pad(demand, ((0, 0), (0, len(model.network.nodes) - demand.shape[1])))
    return np.asarray(0.5 * (by_node[:, links.start[place.pipe]] + by_node[:, links.end[place.pipe]]))


def _blur(model: Model, demand: Floats, places: Sequence[Places], flows: Floats) -> Floats:
    """Covariance of rows because a leak is at one of its candidates, and its signature is known only so well; (row, row)."""
    blur = np.zeros((len(demand), len(demand)))
    for place, flow in zip(places, flows, strict=True):
        each = _by_pipe(model, demand, place) * flow
        mean = each @ place.probability
        away = (each - mean[:, None]) * np.sqrt(place.probability)
        blur += away @ away.T + np.diag((UNSURE * mean) ** 2)
    return blur


def _row(table: Any) -> Any:
    """The central row of conditions or of a solution, as a batch of one."""
    changes = {}
    for name, value in vars(table).items():
        changes[name] = value[:1] if isinstance(value, np.ndarray) else _row(value)
    return replace(table, **changes)


@dataclass(frozen=True, eq=False)
class Analysis:
    """What is believed of a cycle once it is assimilated.

    Args:
        read: what sensors read by state, offsets and instruments, SI; (row, step, sensor).
        solution: of the last interval.
    """

    read: Floats
    solution: Solution


def analyse(
    model: Model,
    found: Forecast,
    before: Members,
    after: Members,
    belief: Belief,
    value: Floats,
    noise_sd: float,
    seed: tuple[int, ...],
) -> Analysis:
    """Moves the forecast to what is believed now.

    What the update changed enters through the linearisation; what is left of the surprise in an interval is noise of single
    demands, as far as the sensors can tell which.

    Args:
        model: the twin.
        found: before the readings.
        before, after: what members believed and believe.
        belief: after the update.
        value: readings that may be used, SI; (step, sensor).
        noise_sd: relative, of a single demand in one interval.
        seed: what instrument noise is drawn from.
    """
    compared, scored = model.compared, model.scored
    read = found.read + (after.offset - before.offset)[:, None]
    change = after.unknown - before.unknown
    change[:, parts(model)[2]] = 0.0  # offsets are in `read` already
    read[:, :, compared.sensor] += np.where(compared.balance >= 0, 0.0, change @ found.linear.unknown.T)[:, None]
    read[:, :, scored.sensor] += np.where(scored.balance >= 0, 0.0, change @ found.scored.unknown.T)[:, None]
    instrument = rng(*seed).standard_normal((len(read) - FIRST, *read.shape[1:]), dtype=np.float32) * model.sensors.std
    demand = found.last.demand * (after.factor / before.factor)[:, model.zones.of_junction]
    demand = demand * (after.fields.demand / before.fields.demand)
    demand = np.where(found.linear.expected == 0, found.last.demand, demand)
    by_demand, unknown = found.linear.demand, found.linear.unknown
    covariance = nodal_noise(by_demand, found.linear.expected, noise_sd) + unknown @ belief.covariance @ unknown.T
    covariance += np.diag(instrument_variance(compared, float(model.interval)))
    cause = found.linear.demand * found.linear.expected * noise_sd**2
    rows = compared.balance < 0
    for step, readings in enumerate(value):
        seen = rows & np.isfinite(found.each[step])
        if not seen.any():
            continue
        sensor = compared.sensor[seen]
        left = readings[sensor] - read[:, step, sensor]
        left[FIRST:] += instrument[:, step, sensor]
        weights = np.linalg.solve(covariance[np.ix_(seen, seen)], left.T).T  # (row, seen)
        square = (weights * left).mean(axis=1, keepdims=True)
        weights = weights / np.maximum(square / WILD, 1.0)  # what is no noise of demands is not taken for it
        log_demand = np.clip(weights @ cause[seen], -MOST, MOST)  # (row, junction)
        moved = log_demand * found.linear.expected
        read[:, step, compared.sensor[rows]] += moved @ found.linear.demand[rows].T
        read[:, step, scored.sensor] += np.where(scored.balance >= 0, 0.0, moved @ found.scored.demand.T)
        if step == len(value) - 1:
            demand = demand * np.exp(log_demand)
    read[FIRST:] += instrument
    demand[OPEN], read[OPEN] = found.last.demand[OPEN], found.read[OPEN]
    return Analysis(read, solve_again(model, found.last, after, demand))
