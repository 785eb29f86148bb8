"""How well the twin foretells sensors that it is not told of: the only honest figures that a twin can give of itself.

A frozen state and a pure step: sums over all readings of withheld sensors so far, by quantity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tweeling.finding import Finding
from tweeling.network.network import Floats
from tweeling.observation.sensors import Sensors
from tweeling.reading import SECOND, iso_time

SUMS = ("n", "square", "square_open", "crps", "within90", "within50")


@dataclass(frozen=True, eq=False)
class Score:
    """Sums over readings of withheld sensors.

    Args:
        sums: in the order of `SUMS`, squares in SI squared; (quantity, sum), quantities as `quantities_of` lists them.
        start, end: microseconds since 1970 UTC of the first and the last cycle; 0 before the first.
    """

    sums: Floats
    start: int
    end: int


def quantities_of(sensors: Sensors, withheld: Sequence[int]) -> tuple[str, ...]:
    """Quantities of the withheld sensors."""
    return tuple(sorted({sensors.rows[place].quantity for place in withheld}))


def first_score(sensors: Sensors, withheld: Sequence[int]) -> Score:
    """Before the first cycle."""
    return Score(np.zeros((len(quantities_of(sensors, withheld)), len(SUMS))), 0, 0)


def scored(
    score: Score,
    sensors: Sensors,
    withheld: Sequence[int],
    members: Floats,
    open_loop: Floats,
    read: Floats,
    span: tuple[int, int],
) -> Score:
    """Adds a cycle.

    Args:
        score: so far.
        sensors: all of them.
        withheld: indices of those that score.
        members: what members expected; (member, step, sensor).
        open_loop: what the file as it is expected; (step, sensor).
        read: SI, NaN where there was none; (step, sensor).
        span: start and end of the cycle, microseconds since 1970 UTC.
    """
    sums = score.sums.copy()
    for row, quantity in enumerate(quantities_of(sensors, withheld)):
        places = [place for place in withheld if sensors.rows[place].quantity == quantity]
        truth = read[:, places].ravel()
        told = members[:, :, places].reshape(len(members), -1)
        known = np.isfinite(truth) & np.isfinite(told).all(axis=0)
        sums[row] += _sums(told[:, known], open_loop[:, places].ravel()[known], truth[known])
    return replace(score, sums=sums, start=score.start or span[0], end=span[1])


def _sums(members: Floats, open_loop: Floats, truth: Floats) -> Floats:
    ordered = np.sort(members, axis=0)
    low90, low50, middle, high50, high90 = np.quantile(ordered, (0.05, 0.25, 0.5, 0.75, 0.95), axis=0)
    return np.array(
        [
            len(truth),
            ((middle - truth) ** 2).sum(),
            ((open_loop - truth) ** 2).sum(),
            crps(ordered, truth).sum(),
            ((truth >= low90) & (truth <= high90)).sum(),
            ((truth >= low50) & (truth <= high50)).sum(),
        ]
    )


def crps(ordered: Floats, truth: Floats) -> Floats:
    """Continuous ranked probability score of an ensemble, fair in its size; (reading,).

    Args:
        ordered: ascending over members; (member, reading).
        truth: (reading,).

    Source: Ferro (2014), 10.1002/qj.2270.
    """
    n = len(ordered)
    rank = 2 * np.arange(1, n + 1) - n - 1
    spread = 2 * (rank[:, None] * ordered).sum(axis=0) / (n * (n - 1))
    return np.asarray(np.abs(ordered - truth).mean(axis=0) - spread / 2)


def as_document(
    score: Score, sensors: Sensors, withheld: Sequence[int], findings: Sequence[Finding], seconds: Sequence[float]
) -> Mapping[str, Any]:
    """`scorecard.json`.

    Args:
        score: so far.
        sensors, withheld: as for `scored`.
        findings: all that were raised.
        seconds: that cycles took, by the wall clock.
    """
    days = (score.end - score.start) / (86400 * SECOND)
    by_quantity = {}
    for row, quantity in enumerate(quantities_of(sensors, withheld)):
        n, square, square_open, total, within90, within50 = score.sums[row].tolist()
        if n:
            by_quantity[quantity] = {
                "n": int(n),
                "rmse": (square / n) ** 0.5,
                "rmse_open_loop": (square_open / n) ** 0.5,
                "crps": total / n,
                "coverage90": within90 / n,
                "coverage50": within50 / n,
            }
    return {
        "withheld": by_quantity,
        "alarms_per_day": len(findings) / days if days > 0 else 0.0,
        "seconds_per_cycle": {
            "median": float(np.median(seconds)) if len(seconds) else None,
            "p95": float(np.quantile(seconds, 0.95)) if len(seconds) else None,
        },
        "from": iso_time(score.start) if score.start else None,
        "to": iso_time(score.end) if score.end else None,
    }
