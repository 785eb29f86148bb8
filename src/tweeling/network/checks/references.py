"""Checks on ids: given twice, named and absent, given and unused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tweeling.network.checks.model import LINK_SECTIONS, NODE_SECTIONS, RawModel
from tweeling.network.checks.remark import Place, Severity, check
from tweeling.network.checks.rows import FORMATS, Row

_STAR_IS_NONE = ("TANKS", "SOURCES")
"""Where `*` stands for no pattern or curve."""


@check(
    Severity.ERROR,
    why="EPANET refuses the file; which of the two is meant cannot be known.",
    advice="Rename or remove one of them.",
)
def node_twice(model: RawModel) -> Iterator[Place]:
    """Nodes whose id was given before."""
    yield from _twice(model, NODE_SECTIONS, model.nodes, "node")


@check(
    Severity.ERROR,
    why="EPANET refuses the file; which of the two is meant cannot be known.",
    advice="Rename or remove one of them.",
)
def link_twice(model: RawModel) -> Iterator[Place]:
    """Links whose id was given before."""
    yield from _twice(model, LINK_SECTIONS, model.links, "link")


def _twice(model: RawModel, sections: tuple[str, ...], first: dict[str, Row], what: str) -> Iterator[Place]:
    for section in sections:
        for row in model.section(section):
            other = first[row.id]
            if other.line != row.line:
                yield row.says(f"{what} {row.id} was given before, in [{other.section}], line {other.line}")


@check(
    Severity.WARNING,
    why="EPANET joins all rows of one id; a second pattern or curve of the same id is appended to the first.",
    advice="Keep the rows of one id together; give a second one an id of its own.",
)
def pattern_or_curve_in_pieces(model: RawModel) -> Iterator[Place]:
    """Patterns and curves whose rows are not together."""
    for section in ("PATTERNS", "CURVES"):
        seen: set[str] = set()
        previous = ""
        for row in model.section(section):
            if row.id in seen and row.id != previous:
                yield row.says(f"{row.id} in [{section}] goes on after rows of {previous}")
            seen.add(row.id)
            previous = row.id


@check(
    Severity.ERROR,
    why="A link has to join two nodes; EPANET refuses the file.",
    advice="Correct the id, or add the node.",
)
def link_to_nothing(model: RawModel) -> Iterator[Place]:
    """Links to nodes that are not there."""
    for row in model.links.values():
        for node in row.tokens[1:3]:
            if node not in model.nodes:
                yield row.says(f"{_kind(row)} {row.id} names node {node[:40]}, which is not there", node)


def _kind(row: Row) -> str:
    return row.section.lower().rstrip("s")


@check(
    Severity.ERROR,
    why="The row has no effect on any element; EPANET refuses the file.",
    advice="Correct the id, or delete the row.",
)
def row_for_absent_element(model: RawModel) -> Iterator[Place]:
    """Demands, statuses and the like of elements that are not there."""
    for section in ("DEMANDS", "EMITTERS", "SOURCES", "MIXING"):
        yield from _absent(model.section(section), model.nodes, "node")
    yield from _absent([row for row in model.section("QUALITY") if len(row.tokens) == 2], model.nodes, "node")
    for section in ("STATUS", "LEAKAGE"):
        yield from _absent(model.section(section), model.links, "link")
    for row in (*model.section("TAGS"), *model.section("REPORT")):
        kind = row.id.upper()[:4]
        known = {"NODE": model.nodes, "LINK": model.links}.get(kind, {})
        names = row.tokens[1:2] if row.section == "TAGS" else row.tokens[1:]
        if kind in ("NODE", "LINK"):
            for name in names:
                if name not in known and not (row.section == "REPORT" and name.upper() in ("ALL", "NONE")):
                    what = f"[{row.section}] names {kind.lower()} {name[:40]}, which is not there"
                    yield Place(what, (name,), row.section, row.line)
    for row in model.section("ENERGY"):
        pump = row.tokens[1] if len(row.tokens) > 1 and row.id.upper() == "PUMP" else None
        if pump is not None and (pump not in model.links or model.links[pump].section != "PUMPS"):
            yield Place(f"[ENERGY] names pump {pump[:40]}, which is not there", (pump,), "ENERGY", row.line)


@check(
    Severity.NOTE,
    why="EPANET ignores the row; it is usually left over from an element that was deleted or renamed.",
    advice="Delete the row.",
)
def map_row_for_absent_element(model: RawModel) -> Iterator[Place]:
    """Coordinates and bends of elements that are not there."""
    yield from _absent(model.section("COORDINATES"), model.nodes, "node")
    yield from _absent(model.section("VERTICES"), model.links, "link")


def _absent(rows: Iterable[Row], known: dict[str, Row], what: str) -> Iterator[Place]:
    seen = set()
    for row in rows:
        if row.id not in known and row.id not in seen:
            seen.add(row.id)
            yield row.says(f"[{row.section}] names {what} {row.id[:40]}, which is not there")


def _named(model: RawModel, kind: str) -> Iterator[tuple[Row, str]]:
    """The rows that name a pattern or a curve, with the name."""
    for section, layout in FORMATS.items():
        for position in layout.positions(kind):
            for row in model.section(section):
                word = row.tokens[position] if position < len(row.tokens) else ""
                is_none = word == "*" and section in _STAR_IS_NONE
                is_ignored = section == "VALVES" and row.word("type").upper() != "PCV"
                if word and not is_none and not is_ignored:
                    yield row, word
    keys = {"pattern": "PATTERN", "curve": "HEAD"}
    for row in model.section("PUMPS"):
        for key, word in zip(row.tokens[3::2], row.tokens[4::2], strict=False):
            if key.upper() == keys[kind]:
                yield row, word
    for row in model.section("TANKS"):
        if kind == "pattern" and row.is_reservoir and len(row.tokens) > 2:
            yield row, row.tokens[2]
    for row in model.section("VALVES"):
        if kind == "curve" and row.word("type").upper() == "GPV" and row.word("setting"):
            yield row, row.word("setting")
    keys = {"pattern": "PATT", "curve": "EFFI"}
    for row in model.section("ENERGY"):
        if row.id.upper() == "PUMP" and len(row.tokens) > 3 and row.tokens[2].upper().startswith(keys[kind]):
            yield row, row.tokens[3]
        if (
            kind == "pattern"
            and row.id.upper() == "GLOBAL"
            and len(row.tokens) > 2
            and row.tokens[1].upper().startswith("PATT")
        ):
            yield row, row.tokens[2]


@check(
    Severity.ERROR,
    why="EPANET refuses a file that names a pattern which is not there.",
    advice="Correct the id, or add the pattern to [PATTERNS].",
)
def pattern_absent(model: RawModel) -> Iterator[Place]:
    """Patterns that are named and not given."""
    for row, name in _named(model, "pattern"):
        if name not in model.patterns:
            yield row.says(f"{row.id} in [{row.section}] names pattern {name[:40]}, which is not there")


@check(
    Severity.ERROR,
    why="EPANET refuses a file that names a curve which is not there.",
    advice="Correct the id, or add the curve to [CURVES].",
)
def curve_absent(model: RawModel) -> Iterator[Place]:
    """Curves that are named and not given."""
    for row, name in _named(model, "curve"):
        if name not in model.curves:
            yield row.says(f"{row.id} in [{row.section}] names curve {name[:40]}, which is not there")


@check(
    Severity.WARNING,
    why="EPANET says nothing and leaves every demand without a pattern of its own constant.",
    advice="Correct the option, or add the pattern to [PATTERNS].",
)
def default_pattern_absent(model: RawModel) -> Iterator[Place]:
    """A default demand pattern that is not given; "1" is EPANET's own default and may be absent."""
    name = model.option("PATTERN")
    if name and name != "1" and name not in model.patterns:
        line = max(row.line for row in model.section("OPTIONS") if row.id.upper() == "PATTERN")
        yield Place(f"the default pattern {name[:40]} is not there", (name,), "OPTIONS", line)


@check(
    Severity.NOTE,
    why="Nothing uses it; it may be left over, or a reference to it may have been lost.",
    advice="Delete it, or name it where it belongs.",
)
def pattern_unused(model: RawModel) -> Iterator[Place]:
    """Patterns that nothing names."""
    used = {name for _, name in _named(model, "pattern")} | {model.option("PATTERN") or "1"}
    for name, rows in model.patterns.items():
        if name not in used:
            yield rows[0].says(f"pattern {name} is used nowhere")


@check(
    Severity.NOTE,
    why="Nothing uses it; it may be left over, or a reference to it may have been lost.",
    advice="Delete it, or name it where it belongs.",
)
def curve_unused(model: RawModel) -> Iterator[Place]:
    """Curves that nothing names."""
    used = {name for _, name in _named(model, "curve")}
    for name, curve in model.curves.items():
        if name not in used:
            yield curve.rows[0].says(f"curve {name} is used nowhere")
