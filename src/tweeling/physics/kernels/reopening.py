"""Another chance for zones without supply: which link that closed by itself is opened for them; see `reference._reopen`."""

from __future__ import annotations

import numpy as np

from tweeling.physics.hydraulics.reference import REOPENS
from tweeling.physics.kernels.compiled import called, compiled
from tweeling.physics.kernels.drying import note_shut
from tweeling.physics.kernels.structure import END, SOFT_PIPE
from tweeling.physics.kernels.tables import CHECK_VALVE, CLOSED, DELIVERED, OPEN, POWER, PRV, PSV, PUMP, XHEAD


@called
def reopen(compiled, given, block, lane, member, which, tired):  # type: ignore[no-untyped-def]
    """Opens one-way links from a wet node to a dry zone; the place of one, or -1.

    Dry are the nodes of a remembered set that are not known to be so yet; or, `which` < 0, all that are known. The first time
    all such links are opened, then one to a zone that needs water: the first, the second, ... by turns.
    """
    structure, found, opened = compiled.structure, 0, -1
    if block.reopened[lane] == REOPENS:
        return opened
    note_shut(compiled, block, lane)
    for link in range(structure.place.shape[0]):
        place = structure.place[link]
        if not structure.groups[SOFT_PIPE] <= place < structure.groups[END]:
            continue
        start, end = structure.link_start[link], structure.link_end[link]
        if which >= 0 and (block.dry_link[lane, place] or block.last_dry[which, start] or not block.last_dry[which, end]):
            continue
        if which < 0 and (block.dry_node[lane, structure.position[start]] or not block.dry_link[lane, place]):
            continue
        head = block.head[structure.start[place], lane]
        if not _closed_itself(compiled, block, lane, place, head, tired):
            continue
        if block.reopened[lane] == 0 or _in_need(compiled, given, block, member, end):
            block.asked[found] = place
            found += 1
    if found == 0:
        return opened
    opened = block.asked[block.reopened[lane] % found]
    for at in range(found):
        place = block.asked[at]
        if block.reopened[lane] > 0 and place != opened:
            continue
        block.status[lane, place] = OPEN
        pump = compiled.links.pump[place]
        if pump >= 0 and compiled.pumps.law[pump] == POWER:
            block.flow[place, lane] = compiled.pumps.first_flow[pump]
    return opened


@compiled
def _closed_itself(compiled, block, lane, place, head, tired):  # type: ignore[no-untyped-def]
    """Whether a one-way link is closed that may open at a head before it."""
    kind, status, setting = compiled.links.kind[place], block.status[lane, place], block.setting[lane, place]
    if kind == PUMP:
        return status == XHEAD and not (tired and compiled.pumps.law[compiled.links.pump[place]] == POWER)
    if status != CLOSED or (kind != CHECK_VALVE and np.isnan(setting)):
        return False
    sustained = head > compiled.elevation[compiled.structure.start[place]] + setting + compiled.numbers.head_tolerance
    return kind in (CHECK_VALVE, PRV) or (kind == PSV and sustained)


@called
def _in_need(compiled, given, block, member, node):  # type: ignore[no-untyped-def]
    """Whether a dry node's zone needs water: `reference._in_need`."""
    structure, seen, stack = compiled.structure, block.seen, block.stack
    demand_row = member if given.demand.shape[0] > 1 else 0
    outlet_row = member if given.outlet_resistance.shape[0] > 1 else 0
    most_row = member if given.outlet_most.shape[0] > 1 else 0
    for other in range(seen.shape[0]):
        seen[other] = False
    drawn, top, stack[0], seen[node] = 0.0, 1, node, True
    while top > 0:
        top -= 1
        node = stack[top]
        if node >= compiled.numbers.n_junctions:
            continue
        drawn += given.demand[demand_row, node]
        position = structure.position[node]
        if position < compiled.numbers.n:
            for outlet in range(given.outlet_first[position], given.outlet_first[position + 1]):
                if given.outlet_kind[outlet] == DELIVERED:
                    drawn += max(given.outlet_most[most_row, outlet], 0.0)
                elif given.outlet_resistance[outlet_row, outlet] >= 0.0:
                    return True
        for at in range(structure.node_first[node], structure.node_first[node + 1]):
            link = structure.node_link[at]
            other = structure.link_start[link] + structure.link_end[link] - node
            if not block.shut[link] and not seen[other]:
                seen[other], stack[top] = True, other
                top += 1
    return drawn > 0.0
