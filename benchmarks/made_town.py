"""A made-up town of any size, as the bytes that the page draws (`GET /api/geometry`), for benchmarks of the map."""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

STREET = 60.0  # m between crossings


def made_town(n_links: int, seed: int) -> bytes:
    """A town of `n_links` links: tree-like with a few loops, round parks, with mains, bends, some valves, pumps and tanks."""
    rng = np.random.default_rng(seed)
    xy, ends = _streets(int(1.75 * n_links), rng)
    while True:
        xy, ends = _one_piece(xy, ends)
        tree = _tree(len(xy), ends, rng)
        if len(tree) <= n_links <= len(tree) + 0.06 * n_links:
            break
        # Nearly every crossing has one pipe of the tree: cut the town at the edge until it has as many as asked.
        inside = np.argsort(np.hypot(*(xy - xy.mean(0)).T))[: int(0.98 * n_links) if len(tree) > n_links else 0]
        if not len(inside):
            raise SystemExit("the made-up town came out too small; try another seed")
        xy, ends = _kept(xy, ends, inside)
    loops = np.setdiff1d(np.arange(len(ends)), tree)
    chosen = np.concatenate([tree, rng.choice(loops, n_links - len(tree), replace=False)])
    diameter = _diameters(len(xy), ends[chosen], len(tree))
    node_kind = np.zeros(len(xy), int)
    node_kind[rng.choice(len(xy), 12, replace=False)] = 2
    node_kind[rng.choice(len(xy), 3, replace=False)] = 1
    link_kind = rng.choice(3, n_links, p=[0.9975, 0.0005, 0.002])
    return geometry_bytes(xy, _bends(xy, ends[chosen], rng), ends[chosen], diameter, node_kind, link_kind)


def geometry_bytes(
    xy: Floats, bends: list[Floats], ends: NDArray[np.integer], diameter: Floats, node_kind: Integers, link_kind: Integers
) -> bytes:
    """The layout of `GET /api/geometry`."""
    offsets = np.cumsum([0, *(len(points) for points in bends)])
    parts = [
        struct.pack("<4s3I", b"TWG1", len(xy), len(ends), int(offsets[-1])),
        xy.astype("<f8").tobytes(),
        np.vstack([np.zeros((0, 2)), *bends]).astype("<f8").tobytes(),
        ends[:, 0].astype("<u4").tobytes(),
        ends[:, 1].astype("<u4").tobytes(),
        offsets.astype("<u4").tobytes(),
        diameter.astype("<f4").tobytes(),
        node_kind.astype("u1").tobytes(),
        link_kind.astype("u1").tobytes(),
    ]
    return b"".join(parts)


def _streets(n_crossings: int, rng: np.random.Generator) -> tuple[Floats, Integers]:
    """Crossings on a bent and jittered raster, with holes where parks and water are; and all streets between neighbours."""
    side = int(np.ceil(np.sqrt(n_crossings)))
    row, column = np.divmod(np.arange(side * side), side)
    xy = np.column_stack([column, row]) * STREET + rng.normal(0, 0.22 * STREET, (side * side, 2))
    waves = 2 * np.pi * np.column_stack([row, column]) / side
    xy += 0.03 * side * STREET * np.sin(waves + rng.uniform(0, 6, 2))
    number = np.arange(side * side).reshape(side, side)
    pairs = [(number[:, :-1], number[:, 1:]), (number[:-1], number[1:])]
    ends = np.vstack([np.column_stack([a.ravel(), b.ravel()]) for a, b in pairs])
    centres = rng.uniform(0, side * STREET, (60, 2))
    radii = rng.uniform(0.01, 0.05, 60) * side * STREET
    park = (np.hypot(*(xy[:, None] - centres).transpose(2, 0, 1)) < radii).any(1)
    return _kept(xy, ends, np.flatnonzero(~park))


def _kept(xy: Floats, ends: Integers, inside: Integers) -> tuple[Floats, Integers]:
    number = np.full(len(xy), -1)
    number[inside] = np.arange(len(inside))
    renumbered = number[ends]
    return xy[inside], renumbered[(renumbered >= 0).all(1)]


def _one_piece(xy: Floats, ends: Integers) -> tuple[Floats, Integers]:
    _count, piece = connected_components(_graph(len(xy), ends, np.ones(len(ends))), directed=False)
    return _kept(xy, ends, np.flatnonzero(piece == np.bincount(piece).argmax()))


def _graph(n: int, ends: Integers, weights: Floats) -> coo_matrix:
    return coo_matrix((weights, (ends[:, 0], ends[:, 1])), shape=(n, n))


def _tree(n: int, ends: Integers, rng: np.random.Generator) -> Integers:
    """Which streets have a pipe, so that each crossing has water: a random tree."""
    weights = rng.permutation(len(ends)) + 1.0
    kept = minimum_spanning_tree(_graph(n, ends, weights).tocsr())
    return np.flatnonzero(np.isin(weights, kept.data))


def _diameters(n: int, ends: Integers, n_tree: int) -> Floats:
    """Wide where much lies behind; m."""
    tree = ends[:n_tree]
    order, before = breadth_first_order(_graph(n, tree, np.ones(n_tree)).tocsr(), 0, directed=False)
    behind = np.ones(n)
    for node in order[:0:-1]:
        behind[before[node]] += behind[node]
    flow = np.minimum(behind[ends[:, 0]], behind[ends[:, 1]])
    steps = np.array([0.08, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8])
    return steps[np.searchsorted([20, 80, 300, 1_000, 3_000, 10_000, 30_000], flow)]


def _bends(xy: Floats, ends: Integers, rng: np.random.Generator) -> list[Floats]:
    """None to three bends for each pipe, off its line by some metres."""
    count = rng.choice(4, len(ends), p=[0.5, 0.25, 0.15, 0.1])
    bends = []
    for (start, end), n in zip(xy[ends], count, strict=True):
        share = (np.arange(n) + 1)[:, None] / (n + 1)
        bends.append(start + share * (end - start) + rng.normal(0, 0.08 * STREET, (n, 2)))
    return bends
