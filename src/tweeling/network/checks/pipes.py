"""Checks on pipes: size, roughness, twins, and length against the map."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tweeling.network.checks.model import RawModel
from tweeling.network.checks.remark import Place, Severity, check
from tweeling.network.checks.rows import Row, number

# New plastic reaches C = 155, and models write up to 200 for a connection that should not resist; heavily rusted iron goes
# down to 20-30. Darcy-Weisbach e in mm: drawn tubing to a rough tunnel. Manning n: glass to a weedy earth channel.
ROUGHNESS = {
    "HW": (20.0, 200.0, "Hazen-Williams C"),
    "DW": (5e-4, 30.0, "Darcy-Weisbach e in mm"),
    "CM": (0.005, 0.05, "Manning's n"),
}

SCALE_SPREAD = 0.1
"""Interquartile range of ln(length / map) up to which lengths count as taken from the map."""
FARTHEST = np.log(3.0)
"""How far ln(length / map) may be from its median before a single length is doubted."""
LEAST_METRES = 20.0
"""Smaller differences come from rounding and from symbols that were moved apart."""


def _not_positive(model: RawModel, column: str, sections: tuple[str, ...]) -> Iterator[Place]:
    for section in sections:
        for row in model.section(section):
            value = row.number(column)
            if value is not None and value <= 0:
                yield row.says(f"{section.lower().rstrip('s')} {row.id} has a {column.replace('_', ' ')} of {value:g}")


@check(
    Severity.ERROR,
    why="A pipe without length has no resistance; EPANET refuses it.",
    advice="Give its length; for a mere connection take a short pipe or an open valve, or join the two nodes.",
)
def length_not_positive(model: RawModel) -> Iterator[Place]:
    """Lengths of zero or less."""
    yield from _not_positive(model, "length", ("PIPES",))


@check(
    Severity.ERROR,
    why="Water cannot pass; EPANET refuses it.",
    advice="Give the inner diameter.",
)
def diameter_not_positive(model: RawModel) -> Iterator[Place]:
    """Diameters of zero or less."""
    yield from _not_positive(model, "diameter", ("PIPES", "VALVES"))


@check(
    Severity.ERROR,
    why="The head loss cannot be computed; EPANET refuses it.",
    advice="Give a roughness that belongs to the head-loss formula in [OPTIONS].",
)
def roughness_not_positive(model: RawModel) -> Iterator[Place]:
    """Roughness of zero or less."""
    yield from _not_positive(model, "roughness", ("PIPES",))


@check(
    Severity.ERROR,
    why="A bend or valve cannot add energy; EPANET refuses it.",
    advice="Correct the sign.",
)
def minor_loss_negative(model: RawModel) -> Iterator[Place]:
    """Negative loss coefficients."""
    for section in ("PIPES", "VALVES"):
        for row in model.section(section):
            value = number(row.word("minor_loss"))
            if value is not None and value < 0:
                yield row.says(f"{section.lower().rstrip('s')} {row.id} has a minor loss of {value:g}")


@check(
    Severity.WARNING,
    why="No material has this roughness in the file's formula; numbers of another formula or unit give a very wrong head loss.",
    advice="Compare with HEADLOSS in [OPTIONS]; a calibrated value this far off often hides a closed valve.",
)
def roughness_out_of_range(model: RawModel) -> Iterator[Place]:
    """Roughness beyond any material."""
    low, high, unit = ROUGHNESS[model.headloss]
    factor = model.units.roughness_si * 1000 if model.headloss == "DW" else 1.0
    for row in model.section("PIPES"):
        value = row.number("roughness")
        if value is not None and value > 0 and not low <= value * factor <= high:
            yield row.says(f"pipe {row.id} has a roughness of {value:g}; {unit} is usually {low:g} to {high:g}")


@check(
    Severity.NOTE,
    why="Two equal pipes side by side carry twice the water; often one is a copy left by an import.",
    advice="Delete one, unless both lie in the ground.",
)
def pipe_doubled(model: RawModel) -> Iterator[Place]:
    """Pipes between the same nodes with the same length and diameter."""
    first: dict[tuple[frozenset[str], float | None, float | None], str] = {}
    for row in model.section("PIPES"):
        if len(row.tokens) < 5 or row.tokens[1] == row.tokens[2]:
            continue
        key = (frozenset(row.tokens[1:3]), row.number("length"), row.number("diameter"))
        other = first.setdefault(key, row.id)
        if other != row.id:
            yield row.says(f"pipe {row.id} lies beside pipe {other}, with the same ends, length and diameter", other)


@check(
    Severity.WARNING,
    why="The other lengths agree with the map and this one does not; head loss grows with length.",
    advice="Check the length and the coordinates of its ends; a missing bend in [VERTICES] is another cause.",
)
def length_against_map(model: RawModel) -> Iterator[Place]:
    """Lengths that disagree with the map, where the others agree with it."""
    rows, length, drawn = _drawn_lengths(model)
    if len(rows) < 20:
        return  # too few to know the map's scale
    ratio = np.log(length / drawn)
    low, middle, high = np.quantile(ratio, [0.25, 0.5, 0.75])
    if high - low > SCALE_SPREAD:
        return  # a sketch: its lengths say nothing
    on_map = np.exp(middle) * drawn
    for i in np.flatnonzero((np.abs(ratio - middle) > FARTHEST) & (np.abs(length - on_map) > LEAST_METRES)):
        yield rows[i].says(f"pipe {rows[i].id} is {model.length(length[i])} long and {model.length(on_map[i])} on the map")


def _drawn_lengths(model: RawModel) -> tuple[list[Row], np.ndarray, np.ndarray]:
    """The pipes that the map shows, their lengths in m, and those on the map in its unit."""
    place = {row.id: (row.number("x"), row.number("y")) for row in model.section("COORDINATES")}
    bends: dict[str, list[tuple[float | None, float | None]]] = {}
    for row in model.section("VERTICES"):
        bends.setdefault(row.id, []).append((row.number("x"), row.number("y")))
    rows, lengths, drawn = [], [], []
    nowhere = (None, None)
    for row in model.section("PIPES"):
        length = row.number("length")
        ends = [place.get(node, nowhere) for node in row.tokens[1:3]]
        line = [*ends[:1], *bends.get(row.id, []), *ends[1:]]
        if length is None or length <= 0 or len(ends) < 2 or any(value is None for point in line for value in point):
            continue
        steps = np.diff(np.array(line, dtype=np.float64), axis=0)
        total = float(np.hypot(steps[:, 0], steps[:, 1]).sum())
        if 0 < total < np.inf:
            rows.append(row)
            lengths.append(length)
            drawn.append(total)
    return rows, np.array(lengths) * model.units.length_si, np.array(drawn)
