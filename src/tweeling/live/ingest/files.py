"""Readings from files: CSV or Parquet, wide (`time` and a column per sensor id) or long (`time,sensor,value[,unit][,quality]`).

Times without an offset are UTC unless a zone is named (`times.py` says what happens when the clocks change). In a wide file an
empty cell is no reading. A CSV with `;` between its columns may have decimal commas. Files are read in pieces, so that a year
of a town (12.6 million readings) need not be in memory as objects; `read_grid` is the short way to it for a replay.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from tweeling.errors import DecodeError, InputError, TooLargeError
from tweeling.live.ingest.columns import NEEDED, decode_table, encoded_texts_of, numbers_of, require, texts_of
from tweeling.live.ingest.decoded import Decoded, Verdict, columns_to_readings, repeated, text_column
from tweeling.live.ingest.times import LocalClock, times_of_column
from tweeling.live.store.versions import CORRECTED
from tweeling.network.network import Floats
from tweeling.observation.sensors import Sensors
from tweeling.reading import Flag
from tweeling.units import QUANTITIES, UNITS, dimension, si_per

PIECE = 500_000
"""Readings in a piece of a file."""
INDEX = "__index_level_0__"
"""What pandas calls an index without a name."""
LARGEST_GRID = 500_000_000
"""Cells."""
CSV_BLOCK = 4 << 20
NO_TIME = "no time that can be read; the row is not kept"


class Grid(NamedTuple):
    """Readings of a file on the times that occur in it.

    Args:
        times: microseconds since 1970 UTC, growing; (step,).
        values: SI, NaN where there is none; (step, sensor) in the order of the `Sensors`.
    """

    times: npt.NDArray[np.int64]
    values: Floats


def read_file(path: str | Path, zone: str = "UTC") -> Iterator[Decoded]:
    """Reads a file piece by piece, in its order; in a wide file row by row.

    Args:
        path: `.csv` (also `.csv.gz`) or `.parquet`.
        zone: of times without an offset.

    Raises:
        DecodeError: a file that cannot be made out; it names the place.
    """
    path, clock, row = Path(path), LocalClock(zone), 0
    for table in _tables(path):
        with _named(path):
            decoded = decode_table(table, clock, row) if _is_long(table.schema.names) else _decode_wide(table, clock, row)
        row += table.num_rows
        yield decoded


def read_grid(path: str | Path, sensors: Sensors, zone: str = "UTC") -> Grid:
    """Reads all of a file onto the times that occur in it, for a replay.

    Of several values for the same sensor and time the first number counts, unless a later one has the quality `corrected`: then
    the last of those. Readings of sensors that are not in `sensors`, in a unit that does not fit, or without a time are left
    out.

    Args:
        path, zone: as for `read_file`.
        sensors: of the twin.

    Raises:
        DecodeError: a file that cannot be made out; it names the place.
        InputError: a file that holds no reading of any of the sensors.
        TooLargeError: so many different times that the grid would not fit in memory.
    """
    path, clock = Path(path), LocalClock(zone)
    parts: list[_Cells] = []
    heard: set[str] = set()
    for table in _tables(path):
        with _named(path):
            if _is_long(table.schema.names):
                parts.append(_long_cells(table, clock, sensors, heard))
            else:
                parts.append(_wide_cells(table, clock, sensors, heard))
    if not heard or not any(len(part.times) for part in parts):
        raise InputError(
            f"{path} holds no reading of any of the {len(sensors)} sensors; its names must be those of sensors.csv"
        )
    return _grid(path, parts, len(sensors))


class _Cells(NamedTuple):
    """Values by time and sensor; wide pieces stay whole, for they are most of what is read.

    Args:
        times: (row,).
        sensor: (row,), or None: then `values` has a column per sensor.
        values: SI; (row,) or (row, sensor).
        corrected: (row,).
    """

    times: npt.NDArray[np.int64]
    sensor: npt.NDArray[np.int64] | None
    values: Floats
    corrected: npt.NDArray[np.bool_]


def _grid(path: Path, parts: list[_Cells], n_sensors: int) -> Grid:
    times = np.unique(np.concatenate([part.times for part in parts]))
    if len(times) * n_sensors > LARGEST_GRID:
        raise TooLargeError(f"{path} has {len(times)} different times; {n_sensors} sensors at each do not fit in memory")
    values = np.full((len(times), n_sensors), np.nan)
    fixed: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Floats]] = []
    for part in reversed(parts):  # backwards, so that the first is written last
        step = np.searchsorted(times, part.times)
        if part.sensor is None:
            _write_rows(values, step, part.values)
            continue
        number = ~np.isnan(part.values)
        row = np.flatnonzero(number)[::-1]
        values[step[row], part.sensor[row]] = part.values[row]
        row = np.flatnonzero(number & part.corrected)
        fixed.append((step[row], part.sensor[row], part.values[row]))
    for step, sensor, value in reversed(fixed):
        values[step, sensor] = value
    return Grid(times, values)


def _write_rows(values: Floats, step: npt.NDArray[np.int64], rows: Floats) -> None:
    """Writes wide rows over what is there, last row first; an empty cell writes nothing."""
    if len(step) and np.all(np.diff(step) > 0):
        values[step] = np.where(np.isnan(rows), values[step], rows)
        return
    for place in range(len(step) - 1, -1, -1):
        values[step[place]] = np.where(np.isnan(rows[place]), values[step[place]], rows[place])


def _wide_cells(table: pa.Table, clock: LocalClock, sensors: Sensors, heard: set[str]) -> _Cells:
    times, told, _ = _wide_times(table, clock)
    values = np.full((int(told.sum()), len(sensors)), np.nan)
    for place, name in enumerate(sensors.ids):
        if name in table.schema.names:
            heard.add(name)
            values[:, place] = numbers_of(table.column(name), name)[0][told] * sensors.si_per_unit[place]
    return _Cells(times[told], None, values, np.zeros(len(values), dtype=bool))


def _long_cells(table: pa.Table, clock: LocalClock, sensors: Sensors, heard: set[str]) -> _Cells:
    require(table, NEEDED)
    words, place = encoded_texts_of(table, "sensor")
    known = np.array([sensors.index.get(word, -1) for word in words], dtype=np.int64)
    heard.update(word for word in words if word in sensors.index)
    sensor = known[place]
    times, told = times_of_column(table.column("time"), clock, words[place])
    values, _ = numbers_of(table.column("value"), "value")
    values = values * _si_per(table, sensor, sensors)
    keep = told & (sensor >= 0)
    corrected = texts_of(table, "quality") == CORRECTED
    return _Cells(times[keep], sensor[keep], values[keep], np.asarray(corrected, dtype=bool)[keep])


def _si_per(table: pa.Table, sensor: npt.NDArray[np.int64], sensors: Sensors) -> Floats:
    """SI in one of each reading's unit, NaN for a unit of another dimension; (row,)."""
    factor = sensors.si_per_unit[sensor]
    kind = np.array([QUANTITIES[row.quantity] for row in sensors.rows])[sensor]
    words, place = encoded_texts_of(table, "unit")
    for number, name in enumerate(words):
        if name:
            fits = (kind == dimension(name)) if name in UNITS else np.zeros(len(kind), dtype=bool)
            factor = np.where(place == number, np.where(fits, si_per(name) if name in UNITS else np.nan, np.nan), factor)
    return factor


def _decode_wide(table: pa.Table, clock: LocalClock, first_row: int) -> Decoded:
    """A wide piece as readings, row by row."""
    times, told, time_name = _wide_times(table, clock)
    names = [name for name in table.schema.names if name != time_name]
    values = np.empty((table.num_rows, len(names)))
    remarks: dict[int, str] = {}
    written = np.empty(values.shape, dtype=np.bool_)
    for place, name in enumerate(names):
        values[:, place], found = numbers_of(table.column(name), name, first_row)
        written[:, place] = ~np.isnan(values[:, place])
        for odd, why in found.items():
            written[odd - first_row, place] = True  # something stood there: a reading without a number
            remarks[odd] = f"{name}: {why}"
    rows, places = np.nonzero(written & told[:, None])
    refused = [Verdict(first_row + row, Flag.BAD_CLOCK, NO_TIME) for row in np.flatnonzero(~told).tolist()]
    return columns_to_readings(
        text_column(names)[places],
        times[rows],
        np.ones(len(rows), dtype=np.bool_),
        values[rows, places],
        repeated("", len(rows)),
        repeated("", len(rows)),
        index=rows + first_row,
        refused=refused,
        remarks=remarks,
    )


def _wide_times(table: pa.Table, clock: LocalClock) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_], str]:
    names = table.schema.names
    if "time" not in names and INDEX not in names:
        raise DecodeError("no column time; a file of readings has time and a column per sensor, or time,sensor,value")
    name = "time" if "time" in names else INDEX
    twice = sorted({other for other in names if names.count(other) > 1})
    if twice:
        raise DecodeError(f"the column {twice[0]!r} is there {names.count(twice[0])} times")
    times, told = times_of_column(table.column(name), clock)
    return times, told, name


def _is_long(names: list[str]) -> bool:
    return "sensor" in names and "value" in names


def _tables(path: Path) -> Iterator[pa.Table]:
    """A file's rows as tables of about `PIECE` readings."""
    name = path.name.lower()
    kinds = {".parquet": _parquet_tables, ".pq": _parquet_tables, ".csv": _csv_tables, ".csv.gz": _csv_tables}
    read = next((read for ending, read in kinds.items() if name.endswith(ending)), None)
    if read is None:
        raise DecodeError(f"{path}: a file of readings ends in {', '.join(kinds)}")
    with _named(path):
        yield from read(path)


def _parquet_tables(path: Path) -> Iterator[pa.Table]:
    with pq.ParquetFile(path) as file:
        names = file.schema_arrow.names
        rows = PIECE if _is_long(names) else max(1, PIECE // max(len(names), 1))
        for batch in file.iter_batches(batch_size=rows):
            yield pa.Table.from_batches([batch])


def _csv_tables(path: Path) -> Iterator[pa.Table]:
    """CSV as texts, which are turned into numbers a column at a time: one odd cell must not refuse a file."""
    with pa.input_stream(path, compression="detect") as head:
        first = head.read(1 << 20).split(b"\n")[0].decode("utf-8-sig").strip("\r")
    separator = ";" if first.count(";") > first.count(",") else ","
    names = next(iter(_csv_rows(first, separator)), [])
    if not names:
        raise DecodeError("an empty file; a file of readings begins with the names of its columns")
    options = {
        "read_options": pa.csv.ReadOptions(block_size=CSV_BLOCK, column_names=names, skip_rows=1),
        "parse_options": pa.csv.ParseOptions(delimiter=separator),
        "convert_options": pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
    }
    with pa.input_stream(path, compression="detect") as body, pa.csv.open_csv(body, **options) as reader:
        for batch in reader:
            table = pa.Table.from_batches([batch])
            yield _with_points(table) if separator == ";" else table


def _csv_rows(line: str, separator: str) -> Iterator[list[str]]:
    import csv

    for row in csv.reader([line], delimiter=separator):
        yield [name.strip() for name in row]


def _with_points(table: pa.Table) -> pa.Table:
    """Decimal commas as points, in all columns that hold numbers."""
    for place, name in enumerate(table.schema.names):
        if name not in ("time", "sensor", "unit", "quality"):
            table = table.set_column(place, name, pc.replace_substring(table.column(place), ",", "."))
    return table


@contextmanager
def _named(path: Path) -> Iterator[Any]:
    """Says which file it is that cannot be made out."""
    try:
        yield
    except DecodeError as error:
        raise error if str(error).startswith(str(path)) else DecodeError(f"{path}: {error}") from error
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DecodeError(f"{path} cannot be read as readings: {error}") from error
