"""Rows of lanes against NumPy."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tweeling.physics.kernels.compiled import compiled_entry
from tweeling.physics.kernels.vector import LANES, SERIES, any_of, choose, exp2, less, load, log2, power, spread, store


@compiled_entry
def _functions(series, a, exponent, out):  # type: ignore[no-untyped-def]
    x = load(a, 0)
    store(out, 0, log2(series, x))
    store(out, 1, exp2(series, load(a, 1)))
    store(out, 2, power(series, x, exponent))


@compiled_entry
def _chosen(a, limit, out):  # type: ignore[no-untyped-def]
    small = less(load(a, 0), spread(limit))
    store(out, 0, choose(small, spread(1.0), spread(2.0)))
    return any_of(small)


lanes = st.lists(st.floats(-25, 3), min_size=LANES, max_size=LANES)


@given(magnitudes=lanes, exponent=st.floats(-2, 2))
def test_log2_exp2_and_power_are_right_to_some_1e_12(magnitudes: list[float], exponent: float) -> None:
    a, out = np.empty((2, LANES)), np.empty((3, LANES))
    a[0], a[1] = 10 ** np.array(magnitudes), magnitudes
    _functions(np.array(SERIES), a, exponent, out)
    np.testing.assert_allclose(out[0], np.log2(a[0]), rtol=0, atol=1e-11)
    np.testing.assert_allclose(out[1], np.exp2(a[1]), rtol=2e-12)
    np.testing.assert_allclose(out[2], a[0] ** exponent, rtol=5e-12)


@given(numbers=st.lists(st.integers(0, 9), min_size=LANES, max_size=LANES))
def test_a_mask_chooses_lane_by_lane(numbers: list[int]) -> None:
    a, out = np.array([numbers], dtype=float), np.empty((1, LANES))
    some = _chosen(a, 3.0, out)
    np.testing.assert_array_equal(out[0], np.where(a[0] < 3, 1.0, 2.0))
    assert some == bool((a[0] < 3).any())


@given(magnitudes=lanes, lane=st.integers(0, LANES - 1))
def test_a_lane_is_computed_the_same_whatever_its_neighbours_hold(magnitudes: list[float], lane: int) -> None:
    a, alone = np.empty((2, LANES)), np.empty((2, LANES))
    a[0], a[1] = 10 ** np.array(magnitudes), magnitudes
    alone[0], alone[1] = a[0, lane], a[1, lane]
    out, out_alone = np.empty((3, LANES)), np.empty((3, LANES))
    _functions(np.array(SERIES), a, 0.852, out)
    _functions(np.array(SERIES), alone, 0.852, out_alone)
    np.testing.assert_array_equal(out[:, lane], out_alone[:, 0])
