"""Readings over MQTT: how many a second, single, QoS 1 and durable; and is any lost when broker, doors and twin are restarted?

python benchmarks/mqtt.py [--quick] [--negative]; KILLS=, RESTARTS= and READINGS= in the environment make it smaller.

The broker is a real Mosquitto with the configuration that is shipped. A message counts as acknowledged by us when a witness on
the line has seen the doors' PUBACK for it, and by the broker when the sender has seen the broker's. The parent keeps both
ledgers. In the end all that we acknowledged must be in the store; what only the broker acknowledged is the broker's to lose.
`--negative` is the control: doors that acknowledge before they keep, and the ledger must notice.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import socket
import sys
import tempfile
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from statistics import median
from time import monotonic, perf_counter, sleep

from common import write_result
from door import MINUTE, START, free_port, make_folder, open_doors
from ingest import spread
from kill import Processes, wait_until
from mosquitto import PUBACK, Mosquitto, Witness, hello, publish, publish_all, split
from tweeling.live.store.open import Store, open_store
from tweeling.reading import iso_time

NETWORK, SENSORS = "Net1", 9
TOPIC = "tweeling/bench/readings"
REPETITIONS = 3
PER_SECOND = 1000
"""Readings a second while things are killed."""
Key = tuple[str, str, float]


def with_input(folder: Path, port: int) -> tuple[Path, list[str]]:
    """A folder of a twin that takes readings from a broker."""
    config, ids = make_folder(folder, NETWORK, SENSORS)
    text = config.read_text(encoding="utf-8")
    config.write_text(f'{text}inputs = [{{ kind = "mqtt", url = "mqtt://127.0.0.1:{port}", topic = "{TOPIC}" }}]\n')
    return config, ids


def payload(ids: Sequence[str], number: int) -> bytes:
    """A single reading; all are different."""
    time = iso_time(START + number // len(ids) * MINUTE // 6)
    return json.dumps({"sensor": ids[number % len(ids)], "time": time, "value": 60 + number % 1000 / 256}).encode()


def key(raw: bytes) -> Key:
    """What a payload says."""
    one = json.loads(raw)
    return one["sensor"], one["time"], one["value"]


def kept_by(store: Store, after: int = 0) -> Counter[Key]:
    """All readings of a store."""
    kept: Counter[Key] = Counter()
    while len(part := store.readings.after(after)):
        kept.update(zip(part.sensor, map(iso_time, part.time.tolist()), part.value.tolist(), strict=True))
        after = int(part.sequence[-1])
    return kept


def measured_rates(count: int, repetitions: int, *, away: bool) -> list[float]:
    """Readings a second from the first that is on our disk until the last.

    Args:
        count: readings, each a message.
        repetitions: each with a broker and a store of its own.
        away: they are sent while the doors are closed.
    """
    rates = []
    for _ in range(repetitions):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            broker = Mosquitto(folder / "broker")
            config, ids = with_input(folder, broker.port)
            made = [payload(ids, number) for number in range(count)]
            sender = multiprocessing.get_context("spawn").Process(target=publish_all, args=(broker.port, TOPIC, made))
            with open_doors(config) as port:
                wait_until(lambda port=port: connected(port))
                store = open_store("sqlite:///twin.db", folder)
                kept = store.readings.last_sequence
                if not away:
                    sender.start()
                    rates.append(rate_until(kept, count))
            if away:
                sender.start()
                sender.join()
                with open_doors(config):
                    rates.append(rate_until(kept, count))
            sender.join()
            store.close()
            broker.end()
    return rates


def rate_until(kept: Callable[[], int], count: int) -> float:
    """Readings a second from the first that is kept to the last."""
    wait_until(lambda: kept() > 0)
    first, began = kept(), perf_counter()
    wait_until(lambda: kept() >= count)
    return (count - first) / (perf_counter() - began)


def connected(port: int) -> bool:
    """Whether the doors hear the broker."""
    import httpx

    try:
        return bool(httpx.get(f"http://127.0.0.1:{port}/health").json()["inputs"][0]["connected"])
    except httpx.TransportError:
        return False


class Sender(threading.Thread):
    """Publishes readings at an even rate, again what the broker did not acknowledge, and keeps the broker's ledger."""

    def __init__(self, port: int, ids: Sequence[str]) -> None:
        super().__init__(daemon=True)
        self.port, self.ids, self.stop = port, ids, threading.Event()
        self.acknowledged: set[bytes] = set()
        self._waiting: deque[bytes] = deque()
        self.made = 0
        self._began = monotonic()

    def run(self) -> None:
        while not (self.stop.is_set() and not self._waiting):
            try:
                with hello(self.port, "sender") as line:
                    self._publish(line)
            except OSError:
                sleep(0.05)

    def _publish(self, line: socket.socket) -> None:
        line.settimeout(0.01)
        flying: dict[int, bytes] = {}
        number, buffer = 0, bytearray()
        while not (self.stop.is_set() and not self._waiting and not flying):
            try:
                while not self.stop.is_set() and self.made < (monotonic() - self._began) * PER_SECOND:
                    self._waiting.append(payload(self.ids, self.made))
                    self.made += 1
                while self._waiting and len(flying) < 1000:
                    number = number % 60_000 + 1
                    flying[number] = self._waiting.popleft()
                    line.sendall(publish(TOPIC, number, flying[number]))
                with suppress(TimeoutError):
                    data = line.recv(1 << 16)
                    if not data:
                        raise ConnectionResetError
                    buffer += data
                for kind, _, rest in split(buffer):
                    if kind == PUBACK:
                        self.acknowledged.add(flying.pop(int.from_bytes(rest[:2])))
            except OSError:
                self._waiting.extendleft(reversed(flying.values()))
                raise


def trial(restarts: int, kills: int, *, early: bool, broker_killed: bool) -> dict[str, float]:
    """Restarts the broker and kills doors and twin at random moments under load; then counts.

    Args:
        restarts: of the broker.
        kills: of doors and twin, in turn.
        early: the control: doors that acknowledge before they keep.
        broker_killed: by SIGKILL instead of SIGTERM.
    """
    dice = random.Random(os.getpid())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = Mosquitto(folder / "broker")
        witness = Witness(broker.port)
        config, ids = with_input(folder, witness.port)
        processes = Processes(config, free_port(), early)
        wait_until(lambda: connected(processes.port))
        sender = Sender(broker.port, ids)
        sender.start()
        deeds = ["broker"] * restarts + ["doors", "twin"] * (kills // 2)
        dice.shuffle(deeds)
        store = open_store("sqlite:///twin.db", folder)
        kept_now = store.readings.last_sequence
        back: list[float] = []
        for deed in deeds:
            sleep(dice.uniform(0.3, 2.0))
            before, began = kept_now(), monotonic()
            if deed == "broker":
                broker.end(kill=broker_killed)
                broker.start()
            else:
                processes.kill(deed)
            wait_until(lambda before=before: kept_now() > before)
            back.append(monotonic() - began)
        sender.stop.set()
        sender.join()
        mark = payload(ids, sender.made)  # comes after all that the broker holds

        def marked() -> bool:
            publish_all(broker.port, TOPIC, [mark])  # again and again: a broker that was killed may have forgotten the doors
            sleep(0.5)
            return key(mark) in kept_by(store, max(kept_now() - 1000, 0))

        wait_until(marked)
        processes.running["twin"].kill()  # it may be behind, and what it has believed is not asked here
        processes.end()
        broker.end()
        kept = kept_by(store)
        store.close()
    ours = {key(raw) for raw in witness.acknowledged}
    theirs = {key(raw) for raw in sender.acknowledged}
    return {
        "by_us": len(ours),
        "lost_by_us": sum(one not in kept for one in ours),
        "by_broker": len(theirs),
        "lost_by_broker": sum(one not in kept and one not in ours for one in theirs),
        "twice": sum(count > 1 for count in kept.values()),
        "slowest": max(back),
        "median": median(back),
    }


def rate_row(what: str, rates: Sequence[float]) -> dict[str, str]:
    """A row of the page."""
    verdict = "met" if median(rates) >= 2000 else "short"
    texts = {"row": "durable ingest over MQTT", "what": what, "at_least": "2,000/s", "aim": "10,000/s"}
    return texts | {"measured": spread(rates), "verdict": verdict}


def loss_row(found: dict[str, float], restarts: int, kills: int) -> dict[str, str]:
    """A row of the page."""
    lost, count, twice, slowest = (found[name] for name in ("lost_by_us", "by_us", "twice", "slowest"))
    measured = f"{lost} of {count:,}; {twice} kept twice; longest until new readings were kept {slowest:.1f} s"
    deeds = f"Mosquitto restarted {restarts} times, doors and twin killed {kills} times"
    what = f"{deeds} at {PER_SECOND:,} readings/s: lost of those that we acknowledged"
    verdict = "met" if found["lost_by_us"] == found["twice"] == 0 else "short"
    return {"row": "restarts under load", "what": what, "at_least": "0", "aim": "0", "measured": measured, "verdict": verdict}


def broker_row(found: dict[str, float], how: str) -> dict[str, str]:
    """What the broker lost of what it had acknowledged."""
    measured = f"{found['lost_by_broker']} of {found['by_broker']:,}"
    what = f"{how}: lost of those acknowledged by Mosquitto, and never by us"
    return {"row": "what a broker loses", "what": what, "at_least": "", "aim": "", "measured": measured, "verdict": "stated"}


def main() -> None:
    """Measures, restarts, counts and writes the result."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of it, once; then nothing is written")
    parser.add_argument("--negative", action="store_true", help="acknowledge too early: readings must be missed")
    asked = parser.parse_args()
    scale = 5 if asked.quick else 1
    restarts, kills = (int(os.environ.get(name, usual)) // scale for name, usual in (("RESTARTS", 10), ("KILLS", 20)))
    count, repetitions = int(os.environ.get("READINGS", 50_000)) // scale, 1 if asked.quick else REPETITIONS
    if asked.negative:
        found = trial(0, max(kills, 4), early=True, broker_killed=False)
        print(found)
        sys.exit(0 if found["lost_by_us"] else "the ledger noticed nothing: this test proves nothing")
    rows = []
    for what, away in (("single readings, QoS 1", False), ("the same, waiting at the broker for closed doors", True)):
        rows.append(rate_row(what, measured_rates(count, repetitions, away=away)))
        print(rows[-1], flush=True)
    details = {}
    peace = details["restarted"] = trial(restarts, kills, early=False, broker_killed=False)
    print(peace, flush=True)
    war = details["killed"] = trial(max(restarts // 3, 1), 0, early=False, broker_killed=True)
    print(war, flush=True)
    rows += [
        loss_row(peace, restarts, kills),
        broker_row(peace, f"restarted {restarts} times by SIGTERM"),
        broker_row(war, f"killed {max(restarts // 3, 1)} times by SIGKILL, saving every 10 s"),
    ]
    if not asked.quick:
        write_result("mqtt", rows, NOTES, details)


NOTES = [
    "Mosquitto 2.0.11 with the configuration that is shipped; SQLite with synchronous=FULL: our PUBACK comes after the commit.",
    "Rates: sender, broker and doors share the machine; the clock stops when the last reading is in the store.",
    "Acknowledged by us: a witness on the line between doors and broker saw the PUBACK. SIGKILL does not test the disk.",
    "The control, doors that acknowledge before they keep (`--negative`), loses readings, and the ledger notices.",
]


if __name__ == "__main__":
    main()
