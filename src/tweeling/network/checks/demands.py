"""Checks on demands."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tweeling.network.checks.model import RawModel
from tweeling.network.checks.remark import Place, Severity, check
from tweeling.network.checks.rows import Row

# m3/s. A person uses 1 to 10 L/h on average, and a model's junction stands for a tap up to some 10,000 people.
LEAST_PER_JUNCTION = 1e-8
MOST_PER_JUNCTION = 0.2


def base_demands(model: RawModel) -> dict[str, float]:
    """The base demand of each junction in the file's unit; rows of [DEMANDS] replace that of [JUNCTIONS], as in EPANET."""
    found: dict[str, float] = {row.id: row.number("demand") or 0.0 for row in model.section("JUNCTIONS")}
    for name, rows in _categories(model).items():
        if name in found:
            found[name] = sum(row.number("base") or 0.0 for row in rows)
    return found


def _categories(model: RawModel) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {}
    for row in model.section("DEMANDS"):
        rows.setdefault(row.id, []).append(row)
    return rows


@check(
    Severity.WARNING,
    why="A reservoir or tank has no demand; EPANET ignores the row and the water is not used.",
    advice="Move the demand to a junction.",
)
def demand_on_source(model: RawModel) -> Iterator[Place]:
    """Demands and emitters on reservoirs and tanks."""
    for section in ("DEMANDS", "EMITTERS"):
        for row in model.section(section):
            if model.is_source(row.id):
                yield row.says(f"[{section}] gives water use to {row.id}, a {model.nodes[row.id].section.lower().rstrip('s')}")


@check(
    Severity.WARNING,
    why="EPANET uses what [DEMANDS] says and drops the demand of [JUNCTIONS]; two answers to one question, one of them stale.",
    advice="Keep one of the two.",
)
def demand_contradicted(model: RawModel) -> Iterator[Place]:
    """Junctions whose demand in [JUNCTIONS] is replaced by another in [DEMANDS]."""
    categories = _categories(model)
    for row in model.section("JUNCTIONS"):
        own = row.number("demand")
        values = [other.number("base") or 0.0 for other in categories.get(row.id, [])]
        if own and values and not np.isclose(own, [values[0], sum(values)], rtol=1e-3).any():
            yield row.says(f"junction {row.id} has demand {own:g} in [JUNCTIONS] and {sum(values):g} in [DEMANDS]")


@check(
    Severity.NOTE,
    why="A negative demand puts water into the network, without a limit to its pressure.",
    advice="It is right for a well or an import of fixed flow; elsewhere correct the sign.",
)
def demand_negative(model: RawModel) -> Iterator[Place]:
    """Negative demands."""
    for section, column in (("JUNCTIONS", "demand"), ("DEMANDS", "base")):
        for row in model.section(section):
            value = row.number(column)
            if value is not None and value < 0:
                yield row.says(f"{row.id} has a demand of {value:g}")


@check(
    Severity.ERROR,
    why="EPANET refuses a negative emitter.",
    advice="Correct the sign.",
)
def emitter_negative(model: RawModel) -> Iterator[Place]:
    """Negative emitters."""
    for row in model.section("EMITTERS"):
        value = row.number("coefficient")
        if value is not None and value < 0:
            yield row.says(f"{row.id} has an emitter of {value:g}")


@check(
    Severity.NOTE,
    why="Without demand nothing flows but what tanks and emitters move.",
    advice="Check whether the demands were exported.",
)
def no_demand(model: RawModel) -> Iterator[Place]:
    """A network in which nobody uses water."""
    demands = base_demands(model)
    if demands and not any(demands.values()):
        yield Place("no junction has a demand", section="JUNCTIONS")


@check(
    Severity.WARNING,
    why="The mean demand of a junction is beyond what towns use; the flow unit is probably another than the file says.",
    advice="Compare UNITS in [OPTIONS] with the unit of the source of the demands, and look at DEMAND MULTIPLIER.",
)
def demand_out_of_proportion(model: RawModel) -> Iterator[Place]:
    """Total demand against the number of junctions that have one."""
    positive = [value for value in base_demands(model).values() if value > 0]
    if len(positive) < 10:
        return  # too few to speak of a town
    mean = float(np.mean(positive)) * model.units.flow_si
    if not LEAST_PER_JUNCTION < mean < MOST_PER_JUNCTION:
        what = f"{len(positive)} junctions use {mean * 3600:.3g} m3/h each on average, read in {model.units.flow}"
        yield Place(what, section="JUNCTIONS")
