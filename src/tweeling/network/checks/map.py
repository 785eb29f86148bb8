"""Checks on coordinates."""

from __future__ import annotations

from collections.abc import Iterator

from tweeling.network.checks.model import RawModel
from tweeling.network.checks.remark import Place, Severity, check
from tweeling.network.checks.words import MAP_SECTIONS


@check(
    Severity.NOTE,
    why="The map cannot show it, and methods that use distance leave it out.",
    advice="Add its coordinates.",
)
def node_without_coordinates(model: RawModel) -> Iterator[Place]:
    """Nodes that the map does not have."""
    placed = {row.id for row in model.section("COORDINATES")}
    for name, row in model.nodes.items():
        if placed and name not in placed:
            yield row.says(f"node {name} has no coordinates")


@check(
    Severity.NOTE,
    why="Nothing can be shown on a map, and lengths cannot be compared with it.",
    advice="Export [COORDINATES] too.",
)
def no_coordinates(model: RawModel) -> Iterator[Place]:
    """A file without a map."""
    if model.nodes and not model.section("COORDINATES"):
        yield Place("the file has no coordinates", section="COORDINATES")


@check(
    Severity.WARNING,
    why="EPANET skips the row, and the map shows the element elsewhere or not at all.",
    advice="Write the id and two numbers.",
)
def map_row_not_readable(model: RawModel) -> Iterator[Place]:
    """Rows of coordinates or bends without two numbers."""
    for section in MAP_SECTIONS:
        for row in model.section(section):
            if row.number("x") is None or row.number("y") is None:
                yield row.says(f"{row.id[:40]} in [{section}] has no two numbers")


@check(
    Severity.NOTE,
    why="One of the two is wrong; EPANET takes the last.",
    advice="Delete one of the rows.",
)
def coordinates_twice(model: RawModel) -> Iterator[Place]:
    """Nodes with two rows of coordinates that differ."""
    first: dict[str, tuple[str, ...]] = {}
    for row in model.section("COORDINATES"):
        if first.setdefault(row.id, row.tokens[1:3]) != row.tokens[1:3]:
            yield row.says(f"node {row.id} has two different places")
