"""The hour that is being learnt: short cycles add up to a long one, and the clock of the patterns ends it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tweeling.inference.hour import begin, end_of, seen
from tweeling.reading import HOUR

ROWS = 4
MINUTE = HOUR // 60
MODEL: Any = SimpleNamespace(compared=range(ROWS), epoch=20 * MINUTE)
NOTHING: Any = None


def found(each: np.ndarray, supply: float) -> Any:
    """What an hour looks at of a forecast."""
    return SimpleNamespace(each=each, supply=supply)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_however_an_hour_is_cut_into_cycles_it_has_seen_the_same(lengths: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    each = rng.normal(size=(sum(lengths), ROWS))
    each[rng.random(each.shape) < 0.3] = np.nan
    each[:, 0] = np.nan
    supply = rng.uniform(1, 2, len(each))
    whole = seen(begin(MODEL, NOTHING, NOTHING, 0), found(each, float(supply.mean())))
    parts = begin(MODEL, NOTHING, NOTHING, 0)
    for end, length in zip(np.cumsum(lengths).tolist(), lengths, strict=True):
        here = slice(end - length, end)
        parts = seen(parts, found(each[here], float(supply[here].mean())))
    np.testing.assert_allclose(parts.surprise, whole.surprise, rtol=1e-12, atol=1e-12)
    assert parts.steps == whole.steps == len(each)
    assert parts.supply == pytest.approx(supply.mean())
    known = np.isfinite(each).any(axis=0)
    np.testing.assert_allclose(parts.surprise[known], np.nanmean(each[:, known], axis=0), rtol=1e-10, atol=1e-12)
    assert np.isnan(parts.surprise[~known]).all()


@pytest.mark.parametrize(("start", "end"), [(20, 80), (45, 80), (79, 80), (80, 140), (0, 20)])
def test_an_hour_ends_on_the_clock_of_the_patterns(start: int, end: int) -> None:
    assert end_of(MODEL, start * MINUTE) == end * MINUTE
