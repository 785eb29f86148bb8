"""What EPANET's toolkit cannot give back, read from the text: digits, map, tags, comments, sections that only travel."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tweeling.network.inp.sections import Line
from tweeling.network.network import Floats, Ints

Sections = Mapping[str, Sequence[Line]]

_TRAVEL = ("REPORT", "BACKDROP", "LABELS", "ROUGHNESS")
_GENERAL_REACTIONS = ("ORDE", "GLOB", "LIMI", "ROUG")
_QUALITY = ("NONE", "CHEMICAL", "AGE", "TRACE")
_KEPT_OPTIONS = ("HYDR", "MAP", "VERI", "SEGM", "HTOL", "QTOL", "RQTO")
_NOISE = 1e-14
"""Relative; EPANET's conversion of a number there and back adds a few 1e-16."""
_SAME = 1e-9
"""Relative difference below which a number of the text and one that EPANET has converted to and fro are the same."""


def coordinates(sections: Sections, index: Mapping[str, int]) -> tuple[Floats, Floats]:
    """Map coordinates of nodes, NaN where absent or unreadable; of several lines for a node the last counts."""
    places = np.full((2, len(index)), np.nan)
    for line in sections.get("COORDINATES", ()):
        node = index.get(line.tokens[0]) if len(line.tokens) >= 3 else None
        place = _numbers(line.tokens[1:3])
        if node is not None and place is not None:
            places[:, node] = place
    return places[0], places[1]


def vertices(sections: Sections, index: Mapping[str, int]) -> dict[int, Floats]:
    """Bends of links; (bend, 2) by link."""
    bends: dict[int, list[list[float]]] = {}
    for line in sections.get("VERTICES", ()):
        link = index.get(line.tokens[0]) if len(line.tokens) >= 3 else None
        place = _numbers(line.tokens[1:3])
        if link is not None and place is not None:
            bends.setdefault(link, []).append(place)
    return {link: np.array(places) for link, places in bends.items()}


def tags(sections: Sections, word: str, index: Mapping[str, int]) -> dict[int, str]:
    """Tags of the nodes or links (`word` is NODE or LINK)."""
    found = {}
    for line in sections.get("TAGS", ()):
        if len(line.tokens) >= 3 and line.tokens[0].upper().startswith(word) and line.tokens[1] in index:
            found[index[line.tokens[1]]] = " ".join(line.tokens[2:])
    return found


def comments(sections: Sections, names: Sequence[str], index: Mapping[str, int]) -> dict[int, str]:
    """Comments behind the lines that define elements."""
    lines = (line for name in names for line in sections.get(name, ()))
    return {index[line.tokens[0]]: line.comment for line in lines if line.comment and line.tokens}


def demand_names(sections: Sections, junction: Ints, node_ids: Sequence[str]) -> dict[int, str]:
    """Names of the demand categories: the comments in [DEMANDS], whose lines for a junction are its categories in order.

    Args:
        junction: of each category, ascending; (category,).
        node_ids: of the nodes.
    """
    names: dict[str, list[str]] = {}
    for line in sections.get("DEMANDS", ()):
        if line.tokens:
            names.setdefault(line.tokens[0], []).append(line.comment)
    found: dict[int, str] = {}
    first = np.searchsorted(junction, np.arange(len(node_ids)))
    index = {name: i for i, name in enumerate(node_ids)}
    for node, of_node in names.items():
        found |= {int(first[index[node]]) + k: name for k, name in enumerate(of_node) if name}
    return found


def quality_option(sections: Sections, node_index: Mapping[str, int]) -> dict[str, Any]:
    """The fields of `Options` about water quality; the toolkit forgets them where the duration is zero."""
    found: dict[str, Any] = {}
    for line in sections.get("OPTIONS", ()):
        if len(line.tokens) > 1 and _starts(line, ("QUAL",)):
            word = line.tokens[1].upper()
            rest = (*line.tokens[2:], "")
            found = {"quality": next((name for name in _QUALITY if word.startswith(name[:4])), "CHEMICAL")}
            if found["quality"] == "TRACE":
                found["trace_node"] = node_index[rest[0]]
            elif found["quality"] == "CHEMICAL" and not word.startswith("CHEM"):
                found |= {"chemical_name": line.tokens[1], "chemical_unit": rest[0]}
    return found


def kept(sections: Sections) -> dict[str, tuple[str, ...]]:
    """Lines that only travel with the file, by section."""
    lines = {name: tuple(line.text for line in sections.get(name, ())) for name in _TRAVEL}
    general = [line for line in sections.get("REACTIONS", ()) if line.tokens and _starts(line, _GENERAL_REACTIONS)]
    lines["REACTIONS"] = tuple(line.text for line in general)
    lines["OPTIONS"] = tuple(line.text for line in sections.get("OPTIONS", ()) if line.tokens and _starts(line, _KEPT_OPTIONS))
    return {name: texts for name, texts in lines.items() if texts}


def exact_tanks(of: Mapping[str, Floats], sections: Sections, ids: Sequence[str]) -> dict[str, Floats]:
    """Tank numbers with the digits of the file, for the toolkit rounds levels and overwrites what a volume curve replaces.

    Args:
        of: the toolkit's numbers by name; (tank,).
        ids: of the tanks.
    """
    tokens = {line.tokens[0]: line.tokens for name in ("TANKS", "RESERVOIRS") for line in sections.get(name, ()) if line.tokens}
    exact = {name: of[name].copy() for name in _TANK_COLUMNS}
    for i, tank in enumerate(ids):
        for name, column in _TANK_COLUMNS.items():
            row = tokens[tank]
            exact[name][i] = _written(row[column], of[name][i]) if column < len(row) else 0.0
    return exact


_TANK_COLUMNS = {"level": 2, "min_level": 3, "max_level": 4, "diameter": 5, "min_volume": 6}


def without_noise(values: Floats) -> Floats:
    """Numbers of the toolkit without what its conversion to feet and back adds: those that twelve digits say, say so.

    Args:
        values: any shape.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        exponent = np.nan_to_num(np.floor(np.log10(np.abs(values))), posinf=0, neginf=0)
        places = (11 - exponent).astype(int)
        up, down = 10.0 ** np.maximum(places, 0), 10.0 ** np.maximum(-places, 0)
        # Two exact powers of ten, so that the last step rounds once, as reading decimals does.
        short = np.round(values * up / down) / up * down
    return np.where(np.abs(short - values) <= _NOISE * np.abs(values), short, values)


def exact(number: float, token: str) -> float:
    """A number of the toolkit with the digits of its token, where they mean the same."""
    written = _written(token, number)
    return written if abs(written - number) <= _SAME * max(abs(written), 1e-3) else number


def only_where_given(values: Floats, sections: Sections, word: str, ids: Sequence[str]) -> Floats:
    """Reaction coefficients, NaN where the toolkit has filled in the file's general one.

    Args:
        values: by element.
        word: BULK, WALL or TANK, which starts the lines of [REACTIONS] that set them.
        ids: of the elements; a line names one, or the first and last of a range.
    """
    given = np.zeros(len(ids), bool)
    index = {name: i for i, name in enumerate(ids)}
    for line in sections.get("REACTIONS", ()):
        if len(line.tokens) == 3 and _starts(line, (word,)) and line.tokens[1] in index:
            given[index[line.tokens[1]]] = True
        elif len(line.tokens) > 3 and _starts(line, (word,)):
            given |= in_range(ids, line.tokens[1], line.tokens[2])
    return np.where(given, values, np.nan)


def in_range(ids: Sequence[str], first: str, last: str) -> npt.NDArray[np.bool_]:
    """Which ids lie in a range as EPANET understands it: by leading number where both ends have one, else by spelling."""
    low, high = _leading_number(first), _leading_number(last)
    if low > 0 and high > 0:
        return np.array([low <= _leading_number(name) <= high for name in ids], bool)
    return np.array([first <= name <= last for name in ids], bool)


def _leading_number(text: str) -> int:
    found = re.match(r"[+-]?\d+", text)
    return int(found.group()) if found else 0


def _written(token: str, otherwise: float) -> float:
    """The number that a token is, or another where it is none to Python (EPANET reads `0x10`, and `é` as 0)."""
    try:
        return float(token)
    except ValueError:
        return otherwise


def _numbers(tokens: Sequence[str]) -> list[float] | None:
    """Finite numbers, None unless all tokens are."""
    numbers = [_written(token, np.nan) for token in tokens]
    return numbers if np.isfinite(numbers).all() else None


def _starts(line: Line, words: Sequence[str]) -> bool:
    return line.tokens[0].upper().startswith(tuple(words))
