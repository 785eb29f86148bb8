"""How far to go along a Newton step, how steep the limits of outlets are: `hydraulics/descent.py`, `reference._soften`.

All lanes that ask look at the slope of their content together; the others' flows stay as they are.
"""

from __future__ import annotations

import numpy as np

from tweeling.physics.hydraulics.descent import LOOKS, NEAR, SHRINK
from tweeling.physics.hydraulics.reference import (
    ALREADY,
    CAREFUL,
    HARDEST,
    LEAP,
    RESTING,
    ROUNDED,
    SETTLED,
    SOFT,
    STRAIN,
    WILD,
)
from tweeling.physics.kernels.compiled import called, compiled
from tweeling.physics.kernels.structure import END, SOFT_PIPE
from tweeling.physics.kernels.tables import ACTIVE, FCV, PRV, PSV, PUMP
from tweeling.physics.kernels.tangents import machines, outlets, passes, plain_pipes, soft_pipes, stalled
from tweeling.physics.kernels.vector import LANES, choose, fma, less, load, spread, store

ANY = 1e30
"""Times a demand: more than any step."""
ASKS, PART, SLOPE, LEAST, MOST, ENOUGH = range(6)
"""Rows of `Block.search`: 1 where a lane asks, else 0; the part of its step where it is, and the slope there; the part up to
which the slope is down; the part that it is to go at most; and how small a slope will do."""


@called
def keep_flows(compiled, given, block):  # type: ignore[no-untyped-def]
    """Keeps what all flows are before a step."""
    m = compiled.structure.groups[END]
    for k in range(m):
        store(block.before, k, load(block.flow, k))
    for o in range(given.outlet_kind.shape[0]):
        store(block.before, m + o, load(block.outlet_flow, o))


@called
def soften(given, block, lane):  # type: ignore[no-untyped-def]
    """Whether a lane's next step may be taken in part, and how steep the limits of its outlets are: `reference._soften`."""
    iteration, moved = block.iteration[lane], block.moved[lane]
    late = iteration > CAREFUL or (block.error[lane] > WILD and iteration > ALREADY)
    block.careful[lane] = late and iteration - moved > 1 and block.member[lane] >= 0
    block.leap[0, lane] = ANY if block.careful[lane] else LEAP
    if iteration == CAREFUL + 1 and _has_outlets(given, block, lane):
        block.soft[lane] = SOFT
    elif (block.error[lane] < RESTING and block.soft[lane] > 0) or (block.error[lane] < SETTLED and strained(block, lane)):
        block.soft[lane] -= 1
    block.firm[0, lane] = 100.0 ** -block.soft[lane]


@compiled
def strained(block, lane):  # type: ignore[no-untyped-def]
    """Whether water comes in through an outlet that lets none in, and its limit can be steeper still."""
    return block.sums[5, lane] > STRAIN and block.soft[lane] > HARDEST


@compiled
def _has_outlets(given, block, lane):  # type: ignore[no-untyped-def]
    """Whether something flows out by pressure."""
    there = False
    for o in range(given.outlet_kind.shape[0]):
        there |= block.outlet_resistance[o, lane] >= 0.0
    return there


@called
def reconsider(compiled, given, block):  # type: ignore[no-untyped-def]
    """Goes back along the last step of lanes where it led too far: `reference._reconsider`, `descent.part_of_step`."""
    search, asks = block.search, 0
    for lane in range(LANES):
        ask = block.careful[lane] and block.error[lane] > ROUNDED
        ask = ask and block.moved[lane] < block.iteration[lane]
        search[ASKS, lane], asks = (1.0, asks + 1) if ask else (0.0, asks)
    if asks == 0:
        return
    m = compiled.structure.groups[END]
    for k in range(m):
        store(block.whole, k, load(block.flow, k) - load(block.before, k))
    for o in range(given.outlet_kind.shape[0]):
        store(block.whole, m + o, load(block.outlet_flow, o) - load(block.before, m + o))
    store(search, PART, spread(0.0))
    _slope(compiled, given, block)
    for lane in range(LANES):
        search[ENOUGH, lane] = NEAR * abs(search[SLOPE, lane]) if search[SLOPE, lane] < 0.0 else np.inf
        search[LEAST, lane], search[MOST, lane], search[PART, lane] = 0.0, 1.0, 1.0
    _slope(compiled, given, block)
    seeking = 0
    for lane in range(LANES):
        block.seeks[lane] = search[ASKS, lane] > 0.0 and search[SLOPE, lane] > search[ENOUGH, lane]
        seeking += block.seeks[lane]
    looks = 0
    while seeking > 0 and looks < LOOKS:
        for lane in range(LANES):
            if block.seeks[lane]:
                least, most = search[LEAST, lane], search[MOST, lane]
                search[PART, lane] = most / SHRINK if least == 0.0 else np.sqrt(least * most)
        _slope(compiled, given, block)
        looks += 1
        for lane in range(LANES):
            if block.seeks[lane]:
                part, slope = search[PART, lane], search[SLOPE, lane]
                good = abs(slope) <= search[ENOUGH, lane]
                if slope < 0.0:
                    search[LEAST, lane] = part
                if not slope < 0.0 or good:
                    search[MOST, lane] = part
                if good:
                    block.seeks[lane] = False
                    seeking -= 1
            search[PART, lane] = search[MOST, lane]
    _go(compiled, given, block)


@called
def _go(compiled, given, block):  # type: ignore[no-untyped-def]
    """Gives the lanes that ask the flows at their parts of the step."""
    m, asks, part = compiled.structure.groups[END], less(spread(0.0), load(block.search, ASKS)), load(block.search, PART)
    for k in range(m):
        there = fma(part, load(block.whole, k), load(block.before, k))
        store(block.flow, k, choose(asks, there, load(block.flow, k)))
    for o in range(given.outlet_kind.shape[0]):
        there = fma(part, load(block.whole, m + o), load(block.before, m + o))
        store(block.outlet_flow, o, choose(asks, there, load(block.outlet_flow, o)))


@called
def _slope(compiled, given, block):  # type: ignore[no-untyped-def]
    """The slope of the content along the last step at the lanes' parts of it; tangents are those there afterwards."""
    groups, whole = compiled.structure.groups, block.whole
    _go(compiled, given, block)
    plain_pipes(compiled, block, 0, groups[SOFT_PIPE])
    soft_pipes(compiled, block)
    machines(compiled, block)
    outlets(compiled, given, block)
    slope = spread(0.0)
    for k in range(groups[SOFT_PIPE]):
        rise = (load(block.flow, k) - load(block.constant, k)) / load(block.conductance, k)
        slope = fma(load(whole, k), rise, slope)
    for o in range(given.outlet_kind.shape[0]):
        p = load(block.outlet_conductance, o)
        rise = (load(block.outlet_flow, o) - load(block.outlet_constant, o)) / p
        slope = slope + choose(less(spread(0.0), p), load(whole, groups[END] + o) * rise, spread(0.0))
    store(block.search, SLOPE, slope)
    for k in range(groups[SOFT_PIPE], groups[END]):
        kind = compiled.links.kind[k]
        for lane in range(LANES):
            status, setting, flow = block.status[lane, k], block.setting[lane, k], block.flow[k, lane]
            limited = status == ACTIVE and kind in (PRV, PSV, FCV)
            if block.search[ASKS, lane] == 0.0 or block.dry_link[lane, k] or limited or not passes(kind, status, setting):
                continue
            if kind == PUMP and stalled(compiled, compiled.links.pump[k], setting, flow):
                continue
            rise = (flow - block.constant[k, lane]) / block.conductance[k, lane]
            block.search[SLOPE, lane] += whole[k, lane] * rise
