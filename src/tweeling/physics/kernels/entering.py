"""How members come into lanes: their statuses lane by lane, their numbers row by row, all that come at once.

What stays the same from one member of a lane to the next is not loaded again: shared resistances, plain pipes that are closed.
"""

from __future__ import annotations

import numpy as np

from tweeling.physics.kernels.compiled import compiled, part
from tweeling.physics.kernels.drying import dry_out, find_dry, wet_again
from tweeling.physics.kernels.structure import EARLY_PIPE, END, MACHINE, SOFT_PIPE, THROTTLE
from tweeling.physics.kernels.tables import CHECK_VALVE, CLOSED, ENORMOUS, FCV, PRV, PSV, PUMP
from tweeling.physics.kernels.vector import (
    LANES,
    absolute,
    addresses,
    any_of,
    choose,
    gather,
    largest,
    less,
    load,
    spread,
    store,
)


@part
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
            block.mask[0, lane] = 1.0
        _load_resistances(compiled, given, block)


@part
def enter(compiled, given, block, coming, shared):  # type: ignore[no-untyped-def]
    """Loads the members of the first lanes in `moving`, and draws demands: theirs, and those of lanes that lost nodes."""
    moving, mask, drawing = block.moving, block.mask, coming
    for lane in range(LANES):
        mask[0, lane], mask[1, lane] = 0.0, 0.0
    for at in range(coming):
        mask[0, moving[at]], mask[1, moving[at]] = 1.0, 1.0
    for lane in range(LANES):
        if block.redraw[lane]:
            block.redraw[lane], mask[1, lane] = False, 1.0
            moving[drawing] = lane
            drawing += 1
    if drawing == 0:
        return
    if coming > 0:
        if not shared:
            _load_resistances(compiled, given, block)
        _load_outlets(given, block)
        for at in range(coming):
            _begin(compiled, given, block, moving[at], block.member[moving[at]], shared)
    _draw(compiled, given, block)
    if coming > 0:
        _load_heads(compiled, given, block)
        _load_flows(compiled, given, block)
    for at in range(drawing):
        if block.has_shut[moving[at]] or block.dried[moving[at]] > 0:
            _rest_blocked(compiled, block, moving[at])


@part
def _rows(array, block):  # type: ignore[no-untyped-def]
    """The rows that lanes read from an array with a row for each member, or one for all; idle lanes read another's."""
    for lane in range(LANES):
        member = block.member[lane] if block.member[lane] >= 0 else block.member[block.moving[0]]
        block.row[lane] = member if array.shape[0] > 1 else 0
    return addresses(array, block.row)


@part
def _load_resistances(compiled, given, block):  # type: ignore[no-untyped-def]
    """Loads the resistances of pipes; none is blocked after it."""
    structure, groups = compiled.structure, compiled.structure.groups
    mask, resistances, roughness = _mask(block, 0), _rows(given.resistance, block), _rows(given.roughness, block)
    for place in range(structure.order.shape[0]):
        if groups[THROTTLE] <= place < groups[EARLY_PIPE] or groups[MACHINE] <= place < groups[END]:
            continue
        link = structure.order[place]
        store(block.resistance, place, choose(mask, gather(resistances, link), load(block.resistance, place)))
        if compiled.numbers.darcy:
            relative = gather(roughness, link) / spread(compiled.links.diameter[place])
            store(block.relative, place, choose(mask, relative, load(block.relative, place)))
    for lane in range(LANES):
        if block.mask[0, lane] > 0.0:
            for link in range(block.lane_shut.shape[1]):
                block.lane_shut[lane, link] = False


@compiled
def _mask(block, which):  # type: ignore[no-untyped-def]
    """Lanes that are to be written to: 0 those whose members come, 1 those that draw."""
    return less(spread(0.0), load(block.mask, which))


@part
def _load_outlets(given, block):  # type: ignore[no-untyped-def]
    """Loads what flows out by pressure."""
    mask, flows = _mask(block, 0), _rows(given.outlet_flow, block)
    resistances, mosts = _rows(given.outlet_resistance, block), _rows(given.outlet_most, block)
    for outlet in range(given.outlet_kind.shape[0]):
        resistance = gather(resistances, outlet)
        flow = choose(less(resistance, spread(0.0)), spread(0.0), gather(flows, outlet))
        store(block.outlet_resistance, outlet, choose(mask, resistance, load(block.outlet_resistance, outlet)))
        store(block.outlet_most, outlet, choose(mask, gather(mosts, outlet), load(block.outlet_most, outlet)))
        store(block.outlet_flow, outlet, choose(mask, flow, load(block.outlet_flow, outlet)))


@part
def _begin(compiled, given, block, lane, member, shared):  # type: ignore[no-untyped-def]
    """Statuses and settings of a member, and what these close."""
    structure, links, groups = compiled.structure, compiled.links, compiled.structure.groups
    resistance_row = member if given.resistance.shape[0] > 1 else 0
    status_row = member if given.status.shape[0] > 1 else 0
    setting_row = member if given.setting.shape[0] > 1 else 0
    wet_again(compiled, given, block, lane, resistance_row)
    block.error[lane], block.reopened[lane], block.waited[lane] = np.inf, False, 0
    _shut_steady(compiled, given, block, lane, status_row, resistance_row)
    for place in range(groups[THROTTLE], groups[EARLY_PIPE]):
        link = structure.order[place]
        setting = given.setting[setting_row, link]
        minor = links.minor[place] if np.isnan(setting) else links.minor_per_coefficient[place] * setting
        block.minor[place - groups[THROTTLE], lane] = -1.0 if block.shut[link] else minor
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


@part
def _shut_steady(compiled, given, block, lane, row, resistance_row):  # type: ignore[no-untyped-def]
    """Blocks the pipes and throttle valves that are closed in a member, and frees those that its lane's last one had closed."""
    structure, closed, others = compiled.structure, 0, 0
    for link in range(given.status.shape[1]):
        shut = structure.steady[link] and given.status[row, link] <= CLOSED
        block.shut[link] = shut
        closed += shut
        others += shut != block.lane_shut[lane, link]
    block.has_shut[lane] = closed > 0
    if others == 0:
        return
    for link in range(given.status.shape[1]):
        if block.shut[link] != block.lane_shut[lane, link]:
            block.lane_shut[lane, link] = block.shut[link]
            if structure.plain[link]:
                resistance = ENORMOUS if block.shut[link] else given.resistance[resistance_row, link]
                block.resistance[structure.place[link], lane] = resistance


@part
def _draw(compiled, given, block):  # type: ignore[no-untyped-def]
    """Sums demands up: a tree's where it hangs on; a chain's up to each node, and the rest at its end."""
    structure, numbers, own = compiled.structure, compiled.numbers, block.own
    mask, demands = _mask(block, 1), _rows(given.demand, block)
    for node in range(numbers.n_junctions):
        store(own, node, gather(demands, node))
    for lane in range(LANES):
        if block.mask[1, lane] > 0.0:
            block.known[lane] = False
            for at in range(block.dried[lane]):
                own[block.dry_list[lane, at], lane] = 0.0
    total, first = spread(0.0), structure.order.shape[0] - structure.tree_node.shape[0]
    for tree in range(structure.tree_node.shape[0]):
        flow, parent = load(own, structure.tree_node[tree]), structure.tree_parent[tree]
        store(own, parent, load(own, parent) + flow)
        store(block.flow, first + tree, choose(mask, flow, load(block.flow, first + tree)))
        total = total + absolute(flow)
    store(block.trees, 0, choose(mask, total, load(block.trees, 0)))
    for chain in range(structure.chain_place.shape[0]):
        drawn, last = spread(0.0), structure.piece_first[chain + 1] - 1
        for piece in range(structure.piece_first[chain], last):
            drawn = drawn + load(own, structure.piece_node[piece])
            store(block.drawn, piece + 1, choose(mask, drawn, load(block.drawn, piece + 1)))
        store(own, structure.piece_node[last], load(own, structure.piece_node[last]) + drawn)
    for position in range(numbers.n):
        demand = choose(mask, load(own, structure.node[position]), load(block.demand, position))
        store(block.demand, position, demand)
        store(block.right, position, spread(0.0) - demand)


@part
def _load_heads(compiled, given, block):  # type: ignore[no-untyped-def]
    """Fixed heads; all others begin at the highest of them."""
    n, mask, fixed_heads, top = compiled.numbers.n, _mask(block, 0), _rows(given.fixed_head, block), spread(-np.inf)
    for fixed in range(compiled.numbers.n_fixed):
        head = gather(fixed_heads, fixed)
        top = largest(top, head)
        store(block.head, n + fixed, choose(mask, head, load(block.head, n + fixed)))
    for position in range(n):
        store(block.head, position, choose(mask, top, load(block.head, position)))
        store(block.rest, position, choose(mask, spread(0.0), load(block.rest, position)))


@part
def _load_flows(compiled, given, block):  # type: ignore[no-untyped-def]
    """First flows, of chains from their middle pieces; where the others' are far from what is drawn, first tangents are theirs.

    So it is in a cold start, where the flows of all links are anything; after the first step all agree.
    """
    structure, groups = compiled.structure, compiled.structure.groups
    m, mask, rows, rough = structure.start.shape[0], _mask(block, 0), _rows(given.flow, block), spread(0.0)
    for place in range(m):
        flow, chain = gather(rows, structure.order[place]) * structure.sign[place], structure.chain[place]
        if chain >= 0:
            first, last = structure.piece_first[chain], structure.piece_first[chain + 1] - 1
            flow = flow + load(block.drawn, (first + last + 1) // 2)
            one = gather(rows, structure.order[m + first]) * structure.sign[m + first]
            other = gather(rows, structure.order[m + last]) * structure.sign[m + last]
            apart = absolute(other + load(block.drawn, last) - one)
            rough = choose(less((absolute(one) + absolute(other)) * 0.5, apart), spread(1.0), rough)
        elif place >= groups[MACHINE] and compiled.links.kind[place] == PUMP:
            flow = largest(flow, spread(compiled.numbers.no_flow))
        store(block.flow, place, choose(mask, flow, load(block.flow, place)))
    rough = choose(mask, rough, spread(0.0))
    store(block.rough, 0, rough)
    if not any_of(less(spread(0.0), rough)):
        return
    for piece in range(structure.piece_node.shape[0]):
        flow = load(block.flow, structure.chain_place[structure.piece_chain[piece]])
        own = gather(rows, structure.order[m + piece]) * structure.sign[m + piece]
        store(block.shift, piece, own - (flow - load(block.drawn, piece)))


@part
def _rest_blocked(compiled, block, lane):  # type: ignore[no-untyped-def]
    """Flows where something is closed or dry."""
    structure = compiled.structure
    if block.has_shut[lane]:
        for link in range(structure.steady.shape[0]):
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
