"""A network of any size out of copies of real ones, joined like a tree: each copy hangs on an earlier one by one pipe.

No water company gives away a network of 100,000 nodes, and a grid is nothing like one: real networks are nearly trees, with
long chains and small loops, and so is this. Copies keep their sources, tanks, pumps and valves; each is raised or lowered so
that the pipe that joins it finds nearly the same head at both ends, for towns of one company feed each other a little. Controls
and rules are left out: it is for steady states.

    python benchmarks/joined.py FILE.inp [NODES]
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

import reference
import tweeling as tw
from tweeling.network.network import (
    Curves,
    Demands,
    LinkKind,
    Links,
    LinkStatus,
    Network,
    Nodes,
    Patterns,
    Pumps,
    Reservoirs,
    Tanks,
    freeze,
)

TOWNS = ("epyt/L-TOWN", "epyt/ky1", "epyt/ky2", "epyt/KL", "epyt/ky4", "epyt/ky7", "epyt/ky8", "epyt/ky10")
"""Hazen-Williams, 485 to 1,332 nodes each; together 4.4 with three of EPANET's kinds of valve and pumps of both laws."""
JOINT_DIAMETER, JOINT_ROUGHNESS = 0.2, 120.0
MOST_DIFFERENCE = 1.0
"""m between the heads at the ends of a joint, before it is there."""


@dataclass(frozen=True, eq=False)
class Copy:
    """One copy: of which town, how far it is raised (m), and the index in the whole of each of its nodes and its first link."""

    town: int
    raised: float
    node: NDArray[np.int64]
    first_link: int


def joined_network(n_nodes: int, seed: int = 1, names: Sequence[str] = TOWNS) -> Network:
    """Copies of the towns in turn until there are at least so many nodes."""
    there = {file.name: file.path for file in reference.files()}
    towns = [tw.read_network(there[name]) for name in names]
    count, nodes = 0, 0
    while nodes < n_nodes:
        nodes += len(towns[count % len(towns)].nodes)
        count += 1
    rng = np.random.default_rng(seed)
    heads = [tw.solve(town).head[0] for town in towns]
    copies, joints = _placed(towns, heads, count, rng)
    return _whole(towns, copies, joints, rng)


def _placed(
    towns: Sequence[Network], heads: Sequence[NDArray[np.float64]], count: int, rng: np.random.Generator
) -> tuple[list[Copy], list[tuple[int, int]]]:
    """Copies with their indices in the whole, and the two nodes of each joint."""
    chosen = [towns[copy % len(towns)] for copy in range(count)]
    n_junctions = np.array([town.nodes.n_junctions for town in chosen])
    n_fixed = np.array([len(town.nodes) for town in chosen]) - n_junctions
    first_junction, first_fixed = np.cumsum(n_junctions) - n_junctions, np.cumsum(n_fixed) - n_fixed + n_junctions.sum()
    first_link = np.cumsum([0, *(len(town.links) for town in chosen)])
    copies: list[Copy] = []
    joints: list[tuple[int, int]] = []
    for number in range(count):
        which = number % len(towns)
        node = np.concatenate(
            [first_junction[number] + np.arange(n_junctions[number]), first_fixed[number] + np.arange(n_fixed[number])]
        )
        raised = 0.0
        if copies:
            parent = copies[rng.integers(max(0, len(copies) - 20), len(copies))]
            there, here = (int(rng.choice(_on_mains(towns[t], heads[t]))) for t in (parent.town, which))
            joints.append((int(parent.node[there]), int(node[here])))
            difference = rng.uniform(-MOST_DIFFERENCE, MOST_DIFFERENCE)
            raised = parent.raised + heads[parent.town][there] - heads[which][here] + difference
        copies.append(Copy(which, float(raised), node, int(first_link[number])))
    return copies, joints


def _on_mains(town: Network, head: NDArray[np.float64]) -> NDArray[np.int64]:
    """Junctions with supply at the thicker half of the pipes."""
    links = town.links
    thick = (links.kind == LinkKind.PIPE) & (links.diameter >= np.median(links.diameter[links.kind == LinkKind.PIPE]))
    ends = np.unique(np.concatenate([links.start[thick], links.end[thick]]))
    return ends[(ends < town.nodes.n_junctions) & ~np.isnan(head[ends])]


def _whole(
    towns: Sequence[Network], copies: Sequence[Copy], joints: Sequence[tuple[int, int]], rng: np.random.Generator
) -> Network:
    """One network of all copies and joints."""
    units, first_pattern = towns[0].units, np.cumsum([0, *(len(town.patterns.ids) for town in towns)])
    first_curve = np.cumsum([0, *(len(town.curves.ids) for town in towns)])
    n_junctions = sum(towns[copy.town].nodes.n_junctions for copy in copies)

    def gathered(table: str, numbers: dict[str, Callable[[Copy, Any], Any]]) -> dict[str, Any]:
        """The arrays of a table, end to end; those in `numbers` are changed first."""
        found = {}
        for entry in fields(getattr(towns[0], table)):
            arrays = [getattr(getattr(towns[copy.town], table), entry.name) for copy in copies]
            if isinstance(arrays[0], np.ndarray):
                change = numbers.get(entry.name, lambda _, array: array)
                found[entry.name] = np.concatenate([change(copy, array) for copy, array in zip(copies, arrays, strict=True)])
        return found

    def node(copy: Copy, index: Any) -> Any:
        return copy.node[index]

    def link(copy: Copy, index: Any) -> Any:
        return index + copy.first_link

    def pattern(copy: Copy, index: Any) -> Any:
        return np.where(index >= 0, index + first_pattern[copy.town], -1)

    def curve(copy: Copy, index: Any) -> Any:
        return np.where(index >= 0, index + first_curve[copy.town], -1)

    def demand_pattern(copy: Copy, index: Any) -> Any:
        return pattern(copy, np.where(index >= 0, index, towns[copy.town].options.pattern))

    def raised(copy: Copy, elevation: Any) -> Any:
        return elevation + copy.raised

    by_node = gathered("nodes", {"elevation": raised})
    order = np.argsort(np.concatenate([copy.node for copy in copies]))
    nodes = {name: array if len(array) == n_junctions else array[order] for name, array in by_node.items()}
    ids = np.array([f"{copy_id}:{name}" for copy_id, copy in enumerate(copies) for name in towns[copy.town].nodes.ids])
    links = gathered("links", {"start": node, "end": node, "curve": curve})
    return Network(
        title=("joined",),
        units=units,
        nodes=Nodes(ids=tuple(ids[order].tolist()), n_junctions=n_junctions, **nodes),
        demands=Demands(
            **gathered(
                "demands",
                {
                    "junction": node,
                    "pattern": demand_pattern,
                    "base": lambda copy, base: base * towns[copy.town].options.demand_multiplier,
                },
            )
        ),
        reservoirs=Reservoirs(**gathered("reservoirs", {"node": node, "pattern": pattern})),
        tanks=Tanks(**gathered("tanks", {"node": node, "volume_curve": curve})),
        links=_with_joints(towns, copies, joints, links, rng),
        pumps=Pumps(
            **gathered(
                "pumps",
                {"link": link, "speed_pattern": pattern, "efficiency_curve": curve, "price_pattern": pattern},
            )
        ),
        patterns=Patterns(
            ids=tuple(f"{number}:{name}" for number, town in enumerate(towns) for name in town.patterns.ids),
            values=tuple(values for town in towns for values in town.patterns.values),
        ),
        curves=_curves(towns, units),
        options=replace(towns[0].options, pattern=-1, demand_multiplier=1.0),
        times=towns[0].times,
        energy=towns[0].energy,
    )


def _with_joints(
    towns: Sequence[Network],
    copies: Sequence[Copy],
    joints: Sequence[tuple[int, int]],
    links: dict[str, Any],
    rng: np.random.Generator,
) -> Links:
    """All links, and behind them a pipe for each joint."""
    ids = [f"{number}:{name}" for number, copy in enumerate(copies) for name in towns[copy.town].links.ids]
    count = len(joints)
    joint = {
        "kind": np.full(count, LinkKind.PIPE),
        "start": np.array([start for start, _ in joints], dtype=np.int64),
        "end": np.array([end for _, end in joints], dtype=np.int64),
        "length": rng.uniform(300, 3000, count),
        "diameter": np.full(count, JOINT_DIAMETER),
        "roughness": np.full(count, JOINT_ROUGHNESS),
        "status": np.full(count, LinkStatus.OPEN),
        "setting": np.full(count, np.nan),
        "curve": np.full(count, -1),
        "bulk_coefficient": np.full(count, np.nan),
        "wall_coefficient": np.full(count, np.nan),
    }
    arrays = {
        name: freeze(np.concatenate([array, joint.get(name, np.zeros(count))]), array.dtype) for name, array in links.items()
    }
    return Links(ids=tuple(ids + [f"joint:{number}" for number in range(count)]), **arrays)


def _curves(towns: Sequence[Network], units: Any) -> Curves:
    """Head curves in the units of the whole; curves of other kinds keep their numbers, and nothing uses them."""
    for town in towns:
        if (town.tanks.volume_curve >= 0).any() or (town.links.kind == LinkKind.GPV).any():
            raise SystemExit(f"{town} has curves that are not of pumps")
    return Curves(
        ids=tuple(f"{number}:{name}" for number, town in enumerate(towns) for name in town.curves.ids),
        kind=tuple(kind for town in towns for kind in town.curves.kind),
        x=tuple(x * town.units.flow_si / units.flow_si for town in towns for x in town.curves.x),
        y=tuple(y * town.units.length_si / units.length_si for town in towns for y in town.curves.y),
    )


if __name__ == "__main__":
    network = joined_network(int(sys.argv[2]) if len(sys.argv) > 2 else 100_000)
    network.write(sys.argv[1])
    print(network)
