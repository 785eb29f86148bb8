"""Probabilities against numerical integration over the size of a cause."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import chi2, norm

from tweeling.inference.diagnosis.evidence import INFLATION, Evidence
from tweeling.inference.diagnosis.library import HOURS_A_YEAR, Kind, Library
from tweeling.inference.diagnosis.verdict import SIGNATURE_ERROR, UNKNOWN_A_YEAR, WORTH_A_LOOK, Verdict, judge
from tweeling.network.network import Floats
from tweeling.reading import HOUR

ROWS = 3
END, TEMPER = 21 * HOUR, 1.5
KINDS = (
    Kind("leak", 10.0, 0.0, 0.02, True),
    Kind("valve", 1.0, 1.0, 0.15, True),
    Kind("sensor", 0.3, 0.0, 1.0, False),
    Kind("valve", 0.5, 0.0, 1.5, False),
)


def library(signature: Floats, kind: list[int], kinds: tuple[Kind, ...] = KINDS) -> Library:
    """Causes of given kinds; signature is (2 * row, cause)."""
    rows = [kinds[k] for k in kind]
    return Library(
        kinds=kinds,
        kind=np.array(kind),
        element=tuple(f"e{i}" for i in range(len(kind))),
        pipe=np.where(np.array([row.cause for row in rows]) == "leak", np.arange(len(kind)), -1),
        signature=signature,
        rate=np.array([row.rate for row in rows]) / HOURS_A_YEAR,
        centre=np.array([row.centre for row in rows]),
        sd=np.array([row.sd for row in rows]),
        positive=np.array([row.positive for row in rows]),
        coarse=np.arange(len(kind)),
        low=0.1,
        high=0.2,
        demand=0.15,
    )


def evidence(rng: np.random.Generator, strength: float, count: float = 30.0, square: float | None = None) -> Evidence:
    """Three onsets, each with a match and a weight that could be."""
    onset = np.array([4, 12, 19]) * HOUR
    roots = rng.standard_normal((len(onset), 2 * ROWS, 2 * ROWS))
    weight = roots @ np.swapaxes(roots, 1, 2)
    match = strength * np.einsum("kij,kj->ki", roots, rng.standard_normal((len(onset), 2 * ROWS)))
    squares = np.full(len(onset), count if square is None else square)
    return Evidence(onset, np.zeros((len(onset), 2, 2 * ROWS)), match, weight, squares, np.full(len(onset), count))


def drawn(seed: int, strength: float = 4.0) -> tuple[Library, Evidence, Verdict]:
    rng = np.random.default_rng(seed)
    kind = [0, 0, 0, 1, 1, 2, 2, 3]
    signature = rng.standard_normal((2 * ROWS, len(kind))) * np.array([50, 40, 60, 1, 1.2, 1, 1, 0.7])
    causes, found = library(signature, kind), evidence(rng, strength)
    return causes, found, judge(causes, found, END, TEMPER)


def tempered(causes: Library, found: Evidence) -> tuple[Floats, Floats, float]:
    """A and B of every onset and cause, and what all evidence is divided by, as the head of the module says."""
    a = found.match @ causes.signature
    b = np.einsum("rc,krs,sc->kc", causes.signature, found.weight, causes.signature)
    divided = max(TEMPER, 1 + SIGNATURE_ERROR**2 * float((a**2 / b).max()))
    return a / divided, b / divided, divided


def integrated(a: float, b: float, centre: float, sd: float, positive: bool) -> tuple[float, float, float]:
    """Log Bayes factor, mean and sd of a size by adaptive quadrature around the peak of the integrand."""
    peak, width = (a + centre / sd**2) / (b + sd**-2), (b + sd**-2) ** -0.5
    lower = 0.0 if positive else -np.inf
    share = norm.sf(0, centre, sd) if positive else 1.0

    def log(size: float) -> float:
        return float(norm.logpdf(size, centre, sd) - math.log(share) + size * a - size**2 * b / 2)

    top = log(max(peak, 0.0) if positive else peak)
    begin, end = max(lower, peak - 12 * width), max(peak, 0.0) + 12 * width
    points = np.linspace(begin, end, 9)[1:-1]
    moments = [
        quad(lambda s, k=k: s**k * math.exp(log(s) - top), begin, end, points=points, epsabs=0, epsrel=1e-10, limit=200)[0]
        for k in range(3)
    ]
    mean = moments[1] / moments[0]
    return top + math.log(moments[0]), mean, math.sqrt(moments[2] / moments[0] - mean**2)


def odds_of(causes: Library, found: Evidence) -> tuple[Floats, Floats]:
    """Log odds of every onset and cause against nothing, and of the unknown, integrated numerically."""
    a, b, divided = tempered(causes, found)
    hours = np.array([8.0, 7.0, 2.0])  # until the next onset, the last one until now
    odds = np.empty(a.shape)
    for k in range(len(a)):
        for c in range(a.shape[1]):
            factor, _, _ = integrated(a[k, c], b[k, c], causes.centre[c], causes.sd[c], bool(causes.positive[c]))
            odds[k, c] = np.log(causes.rate[c] * hours[k]) + factor
    unknown = 0.5 * (1 - 1 / INFLATION) * found.square - 0.5 * np.log(INFLATION) * found.count
    return odds, np.log(UNKNOWN_A_YEAR / HOURS_A_YEAR * hours) + unknown / divided


@pytest.mark.parametrize("seed", range(4))
def test_odds_and_probabilities_are_those_of_the_integral_over_all_sizes(seed: int) -> None:
    causes, found, verdict = drawn(seed)
    odds, unknown = odds_of(causes, found)
    total = np.logaddexp(np.logaddexp.reduce(odds, axis=None), np.logaddexp.reduce(unknown))
    assert total > WORTH_A_LOOK
    np.testing.assert_allclose(verdict.log_odds, total, rtol=1e-6)
    np.testing.assert_allclose(verdict.probability, 1 / (1 + np.exp(-total)), rtol=1e-6)
    share = np.exp(odds - total)
    np.testing.assert_allclose(verdict.cause, share.sum(axis=0), rtol=1e-5, atol=1e-12)
    np.testing.assert_allclose(verdict.onset, share.sum(axis=1) + np.exp(unknown - total), rtol=1e-5)
    by_kind = [share[:, causes.kind == k].sum() for k in range(len(KINDS))]
    np.testing.assert_allclose(verdict.by_kind, [*by_kind, np.exp(unknown - total).sum()], rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_sizes_and_bayes_factors_are_those_of_the_likeliest_onset(seed: int) -> None:
    causes, found, verdict = drawn(seed)
    odds, _ = odds_of(causes, found)
    a, b, _ = tempered(causes, found)
    for c, k in enumerate(odds.argmax(axis=0)):
        factor, mean, sd = integrated(a[k, c], b[k, c], causes.centre[c], causes.sd[c], bool(causes.positive[c]))
        np.testing.assert_allclose(verdict.strength[c], factor, rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(verdict.size[c], mean, rtol=1e-5)
        np.testing.assert_allclose(verdict.size_sd[c], sd, rtol=1e-3)


@pytest.mark.parametrize("strength", [0.5, 2.0, 5.0])
@pytest.mark.parametrize("seed", range(5))
def test_probabilities_sum_to_one(seed: int, strength: float) -> None:
    _, _, verdict = drawn(seed, strength)
    if not verdict.cause.any():
        assert verdict.log_odds < WORTH_A_LOOK
        return
    np.testing.assert_allclose(verdict.by_kind.sum(), 1, rtol=1e-9)
    np.testing.assert_allclose(verdict.onset.sum(), 1, rtol=1e-9)
    np.testing.assert_allclose(verdict.cause.sum() + verdict.by_kind[-1], 1, rtol=1e-9)
    assert (verdict.cause >= 0).all()
    assert (verdict.size[:5] > 0).all()  # leaks and closed links cannot be negative


def test_the_wrong_sign_speaks_against_a_leak() -> None:
    causes = library(np.ones((2 * ROWS, 1)), [0], (Kind("leak", 10.0, 0.0, 1.0, True),))
    weight = np.eye(2 * ROWS)[None]
    factors = []
    for sign in (1.0, -1.0):
        match = np.full((1, 2 * ROWS), 3.0 * sign)
        once = Evidence(np.array([5 * HOUR]), np.zeros((1, 2, 2 * ROWS)), match, weight, np.array([54.0]), np.array([6.0]))
        factors.append(judge(causes, once, 7 * HOUR, 1.0).strength[0])
    assert factors[0] > 10 > 0 > factors[1]


def test_unknown_wins_when_surprises_are_large_and_nothing_fits() -> None:
    causes = library(np.eye(2 * ROWS)[:, [0, 1, 2]], [0, 1, 2])
    match = np.zeros((1, 2 * ROWS))
    match[0, [4, 5]] = 8.0  # where no cause shows
    count, square = 40.0, 160.0
    wild = Evidence(np.array([10 * HOUR]), np.zeros((1, 2, 6)), match, np.eye(6)[None], np.array([square]), np.array([count]))
    verdict = judge(causes, wild, END, 1.0)
    assert verdict.by_kind[-1] > 0.99
    assert verdict.probability > 0.99


def test_the_unknowns_odds_are_the_likelihood_ratio_of_surprises_that_are_so_many_times_larger() -> None:
    causes = library(np.zeros((2 * ROWS, 1)), [0], (Kind("leak", 1e-9, 0.0, 1.0, True),))
    count, square = 25.0, 90.0
    once = Evidence(
        np.array([10 * HOUR]), np.zeros((1, 2, 6)), np.zeros((1, 6)), np.zeros((1, 6, 6)), np.array([square]), np.array([count])
    )
    ratio = chi2.logpdf(square / INFLATION, count) - np.log(INFLATION) - chi2.logpdf(square, count)
    wanted = ratio + np.log(UNKNOWN_A_YEAR / HOURS_A_YEAR * 11)
    np.testing.assert_allclose(judge(causes, once, END, 1.0).log_odds, wanted, rtol=1e-9)


def test_on_an_ordinary_day_nothing_is_worth_a_look() -> None:
    rng = np.random.default_rng(3)
    causes = library(rng.standard_normal((2 * ROWS, 3)), [0, 2, 3])
    verdict = judge(causes, evidence(rng, 0.3), END, TEMPER)
    assert verdict.log_odds < WORTH_A_LOOK
    assert not verdict.cause.any()
    assert verdict.probability < 0.12
