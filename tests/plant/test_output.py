"""Readings in files: every form says the same, and a file appears whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tweeling.errors import InputError
from tweeling.plant.output import check_suffix, truth_path, write_readings, write_truth

IDS = ("pressure:n1", "flow:p1")
TIMES = 1514764800_000_000 + 300_000_000 * np.arange(3, dtype=np.int64)
READINGS = np.array([[36.84, 1.5], [np.nan, 2.5], [36.8, np.nan]])


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_wide_has_an_index_of_times_and_a_column_a_sensor(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"readings{suffix}"
    write_readings(path, IDS, TIMES, READINGS)
    table = pd.read_parquet(path) if suffix == ".parquet" else pd.read_csv(path, index_col="time", parse_dates=True)
    assert table.index.name == "time"
    assert list(table.columns) == list(IDS)
    assert str(table.index[1]) == "2018-01-01 00:05:00+00:00"
    np.testing.assert_array_equal(table.to_numpy(), READINGS)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_long_has_a_row_for_each_reading_that_came_in_order_of_time(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"readings{suffix}"
    write_readings(path, IDS, TIMES, READINGS, long=True)
    table = pd.read_parquet(path) if suffix == ".parquet" else pd.read_csv(path, parse_dates=["time"])
    assert list(table.columns) == ["time", "sensor", "value"]
    assert list(table.sensor) == ["pressure:n1", "flow:p1", "flow:p1", "pressure:n1"]
    assert list(table.value) == [36.84, 1.5, 2.5, 36.8]
    assert table.time.is_monotonic_increasing


def test_a_csv_reads_as_a_person_would_write_it(tmp_path: Path) -> None:
    write_readings(tmp_path / "r.csv", IDS, TIMES, READINGS)
    lines = (tmp_path / "r.csv").read_text().splitlines()
    assert lines[:3] == ["time,pressure:n1,flow:p1", "2018-01-01T00:00:00Z,36.84,1.5", "2018-01-01T00:05:00Z,,2.5"]


def test_other_kinds_of_file_are_refused() -> None:
    with pytest.raises(InputError, match=r"\.parquet or \.csv"):
        check_suffix(Path("readings.xlsx"))


def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "r.csv.truth.json"
    assert truth_path(tmp_path / "r.csv") == path
    write_truth(path, {"seed": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        write_truth(path, {"seed": float("nan")})
    assert '"seed": 1' in path.read_text()
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
