"""A recording replayed: the same twin over readings of a file, as fast as it goes.

    grid of the file -> batch after batch -> `advance` -> findings.json, estimates.parquet, scorecard.json

A replay goes in the order of time, so it is what a live twin would have found if nothing had come after its cycle had closed.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tweeling.errors import InputError
from tweeling.live.advance import CycleInfo, Twin, TwinState, advance, first_state
from tweeling.live.bands import SCHEMA, element_rows
from tweeling.live.batch import Batch
from tweeling.live.check import grid_flags, limits_of
from tweeling.live.ingest.files import Grid, read_grid
from tweeling.live.scorecard import as_document
from tweeling.live.window import HOLDS_ON, Timing
from tweeling.reading import Flag

Progress = Callable[[int, int], None]
FINDINGS, ESTIMATES, SCORECARD = "findings.json", "estimates.parquet", "scorecard.json"
ROWS_AT_ONCE = 2_000_000
"""Rows of `estimates.parquet` that are written together."""


@dataclass(frozen=True, eq=False)
class Replayed:
    """What came of a replay.

    Args:
        state: after the last cycle.
        cycles: how many there were.
        seconds: wall clock of each; (cycle,).
    """

    state: TwinState
    cycles: int
    seconds: np.ndarray


def batches(twin: Twin, grid: Grid) -> list[Batch]:
    """The cycles of a recording, in order; a cycle without any reading is one of missing values.

    A time between two grid times belongs to the later one. Of several points in an interval the last counts, of flows and
    demands their mean.
    """
    timing, sensors = Timing.of(twin.config), twin.sensors
    steps = timing.cycle // timing.interval
    flags = grid_flags(limits_of(twin.network, sensors), grid.values)
    start = timing.end_of(int(grid.times[0])) - timing.cycle
    row = -(-(grid.times - start) // timing.interval) - 1
    count = -(-(int(row[-1]) + 1) // steps) * steps
    seen = np.full((count, len(sensors)), np.nan)
    flag = np.full((count, len(sensors)), Flag.MISSING_VALUE, dtype=np.int8)
    holds = np.array([sensor.quantity in HOLDS_ON for sensor in sensors.rows])
    _fill(seen, flag, row, grid.values, flags, holds)
    value = np.where(flag == Flag.GOOD, seen, np.nan)
    found = []
    for first in range(0, count, steps):
        rows = slice(first, first + steps)
        times = start + timing.interval * np.arange(first + 1, first + steps + 1, dtype=np.int64)
        found.append(Batch(int(times[-1]), times, value[rows], seen[rows], flag[rows]))
    return found


def _fill(seen: Any, flag: Any, row: Any, values: Any, flags: Any, holds: Any) -> None:
    """Puts readings on the grid; in place."""
    if len(np.unique(row)) == len(row):
        seen[row], flag[row] = values, np.where(np.isfinite(values), flags, Flag.MISSING_VALUE)
        return
    total, number = np.zeros(seen.shape), np.zeros(seen.shape)
    for place, new, marks in zip(row, values, flags, strict=True):
        there = np.isfinite(new)
        seen[place, there], flag[place, there] = new[there], marks[there]
        averaged = there & holds & (marks == Flag.GOOD)
        total[place, averaged] += new[averaged]
        number[place, averaged] += 1
    several = number > 1
    seen[several] = total[several] / number[several]
    flag[several] = Flag.GOOD


def replay(
    twin: Twin, grid: Grid, each: Callable[[Batch, CycleInfo, TwinState], None], progress: Progress | None = None
) -> Replayed:
    """Takes a twin through a recording.

    Args:
        twin: what does not change.
        grid: the recording.
        each: hears of every cycle.
        progress: called with cycles done and in all.
    """
    cycles = batches(twin, grid)
    length = Timing.of(twin.config).cycle
    state, seconds = first_state(twin, cycles[0].end - length), np.empty(len(cycles))
    for number, batch in enumerate(cycles):
        began = time.perf_counter()
        state, info = advance(twin, state, batch)
        seconds[number] = time.perf_counter() - began
        each(batch, info, state)
        if progress:
            progress(number + 1, len(cycles))
    return Replayed(state, len(cycles), seconds)


def replay_file(twin: Twin, readings: Path, out: Path, progress: Progress | None = None) -> Replayed:
    """Replays a file and writes what came of it into a folder, which is made if need be.

    Raises:
        InputError: a file of readings that cannot be used, or a folder that cannot be written to.
    """
    grid = read_grid(readings, twin.sensors, twin.config.sensors.zone)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out} cannot be made a folder: {error}") from error
    with _estimates(twin, out / ESTIMATES) as keep:
        done = replay(twin, grid, keep, progress)
    findings = [finding.as_document() for finding in done.state.findings]
    _write_json(out / FINDINGS, findings)
    withheld = twin.withheld.tolist()
    card = as_document(done.state.score, twin.sensors, withheld, done.state.findings, done.seconds.tolist())
    _write_json(out / SCORECARD, card)
    return done


@contextmanager
def _estimates(twin: Twin, path: Path) -> Iterator[Callable[[Batch, CycleInfo, TwinState], None]]:
    """Writes bands as `[output]` asks; the file is there when it is whole."""
    beside = path.with_name(path.name + ".part")
    every, output = round(twin.config.output.every * 1e6), twin.config.output
    waiting: list[pa.Table] = []
    metadata = {b"unit.pressure": b"m", b"unit.head": b"m", b"unit.flow": b"m3/s", b"unit.demand": b"m3/s"}
    schema = SCHEMA.with_metadata(metadata)
    with pq.ParquetWriter(beside, schema, compression="zstd") as writer:

        def flush() -> None:
            if waiting:
                writer.write_table(pa.concat_tables(waiting).unify_dictionaries().cast(schema))
                waiting.clear()

        def keep(batch: Batch, info: CycleInfo, state: TwinState) -> None:
            if batch.end % every:
                return
            for quantity in output.quantities:
                if quantity in info.estimates:
                    rows = element_rows(batch.end, quantity, info.estimates[quantity], twin.network, output.elements)
                    waiting.append(rows)
            if sum(len(table) for table in waiting) > ROWS_AT_ONCE:
                flush()

        yield keep
        flush()
    os.replace(beside, path)


def _write_json(path: Path, document: Any) -> None:
    """Writes beside and renames, so that a file is never half there."""
    beside = path.with_name(path.name + ".part")
    beside.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    os.replace(beside, path)
