"""What every decoder gives: the readings that could be made out, and a verdict on each that could not.

A reading needs a sensor and a time, or there is nothing to keep it under; all else that is wrong with it becomes a flag.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from tweeling.reading import CheckedReadings, Flag, Readings

LONGEST_TEXT = 200
"""Characters of a sensor's id; a unit or a word about quality is cut there."""
MOST_READINGS = 1_000_000
"""In one body: a few compressed bytes can stand for any number."""


@dataclass(frozen=True)
class Verdict:
    """What is wrong with one reading.

    Args:
        index: its place in the body, from 0; in a file its row.
        flag: of the kind of trouble.
        why: a sentence for the sender.
    """

    index: int
    flag: Flag
    why: str

    def as_document(self) -> dict[str, Any]:
        """For the answer to the sender."""
        return {"index": self.index, "flag": self.flag.word, "why": self.why}


@dataclass(frozen=True, eq=False)
class Decoded:
    """A body, or a piece of a file.

    Args:
        readings: that can be kept.
        index: place of each in the body; (reading,).
        refused: one for each that cannot be kept.
        remarks: why a value was left out, by place in the body.
    """

    readings: Readings
    index: npt.NDArray[np.int64]
    refused: tuple[Verdict, ...] = ()
    remarks: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.index)


def verdicts(decoded: Decoded, checked: CheckedReadings, flags: npt.NDArray[np.int8]) -> list[Verdict]:
    """All that is not good about a body, in its order.

    Args:
        decoded: the body.
        checked: its readings, as the check left them.
        flags: as the store kept them; (reading,).
    """
    found = list(decoded.refused)
    for place in np.flatnonzero(flags != Flag.GOOD).tolist():
        index, flag = int(decoded.index[place]), Flag(int(flags[place]))
        why = "was kept before" if flag == Flag.DUPLICATE else str(checked.why[place])
        found.append(Verdict(index, flag, decoded.remarks.get(index, why) if flag == Flag.MISSING_VALUE else why))
    return sorted(found, key=lambda verdict: verdict.index)


def text_column(texts: Iterable[Any]) -> npt.NDArray[np.object_]:
    """Texts as a column, also when there are none."""
    texts = list(texts)
    column = np.empty(len(texts), dtype=object)
    column[:] = texts
    return column


def repeated(text: str, rows: int) -> npt.NDArray[np.object_]:
    """A column of one text over and over."""
    column = np.empty(rows, dtype=object)
    column[:] = text
    return column


def columns_to_readings(
    sensor: npt.NDArray[np.object_],
    time: npt.NDArray[np.int64],
    told: npt.NDArray[np.bool_],
    value: npt.NDArray[np.float64],
    unit: npt.NDArray[np.object_],
    quality: npt.NDArray[np.object_],
    *,
    index: npt.NDArray[np.int64] | None = None,
    refused: Sequence[Verdict] = (),
    remarks: Mapping[int, str] | None = None,
) -> Decoded:
    """Columns as readings, less those without a usable sensor or time.

    Args:
        sensor: ids, "" or None where there was none; (row,).
        time: microseconds; (row,).
        told: whether the time could be made out; (row,).
        value: NaN where there was none; (row,).
        unit, quality: (row,).
        index: place of the rows in the body; by default they are all of it.
        refused: rows that are out already.
        remarks: see `Decoded`.
    """
    index = np.arange(len(sensor)) if index is None else index
    length = np.fromiter((len(name or "") for name in sensor), dtype=np.int64, count=len(sensor))
    named = (length > 0) & (length <= LONGEST_TEXT)
    keep = named & told
    out = list(refused)
    for place in np.flatnonzero(~keep).tolist():
        out.append(_refusal(int(index[place]), int(length[place])))
    readings = Readings(sensor[keep], time[keep], value[keep], _short(unit[keep]), _short(quality[keep]))
    return Decoded(readings, index[keep], tuple(sorted(out, key=lambda verdict: verdict.index)), remarks or {})


def _refusal(index: int, length: int) -> Verdict:
    if length == 0:
        return Verdict(index, Flag.UNKNOWN_SENSOR, "names no sensor; not kept")
    if length > LONGEST_TEXT:
        return Verdict(index, Flag.UNKNOWN_SENSOR, f"a sensor's id of {length} characters, {LONGEST_TEXT} at most; not kept")
    return Verdict(index, Flag.BAD_CLOCK, "no time that can be read; write it as 2018-01-01T00:05:00Z; not kept")


def _short(texts: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Cuts what is too long; most columns hold a few words over and over."""
    if all(len(text) <= LONGEST_TEXT for text in set(texts.tolist())):
        return texts
    return text_column(text[:LONGEST_TEXT] for text in texts)
