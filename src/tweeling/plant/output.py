"""Readings in a file: Parquet or CSV, wide or long; the file appears whole or not at all, its truth beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

import numpy as np
import pandas as pd

from tweeling.errors import InputError
from tweeling.network.network import Floats, Ints
from tweeling.plant.run import Piece

SUFFIXES = (".parquet", ".csv")


def write_readings(path: Path, ids: Sequence[str], times: Ints, readings: Floats, *, long: bool = False) -> None:
    """Writes readings.

    Args:
        path: ends in `.parquet` or `.csv`.
        ids: of the sensors.
        times: microseconds since 1970 UTC; (step,).
        readings: in each sensor's unit, NaN where nothing came; (step, sensor).
        long: `time,sensor,value`, a row a reading; else an index `time` and a column a sensor.
    """
    check_suffix(path)
    table = _long(ids, times, readings) if long else _wide(ids, times, readings)
    if path.suffix == ".csv":
        _whole(path, lambda file: table.to_csv(file, index=not long, date_format="%Y-%m-%dT%H:%M:%SZ", lineterminator="\n"))
    else:
        _whole(path, lambda file: table.to_parquet(file, index=not long))


def write_run(path: Path, ids: Sequence[str], pieces: Sequence[Piece], *, long: bool = False) -> None:
    """Writes the readings of all pieces of a run, as `write_readings` does."""
    times = np.concatenate([piece.times for piece in pieces])
    write_readings(path, ids, times, np.concatenate([piece.readings for piece in pieces]), long=long)


def check_suffix(path: Path) -> None:
    """Refuses a kind of file that is not written.

    Raises:
        InputError: names the kinds.
    """
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path}: readings are written as {' or '.join(SUFFIXES)}; let the name end so")


def truth_path(path: Path) -> Path:
    """Where the truth of a file of readings stands."""
    return path.with_name(f"{path.name}.truth.json")


def write_truth(path: Path, document: dict[str, Any]) -> None:
    """Writes what is true."""
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    _whole(path, lambda file: file.write(text.encode()))


def _moments(times: Ints) -> Any:
    return pd.DatetimeIndex(times.astype("datetime64[us]"), tz="UTC", name="time")


def _wide(ids: Sequence[str], times: Ints, readings: Floats) -> Any:
    return pd.DataFrame(readings, index=_moments(times), columns=list(ids))


def _long(ids: Sequence[str], times: Ints, readings: Floats) -> Any:
    step, sensor = np.nonzero(~np.isnan(readings))
    columns = {"time": _moments(times[step]), "sensor": np.array(ids, object)[sensor], "value": readings[step, sensor]}
    return pd.DataFrame(columns)


def _whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with temporary.open("xb") as file:
            write(file)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
