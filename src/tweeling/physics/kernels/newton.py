"""One Newton step of all lanes: linearise, eliminate, substitute, move; see `physics/hydraulics/reference.py`.

The matrix is kept as conductances, between junctions (`lower`) and from a junction to the ground (`ground`, its column's
sum: to fixed heads and outlets). A pivot is the sum of a junction's conductances; to eliminate it is to share its own among
its neighbours. All these numbers are positive and nothing is ever subtracted, so that a pipe of almost no resistance drowns
none of its neighbours (Grassmann, Taksar, Heyman 1985). A valve that holds a pressure moves its row to another, which leaves
the sums of columns as they are; what is left of the row is 1 on the diagonal.

The sweep over columns is one pass through memory there and one back: tangents of a column's plain links are made, added and
eliminated while they are in the cache; on the way back their flows move as soon as the heads of both ends have.
"""

from __future__ import annotations

import numpy as np

from tweeling.physics.hydraulics.reference import BARELY, SLACK
from tweeling.physics.kernels.compiled import called, compiled
from tweeling.physics.kernels.packed import unpacked
from tweeling.physics.kernels.structure import EARLY_PIPE, END, FRESH, MACHINE, MIXED, SOFT_PIPE
from tweeling.physics.kernels.tables import ACTIVE, CLOSED, FCV, LEAST_FLOW, LEAST_PIVOT, POWER, PRV, PSV, PUMP
from tweeling.physics.kernels.tangents import (
    machines,
    outlets,
    passes,
    plain_pipe,
    plain_pipes,
    relative_bend,
    soft_pipes,
    stalled,
)
from tweeling.physics.kernels.vector import (
    LANES,
    absolute,
    choose,
    fma,
    largest,
    less,
    load,
    smallest,
    spread,
    store,
)


@called
def newton_step(compiled, given, block, head_tolerance):  # type: ignore[no-untyped-def]
    """Linearises, solves for the rise of heads and moves heads and flows, all lanes at once.

    `ground`, `right` and `lower` are found as the last step has left them: no conductance, and the demand.
    """
    structure, groups = compiled.structure, compiled.structure.groups
    plain_pipes(compiled, block, groups[EARLY_PIPE], groups[SOFT_PIPE])
    soft_pipes(compiled, block)
    machines(compiled, block)
    for k in range(groups[EARLY_PIPE], groups[END]):
        _add_link(structure, block, compiled.numbers.n, k)
    outlets(compiled, given, block)
    for o in range(given.outlet_kind.shape[0]):
        position = given.outlet_position[o]
        store(block.ground, position, load(block.ground, position) + load(block.outlet_conductance, o))
        store(block.right, position, load(block.right, position) - load(block.outlet_constant, o))
    _hold_pressures(compiled, block)
    _eliminate(compiled, block)
    _substitute(compiled, block, head_tolerance)
    _move_others(compiled, block, head_tolerance)
    _move_outlets(compiled, given, block)
    for v in range(structure.valve_place.shape[0]):
        _close_balance(compiled, given, block, v)


@compiled
def _add_link(structure, block, n, k):  # type: ignore[no-untyped-def]
    """Adds a link to the equations."""
    p, c = load(block.conductance, k), load(block.constant, k)
    i, j, e = structure.start[k], structure.end[k], structure.entry[k]
    if e >= 0:
        store(block.lower, e, load(block.lower, e) + p)
        if structure.lopsided[min(i, j)]:
            store(block.upper, e, load(block.upper, e) + p)
    elif i != j and min(i, j) < n:
        store(block.ground, min(i, j), load(block.ground, min(i, j)) + p)
    if i < n:
        store(block.right, i, load(block.right, i) - c)
    if j < n:
        store(block.right, j, load(block.right, j) + c)


@compiled
def _between(block, n, which, lane):  # type: ignore[no-untyped-def]
    """A conductance between two junctions, by the number of its matrix value (`Structure.move_from`)."""
    z = block.lower.shape[0]
    return block.lower[which - n, lane] if which < n + z else block.upper[which - n - z, lane]


@compiled
def _set_between(block, n, which, lane, value):  # type: ignore[no-untyped-def]
    """Changes one such conductance and not its mirror image."""
    z = block.lower.shape[0]
    if which < n + z:
        block.lower[which - n, lane] = value
    else:
        block.upper[which - n - z, lane] = value


@called
def _hold_pressures(compiled, block):  # type: ignore[no-untyped-def]
    """Rows of active pressure valves: the held head, and the balance that is passed on."""
    structure, n = compiled.structure, compiled.numbers.n
    for v in range(structure.valve_place.shape[0]):
        place, holds, passes = structure.valve_place[v], structure.valve_holds[v], structure.valve_passes[v]
        for lane in range(LANES):
            if block.status[lane, place] != ACTIVE or block.dry_link[lane, place]:
                continue
            pivot = block.ground[holds, lane]
            for move in range(structure.move_first[v], structure.move_first[v + 1]):
                if structure.move_from[move] >= n:
                    pivot += _between(block, n, structure.move_from[move], lane)
            for move in range(structure.move_first[v], structure.move_first[v + 1]):
                source, target = structure.move_from[move], structure.move_to[move]
                if target >= n:
                    moved = -pivot if source < n else _between(block, n, source, lane)
                    _set_between(block, n, target, lane, _between(block, n, target, lane) + moved)
                if source >= n:
                    _set_between(block, n, source, lane, 0.0)
            block.ground[passes, lane] += block.trickle[0, lane]
            block.ground[holds, lane] += 1.0
            block.held[structure.held[holds], lane] = 1.0
            block.right[passes, lane] += block.right[holds, lane]
            rise = compiled.elevation[holds] + block.setting[lane, place] - block.head[holds, lane]
            block.right[holds, lane] = rise - block.rest[holds, lane]


@called
def _eliminate(compiled, block):  # type: ignore[no-untyped-def]
    """Column by column: adds the tangents of its pipes, and shares its conductances among its neighbours."""
    compiled, block = unpacked(compiled), unpacked(block)
    structure = compiled.structure
    first, row, pair = structure.first, structure.row, structure.pair
    ground, lower, upper, right, lopsided = block.ground, block.lower, block.upper, block.right, structure.lopsided
    least, stand_in, lowest = spread(LEAST_PIVOT), spread(1.0 / compiled.numbers.high_resistance), spread(1.0)
    for k in range(compiled.numbers.n):
        s, f = load(ground, k), load(right, k)
        for place in range(structure.own_first[k], structure.own_first[k + 1]):
            p, c = plain_pipe(compiled, block, place)
            store(block.constant, place, c)
            f = f - c
            a = structure.entry[place]
            if a >= 0:
                store(right, row[a], load(right, row[a]) + c)
                if structure.origin[a] == MIXED:
                    store(block.conductance, place, p)
                    store(lower, a, load(lower, a) + p)
                    if lopsided[k]:
                        store(upper, a, load(upper, a) + p)
                else:
                    store(lower, a, p)
            else:
                store(block.conductance, place, p)
                s = s + p
        pivot = s
        for a in range(first[k], first[k + 1]):
            pivot = pivot + load(lower, a)
        if structure.held[k] >= 0:
            held = load(block.held, structure.held[k])
            pivot = choose(less(spread(0.0), held), held, pivot)
            store(block.held, structure.held[k], spread(0.0))
        small = less(pivot, least)
        lowest = choose(small, pivot, lowest)
        inverse = spread(1.0) / choose(small, stand_in, pivot)
        share, flow = s * inverse, f * inverse
        store(ground, k, inverse)
        store(right, k, flow)
        at, last = structure.pair_first[k], first[k + 1]
        for a in range(first[k], last):
            between, i = load(lower, a), row[a]
            store(right, i, fma(between, flow, load(right, i)))
            into = load(upper, a) if lopsided[k] else between
            store(ground, i, fma(into, share, load(ground, i)))
            below, above = between * inverse, into * inverse
            if lopsided[k]:
                for b in range(a + 1, last):
                    target = pair[at]
                    at += 1
                    store(lower, target, fma(above, load(lower, b), load(lower, target)))
                    store(upper, target, fma(below, load(upper, b), load(upper, target)))
            elif lopsided[i]:
                for b in range(a + 1, last):
                    target = pair[at]
                    at += 1
                    store(lower, target, fma(below, load(lower, b), load(lower, target)))
                    store(upper, target, fma(below, load(lower, b), load(upper, target)))
            else:
                for b in range(a + 1, last):
                    target = pair[at]
                    at += 1
                    store(lower, target, fma(below, load(lower, b), load(lower, target)))
    store(block.sums, 3, lowest)


@called
def _substitute(compiled, block, head_tolerance):  # type: ignore[no-untyped-def]
    """From the last column on: how much its head rises and its pipes' flows move; leaves the equations for the next step."""
    compiled, block = unpacked(compiled), unpacked(block)
    structure = compiled.structure
    first, row = structure.first, structure.row
    nothing, tolerance = spread(0.0), spread(head_tolerance)
    total, left, excess, rounding = load(block.trees, 0), spread(0.0), spread(-1.0), spread(0.0)
    for k in range(compiled.numbers.n - 1, -1, -1):
        rise = nothing
        for a in range(first[k], first[k + 1]):
            if structure.lopsided[k]:
                rise = fma(load(block.upper, a), load(block.rise, row[a]), rise)
                store(block.upper, a, nothing)
            else:
                rise = fma(load(block.lower, a), load(block.rise, row[a]), rise)
            if structure.origin[a] != FRESH:
                store(block.lower, a, nothing)
        rise = fma(load(block.ground, k), rise, load(block.right, k))
        store(block.rise, k, rise)
        _raise_head(block, k, rise)
        store(block.ground, k, nothing)
        store(block.right, k, nothing - load(block.demand, k))
        for place in range(structure.own_first[k], structure.own_first[k + 1]):
            a = structure.entry[place]
            fresh = a >= 0 and structure.origin[a] == FRESH
            p = load(block.lower, a) if fresh else load(block.conductance, place)
            other = load(block.rise, structure.end[place])
            total, left, excess = _move_pipe(compiled, block, place, p, rise - other, tolerance, total, left, excess)
            rounding = largest(rounding, (absolute(rise) + absolute(other)) * p)
    store(block.sums, 0, total)
    store(block.sums, 1, left)
    store(block.sums, 2, excess)
    store(block.sums, 4, rounding)


@compiled
def _raise_head(block, k, rise):  # type: ignore[no-untyped-def]
    """See `reference._raised`."""
    head, more = load(block.head, k), rise + load(block.rest, k)
    total = head + more
    part = total - head
    store(block.head, k, total)
    store(block.rest, k, (head - (total - part)) + (more - part))


@compiled
def _move_pipe(compiled, block, place, p, rise, tolerance, total, left, excess):  # type: ignore[no-untyped-def]
    """Moves the flow of a plain link or chain along its tangent; the sums with its share (`reference._Step`)."""
    q, chain = load(block.flow, place), compiled.structure.chain[place]
    change = fma(p, rise, load(block.constant, place)) - q
    if chain < 0:
        bend = relative_bend(compiled, place, absolute(q))
    else:
        bend = load(block.bend, chain)
        store(block.change, chain, change)
    q = q + change
    store(block.flow, place, q)
    todo, weight = left_to_move(absolute(change), bend), spread(compiled.links.weight[place])
    excess = largest(excess, todo - fma(p, tolerance, spread(SLACK)))
    return fma(weight, absolute(q), total), fma(weight, todo, left), excess


@compiled
def left_to_move(change, bend):  # type: ignore[no-untyped-def]
    """See `laws.left_to_move`."""
    return smallest(change, change * change * bend)


@called
def _move_others(compiled, block, head_tolerance):  # type: ignore[no-untyped-def]
    """Moves the flows of links that no column owns."""
    structure, links = compiled.structure, compiled.links
    groups = structure.groups
    total, left, excess = load(block.sums, 0), load(block.sums, 1), load(block.sums, 2)
    rounding = load(block.sums, 4)
    for k in range(groups[EARLY_PIPE], groups[MACHINE]):
        rise, other = load(block.rise, structure.start[k]), load(block.rise, structure.end[k])
        p = load(block.conductance, k)
        total, left, excess = _move_pipe(compiled, block, k, p, rise - other, spread(head_tolerance), total, left, excess)
        rounding = largest(rounding, (absolute(rise) + absolute(other)) * p)
    store(block.sums, 4, rounding)
    store(block.sums, 0, total)
    store(block.sums, 1, left)
    store(block.sums, 2, excess)
    for k in range(groups[MACHINE], groups[END]):
        kind = links.kind[k]
        for lane in range(LANES):
            status = block.status[lane, k]
            if block.dry_link[lane, k] or (kind in (PRV, PSV) and status == ACTIVE):
                continue
            rise, other = block.rise[structure.start[k], lane], block.rise[structure.end[k], lane]
            q, p = block.flow[k, lane], block.conductance[k, lane]
            block.sums[4, lane] = max(block.sums[4, lane], (abs(rise) + abs(other)) * p)
            rise -= other
            change = block.constant[k, lane] + p * rise - q
            if kind == PUMP and passes(kind, status, block.setting[lane, k]):
                change = _never_back(compiled, links.pump[k], block.setting[lane, k], q, change)
            todo = _machine_left(links.curvature[k], q, change)
            block.flow[k, lane] = q + change
            block.sums[0, lane] += abs(q + change)
            block.sums[1, lane] += todo
            quiet = status <= CLOSED or (kind == FCV and status == ACTIVE)
            if not quiet:
                block.sums[2, lane] = max(block.sums[2, lane], todo - p * head_tolerance - SLACK)


@compiled
def _never_back(compiled, pump, speed, flow, change):  # type: ignore[no-untyped-def]
    """Change of a running pump's flow: one of constant power neither runs backward nor stalls in passing, see `reference`."""
    if compiled.pumps.law[pump] != POWER or stalled(compiled, pump, speed, flow):
        return change
    if change < -flow:
        change = -flow / 2.0
    least = np.sqrt(compiled.pumps.r[pump] * speed**3 / compiled.numbers.high_resistance) * (1.0 + BARELY)
    return least - flow if flow > least * (1.0 + BARELY) and flow + change < least else change


@compiled
def _machine_left(curvature, before, change):  # type: ignore[no-untyped-def]
    """See `laws.left_to_move`, of one lane."""
    size = abs(change)
    return min(size, curvature * size * size / max(abs(before), LEAST_FLOW))


@called
def _move_outlets(compiled, given, block):  # type: ignore[no-untyped-def]
    """Moves what flows out by pressure."""
    total, left, leap, drawn_in = load(block.sums, 0), load(block.sums, 1), load(block.leap, 0), spread(0.0)
    for o in range(given.outlet_kind.shape[0]):
        q, p = load(block.outlet_flow, o), load(block.outlet_conductance, o)
        change = fma(p, load(block.rise, given.outlet_position[o]), load(block.outlet_constant, o)) - q
        change = choose(less(load(block.outlet_resistance, o), spread(0.0)), spread(0.0), change)
        if given.outlet_barrier[o] == 2:
            most = load(block.outlet_most, o) * leap
            change = choose(less(most, change), most, change)
            change = largest(spread(0.0) - most, change)
        q = q + change
        store(block.outlet_flow, o, q)
        if given.outlet_barrier[o] >= 1:
            drawn_in = largest(drawn_in, spread(0.0) - q)
        # Barriers bend sharply: the whole change counts as left.
        total, left = total + absolute(q), left + absolute(change)
    store(block.sums, 0, total)
    store(block.sums, 1, left)
    store(block.sums, 5, drawn_in)


@called
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
        before = block.flow[place, lane]
        flow = -net if structure.end[place] == holds else net
        block.flow[place, lane] = flow
        block.sums[0, lane] += abs(flow)
        block.sums[1, lane] += _machine_left(compiled.links.curvature[place], before, flow - before)
