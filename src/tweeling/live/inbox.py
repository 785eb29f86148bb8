"""The one place where readings and people's actions enter: check, append, then acknowledge.

Every door (HTTP, MQTT) puts what it decoded here and answers only when the future is done, which is after the commit. One
thread takes all that waits, checks it in order of arrival and appends it in one transaction: while a commit is on its way to
the disk the next ones gather, so that a thousand single readings a second need far fewer syncs (group commit).
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tweeling.errors import StoreError
from tweeling.live.store.contract import ReadingLog
from tweeling.live.window import WITHOUT_CLOCK, Window, hear
from tweeling.observation.sensors import Sensors
from tweeling.reading import CheckedReadings, Flag, Readings

MOST_AT_ONCE = 50_000
"""Readings in one commit; what is beyond waits for the next."""
MOST_WAITING = 400_000
"""Readings that may wait; a door beyond that says so instead of filling the memory."""
DUPLICATE = "the same sensor, time and value came before; kept once"


class Checker(Protocol):
    """What a check looks like from here: the state is replaced only when its readings are on disk."""

    def look(self, readings: Readings, received: int) -> tuple[CheckedReadings, Callable[[], None]]:
        """Checks readings; gives them with their flags, and what makes the check remember that it saw them."""
        ...


@dataclass(frozen=True, eq=False)
class Receipt:
    """What became of the readings that a door put here.

    Args:
        stored: how many were kept; the others were duplicates.
        flag: `reading.Flag`; (reading,).
        why: a sentence for each that is not good; (reading,).
    """

    stored: int
    flag: npt.NDArray[np.int8]
    why: npt.NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class _Parcel:
    readings: Readings
    receipt: Future[Receipt]


@dataclass(frozen=True, eq=False)
class _Deed:
    kind: str
    finding: str
    text: str
    who: str
    sequence: Future[int]


class _Stop:
    """The last task."""


_Task = _Parcel | _Deed | _Stop


class InboxFull(Exception):  # noqa: N818 - a condition that passes, not a fault
    """So much waits for the disk that no more is taken now; come again."""


class Inbox:
    """Takes readings from any thread; one thread of its own writes them.

    Args:
        log: where they go; written by this inbox alone.
        checker: of the twin's sensors.
        sensors: of the twin, for `latest`.
        clock: the wall clock, microseconds since 1970 UTC.
    """

    def __init__(self, log: ReadingLog, checker: Checker, sensors: Sensors, clock: Callable[[], int]) -> None:
        self.log, self.checker, self.sensors, self.clock = log, checker, sensors, clock
        self.window = Window.of(len(sensors))
        """Latest time and last hearing of every sensor; replaced as a whole."""
        self.counts = np.zeros(len(Flag), dtype=np.int64)
        """Readings by flag since the start."""
        self._waiting = 0
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[_Task] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="inbox", daemon=True)
        self._thread.start()

    def put(self, readings: Readings) -> Future[Receipt]:
        """Takes readings; the future is done when they are on disk.

        Raises:
            InboxFull: too much waits.
        """
        with self._lock:
            if self._waiting and self._waiting + len(readings) > MOST_WAITING:
                raise InboxFull(f"{self._waiting} readings wait for the disk; send these again in a few seconds")
            self._waiting += len(readings)
        receipt: Future[Receipt] = Future()
        self._queue.put(_Parcel(readings, receipt))
        return receipt

    def act(self, kind: str, finding: str, text: str, who: str) -> Future[int]:
        """Takes what a person did about a finding; the future is its sequence, once it is on disk."""
        sequence: Future[int] = Future()
        self._queue.put(_Deed(kind, finding, text, who, sequence))
        return sequence

    def close(self) -> None:
        """Writes what waits and ends."""
        self._queue.put(_Stop())
        self._thread.join()

    def _work(self) -> None:
        task: _Task | None = None
        while not isinstance(task, _Stop):
            task = task or self._queue.get()
            if isinstance(task, _Parcel):
                parcels, task = self._gathered(task)
                self._keep(parcels)
            elif isinstance(task, _Deed):
                self._keep_deed(task)
                task = None

    def _gathered(self, first: _Parcel) -> tuple[list[_Parcel], _Task | None]:
        """All parcels that wait, and the task behind them that is none, if there is one."""
        parcels, count = [first], len(first.readings)
        while count < MOST_AT_ONCE:
            try:
                task = self._queue.get_nowait()
            except queue.Empty:
                break
            if not isinstance(task, _Parcel):
                return parcels, task
            parcels.append(task)
            count += len(task.readings)
        return parcels, None

    def _keep(self, parcels: Sequence[_Parcel]) -> None:
        """Writes some parcels in one transaction. Where that fails, each alone: one must not spoil its neighbours."""
        joined = parcels[0].readings if len(parcels) == 1 else joined_readings([parcel.readings for parcel in parcels])
        try:
            receipt = self._write(joined)
        except Exception as error:
            if len(parcels) > 1 and not isinstance(error, StoreError):
                for parcel in parcels:
                    self._keep([parcel])
                return
            self._done(joined)
            for parcel in parcels:
                parcel.receipt.set_exception(error)
            return
        self._done(joined)
        start = 0
        for parcel in parcels:
            part = slice(start, start := start + len(parcel.readings))
            flag = receipt.flag[part]
            kept = len(flag) - int((flag == Flag.DUPLICATE).sum())
            parcel.receipt.set_result(Receipt(kept, flag, receipt.why[part]))

    def _write(self, readings: Readings) -> Receipt:
        received = self.clock()
        checked, remember = self.checker.look(readings, received)
        stored, flag = self.log.append(checked, received)
        remember()
        self._hear(readings, flag, received)
        why = np.where((flag == Flag.DUPLICATE) & (checked.flag != Flag.DUPLICATE), DUPLICATE, checked.why)
        return Receipt(stored, flag, why)

    def _hear(self, readings: Readings, flag: npt.NDArray[np.int8], received: int) -> None:
        index = self.sensors.index
        place = np.fromiter((index.get(sensor, -1) for sensor in readings.sensor), dtype=np.int64, count=len(readings))
        telling = np.flatnonzero((place >= 0) & ~np.isin(flag, WITHOUT_CLOCK))
        self.window = hear(self.window, place[telling], readings.time[telling], np.full(len(telling), received))
        self.counts = self.counts + np.bincount(flag, minlength=len(Flag))

    def _done(self, readings: Readings) -> None:
        with self._lock:
            self._waiting -= len(readings)

    def _keep_deed(self, deed: _Deed) -> None:
        try:
            sequence = self.log.act(deed.kind, deed.finding, deed.text, deed.who, self.clock())
        except Exception as error:  # goes to whoever asked
            deed.sequence.set_exception(error)
        else:
            deed.sequence.set_result(sequence)


def joined_readings(parts: Sequence[Readings]) -> Readings:
    """Readings one after another."""
    names = ("sensor", "time", "value", "unit", "quality")
    return Readings(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})
