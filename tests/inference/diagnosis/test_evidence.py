"""Evidence against brute force: the filter run twice, over readings with and without what a cause does to them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from inference.linear import KNOWN, ROWS, drawn_readings, make_linearisation, make_model, prior_belief, run
from tweeling.inference.assimilation.extended_filter import Update
from tweeling.inference.diagnosis.evidence import FINE, OLDEST_HOURS, Evidence, gather, no_evidence
from tweeling.network.network import Floats
from tweeling.reading import HOUR

HOURS = 8
FIXED = frozenset({4, 5})


def world(seed: int) -> tuple[list[Update], list[Update], Evidence, Floats, int]:
    """Updates without and with a cause of size 1, the evidence of the latter, the cause's signature, and its onset."""
    rng = np.random.default_rng(seed)
    model: Any = make_model()
    belief = prior_belief(model, rng)
    linears = [make_linearisation(rng) for _ in range(HOURS)]
    readings = drawn_readings(model, belief, linears, rng)
    high = rng.uniform(-0.5, 1.5, HOURS)
    signature, onset = 0.002 * rng.standard_normal(2 * ROWS), int(rng.integers(0, HOURS - 2))
    moved = readings.copy()
    for hour in range(onset, HOURS):
        moved[hour] += (1 - high[hour]) * signature[:ROWS] + high[hour] * signature[ROWS:]
    _, plain = run(model, belief, linears, readings, FIXED)
    _, caused = run(model, belief, linears, moved, FIXED)
    evidence = no_evidence(KNOWN, ROWS)
    for hour, update in enumerate(caused):
        evidence = gather(evidence, update, hour * HOUR, float(high[hour]))
    return plain, caused, evidence, signature, onset


@pytest.mark.parametrize("seed", range(8))
def test_match_and_weight_are_those_of_the_likelihood_ratio_of_the_surprises(seed: int) -> None:
    plain, caused, evidence, signature, onset = world(seed)
    match = weight = 0.0
    for one, other in zip(plain, caused, strict=True):
        np.testing.assert_array_equal(one.precision, other.precision)  # else the world was wild, and nothing is linear
        left_by_cause = other.surprise - one.surprise
        match += left_by_cause @ one.precision @ other.surprise
        weight += left_by_cause @ one.precision @ left_by_cause
    at = int(np.flatnonzero(evidence.onset == onset * HOUR)[0])
    np.testing.assert_allclose(signature @ evidence.match[at], match, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(signature @ evidence.weight[at] @ signature, weight, rtol=1e-8)
    assert weight > 0


@pytest.mark.parametrize("seed", range(4))
def test_what_the_filter_made_of_a_cause_is_how_far_the_two_beliefs_part(seed: int) -> None:
    rng = np.random.default_rng(seed)
    model: Any = make_model()
    belief = prior_belief(model, rng)
    linears = [make_linearisation(rng) for _ in range(HOURS)]
    readings = drawn_readings(model, belief, linears, rng)
    signature = 0.002 * rng.standard_normal(ROWS)
    moved = readings.copy()
    moved[3:] += signature
    plain, _ = run(model, belief, linears, readings, FIXED)
    caused, updates = run(model, belief, linears, moved, FIXED)
    evidence = no_evidence(KNOWN, ROWS)
    for hour, update in enumerate(updates):
        evidence = gather(evidence, update, hour * HOUR, 0.25)
    made = evidence.follow[3] @ np.concatenate((signature, signature))
    np.testing.assert_allclose(made, caused.mean - plain.mean, rtol=1e-7, atol=1e-12)


def test_the_likelihood_ratio_is_largest_at_the_onset_that_it_was() -> None:
    rng = np.random.default_rng(2)
    model: Any = make_model()
    belief = prior_belief(model, rng)
    linears = [make_linearisation(rng) for _ in range(HOURS)]
    readings = drawn_readings(model, belief, linears, rng, missing=0.0)
    readings[4:, 3] += 0.15  # some three of its standard deviations, in one row
    _, updates = run(model, belief, linears, readings)
    evidence = no_evidence(KNOWN, ROWS)
    for hour, update in enumerate(updates):
        evidence = gather(evidence, update, hour * HOUR, 0.0)
    gain = [evidence.match[at, 3] ** 2 / evidence.weight[at, 3, 3] / 2 for at in range(HOURS)]
    assert int(np.argmax(gain)) == 4


def updates_at_random(count: int, seed: int = 1) -> list[Update]:
    rng = np.random.default_rng(seed)
    model: Any = make_model()
    belief = prior_belief(model, rng)
    linears = [make_linearisation(rng) for _ in range(count)]
    _, updates = run(model, belief, linears, drawn_readings(model, belief, linears, rng))
    return updates


def test_what_was_before_its_onset_counts_nothing_for_a_cause() -> None:
    updates = updates_at_random(HOURS)
    whole = no_evidence(KNOWN, ROWS)
    for hour, update in enumerate(updates):
        whole = gather(whole, update, hour * HOUR, 0.3)
    for onset in range(HOURS):
        alone = no_evidence(KNOWN, ROWS)
        for hour in range(onset, HOURS):
            alone = gather(alone, updates[hour], hour * HOUR, 0.3)
        at = int(np.flatnonzero(whole.onset == onset * HOUR)[0])
        for name in ("follow", "match", "weight", "square", "count"):
            np.testing.assert_allclose(getattr(whole, name)[at], getattr(alone, name)[0], rtol=1e-10, atol=1e-12)


def test_squares_and_counts_are_those_of_the_surprises_since_the_onset() -> None:
    updates = updates_at_random(HOURS)
    evidence = no_evidence(KNOWN, ROWS)
    for hour, update in enumerate(updates):
        evidence = gather(evidence, update, hour * HOUR, 0.3)
    squares = [update.surprise @ update.precision @ update.surprise for update in updates]
    np.testing.assert_allclose(evidence.square, np.cumsum(squares[::-1])[::-1])
    counts = [update.rows.sum() for update in updates]
    np.testing.assert_array_equal(evidence.count, np.cumsum(counts[::-1])[::-1])


def test_a_case_gathers_without_a_new_onset() -> None:
    first, *rest = updates_at_random(HOURS)
    evidence = gather(no_evidence(KNOWN, ROWS), first, 0, 0.5)
    for hour, update in enumerate(rest, start=1):
        evidence = gather(evidence, update, hour * HOUR, 0.5, new_onset=False)
    assert evidence.onset.tolist() == [0]
    assert evidence.count[0] == sum(update.rows.sum() for update in (first, *rest))


@pytest.mark.parametrize("lengths", [[0.25], [1.0], [1.0] * 168 + [1 / 12] * 600, [1 / 12] * 30 + [1.0]])
def test_recent_onsets_are_all_kept_and_older_ones_ever_more_sparsely(lengths: list[float]) -> None:
    (update,) = updates_at_random(1)
    evidence, reached, now = no_evidence(KNOWN, ROWS), 0, 0.0
    starts: list[float] = []
    while now < 2.5 * OLDEST_HOURS or len(starts) < len(lengths):
        starts.append(now)
        evidence = gather(evidence, update, round(now * HOUR), 0.5)
        ages = np.sort(now - evidence.onset / HOUR)
        hours = lengths[min(len(starts), len(lengths)) - 1]
        alike = np.diff(starts[-FINE - 1 :]) > 0.99 * hours  # of the length of this cycle
        recent = starts[-FINE:] if alike.all() else starts[-1:]
        assert all(np.isclose(ages, now - start, atol=1e-6).any() for start in recent)
        assert ages.max() <= OLDEST_HOURS + 1e-6
        # A cause of any age has an onset that is at most half of its age off; so few are enough for days.
        assert (np.diff(ages) <= np.maximum(max(lengths), 0.6 * ages[1:]) + 1e-6).all()
        reached = max(reached, len(evidence))
        now += hours
    assert ages.max() > OLDEST_HOURS / 2
    assert reached <= FINE + FINE * np.log2(OLDEST_HOURS / min(lengths) / FINE)
