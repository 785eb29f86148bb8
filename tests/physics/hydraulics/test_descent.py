"""The part of a step that leads to the least content."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tweeling.network.network import Floats
from tweeling.physics.hydraulics.descent import LOOKS, NEAR, part_of_step


def test_a_whole_step_is_taken_where_it_ends_near_the_least_point() -> None:
    slopes = np.array([-1.0, 0.0, 0.4])
    part = part_of_step(lambda part: np.where(part == 0, -1.0, slopes), np.ones(3, dtype=bool))
    np.testing.assert_array_equal(part, 1.0)


@given(least=st.floats(1e-9, 0.6))
def test_a_parabola_is_left_near_its_least_point(least: float) -> None:
    part = part_of_step(lambda part: part - least, np.array([True]))
    assert abs(part[0] - least) <= NEAR * least


@given(kink=st.floats(1e-8, 0.9), steep=st.floats(1e3, 1e15))
def test_a_kink_is_passed_but_not_by_far(kink: float, steep: float) -> None:
    """Where no part is near enough, the far end is taken, close behind the kink."""

    def slope(part: Floats) -> Floats:
        return np.where(part < kink, -1.0, -1.0 + steep * (part - kink))

    part = part_of_step(slope, np.array([True]))
    assert kink <= part[0] <= 16 * kink + 2 / steep


def test_only_those_that_ask_and_go_downhill_go_back() -> None:
    def slope(part: Floats) -> Floats:
        return np.array([-1.0, -1.0, 1.0]) + 10 * part

    part = part_of_step(slope, np.array([True, False, True]))
    assert part[0] < 1
    np.testing.assert_array_equal(part[1:], 1.0)


def test_it_looks_so_often_and_no_more() -> None:
    looks = []

    def slope(part: Floats) -> Floats:
        looks.append(part[0])
        return np.where(part > 1e-60, 1e9, -1.0)

    assert part_of_step(slope, np.array([True]))[0] == pytest.approx(16.0**-LOOKS)
    assert len(looks) == LOOKS + 2
