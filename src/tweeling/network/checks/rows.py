"""The rows of an INP file by their columns, without any judgement: a number that is no number is None.

`FORMATS` is the table of what stands where. Left of the bar: what a row needs to say what it must; right of it: what may be
left out. Behind the colon: `number`, or what the id there belongs to (`node`, `link`, `pattern`, `curve`); nothing for a word.

Source: the file format as EPANET 2.3.5 reads it, tried out with small files.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tweeling.network.checks.remark import Place

_FORMATS = {
    "JUNCTIONS": "id elevation:number | demand:number pattern:pattern",
    "RESERVOIRS": "id head:number | pattern:pattern",
    "TANKS": (
        "id elevation:number initial_level:number min_level:number max_level:number diameter:number "
        "| min_volume:number volume_curve:curve overflow"
    ),
    "PIPES": "id start:node end:node length:number diameter:number roughness:number | minor_loss status",
    "PUMPS": "id start:node end:node | property value",
    "VALVES": "id start:node end:node diameter:number type setting | minor_loss:number curve:curve",
    "DEMANDS": "node:node base:number | pattern:pattern category",
    "EMITTERS": "node:node coefficient:number",
    "LEAKAGE": "link:link area:number expansion:number",
    "STATUS": "link:link status",
    "SOURCES": "node:node type | strength pattern:pattern",
    "MIXING": "node:node model | fraction:number",
    "QUALITY": "node | quality",
    "TAGS": "kind id tag",
    "PATTERNS": "id multiplier",
    "CURVES": "id x y",
    "COORDINATES": "node x:number y:number",
    "VERTICES": "link x:number y:number",
}


@dataclass(frozen=True)
class Column:
    """A column of a section: its name and what stands in it (`number`, a kind of element, or nothing for a word)."""

    name: str
    holds: str


@dataclass(frozen=True)
class Format:
    """The columns of a section, the first `needed` of which a row cannot do without."""

    columns: tuple[Column, ...]
    needed: int

    @classmethod
    def parse(cls, text: str) -> Format:
        """A format from its line in the table above."""
        needed, _, optional = text.partition("|")
        columns = tuple(Column(*word.partition(":")[::2]) for word in (needed + optional).split())
        return cls(columns, len(needed.split()))

    def positions(self, holds: str) -> list[int]:
        """Where the columns stand that hold a thing."""
        return [i for i, column in enumerate(self.columns) if column.holds == holds]


FORMATS = {section: Format.parse(text) for section, text in _FORMATS.items()}
_POSITION = {section: {column.name: i for i, column in enumerate(f.columns)} for section, f in FORMATS.items()}


def number(token: str) -> float | None:
    """The finite number that a token is, else None: of what `float` takes, only what EPANET takes too, and no NaN."""
    if "_" in token or not token.isascii():
        return None
    try:
        value = float(token)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a section: its words before the comment."""

    section: str
    line: int
    tokens: tuple[str, ...]

    @property
    def is_reservoir(self) -> bool:
        """Whether EPANET takes it as a reservoir, in [RESERVOIRS] or as a short row of [TANKS]."""
        return self.section == "RESERVOIRS" or (self.section == "TANKS" and 2 <= len(self.tokens) <= 3)

    @property
    def id(self) -> str:
        """The first word: the id of what the row describes or refers to."""
        return self.tokens[0]

    def word(self, name: str) -> str:
        """The word in a column, empty where the row is too short."""
        position = _POSITION[self.section][name]
        return self.tokens[position] if position < len(self.tokens) else ""

    def number(self, name: str) -> float | None:
        """The number in a column, None where there is none or the word is no finite number."""
        return number(self.word(name))

    def says(self, what: str, *others: str) -> Place:
        """A place at this row about its element (and others)."""
        return Place(what, (self.id, *others), self.section, self.line)
