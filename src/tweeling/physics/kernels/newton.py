"""One Newton step of all lanes: linearise, assemble, factor, solve, move; see `physics/hydraulics/reference.py`."""

from __future__ import annotations

from tweeling.physics.hydraulics.reference import SLACK
from tweeling.physics.kernels.compiled import compiled, part
from tweeling.physics.kernels.structure import MACHINE, SOFT_PIPE
from tweeling.physics.kernels.tables import ACTIVE, CLOSED, FCV, LEAST_PIVOT, POWER, PRV, PSV, PUMP
from tweeling.physics.kernels.tangents import (
    add_link,
    darcy_pipes,
    machines,
    outlets,
    passes,
    power_pipes,
    soft_pipes,
    stalled,
    throttles,
    trickle,
)
from tweeling.physics.kernels.vector import LANES, absolute, choose, fma, largest, less, load, spread, store


@part
def newton_step(compiled, given, block, head_tolerance):  # type: ignore[no-untyped-def]
    """Linearises, solves for the rise of heads and moves heads and flows, all lanes at once."""
    structure, numbers = compiled.structure, compiled.numbers
    n = numbers.n
    for k in range(n):
        store(block.diagonal, k, load(block.base, k))
        store(block.right, k, spread(0.0) - load(block.demand, k))
    for e in structure.filled:
        store(block.lower, e, spread(0.0))
    for k in structure.lopsided_columns:
        for e in range(structure.first[k], structure.first[k + 1]):
            store(block.beyond, e, spread(0.0))
    if numbers.darcy:
        darcy_pipes(compiled, block)
    else:
        power_pipes(compiled, block)
    soft_pipes(compiled, block)
    throttles(compiled, block)
    machines(compiled, block)
    outlets(compiled, given, block)
    _assemble(compiled, block)
    _hold_pressures(compiled, block)
    _solve(compiled.structure, block, n, 1.0 / numbers.high_resistance)
    _move(compiled, given, block, head_tolerance)


@compiled
def _assemble(compiled, block):  # type: ignore[no-untyped-def]
    """Adds to the equations the links that are not plain pipes, which have added themselves."""
    structure = compiled.structure
    for k in range(structure.groups[SOFT_PIPE], structure.order.shape[0]):
        add_link(structure, block, compiled.numbers.n, k, load(block.conductance, k), load(block.constant, k))


@compiled
def _value(block, n, which, lane):  # type: ignore[no-untyped-def]
    """A matrix value; above the diagonal it is the value below plus `beyond`."""
    z = block.lower.shape[0]
    if which < n:
        return block.diagonal[which, lane]
    if which < n + z:
        return block.lower[which - n, lane]
    return block.lower[which - n - z, lane] + block.beyond[which - n - z, lane]


@compiled
def _set_value(block, n, which, lane, value):  # type: ignore[no-untyped-def]
    """Changes one matrix value and not its mirror image."""
    z = block.lower.shape[0]
    if which < n:
        block.diagonal[which, lane] = value
    elif which < n + z:
        block.beyond[which - n, lane] += block.lower[which - n, lane] - value
        block.lower[which - n, lane] = value
    else:
        block.beyond[which - n - z, lane] = value - block.lower[which - n - z, lane]


@compiled
def _hold_pressures(compiled, block):  # type: ignore[no-untyped-def]
    """Rows of active pressure valves: the held head, and the balance that is passed on."""
    structure, n = compiled.structure, compiled.numbers.n
    for v in range(structure.valve_place.shape[0]):
        place, holds, passes = structure.valve_place[v], structure.valve_holds[v], structure.valve_passes[v]
        for lane in range(LANES):
            if block.status[lane, place] != ACTIVE or block.dry_link[lane, place]:
                continue
            for move in range(structure.move_first[v], structure.move_first[v + 1]):
                source, target = structure.move_from[move], structure.move_to[move]
                if target >= 0:
                    moved = _value(block, n, target, lane) + _value(block, n, source, lane)
                    _set_value(block, n, target, lane, moved)
                _set_value(block, n, source, lane, 0.0)
            block.diagonal[holds, lane] = 1.0
            block.diagonal[passes, lane] += trickle(compiled, block, lane)
            block.right[passes, lane] += block.right[holds, lane]
            block.right[holds, lane] = compiled.elevation[holds] + block.setting[lane, place] - block.head[holds, lane]


@compiled
def _solve(structure, block, n, trickle):  # type: ignore[no-untyped-def]
    """Factors the matrix and solves for the rise of heads.

    Only columns that a pressure valve reaches (`Structure.lopsided`) differ above and below the diagonal, by `beyond`.
    """
    first, row, pair = structure.first, structure.row, structure.pair
    diagonal, lower, beyond, right, rise = block.diagonal, block.lower, block.beyond, block.right, block.rise
    least, stand_in, smallest = spread(LEAST_PIVOT), spread(trickle), spread(1.0)
    for k in range(n):
        pivot = load(diagonal, k)
        small = less(pivot, least)
        smallest = choose(small, pivot, smallest)
        inverse = spread(1.0) / choose(small, stand_in, pivot)
        f = load(right, k)
        at, last = structure.pair_first[k], first[k + 1]
        if structure.lopsided[k]:
            for a in range(first[k], last):
                value = load(lower, a)
                store(beyond, a, load(beyond, a) + value)
                store(lower, a, spread(0.0) - value * inverse)
            for a in range(first[k], last):
                below, above = load(lower, a), load(beyond, a)
                i = row[a]
                store(diagonal, i, fma(below, above, load(diagonal, i)))
                store(right, i, fma(below, f, load(right, i)))
                for b in range(a + 1, last):
                    target = pair[at]
                    at += 1
                    change = load(lower, b) * above
                    store(lower, target, load(lower, target) + change)
                    store(beyond, target, load(beyond, target) + (below * load(beyond, b) - change))
            store(diagonal, k, inverse)
            store(right, k, f)
        else:
            for a in range(first[k], last):
                value = load(lower, a)
                factor = spread(0.0) - value * inverse
                i = row[a]
                store(diagonal, i, fma(factor, value, load(diagonal, i)))
                store(right, i, fma(factor, f, load(right, i)))
                for b in range(a + 1, last):
                    target = pair[at]
                    at += 1
                    store(lower, target, fma(factor, load(lower, b), load(lower, target)))
                store(lower, a, factor)
            store(right, k, f * inverse)
    store(block.sums, 3, smallest)
    for k in range(n - 1, -1, -1):
        x = load(right, k)
        if structure.lopsided[k]:
            for a in range(first[k], first[k + 1]):
                x = x - load(beyond, a) * load(rise, row[a])
            x = x * load(diagonal, k)
        else:
            for a in range(first[k], first[k + 1]):
                x = fma(load(lower, a), load(rise, row[a]), x)
        store(rise, k, x)


@compiled
def _move(compiled, given, block, head_tolerance):  # type: ignore[no-untyped-def]
    """Moves heads and flows; leaves sum |q|, sum |dq| and the largest |dq| - p head_tolerance in `sums`."""
    structure, numbers, links = compiled.structure, compiled.numbers, compiled.links
    n, groups = numbers.n, structure.groups
    for k in range(n):
        store(block.head, k, load(block.head, k) + load(block.rise, k))
    total, moved, excess = spread(0.0), spread(0.0), spread(-1.0)
    step = load(block.step, 0)
    slack = spread(SLACK)
    for k in range(groups[MACHINE]):
        rise = load(block.rise, structure.start[k]) - load(block.rise, structure.end[k])
        q, p = load(block.flow, k), load(block.conductance, k)
        change = (fma(p, rise, load(block.constant, k)) - q) * step
        q = q + change
        change = absolute(change)
        store(block.flow, k, q)
        total, moved = total + absolute(q), moved + change
        excess = largest(excess, change - fma(p, spread(head_tolerance), slack))
    for o in range(given.outlet_kind.shape[0]):
        q = load(block.outlet_flow, o)
        p = load(block.outlet_conductance, o)
        change = (fma(p, load(block.rise, given.outlet_position[o]), load(block.outlet_constant, o)) - q) * step
        change = choose(less(load(block.outlet_resistance, o), spread(0.0)), spread(0.0), change)
        if given.outlet_barrier[o] == 2:
            most = load(block.outlet_most, o) * 0.4
            change = choose(less(most, change), most, change)
            change = largest(spread(0.0) - most, change)
        q = q + change
        store(block.outlet_flow, o, q)
        total, moved = total + absolute(q), moved + absolute(change)
    store(block.sums, 0, total)
    store(block.sums, 1, moved)
    store(block.sums, 2, excess)
    for k in range(groups[MACHINE], groups[4]):
        kind = links.kind[k]
        for lane in range(LANES):
            status = block.status[lane, k]
            if block.dry_link[lane, k] or (kind in (PRV, PSV) and status == ACTIVE):
                continue
            rise = block.rise[structure.start[k], lane] - block.rise[structure.end[k], lane]
            q, p = block.flow[k, lane], block.conductance[k, lane]
            change = (block.constant[k, lane] + p * rise - q) * block.step[0, lane]
            runs = kind == PUMP and passes(kind, status, block.setting[lane, k])
            if (
                runs
                and change < -q
                and compiled.pumps.law[links.pump[k]] == POWER
                and not stalled(compiled, links.pump[k], block.setting[lane, k], q)
            ):
                change = -q / 2.0
            block.flow[k, lane] = q + change
            block.sums[0, lane] += abs(q + change)
            block.sums[1, lane] += abs(change)
            quiet = status <= CLOSED or (kind == FCV and status == ACTIVE)
            if not quiet:
                block.sums[2, lane] = max(block.sums[2, lane], abs(change) - p * head_tolerance - SLACK)
    for v in range(structure.valve_place.shape[0]):
        _close_balance(compiled, given, block, v)


@compiled
def _close_balance(compiled, given, block, v):  # type: ignore[no-untyped-def]
    """The flow of an active pressure valve is what the node that it holds needs or gives."""
    structure = compiled.structure
    place, holds = structure.valve_place[v], structure.valve_holds[v]
    for lane in range(LANES):
        if block.status[lane, place] != ACTIVE or block.dry_link[lane, place]:
            continue
        net = -block.demand[holds, lane]
        for outlet in range(given.outlet_first[holds], given.outlet_first[holds + 1]):
            net -= block.outlet_flow[outlet, lane]
        for at in range(structure.incident_first[holds], structure.incident_first[holds + 1]):
            link = structure.incident[at]
            if link == place:
                continue
            net += block.flow[link, lane] if structure.end[link] == holds else -block.flow[link, lane]
        flow = -net if structure.end[place] == holds else net
        change = flow - block.flow[place, lane]
        block.flow[place, lane] = flow
        block.sums[0, lane] += abs(flow)
        block.sums[1, lane] += abs(change)
