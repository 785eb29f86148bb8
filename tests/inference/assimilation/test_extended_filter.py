"""The filter against exact conditioning of joint Gaussians, and what it promises when something is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from inference.linear import (
    DIRECTIONS,
    KNOWN,
    ROWS,
    STEPS,
    ZONES,
    drawn_readings,
    make_linearisation,
    make_model,
    prior_belief,
    run,
)
from tweeling.inference.assimilation import extended_filter
from tweeling.inference.assimilation.extended_filter import (
    LASTING,
    MEMORY_HOURS,
    ORDINARY,
    SCALES,
    WANDER,
    Belief,
    Linearisation,
    assimilate,
    first_belief,
    learn,
    loosened,
    noise,
    parts,
    predict,
    taken_back,
    with_leak,
    without_leak,
)
from tweeling.inference.diagnosis.evidence import gather, no_evidence
from tweeling.network.network import Floats
from tweeling.reading import HOUR

HOURS = 6
ZONE = slice(0, ZONES)
FIXED = slice(ZONES, KNOWN)


@pytest.fixture
def model() -> Any:
    return make_model()


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


def uncertain(model: Any, belief: Belief, linear: Linearisation) -> Floats:
    """R as the module's head says it, row by row: instruments, and single demands through the sensitivities."""
    compared, seconds = model.compared, model.interval * STEPS
    sd = model.doubts.demand_noise_sd * linear.expected
    share = LASTING + (1 - LASTING) / STEPS
    covariance = np.zeros((ROWS, ROWS))
    for one in range(ROWS):
        for other in range(ROWS):
            covariance[one, other] = share * (linear.demand[one] * sd**2 * linear.demand[other]).sum()
        std = compared.std[one]
        tank = compared.balance[one] >= 0
        covariance[one, one] += 2 * (std * compared.area[one] / seconds) ** 2 if tank else std**2 / STEPS
    scale = np.sqrt(belief.scale)
    return scale[:, None] * covariance * scale + linear.blur


def joint(model: Any, belief: Belief, linears: list[Linearisation], readings: Floats) -> tuple[Floats, Floats]:
    """Mean and covariance of the last hour's unknowns given all readings, by one conditioning of all hours at once."""
    n, count = KNOWN, len(linears)
    keep = np.exp(-1 / MEMORY_HOURS)
    walk = np.concatenate((belief.wander**2 * (1 - keep**2), np.full(DIRECTIONS, 1e-5), np.full(2, 0.01**2 / 168)))
    forward = np.diag(np.concatenate((np.full(ZONES, keep), np.ones(n - ZONES))))
    mean, covariance = [belief.mean], np.zeros(((count + 1) * n, (count + 1) * n))
    covariance[:n, :n] = belief.covariance
    for hour in range(count):
        now, last = slice((hour + 1) * n, (hour + 2) * n), slice(hour * n, (hour + 1) * n)
        step = forward @ mean[-1]
        step[ZONE] += belief.profile[:, hour + 1] - keep * belief.profile[:, hour]
        mean.append(step)
        covariance[now, : now.start] = forward @ covariance[last, : now.start]
        covariance[: now.start, now] = covariance[now, : now.start].T
        covariance[now, now] = forward @ covariance[last, last] @ forward.T + np.diag(walk)
    observe = np.zeros((count * ROWS, (count + 1) * n))
    error = np.zeros((count * ROWS, count * ROWS))
    for hour, linear in enumerate(linears):
        rows = slice(hour * ROWS, (hour + 1) * ROWS)
        observe[rows, (hour + 1) * n : (hour + 2) * n] = linear.unknown
        error[rows, rows] = uncertain(model, belief, linear)
    known = np.isfinite(readings.ravel())
    observe, error = observe[known], error[np.ix_(known, known)]
    stacked = np.concatenate(mean)
    gain = covariance @ observe.T @ np.linalg.inv(observe @ covariance @ observe.T + error)
    after = stacked + gain @ (readings.ravel()[known] - observe @ stacked)
    left = covariance - gain @ observe @ covariance
    return after[-n:], left[-n:, -n:]


@pytest.mark.parametrize("seed", range(5))
def test_hour_after_hour_it_is_exact_conditioning_on_all_readings_at_once(model: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    belief = prior_belief(model, rng)
    linears = [make_linearisation(rng) for _ in range(HOURS)]
    readings = drawn_readings(model, belief, linears, rng)
    after, _ = run(model, belief, linears, readings)
    mean, covariance = joint(model, belief, linears, readings)
    np.testing.assert_allclose(after.mean, mean, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(after.covariance, covariance, rtol=1e-7, atol=1e-11)


def test_the_noise_is_what_the_head_of_the_module_says(model: Any, rng: np.random.Generator) -> None:
    belief, linear = prior_belief(model, rng), make_linearisation(rng)
    linear = replace(linear, blur=np.diag(np.arange(1.0, ROWS + 1)) * 1e-4)
    np.testing.assert_allclose(noise(model, belief, linear, STEPS), uncertain(model, belief, linear), rtol=1e-12)


def test_without_any_reading_nothing_is_learnt(model: Any, rng: np.random.Generator) -> None:
    belief = prior_belief(model, rng)
    after, update = assimilate(
        model, belief, make_linearisation(rng), np.full(ROWS, np.nan), np.ones(KNOWN), STEPS, fixed=False
    )
    np.testing.assert_array_equal(after.mean, belief.mean)
    np.testing.assert_allclose(after.covariance, belief.covariance, rtol=1e-14)
    assert not update.rows.any()
    assert not update.gain.any()
    assert not update.precision.any()


def test_a_missing_row_is_as_a_row_that_is_not_there(model: Any, rng: np.random.Generator) -> None:
    belief, linear = prior_belief(model, rng), make_linearisation(rng)
    surprise = 0.01 * rng.standard_normal(ROWS)
    surprise[2] = np.nan
    after, _ = assimilate(model, belief, linear, surprise, np.ones(KNOWN), STEPS, fixed=False)
    rest = np.array([0, 1, 3, 4])
    h, r = linear.unknown[rest], uncertain(model, belief, linear)[np.ix_(rest, rest)]
    gain = belief.covariance @ h.T @ np.linalg.inv(h @ belief.covariance @ h.T + r)
    np.testing.assert_allclose(after.mean, belief.mean + gain @ surprise[rest], rtol=1e-9)


def test_a_wild_moment_counts_as_noisier_than_usual_and_an_ordinary_one_does_not(model: Any, rng: np.random.Generator) -> None:
    belief, linear = prior_belief(model, rng), make_linearisation(rng)
    h, p, r = linear.unknown, belief.covariance, uncertain(model, belief, linear)
    direction = rng.standard_normal(ROWS)
    unit = direction / np.sqrt(direction @ np.linalg.inv(h @ p @ h.T + r) @ direction)
    for square in (0.5 * ORDINARY, 0.999 * ORDINARY, 10 * ORDINARY, 1e6 * ORDINARY):
        surprise = unit * np.sqrt(square * ROWS)
        after, _ = assimilate(model, belief, linear, surprise, np.ones(KNOWN), STEPS, fixed=False)
        scaled = r * max(square / ORDINARY, 1.0)
        gain = p @ h.T @ np.linalg.inv(h @ p @ h.T + scaled)
        np.testing.assert_allclose(after.mean, belief.mean + gain @ surprise, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(after.covariance, p - gain @ h @ p, rtol=1e-6, atol=1e-9)


def test_what_is_fixed_stays_bit_for_bit_and_is_as_doubtful_as_before(model: Any, rng: np.random.Generator) -> None:
    belief, linear = prior_belief(model, rng), make_linearisation(rng)
    surprise = 0.05 * rng.standard_normal(ROWS)
    after, update = assimilate(model, belief, linear, surprise, np.ones(KNOWN), STEPS, fixed=True)
    np.testing.assert_array_equal(after.mean[FIXED], belief.mean[FIXED])
    np.testing.assert_allclose(after.covariance[FIXED, FIXED], belief.covariance[FIXED, FIXED], rtol=1e-12)
    assert (after.mean[ZONE] != belief.mean[ZONE]).all()
    # The covariance is that of the error which this gain, not the best one, leaves: by the definition of an error.
    error = np.eye(KNOWN) - update.gain @ linear.unknown
    left = error @ belief.covariance @ error.T + update.gain @ uncertain(model, belief, linear) @ update.gain.T
    np.testing.assert_allclose(after.covariance, left, rtol=1e-9, atol=1e-12)


def test_a_prediction_leads_zones_back_to_their_profile_and_leaves_the_rest(model: Any, rng: np.random.Generator) -> None:
    belief = with_leak(prior_belief(model, rng), np.zeros(KNOWN), 0.005, 0.001)
    later, carry = predict(model, belief, 48.0, 3, 20)
    fade = np.exp(-1.0)
    np.testing.assert_allclose(
        later.mean[ZONE], belief.profile[:, 20] + fade * (belief.mean[ZONE] - belief.profile[:, 3]), rtol=1e-12
    )
    np.testing.assert_array_equal(later.mean[ZONES:], belief.mean[ZONES:])
    np.testing.assert_allclose(carry, [fade, fade] + [1.0] * (KNOWN - ZONES + 1))
    # A leak's variance grows by a share of its size squared a day, an offset by a centimetre a week.
    growth = np.diag(later.covariance) - np.diag(belief.covariance)
    np.testing.assert_allclose(growth[KNOWN], 2 * extended_filter.LEAK_WALK * 0.005**2, rtol=1e-9)
    np.testing.assert_allclose(growth[KNOWN - 2 : KNOWN], 2 * 0.01**2 / 7, rtol=1e-6)


def test_in_the_long_run_a_zone_is_as_doubtful_as_it_wanders(model: Any) -> None:
    belief = replace(first_belief(model), wander=np.array([0.1, 0.3]))
    for _ in range(60):
        belief, _ = predict(model, belief, 24.0, 0, 0)
    np.testing.assert_allclose(np.diag(belief.covariance)[ZONE], [0.01, 0.09], rtol=1e-9)


def two_stage(model: Any, rng: np.random.Generator, onset: int) -> tuple[Belief, Belief]:
    """A leak known from the start, and the same leak found in the end from what the filter without it was surprised by."""
    belief = replace(prior_belief(model, rng), scale=np.ones(ROWS))
    linears = [make_linearisation(rng) for _ in range(HOURS)]
    signature, doubt = np.array([-8.0, -5.0, -3.0, 1.0, -0.5]), 0.01
    readings = drawn_readings(model, belief, linears, rng)
    knowing = with_leak(belief, np.zeros(KNOWN), 0.0, doubt)
    shown = [signature if hour >= onset else np.zeros(ROWS) for hour in range(HOURS)]
    wider = [
        replace(linear, unknown=np.column_stack((linear.unknown, column)))
        for linear, column in zip(linears, shown, strict=True)
    ]
    knowing, _ = run(model, knowing, wider, readings)
    unknowing, updates = run(model, belief, linears, readings)
    evidence = no_evidence(KNOWN, ROWS)
    for hour, update in enumerate(updates):
        evidence = gather(evidence, update, hour * HOUR, 0.0)
    at = int(np.flatnonzero(evidence.onset == onset * HOUR)[0])
    cause = np.concatenate((signature, np.zeros(ROWS)))  # the demand was low all the time
    precision = cause @ evidence.weight[at] @ cause + 1 / doubt**2
    size = cause @ evidence.match[at] / precision
    return knowing, with_leak(unknowing, evidence.follow[at] @ cause, float(size), float(precision**-0.5))


@pytest.mark.parametrize("onset", [0, 2, HOURS - 1])
@pytest.mark.parametrize("seed", range(3))
def test_a_leak_that_is_found_late_is_believed_as_if_it_had_been_reckoned_with_from_its_onset(
    model: Any, seed: int, onset: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extended_filter, "LEAK_WALK", 0.0)  # a leak of one size
    # Friedland (1969), 10.1109/TAC.1969.1099223: a filter without the bias, and the bias from its surprises, are the whole.
    knowing, found = two_stage(model, np.random.default_rng(seed), onset)
    np.testing.assert_allclose(found.mean, knowing.mean, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(found.covariance, knowing.covariance, rtol=1e-6, atol=1e-12)


def test_what_is_taken_back_is_what_a_new_leak_leaves_of_the_others(model: Any, rng: np.random.Generator) -> None:
    belief, made = prior_belief(model, rng), rng.standard_normal(KNOWN)
    back, leak = taken_back(belief, made, 0.02, 0.004), with_leak(belief, made, 0.02, 0.004)
    np.testing.assert_allclose(leak.mean, np.append(back.mean, 0.02))
    np.testing.assert_allclose(leak.covariance[:KNOWN, :KNOWN], back.covariance)
    assert leak.leak_size.tolist() == [0.02]
    # Told how large the leak is, the rest is as the filter thought, less what it had made of just that.
    told = leak.covariance[:KNOWN, KNOWN] / leak.covariance[KNOWN, KNOWN]
    np.testing.assert_allclose(leak.mean[:KNOWN] + told * (0.03 - 0.02), belief.mean - 0.03 * made, atol=1e-12)
    rest = leak.covariance[:KNOWN, :KNOWN] - np.outer(told, leak.covariance[KNOWN, :KNOWN])
    np.testing.assert_allclose(rest, belief.covariance, rtol=1e-9, atol=1e-12)


def test_without_a_leak_the_others_are_as_doubtful_as_they_were(model: Any, rng: np.random.Generator) -> None:
    belief = prior_belief(model, rng)
    for size in (0.01, 0.02, 0.03):
        belief = with_leak(belief, rng.standard_normal(len(belief.mean)), size, 0.1 * size)
    after = without_leak(model, belief, 1)
    rest = [*range(KNOWN), KNOWN, KNOWN + 2]
    np.testing.assert_array_equal(after.mean, belief.mean[rest])
    np.testing.assert_array_equal(after.covariance, belief.covariance[np.ix_(rest, rest)])
    assert after.leak_size.tolist() == [0.01, 0.03]


def test_loosening_gives_back_a_share_of_the_first_doubt_to_what_is_fixed(model: Any, rng: np.random.Generator) -> None:
    belief = prior_belief(model, rng)
    loose = loosened(model, belief, 0.1)
    first = np.diag(first_belief(model).covariance).copy()
    first[parts(model)[0]] = 0.0
    np.testing.assert_allclose(loose.covariance - belief.covariance, np.diag(0.1 * first), atol=1e-15)
    np.testing.assert_array_equal(loose.mean, belief.mean)


def learnt(model: Any, factor: float, hours: int, rng: np.random.Generator) -> Belief:
    """What a filter learns of a world whose surprises are `factor` times as large as it thinks."""
    belief, linear = first_belief(model), make_linearisation(rng)
    for hour in range(hours):
        belief, carry = predict(model, belief, 1.0, hour % 24, (hour + 1) % 24)
        h, p = linear.unknown, belief.covariance
        covariance = h @ p @ h.T + noise(model, replace(belief, scale=np.ones(ROWS)), linear, STEPS)
        surprise = factor * np.linalg.cholesky(covariance) @ rng.standard_normal(ROWS)
        surprise[4] = np.nan
        belief, update = assimilate(model, belief, linear, surprise, carry, STEPS, fixed=False)
        belief = learn(model, belief, update, 1.0, (hour + 1) % 24)
    return belief


def test_scales_of_noise_follow_the_surprises_within_their_bounds(model: Any) -> None:
    quiet = learnt(model, 0.05, 400, np.random.default_rng(1)).scale
    loud = learnt(model, 3.0, 400, np.random.default_rng(1)).scale
    assert (quiet[:4] < 0.5).all()
    assert (loud[:4] > 2.0).all()
    assert quiet[4] == loud[4] == 1.0  # never seen, never judged
    assert (quiet >= SCALES[0]).all()
    assert (loud <= SCALES[1]).all()


def test_a_profile_becomes_what_a_zone_does_at_that_hour(model: Any, rng: np.random.Generator) -> None:
    belief = first_belief(model)
    level = rng.normal(0.0, 0.2, (ZONES, 24))
    for hour in range(24 * 40):
        # The filter sees the zones well; what it sees is the level of the hour.
        mean = belief.mean.copy()
        mean[ZONE] = level[:, hour % 24]
        seen = replace(belief, mean=mean, covariance=1e-6 * np.eye(KNOWN))
        none = np.full(ROWS, np.nan)
        _, update = assimilate(model, seen, make_linearisation(rng), none, np.ones(KNOWN), STEPS, fixed=False)
        belief = learn(model, seen, update, 1.0, hour % 24)
    np.testing.assert_allclose(belief.profile, level, atol=0.02)
    assert belief.age == 24 * 40
    assert ((belief.wander >= WANDER[0]) & (belief.wander <= WANDER[1])).all()
    assert (belief.wander < 0.1).all()  # a zone that keeps to its profile does not wander
