"""Readings as a table of Arrow columns, long: `sensor, time, value` and perhaps `unit` and `quality`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tweeling.errors import DecodeError
from tweeling.live.ingest.decoded import MOST_READINGS, Decoded, columns_to_readings, repeated, text_column
from tweeling.live.ingest.times import LocalClock, times_of_column

NEEDED = ("sensor", "time", "value")
NO_VALUE = ("", "nan", "na", "n/a", "null", "none", "-")
"""How people write that there is no number, in small letters."""


def decode_table(table: pa.Table | pa.RecordBatch, clock: LocalClock, first_row: int = 0) -> Decoded:
    """Makes readings of a table.

    Args:
        table: with the long columns; others are not looked at.
        clock: for times without an offset.
        first_row: number of its first row, for verdicts.

    Raises:
        DecodeError: a column that is missing or of a kind that makes no sense.
    """
    require(table, NEEDED)
    sensor = texts_of(table, "sensor")
    times, told = times_of_column(table.column("time"), clock, sensor)
    value, remarks = numbers_of(table.column("value"), "value", first_row)
    index = np.arange(first_row, first_row + table.num_rows)
    words = texts_of(table, "unit"), texts_of(table, "quality")
    return columns_to_readings(sensor, times, told, value, *words, index=index, remarks=remarks)


def require(table: Any, needed: tuple[str, ...]) -> None:
    """Refuses a table that lacks columns, or has one of them twice."""
    names = table.schema.names
    missing = [name for name in needed if name not in names]
    if missing:
        raise DecodeError(f"no column {', '.join(missing)}; readings have time, sensor, value and perhaps unit and quality")
    for name in (*needed, "unit", "quality"):
        if names.count(name) > 1:
            raise DecodeError(f"the column {name} is there {names.count(name)} times")


def refuse_too_many(rows: int) -> None:
    """Refuses a body whose few bytes stand for more rows than memory is kept for."""
    if rows > MOST_READINGS:
        raise DecodeError(f"the body has {rows} readings; send at most {MOST_READINGS} at a time")


def texts_of(table: Any, name: str) -> npt.NDArray[np.object_]:
    """A column of texts, "" where there is none; a table without it has none; (row,)."""
    words, place = encoded_texts_of(table, name)
    return words[place]


def encoded_texts_of(table: Any, name: str) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.int64]]:
    """The different texts of a column, and which of them each row has: one object per text, for it is a hundred over and over.

    Raises:
        DecodeError: a column of something else.
    """
    rows = table.num_rows
    if rows == 0 or name not in table.schema.names or pa.types.is_null(table.column(name).type):
        return repeated("", 1), np.zeros(rows, dtype=np.int64)
    column = table.column(name)
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        raise DecodeError(f"the column {name} holds {kind}; make it texts")
    encoded = pa.chunked_array([column]) if isinstance(column, pa.Array) else column
    encoded = pc.dictionary_encode(encoded.cast(pa.string()).fill_null("")).combine_chunks()
    return text_column(encoded.dictionary.to_pylist()), np.asarray(encoded.indices, dtype=np.int64)


def numbers_of(column: Any, name: str, first_row: int = 0) -> tuple[npt.NDArray[np.float64], dict[int, str]]:
    """A column of numbers, NaN where there is none, and by row what was no number; (row,).

    Raises:
        DecodeError: a column that holds no numbers at all, such as lists.
    """
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _numbers_of_texts(column, first_row)
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind)):
        raise DecodeError(f"the column {name} holds {kind}; make it numbers")
    numbers = np.asarray(column.cast(pa.float64(), safe=False).fill_null(np.nan), dtype=np.float64)
    return numbers, {}


def _numbers_of_texts(column: Any, first_row: int) -> tuple[npt.NDArray[np.float64], dict[int, str]]:
    trimmed = pc.utf8_trim_whitespace(column)
    missing = pc.is_in(pc.utf8_lower(trimmed), pa.array(NO_VALUE)) if len(column) else None
    numbers = trimmed if missing is None else pc.if_else(missing, None, trimmed)
    try:
        return np.asarray(numbers.cast(pa.float64()).fill_null(np.nan), dtype=np.float64), {}
    except pa.ArrowInvalid:  # some cell is no number: once more, cell by cell
        found, remarks = np.full(len(column), np.nan), {}
        for row, text in enumerate(numbers.to_pylist()):
            if text is None:
                continue
            try:
                found[row] = float(text)
            except ValueError:
                remarks[first_row + row] = f"value {text[:40]!r} is no number"
        return found, remarks
