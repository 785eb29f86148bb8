"""New statuses of one lane: `physics/hydraulics/statuses.py`, link by link. Each function tells where something changed."""

from __future__ import annotations

import numpy as np

from tweeling.physics.hydraulics.reference import DOUBT, EPSILON, PATIENCE, STILL
from tweeling.physics.kernels.compiled import called, compiled
from tweeling.physics.kernels.structure import END, MACHINE, SOFT_PIPE
from tweeling.physics.kernels.tables import (
    ACTIVE,
    CHECK_VALVE,
    CLOSED,
    FCV,
    OPEN,
    POWER,
    PRV,
    PSV,
    PUMP,
    TEMPORARILY_CLOSED,
    XFCV,
    XHEAD,
    XPRESSURE,
)
from tweeling.physics.kernels.tangents import passes, stalled


@compiled
def creeping(compiled, block, lane):  # type: ignore[no-untyped-def]
    """Place of the link with the largest flow that only a sinking zone explains, and that flow; opens baseless PSVs."""
    structure, numbers, links = compiled.structure, compiled.numbers, compiled.links
    worst, at, cause = 0.0, -1, 0.0
    for k in range(structure.groups[SOFT_PIPE], structure.groups[END]):
        if block.dry_link[lane, k]:
            continue
        kind, status = links.kind[k], block.status[lane, k]
        quiet = not passes(kind, status, block.setting[lane, k]) or (kind == FCV and status == ACTIVE)
        if quiet:
            rise = block.rise[structure.start[k], lane] - block.rise[structure.end[k], lane]
            creep = abs(rise) * block.trickle[0, lane]
            worst = max(worst, creep)
            # All links around a sinking zone tell the same; the one that lets too little through is the cause.
            told = creep * 2.0 if status == ACTIVE else creep
            if told > cause:
                cause, at = told, k
    for v in range(structure.valve_place.shape[0]):
        place = structure.valve_place[v]
        if block.status[lane, place] == ACTIVE and not block.dry_link[lane, place]:
            creep = abs(block.rise[structure.valve_passes[v], lane]) * block.trickle[0, lane]
            worst = max(worst, creep)
            if creep > cause:
                cause, at = creep, place
            if creep > numbers.flow_tolerance and links.kind[place] == PSV:
                block.status[lane, place] = XPRESSURE
                block.moved[lane] = block.iteration[lane]
                block.flow[place, lane] = 0.0
                flatten(compiled, block, lane)
    return at, worst


@compiled
def _surely(structure, block, k, lane):  # type: ignore[no-untyped-def]
    """Flow in a link, but a flow backward without what may be the rounding of rising heads."""
    q = block.flow[k, lane]
    if q >= 0.0:
        return q
    size = abs(block.rise[structure.start[k], lane]) + abs(block.rise[structure.end[k], lane])
    return min(q + block.conductance[k, lane] * size * (EPSILON * DOUBT), 0.0)


@called
def regulate(compiled, block, lane, one):  # type: ignore[no-untyped-def]
    """New statuses of a lane's pressure valves (`statuses.regulating_status`); the place of one that changed, or -1.

    If only `one` may change, it is the first.
    """
    structure, numbers, links = compiled.structure, compiled.numbers, compiled.links
    h_tol, q_tol = numbers.head_tolerance, STILL if block.waited[lane] >= PATIENCE else numbers.flow_tolerance
    changed, status = -1, OPEN
    for v in range(structure.valve_place.shape[0]):
        place = structure.valve_place[v]
        setting, now = block.setting[lane, place], block.status[lane, place]
        if np.isnan(setting) or block.dry_link[lane, place]:
            continue
        start, end = structure.start[place], structure.end[place]
        h1, h2, q = block.head[start, lane], block.head[end, lane], _surely(structure, block, place, lane)
        loss = links.minor[place] * q * q
        new = now
        if now != CLOSED and q < -q_tol:
            new = CLOSED
        elif links.kind[place] == PRV:
            at = compiled.elevation[end] + setting
            if now == ACTIVE:
                new = OPEN if h1 - loss < at - h_tol else ACTIVE
            elif now == OPEN:
                new = ACTIVE if h2 >= at + h_tol else OPEN
            elif now == CLOSED:
                if h1 >= at + h_tol and h2 < at - h_tol:
                    new = ACTIVE
                elif h1 < at - h_tol and h1 > h2 + h_tol:
                    new = OPEN
        else:
            at = compiled.elevation[start] + setting
            if now == ACTIVE:
                new = OPEN if h2 + loss > at + h_tol else ACTIVE
            elif now == OPEN:
                new = ACTIVE if h1 < at - h_tol else OPEN
            elif now == CLOSED and h1 > h2 + h_tol:
                if h2 > at + h_tol:
                    new = OPEN
                elif h1 >= at + h_tol:
                    new = ACTIVE
        if new == now:
            continue
        if not one:
            block.status[lane, place] = new
            changed = place
        elif changed < 0 or structure.order[place] < structure.order[changed]:
            changed, status = place, new
    if one and changed >= 0:
        block.status[lane, changed] = status
    return changed


@called
def flatten(compiled, block, lane):  # type: ignore[no-untyped-def]
    """Gives junctions the head of the highest reservoir or tank; see `reference._flat_heads`."""
    n, fixed = compiled.numbers.n, compiled.numbers.n_fixed
    top = -np.inf
    for node in range(n, n + fixed):
        top = max(top, block.head[node, lane])
    for node in range(n):
        block.head[node, lane] = top
        block.rest[node, lane] = 0.0


@compiled
def _blocked(compiled, pump, status, speed, drop, flow):  # type: ignore[no-untyped-def]
    """See `statuses.blocked`."""
    pumps, numbers = compiled.pumps, compiled.numbers
    if pumps.law[pump] != POWER:
        return False
    if status == XHEAD:
        return drop <= numbers.head_tolerance
    return stalled(compiled, pump, speed, flow)


@compiled
def _check_valve(numbers, status, drop, flow):  # type: ignore[no-untyped-def]
    """See `statuses.check_valve_status`."""
    if flow < -numbers.flow_tolerance or drop < -numbers.head_tolerance:
        return CLOSED
    return OPEN if drop > numbers.head_tolerance else status


@called
def check_links(compiled, block, lane, tired, one):  # type: ignore[no-untyped-def]
    """New statuses of the other links (`statuses.link_status`); the place of one that changed, or -1.

    If only `one` may change, it is the first.
    """
    structure, numbers, links, tanks = compiled.structure, compiled.numbers, compiled.links, compiled.tanks
    h_tol, groups = numbers.head_tolerance, structure.groups
    for k in range(groups[SOFT_PIPE], groups[END]):
        block.old_status[k] = block.status[lane, k]
    for k in range(groups[SOFT_PIPE], groups[END]):
        if block.dry_link[lane, k]:
            continue
        kind, status, setting = links.kind[k], block.status[lane, k], block.setting[lane, k]
        if tired and status == XHEAD and compiled.pumps.law[links.pump[k]] == POWER:
            continue
        i, j, q = structure.start[k], structure.end[k], _surely(structure, block, k, lane)
        drop = (block.head[i, lane] - block.head[j, lane]) + (block.rest[i, lane] - block.rest[j, lane])
        if status <= TEMPORARILY_CLOSED:
            status = OPEN
        if kind == CHECK_VALVE:
            status = _check_valve(numbers, status, drop, q)
        elif kind == PUMP and status >= OPEN and setting > 0.0:
            most = setting**2 * compiled.pumps.max_gain[links.pump[k]]
            stuck = -drop > most + h_tol or _blocked(compiled, links.pump[k], block.status[lane, k], setting, drop, q)
            status = XHEAD if stuck else OPEN
        elif kind == FCV and not np.isnan(setting):
            if drop < -h_tol or q < -numbers.flow_tolerance:
                status = XFCV
            elif status == XFCV and q >= setting:
                status = ACTIVE
        block.status[lane, k] = status
    for t in range(tanks.place.shape[0]):
        k = tanks.place[t]
        status = block.status[lane, k]
        if status <= CLOSED or block.dry_link[lane, k]:
            continue
        node = structure.start[k] if tanks.end[t] == 0 else structure.end[k]
        other = structure.start[k] + structure.end[k] - node
        level = block.head[node, lane]
        drop = level - block.head[other, lane]
        q = _surely(structure, block, k, lane)
        q = q if tanks.end[t] == 0 else -q
        if links.kind[k] == PUMP:
            fills, drains = tanks.end[t] == 1, tanks.end[t] == 0
        else:
            fills = _check_valve(numbers, OPEN, drop, q) == CLOSED
            drains = _check_valve(numbers, CLOSED, drop, q) == OPEN
        if (level >= tanks.full[t] - h_tol and fills) or (level <= tanks.empty[t] + h_tol and drains):
            block.status[lane, k] = TEMPORARILY_CLOSED
    changed = -1
    for k in range(groups[SOFT_PIPE], groups[END]):
        other = block.status[lane, k] != block.old_status[k]
        if other and (changed < 0 or not one or structure.order[k] < structure.order[changed]):
            changed = k
    for k in range(groups[SOFT_PIPE], groups[END]):
        if block.status[lane, k] == block.old_status[k]:
            continue
        if one and k != changed:
            block.status[lane, k] = block.old_status[k]
        elif links.kind[k] == PUMP and block.old_status[k] == XHEAD and compiled.pumps.law[links.pump[k]] == POWER:
            block.flow[k, lane] = compiled.pumps.first_flow[links.pump[k]]
    return changed


@called
def shut_stalled(compiled, block, lane):  # type: ignore[no-untyped-def]
    """Shuts pumps of constant power that stand against a closed way: `reference._shut_where_stalled`; whether one did."""
    structure, links, found = compiled.structure, compiled.links, False
    for k in range(structure.groups[MACHINE], structure.groups[END]):
        if links.kind[k] != PUMP or block.status[lane, k] != OPEN or block.dry_link[lane, k]:
            continue
        if stalled(compiled, links.pump[k], block.setting[lane, k], block.flow[k, lane]):
            block.status[lane, k] = XHEAD
            found = True
    return found


@called
def switch(compiled, block, lane):  # type: ignore[no-untyped-def]
    """Controls on junction pressures (`statuses.pressure_switched`); the place of a link that changed, or -1."""
    switches, h_tol = compiled.switches, compiled.numbers.head_tolerance
    changed = -1
    for s in range(switches.place.shape[0]):
        k, level, target = switches.place[s], block.head[switches.position[s], lane], switches.setting[s]
        fires = level <= switches.head[s] + h_tol if switches.below[s] else level >= switches.head[s] - h_tol
        if not fires or block.dry_node[lane, switches.position[s]]:
            continue
        other = block.status[lane, k] != switches.status[s]
        if compiled.links.kind[k] < PUMP:
            change = other
        else:
            now = block.setting[lane, k]
            same = now == target or (np.isnan(now) and np.isnan(target))
            change = not same or (np.isnan(target) and other)
            if change:
                block.setting[lane, k] = target
        if change:
            block.status[lane, k] = switches.status[s]
            changed = k
    return changed
