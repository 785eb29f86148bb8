"""The hour that is being learnt: cycles shorter than an hour look at it together.

What the twin believes of noise, of how long things last and of how much evidence convicts is said of an hour. Twelve surprises
of five minutes are not twelve times the evidence of one: what is wrong with a model at 9:05 is wrong at 9:10. So a short cycle
takes the mean surprise of the hour so far, from where the hour began: each look is what one cycle of that length would have
been, and the last look of the hour is the hourly cycle itself. Nothing is counted twice, nothing waits for the hour to end.

An hour ends on the clock, or when something was found or closed: what is known then is where the next begins. A cycle of an
hour or more is an hour of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tweeling.inference.assimilation.extended_filter import Belief
from tweeling.inference.diagnosis.cases import Diagnosis
from tweeling.inference.forecast import Forecast
from tweeling.inference.model import Model
from tweeling.network.network import Floats
from tweeling.reading import HOUR


@dataclass(frozen=True, eq=False)
class Hour:
    """Where an hour began, and what was seen of it so far.

    Args:
        start: microseconds since 1970 UTC.
        belief, diagnosis: then.
        total: sums of surprises over the intervals so far; (row,).
        count: of how many; (row,).
        supplied: sum of what reservoirs gave in the central run, m3/s.
        steps: intervals so far.
    """

    start: int
    belief: Belief
    diagnosis: Diagnosis
    total: Floats
    count: Floats
    supplied: float
    steps: int

    @property
    def surprise(self) -> Floats:
        """The mean so far, NaN where there was no reading; (row,)."""
        return np.where(self.count > 0, self.total / np.maximum(self.count, 1), np.nan)

    @property
    def supply(self) -> float:
        """The mean so far, m3/s; see `library.supply`."""
        return self.supplied / self.steps


def begin(model: Model, belief: Belief, diagnosis: Diagnosis, start: int) -> Hour:
    """An hour of which nothing was seen."""
    none = np.zeros(len(model.compared))
    return Hour(start, belief, diagnosis, none, none, 0.0, 0)


def end_of(model: Model, start: int) -> int:
    """When an hour ends that begins at `start`, by the clock of the patterns; microseconds since 1970 UTC."""
    return start + HOUR - (start - model.epoch) % HOUR


def seen(hour: Hour, found: Forecast) -> Hour:
    """The hour after a cycle more."""
    known = np.isfinite(found.each)
    return replace(
        hour,
        total=hour.total + np.where(known, found.each, 0.0).sum(axis=0),
        count=hour.count + known.sum(axis=0),
        supplied=hour.supplied + found.supply * len(found.each),
        steps=hour.steps + len(found.each),
    )
