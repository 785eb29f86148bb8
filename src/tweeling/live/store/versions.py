"""Which of several readings of the same sensor and time counts.

All are kept. The last that says `corrected` counts; where none does, the first. One without a number counts only where there is
no other.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tweeling.live.store.contract import StoredReadings

CORRECTED = "corrected"
"""The sender's word for a reading that takes the place of an earlier one of the same time."""


def counting(stored: StoredReadings) -> npt.NDArray[np.bool_]:
    """Which readings count; (reading,). Each sensor has one at each of its times."""
    code_of: dict[str, int] = {}
    sensor = np.fromiter((code_of.setdefault(name, len(code_of)) for name in stored.sensor), np.int64, len(stored))
    number = ~np.isnan(stored.clean)
    corrected = number & np.fromiter((word == CORRECTED for word in stored.quality), bool, len(stored))
    rank = np.where(corrected, 0, np.where(number, 1, 2))
    place = np.where(corrected, -stored.sequence, stored.sequence)  # the last of the corrected, the first of the others
    order = np.lexsort((place, rank, stored.time, sensor))
    first = np.ones(len(stored), dtype=bool)
    first[1:] = (np.diff(sensor[order]) != 0) | (np.diff(stored.time[order]) != 0)
    counts = np.zeros(len(stored), dtype=bool)
    counts[order[first]] = True
    return counts
