"""From what senders write as a time to microseconds since 1970 UTC.

A time with an offset is what it says. One without is in the zone that the twin's configuration names, UTC if none. Where the
clocks go back an hour of local times comes twice: of a sensor (or of a table's row) the first of two equal local times is the
earlier moment, the second the later; one that comes only once is taken for the earlier. Where the clocks go forward an hour of
local times does not exist: such a time is read with the offset from before, as a logger means it that never changes its clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tweeling.errors import DecodeError
from tweeling.live.ingest.decoded import repeated
from tweeling.reading import EPOCH, SECOND, microseconds

Times = npt.NDArray[np.int64]
Told = npt.NDArray[np.bool_]

QUARTER = 900 * SECOND
"""Clocks change at whole quarters of an hour."""
EARLIEST = microseconds(datetime(1, 1, 3, tzinfo=UTC))
LATEST = microseconds(datetime(9999, 12, 29, tzinfo=UTC))
"""What a calendar can show, in any zone."""
FEW = 8
"""Texts that are read faster one by one."""
PER_MICROSECOND = {"s": (SECOND, 1), "ms": (1000, 1), "us": (1, 1), "ns": (1, 1000)}


class LocalClock:
    """Turns local times without an offset into moments; remembers which of the hour that comes twice it has met.

    Args:
        zone: `UTC`, `Europe/Amsterdam`.

    Attributes:
        twice: how many times were of the hour that comes twice.
        never: how many were of the hour that does not exist.
    """

    def __init__(self, zone: str = "UTC") -> None:
        self.zone = zone
        self.twice = self.never = 0
        self._info = None if zone == "UTC" else ZoneInfo(zone)
        self._met: set[tuple[str, int]] = set()

    def moments(self, local: Times, sensor: npt.NDArray[np.object_] | None = None) -> Times:
        """Moments of local times.

        Args:
            local: microseconds from 1970 as the local clock shows them; (row,).
            sensor: id, where rows are of different sensors; (row,).
        """
        if self._info is None or not len(local):
            return local
        quarters, place = np.unique(local // QUARTER, return_inverse=True)
        offsets = np.array([self._offsets(quarter) for quarter in quarters.tolist()], dtype=np.int64)[place]
        found = local - offsets[:, 0]
        twice = np.flatnonzero(offsets[:, 0] > offsets[:, 1])
        self.twice += len(twice)
        self.never += int((offsets[:, 0] < offsets[:, 1]).sum())
        for row in twice.tolist():
            key = ("" if sensor is None else sensor[row], int(local[row]))
            if key in self._met:
                found[row] = local[row] - offsets[row, 1]
            self._met.add(key)
        return found

    def _offsets(self, quarter: int) -> tuple[int, int]:
        """Offset from UTC at a local quarter of an hour, before and after a change of the clocks."""
        moment = datetime(1970, 1, 1, tzinfo=self._info) + timedelta(microseconds=quarter * QUARTER)
        before, after = (moment.replace(fold=fold).utcoffset() or timedelta() for fold in (0, 1))
        return before // timedelta(microseconds=1), after // timedelta(microseconds=1)


def times_of_texts(texts: Sequence[Any], clock: LocalClock, sensor: npt.NDArray[np.object_]) -> tuple[Times, Told]:
    """Times written as ISO 8601, and which of them could be read; (row,)."""
    if len(texts) > FEW and all(isinstance(text, str) for text in texts):
        at_once = _cast(pa.array(texts, pa.string()), clock, sensor)
        if at_once is not None:
            return at_once
    times, local, told = (np.zeros(len(texts), dtype=kind) for kind in (np.int64, bool, bool))
    for row, text in enumerate(texts):
        moment = _moment(text)
        if moment is not None:
            times[row] = (moment.replace(tzinfo=None) - EPOCH.replace(tzinfo=None)) // timedelta(microseconds=1)
            local[row], told[row] = moment.tzinfo is None, True
            if moment.tzinfo is not None:
                times[row] -= (moment.utcoffset() or timedelta()) // timedelta(microseconds=1)
    told &= (times >= EARLIEST) & (times <= LATEST)
    times[local & told] = clock.moments(times[local & told], sensor[local & told])
    return times, told


def times_of_column(column: pa.Array | pa.ChunkedArray, clock: LocalClock, sensor: Any = None) -> tuple[Times, Told]:
    """Times of an Arrow column of timestamps, dates or texts, and which rows have one; (row,).

    Raises:
        DecodeError: a column of numbers, whose unit nobody can know.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        at_once = _cast(column.cast(pa.string()), clock, sensor)
        names = repeated("", len(column)) if sensor is None else sensor
        return times_of_texts(column.to_pylist(), clock, names) if at_once is None else at_once
    if pa.types.is_null(kind):
        return np.zeros(len(column), dtype=np.int64), np.zeros(len(column), dtype=bool)
    if pa.types.is_date(kind):
        column, kind = column.cast(pa.timestamp("ms")), pa.timestamp("ms")
    if not pa.types.is_timestamp(kind):
        raise DecodeError(f"the column time holds {kind}; make it timestamps, or texts such as 2018-01-01T00:05:00Z")
    told = np.asarray(column.is_valid())
    raw = np.asarray(column.cast(pa.int64()).fill_null(0))
    factor, divisor = PER_MICROSECOND[kind.unit]
    told = told & (np.abs(raw.astype(float)) < 9.2e18 / factor)  # what fits in 64 bits
    times, fits = _in_calendar(np.where(told, raw, 0) * factor // divisor, None if kind.tz else clock, sensor)
    return times, told & fits


def _cast(column: pa.Array | pa.ChunkedArray, clock: LocalClock, sensor: Any) -> tuple[Times, Told] | None:
    """Texts as times in one go when all have an offset, or none has; else None."""
    if column.null_count:
        return None
    for zone in ("UTC", None):
        try:
            times = np.asarray(column.cast(pa.timestamp("us", zone)).cast(pa.int64()), dtype=np.int64)
        except pa.ArrowInvalid:
            continue
        return _in_calendar(times, None if zone else clock, sensor)
    return None


def _in_calendar(times: Times, clock: LocalClock | None, sensor: Any) -> tuple[Times, Told]:
    told = (times >= EARLIEST) & (times <= LATEST)
    if clock is not None:
        times = times.copy()
        times[told] = clock.moments(times[told], None if sensor is None else sensor[told])
    return times, told


def _moment(text: Any) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        return None
