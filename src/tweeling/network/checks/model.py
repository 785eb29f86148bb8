"""A network as its file says it, right or wrong: rows by element, with their line numbers. What the checks look at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tweeling.errors import NetworkFileError
from tweeling.network.checks.rows import Row, number
from tweeling.network.inp.sections import read_encoded, split_sections
from tweeling.units import FLOW_UNITS, PRESSURE_UNITS, FileUnits

if TYPE_CHECKING:
    from tweeling.network.checks.graph import Graph

NODE_SECTIONS = ("JUNCTIONS", "RESERVOIRS", "TANKS")
LINK_SECTIONS = ("PIPES", "PUMPS", "VALVES")
MAX_LINE = 1023
"""EPANET breaks a longer line in two and reads the rest as a row of its own."""


@dataclass(frozen=True)
class Header:
    """A section's header: its line and the word between the brackets, in capitals."""

    line: int
    name: str
    text: str


@dataclass(frozen=True)
class Curve:
    """A curve's rows, and their points where all of them are numbers."""

    rows: tuple[Row, ...]
    x: tuple[float, ...]
    y: tuple[float, ...]

    def line(self, point: int) -> int:
        """The line of a point: EPANET takes one from each row."""
        return self.rows[point].line


@dataclass(frozen=True)
class RawModel:
    """The rows of a file, and what they mean where they mean something; what stands behind `[END]` is the section END.

    Args:
        text: all of it.
        encoding: `utf-8` or `latin-1`.
        headers: in the file's order.
        rows: by section; rows without words are left out. Before the first header: section "".
    """

    text: str
    encoding: str
    headers: tuple[Header, ...]
    rows: dict[str, list[Row]]

    def section(self, name: str) -> list[Row]:
        """The rows of a section, none where the file has it not."""
        return self.rows.get(name, [])

    @cached_property
    def long_lines(self) -> tuple[int, ...]:
        """Numbers of the lines of more than `MAX_LINE` characters."""
        return tuple(line for line, _ in _numbered(rf"^[^\n]{{{MAX_LINE + 1},}}", self.text))

    @cached_property
    def nodes(self) -> dict[str, Row]:
        """Junctions, reservoirs and tanks by id; of an id that comes twice, the first."""
        return self._first_by_id(NODE_SECTIONS)

    @cached_property
    def links(self) -> dict[str, Row]:
        """Pipes, pumps and valves by id; of an id that comes twice, the first."""
        return self._first_by_id(LINK_SECTIONS)

    def _first_by_id(self, sections: tuple[str, ...]) -> dict[str, Row]:
        found: dict[str, Row] = {}
        for section in sections:
            for row in self.section(section):
                found.setdefault(row.id, row)
        return found

    @cached_property
    def tanks(self) -> dict[str, Row]:
        """The rows of the tanks."""
        return {name: row for name, row in self.nodes.items() if row.section == "TANKS" and not row.is_reservoir}

    def is_source(self, node: str) -> bool:
        """Whether a node is a reservoir or a tank."""
        return node in self.nodes and self.nodes[node].section != "JUNCTIONS"

    @cached_property
    def patterns(self) -> dict[str, list[Row]]:
        """The rows of each pattern."""
        found: dict[str, list[Row]] = {}
        for row in self.section("PATTERNS"):
            found.setdefault(row.id, []).append(row)
        return found

    @cached_property
    def curves(self) -> dict[str, Curve]:
        """The curves by id."""
        rows: dict[str, list[Row]] = {}
        for row in self.section("CURVES"):
            rows.setdefault(row.id, []).append(row)
        return {name: _curve(own) for name, own in rows.items()}

    @cached_property
    def statuses(self) -> dict[str, Row]:
        """The last row of [STATUS] of each link."""
        return {row.id: row for row in self.section("STATUS")}

    @cached_property
    def units(self) -> FileUnits:
        """The file's units; EPANET takes GPM where the file names none, and one that it does not know has a check."""
        flow, pressure = self.option("UNITS").upper(), self.option("PRESSURE").upper()
        return FileUnits(
            flow="LPS" if flow == "SI" else flow if flow in FLOW_UNITS else "GPM",
            pressure=pressure if pressure in PRESSURE_UNITS else None,
        )

    def length(self, metres: float) -> str:
        """A length, height or head as the file would say it: `35 ft`."""
        return f"{metres / self.units.length_si:.4g} {'m' if self.units.metric else 'ft'}"

    @cached_property
    def headloss(self) -> str:
        """`HW`, `DW` or `CM`; EPANET takes HW where the file names none."""
        return {"H": "HW", "D": "DW", "C": "CM"}.get(self.option("HEADLOSS").upper()[:1], "HW")

    def option(self, name: str) -> str:
        """The value of an option of one or two words (the last that the file gives), empty without."""
        words = name.split()
        values = [
            row.tokens[len(words)]
            for row in self.section("OPTIONS")
            if len(row.tokens) > len(words) and [t.upper() for t in row.tokens[: len(words)]] == words
        ]
        return values[-1] if values else ""

    @cached_property
    def graph(self) -> Graph:
        """Who is joined to whom, over the links whose ends both exist."""
        from tweeling.network.checks.graph import Graph

        return Graph.of(self)


def _curve(rows: list[Row]) -> Curve:
    values = [number(token) for row in rows for token in row.tokens[1:3]]
    points = [value for value in values if value is not None]
    if len(points) < 2 * len(rows):
        points = []
    return Curve(tuple(rows), tuple(points[::2]), tuple(points[1::2]))


def read_model(path: str | Path) -> RawModel:
    """The rows of an INP file.

    Raises:
        NetworkFileError: no such file, too large, binary, or no line that opens a section.
    """
    text, encoding = read_encoded(path)
    return parse_model(text, str(path), encoding)


def parse_model(text: str, name: str = "the text", encoding: str = "utf-8") -> RawModel:
    """The rows of an INP file's text.

    Raises:
        NetworkFileError: no line opens a section.
    """
    headers = _headers(text)
    if not headers:
        raise NetworkFileError(f"{name}: no line opens a section such as [PIPES]; export the network as an EPANET INP file")
    rows = {
        section: [Row(section, line.number, line.tokens) for line in lines if line.tokens]
        for section, lines in split_sections(text).items()
    }
    return RawModel(text, encoding, headers, rows)


def _headers(text: str) -> tuple[Header, ...]:
    found = []
    for line, match in _numbered(r"^[ \t]*\[[^\n]*", text):
        stripped = match.strip()
        found.append(Header(line, stripped.split("]")[0].lstrip("[").strip().upper(), stripped))
        if found[-1].name == "END":
            break
    return tuple(found)


def _numbered(pattern: str, text: str) -> list[tuple[int, str]]:
    """Matches of a pattern with their line numbers, in one pass over the text."""
    found, line, position = [], 1, 0
    for match in re.finditer(pattern, text, re.MULTILINE):
        line += text.count("\n", position, match.start())
        position = match.start()
        found.append((line, match.group()))
    return found
