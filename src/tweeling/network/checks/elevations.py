"""Checks on elevations: against the neighbours and against the sources."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from tweeling.network.checks.demands import base_demands
from tweeling.network.checks.model import RawModel
from tweeling.network.checks.pumps import shutoff_head
from tweeling.network.checks.remark import Place, Severity, check
from tweeling.network.checks.rows import Row, number

Floats = npt.NDArray[np.float64]

LEAST_RISE = 10.0
"""m; what a pipe may rise more than its length: models draw wells, towers and stations with pipes of a metre."""
OUTLIER_RISE = 30.0
"""m; a node this much above or below all its neighbours is doubted when the pipes are steep too."""
OUTLIER_SLOPE = 0.3
"""Steeper than any street."""
ABOVE_SEA = 20.0
"""m; a node at exactly 0 among neighbours at least so high has probably lost its elevation."""
MOST_ELEVATION, LEAST_ELEVATION = 5100.0, -450.0
"""m; the highest town and the shore of the Dead Sea."""


def _elevations(model: RawModel) -> Floats:
    """Of each node of the graph in m, NaN where the file gives no number; a reservoir's is its head."""
    columns = {"JUNCTIONS": "elevation", "TANKS": "elevation", "RESERVOIRS": "head"}
    values = [row.number(columns[row.section]) for row in model.nodes.values()]
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64) * model.units.length_si


def _pipe_rise(model: RawModel) -> tuple[list[Row], npt.NDArray[np.int64], Floats, Floats]:
    """Pipes between junctions: their row, index, rise from start to end (m) and length (m)."""
    graph = model.graph
    elevation = np.where(_lost(model), np.nan, _elevations(model))
    pipe = np.array([row.section == "PIPES" for row in graph.links], dtype=np.bool_)
    chosen = np.flatnonzero(pipe & ~graph.source[graph.start] & ~graph.source[graph.end])
    length = np.array([graph.links[i].number("length") or np.nan for i in chosen], dtype=np.float64) * model.units.length_si
    rise = elevation[graph.end[chosen]] - elevation[graph.start[chosen]]
    return [graph.links[i] for i in chosen], chosen, rise, length


@check(
    Severity.WARNING,
    why="A straight line is the shortest way up; so the length or one of the elevations is wrong.",
    advice="Check the elevations of its ends and its length.",
)
def pipe_rises_more_than_its_length(model: RawModel) -> Iterator[Place]:
    """Pipes that would have to be steeper than vertical."""
    rows, _, rise, length = _pipe_rise(model)
    for i in np.flatnonzero(np.abs(rise) > length + LEAST_RISE):
        row = rows[i]
        yield row.says(
            f"pipe {row.id} is {model.length(length[i])} long and rises {model.length(abs(rise[i]))}", *row.tokens[1:3]
        )


@check(
    Severity.WARNING,
    why="Pressure is head minus elevation: an elevation that is off by 30 m gives a pressure that is off by 3 bar.",
    advice="Check the elevation against the ground.",
)
def elevation_unlike_neighbours(model: RawModel) -> Iterator[Place]:
    """Junctions far above or below all their neighbours, by steep pipes only."""
    graph = model.graph
    _, chosen, rise, length = _pipe_rise(model)
    start, end = graph.start[chosen], graph.end[chosen]
    known = np.isfinite(rise) & np.isfinite(length)
    steep = (np.abs(rise) > OUTLIER_RISE) & (np.abs(rise) > OUTLIER_SLOPE * length)
    n = len(graph.nodes)
    pipes = _count(n, start[known], end[known])
    up = _count(n, end[steep & (rise > 0)], start[steep & (rise < 0)])
    down = _count(n, end[steep & (rise < 0)], start[steep & (rise > 0)])
    elevation = _elevations(model)
    for node in np.flatnonzero((pipes >= 2) & ((up == pipes) | (down == pipes))):
        name = graph.nodes[node]
        way = "above" if up[node] else "below"
        yield model.nodes[name].says(
            f"junction {name} lies at {model.length(elevation[node])}, over {model.length(OUTLIER_RISE)} {way} all neighbours"
        )


def _count(n: int, *ends: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.bincount(np.concatenate(ends), minlength=n)


@check(
    Severity.WARNING,
    why="A zero among higher neighbours is usually an elevation that is missing; the pressure there comes out far too high.",
    advice="Fill in the elevation.",
)
def elevation_zero_among_others(model: RawModel) -> Iterator[Place]:
    """Junctions at exactly 0 with all neighbours well above the sea."""
    lowest = _lowest_neighbour(model)
    for node in np.flatnonzero(_lost(model)):
        name = model.graph.nodes[node]
        yield model.nodes[name].says(
            f"junction {name} has elevation 0, its neighbours lie at {model.length(lowest[node])} or more"
        )


def _lowest_neighbour(model: RawModel) -> Floats:
    """Elevation of the lowest junction next to each node, m; infinite where there is none; (node,)."""
    graph = model.graph
    elevation = _elevations(model)
    lowest = np.full(len(graph.nodes), np.inf)
    for own, other in ((graph.start, graph.end), (graph.end, graph.start)):
        ground = ~graph.source[other]
        np.minimum.at(lowest, own[ground], np.nan_to_num(elevation[other[ground]], nan=0.0))
    return lowest


def _lost(model: RawModel) -> npt.NDArray[np.bool_]:
    """Which junctions have probably lost their elevation; the other checks leave them out; (node,)."""
    lowest = _lowest_neighbour(model)
    lost: npt.NDArray[np.bool_] = (_elevations(model) == 0) & ~model.graph.source & (lowest > ABOVE_SEA) & np.isfinite(lowest)
    return lost


@check(
    Severity.WARNING,
    why="No town lies there; feet may have been written where metres are meant, or the other way round.",
    advice="Check the elevation, and UNITS in [OPTIONS].",
)
def elevation_beyond_earth(model: RawModel) -> Iterator[Place]:
    """Elevations that no place on earth has."""
    elevation = _elevations(model)
    for node in np.flatnonzero((elevation > MOST_ELEVATION) | (elevation < LEAST_ELEVATION)):
        name = model.graph.nodes[node]
        yield model.nodes[name].says(f"node {name} lies at {model.length(elevation[node])}")


@check(
    Severity.WARNING,
    why="Water does not come here by itself: the pressure is negative, whatever the demand.",
    advice="Check the elevation, the head of the sources, and the unit of both; or a pump is missing.",
)
def elevation_above_sources(model: RawModel) -> Iterator[Place]:
    """Junctions with demand above what sources and pumps together can reach in their part of the network."""
    graph = model.graph
    if not graph.source.any():
        return
    part = graph.parts()
    elevation = _elevations(model)
    highest = np.full(int(part.max()) + 1, -np.inf)
    heads = np.array([_highest_head(model, name) if model.is_source(name) else -np.inf for name in graph.nodes])
    np.maximum.at(highest, part, heads)
    for row, start in zip(graph.links, graph.start, strict=True):
        if row.section == "PUMPS":
            highest[part[start]] += shutoff_head(model, row)
    demand = base_demands(model)
    for node in np.flatnonzero(~graph.source & (elevation > highest[part]) & np.isfinite(highest[part])):
        name = graph.nodes[node]
        if demand.get(name, 0.0) > 0:
            reach = model.length(highest[part[node]])
            what = f"junction {name} lies at {model.length(elevation[node])}, above every head within reach ({reach} at most)"
            yield model.nodes[name].says(what)


def _highest_head(model: RawModel, name: str) -> float:
    """The highest head that a source can have, m; infinite where the file does not say."""
    row = model.nodes[name]
    if name in model.tanks:
        bottom, level = row.number("elevation"), row.number("max_level")
        return np.inf if bottom is None or level is None else (bottom + level) * model.units.length_si
    head = number(row.tokens[1]) if len(row.tokens) > 1 else None
    pattern = model.patterns.get(row.tokens[2], []) if len(row.tokens) > 2 else []
    factors = [number(token) for own in pattern for token in own.tokens[1:]]
    highest = max((f for f in factors if f is not None), default=1.0)
    return np.inf if head is None else head * highest * model.units.length_si
