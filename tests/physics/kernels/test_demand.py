"""The demand kernel against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from tweeling.physics.kernels.demand import required_demand


@pytest.mark.parametrize("rows", [1, 5])
def test_categories_add_up_at_their_junction(rows: int) -> None:
    rng = np.random.default_rng(3)
    junction = np.array([0, 0, 2, 3, 3, 3])
    pattern = np.array([0, 1, -1, 1, -1, 0])
    base, multiplier = rng.normal(size=(rows, 6)), rng.normal(size=(5, 3))
    expected = np.zeros((5, 4))
    for category in range(6):
        expected[:, junction[category]] += base[:, category] * multiplier[:, pattern[category]]
    np.testing.assert_array_equal(required_demand(base, junction, pattern, multiplier, 4), expected)
