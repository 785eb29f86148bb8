"""Sixty kills of doors and twin under load: is an acknowledged reading ever lost, how soon are they back, is the end the same?

python benchmarks/kill.py [--quick] [--negative]

The parent keeps the ledger: what was acknowledged. It kills with SIGKILL at random moments and starts the process again, as
`tweeling serve` does. At the end every acknowledged reading must be in the store once, and the twin's state must be that of one
that lived through the same readings in peace. `--negative` is the control: readings are acknowledged before they are kept, and
the ledger must notice.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from time import monotonic, sleep
from typing import Any

import httpx
import numpy as np

from common import write_result
from door import MINUTE, START, free_port, make_folder
from tweeling.live.config import read_config
from tweeling.live.process import is_held, lock_path
from tweeling.live.run import Loop
from tweeling.live.steps import make_steps
from tweeling.live.store.open import open_store
from tweeling.reading import iso_time

NETWORK, SENSORS, KILLS = "Net1", 9, 60
PAUSE = 0.04
"""Seconds between batches, so that the twin, too, is at work on them when it is killed, and not hours behind."""
Batch = list[dict[str, Any]]

EARLY = """
import sys
from concurrent.futures import Future
import numpy as np
from tweeling.live import entrance
from tweeling.live.ingest.inbox import Kept
from tweeling.reading import CheckedReadings
def put(self, readings):
    self._inbox.put(readings, self._clock())
    done, none = Future(), np.zeros(len(readings), dtype=np.int8)
    done.set_result(Kept(len(readings), CheckedReadings(readings, none, readings.value, none.astype(object)), none))
    return done
entrance.Entrance.put = put
from tweeling.service.__main__ import main
sys.exit(main(sys.argv[1:]))
"""
"""Doors that acknowledge too early."""


class Sender(threading.Thread):
    """Sends batch after batch, each until it is acknowledged, and keeps the ledger."""

    def __init__(self, port: int, ids: Sequence[str]) -> None:
        super().__init__(daemon=True)
        self.port, self.ids, self.stop = port, ids, threading.Event()
        self.ledger: list[Batch] = []

    def run(self) -> None:
        rng = np.random.default_rng(3)
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=10) as client:
            while not self.stop.is_set():
                time = iso_time(START + 5 * MINUTE * (len(self.ledger) + 1))
                values = np.round(rng.normal(60, 0.5, len(self.ids)), 4).tolist()
                batch = [{"sensor": name, "time": time, "value": value} for name, value in zip(self.ids, values, strict=True)]
                while not self.sent(client, batch):
                    sleep(0.01)
                self.ledger.append(batch)
                sleep(PAUSE)

    def sent(self, client: httpx.Client, batch: Batch) -> bool:
        try:
            return client.post("/api/readings", json=batch).status_code == 200
        except httpx.TransportError:
            return False


class Processes:
    """Doors and twin, killed and started again."""

    def __init__(self, config: Path, port: int, early: bool) -> None:
        self.config, self.port = config, port
        doors = ["-c", EARLY] if early else ["-m", "tweeling.service"]
        self.commands = {
            "doors": [sys.executable, *doors, str(config), "--port", str(port)],
            "twin": [sys.executable, "-m", "tweeling.live", str(config)],
        }
        self.running = {name: self.start(name) for name in self.commands}
        self.back("doors"), self.back("twin")

    def start(self, name: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self.commands[name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self, name: str) -> float:
        """Kills one; gives the seconds until its next life answers."""
        self.running[name].kill()
        self.running[name].wait()
        began = monotonic()
        self.running[name] = self.start(name)
        self.back(name)
        return monotonic() - began

    def back(self, name: str) -> None:
        def answers() -> bool:
            if name == "twin":
                return is_held(lock_path(read_config(self.config), "twin"))
            with suppress(httpx.TransportError):
                return httpx.get(f"http://127.0.0.1:{self.port}/health").status_code == 200
            return False

        wait_until(answers)

    def end(self) -> None:
        for process in self.running.values():
            process.terminate()
        for process in self.running.values():
            process.wait(30)


def wait_until(true: Callable[[], bool], seconds: float = 600.0) -> None:
    """Looks until it is so."""
    until = monotonic() + seconds
    while not true():
        if monotonic() > until:
            raise SystemExit("waited in vain")
        sleep(0.01)


def lost(config: Path, ledger: Sequence[Batch]) -> tuple[int, int]:
    """Acknowledged readings that the store has not, and those that it has twice."""
    store = open_store("sqlite:///twin.db", config.parent)
    kept: Counter[tuple[str, str, float]] = Counter()
    after = 0
    while len(part := store.readings.after(after)):
        kept.update(zip(part.sensor, map(iso_time, part.time.tolist()), part.value.tolist(), strict=True))
        after = int(part.sequence[-1])
    store.close()
    promised = {(one["sensor"], one["time"], one["value"]) for batch in ledger for one in batch}
    return sum(one not in kept for one in promised), sum(count > 1 for count in kept.values())


def ends_alike(config: Path, batches: int) -> bool:
    """Whether the twin's last snapshot is that of one that took the same readings without a kill."""
    store = open_store("sqlite:///twin.db", config.parent)
    last_time = START + 5 * MINUTE * batches

    def has_taken_all() -> bool:
        row = store.twin.last_cycle()
        return row is not None and row.end >= last_time and row.upto_sequence == store.readings.last_sequence()

    wait_until(has_taken_all)
    kept = store.twin.snapshot()
    assert kept is not None
    with tempfile.TemporaryDirectory() as folder:
        peace = open_store("sqlite:///peace.db", Path(folder), write=("twin",))
        steps = make_steps(read_config(config))
        loop = Loop(steps, store.readings, peace.twin)
        state = loop.settle(loop.resume()).state
        assert state is not None
        alike = steps.pack(state) == kept[1]
        peace.close()
    store.close()
    return alike


def main() -> None:
    """Kills, counts and writes the result."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--quick", action="store_true", help="six kills; then nothing is written")
    parser.add_argument("--negative", action="store_true", help="acknowledge too early: readings must be missed")
    asked = parser.parse_args()
    kills, dice = (6 if asked.quick else KILLS), random.Random(os.getpid())
    with tempfile.TemporaryDirectory() as name:
        config, ids = make_folder(Path(name), NETWORK, SENSORS)
        processes = Processes(config, free_port(), asked.negative)
        sender = Sender(processes.port, ids)
        sender.start()
        seconds: dict[str, list[float]] = {"doors": [], "twin": []}
        for number in range(kills):
            sleep(dice.uniform(0.05, 0.6))
            part = ("doors", "twin")[number % 2]
            seconds[part].append(processes.kill(part))
        sender.stop.set()
        sender.join()
        missing, twice = lost(config, sender.ledger)
        alike = not asked.negative and ends_alike(config, len(sender.ledger))
        processes.end()
    count = sum(len(batch) for batch in sender.ledger)
    print(f"{kills} kills, {count:,} acknowledged, {missing} lost, {twice} twice, state alike: {alike}")
    print({part: f"median {median(found):.2f} s, longest {max(found):.2f} s" for part, found in seconds.items()})
    if asked.negative:
        sys.exit(0 if missing else "the ledger noticed nothing: this test proves nothing")
    if not asked.quick:
        write_result("kill", rows_of(kills, count, missing, twice, alike, seconds), NOTES)


NOTES = [
    "Doors and twin are killed in turn, each alone, at random moments under load, and started again at once.",
    "SIGKILL does not test the disk: that a commit is synced is another test's business.",
]


def rows_of(
    kills: int, count: int, missing: int, twice: int, alike: bool, seconds: dict[str, list[float]]
) -> list[dict[str, str]]:
    """The rows of the page."""

    def row(what: str, at_least: str, measured: str, met: bool) -> dict[str, str]:
        texts = {"row": f"kill -9 at {kills} random moments", "what": what, "at_least": at_least, "aim": at_least}
        return texts | {"measured": measured, "verdict": "met" if met else "short"}

    both = seconds["doors"] + seconds["twin"]
    spread = ", ".join(f"{part} {median(found):.2f} s, longest {max(found):.2f} s" for part, found in seconds.items())
    return [
        row("acknowledged readings lost", "0", f"{missing} of {count:,}; {twice} kept twice", missing == twice == 0),
        row("back", "3 s", spread, max(both) <= 3),
        row("end state as if never killed", "the same", "bit for bit" if alike else "another", alike),
    ]


if __name__ == "__main__":
    main()
