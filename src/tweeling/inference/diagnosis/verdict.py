"""From evidence to probabilities: over causes, elements, onsets and sizes.

Every cause h at every onset k has odds against "nothing" of

    rate_h * hours_k * BF(h, k),      BF = integral of prior(a) exp(a A - a^2 B / 2) da

with a normal prior of the size (half of it where the size cannot be negative). All evidence is divided by one number,
`1 + error^2 max A^2 / B`: signatures are themselves known only to within a relative error, which matters when something shows
strongly; then neighbours cannot be told apart by it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr

from tweeling.inference.diagnosis.evidence import INFLATION, Evidence
from tweeling.inference.diagnosis.library import HOURS_A_YEAR, Library
from tweeling.network.network import Floats, Ints
from tweeling.reading import HOUR

SIGNATURE_ERROR = 0.05
"""Relative error of a signature, per square root of the independent things it is seen by."""
UNKNOWN_A_YEAR = 4.0
YOUNGEST_HOURS, OLDEST_HOURS = 6.0, 48.0
"""Ages of the onsets by which the restlessness of healthy days is measured."""
WORTH_A_LOOK = -2.0
"""Log odds by the coarse causes from which all are looked at."""


@dataclass(frozen=True, eq=False)
class Verdict:
    """What the evidence says.

    Args:
        log_odds: of "something" against "nothing".
        by_kind: probability of each row of `Library.kinds`, and of the unknown as the last; given that something is wrong.
        cause: probability of each cause given that something is wrong; (cause,). Zeros when nothing is worth a look.
        onset: probability of each onset of the evidence; (onset,).
        size, size_sd: of each cause at its likeliest onset; (cause,).
        strength: log Bayes factor of each cause at its likeliest onset; (cause,).
    """

    log_odds: float
    by_kind: Floats
    cause: Floats
    onset: Floats
    size: Floats
    size_sd: Floats
    strength: Floats

    @property
    def probability(self) -> float:
        """That something is wrong."""
        return float(1 / (1 + np.exp(-self.log_odds)))


def judge(library: Library, evidence: Evidence, end: int, temper: float) -> Verdict:
    """Weighs all causes.

    Args:
        library: of causes.
        evidence: gathered so far.
        end: of the present cycle, microseconds since 1970 UTC.
        temper: what evidence is divided by at least: the restlessness of healthy days.
    """
    hours = np.diff(evidence.onset, append=end) / HOUR
    rough = _odds(library, library.coarse, evidence, hours, temper)
    temper = rough[-1]
    unknown = _unknown(evidence, hours, temper)
    everything = np.logaddexp.reduce(np.concatenate((rough[0].ravel(), unknown)))
    n_kinds = len(library.kinds)
    if everything < WORTH_A_LOOK:
        nothing = np.zeros(len(library.kind))
        return Verdict(float(everything), np.zeros(n_kinds + 1), nothing, np.zeros(len(evidence)), nothing, nothing, nothing)
    causes = np.arange(len(library.kind))
    odds, size, size_sd, factor, _ = _odds(library, causes, evidence, hours, temper)
    total = float(np.logaddexp(np.logaddexp.reduce(odds, axis=None), np.logaddexp.reduce(unknown)))
    share = np.exp(odds - total)  # (onset, cause)
    by_cause = share.sum(axis=0)
    by_kind = np.append(np.bincount(library.kind, by_cause, n_kinds), np.exp(np.logaddexp.reduce(unknown) - total))
    best = odds.argmax(axis=0)
    return Verdict(
        log_odds=total,
        by_kind=by_kind,
        cause=by_cause,
        onset=share.sum(axis=1) + np.exp(unknown - total),
        size=size[best, causes],
        size_sd=size_sd[best, causes],
        strength=factor[best, causes],
    )


def restlessness(library: Library, evidence: Evidence, end: int) -> float:
    """How much more evidence there is for causes than chance alone would give: the mean of A^2 / B, 1 when all is as modelled.

    Surprises of healthy days hang together in ways that no model knows (an hour that is always a little off), and evidence that
    adds them up as if they did not would convict the innocent. 1 where nothing can be told yet.

    Args:
        library: of causes.
        evidence: gathered so far.
        end: of the present cycle, microseconds since 1970 UTC.
    """
    age = (end - evidence.onset) / HOUR
    telling = np.flatnonzero((age >= YOUNGEST_HOURS) & (age <= OLDEST_HOURS))
    if not telling.size:
        return 1.0
    signature = library.signature[:, library.coarse]
    match = evidence.match[telling] @ signature
    weight = np.einsum("rc,krc->kc", signature, evidence.weight[telling] @ signature, optimize=False)
    return float(np.divide(match**2, weight, out=np.ones_like(match), where=weight > 0).mean())


def _odds(
    library: Library, causes: Ints, evidence: Evidence, hours: Floats, temper: float
) -> tuple[Floats, Floats, Floats, Floats, float]:
    """Log odds, size, its sd and log Bayes factor; (onset, cause) each; and what the evidence was divided by."""
    signature = library.signature[:, causes]
    a = evidence.match @ signature
    b = np.einsum("rc,krc->kc", signature, evidence.weight @ signature, optimize=False)
    b = np.maximum(b, 0.0)
    shown = np.divide(a**2, b, out=np.zeros_like(a), where=b > 0)
    divided = max(temper, 1 + SIGNATURE_ERROR**2 * float(shown.max(initial=0.0)))
    factor, size, sd = _bayes_factor(
        a / divided, b / divided, library.centre[causes], library.sd[causes], library.positive[causes]
    )
    return np.log(library.rate[causes] * hours[:, None]) + factor, size, sd, factor, divided


def _bayes_factor(a: Floats, b: Floats, centre: Floats, sd: Floats, positive: np.ndarray) -> tuple[Floats, Floats, Floats]:
    """Log Bayes factor, mean and sd of the size, for a normal prior that is cut at 0 where the size is positive."""
    precision = b + 1 / sd**2
    mean = (a + centre / sd**2) / precision
    spread = 1 / np.sqrt(precision)
    log_factor = np.log(spread / sd) + 0.5 * mean**2 * precision - 0.5 * centre**2 / sd**2
    cut = log_ndtr(mean / spread) - log_ndtr(centre / sd)
    log_factor = np.where(positive, log_factor + cut, log_factor)
    # Mean and sd of a normal that is cut at 0.
    z = mean / spread
    ratio = np.exp(-0.5 * z**2 - 0.5 * np.log(2 * np.pi) - log_ndtr(z))
    size = np.where(positive, mean + spread * ratio, mean)
    narrowed = np.sqrt(np.maximum(1 - z * ratio - ratio**2, 1e-6))
    return log_factor, size, np.where(positive, spread * narrowed, spread)


def _unknown(evidence: Evidence, hours: Floats, temper: float) -> Floats:
    """Log odds of surprises that are just too large, whatever the pattern; (onset,)."""
    factor = 0.5 * (1 - 1 / INFLATION) * evidence.square - 0.5 * np.log(INFLATION) * evidence.count
    return np.asarray(np.log(UNKNOWN_A_YEAR / HOURS_A_YEAR * hours) + factor / temper)
