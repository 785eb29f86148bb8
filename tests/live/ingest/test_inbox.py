"""Group commit: everybody gets the answer about their own readings, and only once they are kept."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts.test_store import checked
from tweeling.errors import StoreError
from tweeling.live.ingest.inbox import Inbox
from tweeling.live.store.sqlite import SqliteReadingLog
from tweeling.reading import CheckedReadings, Flag, Readings


class Watched:
    """A log that counts transactions, can be held up, and refuses readings of the sensor `poison`."""

    def __init__(self, log: SqliteReadingLog) -> None:
        self.log, self.groups = log, 0
        self.entered, self.free = threading.Event(), threading.Event()
        self.free.set()

    def append(self, readings: CheckedReadings, received: Any) -> Any:
        self.groups += 1
        self.entered.set()
        self.free.wait()
        if "poison" in readings.readings.sensor:
            raise StoreError("poisoned")
        return self.log.append(readings, received)


def some(rows: list[tuple[str, int, float]]) -> Readings:
    return checked(rows).readings


def plain(readings: Readings, received: int) -> CheckedReadings:
    """Flags by the sensor's name."""
    flags = np.array([Flag.SPIKE if name == "odd" else Flag.GOOD for name in readings.sensor], dtype=np.int8)
    why = np.array([f"is {name}" for name in readings.sensor], dtype=object)
    return CheckedReadings(readings, flags, readings.value, why)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    log = SqliteReadingLog(tmp_path / "twin.db", write=True)
    yield Watched(log)
    log.close()


def test_an_answer_comes_after_the_readings_are_kept(watched: Watched) -> None:
    inbox = Inbox(watched, plain, gather=0)  # type: ignore[arg-type]
    kept = inbox.put(some([("odd", 1, 1.0), ("a", 2, 1.0)]), received=5).result()
    assert (kept.count, kept.flags.tolist()) == (2, [Flag.SPIKE, Flag.GOOD])
    assert kept.checked.why.tolist() == ["is odd", "is a"]
    assert watched.log.after(0).received.tolist() == [5, 5]
    inbox.close()


def test_what_comes_while_a_group_is_written_goes_in_one_transaction(watched: Watched) -> None:
    inbox = Inbox(watched, plain, gather=0)  # type: ignore[arg-type]
    watched.free.clear()
    first = inbox.put(some([("a", 0, 1.0)]), received=0)
    watched.entered.wait()
    rest = [inbox.put(some([("a", time, 1.0), ("b", 0, 1.0)]), received=time) for time in range(1, 51)]
    assert not first.done()
    watched.free.set()
    answers = [answer.result() for answer in rest]
    assert watched.groups == 2
    assert [kept.count for kept in answers] == [2, *[1] * 49]
    assert {tuple(kept.checked.why) for kept in answers} == {("is a", "is b")}
    assert [kept.flags.tolist() for kept in answers[1:]] == [[Flag.GOOD, Flag.DUPLICATE]] * 49
    found = watched.log.after(0)
    assert found.time[found.sensor == "a"].tolist() == list(range(51))
    assert found.received[found.sensor == "a"].tolist() == list(range(51))
    inbox.close()


def test_a_failure_meets_only_the_caller_whose_readings_it_is_about(watched: Watched) -> None:
    inbox = Inbox(watched, plain, gather=0)  # type: ignore[arg-type]
    watched.free.clear()
    inbox.put(some([("a", 0, 1.0)]), received=0)
    watched.entered.wait()
    answers = [inbox.put(some([(name, 1, 1.0)]), received=0) for name in ("a", "poison", "b")]
    watched.free.set()
    assert answers[0].result().count == answers[2].result().count == 1
    with pytest.raises(StoreError, match="poisoned"):
        answers[1].result()
    assert watched.log.after(0).sensor.tolist() == ["a", "a", "b"]
    inbox.close()


def test_a_bug_in_the_store_is_heard_by_its_caller_and_the_inbox_goes_on(watched: Watched) -> None:
    inbox = Inbox(watched, plain, gather=0)  # type: ignore[arg-type]
    broken = dataclasses.replace(some([("a", 0, 1.0)]), value=np.zeros(3))
    with pytest.raises(ValueError, match=r"broadcast|zip"):
        inbox.put(broken, received=0).result()
    assert inbox.put(some([("a", 0, 1.0)]), received=0).result().count == 1
    inbox.close()


def test_closing_waits_for_what_was_put_in_and_takes_nothing_more(watched: Watched) -> None:
    inbox = Inbox(watched, plain, gather=60)  # type: ignore[arg-type]
    answers: list[Future[Any]] = [inbox.put(some([("a", time, 1.0)]), received=0) for time in range(20)]
    inbox.close()
    assert all(answer.done() for answer in answers)
    assert len(watched.log.after(0)) == 20
    with pytest.raises(StoreError, match="closed"):
        inbox.put(some([("a", 99, 1.0)]), received=0)


def test_readings_that_would_fill_the_memory_are_refused(watched: Watched) -> None:
    inbox = Inbox(watched, plain, gather=0, most_waiting=3)  # type: ignore[arg-type]
    watched.free.clear()
    inbox.put(some([("a", 0, 1.0)]), received=0)
    watched.entered.wait()
    taken = inbox.put(some([("a", time, 1.0) for time in range(1, 4)]), received=0)
    with pytest.raises(StoreError, match="3 readings are waiting"):
        inbox.put(some([("b", 0, 1.0)]), received=0)
    watched.free.set()
    assert taken.result().count == 3
    assert inbox.put(some([("b", time, 1.0) for time in range(5)]), received=0).result().count == 5  # alone it may be large
    inbox.close()


def test_a_cancelled_caller_keeps_nobody_up(watched: Watched) -> None:
    inbox = Inbox(watched, plain, gather=0)  # type: ignore[arg-type]
    watched.free.clear()
    inbox.put(some([("a", 0, 1.0)]), received=0)
    watched.entered.wait()
    assert inbox.put(some([("a", 1, 1.0)]), received=0).cancel()
    watched.free.set()
    assert inbox.put(some([("a", 2, 1.0)]), received=0).result().count == 1
    assert watched.log.after(0).time.tolist() == [0, 2]
    inbox.close()


def test_tasks_of_asyncio_can_wait_on_it(watched: Watched) -> None:
    inbox = Inbox(watched, plain)  # type: ignore[arg-type]

    async def send(time: int) -> int:
        kept = await asyncio.wrap_future(inbox.put(some([("a", time, 1.0)]), received=0))
        return kept.count

    async def send_all() -> list[int]:
        return await asyncio.gather(*(send(time) for time in range(50)))

    assert asyncio.run(send_all()) == [1] * 50
    inbox.close()
    assert watched.groups < 50
