"""The order of elimination and the pattern of the factors: once per plan, for all members and solves.

Junctions are renumbered by minimum degree (SuperLU's, through SciPy), and large networks then part by part. The pattern is
symmetric and holds what active pressure valves may add: row `passes on` takes the entries of row `holds` (see
`physics/hydraulics/reference.py`). Position k < n is a junction in order of elimination; position n + f is fixed node f.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_array
from scipy.sparse.linalg import splu

from tweeling.network.network import Bools, Ints, LinkKind
from tweeling.physics.hydraulics.plan import Plan
from tweeling.physics.hydraulics.statuses import tank_ends
from tweeling.physics.kernels.compiled import compiled_with_memory

PIPE, SOFT_PIPE, THROTTLE, MACHINE = range(4)
"""Groups of links, in the kernel's order: plain pipes; pipes that may close by themselves; throttle valves; all the rest."""


PART = 1000
"""Junctions at most of a part of a network that is eliminated before the next: its rows fit into a cache."""

AHEAD = 8
"""Rows of a link or column are asked for so many links or columns before they are worked on."""
CACHED = 2000
"""Junctions of a network whose columns need not be asked for: they are in the cache."""


class Structure(NamedTuple):
    """Index arrays of a plan; `n` junctions, `m` links, `z` entries below the diagonal of the factor.

    Args:
        position: of a node; (node,).
        order: link at each place of the kernel's order; (m,). place: the inverse.
        groups: where each group of links begins, and m; (5,).
        start, end: positions of the ends of the link at each place; (m,).
        entry: entry of the factor that a link's conductance goes to, -1 at a fixed node; (m,).
        fresh: whether a link is the first at its entry; (m,). filled: entries without a link.
        first, row: entries of column k are first[k] ... first[k + 1]; entry e is at row[e]; (n + 1,), (z,).
        pair_first, pair: entries that the pairs of column k change, in order a < b; (n + 1,), (pairs,).
        incident_first, incident: places of the links at a position; (node + 1,), (2 m,).
        valve_place, valve_holds, valve_passes: pressure valves in order of treatment; (valve,).
        lopsided: columns whose values above the diagonal may differ from those below; (n,). lopsided_columns: their numbers.
        move_first, move_from, move_to: which matrix values a valve's row moves where; value v < n is diagonal v, n + e is
            entry e below, n + z + e above the diagonal; (valve + 1,), (moves,).
    """

    position: Ints
    order: Ints
    place: Ints
    groups: Ints
    start: Ints
    end: Ints
    entry: Ints
    fresh: Bools
    filled: Ints
    first: Ints
    row: Ints
    pair_first: Ints
    pair: npt.NDArray[np.int32]
    incident_first: Ints
    incident: Ints
    valve_place: Ints
    valve_holds: Ints
    valve_passes: Ints
    lopsided: Bools
    lopsided_columns: Ints
    move_first: Ints
    move_from: Ints
    move_to: Ints


def make_structure(plan: Plan) -> Structure:
    """Orders and analyses the equations of a plan."""
    links, n = plan.network.links, plan.n_junctions
    valves = pressure_valves(plan)
    position, rows, columns = _ordering(plan, valves)
    later = _by_parts(*_fill(n, *_compressed(rows, columns, n)), PART)
    position[:n] = later[position[:n]]
    first, row = _fill(n, *_compressed(later[rows], later[columns], n))
    pair_first, pair = _pairs(first, row)

    groups = link_groups(plan)
    # Within a group in order of elimination: links that meet stand together, which is what a cache likes.
    order = np.lexsort((np.minimum(position[links.start], position[links.end]), groups))
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    start, end = position[links.start][order], position[links.end][order]
    incident_first, incident = _incidence(start, end, plan.n_nodes)
    moves = [_moves(first, row, int(position[holds]), int(position[passes]), n) for _, holds, passes in valves]
    move_first = np.cumsum([0, *(len(one) for one in moves)])
    joined = np.array([move for one in moves for move in one], dtype=np.int64).reshape(-1, 2)
    entry = _entries(first, row, start, end, n)
    fresh = np.zeros(len(entry), dtype=bool)
    fresh[np.unique(entry, return_index=True)[1]] = True
    lopsided = _lopsided(first, row, joined, n)
    valve_array = np.array(valves, dtype=np.int64).reshape(-1, 3)
    return Structure(
        position=position,
        order=order,
        place=place,
        groups=np.searchsorted(groups[order], np.arange(5)),
        start=start,
        end=end,
        entry=entry,
        fresh=fresh,
        filled=np.setdiff1d(np.arange(len(row)), entry),
        first=first,
        row=row,
        pair_first=pair_first,
        pair=pair,
        incident_first=incident_first,
        incident=incident,
        valve_place=place[valve_array[:, 0]],
        valve_holds=position[valve_array[:, 1]],
        valve_passes=position[valve_array[:, 2]],
        lopsided=lopsided,
        lopsided_columns=np.flatnonzero(lopsided),
        move_first=move_first,
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
    """Group of every link; (link,)."""
    kind = plan.network.links.kind
    restless: Bools = plan.switched.copy()
    restless[[link for link, _ in tank_ends(plan)]] = True
    pipe = kind <= LinkKind.PIPE
    soft = pipe & (restless | (kind == LinkKind.CHECK_VALVE_PIPE))
    throttle = (kind == LinkKind.TCV) & ~restless
    return np.select([soft, pipe, throttle], [SOFT_PIPE, PIPE, THROTTLE], MACHINE).astype(np.int64)


def _ordering(plan: Plan, valves: list[tuple[int, int, int]]) -> tuple[Ints, Ints, Ints]:
    """Positions of the nodes, and the off-diagonal pattern (row, column) in positions, both triangles."""
    links, n = plan.network.links, plan.n_junctions
    both = (links.start < n) & (links.end < n) & (links.start != links.end)
    ends = np.stack([links.start[both], links.end[both]])
    neighbours: dict[int, set[int]] = {}
    if valves:
        special = {node for _, holds, passes in valves for node in (holds, passes)}
        neighbours = {node: set() for node in special}
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
    pattern = np.concatenate([ends, np.array(extra, dtype=np.int64).reshape(-1, 2).T], axis=1)
    rows = np.concatenate([pattern[0], pattern[1]])
    columns = np.concatenate([pattern[1], pattern[0]])
    position = np.arange(plan.n_nodes)
    if n:
        degree = np.bincount(rows, minlength=n) + 1.0
        diagonal = np.arange(n)
        values = np.concatenate([-np.ones(len(rows)), degree])
        matrix = csc_array((values, (np.concatenate([rows, diagonal]), np.concatenate([columns, diagonal]))), shape=(n, n))
        factor = splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
        position[:n] = factor.perm_c
    return position, position[rows], position[columns]


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
