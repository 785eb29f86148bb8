"""Files: wide or long, CSV or Parquet, the same readings come out, in pieces or as a grid."""

from __future__ import annotations

import gzip
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.test_store import checked
from tweeling.errors import DecodeError, InputError, TooLargeError
from tweeling.live.ingest import files
from tweeling.live.ingest.decoded import Decoded
from tweeling.live.ingest.files import read_file, read_grid
from tweeling.live.store.sqlite import SqliteReadingLog
from tweeling.live.store.versions import counting
from tweeling.observation.sensors import Sensor, Sensors
from tweeling.reading import CheckedReadings, Flag, iso_time

ROWS = (Sensor("p", "pressure", "n", "kPa", 1.0), Sensor("q", "flow", "l", "m3/h", 1.0), Sensor("r", "pressure", "m", "m", 1.0))
FACTOR = np.array([1 / 9.80665, 1 / 3600, 1.0])
SENSORS = Sensors(ROWS, np.zeros(3, dtype=np.int64), np.ones(3), FACTOR)
TIMES = pd.date_range("2018-01-01", periods=7, freq="5min", tz="UTC", name="time")
VALUES = np.round(np.random.default_rng(1).normal(40, 5, (7, 3)), 3)
VALUES[2, 1] = VALUES[5] = np.nan
MICROSECONDS = TIMES.as_unit("us").asi8.tolist()

Row = tuple[int, str, float]


def wide() -> pd.DataFrame:
    return pd.DataFrame(VALUES, index=TIMES, columns=["p", "q", "r"])


def long() -> pd.DataFrame:
    table = wide().reset_index().melt("time", var_name="sensor", value_name="value").dropna()
    return table.sort_values(["time", "sensor"], kind="stable").reset_index(drop=True)


def write(kind: str, folder: Path) -> Path:
    path = folder / f"readings.{kind.split()[0]}"
    naive = wide().tz_localize(None)
    {
        "csv wide": lambda: wide().to_csv(path),
        "csv long": lambda: long().to_csv(path, index=False),
        "csv naive": lambda: naive.to_csv(path),
        "csv commas": lambda: naive.to_csv(path, sep=";", decimal=","),
        "csv mark": lambda: wide().to_csv(path, encoding="utf-8-sig", lineterminator="\r\n"),
        "csv.gz wide": lambda: wide().to_csv(path, compression="gzip"),
        "parquet index": lambda: wide().to_parquet(path),
        "parquet column": lambda: wide().reset_index().to_parquet(path, index=False),
        "parquet unnamed": lambda: wide().rename_axis(None).to_parquet(path),
        "parquet long": lambda: long().to_parquet(path),
    }[kind]()
    return path


every_kind = pytest.mark.parametrize(
    "kind",
    ["csv wide", "csv long", "csv naive", "csv commas", "csv mark", "csv.gz wide",
     "parquet index", "parquet column", "parquet unnamed", "parquet long"],
)  # fmt: skip


def rows_of(pieces: list[Decoded]) -> list[Row]:
    return [
        row
        for piece in pieces
        for row in zip(piece.readings.time.tolist(), piece.readings.sensor.tolist(), piece.readings.value.tolist(), strict=True)
    ]


EXPECTED: list[Row] = [
    (MICROSECONDS[step], ROWS[place].id, float(VALUES[step, place]))
    for step in range(7)
    for place in range(3)
    if not math.isnan(VALUES[step, place])
]


@every_kind
@pytest.mark.parametrize("piece", [1, 4, 500_000])
def test_every_kind_of_file_holds_the_same_readings(
    kind: str, piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PIECE", piece)
    path = write(kind, tmp_path)
    pieces = list(read_file(path))
    assert rows_of(pieces) == EXPECTED
    assert not any(decoded.refused or decoded.remarks for decoded in pieces)
    if "parquet" in kind and piece == 1:
        assert len(pieces) >= 7


@every_kind
@pytest.mark.parametrize("piece", [1, 500_000])
def test_every_kind_of_file_gives_the_same_grid(kind: str, piece: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PIECE", piece)
    times, values = read_grid(write(kind, tmp_path), SENSORS)
    steps = [step for step in range(7) if step != 5 or "long" not in kind]  # a long file says nothing of an empty moment
    assert times.tolist() == [MICROSECONDS[step] for step in steps]
    np.testing.assert_array_equal(values, (VALUES * FACTOR)[steps])


def test_the_pieces_of_a_large_csv_are_read_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CSV_BLOCK", 10_000)
    table = pd.DataFrame({"time": TIMES[0] + pd.to_timedelta(np.arange(5000), unit="min"), "p": 1.5, "q": "2"})
    table.to_csv(tmp_path / "a.csv", index=False)
    pieces = list(read_file(tmp_path / "a.csv"))
    assert len(pieces) > 5
    assert sum(len(piece) for piece in pieces) == 10_000
    assert np.concatenate([piece.index for piece in pieces]).tolist() == np.repeat(np.arange(5000), 2).tolist()


def test_columns_come_in_the_order_of_the_sensors_and_strangers_are_left_out(tmp_path: Path) -> None:
    table = wide()[["r", "p"]].assign(stranger=1.0)
    table.to_parquet(tmp_path / "a.parquet")
    _, values = read_grid(tmp_path / "a.parquet", SENSORS)
    np.testing.assert_array_equal(values[:, [0, 2]], (VALUES * FACTOR)[:, [0, 2]])
    assert np.isnan(values[:, 1]).all()
    pieces = list(read_file(tmp_path / "a.parquet"))
    assert {name for piece in pieces for name in piece.readings.sensor} == {"r", "p", "stranger"}  # for the check to flag


def grid_of(rows: list[dict[str, Any]], folder: Path) -> np.ndarray:
    pd.DataFrame(rows).to_csv(folder / "a.csv", index=False)
    return read_grid(folder / "a.csv", SENSORS).values


def test_units_and_versions_of_a_long_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CSV_BLOCK", 100)  # versions lie in different pieces

    def row(sensor: str, value: Any, unit: str = "", quality: str = "") -> dict[str, Any]:
        return {"time": "2018-01-01T00:00:00Z", "sensor": sensor, "value": value, "unit": unit, "quality": quality}

    assert grid_of([row("p", 5, "m")], tmp_path)[0, 0] == 5.0
    assert grid_of([row("q", 5, "L/s")], tmp_path)[0, 1] == 0.005
    assert math.isnan(grid_of([row("q", 5, "m")], tmp_path)[0, 1])
    assert math.isnan(grid_of([row("q", 5, "cubits")], tmp_path)[0, 1])
    assert grid_of([row("r", 1), row("r", 2), row("r", 3)], tmp_path)[0, 2] == 1
    assert grid_of([row("r", ""), row("r", 2), row("r", 3)], tmp_path)[0, 2] == 2
    corrected = [row("r", 1), row("r", 2, "", "corrected"), row("r", 3, "", "corrected"), row("r", 4)]
    assert grid_of(corrected, tmp_path)[0, 2] == 3


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from("pqr"), st.sampled_from([1.0, 2.0, 3.0, math.nan]), st.booleans()),
        min_size=1,
    ),
    piece=st.integers(1, 9),
)
@settings(max_examples=50, deadline=None)
def test_the_grid_of_a_long_file_is_what_reading_row_by_row_gives(
    rows: list[tuple[int, str, float, bool]], piece: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("grid") / "a.parquet"
    step, name, value, corrected = (list(column) for column in zip(*rows, strict=True))
    quality = ["corrected" if one else "" for one in corrected]
    pq.write_table(pa.table({"time": TIMES[step], "sensor": name, "value": value, "quality": quality}), path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "PIECE", piece)
        times, values = read_grid(path, SENSORS)
    expected = np.full((4, 3), np.nan)
    fixed = np.zeros((4, 3), dtype=bool)
    for moment, sensor, number, right in rows:
        place = (moment, "pqr".index(sensor))
        if not math.isnan(number) and (right or (math.isnan(expected[place]) and not fixed[place])):
            expected[place], fixed[place] = number, right
    there = sorted(set(step))
    assert times.tolist() == [MICROSECONDS[moment] for moment in there]
    np.testing.assert_array_equal(values, (expected * FACTOR)[there])


def test_rows_of_a_wide_file_in_any_order_and_twice_give_a_growing_grid(tmp_path: Path) -> None:
    first, again = wide(), wide() + 1
    pd.concat([first.iloc[::-1], again]).to_parquet(tmp_path / "a.parquet")
    times, values = read_grid(tmp_path / "a.parquet", SENSORS)
    assert times.tolist() == MICROSECONDS
    np.testing.assert_array_equal(values, (VALUES * FACTOR))


def test_a_zone_that_is_named_is_that_of_times_without_an_offset(tmp_path: Path) -> None:
    start = pd.date_range("2018-10-28 00:00", "2018-10-28 04:00", freq="30min", tz="Europe/Amsterdam", name="time")
    table = pd.DataFrame({"p": np.arange(len(start), dtype=float)}, index=start)
    table.tz_localize(None).to_csv(tmp_path / "local.csv")
    table.to_parquet(tmp_path / "aware.parquet")
    for name, zone in (("local.csv", "Europe/Amsterdam"), ("aware.parquet", "UTC")):
        times, values = read_grid(tmp_path / name, SENSORS, zone)
        assert times.tolist() == start.tz_convert("UTC").as_unit("us").asi8.tolist()  # two hours of them are 02:00 to 02:30
        assert (values[:, 0] / FACTOR[0]).round(6).tolist() == list(range(len(start)))


def test_a_cell_that_is_no_number_does_not_hold_up_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "time,p,q\n2018-01-01T00:00:00Z,1,broken\nsoon,2,3\n2018-01-01T00:05:00Z, 4 ,NaN\n2018-01-01T00:10:00Z,,n/a\n"
    )
    (decoded,) = read_file(tmp_path / "a.csv")
    readings = decoded.readings
    assert readings.sensor.tolist() == ["p", "q", "p"]
    np.testing.assert_array_equal(readings.value, [1.0, np.nan, 4.0])
    assert decoded.remarks == {0: "q: value 'broken' is no number"}
    assert [(verdict.index, verdict.flag) for verdict in decoded.refused] == [(1, Flag.BAD_CLOCK)]
    grid = read_grid(tmp_path / "a.csv", SENSORS)
    assert [iso_time(time) for time in grid.times.tolist()] == [f"2018-01-01T00:{minute}:00Z" for minute in ("00", "05", "10")]


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("a.csv", b"", "empty file"),
        ("a.csv", b"moment,p\n1,2\n", "no column time"),
        ("a.csv", b"time,p,p\n2018-01-01T00:00:00Z,1,2\n", "'?p'? is there 2 times"),
        ("a.csv", b"time,p\n2018-01-01T00:00:00Z,1,2\n", "cannot be read as readings: CSV parse error"),
        ("a.csv", b"time,p\n\xff\xfe,1\n", "cannot be read as readings"),
        ("a.csv", b"\xff\xfe\n", "cannot be read as readings"),
        ("a.csv", b"sensor,value\np,1\n", "no column time"),
        ("a.csv.gz", gzip.compress(b"time,p\n2018-01-01T00:00:00Z,1\n", mtime=0)[:-9], "cannot be read as readings"),
        ("a.parquet", b"PAR1 no", "cannot be read as readings"),
        ("a.xlsx", b"", r"ends in \.parquet, \.pq, \.csv, \.csv\.gz"),
        ("missing.csv", None, "cannot be read as readings"),
    ],
)
def test_a_file_that_cannot_be_made_out_is_refused_by_name(
    name: str, content: bytes | None, match: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    for read in (lambda: list(read_file(path)), lambda: read_grid(path, SENSORS)):
        with pytest.raises(DecodeError, match=match) as caught:
            read()
        assert str(caught.value).startswith(str(path))
        assert str(caught.value).count(f"{path}:") <= 1


def test_a_file_without_rows_has_no_readings(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time,p\n")
    pq.write_table(
        pa.table({"time": pa.array([], pa.timestamp("us")), "p": pa.array([], pa.float64())}), tmp_path / "a.parquet"
    )
    for name in ("a.csv", "a.parquet"):
        assert rows_of(list(read_file(tmp_path / name))) == []
        with pytest.raises(InputError, match="holds no reading"):
            read_grid(tmp_path / name, SENSORS)


def test_a_file_of_other_sensors_is_refused_by_a_replay(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time,x\n2018-01-01T00:00:00Z,1\n")
    with pytest.raises(InputError, match="no reading of any of the 3 sensors"):
        read_grid(tmp_path / "a.csv", SENSORS)


def test_a_grid_that_would_not_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST_GRID", 20)
    with pytest.raises(TooLargeError, match="7 different times"):
        read_grid(write("csv wide", tmp_path), SENSORS)


def test_an_absurd_year_does_not_stretch_a_replay(tmp_path: Path) -> None:
    for name, text in (("a.csv", "time,p\n1970-01-01,1\n2018-01-01,2\n2106-01-01,3\n"),
                       ("b.csv", "time,sensor,value\n1970-01-01,p,1\n2018-01-01,p,2\n2106-01-01,p,3\n")):  # fmt: skip
        (tmp_path / name).write_text(text)
        assert [iso_time(time) for time in read_grid(tmp_path / name, SENSORS).times.tolist()] == ["2018-01-01T00:00:00Z"]


def test_what_a_store_exports_reads_back_as_the_same_readings(tmp_path: Path) -> None:
    log = SqliteReadingLog(tmp_path / "twin.db", write=True)
    log.append(checked([("p", MICROSECONDS[1], 5.0), ("q", MICROSECONDS[0], math.nan), ("p", MICROSECONDS[0], 1.0)]), 1)
    log.append(checked([("p", MICROSECONDS[0], 3.0), ("p", MICROSECONDS[1], 2.0)], unit="m", quality="corrected"), 2)
    log.export(tmp_path / "out.parquet", 0, MICROSECONDS[-1])
    (decoded,) = read_file(tmp_path / "out.parquet")
    again = SqliteReadingLog(tmp_path / "again.db", write=True)
    readings = decoded.readings
    again.append(CheckedReadings(readings, np.zeros(5, np.int8), readings.value / 2, np.full(5, "", object)), 1)
    stored, exported = log.after(0), again.after(0)
    counted = [sorted(zip(*(getattr(one, name)[counting(one)].tolist() for name in ("time", "sensor", "quality")), strict=True))
               for one in (stored, exported)]  # fmt: skip
    assert counted[0] == counted[1]
    assert len(exported) == len(stored) == 5
    np.testing.assert_array_equal(read_grid(tmp_path / "out.parquet", SENSORS).values[:, 0], [3.0, 2.0])
    log.close()
    again.close()
