"""Checks on what is joined to what."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tweeling.network.checks.demands import base_demands
from tweeling.network.checks.graph import Ints
from tweeling.network.checks.model import RawModel
from tweeling.network.checks.remark import Place, Severity, check


@check(
    Severity.ERROR,
    why="Without a reservoir or a tank no head is known anywhere; EPANET refuses to compute.",
    advice="Add the place where the water comes from to [RESERVOIRS] or [TANKS].",
)
def no_source(model: RawModel) -> Iterator[Place]:
    """A network without reservoirs and tanks."""
    if not any(model.is_source(node) for node in model.nodes):
        yield Place("the network has no reservoir and no tank")


@check(
    Severity.WARNING,
    why="There is nobody to deliver water to, and hardly anything to compute.",
    advice="Check whether the export was complete.",
)
def no_junction(model: RawModel) -> Iterator[Place]:
    """A network without junctions."""
    if not model.section("JUNCTIONS"):
        yield Place("the network has no junctions", section="JUNCTIONS")


@check(
    Severity.ERROR,
    why="EPANET refuses a network with a junction that nothing is joined to.",
    advice="Join it to the network, or delete it.",
)
def junction_without_link(model: RawModel) -> Iterator[Place]:
    """Junctions that nothing is joined to."""
    for name, links in zip(model.graph.nodes, model.graph.degree, strict=True):
        if links == 0 and not model.is_source(name):
            yield model.nodes[name].says(f"junction {name} has no link")


@check(
    Severity.NOTE,
    why="It takes no part in the computation.",
    advice="Join it to the network, or delete it.",
)
def source_without_link(model: RawModel) -> Iterator[Place]:
    """Reservoirs and tanks that nothing is joined to."""
    for name, links in zip(model.graph.nodes, model.graph.degree, strict=True):
        if links == 0 and model.is_source(name):
            yield model.nodes[name].says(f"{model.nodes[name].section.lower().rstrip('s')} {name} has no link")


@check(
    Severity.ERROR,
    why="EPANET refuses a link from a node to itself.",
    advice="Correct one of its ends, or delete it.",
)
def link_to_itself(model: RawModel) -> Iterator[Place]:
    """Links whose two ends are one node."""
    for row in model.links.values():
        if len(row.tokens) > 2 and row.tokens[1] == row.tokens[2]:
            yield row.says(f"link {row.id} runs from node {row.tokens[1]} to itself", row.tokens[1])


@check(
    Severity.ERROR,
    why="No water can come here by any link, open or closed, so no head can be computed.",
    advice="Add the missing link or source, or delete the part.",
)
def part_without_source(model: RawModel) -> Iterator[Place]:
    """Parts of the network that nothing joins to a reservoir or tank."""
    graph = model.graph
    if not graph.source.any():
        return  # said once, by `no-source`
    part = graph.parts()
    fed = np.unique(part[graph.source])
    lonely = ~np.isin(part, fed) & (graph.degree > 0)
    yield from _parts(model, part, lonely, "joined to no reservoir or tank")


@check(
    Severity.NOTE,
    why="Closed links, check valves, pumps and pressure valves leave no way for water to come here at the start.",
    advice="Check the statuses and the direction of these links; it is right where the part is meant to be shut off.",
)
def part_shut_off_at_start(model: RawModel) -> Iterator[Place]:
    """Parts with demand that water cannot reach at the start, though a link leads there."""
    graph = model.graph
    part = graph.parts()
    joined = np.isin(part, np.unique(part[graph.source]))
    dry = joined & ~graph.reached() & (graph.degree > 0)
    within = dry[graph.start] & dry[graph.end]
    pieces = graph.parts(within)
    demand = base_demands(model)
    thirsty = np.array([demand.get(name, 0.0) > 0 for name in graph.nodes], dtype=np.bool_)
    asking = np.unique(pieces[dry & thirsty])
    yield from _parts(model, pieces, dry & np.isin(pieces, asking), "shut off from every reservoir and tank at the start")


def _parts(model: RawModel, part: Ints, chosen: np.ndarray, what: str) -> Iterator[Place]:
    """One place for each part, at its first node, naming them all."""
    members: dict[int, list[str]] = {}
    for node in np.flatnonzero(chosen):
        members.setdefault(int(part[node]), []).append(model.graph.nodes[node])
    for names in members.values():
        row = model.nodes[names[0]]
        count = "1 node is" if len(names) == 1 else f"{len(names)} nodes are"
        yield Place(f"{count} {what}: {shortlist(names)}", tuple(names), row.section, row.line)


def shortlist(names: list[str], most: int = 5) -> str:
    """The first few names, and how many more there are."""
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
