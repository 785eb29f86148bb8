"""Checks on single rows: enough words, numbers that are numbers, words that EPANET knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tweeling.network.checks.model import LINK_SECTIONS, NODE_SECTIONS, RawModel
from tweeling.network.checks.remark import Place, Severity, check
from tweeling.network.checks.rows import FORMATS, Row, number

MAP_SECTIONS = ("COORDINATES", "VERTICES")
"""EPANET skips a row of these that it cannot read."""

MAX_ID = 31
"""Characters of an id in EPANET."""

VALVE_TYPES = ("PRV", "PSV", "PBV", "FCV", "TCV", "GPV", "PCV")
MIXING_MODELS = ("MIXED", "2COMP", "FIFO", "LIFO")
SOURCE_TYPES = ("CONCEN", "MASS", "FLOWPACED", "SETPOINT")
PUMP_WORDS = ("HEAD", "POWER", "SPEED", "PATTERN")


@check(
    Severity.ERROR,
    why="What is missing is either refused by EPANET or silently replaced by a default.",
    advice="Complete the row.",
)
def row_too_short(model: RawModel) -> Iterator[Place]:
    """Rows that lack a word they cannot do without."""
    for section, layout in FORMATS.items():
        for row in model.section(section) if section not in MAP_SECTIONS else ():
            needed = 2 if row.is_reservoir else layout.needed
            if len(row.tokens) < needed:
                missing = ", ".join(column.name.replace("_", " ") for column in layout.columns[len(row.tokens) : needed])
                yield row.says(f"the row of {row.id[:40]} in [{section}] ends before its {missing}")
    for row in model.section("SOURCES"):
        if len(row.tokens) == 2 and number(row.word("type")) is None:
            yield row.says(f"the row of {row.id[:40]} in [SOURCES] ends before its strength")
    for row in model.section("ENERGY"):
        if len(row.tokens) < (4 if row.id.upper() == "PUMP" else 3):
            yield row.says(f"a row of [ENERGY] ends after {row.tokens[-1][:40]}")


@check(
    Severity.ERROR,
    why="EPANET refuses a word where a number belongs; some files carry NaN or infinity, which EPANET takes and spreads.",
    advice="Write a number, with a point and without a unit.",
)
def not_a_number(model: RawModel) -> Iterator[Place]:
    """Words, NaN and infinity where a number belongs."""
    for section, layout in FORMATS.items():
        positions = layout.positions("number")
        for row in model.section(section) if section not in MAP_SECTIONS else ():
            for position in positions[:1] if row.is_reservoir else positions:
                if position < len(row.tokens) and number(row.tokens[position]) is None:
                    name, word = layout.columns[position].name.replace("_", " "), row.tokens[position]
                    yield row.says(f"{name} of {row.id[:40]} is {word[:40]!r}, not a number")
    for section in (*FORMATS, "REACTIONS", "ENERGY"):
        for row in model.section(section):
            yield from _other_numbers(row)


def _other_numbers(row: Row) -> Iterator[Place]:
    for word in _NUMBERS[row.section](row) if row.section in _NUMBERS else ():
        if number(word) is None:
            yield row.says(f"{row.id[:40]} in [{row.section}] has {word[:40]!r} where a number belongs")
            return


def _pump_numbers(row: Row) -> tuple[str, ...]:
    pairs = zip(row.tokens[3::2], row.tokens[4::2], strict=False)
    return tuple(value for key, value in pairs if key.upper() in ("POWER", "SPEED"))


def _energy_number(row: Row) -> tuple[str, ...]:
    what = row.tokens[-2].upper() if len(row.tokens) > 2 else ""
    is_general = row.id.upper().startswith("GLOBAL")
    return row.tokens[-1:] if what.startswith(("PRICE", "CHARGE")) or (is_general and what.startswith("EFFI")) else ()


_NUMBERS: dict[str, Callable[[Row], tuple[str, ...]]] = {
    "PATTERNS": lambda row: row.tokens[1:],
    "CURVES": lambda row: row.tokens[1:3],
    "PUMPS": _pump_numbers,
    "VALVES": lambda row: () if row.word("type").upper() == "GPV" else row.tokens[5:6],
    "PIPES": lambda row: row.tokens[6:7] if len(row.tokens) > 7 else (),
    "QUALITY": lambda row: row.tokens[1:2] if len(row.tokens) == 2 else row.tokens[2:3],
    "SOURCES": lambda row: row.tokens[2:3] if number(row.word("type")) is None else (),
    "REACTIONS": lambda row: row.tokens[-1:] if len(row.tokens) > 2 else (),
    "ENERGY": _energy_number,
}
"""Numbers whose place depends on the words before them."""


@check(
    Severity.ERROR,
    why="EPANET refuses a word that it does not know.",
    advice="Take one of the words that the message names.",
)
def unknown_word(model: RawModel) -> Iterator[Place]:
    """Types and statuses that EPANET has not."""
    for row in model.section("VALVES"):
        yield from _one_of(row, row.word("type"), VALVE_TYPES, "valve type")
    for row in model.section("PIPES"):
        status = row.tokens[7] if len(row.tokens) > 7 else row.tokens[6] if len(row.tokens) == 7 else ""
        if len(row.tokens) > 7 or number(status) is None:
            yield from _one_of(row, status, ("OPEN", "CLOSED", "CV"), "status")
    for row in model.section("STATUS"):
        if number(row.word("status")) is None:
            yield from _one_of(row, row.word("status"), ("OPEN", "CLOSED"), "status or number")
    for row in model.section("PUMPS"):
        for word in row.tokens[3::2]:
            yield from _one_of(row, word, PUMP_WORDS, "pump property")
    for row in model.section("MIXING"):
        yield from _one_of(row, row.word("model"), MIXING_MODELS, "mixing model")
    for row in model.section("TANKS"):
        yield from _one_of(row, row.word("overflow"), ("YES", "NO"), "answer to whether it may overflow")
    for row in model.section("TAGS"):
        yield from _one_of(row, row.word("kind"), ("NODE", "LINK"), "kind of element")
    for row in model.section("SOURCES"):
        if number(row.word("type")) is not None:
            continue  # a strength without a type is a concentration
        yield from _one_of(row, row.word("type"), SOURCE_TYPES, "source type")


def _one_of(row: Row, word: str, known: tuple[str, ...], what: str) -> Iterator[Place]:
    if word and not word.upper().startswith(known):
        yield row.says(f"{row.id[:40]}: {word[:40]!r} is no {what}; EPANET knows {', '.join(known)}")


@check(
    Severity.ERROR,
    why=f"EPANET refuses an id of more than {MAX_ID} characters, or one that begins with a quotation mark.",
    advice="Shorten the id, here and wherever it is named.",
)
def id_not_allowed(model: RawModel) -> Iterator[Place]:
    """Ids that EPANET refuses."""
    for section in (*NODE_SECTIONS, *LINK_SECTIONS, "PATTERNS", "CURVES"):
        seen = set()
        for row in model.section(section):
            if row.id not in seen and (len(row.id.encode()) > MAX_ID or row.id.startswith('"')):
                seen.add(row.id)
                yield row.says(f"the id {row.id[:40]} has {len(row.id)} characters")
