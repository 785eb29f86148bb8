"""Checks on single rows: enough words, numbers that are numbers, words that EPANET knows."""

from __future__ import annotations

from collections.abc import Iterator

from tweeling.network.checks.model import LINK_SECTIONS, NODE_SECTIONS, RawModel
from tweeling.network.checks.remark import Place, Severity, check
from tweeling.network.checks.rows import FORMATS, Row, number

MAX_ID = 31
"""Characters of an id in EPANET."""

VALVE_TYPES = ("PRV", "PSV", "PBV", "FCV", "TCV", "GPV", "PCV")
MIXING_MODELS = ("MIXED", "2COMP", "FIFO", "LIFO")
SOURCE_TYPES = ("CONCEN", "MASS", "FLOWPACED", "SETPOINT")
PUMP_WORDS = ("HEAD", "POWER", "SPEED", "PATTERN")
CURVE_WORDS = ("PUMP", "EFFIC", "VOLUME", "HEADLOSS")


@check(
    Severity.ERROR,
    why="What is missing is either refused by EPANET or silently replaced by a default.",
    advice="Complete the row.",
)
def row_too_short(model: RawModel) -> Iterator[Place]:
    """Rows that lack a word they cannot do without."""
    for section, layout in FORMATS.items():
        for row in model.section(section):
            needed = 2 if row in _reservoirs_among_tanks(row) else layout.needed
            if section == "PUMPS" and len(row.tokens) >= 3:
                continue  # a pump without curve or power has a check of its own
            if len(row.tokens) < needed:
                missing = ", ".join(column.name.replace("_", " ") for column in layout.columns[len(row.tokens) : needed])
                yield row.says(f"the row of {row.id[:40]} in [{section}] ends before its {missing}")
    for row in model.section("PATTERNS"):
        if len(row.tokens) < 2:
            yield row.says(f"pattern {row.id[:40]} has a row without multipliers")


def _reservoirs_among_tanks(row: Row) -> tuple[Row, ...]:
    """The row itself where EPANET takes a row of [TANKS] as a reservoir."""
    return (row,) if row.section == "TANKS" and 2 <= len(row.tokens) <= 3 else ()


@check(
    Severity.ERROR,
    why="EPANET refuses a word where a number belongs; some files carry NaN or infinity, which EPANET takes and spreads.",
    advice="Write a number, with a point and without a unit.",
)
def not_a_number(model: RawModel) -> Iterator[Place]:
    """Words, NaN and infinity where a number belongs."""
    for section in FORMATS:
        for row in model.section(section):
            for column, word in row.columns():
                if column.holds == "number" and number(word) is None:
                    if section == "TANKS" and len(row.tokens) == 3:
                        continue  # a reservoir with a head pattern
                    yield row.says(f"{column.name.replace('_', ' ')} of {row.id[:40]} is {word[:40]!r}, not a number")
            yield from _other_numbers(row)


def _other_numbers(row: Row) -> Iterator[Place]:
    """Numbers whose place depends on the words before them."""
    words: tuple[str, ...] = ()
    if row.section == "PATTERNS":
        words = row.tokens[1:]
    elif row.section == "CURVES":
        words = row.tokens[2:] if _is_curve_word(row) else row.tokens[1:]
    elif row.section == "PUMPS":
        pairs = zip(row.tokens[3::2], row.tokens[4::2], strict=False)
        words = tuple(value for key, value in pairs if key.upper() in ("POWER", "SPEED"))
    elif row.section == "VALVES" and row.word("type").upper() != "GPV":
        words = row.tokens[5:6]
    elif row.section == "PIPES" and len(row.tokens) > 7:
        words = row.tokens[6:7]
    for word in words:
        if number(word) is None:
            yield row.says(f"{row.id[:40]} in [{row.section}] has {word[:40]!r} where a number belongs")
            return


def _is_curve_word(row: Row) -> bool:
    return len(row.tokens) > 1 and row.tokens[1].upper().startswith(CURVE_WORDS)


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
            if not (len(row.tokens) == 4 and number(word) is not None):
                yield from _one_of(row, word, PUMP_WORDS, "pump property")
    for row in model.section("MIXING"):
        yield from _one_of(row, row.word("model"), MIXING_MODELS, "mixing model")
    for row in model.section("SOURCES"):
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
