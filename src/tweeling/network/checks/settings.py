"""Checks on [OPTIONS] and [TIMES], and on the units that they imply."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tweeling.network.checks.clock import TIME_UNITS, seconds
from tweeling.network.checks.model import RawModel
from tweeling.network.checks.remark import Place, Severity, check
from tweeling.network.checks.rows import Row, number
from tweeling.units import FLOW_UNITS, PRESSURE_UNITS

# How a row of [OPTIONS] begins (EPANET looks at so many letters), and what its last word may be: a number, one that begins
# like one of these, or anything. Tried out option by option.
_ANYTHING, _NUMBER = (), ("number",)
OPTIONS: dict[str, tuple[str, ...]] = {
    "UNITS": (*FLOW_UNITS, "SI"),
    "PRESSURE": PRESSURE_UNITS,
    "PRESSURE EXP": _NUMBER,
    "HEADL": ("H-W", "D-W", "C-M"),
    "HYDR": _ANYTHING,
    "QUAL": _ANYTHING,
    "MAP": _ANYTHING,
    "VERI": _ANYTHING,
    "PATT": _ANYTHING,
    "UNBA": _ANYTHING,
    "VISC": _NUMBER,
    "DIFF": _NUMBER,
    "SPEC": _NUMBER,
    "TRIAL": _NUMBER,
    "ACCU": _NUMBER,
    "HEADERROR": _NUMBER,
    "FLOWCHANGE": _NUMBER,
    "TOLER": _NUMBER,
    "EMIT": _NUMBER,
    "DEMAND": _NUMBER,
    "DEMAND MODEL": ("DDA", "PDA"),
    "DEMAND MULT": _NUMBER,
    "MINIMUM": _NUMBER,
    "REQUIRED": _NUMBER,
    "BACKFLOW": ("YES", "NO"),
    "CHECKFREQ": _NUMBER,
    "MAXCHECK": _NUMBER,
    "DAMPLIMIT": _NUMBER,
    "SEGM": _ANYTHING,
    "HTOL": _NUMBER,
    "QTOL": _NUMBER,
    "RQTOL": _NUMBER,
}
TWO_WORDS = ("PRESSURE EXP", "SPEC", "EMIT", "DEMAND", "MINIMUM", "REQUIRED", "BACKFLOW")
"""Options whose value is the third word, where there are three."""
POSITIVE = ("VISC", "SPEC", "TRIAL", "ACCU", "EMIT", "DEMAND MULT", "CHECKFREQ", "MAXCHECK")

TIMES = ("DURA", "HYDR", "QUAL", "RULE", "MINI", "PATT", "REPO", "STAR", "STAT")
STATISTICS = ("NONE", "AVERAGE", "MINIMUM", "MAXIMUM", "RANGE")
STEPS = ("HYDRAULIC TIMESTEP", "PATTERN TIMESTEP", "REPORT TIMESTEP")

ENERGY = ("PRICE", "PATT", "EFFI")
REACTIONS = ("ORDER", "GLOBAL", "BULK", "WALL", "TANK", "LIMITING", "ROUGHNESS")
REPORT = (
    *(
        "PAGE",
        "STAT",
        "SUMM",
        "MESS",
        "ENER",
        "NODE",
        "LINK",
        "FILE",
        "ELEV",
        "DEMA",
        "HEAD",
        "PRES",
        "QUAL",
        "LENG",
        "DIAM",
        "FLOW",
    ),
    *("VELO", "HEADL", "SETT", "REAC", "F-FA", "STATE", "POSI"),
)

LOOSE = 1e-3
"""EPANET's own default accuracy: sum of the flow changes over the sum of the flows."""


def _option(row: Row) -> str:
    """The key in `OPTIONS` that a row is about, empty for none."""
    words = " ".join(row.tokens).upper()
    return max((key for key in OPTIONS if words.startswith(key)), key=len, default="")


@check(
    Severity.ERROR,
    why="EPANET refuses an option that it does not know, and what it should do is lost.",
    advice="Correct the word, or delete the row.",
)
def unknown_option(model: RawModel) -> Iterator[Place]:
    """Rows of [OPTIONS], [TIMES], [ENERGY], [REACTIONS] and [REPORT] that EPANET has not."""
    for row in model.section("OPTIONS"):
        if len(row.tokens) > 1 and not _option(row):
            yield row.says(f"EPANET has no option {' '.join(row.tokens)[:40]}")
    for row in model.section("TIMES"):
        if not _knows(row):
            yield row.says(f"EPANET has no time {' '.join(row.tokens)[:40]}")
    for row in model.section("ENERGY"):
        kind = row.id.upper()
        where = 1 if kind.startswith("GLOBAL") else 2
        what = "".join(row.tokens[where : where + 1]).upper()
        if not kind.startswith("DEMAND") and not (kind.startswith(("GLOBAL", "PUMP")) and what.startswith(ENERGY)):
            yield row.says(f"EPANET has no energy setting {' '.join(row.tokens)[:40]}")
    for section, known in (("REACTIONS", REACTIONS), ("REPORT", REPORT)):
        for row in model.section(section):
            if len(row.tokens) > 1 and not row.id.upper().startswith(known):
                yield row.says(f"EPANET has no setting {' '.join(row.tokens)[:40]} in [{section}]")


def _knows(row: Row) -> bool:
    """Whether EPANET knows the first words of a row of [TIMES]."""
    first, second = row.tokens[0].upper(), "".join(row.tokens[1:2]).upper()
    return first.startswith(TIMES) and (first[:4] not in ("PATT", "REPO") or second[:4] in ("TIME", "STAR"))


@check(
    Severity.ERROR,
    why="EPANET refuses the value; where it is a unit, every number in the file hangs on it.",
    advice="Take one of the values that the message names.",
)
def option_value_not_allowed(model: RawModel) -> Iterator[Place]:
    """Options whose value EPANET refuses."""
    for row in model.section("OPTIONS"):
        key = _option(row)
        if not key or len(row.tokens) <= len(key.split()):
            continue  # unknown, or left at its default
        allowed, word = OPTIONS[key], row.tokens[2 if key.startswith(TWO_WORDS) and len(row.tokens) > 2 else 1]
        value = number(word)
        if allowed == _NUMBER and (value is None or (value <= 0 and key in POSITIVE)):
            what = "a positive number" if key in POSITIVE else "a number"
            yield row.says(f"option {row.id} has the value {word[:40]!r}; {what} is needed")
        elif allowed not in (_NUMBER, _ANYTHING) and not word.upper().startswith(allowed):
            known = ", ".join(allowed)
            yield row.says(f"option {row.id} has the value {word[:40]!r}; EPANET knows {known}")


@check(
    Severity.ERROR,
    why="EPANET refuses a time that it cannot read.",
    advice=f"Write hours (1.5), a clock time (1:30, 1:30:00), or a number and one of {', '.join(TIME_UNITS)}.",
)
def time_not_readable(model: RawModel) -> Iterator[Place]:
    """Rows of [TIMES] without a time, or with a statistic that EPANET has not."""
    for row in model.section("TIMES"):
        if not _knows(row):
            continue
        if row.id.upper().startswith("STAT"):
            if not "".join(row.tokens[1:2]).upper().startswith(STATISTICS):
                yield row.says(f"{' '.join(row.tokens)[:60]} is no statistic; EPANET knows {', '.join(STATISTICS)}")
        elif _time(row) is None:
            yield row.says(f"{' '.join(row.tokens)[:60]} is no time")


def _time(row: Row) -> float | None:
    """The seconds that a row of [TIMES] gives."""
    if len(row.tokens) > 1 and number(row.tokens[-1]) is None and ":" not in row.tokens[-1]:
        return seconds(row.tokens[-2], row.tokens[-1])
    return seconds(row.tokens[-1]) if len(row.tokens) > 1 else None


def _named_time(model: RawModel, name: str) -> tuple[Row, float] | None:
    """The last row of a time with its seconds."""
    words = [word[:4] for word in name.split()]
    for row in reversed(model.section("TIMES")):
        own = [token.upper()[:4] for token in row.tokens[: len(words)]]
        if own == words and (value := _time(row)) is not None:
            return row, value
    return None


@check(
    Severity.WARNING,
    why="Time would stand still; EPANET silently takes another step.",
    advice="Give a step such as 1:00.",
)
def time_step_zero(model: RawModel) -> Iterator[Place]:
    """Steps of zero or less."""
    for name in STEPS:
        found = _named_time(model, name)
        if found is not None and found[1] <= 0:
            yield found[0].says(f"the {name.lower()} is {found[0].tokens[-1]}")


@check(
    Severity.NOTE,
    why="Only the first moment is computed: tanks do not move and patterns do not turn.",
    advice="Set DURATION in [TIMES] to compute a day.",
)
def duration_zero(model: RawModel) -> Iterator[Place]:
    """A file for one moment, though it has patterns or tanks."""
    found = _named_time(model, "DURATION")
    if (found is None or found[1] <= 0) and (model.tanks or model.patterns):
        line = found[0].line if found else None
        yield Place("the file asks for a single moment (duration 0)", (), "TIMES", line)


@check(
    Severity.NOTE,
    why="EPANET stops before it has settled: its heads may be off by centimetres and small flows by tens of per cent.",
    advice="Use 0.00001 when you compare with EPANET; Tweeling uses a stopping rule of its own.",
)
def accuracy_loose(model: RawModel) -> Iterator[Place]:
    """An accuracy looser than EPANET's default."""
    for row in model.section("OPTIONS"):
        value = number(row.tokens[-1])
        if _option(row) == "ACCU" and value is not None and value > LOOSE:
            yield row.says(f"the accuracy is {value:g}")


@check(
    Severity.WARNING,
    why="These are ratios to water (1 at 20 C); a value in other units changes every head loss.",
    advice="Write 1, or the ratio to water.",
)
def water_unlike_water(model: RawModel) -> Iterator[Place]:
    """Viscosity or density that no drinking water has."""
    limits = {"VISC": (0.3, 2.0), "SPEC": (0.95, 1.05)}
    for row in model.section("OPTIONS"):
        low, high = limits.get(_option(row), (-np.inf, np.inf))
        value = number(row.tokens[-1])
        # EPANET takes a viscosity below 0.001 as one in ft2/s or m2/s.
        if value is not None and value > 1e-3 and not low <= value <= high:
            yield row.says(f"{' '.join(row.tokens[:-1]).lower()} is {value:g} times that of water")


@check(
    Severity.WARNING,
    why="Head loss goes with the fifth power of the diameter: in the wrong unit nothing that is computed has a meaning.",
    advice="Compare UNITS in [OPTIONS] with the unit of the source: metric files have mm, the others inches.",
)
def diameters_in_another_unit(model: RawModel) -> Iterator[Place]:
    """Pipes that are all too thin or too thick for a town."""
    values = [row.number("diameter") for row in model.section("PIPES")]
    known = [value for value in values if value is not None and value > 0]
    if not known:
        return
    middle = float(np.median(known)) * model.units.diameter_si
    # 15 mm is a house connection; half of a network thicker than 3 m is an aqueduct.
    if not 0.012 <= middle <= 3:
        unit = "mm" if model.units.metric else "inch"
        what = f"half of the pipes are {'thinner' if middle < 1 else 'thicker'} than {float(np.median(known)):g} {unit}"
        yield Place(f"{what}, read in {model.units.flow} units", section="PIPES")
