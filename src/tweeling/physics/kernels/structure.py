"""The order of elimination and the pattern of the factors: once per plan, for all members and solves.

What has an equation, a *column*, is a junction that is not folded (`folding.py`). Columns are ordered by minimum degree
(SuperLU's, through SciPy), those of large networks then part by part. The pattern is symmetric and holds what active pressure
valves may add: row `passes on` takes the entries of row `holds` (see `physics/hydraulics/reference.py`). Position k < n is
column k in order of elimination; then come the fixed nodes, then the folded junctions.

A *place* is a link of the equations: a link of the network or a chain. Behind them stand, for their data, the pipes that are
folded: pieces of chains and pipes of trees.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_array
from scipy.sparse.linalg import splu

from tweeling.network.network import Bools, Floats, Ints, LinkKind
from tweeling.physics.hydraulics.plan import Plan
from tweeling.physics.hydraulics.statuses import tank_ends
from tweeling.physics.kernels.compiled import compiled_with_memory
from tweeling.physics.kernels.folding import Folding, fold, nothing_folded

PIPE, EARLY_PIPE, SOFT_PIPE, MACHINE, END = range(5)
"""Groups of places, in the kernel's order: plain links, that is pipes and throttle valves whose status stays as it is given,
that elimination adds when it comes to their column; plain links that must be there before (at a node of a pressure valve, one
of several at an entry, or at no column); pipes that may close by themselves; all the rest."""

EMPTY, FRESH, MIXED = range(3)
"""What stands at an entry when the elimination comes to its column: no plain link of the column; nothing yet, and the link's
conductance is all there will be; something already, and the link is added."""


PART = 1000
"""Junctions at most of a part of a network that is eliminated before the next: its rows fit into a cache."""


class Structure(NamedTuple):
    """Index arrays of a plan; n columns, m places of the equations, b folded pipes, z entries below the diagonal of the factor.

    Args:
        position: of a node; (node,). node: the inverse; (node,).
        order: link at each place, of a chain its middle piece; (m + b,). place: of each link; (link,).
        sign: -1 where a pipe runs from its link's end to its start; (m + b,).
        groups: where each group of places begins, m last; (5,).
        start, end: positions of the ends of places; plain links start where elimination comes first; (m,).
        plain: whether a link is a pipe or a throttle valve whose status stays as it is given; (link,).
        chain: number of the chain at a place, -1 where a link is; (m,). chain_place: place of a chain; (chain,).
        piece_first: pieces of chain c are piece_first[c] ... piece_first[c + 1], at places m + piece; (chain + 1,).
        piece_node, piece_chain: node behind each piece, and its chain; (piece,).
        tree_node, tree_parent: nodes of pipes of trees, the outermost first, at places m + pieces + tree; (tree,).
        folded: whether a junction has no column; (junction,).
        entry: entry of the factor that a place's conductance goes to, -1 at a fixed node; (m,).
        first, row: entries of column k are first[k] ... first[k + 1]; entry e is at row[e]; (n + 1,), (z,).
        origin: EMPTY, FRESH or MIXED; (z,).
        own_first: plain links of column k, in order of entries, those to fixed nodes last; (n + 1,).
        pair_first, pair: entries that the pairs of column k change, in order a < b; (n + 1,), (pairs,).
        incident_first, incident: places at a position; (node + 1,), (2 m,).
        link_start, link_end: nodes of links; (link,). node_first, node_link: links at a node; (node + 1,), (2 link,).
        valve_place, valve_holds, valve_passes: pressure valves in order of treatment; (valve,).
        held: which of these a pressure valve holds, by a number of its own, else -1; (n,).
        lopsided: columns whose values above the diagonal may differ from those below; (n,). lopsided_columns: their numbers.
        move_first, move_from, move_to: which matrix values a valve's row moves where; value v < n is diagonal v, n + e is
            entry e below, n + z + e above the diagonal; (valve + 1,), (moves,).
    """

    position: Ints
    node: Ints
    order: Ints
    place: Ints
    sign: Floats
    groups: Ints
    start: Ints
    end: Ints
    plain: Bools
    chain: Ints
    chain_place: Ints
    piece_first: Ints
    piece_node: Ints
    piece_chain: Ints
    tree_node: Ints
    tree_parent: Ints
    folded: Bools
    entry: Ints
    first: Ints
    row: Ints
    origin: Ints
    own_first: Ints
    pair_first: Ints
    pair: npt.NDArray[np.int32]
    incident_first: Ints
    incident: Ints
    link_start: Ints
    link_end: Ints
    node_first: Ints
    node_link: Ints
    valve_place: Ints
    valve_holds: Ints
    valve_passes: Ints
    held: Ints
    lopsided: Bools
    lopsided_columns: Ints
    move_first: Ints
    move_from: Ints
    move_to: Ints


class _Places(NamedTuple):
    """Links of the equations before they are ordered: link, nodes of the ends, group, chain or -1; (m,)."""

    link: Ints
    start: Ints
    end: Ints
    group: Ints
    chain: Ints


def make_structure(plan: Plan, *, folded: bool = False) -> Structure:
    """Orders and analyses the equations of a plan; `folded` leaves out trees and chains (see `folding.py`)."""
    links, kinds = plan.network.links, link_groups(plan)
    folding = fold(plan, kinds == PIPE) if folded and not plan.pressure_driven else nothing_folded(plan)
    places, columns = _places(plan, folding, kinds), np.flatnonzero(~folding.folded)
    n, valves = len(columns), pressure_valves(plan)
    position, rows, row_columns = _ordering(plan, places, folding, valves)
    later = _by_parts(*_fill(n, *_compressed(rows, row_columns, n)), PART)
    position[columns] = later[position[columns]]
    first, row = _fill(n, *_compressed(later[rows], later[row_columns], n))
    pair_first, pair = _pairs(first, row)

    start, end = position[places.start], position[places.end]
    turned = (places.group == PIPE) & (start > end)
    start, end = np.where(turned, end, start), np.where(turned, start, end)
    entry = _entries(first, row, start, end, n)
    moves = [_moves(first, row, int(position[holds]), int(position[passes]), n) for _, holds, passes in valves]
    joined = np.array([move for one in moves for move in one], dtype=np.int64).reshape(-1, 2)
    lopsided = _lopsided(first, row, joined, n)
    held = np.zeros(plan.n_nodes, dtype=bool)
    held[position[[node for _, *ends in valves for node in ends]]] = True
    group = np.where(places.group == PIPE, _early(start, end, entry, held, n), places.group)

    # Within a group in order of elimination; in a column in order of entries.
    by_entry = np.where(entry >= 0, entry, len(row))
    order = np.lexsort((by_entry, np.minimum(start, end), group))
    start, end, entry, group, chain = start[order], end[order], entry[order], group[order], places.chain[order]
    groups = np.searchsorted(group, np.arange(5))
    own = groups[EARLY_PIPE]
    valve_array = np.array(valves, dtype=np.int64).reshape(-1, 3)
    piece_first, piece_link, piece_node = _pieces(folding, places, turned, chain[chain >= 0])
    chain[chain >= 0] = np.arange(len(piece_first) - 1)
    piece_sign = np.where(links.end[piece_link] == piece_node, 1.0, -1.0)
    tree_sign = np.where(links.end[folding.tree_link] == folding.tree_node, 1.0, -1.0)
    link, sign = places.link[order], np.where(turned, -1.0, 1.0)[order]
    middle = (piece_first[:-1] + piece_first[1:]) // 2
    link[chain >= 0], sign[chain >= 0] = piece_link[middle[chain[chain >= 0]]], piece_sign[middle[chain[chain >= 0]]]
    link = np.concatenate([link, piece_link, folding.tree_link])
    place = np.empty(plan.n_links, dtype=np.int64)
    place[link] = np.arange(len(link))  # a piece's own place comes later than its chain's, and stays
    incident_first, incident = _incidence(start, end, plan.n_nodes)
    node_first, node_link = _incidence(links.start, links.end, plan.n_nodes)
    return Structure(
        position=position,
        node=np.argsort(position),
        order=link,
        place=place,
        sign=np.concatenate([sign, piece_sign, tree_sign]),
        groups=groups,
        start=start,
        end=end,
        plain=kinds == PIPE,
        chain=chain,
        chain_place=np.flatnonzero(chain >= 0),
        piece_first=piece_first,
        piece_node=piece_node,
        piece_chain=np.repeat(np.arange(len(piece_first) - 1), np.diff(piece_first)),
        tree_node=folding.tree_node,
        tree_parent=folding.tree_parent,
        folded=folding.folded,
        entry=entry,
        first=first,
        row=row,
        origin=_origin(first, row, pair, entry, own, lopsided),
        own_first=np.searchsorted(start[:own], np.arange(n + 1)),
        pair_first=pair_first,
        pair=pair,
        incident_first=incident_first,
        incident=incident,
        link_start=np.array(links.start, dtype=np.int64),
        link_end=np.array(links.end, dtype=np.int64),
        node_first=node_first,
        node_link=node_link,
        valve_place=place[valve_array[:, 0]],
        valve_holds=position[valve_array[:, 1]],
        valve_passes=position[valve_array[:, 2]],
        held=_numbered(position[valve_array[:, 1]], n),
        lopsided=lopsided,
        lopsided_columns=np.flatnonzero(lopsided),
        move_first=np.cumsum([0, *(len(one) for one in moves)]),
        move_from=np.ascontiguousarray(joined[:, 0]),
        move_to=np.ascontiguousarray(joined[:, 1]),
    )


def pressure_valves(plan: Plan) -> list[tuple[int, int, int]]:
    """(link, node whose head it holds, node that passes its flow on) of PRVs and PSVs between junctions.

    A valve comes before one that holds the node it passes on to, for the latter's balance contains the former's flow.
    """
    links, n = plan.network.links, plan.n_junctions
    found = []
    for link in np.flatnonzero(np.isin(links.kind, (LinkKind.PRV, LinkKind.PSV))):
        start, end = int(links.start[link]), int(links.end[link])
        if start < n and end < n:
            found.append((int(link), end, start) if links.kind[link] == LinkKind.PRV else (int(link), start, end))
    ordered: list[tuple[int, int, int]] = []
    while found:
        ready = [v for v in found if not any(u[2] == v[1] for u in found if u is not v)] or found[:1]
        ordered += ready
        found = [v for v in found if v not in ready]
    return ordered


def link_groups(plan: Plan) -> Ints:
    """Group of every link, EARLY_PIPE left out; (link,)."""
    kind = plan.network.links.kind
    restless: Bools = plan.switched.copy()
    restless[[link for link, _ in tank_ends(plan)]] = True
    pipe = kind <= LinkKind.PIPE
    soft = pipe & (restless | (kind == LinkKind.CHECK_VALVE_PIPE))
    plain = pipe | ((kind == LinkKind.TCV) & ~restless)
    return np.select([soft, plain], [SOFT_PIPE, PIPE], MACHINE).astype(np.int64)


def _places(plan: Plan, folding: Folding, kinds: Ints) -> _Places:
    """The links that are not folded, and the chains."""
    links = plan.network.links
    whole = np.ones(plan.n_links, dtype=bool)
    whole[folding.tree_link] = whole[folding.piece_link] = False
    single, chains = np.flatnonzero(whole), len(folding.chain_start)
    return _Places(
        link=np.concatenate([single, np.full(chains, -1)]),
        start=np.concatenate([links.start[single], folding.chain_start]),
        end=np.concatenate([links.end[single], folding.chain_end]),
        group=np.concatenate([kinds[single], np.full(chains, PIPE)]),
        chain=np.concatenate([np.full(len(single), -1), np.arange(chains)]),
    )


def _pieces(folding: Folding, places: _Places, turned: Bools, by_place: Ints) -> tuple[Ints, Ints, Ints]:
    """Pieces of chains in the order of their places, once some are turned: first, link, node behind; see `Structure`."""
    first = folding.piece_first
    at = np.concatenate([np.zeros(0, dtype=np.int64), *(np.arange(first[c], first[c + 1]) for c in by_place)])
    chain = np.repeat(by_place, np.diff(first)[by_place])
    turned = turned[places.chain >= 0]  # chains stand in order behind the links
    mirrored = np.where(turned[chain], first[chain] + first[chain + 1] - 1 - at, at)
    link = folding.piece_link[mirrored]
    node = folding.piece_node[np.where(turned[chain], mirrored - 1, at)]
    new_first = np.concatenate([[0], np.cumsum(np.diff(first)[by_place])])
    node[new_first[1:][turned[by_place]] - 1] = folding.chain_start[by_place[turned[by_place]]]
    return new_first, link, node


def _numbered(positions: Ints, n: int) -> Ints:
    """Numbers of some columns, one after another; -1 for the others; (n,)."""
    number, some = np.full(n, -1), np.unique(positions)
    number[some] = np.arange(len(some))
    return number


def _early(start: Ints, end: Ints, entry: Ints, held: Bools, n: int) -> Ints:
    """PIPE or EARLY_PIPE, were all places plain links; `held` are nodes of pressure valves; (m,)."""
    alone = np.zeros(len(entry), dtype=bool)
    alone[np.unique(entry, return_index=True)[1]] = True
    early = (np.minimum(start, end) >= n) | (start == end) | held[start] | held[end] | ((entry >= 0) & ~alone)
    return np.where(early, EARLY_PIPE, PIPE)


def _origin(first: Ints, row: Ints, pair: Ints, entry: Ints, own: int, lopsided: Bools) -> Ints:
    """What stands at each entry before its column's links are added; `entry` by place, the first `own` are such links; (z,)."""
    origin = np.full(len(row), EMPTY)
    mine, others = entry[:own], entry[own:]
    origin[mine[mine >= 0]] = FRESH
    touched = np.zeros(len(row), dtype=bool)
    touched[pair] = True
    touched[others[others >= 0]] = True
    touched |= np.repeat(lopsided, np.diff(first))
    return np.where((origin == FRESH) & touched, MIXED, origin)


def _ordering(plan: Plan, places: _Places, folding: Folding, valves: list[tuple[int, int, int]]) -> tuple[Ints, Ints, Ints]:
    """Positions of the nodes, and the off-diagonal pattern (row, column) in positions, both triangles."""
    outside = np.concatenate([~folding.folded, np.ones(plan.n_nodes - plan.n_junctions, dtype=bool)])
    n = int((~folding.folded).sum())
    position = np.empty(plan.n_nodes, dtype=np.int64)
    position[np.flatnonzero(outside)] = np.arange(outside.sum())
    position[np.flatnonzero(~outside)] = np.arange(outside.sum(), plan.n_nodes)
    start, end = position[places.start], position[places.end]
    both = (start < n) & (end < n) & (start != end)
    ends = np.stack([start[both], end[both]])
    pattern = np.concatenate([ends, _passed_on(ends, position, valves)], axis=1)
    rows = np.concatenate([pattern[0], pattern[1]])
    columns = np.concatenate([pattern[1], pattern[0]])
    order = np.arange(plan.n_nodes)
    if n:
        degree = np.bincount(rows, minlength=n) + 1.0
        diagonal = np.arange(n)
        values = np.concatenate([-np.ones(len(rows)), degree])
        matrix = csc_array((values, (np.concatenate([rows, diagonal]), np.concatenate([columns, diagonal]))), shape=(n, n))
        factor = splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        order[:n] = factor.perm_c
    return order[position], order[rows], order[columns]


def _passed_on(ends: Ints, position: Ints, valves: list[tuple[int, int, int]]) -> Ints:
    """Entries that active pressure valves may add to the pattern, for junctions joined by `ends`; (2, entries)."""
    valves = [(link, int(position[holds]), int(position[passes])) for link, holds, passes in valves]
    special = {node for _, holds, passes in valves for node in (holds, passes)}
    neighbours: dict[int, set[int]] = {node: set() for node in special}
    if valves:
        for a, b in ends.T.tolist():
            if a in special:
                neighbours[a].add(b)
            if b in special:
                neighbours[b].add(a)
    extra = []
    for _, holds, passes in valves:
        new = neighbours[holds] - {passes} - neighbours[passes]
        neighbours[passes] |= new
        for node in new:
            if node in neighbours:
                neighbours[node].add(passes)
        extra += [(passes, node) for node in new]
    return np.array(extra, dtype=np.int64).reshape(-1, 2).T


def _compressed(rows: Ints, columns: Ints, n: int) -> tuple[Ints, Ints]:
    """Pattern below the diagonal by columns: (first, row), without duplicates."""
    below = rows > columns
    code = np.unique(columns[below] * max(n, 1) + rows[below])
    column, row = np.divmod(code, max(n, 1))
    return np.searchsorted(column, np.arange(n + 1)), row


def _incidence(start: Ints, end: Ints, n_nodes: int) -> tuple[Ints, Ints]:
    node = np.concatenate([start, end])
    by_node = np.argsort(node, kind="stable")
    place = np.tile(np.arange(len(start)), 2)[by_node]
    return np.searchsorted(node[by_node], np.arange(n_nodes + 1)), place


@compiled_with_memory
def _fill(n, first, row):  # type: ignore[no-untyped-def]
    """Pattern of the factor of a symmetric matrix from the pattern below its diagonal (Davis 2006, section 4.8)."""
    out_first = np.zeros(n + 1, np.int64)
    out_row = np.empty(max(16, 4 * len(row)), np.int64)
    seen = np.full(n, -1, np.int64)
    child = np.full(n, -1, np.int64)
    sibling = np.full(n, -1, np.int64)
    size = 0
    for k in range(n):
        seen[k] = k
        begin = size
        if size + n - k > len(out_row):
            bigger = np.empty(2 * len(out_row) + n, np.int64)
            bigger[:size] = out_row[:size]
            out_row = bigger
        for e in range(first[k], first[k + 1]):
            seen[row[e]] = k
            out_row[size] = row[e]
            size += 1
        c = child[k]
        while c >= 0:
            for e in range(out_first[c], out_first[c + 1]):
                i = out_row[e]
                if seen[i] != k:
                    seen[i] = k
                    out_row[size] = i
                    size += 1
            c = sibling[c]
        out_row[begin:size].sort()
        out_first[k + 1] = size
        if size > begin:
            parent = out_row[begin]
            sibling[k] = child[parent]
            child[parent] = k
    return out_first, out_row[:size].copy()


@compiled_with_memory
def _by_parts(first, row, most):  # type: ignore[no-untyped-def]
    """New positions for columns, with the same fill, at which what a column changes stands near it; (n,).

    Any order with children before parents fills in the same, the parent of a column being its first row (Davis 2006, section
    4.1). Here subtrees of up to `most` columns stay together. Within one the order stays: minimum degree takes columns in turn
    from everywhere, so that one need not wait for the other.
    """
    n = len(first) - 1
    parent = np.full(n, n)
    size = np.ones(n + 1, np.int64)
    for k in range(n):
        if first[k + 1] > first[k]:
            parent[k] = row[first[k]]
        size[parent[k]] += size[k]
    # Positions are given out from the end: of a subtree that is too large its root's, then those of its children's subtrees.
    free = np.empty(n + 1, np.int64)
    free[n] = n
    part = np.empty(n, np.int64)
    for k in range(n - 1, -1, -1):
        inside = parent[k] < n and size[parent[k]] <= most
        if inside:
            part[k] = part[parent[k]]
        else:
            free[parent[k]] -= size[k]
            free[k] = free[parent[k]] + size[k] - 1
            part[k] = free[k]
    # A part is known by the position of its root; its other columns take the positions before that, in their order.
    later = np.empty(n, np.int64)
    taken = np.zeros(n, np.int64)
    for k in range(n - 1, -1, -1):
        later[k] = part[k] - taken[part[k]]
        taken[part[k]] += 1
    return later


@compiled_with_memory
def _find(first, row, column, wanted):  # type: ignore[no-untyped-def]
    """Entry at a row of a column."""
    low, high = first[column], first[column + 1]
    while low < high:
        middle = (low + high) // 2
        if row[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@compiled_with_memory
def _pairs(first, row):  # type: ignore[no-untyped-def]
    """For every column and every pair a < b of its entries: the entry at (row b, column row a)."""
    n = len(first) - 1
    pair_first = np.zeros(n + 1, np.int64)
    for k in range(n):
        size = first[k + 1] - first[k]
        pair_first[k + 1] = pair_first[k] + size * (size - 1) // 2
    pair = np.empty(pair_first[n], np.int32)
    at = 0
    for k in range(n):
        for a in range(first[k], first[k + 1]):
            for b in range(a + 1, first[k + 1]):
                pair[at] = _find(first, row, row[a], row[b])
                at += 1
    return pair_first, pair


@compiled_with_memory
def _entries(first, row, start, end, n):  # type: ignore[no-untyped-def]
    """Entry of the factor between a link's ends, -1 where one is fixed or both are the same."""
    entry = np.full(len(start), -1, np.int64)
    for link in range(len(start)):
        low, high = min(start[link], end[link]), max(start[link], end[link])
        if high < n and low != high:
            entry[link] = _find(first, row, low, high)
    return entry


def _moves(first: Ints, row: Ints, holds: int, passes: int, n: int) -> list[tuple[int, int]]:
    """(from, to) of the matrix values of row `holds` and of row `passes` that takes them."""
    n_entries = len(row)

    def value(of_row: int, column: int) -> int | None:
        if of_row == column:
            return of_row
        low, high = min(of_row, column), max(of_row, column)
        entry = int(_find(first, row, low, high))
        if entry >= first[low + 1] or row[entry] != high:
            return None
        return n + entry if of_row > column else n + n_entries + entry

    before = _columns_with(first, row, holds)
    columns = [holds, *before, *row[first[holds] : first[holds + 1]].tolist()]
    moves = []
    for column in columns:
        source, target = value(holds, column), value(passes, column)
        if source is not None and target is not None:
            moves.append((source, target))
        elif source is not None:
            # Only a fill-in entry has no place in the other row: it is 0 before elimination.
            moves.append((source, -1))
    return moves


def _lopsided(first: Ints, row: Ints, moves: Ints, n: int) -> Bools:
    """Columns that the moves of pressure valves touch, and all that elimination carries their lack of symmetry to; (n,)."""
    entries = moves[moves >= n] - n
    touched = np.searchsorted(first, entries % max(len(row), 1), side="right") - 1
    lopsided = np.zeros(n, dtype=bool)
    lopsided[touched] = True
    lopsided[moves[(moves >= 0) & (moves < n)]] = True
    for k in range(n):
        if lopsided[k]:
            lopsided[row[first[k] : first[k + 1]]] = True
    return lopsided


def _columns_with(first: Ints, row: Ints, wanted: int) -> list[int]:
    """Columns before `wanted` whose entries contain its row."""
    entries = np.flatnonzero(row == wanted)
    columns: list[int] = (np.searchsorted(first, entries, side="right") - 1).tolist()
    return columns
