"""What a live twin does with bad input: is each flagged or refused with a reason, and does its loop go on meanwhile?

python benchmarks/bad_input.py

A real `tweeling serve` on a free port. Good readings come all the time; between them comes everything that the table names, as
JSON and some of it as Arrow and Parquet. After each, the next good readings must be taken and another cycle must close.

Knobs (TWEELING_BENCH_...): ROUNDS of all the bad input.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from common import write_result
from door import MINUTE, START, make_folder
from tweeling.reading import SECOND, iso_time
from worlds import changed_knobs, knob, plain, row, show

NETWORK, SENSORS = "Net1", 9
SERVE = "from tweeling.cli.main import main; main()"
PATIENCE = 60.0
"""s; for a cycle to close after bad input."""


@dataclass(frozen=True)
class Bad:
    """A request that is wrong.

    Args:
        what: in words.
        body: of the request.
        status: that the answer must have.
        flag: that a verdict must have, "" where there is none.
        kind: of the body.
    """

    what: str
    body: bytes
    status: int
    flag: str = ""
    kind: str = "application/json"


@dataclass(frozen=True)
class Met:
    """What became of one.

    Args:
        what: it was.
        status, reason: of the answer.
        right: as it should be.
        went_on: whether another cycle closed after it.
    """

    what: str
    status: int
    reason: str
    right: bool
    went_on: bool


def all_bad(sensor: str, begin: int) -> list[Bad]:
    """Everything bad, about a sensor that is known and times that could be, each another: the same again were a duplicate."""
    numbers = count(1)

    def when() -> str:
        return iso_time(begin + next(numbers) * SECOND)

    def one(**changes: Any) -> bytes:
        return json.dumps([{"sensor": sensor, "time": when(), "value": 60.0} | changes]).encode()

    good = one()
    long = json.dumps([{"sensor": sensor, "time": when(), "value": 60.0}] * 150_000).encode()
    return [
        Bad("broken JSON", good[:-7], 400),
        Bad("broken JSON: bytes that are no text", b"\xff\xfe\x00[", 400),
        Bad("broken JSON: nested 100,000 deep", b"[" * 100_000, 400),
        Bad("NaN, for which JSON has no word", one().replace(b"60.0", b"NaN"), 200, "missing_value"),
        Bad("NaN: a value of null", one(value=None), 200, "missing_value"),
        Bad("NaN in Arrow", arrow(sensor, when(), float("nan")), 200, "missing_value", "application/vnd.apache.arrow.stream"),
        Bad(
            "infinity in Parquet", parquet(sensor, when(), float("inf")), 200, "out_of_range", "application/vnd.apache.parquet"
        ),
        Bad("a number of 400 digits", one().replace(b"60.0", b"9" * 400), 200, "missing_value"),
        Bad("wrong unit: another dimension", one(unit="m3/h"), 200, "bad_unit"),
        Bad("wrong unit: no unit at all", one(unit="furlong"), 200, "bad_unit"),
        Bad("unknown sensor", one(sensor="pressure:nowhere"), 200, "unknown_sensor"),
        Bad("year 1970", one(time=iso_time((begin - START) // 1000)), 200, "bad_clock"),
        Bad("year 9999", one(time="9999-12-31T23:59:59Z"), 200, "bad_clock"),
        Bad("a time that is none", one(time="yesterday"), 200, "bad_clock"),
        Bad("10 MB message", long, 413),
        Bad("wrong type: a text for a value", one(value="a lot"), 200, "missing_value"),
        Bad("wrong type: an object for a sensor", one(sensor={"id": sensor}), 200, "unknown_sensor"),
        Bad("wrong type: a number for the body", b"42", 400),
        Bad("wrong type of body: a picture", good, 400, kind="image/png"),
        Bad("id of 10,000 characters", one(sensor="x" * 10_000), 200, "unknown_sensor"),
        Bad("id with a zero byte", one(sensor="pressure:\0"), 200, "unknown_sensor"),
        Bad("Arrow that ends early", arrow(sensor, when(), 60.0)[:-40], 400, kind="application/vnd.apache.arrow.stream"),
        Bad("Parquet that is none", b"PAR1" + bytes(100), 400, kind="application/vnd.apache.parquet"),
    ]


def table(sensor: str, time: str, value: float) -> pa.Table:
    """One reading."""
    return pa.table({"sensor": [sensor], "time": [time], "value": [value]})


def arrow(sensor: str, time: str, value: float) -> bytes:
    """One reading as an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table(sensor, time, value).schema) as stream:
        stream.write_table(table(sensor, time, value))
    return bytes(sink.getvalue().to_pybytes())


def parquet(sensor: str, time: str, value: float) -> bytes:
    """One reading as a Parquet file."""
    sink = io.BytesIO()
    pq.write_table(table(sensor, time, value), sink)
    return sink.getvalue()


@contextmanager
def serving(config: Path) -> Iterator[str]:
    """`tweeling serve`; gives its address, and ends it."""
    command = [sys.executable, "-c", SERVE, "serve", str(config), "--port", "0"]
    with open(config.with_name("serve.log"), "wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            if not address.startswith("http://"):
                raise SystemExit(f"tweeling serve did not start: {config.with_name('serve.log').read_text()[-2000:]}")
            yield address
        finally:
            process.terminate()
            process.wait(60)


class Good(threading.Thread):
    """Sends good readings, interval by interval, and counts what is not good about the answers."""

    def __init__(self, address: str, ids: Sequence[str]) -> None:
        super().__init__(daemon=True)
        self.address, self.ids, self.stop = address, ids, threading.Event()
        self.sent, self.bad = 0, list[str]()

    def run(self) -> None:
        rng = np.random.default_rng(11)
        with httpx.Client(base_url=self.address, timeout=60) as client:
            while not self.stop.wait(0.05):
                self.sent += 1
                time = iso_time(START + 5 * MINUTE * self.sent)
                values = rng.normal(60, 0.5, len(self.ids)).round(3).tolist()
                body = [{"sensor": name, "time": time, "value": value} for name, value in zip(self.ids, values, strict=True)]
                answer = client.post("/api/readings", json=body)
                if answer.status_code != 200 or answer.json() != {"stored": len(self.ids), "verdicts": []}:
                    self.bad.append(answer.text[:200])


def wait(true: Callable[[], bool], seconds: float = PATIENCE) -> bool:
    """Looks until it is so, or patience ends."""
    until = monotonic() + seconds
    while not true():
        if monotonic() > until:
            return False
        sleep(0.02)
    return True


def reason_of(answer: httpx.Response) -> tuple[str, str]:
    """Flag and reason that an answer gives."""
    try:
        document = answer.json()
    except ValueError:
        return "", ""
    verdicts = document.get("verdicts") or []
    if verdicts:
        return str(verdicts[0]["flag"]), str(verdicts[0]["why"])
    return "", str(document.get("detail") or document.get("error") or document.get("why") or document)


def meet(client: httpx.Client, bad: Bad) -> Met:
    """Sends one and looks whether the loop goes on."""

    def cycles() -> int:
        return int(client.get("/health").json()["twin"]["cycles"])

    try:
        answer = client.post("/api/readings", content=bad.body, headers={"content-type": bad.kind})
        status, (flag, why) = answer.status_code, reason_of(answer)
    except httpx.TransportError as error:  # an answer before the body was read closes the connection
        status, flag, why = 0, "", f"{type(error).__name__}: {error}"
    before = cycles()
    went_on = wait(lambda: cycles() > before)
    right = status == bad.status and flag == bad.flag and bool(why)
    return Met(bad.what, status, f"{flag}: {why}" if flag else why, right, went_on)


def main() -> None:
    """Measures and writes the result."""
    rounds = int(knob("ROUNDS", "3"))
    with tempfile.TemporaryDirectory() as name:
        config, ids = make_folder(Path(name), NETWORK, SENSORS)
        with serving(config) as address, httpx.Client(base_url=address, timeout=60) as client:
            good = Good(address, ids)
            good.start()
            if not wait(lambda: client.get("/health").json()["twin"]["cycles"] > 0, 5 * PATIENCE):
                raise SystemExit("no cycle closed on good readings")
            met = []
            for _ in range(rounds):
                for bad in all_bad(ids[0], START + 5 * MINUTE * (good.sent + 1)):
                    met.append(meet(client, bad))
                    print(f"{met[-1].what}: {met[-1].status} {met[-1].reason[:110]}{'' if met[-1].went_on else '; STOPPED'}")
            good.stop.set()
            good.join()
            health = client.get("/health").json()
        log = Path(name, "serve.log").read_text(encoding="utf-8", errors="replace")
    died = log.count("died") + log.count("Traceback")
    print(log[-1500:] if died else "", end="")
    wrong = [one.what for one in met if not one.right]
    stopped = [one.what for one in met if not one.went_on]
    kinds = len(met) // rounds
    rows = [
        row(
            "bad input",
            f"{kinds} sorts, {rounds} times each, to `tweeling serve`",
            "flagged or refused with a reason",
            "",
            f"{len(met) - len(wrong)} of {len(met)} as they should be{': not ' + '; '.join(wrong) if wrong else ''}",
            not wrong,
        ),
        row(
            "bad input: the loop goes on",
            f"{good.sent} good batches meanwhile, {health['twin']['cycles']} cycles",
            "never stops",
            "",
            f"a cycle closed after {len(met) - len(stopped)} of {len(met)}; {len(good.bad)} good batches not taken; "
            f"{died} processes died",
            not stopped and not good.bad and not died,
        ),
    ]
    notes = [
        "Flagged readings are kept with their flag, unless the answer says not kept.",
        "A body that cannot be made out is refused whole.",
    ]
    show(rows, notes)
    if good.bad:
        print("\n".join(good.bad[:5]))
    if not changed_knobs("ROUNDS"):
        write_result("bad_input", rows, notes, plain(met))


if __name__ == "__main__":
    main()
