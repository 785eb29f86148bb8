"""How members leave their lanes: what was folded gets heads and flows again, and rows go to the results."""

from __future__ import annotations

import numpy as np

from tweeling.physics.kernels.compiled import called
from tweeling.physics.kernels.structure import END, SOFT_PIPE
from tweeling.physics.kernels.tangents import losses_in_trees, passes
from tweeling.physics.kernels.vector import LANES, fma, load, store


@called
def leave(compiled, given, block, output, leaving):  # type: ignore[no-untyped-def]
    """Writes the members of the first lanes in `moving` to the output, which already holds statuses and settings as given."""
    structure, moving = compiled.structure, block.moving
    known = True
    for at in range(leaving):
        known &= block.known[moving[at]]
    if not known:
        losses_in_trees(compiled, block)
        for lane in range(LANES):
            block.known[lane] = True
    _unfold_chains(structure, block)
    for at in range(leaving):
        if block.has_shut[moving[at]] or block.dried[moving[at]] > 0:
            _unfold_blocked(structure, block, moving[at])
    _unfold_trees(structure, block)
    _write_rows(structure, block, output, leaving)
    for at in range(leaving):
        _write_others(compiled, given, block, output, moving[at], block.member[moving[at]])


@called
def _unfold_chains(structure, block):  # type: ignore[no-untyped-def]
    """Heads inside chains, from their starts, and flows of their pieces."""
    m, heads, flows, drawn = structure.start.shape[0], block.head, block.flow, block.drawn
    gradient, loss, position, piece_node = block.gradient, block.loss, structure.position, structure.piece_node
    for chain in range(structure.chain_place.shape[0]):
        place, last = structure.chain_place[chain], structure.piece_first[chain + 1] - 1
        head, flow, change = load(heads, structure.start[place]), load(flows, place), load(block.change, chain)
        for piece in range(structure.piece_first[chain], last + 1):
            store(flows, m + piece, flow - load(drawn, piece))
            if piece < last:
                head = head - fma(load(gradient, piece), change, load(loss, piece))
                store(heads, position[piece_node[piece]], head)


@called
def _unfold_blocked(structure, block, lane):  # type: ignore[no-untyped-def]
    """Behind something closed in a chain heads follow from the chain's end; where something is dry, none is used."""
    if not block.has_shut[lane]:
        return
    m, pieces = structure.start.shape[0], structure.piece_node.shape[0]
    for link in range(structure.plain.shape[0]):
        blocked = structure.place[link] - m
        if not (block.lane_shut[lane, link] and 0 <= blocked < pieces):
            continue
        chain = structure.piece_chain[blocked]
        head = block.head[structure.end[structure.chain_place[chain]], lane]
        for piece in range(structure.piece_first[chain + 1] - 1, blocked, -1):
            head += block.loss[piece, lane] + block.gradient[piece, lane] * block.change[chain, lane]
            block.head[structure.position[structure.piece_node[piece - 1]], lane] = head


@called
def _unfold_trees(structure, block):  # type: ignore[no-untyped-def]
    """Heads in trees, from where they hang on."""
    pieces, head, loss, position = structure.piece_node.shape[0], block.head, block.loss, structure.position
    tree_node, tree_parent = structure.tree_node, structure.tree_parent
    for tree in range(tree_node.shape[0] - 1, -1, -1):
        above = load(head, position[tree_parent[tree]])
        store(head, position[tree_node[tree]], above - load(loss, pieces + tree))


@called
def _write_rows(structure, block, output, leaving):  # type: ignore[no-untyped-def]
    """Heads and flows, in the order of the results' rows."""
    moving, row = block.moving, block.row
    for at in range(leaving):
        row[at] = block.member[moving[at]]
    position, head, written = structure.position, block.head, output.head
    for node in range(position.shape[0]):
        here = position[node]
        for at in range(leaving):
            written[row[at], np.uint64(node)] = head[here, moving[at]]
    places, signs, flow, written = structure.place, structure.sign, block.flow, output.flow
    for link in range(places.shape[0]):
        place = places[link]
        sign = signs[place]
        for at in range(leaving):
            written[row[at], np.uint64(link)] = flow[place, moving[at]] * sign


@called
def _write_others(compiled, given, block, output, lane, member):  # type: ignore[no-untyped-def]
    """Statuses, what closed or dry changes, net inflow and outlets of one member."""
    structure, numbers = compiled.structure, compiled.numbers
    if block.has_shut[lane]:
        for link in range(structure.plain.shape[0]):
            if block.lane_shut[lane, link]:
                output.flow[member, link] = 0.0
    for at in range(block.dried[lane]):
        node = block.dry_list[lane, at]
        output.head[member, node] = np.nan
        for step in range(structure.node_first[node], structure.node_first[node + 1]):
            output.flow[member, structure.node_link[step]] = 0.0
    for place in range(structure.groups[SOFT_PIPE], structure.groups[END]):
        link = structure.order[place]
        status, setting = block.status[lane, place], block.setting[lane, place]
        output.status[member, link] = status
        if compiled.links.switched[place]:
            output.setting[member, link] = setting
        if not passes(compiled.links.kind[place], status, setting):
            output.flow[member, link] = 0.0
    for fixed in range(numbers.n_fixed):
        output.inflow[member, fixed] = 0.0
    for link in compiled.at_fixed:
        flow, start, end = output.flow[member, link], structure.link_start[link], structure.link_end[link]
        if start >= numbers.n_junctions:
            output.inflow[member, start - numbers.n_junctions] -= flow
        if end >= numbers.n_junctions:
            output.inflow[member, end - numbers.n_junctions] += flow
    for outlet in range(given.outlet_kind.shape[0]):
        output.outlet_flow[member, outlet] = block.outlet_flow[outlet, lane]
