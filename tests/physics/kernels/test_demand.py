"""The demand kernel against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from tweeling.physics.kernels.demand import required_demand


@pytest.mark.parametrize("rows", [1, 5])
@pytest.mark.parametrize("factors", [1, 5])
def test_categories_add_up_at_their_junction(rows: int, factors: int) -> None:
    rng = np.random.default_rng(3)
    junction = np.array([0, 0, 2, 3, 3, 3])
    pattern = np.array([0, 1, -1, 1, -1, 0])
    row = np.array([0, 1, 1, 0, 1])
    base, multiplier, factor = rng.normal(size=(rows, 6)), rng.normal(size=(2, 3)), rng.normal(size=(factors, 4))
    expected = np.zeros((5, 4))
    for category in range(6):
        expected[:, junction[category]] += base[:, category] * multiplier[row][:, pattern[category]]
    first = np.searchsorted(junction, np.arange(5))
    shared, demand = np.empty((2, 4)), np.empty((5, 4))
    required_demand(base, first, pattern, multiplier, row, factor, shared, demand)
    np.testing.assert_array_equal(demand, expected * factor)
