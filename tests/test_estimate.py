"""Estimates: the quantiles of the members, whatever their number and order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tweeling.estimate import LEVEL, Estimate, bands
from tweeling.network.network import Floats

NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False)
MEMBERS = hnp.arrays(np.float64, st.tuples(st.integers(1, 40), st.integers(1, 5)), elements=NUMBERS)


@given(MEMBERS, st.floats(0.01, 0.99))
def test_bands_are_the_quantiles_of_the_members(members: Floats, level: float) -> None:
    wanted = np.quantile(members, (0.5, (1 - level) / 2, (1 + level) / 2), axis=0)
    np.testing.assert_allclose(bands(members, level), wanted, rtol=1e-9, atol=1e-9 * np.abs(members).max())


@given(MEMBERS, st.randoms(use_true_random=False))
def test_bands_do_not_depend_on_the_order_of_the_members(members: Floats, shuffled: object) -> None:
    order = np.random.default_rng(1).permutation(len(members))
    np.testing.assert_array_equal(bands(members), bands(members[order]))


@given(hnp.arrays(np.float64, (12, 4), elements=st.one_of(st.just(np.nan), NUMBERS)))
def test_members_without_a_number_do_not_count(members: Floats) -> None:
    found = bands(members)
    for element, column in enumerate(members.T):
        known = column[~np.isnan(column)]
        if not len(known):
            assert np.isnan(found[:, element]).all()
            continue
        wanted = np.quantile(known, (0.5, (1 - LEVEL) / 2, (1 + LEVEL) / 2))
        np.testing.assert_allclose(found[:, element], wanted, rtol=1e-9, atol=1e-9 * np.abs(known).max())


def test_the_interval_of_a_normal_ensemble_holds_what_its_level_says() -> None:
    members = np.random.default_rng(7).normal(3.0, 2.0, 200_000)
    estimate = Estimate.of(members, "m")
    # The quantile's standard error at 5 % is 2 * sqrt(0.05 * 0.95 / n) / 0.103 = 0.0095.
    np.testing.assert_allclose([estimate.median, estimate.low, estimate.high], [3.0, 3 - 3.2897, 3 + 3.2897], atol=0.04)
    assert (estimate.level, estimate.unit) == (0.9, "m")


def test_an_estimate_says_all_of_itself_in_a_document() -> None:
    document = Estimate.of([1.0, 2.0, 3.0], "m3/s", level=0.5).as_document()
    assert document == {"median": 2.0, "low": 1.5, "high": 2.5, "level": 0.5, "unit": "m3/s"}


@pytest.mark.parametrize("members", [[5.0], [5.0, np.nan]])
def test_one_member_is_its_own_median_and_interval(members: list[float]) -> None:
    estimate = Estimate.of(members, "m")
    assert (estimate.low, estimate.median, estimate.high) == (5.0, 5.0, 5.0)
