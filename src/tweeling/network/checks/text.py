"""Checks on the file as a text: lines, sections, encoding."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from tweeling.network.checks.model import LINK_SECTIONS, MAX_LINE, RawModel
from tweeling.network.checks.remark import Place, Severity, check

SECTIONS = frozenset(
    "TITLE JUNCTIONS RESERVOIRS TANKS PIPES PUMPS VALVES CONTROLS RULES DEMANDS SOURCES EMITTERS PATTERNS CURVES QUALITY STATUS"
    " ROUGHNESS ENERGY REACTIONS MIXING REPORT TIMES OPTIONS COORDINATES VERTICES LABELS BACKDROP TAGS LEAKAGE END".split()
)

# The kind of element that a row names, and in which words; PATTERNS, CURVES and COORDINATES may stand anywhere.
_REFERS_TO = {
    **dict.fromkeys(LINK_SECTIONS, ("node", (1, 2))),
    **dict.fromkeys(("DEMANDS", "EMITTERS", "SOURCES", "MIXING"), ("node", (0,))),
    **dict.fromkeys(("STATUS", "LEAKAGE"), ("link", (0,))),
    "CONTROLS": ("link", (1,)),
    "RULES": ("link", (2,)),
}

HINTS = 20
"""Unknown headers that get a guess of what was meant; it takes time, and a file may have a million."""


@check(
    Severity.ERROR,
    why="EPANET refuses a file with a section that it does not know; what the section says is lost.",
    advice="Correct the header, or take the section out.",
)
def unknown_section(model: RawModel) -> Iterator[Place]:
    """Headers that EPANET has not."""
    unknown = [header for header in model.headers if header.name not in SECTIONS or "]" not in header.text]
    for i, header in enumerate(unknown):
        close = get_close_matches(header.name[:40], SECTIONS, n=1) if i < HINTS else []
        hint = f"; near it: [{close[0]}]" if close else ""
        yield Place(f"EPANET has no section {header.text[:40]}{hint}", (), header.name[:40], header.line)


@check(
    Severity.ERROR,
    why="EPANET reads from top to bottom and refuses a row that names an element it has not met yet.",
    advice="Move the section below the element that it names.",
)
def section_too_early(model: RawModel) -> Iterator[Place]:
    """Rows that stand above what they refer to; the first of each section."""
    for name, (kind, columns) in _REFERS_TO.items():
        known = model.nodes if kind == "node" else model.links
        for row in model.section(name):
            named = (known[row.tokens[i]] for i in columns if i < len(row.tokens) and row.tokens[i] in known)
            late = next((other for other in named if other.line > row.line), None)
            if late is not None:
                yield row.says(f"[{name}] names {late.id[:40]}, which comes later, in line {late.line}")
                break


@check(
    Severity.ERROR,
    why=f"EPANET breaks a line after {MAX_LINE} characters and reads the rest, even of a comment, as a row of its own.",
    advice="Break the line in two, or shorten its comment.",
)
def line_too_long(model: RawModel) -> Iterator[Place]:
    """Lines that EPANET cuts."""
    for line in model.long_lines:
        yield Place(f"line {line} is longer than {MAX_LINE} characters", (), "", line)


@check(
    Severity.WARNING,
    why="EPANET takes the first 40 words of a row and drops the others without a word.",
    advice="Spread the row over several, each beginning with the id.",
)
def row_too_long(model: RawModel) -> Iterator[Place]:
    """Rows with more words than EPANET takes."""
    for rows in model.rows.values():
        for row in rows:
            if len(row.tokens) > 40 and row.section not in ("TITLE", "LABELS", "END", ""):
                yield row.says(f"the row of {row.id[:40]} has {len(row.tokens)} words")


@check(
    Severity.WARNING,
    why="EPANET takes one point from each row of a curve and drops the others without a word.",
    advice="Write one point a row: id, x, y.",
)
def curve_row_too_long(model: RawModel) -> Iterator[Place]:
    """Rows of curves with more than one point."""
    for row in model.section("CURVES"):
        if len(row.tokens) > 3:
            yield row.says(f"curve {row.id[:40]} has a row of {len(row.tokens) - 1} numbers")


@check(
    Severity.WARNING,
    why="Nobody reads these lines: EPANET starts at the first header.",
    advice="Put them under the header where they belong, or make them comments with `;`.",
)
def text_before_sections(model: RawModel) -> Iterator[Place]:
    """Words above the first header."""
    for row in model.section("")[:1]:
        yield Place("there is text above the first section", (), "", row.line)


@check(
    Severity.WARNING,
    why="EPANET stops at [END]; what stands below is not part of the model.",
    advice="Move these lines above [END] when they count, or delete them.",
)
def rows_after_end(model: RawModel) -> Iterator[Place]:
    """Rows that [END] cuts off."""
    for row in model.section("END")[:1]:
        yield Place("there are rows behind [END]", (), "END", row.line)


@check(
    Severity.NOTE,
    why="The file is read as Latin-1; letters beyond a-z in ids and comments may come out as others.",
    advice="Save the file as UTF-8.",
)
def not_utf8(model: RawModel) -> Iterator[Place]:
    """Bytes that are no UTF-8."""
    if model.encoding != "utf-8":
        yield Place("the file is not encoded as UTF-8")
