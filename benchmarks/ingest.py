"""How many readings a second the doors acknowledge over HTTP, each on disk before its answer.

python benchmarks/ingest.py [--quick]

The clients are a process of their own on the same machine, so they take their share of its cores.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

import numpy as np
import pyarrow as pa

from common import write_result
from door import MINUTE, START, Request, make_folder, open_doors, sends
from tweeling.reading import iso_time

NETWORK, SENSORS = "L-TOWN", 100
REPETITIONS = 3
Encoder = Callable[[list[str], np.ndarray, np.ndarray], Request]


def as_json(sensor: list[str], time: np.ndarray, value: np.ndarray) -> Request:
    """Readings as a JSON list."""
    rows = zip(sensor, map(iso_time, time.tolist()), value.tolist(), strict=True)
    body = json.dumps([{"sensor": name, "time": moment, "value": number} for name, moment, number in rows])
    return Request.of(body.encode(), len(sensor))


def as_arrow(sensor: list[str], time: np.ndarray, value: np.ndarray) -> Request:
    """Readings as an Arrow stream."""
    moments = pa.array(time, pa.int64()).cast(pa.timestamp("us", tz="UTC"))
    table = pa.table({"sensor": pa.array(sensor).dictionary_encode(), "time": moments, "value": value})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return Request.of(sink.getvalue().to_pybytes(), len(sensor), "application/vnd.apache.arrow.stream")


def requests(ids: list[str], encode: Encoder, size: int, count: int, begin: int) -> list[Request]:
    """Batches of so many readings, all new; time grows by five minutes when every sensor has one."""
    rng = np.random.default_rng(begin)
    made = []
    for batch in range(count):
        number = np.arange(size) + batch * size
        time = START + (begin + number // len(ids)) * 5 * MINUTE
        made.append(encode([ids[place % len(ids)] for place in number.tolist()], time, np.round(rng.normal(40, 1, size), 3)))
    return made


def client(port: int, shares: Sequence[Sequence[Request]], result: multiprocessing.Queue[tuple[float, int]]) -> None:
    """All clients at once; puts the seconds that they took and how many readings were stored."""

    async def all_at_once() -> tuple[float, int]:
        began = perf_counter()
        answers = await asyncio.gather(*(sends(port, share) for share in shares))
        return perf_counter() - began, sum(int(str(answer["stored"])) for share in answers for answer in share)

    result.put(asyncio.run(all_at_once()))


def rate(port: int, made: Sequence[Request], clients: int) -> float:
    """Readings a second of some clients."""
    shares = [made[place::clients] for place in range(clients)]
    context = multiprocessing.get_context("spawn")
    result: multiprocessing.Queue[tuple[float, int]] = context.Queue()
    process = context.Process(target=client, args=(port, shares, result))
    process.start()
    seconds, stored = result.get()
    process.join()
    assert stored == sum(request.count for request in made), "not all were stored"
    return stored / seconds


def spread(rates: Sequence[float]) -> str:
    """Median and range of repetitions."""
    return f"{median(rates):,.0f}/s ({min(rates):,.0f} to {max(rates):,.0f})"


def row(what: str, at_least: int, aim: int, rates: Sequence[float]) -> dict[str, str]:
    """A row of the page."""
    verdict = "met" if median(rates) >= at_least else "short"
    texts = {"row": "durable ingest over HTTP", "what": what, "at_least": f"{at_least:,}/s", "aim": f"{aim:,}/s"}
    return texts | {"measured": spread(rates), "verdict": verdict}


def waits(port: int, made: Sequence[Request]) -> list[float]:
    """Milliseconds from sending one reading to its acknowledgement, one after another."""

    async def one_by_one() -> list[float]:
        found = []
        for request in made:
            began = perf_counter()
            await sends(port, [request])
            found.append(1000 * (perf_counter() - began))
        return found

    return asyncio.run(one_by_one())


def main() -> None:
    """Measures and writes the result."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of it, once; then nothing is written")
    asked = parser.parse_args()
    scale, repetitions = (10, 1) if asked.quick else (1, REPETITIONS)
    cases = (
        ("JSON, batches of 1,000, 4 clients", as_json, 1000, 400 // scale, 4, 40_000, 100_000),
        ("Arrow, batches of 1,000, 4 clients", as_arrow, 1000, 400 // scale, 4, 40_000, 100_000),
        ("JSON, single readings, 50 clients", as_json, 1, 10_000 // scale, 50, 1_000, 5_000),
    )
    rows, begin = [], 0
    with tempfile.TemporaryDirectory() as name:
        config, ids = make_folder(Path(name), NETWORK, SENSORS)
        with open_doors(config) as port:
            for what, encode, size, count, clients, at_least, aim in cases:
                rates = []
                for _ in range(repetitions):
                    made = requests(ids, encode, size, count, begin)
                    begin += 1 + size * count // len(ids)
                    rates.append(rate(port, made, clients))
                rows.append(row(what, at_least, aim, rates))
                print(what, spread(rates), flush=True)
            found = waits(port, requests(ids, as_json, 1, 1000 // scale, begin))
            print(f"alone: median {median(found):.1f} ms, 99 % {quantiles(found, n=100)[98]:.1f} ms")
    if not asked.quick:
        notes = [
            "SQLite in WAL with synchronous=FULL: every answer came after its commit was synced.",
            f"A single reading alone is acknowledged in {median(found):.1f} ms; 99 % in {quantiles(found, n=100)[98]:.1f} ms.",
            "Clients and doors share the machine; the twin's process is not running.",
        ]
        write_result("ingest", rows, notes)


if __name__ == "__main__":
    main()
