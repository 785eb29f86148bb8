"""What a cycle takes: readings on the grid of the sensors' interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tweeling.network.network import Floats


@dataclass(frozen=True, eq=False)
class Batch:
    """The readings of a cycle, one row an interval, in the order of `Sensors`.

    Args:
        end: T of the cycle, microseconds since 1970 UTC.
        times: of the rows, microseconds, an interval apart, the last one T; (step,), int64.
        value: clean, SI, NaN where there is none or where it must not be assimilated; (step, sensor).
        seen: clean, SI, also where the reading was flagged; NaN where there was none; (step, sensor).
        flag: `reading.Flag`; (step, sensor), int8.
    """

    end: int
    times: npt.NDArray[np.int64]
    value: Floats
    seen: Floats
    flag: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.times)
