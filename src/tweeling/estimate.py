"""The only form in which an estimated number leaves the program: median, interval and level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

LEVEL = 0.9
"""How much of the probability an interval holds, unless it says otherwise."""


@dataclass(frozen=True)
class Estimate:
    """An estimate of one number.

    Args:
        median: in `unit`.
        low, high: ends of the central interval, in `unit`.
        level: probability inside the interval.
        unit: SI.
    """

    median: float
    low: float
    high: float
    level: float
    unit: str

    @staticmethod
    def of(members: npt.ArrayLike, unit: str, level: float = LEVEL) -> Estimate:
        """The estimate that an ensemble of one number makes; (member,)."""
        median, low, high = bands(np.asarray(members, dtype=float)[:, None], level)[:, 0].tolist()
        return Estimate(median, low, high, level, unit)

    def as_document(self) -> dict[str, float | str]:
        """For JSON."""
        return asdict(self)


def bands(members: npt.NDArray[np.float64], level: float = LEVEL) -> npt.NDArray[np.float64]:
    """Median, low and high over members, as `quantiles`; (3, element) from (member, element)."""
    return quantiles(members, (0.5, (1 - level) / 2, (1 + level) / 2))


def quantiles(members: npt.NDArray[np.float64], levels: Sequence[float]) -> npt.NDArray[np.float64]:
    """Quantiles over members, linear between them; (level, element) from (member, element).

    Members without a number (no supply) do not count; an element that no member has a number for gets NaN. NumPy's own selects
    column by column; sorting rows is several times as fast, and puts NaN last.
    """
    ordered = np.array(members.T, dtype=float, order="C")
    ordered.sort(axis=1)
    last = np.maximum(ordered.shape[1] - 1 - np.isnan(ordered).sum(axis=1), 0)
    row = np.arange(len(ordered))
    found = np.empty((len(levels), len(ordered)))
    for band, level in zip(found, levels, strict=True):
        position = level * last
        below = position.astype(np.int64)
        above = np.minimum(below + 1, last)
        band[:] = ordered[row, below] + (position - below) * (ordered[row, above] - ordered[row, below])
    return found
