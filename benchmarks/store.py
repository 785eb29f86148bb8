"""The way in: how many readings a second are decoded, checked, and on disk.

Durable rows: the call returns once they are synced. The disk decides much of it; what a sync of this one takes is in the notes.

    python benchmarks/store.py [--seconds S]
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from common import package_folder, write_result
from tweeling.live.batch import Batch
from tweeling.live.check import ClockState, check_readings, limits_of
from tweeling.live.ingest.decoded import repeated, text_column
from tweeling.live.ingest.formats import decode_body
from tweeling.live.ingest.inbox import Inbox
from tweeling.live.store.sqlite import SqliteReadingLog
from tweeling.live.watch import WatchState, watch
from tweeling.network.inp.read import read_network
from tweeling.observation.sensors import Sensor, Sensors
from tweeling.reading import SECOND, CheckedReadings, Readings, iso_time

START = 1_514_764_800 * SECOND
INTERVAL = 300 * SECOND
N_SENSORS = 120
CALLERS = 50
DECODED = 100_000
SIZES = (1, 100, 1_000, 10_000)
PROMISED = {1_000: 100_000}


def main() -> None:
    """Measures, and writes the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="for each figure")
    seconds = parser.parse_args().seconds
    sensors = town_sensors()
    rates = appended(sensors, seconds)
    rows = [row(f"durable, {size:,} readings at a time", rates[size], PROMISED.get(size)) for size in SIZES]
    rows.append(row(f"durable, 1 at a time, {CALLERS} callers at once", together(sensors, seconds), None))
    rows += [row(what, rate, aim) for what, (rate, aim) in taken_in(sensors, seconds).items()]
    for entry in rows:
        print(f"{entry['what']:<60} {entry['measured']}")
    notes = [
        f"{N_SENSORS} sensors, a reading each per five minutes; SQLite with its log synced at each commit.",
        f"A write and sync of 4 KiB takes {sync_milliseconds():.2f} ms on this disk.",
        f"The system's load was {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, this script's own included.",
        "Decoded and checked in bodies of 100,000; the watch takes cycles of twelve steps.",
    ]
    write_result("store", rows, notes)


def row(what: str, rate: float, aim: int | None) -> Mapping[str, str]:
    """A row of the page; rates in readings a second."""
    verdict = "stated" if aim is None else "met" if rate >= aim else "short"
    promised = "" if aim is None else f"{aim:,} /s"
    measured = f"{float(f'{rate:.3g}'):,.0f} /s"
    return {"row": "way in", "what": what, "at_least": promised, "aim": "", "measured": measured, "verdict": verdict}


def town_sensors() -> Sensors:
    """Sensors at the first junctions of a published town."""
    network = read_network(next(package_folder("epyt").rglob("L-TOWN.inp")))
    ids = network.nodes.ids[:N_SENSORS]
    return Sensors.of_rows([Sensor(f"pressure:{name}", "pressure", name, "m", 0.02) for name in ids], network)


def readings(sensors: Sensors, count: int, first: int = 0) -> CheckedReadings:
    """The readings of a town from some number on: all sensors, interval by interval."""
    number = np.arange(first, first + count)
    value = np.round(40 + 5 * np.sin(number / 997), 2)
    empty = repeated("", count)
    came = Readings(
        text_column(sensors.ids)[number % N_SENSORS], START + number // N_SENSORS * INTERVAL, value, empty, empty.copy()
    )
    return CheckedReadings(came, np.zeros(count, dtype=np.int8), value, empty)


def rate_of(step: Callable[[int], int], seconds: float) -> float:
    """Readings a second of a step that takes its number and gives how many readings it took; the first is not counted."""
    done, spent, number = step(0), 0.0, 1
    done = 0
    while spent < seconds:
        started = time.perf_counter()
        done += step(number)
        spent += time.perf_counter() - started
        number += 1
    return done / spent


def appended(sensors: Sensors, seconds: float) -> dict[int, float]:
    """Durable readings a second by how many are appended at a time, by one caller."""
    rates = {}
    for size in SIZES:
        with tempfile.TemporaryDirectory(dir=".") as folder:
            log = SqliteReadingLog(Path(folder) / "twin.db", write=True)
            made = [readings(sensors, size, number * size) for number in range(max(2, 2_000_000 // size))]

            def step(number: int, log: SqliteReadingLog = log, made: list[CheckedReadings] = made) -> int:
                return log.append(made[number % len(made)], START)[0]

            rates[size] = rate_of(step, seconds if len(made) > 500 else seconds / 2)
            log.close()
    return rates


def all_good(came: Readings, _received: int) -> CheckedReadings:
    """A check that takes no time."""
    return CheckedReadings(came, np.zeros(len(came), dtype=np.int8), came.value, repeated("", len(came)))


def together(sensors: Sensors, seconds: float) -> float:
    """Durable readings a second of callers that each wait for one reading after another."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        log = SqliteReadingLog(Path(folder) / "twin.db", write=True)
        inbox = Inbox(log, all_good)
        made = [[readings(sensors, 1, caller + CALLERS * number) for number in range(20_000)] for caller in range(CALLERS)]
        until, counts = time.perf_counter() + seconds, [0] * CALLERS

        def call(caller: int) -> None:
            while time.perf_counter() < until:
                inbox.put(made[caller][counts[caller]].readings, START).result()
                counts[caller] += 1

        callers = [threading.Thread(target=call, args=(caller,)) for caller in range(CALLERS)]
        started = time.perf_counter()
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        spent = time.perf_counter() - started
        inbox.close()
        log.close()
    return sum(counts) / spent


def taken_in(sensors: Sensors, seconds: float) -> dict[str, tuple[float, int | None]]:
    """Readings a second that are decoded, checked and watched, and what was promised."""
    checked = readings(sensors, DECODED)
    came = checked.readings
    limits = limits_of(read_network(next(package_folder("epyt").rglob("L-TOWN.inp"))), sensors)
    clocks, state = ClockState.first(sensors), [WatchState.first(sensors)]
    values = checked.clean[: N_SENSORS * 12].reshape(12, N_SENSORS)
    batch = Batch(0, np.arange(12), values, values, np.zeros(values.shape, dtype=np.int8))

    def look(_: int) -> int:
        state[0], _ = watch(state[0], batch)
        return values.size

    rates: dict[str, tuple[float, int | None]] = {}
    for name, (kind, body) in bodies(came).items():
        rates[f"decoded from {name}"] = (rate_of(lambda _, k=kind, b=body: len(decode_body(b, k)), seconds / 2), None)  # type: ignore[misc]
    at_door = rate_of(lambda _: len(check_readings(sensors, limits, clocks, came, 0)[1]), seconds / 2)
    rates["checked at the door"] = (at_door, round(DECODED / 0.3))
    rates["watched in the twin"] = (rate_of(look, seconds / 2), None)
    return rates


def bodies(came: Readings) -> dict[str, tuple[str, bytes]]:
    """The same readings in each format."""
    times = [iso_time(moment) for moment in came.time.tolist()]
    rows = [{"sensor": s, "time": t, "value": v} for s, t, v in zip(came.sensor, times, came.value.tolist(), strict=True)]
    table = pa.table(
        {"sensor": came.sensor.tolist(), "time": pa.array(came.time, pa.timestamp("us", "UTC")), "value": came.value}
    )
    stream, file = io.BytesIO(), io.BytesIO()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    pq.write_table(table, file)
    return {
        "JSON": ("application/json", json.dumps(rows).encode()),
        "Arrow": ("application/vnd.apache.arrow.stream", stream.getvalue()),
        "Parquet": ("application/vnd.apache.parquet", file.getvalue()),
    }


def sync_milliseconds() -> float:
    """Median of writing and syncing 4 KiB."""
    spent = []
    with tempfile.NamedTemporaryFile(dir=".") as file:
        for _ in range(50):
            started = time.perf_counter()
            os.write(file.fileno(), bytes(4096))
            os.fdatasync(file.fileno())
            spent.append(time.perf_counter() - started)
    return 1000 * statistics.median(spent)


if __name__ == "__main__":
    main()
