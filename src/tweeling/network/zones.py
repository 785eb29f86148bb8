"""Zones: parts of a network whose demand is taken to rise and fall together.

Derived: cut valves, pumps and closed links; take the junctions that stay connected; a part of fewer than five joins the larger
part across one of its cut links; number by size, largest first. Or read from a file with the columns `node,zone`.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from tweeling.errors import InputError
from tweeling.network.network import Bools, Floats, Ints, LinkKind, LinkStatus, Network

SMALLEST = 5
"""Junctions that make a zone of their own."""


@dataclass(frozen=True, eq=False)
class Zones:
    """Which zone each junction is in.

    Args:
        ids: names of the zones.
        of_junction: index of a junction's zone; (junction,).
    """

    ids: tuple[str, ...]
    of_junction: Ints

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def membership(self) -> Floats:
        """1 where a junction is in a zone, else 0; (junction, zone)."""
        return np.asarray(self.of_junction[:, None] == np.arange(len(self)), dtype=float)


def derive_zones(network: Network) -> Zones:
    """Zones from the network alone: `zone-1` is the largest."""
    n, links = network.nodes.n_junctions, network.links
    cut = _cut_links(network)
    inside = (links.start < n) & (links.end < n)
    part = _parts(network, inside & ~cut)
    part = _merged(part, links.start[inside & cut], links.end[inside & cut])
    sizes = np.bincount(part, minlength=part.max(initial=-1) + 1)
    order = np.argsort(-sizes, kind="stable")[: int((sizes > 0).sum())]
    rank = np.empty(len(sizes), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return Zones(tuple(f"zone-{i + 1}" for i in range(len(order))), rank[part])


def read_zones(path: Path, network: Network) -> Zones:
    """Zones from a file with the columns `node,zone`; every junction must be in it.

    Raises:
        InputError: a file that cannot be read, an unknown node, or a junction without a zone.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            if not {"node", "zone"} <= set(table.fieldnames or ()):
                raise InputError(f"{path}: a file of zones has the columns node,zone")
            rows = {(row["node"] or "").strip(): (row["zone"] or "").strip() for row in table}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a table of zones: {error}") from error
    for node in rows:
        network.node(node)
    junctions = network.nodes.ids[: network.nodes.n_junctions]
    missing = [node for node in junctions if not rows.get(node)]
    if missing:
        raise InputError(f"{path}: no zone for {len(missing)} junctions, the first is {missing[0]!r}")
    ids = tuple(dict.fromkeys(rows[node] for node in junctions))
    return Zones(ids, np.array([ids.index(rows[node]) for node in junctions], dtype=np.int64))


def _cut_links(network: Network) -> Bools:
    """Valves, pumps and closed links; (link,)."""
    links = network.links
    return np.asarray((links.kind >= LinkKind.PUMP) | (links.status == LinkStatus.CLOSED))


def _parts(network: Network, joining: Bools) -> Ints:
    """Connected part of each junction; (junction,)."""
    n, links = network.nodes.n_junctions, network.links
    start, end = links.start[joining], links.end[joining]
    graph = coo_matrix((np.ones(len(start)), (start, end)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _merged(part: Ints, start: Ints, end: Ints) -> Ints:
    """Parts that are too small joined to the largest neighbour across a cut link, smallest first; (junction,)."""
    part = part.copy()
    while True:
        sizes = np.bincount(part)
        first, second = part[start], part[end]
        across = first != second
        small = np.flatnonzero((sizes > 0) & (sizes < SMALLEST))
        small = small[np.isin(small, np.concatenate((first[across], second[across])))]
        if not small.size:
            return part
        least = small[np.argmin(sizes[small])]
        neighbours = np.concatenate((second[across & (first == least)], first[across & (second == least)]))
        part[part == least] = neighbours[np.argmax(sizes[neighbours])]
