"""What drives the hidden town: the demand of every junction in every interval, and the other patterns.

A junction's demand is its file's, by patterns, times four factors: its own for all time, the town's level, its own noise, and
what events make of it. An inflow (negative demand) follows its pattern only.

The noise of a junction is lognormal with mean 1. The logarithm has a part that is new in every interval and one that lasts,
an AR(1): customers do not throw dice every five minutes. Junctions are independent of each other. The level of the town is
lognormal too, its logarithm an AR(1) that lasts for days.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tweeling.network.network import Floats
from tweeling.physics.hydraulics.drivers import PatternTable
from tweeling.plant.events import Demand
from tweeling.plant.truth import Hidden, consuming, lognormal


@dataclass(frozen=True, eq=False)
class DriverState:
    """What the next intervals need of those before.

    Args:
        interval: the next one.
        lasting: of each junction's noise, standard normal; (junction,).
        level: of the town's level, standard normal.
        noise, zone: random streams; they go along, the only part that is not frozen.
    """

    interval: int
    lasting: Floats
    level: float
    noise: np.random.Generator
    zone: np.random.Generator


@dataclass(frozen=True, eq=False)
class Drive:
    """What drives some intervals.

    Args:
        patterns: as EPANET is to have them; (pattern, step).
        level: of the town's demand; (interval,).
    """

    patterns: Floats
    level: Floats


def first_drive(hidden: Hidden) -> DriverState:
    """The state before the first interval; lasting parts are at rest in their own distribution."""
    noise, zone = hidden.rng("demand_noise"), hidden.rng("zone_factor")
    n_junctions = hidden.model.nodes.n_junctions
    return DriverState(0, noise.standard_normal(n_junctions), float(zone.standard_normal()), noise, zone)


def drive(hidden: Hidden, state: DriverState, count: int, step: int) -> tuple[DriverState, Drive]:
    """What drives the next intervals.

    Args:
        hidden: the truth.
        state: where they begin.
        count: how many intervals.
        step: s, of a pattern.
    """
    world = hidden.world
    per_interval = int(world.interval) // step
    time = world.offset + state.interval * int(world.interval) + step * np.arange(count * per_interval)
    now = PatternTable.of(hidden.network).at(time // max(hidden.network.times.pattern_step, 1))
    multiplier = np.take(now.table, now.row, axis=0)
    state_after, factor, level = _factors(hidden, state, count)
    demand = _demand(hidden, multiplier, np.repeat(factor, per_interval, axis=0))
    patterns = np.concatenate([multiplier[:, :-1], demand], axis=1).T
    return state_after, Drive(np.ascontiguousarray(patterns), level)


def _factors(hidden: Hidden, state: DriverState, count: int) -> tuple[DriverState, Floats, Floats]:
    """Factors on consumption (interval, junction), and the level of the town (interval,)."""
    truth, interval = hidden.world.truth, hidden.world.interval
    n_junctions = hidden.model.nodes.n_junctions
    keeps, keeps_level = np.exp(-interval / truth.demand_noise_lasts), np.exp(-interval / truth.zone_factor_lasts)
    drawn = state.noise.standard_normal((count, 2, n_junctions))
    of_zone = state.zone.standard_normal(count)
    lasting, level = np.empty((count, n_junctions)), np.empty(count)
    now, level_now = state.lasting, state.level
    for i in range(count):
        lasting[i], level[i] = now, level_now
        now = keeps * now + np.sqrt(1 - keeps**2) * drawn[i, 0]
        level_now = float(keeps_level * level_now + np.sqrt(1 - keeps_level**2) * of_zone[i])
    share = truth.demand_noise_share
    noise = lognormal(truth.demand_noise_sd, np.sqrt(share) * lasting + np.sqrt(1 - share) * drawn[:, 1])
    town = lognormal(truth.zone_factor_sd, level)
    factor = hidden.demand_factor * noise * town[:, None] * _jumps(hidden, state.interval, count)
    return replace(state, interval=state.interval + count, lasting=now, level=level_now), factor, town


def _jumps(hidden: Hidden, first: int, count: int) -> Floats:
    """What events make of consumption; (interval, junction)."""
    jumps = np.ones((count, hidden.model.nodes.n_junctions))
    for happening in hidden.happenings:
        if isinstance(happening.event, Demand):
            acts = slice(max(happening.start - first, 0), max(happening.end - first, 0))
            jumps[acts, happening.event.where(hidden.model, happening.subjects)] *= happening.event.factor
    return jumps


def _demand(hidden: Hidden, multiplier: Floats, factor: Floats) -> Floats:
    """Demand of the junctions that have one, in file units; (step, junction that consumes)."""
    network, demands = hidden.network, hidden.network.demands
    junctions = consuming(network)
    pattern = np.where(demands.pattern >= 0, demands.pattern, network.options.pattern)
    used = np.isin(demands.junction, junctions)
    base = demands.base[used] * network.options.demand_multiplier / network.units.flow_si
    parts = base * np.take(multiplier, pattern[used], axis=1)
    # Consumption gets the factors, an inflow does not.
    parts *= np.where(base > 0, np.take(factor, demands.junction[used], axis=1), 1.0)
    return np.add.reduceat(parts, np.searchsorted(demands.junction[used], junctions), axis=1)
