"""Evidence for causes, gathered surprise by surprise for every onset at once.

A cause with signature g that began at onset k moves the surprises of the filter by a * (g - H f), where f is what the filter
has made of it meanwhile: f(t+1) = F (f + K (g - H f)) (Willsky and Jones 1976, 10.1109/TAC.1976.1101146). f is linear in g, so
one matrix an onset serves all causes:

    follow    f = follow g
    match     sum of (E - H follow)' P v            v: surprise,  P: its inverse covariance
    weight    sum of (E - H follow)' P (E - H follow)

and with A = g' match, B = g' weight g the log-likelihood ratio of size a is a A - a^2 B / 2. A signature has two halves, at low
and at high demand; E mixes them by the demand of the moment.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tweeling.inference.assimilation.extended_filter import Update
from tweeling.network.network import Bools, Floats, Ints
from tweeling.reading import HOUR

FINE = 8
"""An onset goes when the one before it is nearer than this fraction of its age: of the last so many cycles all are kept."""
OLDEST_HOURS = 96.0
INFLATION = 3.0
"""The unknown: from its onset on the variance of every surprise is so many times what was expected."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """What speaks for causes, by onset.

    Args:
        onset: when a cause would have begun, the start of a cycle, microseconds since 1970 UTC; oldest first; (onset,).
        follow: (onset, unknown, 2 * row).
        match: (onset, 2 * row).
        weight: (onset, 2 * row, 2 * row).
        square, count: sum of v' P v, and of rows with a reading; (onset,).
    """

    onset: Ints
    follow: Floats
    match: Floats
    weight: Floats
    square: Floats
    count: Floats

    def __len__(self) -> int:
        return len(self.onset)


def no_evidence(n_unknown: int, n_rows: int) -> Evidence:
    """Before the first cycle, and after what was found has been taken into the model."""
    n = 2 * n_rows
    return Evidence(
        np.zeros(0, dtype=np.int64),
        np.zeros((0, n_unknown, n)),
        np.zeros((0, n)),
        np.zeros((0, n, n)),
        np.zeros(0),
        np.zeros(0),
    )


def gather(evidence: Evidence, update: Update, start: int, share_of_high: float, *, new_onset: bool = True) -> Evidence:
    """Adds the surprise of a cycle, and (unless it is a case's) an onset at its beginning.

    Args:
        evidence: of the cycles before.
        update: what the filter did with the surprise.
        start: of the cycle, microseconds since 1970 UTC.
        share_of_high: where the supply of this cycle lies between low (0) and high (1).
        new_onset: whether a cause may begin with this cycle; if not, onsets stay as they are.
    """
    opened = _with_onset(_kept(evidence, start), start) if new_onset else evidence
    rows = len(update.surprise)
    follow = update.carry[:, None] * opened.follow  # what was made of a cause goes through the same prediction
    mixed = np.concatenate((np.eye(rows) * (1 - share_of_high), np.eye(rows) * share_of_high), axis=1)
    seen = mixed - update.observed @ follow
    weighed = update.precision @ seen
    return Evidence(
        onset=opened.onset,
        follow=follow + update.gain @ seen,
        match=opened.match + np.swapaxes(weighed, 1, 2) @ update.surprise,
        weight=opened.weight + np.swapaxes(seen, 1, 2) @ weighed,
        square=opened.square + update.surprise @ update.precision @ update.surprise,
        count=opened.count + update.rows.sum(),
    )


def _kept(evidence: Evidence, now: int) -> Evidence:
    """Drops onsets so that their ages grow about geometrically, however long the cycles were."""
    keep: Bools = np.zeros(len(evidence), dtype=bool)
    last = -np.inf
    for place, onset in enumerate(evidence.onset.tolist()):
        age = now - onset
        if age <= OLDEST_HOURS * HOUR and onset - last >= age / FINE:
            keep[place], last = True, onset
    return replace(evidence, **{name: table[keep] for name, table in vars(evidence).items()})


def _with_onset(evidence: Evidence, start: int) -> Evidence:
    new = {name: np.zeros((1, *table.shape[1:]), dtype=table.dtype) for name, table in vars(evidence).items()}
    new["onset"] = np.array([start], dtype=np.int64)
    return Evidence(**{name: np.concatenate((table, new[name])) for name, table in vars(evidence).items()})
