"""Doors and twin as processes: killed at any moment they lose nothing, and who listens misses nothing."""

from __future__ import annotations

import random
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from fake_process import make_folder
from fake_twin import MINUTE, START, fake_steps, unpack
from running import end, free_port, kill, listening, process, start, start_doors, wait_until
from tweeling.live.config import read_config
from tweeling.live.process import hold_lock, is_held
from tweeling.live.run import Loop, replay_store
from tweeling.live.store.open import open_store
from tweeling.reading import iso_time

SENSORS = ("p0", "p1", "p2", "q0", "d1")
Batch = list[dict[str, Any]]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return make_folder(tmp_path)


def batches(count: int, seed: int = 0) -> list[Batch]:
    rng = np.random.default_rng(seed)
    values = np.round(rng.normal(30, 1, (count, len(SENSORS))), 6).tolist()
    times = [iso_time(START + 5 * MINUTE * (place + 1)) for place in range(count)]
    return [
        [{"sensor": name, "time": time, "value": value} for name, value in zip(SENSORS, row, strict=True)]
        for time, row in zip(times, values, strict=True)
    ]


class Sender(threading.Thread):
    """Sends batches in order, each until it is acknowledged, and keeps the ledger."""

    def __init__(self, port: int, rows: list[Batch]) -> None:
        super().__init__(daemon=True)
        self.port, self.rows = port, rows
        self.ledger: list[Batch] = []

    def run(self) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=10) as client:
            for batch in self.rows:
                while not self.sent(client, batch):
                    threading.Event().wait(0.01)
                self.ledger.append(batch)

    def sent(self, client: httpx.Client, batch: Batch) -> bool:
        try:
            return client.post("/api/readings", json=batch).status_code == 200
        except httpx.TransportError:
            return False


def test_kill_9_of_doors_and_twin_under_load_loses_nothing_and_changes_nothing(config: Path) -> None:
    port, dice = free_port(), random.Random(5)
    sender = Sender(port, batches(200))
    doors, twin = start_doors(config, port), start("twin", config)
    try:
        sender.start()
        for round_ in range(4):
            goal = len(sender.ledger) + dice.randint(5, 40)
            wait_until(lambda goal=goal: len(sender.ledger) >= min(goal, 199))  # type: ignore[misc]
            if round_ % 2:
                kill(doors)
                doors = start_doors(config, port)
            else:
                kill(twin)
                twin = start("twin", config)
        sender.join()
        store = open_store("sqlite:///twin.db", config.parent)
        wait_until(lambda: (last := store.twin.last_cycle()) is not None and last.end == START + 1000 * MINUTE)
        wait_until(lambda: (last := store.twin.last_cycle()) is not None and last.upto_sequence == 200 * len(SENSORS))
    finally:
        end(doors)
        end(twin)
    kept = store.readings.after(0)
    acknowledged = sorted((one["sensor"], one["time"], one["value"]) for batch in sender.ledger for one in batch)
    assert acknowledged == sorted(zip(kept.sensor, map(iso_time, kept.time.tolist()), kept.value, strict=True))
    state = store.twin.snapshot()
    assert state is not None
    assert unpack(state[1], "one") == never_killed(config, batches(200))
    steps = fake_steps(read_config(config))
    replayed = [steps.pack(state) for _, state, _, _ in replay_store(steps, store.readings, store.twin)]
    assert replayed[-1] == state[1]
    store.close()


def never_killed(config: Path, rows: list[Batch]) -> Any:
    """The state of a twin that lived through it all in peace."""
    from fake_doors import open_house

    folder = config.parent / "peace"
    folder.mkdir()
    house = open_house(folder)
    for batch in rows:
        house.client.post("/api/readings", json=batch)
    house.now += 16 * MINUTE
    state = house.loop.settle(house.loop.resume()).state
    house.close()
    return state


def test_who_comes_back_to_the_stream_gets_what_was_missed_and_nothing_twice(config: Path) -> None:
    port = free_port()
    doors = start_doors(config, port)
    store = open_store("sqlite:///twin.db", config.parent, write=("twin",))
    loop = Loop(fake_steps(read_config(config)), store.readings, store.twin, clock=lambda: START)
    position = loop.resume()

    def hear_of(rows: list[Batch]) -> None:
        nonlocal position
        for batch in rows:
            httpx.post(f"http://127.0.0.1:{port}/api/readings", json=batch).raise_for_status()
            position = loop.settle(position)

    def states(stream: Iterator[tuple[str, str, Any]], upto: str) -> list[tuple[str, str]]:
        found = []
        for name, kind, data in stream:
            if kind == "state":
                found.append((name, data["cycle_end"]))
                if data["cycle_end"] == upto:
                    return found
        return found

    try:
        rows = batches(40)
        rows[30][0]["value"] = 250.0
        hear_of(rows[:10])
        with listening(port) as stream:
            first = states(stream, iso_time(START + 40 * MINUTE))
            hear_of(rows[10:12])
            first += states(stream, iso_time(START + 50 * MINUTE))
        hear_of(rows[12:36])
        wait_until(lambda: seen_by_doors(port) == iso_time(START + 170 * MINUTE))
        with listening(port, first[-1][0]) as stream:
            missed = list(events_until(stream, iso_time(START + 170 * MINUTE)))
        ends = [data["cycle_end"] for _, kind, data in missed if kind == "state"]
        assert ends == sorted(set(ends))
        assert ends[0] > first[-1][1]
        assert [data["subject"] for _, kind, data in missed if kind == "finding"] == ["zone-1"]
        with listening(port, missed[-1][0]) as stream:
            hear_of(rows[36:40])
            again = list(events_until(stream, iso_time(START + 190 * MINUTE)))
        assert not {name for name, _, _ in missed} & {name for name, _, _ in again}
        with listening(port, "another-17") as stream:
            anew = [next(stream) for _ in range(3)]
        assert [kind for _, kind, _ in anew] == ["state", "finding", "health"]
    finally:
        store.close()
        end(doors)


def events_until(stream: Iterator[tuple[str, str, Any]], cycle_end: str) -> Iterator[tuple[str, str, Any]]:
    """Events up to the health that follows a cycle."""
    reached = False
    for event in stream:
        yield event
        reached = reached or (event[1] == "state" and event[2]["cycle_end"] == cycle_end)
        if reached and event[1] == "health":
            return


def seen_by_doors(port: int) -> str:
    """The end of the last cycle that a new listener is told of."""
    with listening(port) as stream:
        return str(next(data["cycle_end"] for _, kind, data in stream if kind == "state"))


class Served:
    """`serve` with its processes' ids, as it says them."""

    def __init__(self, config: Path, port: int) -> None:
        self.process = start("serve", config, "--port", str(port))
        self.ids: dict[str, int] = {}
        self.notes: list[str] = []

    def note(self, word: str) -> str:
        """The next line about the processes that has a word in it."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.notes.append(line)
            if " started, process " in line:
                self.ids[line.split()[0]] = int(line.split()[-1])
            if word in line:
                return line
        raise AssertionError(f"no {word!r} in {self.notes}")

    def address(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@pytest.fixture
def served(config: Path) -> Iterator[Served]:
    started = Served(config, free_port())
    yield started
    end(started.process)


def test_serve_says_its_address_first_and_starts_again_what_dies(served: Served) -> None:
    import os

    address = served.address()
    assert address.startswith("http://127.0.0.1:")
    served.note("twin started, process")
    wait_until(lambda: httpx.get(f"{address}/health").json()["twin"]["alive"])
    for part in ("doors", "twin"):
        os.kill(served.ids[part], signal.SIGKILL)
        assert "signal 9" in served.note(f"{part} was killed")
        served.note(f"{part} started, process")
    assert served.address() == address
    wait_until(lambda: httpx.get(f"{address}/health").json()["twin"]["alive"])
    served.process.send_signal(signal.SIGINT)
    assert "on disk" in served.note("stopping")
    assert served.process.wait(30) == 0
    for number in served.ids.values():
        with pytest.raises(ProcessLookupError):
            os.kill(number, 0)


def test_when_serve_itself_is_killed_its_processes_end(served: Served, config: Path) -> None:
    served.address()
    served.note("twin started, process")
    locks = [config.with_name(f"twin.db.{part}.lock") for part in ("doors", "twin")]
    wait_until(lambda: all(is_held(lock) for lock in locks))
    served.process.kill()
    wait_until(lambda: not any(is_held(lock) for lock in locks))


def test_serve_ends_when_a_process_cannot_use_what_it_was_given(config: Path) -> None:
    config.write_text(config.read_text() + 'service = { host = "0.0.0.0" }\n')
    with process("serve", config, "--port", str(free_port())) as started:
        out, notes = started.communicate(timeout=60)
    assert started.returncode == 2
    assert "a token is needed" in notes
    assert out == ""


def test_a_second_twin_over_one_store_is_refused(config: Path) -> None:
    with hold_lock(config.with_name("twin.db.twin.lock")), process("twin", config) as started:
        _, text = started.communicate(timeout=60)
    assert started.returncode == 2
    assert "another process serves this twin" in text


def test_a_port_that_is_taken_is_said(config: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with process("doors", config, "--port", str(taken.getsockname()[1])) as started:
            out, text = started.communicate(timeout=60)
    assert started.returncode == 2
    assert "try another --port" in text
    assert out == ""


def test_doors_that_others_can_reach_need_a_token_that_cannot_be_guessed(config: Path) -> None:
    for more in ('service = { host = "0.0.0.0" }', 'service = { host = "::", token = "short" }'):
        path = make_folder(config.parent, more + "\n")
        with process("doors", path, "--port", str(free_port())) as started:
            out, text = started.communicate(timeout=60)
        assert started.returncode == 2
        assert "token" in text
        assert out == ""


def test_the_doors_stop_in_peace_while_somebody_listens(config: Path) -> None:
    port = free_port()
    doors = start_doors(config, port)
    with listening(port) as stream:
        next(stream)
        doors.send_signal(signal.SIGTERM)
        assert doors.wait(30) == 0
    end(doors)
