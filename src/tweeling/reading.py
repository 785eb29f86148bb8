"""What a sensor said, when, and what became of it.

Readings travel as columns, not as objects: a batch of a hundred thousand is a few arrays. Times are whole microseconds since
1970-01-01 UTC. Nothing is ever dropped: a reading that cannot be used keeps its raw value and gets a flag.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum

import numpy as np
import numpy.typing as npt

SECOND = 1_000_000
"""Microseconds in a second."""
HOUR = 3600 * SECOND
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Flag(IntEnum):
    """What is wrong with a reading; `GOOD` is the only one that is assimilated. The numbers are stored: add, don't renumber."""

    GOOD = 0
    OUT_OF_RANGE = 1
    SPIKE = 2
    STUCK = 3
    LATE = 4
    DUPLICATE = 5
    UNKNOWN_SENSOR = 6
    BAD_UNIT = 7
    BAD_CLOCK = 8
    MISSING_VALUE = 9

    @property
    def word(self) -> str:
        """As files and answers spell it: `out_of_range`."""
        return self.name.lower()


@dataclass(frozen=True, eq=False)
class Readings:
    """Readings as they came, decoded and not yet looked at.

    Args:
        sensor: id; (reading,), text objects.
        time: microseconds since 1970 UTC; (reading,), int64.
        value: in `unit`, NaN where there was none; (reading,).
        unit: "" for the sensor's own; (reading,), text objects.
        quality: the sender's word, "" for none; (reading,), text objects.
    """

    sensor: npt.NDArray[np.object_]
    time: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    unit: npt.NDArray[np.object_]
    quality: npt.NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.sensor)


@dataclass(frozen=True, eq=False)
class CheckedReadings:
    """Readings with what the check made of them: raw value, flag and clean value apart.

    Args:
        readings: as they came.
        flag: `Flag`; (reading,), int8.
        clean: SI, NaN where there is no number to use; (reading,). A flagged reading keeps its number.
        why: a sentence for each reading that is not good, "" else; (reading,), text objects.
    """

    readings: Readings
    flag: npt.NDArray[np.int8]
    clean: npt.NDArray[np.float64]
    why: npt.NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.flag)


def iso_time(microseconds: int) -> str:
    """`2018-01-01T00:05:00Z`; with a fraction only where there is one."""
    moment = EPOCH + timedelta(microseconds=microseconds)
    return moment.isoformat().replace("+00:00", "Z")


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 of an aware moment, exact."""
    return (moment - EPOCH) // timedelta(microseconds=1)
