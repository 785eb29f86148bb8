"""What needs no equation of its own: trees of pipes, and pipes one behind the other.

The flow in a tree is the sum of the demands behind it, and what one of several pipes in a row carries is the first one's flow
less the demands on the way. So a tree is folded into the junction it hangs on, and a row of pipes into one *chain*, whose head
loss is the sum of its pieces'. The Newton steps are the same; in towns two thirds of the junctions go.

Folded are junctions with nothing but plain links (pipes, and throttle valves that no control touches) and a given demand. What
flows out by pressure (an emitter, a leak, a demand that depends on pressure) has no place here: members with such a thing at a
folded junction are solved without folding.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tweeling.network.network import Bools, Ints
from tweeling.physics.hydraulics.plan import Plan
from tweeling.physics.kernels.compiled import compiled_with_memory


class Folding(NamedTuple):
    """Links and nodes by their numbers in the network.

    Args:
        tree_link, tree_node, tree_parent: pipes of trees, outermost first; the outer node, and the one it hangs on; (tree,).
        piece_first: pieces of chain c are piece_first[c] ... piece_first[c + 1]; (chain + 1,).
        piece_link, piece_node: pipes from the chain's start to its end, and the node behind each; (piece,).
        chain_start, chain_end: nodes; (chain,).
        folded: junctions without an equation; (junction,).
    """

    tree_link: Ints
    tree_node: Ints
    tree_parent: Ints
    piece_first: Ints
    piece_link: Ints
    piece_node: Ints
    chain_start: Ints
    chain_end: Ints
    folded: Bools


def fold(plan: Plan, plain: Bools) -> Folding:
    """Finds the trees and chains of a plan; `plain` are pipes that never change their status during a solve; (link,)."""
    links, n = plan.network.links, plan.n_junctions
    kept = ~_foldable(plan)
    kept[links.start[~plain]] = kept[links.end[~plain]] = True
    kept[n:] = True
    tree_link, tree_node, tree_parent, degree, joined = _trees(links.start, links.end, plain, kept)
    _keep_loops_open(links.start, links.end, kept, degree, joined, tree_link)
    first, piece_link, piece_node, starts, ends = _chains(links.start, links.end, kept, degree, joined, tree_link)
    folded = np.zeros(n, dtype=bool)
    folded[tree_node] = True
    folded[np.delete(piece_node, first[1:] - 1)] = True
    return Folding(tree_link, tree_node, tree_parent, first, piece_link, piece_node, starts, ends, folded)


def nothing_folded(plan: Plan) -> Folding:
    """A folding that leaves every junction its equation."""
    none = np.zeros(0, dtype=np.int64)
    return Folding(
        none, none, none, np.zeros(1, dtype=np.int64), none, none, none, none, np.zeros(plan.n_junctions, dtype=bool)
    )


def _foldable(plan: Plan) -> Bools:
    """Nodes where nothing but demand leaves in the file, and whose pressure no control looks at; (node,)."""
    network, n = plan.network, plan.n_junctions
    free = np.ones(plan.n_nodes, dtype=bool)
    conditions = plan.conditions()
    outlets = (conditions.emitter, *plan.leak_coefficients(conditions))
    for coefficient in outlets:
        free[:n] &= ~(coefficient > 0).any(0)
    free[plan.switches.node] = False
    itself = network.links.start == network.links.end
    free[network.links.start[itself]] = False
    return free


@compiled_with_memory
def _trees(start, end, plain, kept):  # type: ignore[no-untyped-def]
    """Takes off junctions with one link, again and again; of nodes that are left, their degree and links (XOR)."""
    degree = np.zeros(len(kept), np.int64)
    joined = np.zeros(len(kept), np.int64)
    for link in range(len(start)):
        for node in (start[link], end[link]):
            degree[node] += 1
            joined[node] ^= link
    tree_link = np.empty(len(kept), np.int64)
    tree_node, tree_parent = np.empty_like(tree_link), np.empty_like(tree_link)
    found = 0
    for first in range(len(kept)):
        node = first
        while degree[node] == 1 and not kept[node]:
            link = joined[node]
            other = start[link] + end[link] - node
            tree_link[found], tree_node[found], tree_parent[found] = link, node, other
            found += 1
            degree[node], degree[other] = 0, degree[other] - 1
            joined[other] ^= link
            # A parent that came before is not met again by the loop: it is taken off at once.
            node = other if other <= first else node
    return tree_link[:found].copy(), tree_node[:found].copy(), tree_parent[:found].copy(), degree, joined


@compiled_with_memory
def _inner(node, kept, degree):  # type: ignore[no-untyped-def]
    """Whether a node lies inside a chain."""
    return degree[node] == 2 and not kept[node]


@compiled_with_memory
def _walk(start, end, kept, degree, joined, node, link, path, nodes):  # type: ignore[no-untyped-def]
    """Links and nodes from an outer node on, up to the next outer node; how many."""
    size = 0
    while True:
        node = start[link] + end[link] - node
        path[size], nodes[size] = link, node
        size += 1
        if not _inner(node, kept, degree):
            return size
        link = joined[node] ^ link


@compiled_with_memory
def _keep_loops_open(start, end, kept, degree, joined, tree_link):  # type: ignore[no-untyped-def]
    """Keeps one more node of a loop that hangs on a single one, or on none: a chain has two ends."""
    seen = np.zeros(len(start), np.bool_)
    seen[tree_link] = True
    path = np.empty(len(start) + 1, np.int64)
    nodes = np.empty_like(path)
    for link in range(len(start)):
        for node in (start[link], end[link]):
            if seen[link] or _inner(node, kept, degree):
                continue
            size = _walk(start, end, kept, degree, joined, node, link, path, nodes)
            for at in range(size):
                seen[path[at]] = True
            if size > 1 and nodes[size - 1] == node:
                kept[nodes[(size - 1) // 2]] = True
    for link in range(len(start)):
        if not seen[link]:
            kept[start[link]] = kept[end[link]] = True


@compiled_with_memory
def _chains(start, end, kept, degree, joined, tree_link):  # type: ignore[no-untyped-def]
    """Pieces of all chains of two pipes and more."""
    seen = np.zeros(len(start), np.bool_)
    seen[tree_link] = True
    path = np.empty(len(start) + 1, np.int64)
    nodes = np.empty_like(path)
    piece_link, piece_node, first = np.empty_like(path), np.empty_like(path), np.empty_like(path)
    starts, ends = np.empty_like(path), np.empty_like(path)
    first[0] = 0
    chains, pieces = 0, 0
    for link in range(len(start)):
        for node in (start[link], end[link]):
            if seen[link] or _inner(node, kept, degree):
                continue
            size = _walk(start, end, kept, degree, joined, node, link, path, nodes)
            for at in range(size):
                seen[path[at]] = True
            if size > 1:
                for at in range(size):
                    piece_link[pieces + at], piece_node[pieces + at] = path[at], nodes[at]
                pieces += size
                starts[chains], ends[chains] = node, nodes[size - 1]
                chains += 1
                first[chains] = pieces
    return (
        first[: chains + 1].copy(), piece_link[:pieces].copy(), piece_node[:pieces].copy(), starts[:chains].copy(),
        ends[:chains].copy(),
    )  # fmt: skip
