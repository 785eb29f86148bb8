"""How members come into lanes: their statuses lane by lane, their numbers row by row, all that come at once.

What stays the same from one member of a lane to the next is not loaded again: shared resistances, plain links that are closed.
"""

from __future__ import annotations

import numpy as np

from tweeling.physics.hydraulics.reference import SOFT
from tweeling.physics.kernels.compiled import called, compiled
from tweeling.physics.kernels.drying import dry_out, find_dry, note_shut, open_resistance, wet_again
from tweeling.physics.kernels.structure import END, MACHINE, SOFT_PIPE
from tweeling.physics.kernels.switching import flatten
from tweeling.physics.kernels.tables import CHECK_VALVE, CLOSED, ENORMOUS, FCV, PRV, PSV, PUMP
from tweeling.physics.kernels.vector import (
    LANES,
    absolute,
    choose,
    largest,
    less,
    load,
    spread,
    store,
)


@called
def clear(compiled, given, block, shared):  # type: ignore[no-untyped-def]
    """Makes all lanes ready for a solve: nothing closed, nothing dry, and the resistances that all members share."""
    for lane in range(LANES):
        block.has_shut[lane], block.dried[lane] = False, 0
        for place in range(compiled.structure.groups[END]):
            block.dry_link[lane, place] = False
        for position in range(block.dry_node.shape[1]):
            block.dry_node[lane, position] = False
        for link in range(block.lane_shut.shape[1]):
            block.lane_shut[lane, link] = False
    if shared:
        for lane in range(LANES):
            block.moving[lane] = lane
        _load_resistances(compiled, given, block, LANES)


@called
def enter(compiled, given, block, coming, shared):  # type: ignore[no-untyped-def]
    """Loads the members of the first lanes in `moving`, and draws demands: theirs, and those of lanes that lost nodes."""
    moving, mask, drawing = block.moving, block.mask, coming
    for lane in range(LANES):
        mask[0, lane], mask[1, lane] = 0.0, 0.0
    for at in range(coming):
        mask[0, moving[at]], mask[1, moving[at]] = 1.0, 1.0
    for lane in range(LANES):
        if block.redraw[lane] or block.revive[lane]:
            mask[1, lane] = 1.0
            moving[drawing] = lane
            drawing += 1
    if drawing == 0:
        return
    if coming > 0:
        if not shared:
            _load_resistances(compiled, given, block, coming)
        _load_outlets(given, block, coming)
        for at in range(coming):
            _begin(compiled, given, block, moving[at], block.member[moving[at]], shared)
    for at in range(coming, drawing):
        if block.revive[moving[at]]:
            _revive(compiled, given, block, moving[at], block.member[moving[at]])
        block.redraw[moving[at]], block.revive[moving[at]] = False, False
    _draw(compiled, given, block, drawing)
    if coming > 0:
        _load_heads(compiled, given, block, coming)
        _load_flows(compiled, given, block, coming)
    for at in range(drawing):
        if block.has_shut[moving[at]] or block.dried[moving[at]] > 0:
            _rest_blocked(compiled, block, moving[at])


@compiled
def _rows(array, block, number):  # type: ignore[no-untyped-def]
    """The rows that the first lanes of `moving` read from an array with a row for each member, or one for all."""
    for at in range(number):
        block.row[at] = block.member[block.moving[at]] if array.shape[0] > 1 else 0


@called
def _load_resistances(compiled, given, block, coming):  # type: ignore[no-untyped-def]
    """Loads the resistances of pipes and the minor losses of throttle valves; none is blocked after it."""
    structure, groups, moving, row = compiled.structure, compiled.structure.groups, block.moving, block.row
    _rows(given.roughness, block, coming)
    for place in range(structure.order.shape[0]):
        if groups[MACHINE] <= place < groups[END]:
            continue
        link = np.uint64(structure.order[place])
        for at in range(coming):
            lane = moving[at]
            block.resistance[place, lane] = open_resistance(compiled, given, max(block.member[lane], 0), link)
            if compiled.numbers.darcy:
                block.relative[place, lane] = given.roughness[row[at], link] / compiled.links.diameter[place]
    for at in range(coming):
        for closed in range(block.lane_shut.shape[1]):
            block.lane_shut[moving[at], closed] = False


@compiled
def _mask(block, which):  # type: ignore[no-untyped-def]
    """Lanes that are to be written to: 0 those whose members come, 1 those that draw."""
    return less(spread(0.0), load(block.mask, which))


@called
def _load_outlets(given, block, coming):  # type: ignore[no-untyped-def]
    """Loads what flows out by pressure."""
    for at in range(coming):
        lane = block.moving[at]
        own_row = block.member[lane] if given.outlet_resistance.shape[0] > 1 else 0
        most_row = block.member[lane] if given.outlet_most.shape[0] > 1 else 0
        flow_row = block.member[lane] if given.outlet_flow.shape[0] > 1 else 0
        for outlet in range(given.outlet_kind.shape[0]):
            resistance = given.outlet_resistance[own_row, outlet]
            block.outlet_resistance[outlet, lane] = resistance
            block.outlet_most[outlet, lane] = given.outlet_most[most_row, outlet]
            block.outlet_flow[outlet, lane] = given.outlet_flow[flow_row, outlet] if resistance >= 0.0 else 0.0


@called
def _revive(compiled, given, block, lane, member):  # type: ignore[no-untyped-def]
    """Gives dry nodes that links reach again by now back to the equations, as they all start."""
    structure, n, top = compiled.structure, compiled.numbers.n, -np.inf
    for fixed in range(compiled.numbers.n_fixed):
        top = max(top, block.head[n + fixed, lane])
    row = member if given.outlet_resistance.shape[0] > 1 else 0
    flow_row = member if given.outlet_flow.shape[0] > 1 else 0
    for at in range(block.dried[lane]):
        node = block.dry_list[lane, at]
        position = structure.position[node]
        block.head[position, lane] = top
        for step in range(structure.node_first[node], structure.node_first[node + 1]):
            _restart(compiled, given, block, lane, member, structure.place[structure.node_link[step]])
        if position < n:
            block.rest[position, lane] = 0.0
            for outlet in range(given.outlet_first[position], given.outlet_first[position + 1]):
                resistance = given.outlet_resistance[row, outlet]
                block.outlet_resistance[outlet, lane] = resistance
                block.outlet_flow[outlet, lane] = given.outlet_flow[flow_row, outlet] if resistance >= 0.0 else 0.0
    block.soft[lane], block.error[lane] = SOFT, np.inf
    wet_again(compiled, given, block, lane, member)
    if note_shut(compiled, block, lane):
        dry_out(compiled, given, block, lane, find_dry(compiled, block))


@called
def begin_anew(compiled, given, block, lane, member):  # type: ignore[no-untyped-def]
    """Gives a lane's member the flows and heads again that it started from: `reference._begin_anew`."""
    flow_row = member if given.outlet_flow.shape[0] > 1 else 0
    for place in range(compiled.structure.groups[END]):
        _restart(compiled, given, block, lane, member, place)
    for outlet in range(given.outlet_kind.shape[0]):
        if block.outlet_resistance[outlet, lane] >= 0.0:
            block.outlet_flow[outlet, lane] = given.outlet_flow[flow_row, outlet]
    flatten(compiled, block, lane)
    _rest_blocked(compiled, block, lane)


@called
def _restart(compiled, given, block, lane, member, place):  # type: ignore[no-untyped-def]
    """The first flow again in a link or the chain that it is a piece of; flows in trees follow from demands."""
    structure = compiled.structure
    piece, drawn = place - structure.start.shape[0], 0.0
    if piece >= structure.piece_node.shape[0]:
        return
    chain = structure.chain[place] if piece < 0 else structure.piece_chain[piece]
    if chain >= 0:
        middle = (structure.piece_first[chain] + structure.piece_first[chain + 1]) // 2
        place, drawn = structure.chain_place[chain], block.drawn[middle, lane]
    first = given.flow[member if given.flow.shape[0] > 1 else 0, structure.order[place]] * structure.sign[place]
    if place >= structure.groups[MACHINE] and compiled.links.kind[place] == PUMP:
        first = max(first, compiled.numbers.no_flow)
    block.flow[place, lane] = first + drawn


@called
def _begin(compiled, given, block, lane, member, shared):  # type: ignore[no-untyped-def]
    """Statuses and settings of a member, and what these close."""
    structure, links, groups = compiled.structure, compiled.links, compiled.structure.groups
    status_row = member if given.status.shape[0] > 1 else 0
    setting_row = member if given.setting.shape[0] > 1 else 0
    wet_again(compiled, given, block, lane, member)
    block.error[lane], block.reopened[lane], block.moved[lane] = np.inf, 0, 0
    block.waited[lane], block.soft[lane] = 0, 0
    _shut_plain(compiled, given, block, lane, member, status_row)
    for place in range(groups[SOFT_PIPE], groups[END]):
        link, kind = structure.order[place], links.kind[place]
        status, setting = given.status[status_row, link], given.setting[setting_row, link]
        block.status[lane, place], block.setting[lane, place] = status, setting
        regulates = kind in (PRV, PSV, FCV) and not np.isnan(setting)
        reopens = kind == CHECK_VALVE or links.switched[place] or regulates
        stopped = kind == PUMP and setting == 0.0 and not links.switched[place]
        block.shut[link] = (status == CLOSED and not reopens) or stopped
    # Also with all links open: a part of the network may have no link to a source.
    which = find_dry(compiled, block)
    if block.last_count[which] > 0:
        dry_out(compiled, given, block, lane, which)


@called
def _shut_plain(compiled, given, block, lane, member, row):  # type: ignore[no-untyped-def]
    """Blocks the plain links that are closed in a member, and frees those that were closed in its lane's last one."""
    structure, closed, others = compiled.structure, 0, 0
    for link in range(given.status.shape[1]):
        shut = structure.plain[link] and given.status[row, link] <= CLOSED
        block.shut[link] = shut
        closed += shut
        others += shut != block.lane_shut[lane, link]
    block.has_shut[lane] = closed > 0
    if others == 0:
        return
    for link in range(given.status.shape[1]):
        if block.shut[link] != block.lane_shut[lane, link]:
            block.lane_shut[lane, link] = block.shut[link]
            resistance = ENORMOUS if block.shut[link] else open_resistance(compiled, given, member, link)
            block.resistance[structure.place[link], lane] = resistance


@called
def _draw(compiled, given, block, drawing):  # type: ignore[no-untyped-def]
    """Sums demands up: a tree's where it hangs on; a chain's up to each node, and the rest at its end."""
    structure, numbers, own, mask = compiled.structure, compiled.numbers, block.own, _mask(block, 1)
    moving, row, demands, flows, drawns = block.moving, block.row, given.demand, block.flow, block.drawn
    tree_node, tree_parent, piece_node = structure.tree_node, structure.tree_parent, structure.piece_node
    _rows(demands, block, drawing)
    for node in range(numbers.n_junctions):
        for at in range(drawing):
            own[node, moving[at]] = demands[row[at], np.uint64(node)]
    for at in range(drawing):
        lane = moving[at]
        block.known[lane] = False
        for dry in range(block.dried[lane]):
            own[block.dry_list[lane, dry], lane] = 0.0
    total, first = spread(0.0), structure.order.shape[0] - structure.tree_node.shape[0]
    for tree in range(tree_node.shape[0]):
        flow, parent = load(own, tree_node[tree]), tree_parent[tree]
        store(own, parent, load(own, parent) + flow)
        store(flows, first + tree, choose(mask, flow, load(flows, first + tree)))
        total = total + absolute(flow)
    store(block.trees, 0, choose(mask, total, load(block.trees, 0)))
    for chain in range(structure.chain_place.shape[0]):
        drawn, last = spread(0.0), structure.piece_first[chain + 1] - 1
        for piece in range(structure.piece_first[chain], last):
            drawn = drawn + load(own, piece_node[piece])
            store(drawns, piece + 1, choose(mask, drawn, load(drawns, piece + 1)))
        store(own, piece_node[last], load(own, piece_node[last]) + drawn)
    node_at, demand, right = structure.node, block.demand, block.right
    for position in range(numbers.n):
        now = choose(mask, load(own, node_at[position]), load(demand, position))
        store(demand, position, now)
        store(right, position, spread(0.0) - now)


@called
def _load_heads(compiled, given, block, coming):  # type: ignore[no-untyped-def]
    """Fixed heads; all others begin at the highest of them."""
    n, mask, moving, row, top = compiled.numbers.n, _mask(block, 0), block.moving, block.row, spread(-np.inf)
    head, rest = block.head, block.rest
    _rows(given.fixed_head, block, coming)
    for fixed in range(compiled.numbers.n_fixed):
        for at in range(coming):
            head[n + fixed, moving[at]] = given.fixed_head[row[at], np.uint64(fixed)]
        top = largest(top, load(head, n + fixed))
    for position in range(n):
        store(head, position, choose(mask, top, load(head, position)))
        store(rest, position, choose(mask, spread(0.0), load(rest, position)))


@called
def _load_flows(compiled, given, block, coming):  # type: ignore[no-untyped-def]
    """First flows, of chains from their middle pieces; where the others' are far from what is drawn, first tangents are theirs.

    So it is in a cold start, where the flows of all links are anything; after the first step all agree.
    """
    structure, moving, row = compiled.structure, block.moving, block.row
    m, mask, rough, flows, firsts = structure.start.shape[0], _mask(block, 0), False, block.flow, given.flow
    order, signs = structure.order, structure.sign
    _rows(firsts, block, coming)
    for place in range(m):
        link, sign = np.uint64(order[place]), signs[place]
        for at in range(coming):
            flows[place, moving[at]] = firsts[row[at], link] * sign
    for place in range(structure.groups[MACHINE], structure.groups[END]):
        if compiled.links.kind[place] == PUMP:
            for at in range(coming):
                block.flow[place, moving[at]] = max(block.flow[place, moving[at]], compiled.numbers.no_flow)
    for chain in range(structure.chain_place.shape[0]):
        place, first, last = structure.chain_place[chain], structure.piece_first[chain], structure.piece_first[chain + 1] - 1
        flow = load(flows, place)
        store(flows, place, choose(mask, flow + load(block.drawn, (first + last + 1) // 2), flow))
    for at in range(coming):
        own = _is_rough(structure, given, block, moving[at], row[at])
        block.rough[0, moving[at]] = 1.0 if own else 0.0
        rough |= own
    if not rough:
        return
    shift, drawn = block.shift, block.drawn
    for piece in range(structure.piece_node.shape[0]):
        link, sign = np.uint64(order[m + piece]), signs[m + piece]
        place = structure.chain_place[structure.piece_chain[piece]]
        for at in range(coming):
            flow = flows[place, moving[at]] - drawn[piece, moving[at]]
            shift[piece, moving[at]] = firsts[row[at], link] * sign - flow


@called
def _is_rough(structure, given, block, lane, row):  # type: ignore[no-untyped-def]
    """Whether the first flows in a chain are far from what is drawn in it."""
    m, piece_first, order, sign = structure.start.shape[0], structure.piece_first, structure.order, structure.sign
    flow, drawn = given.flow, block.drawn
    for chain in range(structure.chain_place.shape[0]):
        first, last = piece_first[chain], piece_first[chain + 1] - 1
        one = flow[row, order[m + first]] * sign[m + first]
        other = flow[row, order[m + last]] * sign[m + last]
        if abs(other + drawn[last, lane] - one) > 0.5 * (abs(one) + abs(other)):
            return True
    return False


@called
def _rest_blocked(compiled, block, lane):  # type: ignore[no-untyped-def]
    """Flows where something is closed or dry."""
    structure = compiled.structure
    if block.has_shut[lane]:
        for link in range(structure.plain.shape[0]):
            if block.lane_shut[lane, link]:
                _rest(structure, block, lane, structure.place[link])
    for at in range(block.dried[lane]):
        node = block.dry_list[lane, at]
        for step in range(structure.node_first[node], structure.node_first[node + 1]):
            _rest(structure, block, lane, structure.place[structure.node_link[step]])


@compiled
def _rest(structure, block, lane, place):  # type: ignore[no-untyped-def]
    """No flow of its own in a link; a chain is fed from both sides up to the blocked piece."""
    piece = place - structure.start.shape[0]
    if piece < 0:
        block.flow[place, lane] = 0.0
    elif piece < structure.piece_node.shape[0]:
        chain = structure.piece_chain[piece]
        block.flow[structure.chain_place[chain], lane] = block.drawn[piece, lane]
        for one in range(structure.piece_first[chain], structure.piece_first[chain + 1]):
            block.shift[one, lane] = 0.0
