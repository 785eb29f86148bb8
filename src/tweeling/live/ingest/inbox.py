"""Group commit: many callers hand over readings, one check and one transaction take them all, and each learns of its own.

One sync to disk serves all who came within a few milliseconds, and a caller's answer still means: on disk. The check sees the
readings in the order in which they are kept. Threads wait on the future; an asyncio task wraps it:
`await asyncio.wrap_future(inbox.put(readings, received))`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from tweeling.errors import StoreError
from tweeling.live.store.contract import ReadingLog
from tweeling.reading import CheckedReadings, Flag, Readings

Check = Callable[[Readings, int], CheckedReadings]
"""Flags readings that came at a time of the wall clock, and remembers what it saw. Seeing the same ones twice does no harm."""


@dataclass(frozen=True, eq=False)
class Kept:
    """What became of a caller's readings.

    Args:
        count: how many were kept; the others were duplicates.
        checked: as the check left them.
        flags: as kept; (reading,).
    """

    count: int
    checked: CheckedReadings
    flags: npt.NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class _Letter:
    readings: Readings
    received: int
    answer: Future[Kept]


class Inbox:
    """Checks and appends what callers put in, a few milliseconds' worth at a time, from a thread of its own.

    Args:
        log: the store's reading log, open to write.
        check: called from that thread alone.
        gather: seconds that the first of a group waits for others; those that come while a group is written make up the next.
        most_rows: readings in a group; a larger one from one caller goes alone.
        most_waiting: readings that may wait; beyond that callers are refused, so that a slow disk cannot fill the memory.
    """

    def __init__(
        self, log: ReadingLog, check: Check, *, gather: float = 0.001, most_rows: int = 20_000, most_waiting: int = 2_000_000
    ) -> None:
        self._log, self._check = log, check
        self._gather, self._most_rows, self._most_waiting = gather, most_rows, most_waiting
        self._letters: deque[_Letter] = deque()
        self._rows = 0
        self._something = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="inbox", daemon=True)
        self._thread.start()

    def put(self, readings: Readings, received: int) -> Future[Kept]:
        """Hands over readings; the future has a result once they are on disk.

        Args:
            readings: as the door decoded them.
            received: by the wall clock, microseconds since 1970 UTC.

        Returns:
            A future of what became of them, or of the `StoreError` that kept them out.

        Raises:
            StoreError: the inbox is closed, or too many readings are waiting; none of these were kept.
        """
        letter = _Letter(readings, received, Future())
        with self._something:
            if self._closed:
                raise StoreError("the inbox is closed; nothing was kept")
            if self._rows and self._rows + len(readings) > self._most_waiting:
                raise StoreError(f"{self._rows} readings are waiting for the disk; nothing was kept, send them again later")
            self._letters.append(letter)
            self._rows += len(readings)
            self._something.notify()
        return letter.answer

    def close(self) -> None:
        """Takes nothing more, and returns when all that was put in has its answer."""
        with self._something:
            self._closed = True
            self._something.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._something:
                self._something.wait_for(lambda: self._letters or self._closed)
                if not self._letters:
                    return
                if not self._closed:
                    self._something.wait_for(lambda: self._rows >= self._most_rows or self._closed, timeout=self._gather)
                group = self._next_group()
            self._append([letter for letter in group if letter.answer.set_running_or_notify_cancel()])

    def _next_group(self) -> list[_Letter]:
        """Takes out those to write together, in the order in which they came."""
        group: list[_Letter] = []
        rows = 0
        while self._letters and (not group or rows + len(self._letters[0].readings) <= self._most_rows):
            group.append(self._letters.popleft())
            rows += len(group[-1].readings)
        self._rows -= rows
        return group

    def _append(self, group: list[_Letter]) -> None:
        """Writes a group at once; when that fails, one by one, so that a failure meets only whose readings it is about."""
        if not group:
            return
        received = np.concatenate([np.full(len(letter.readings), letter.received) for letter in group])
        try:
            checked = self._check(_joined([letter.readings for letter in group]), group[-1].received)
            _, flags = self._log.append(checked, received)
        except Exception as error:  # whatever it is, its callers must hear of it, and the next group must not
            if len(group) == 1:
                group[0].answer.set_exception(error)
                return
            for letter in group:
                self._append([letter])
            return
        start = 0
        for letter in group:
            part = slice(start, start := start + len(letter.readings))
            own = CheckedReadings(letter.readings, checked.flag[part], checked.clean[part], checked.why[part])
            letter.answer.set_result(Kept(int((flags[part] != Flag.DUPLICATE).sum()), own, flags[part]))


def _joined(parts: list[Readings]) -> Readings:
    if len(parts) == 1:
        return parts[0]
    return Readings(**{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Readings)})
