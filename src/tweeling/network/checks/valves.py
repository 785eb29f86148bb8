"""Checks on valves: neighbours that EPANET forbids, pairs that fight, settings that cannot be meant."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from tweeling.network.checks.model import RawModel
from tweeling.network.checks.remark import Place, Severity, check
from tweeling.network.checks.rows import Row, number

# Which end of the one valve may not be which end of the other: (type, end, other type, other end). Each holds its own
# pressure or flow at that node; two of them there leave the solution undecided.
# Source: error 220 of EPANET 2.3, tried out pair by pair; its toolkit refuses to add such a valve, but reads it from a file.
FIGHTS = (
    ("PRV", "end", "PRV", "end", "they hold the pressure of the same node"),
    ("PRV", "end", "PRV", "start", "they stand in series with nothing between them"),
    ("PSV", "start", "PSV", "start", "they hold the pressure of the same node"),
    ("PSV", "end", "PSV", "start", "they stand in series with nothing between them"),
    ("PRV", "end", "PSV", "start", "both hold the pressure of the node between them"),
    ("FCV", "end", "PSV", "start", "the one sets the flow, the other the pressure of the node between them"),
    ("PRV", "end", "FCV", "start", "the one sets the pressure, the other the flow of the node between them"),
)

NEARLY = 0.5
"""m; two reducing valves whose settings differ by less take turns at the smallest change of flow."""
MOST_PRESSURE = 250.0
"""m; the strongest pipes in a drinking-water network bear 25 bar."""


def _valves(model: RawModel, *types: str) -> list[Row]:
    return [r for r in model.section("VALVES") if len(r.tokens) > 4 and r.word("type").upper() in types]


@check(
    Severity.ERROR,
    why="The valve would set the head of a node that has a head of its own; EPANET refuses it.",
    advice="Put a short pipe between the valve and the tank or reservoir.",
)
def valve_at_source(model: RawModel) -> Iterator[Place]:
    """PRV, PSV and FCV at a tank or reservoir."""
    for row in _valves(model, "PRV", "PSV", "FCV"):
        for node in row.tokens[1:3]:
            if model.is_source(node):
                yield row.says(f"{row.word('type').upper()} {row.id} stands at {node}, a tank or reservoir", node)


@check(
    Severity.ERROR,
    why="Each wants its own way at one node, so nothing is decided; EPANET forbids it (error 220) but does not look in files.",
    advice="Put a pipe between them, or keep one of them.",
)
def valves_fight(model: RawModel) -> Iterator[Place]:
    """Pairs of valves that EPANET forbids as neighbours."""
    at: dict[tuple[str, str, str], list[Row]] = {}
    for row in _valves(model, "PRV", "PSV", "FCV"):
        for end in ("start", "end"):
            at.setdefault((row.word("type").upper(), end, row.word(end)), []).append(row)
    for (kind, end, node), rows in at.items():
        for own_kind, own_end, other_kind, other_end, reason in FIGHTS:
            if (kind, end) == (own_kind, own_end):
                others = at.get((other_kind, other_end, node), [])
                # Each row with its neighbour in the file, so that a thousand valves at one node give a thousand remarks.
                pairs = pairwise(rows) if others is rows else ((rows[0], other) for other in others)
                for one, other in pairs:
                    if one.line != other.line:
                        what = f"{kind} {one.id} and {other_kind} {other.id} meet at node {node}: {reason}"
                        yield other.says(what, one.id, node)


@check(
    Severity.WARNING,
    why="Which of them works hangs on millimetres of head, in reality and in any model.",
    advice="Set them apart by a few metres of head, or expect a flow that jumps from one to the other.",
)
def parallel_reducing_valves(model: RawModel) -> Iterator[Place]:
    """PRVs between the same two areas whose heads behind them are nearly the same."""
    graph = model.graph
    reducing = np.array([r.section == "VALVES" and r.word("type").upper() == "PRV" for r in graph.links], dtype=np.bool_)
    if np.count_nonzero(reducing) < 2:
        return
    area = graph.parts(~reducing & ~graph.closed)
    groups: dict[tuple[int, int], list[tuple[float, Row]]] = {}
    for i in np.flatnonzero(reducing & ~graph.closed):
        row = graph.links[i]
        setting = number(row.word("setting"))
        ground = model.nodes[row.tokens[2]].number("elevation") if not graph.source[graph.end[i]] else None
        ends = int(area[graph.start[i]]), int(area[graph.end[i]])
        if setting is not None and ground is not None and ends[0] != ends[1]:
            head = setting * model.units.pressure_si + ground * model.units.length_si
            groups.setdefault(ends, []).append((head, row))
    for valves in groups.values():
        valves.sort(key=lambda pair: pair[0])
        for (low, one), (high, other) in pairwise(valves):
            if high - low < NEARLY:
                what = f"PRV {one.id} and PRV {other.id} feed the same area and hold heads {model.length(high - low)} apart"
                yield other.says(what, one.id)


@check(
    Severity.WARNING,
    why="No such pressure, flow or opening is meant in a drinking-water network; the unit may be another than the file's.",
    advice="Check the setting and its unit: pressure follows PRESSURE in [OPTIONS], flow follows UNITS.",
)
def valve_setting_out_of_range(model: RawModel) -> Iterator[Place]:
    """Settings below zero, above all pipe classes, or openings beyond 100 %."""
    most = {
        **dict.fromkeys(("PRV", "PSV", "PBV"), MOST_PRESSURE / model.units.pressure_si),
        "FCV": np.inf,
        "TCV": np.inf,
        "PCV": 100.0,
    }
    for row in _valves(model, *most):
        kind = row.word("type").upper()
        setting = number(row.word("setting"))
        if setting is not None and not 0 <= setting <= most[kind]:
            yield row.says(f"{kind} {row.id} has a setting of {setting:g}")
