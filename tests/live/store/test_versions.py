"""Of several readings of one moment, the one that counts."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tweeling.live.ingest.decoded import repeated, text_column
from tweeling.live.store.contract import StoredReadings
from tweeling.live.store.versions import counting

Row = tuple[str, int, float, str]


def stored(rows: list[Row]) -> StoredReadings:
    n = len(rows)
    clean = np.array([row[2] for row in rows], dtype=float)
    return StoredReadings(
        sequence=np.arange(1, n + 1),
        sensor=text_column(row[0] for row in rows),
        time=np.array([row[1] for row in rows], dtype=np.int64),
        value=clean,
        unit=repeated("", n),
        quality=text_column(row[3] for row in rows),
        flag=np.zeros(n, dtype=np.int8),
        clean=clean,
        received=np.zeros(n, dtype=np.int64),
    )


def values(rows: list[Row]) -> list[float]:
    readings = stored(rows)
    return [float(value) for value in readings.clean[counting(readings)]]


def test_the_first_counts_unless_another_is_corrected() -> None:
    assert values([("a", 1, 1.0, ""), ("a", 1, 2.0, "")]) == [1.0]
    assert values([("a", 1, 1.0, ""), ("a", 1, 2.0, "corrected"), ("a", 1, 3.0, "")]) == [2.0]
    assert values([("a", 1, 1.0, "corrected"), ("a", 1, 2.0, "corrected")]) == [2.0]


def test_one_without_a_number_counts_only_alone() -> None:
    assert values([("a", 1, math.nan, ""), ("a", 1, 2.0, "")]) == [2.0]
    assert values([("a", 1, 1.0, ""), ("a", 1, math.nan, "corrected")]) == [1.0]
    assert np.isnan(values([("a", 1, math.nan, ""), ("a", 1, math.nan, "corrected")])).tolist() == [True]
    assert values([]) == []


rows = st.tuples(
    st.sampled_from("ab"), st.integers(0, 2), st.sampled_from([1.0, 2.0, math.nan]), st.sampled_from(["", "corrected", "x"])
)


@given(st.lists(rows, max_size=15))
def test_each_sensor_has_one_at_each_of_its_times(drawn: list[Row]) -> None:
    counts = counting(stored(drawn))
    expected: dict[tuple[str, int], int] = {}
    for place, (name, time, value, word) in enumerate(drawn):
        now = expected.setdefault((name, time), place)
        better = math.isnan(drawn[now][2]) or word == "corrected"
        if not math.isnan(value) and better:
            expected[name, time] = place
    assert np.flatnonzero(counts).tolist() == sorted(expected.values())
