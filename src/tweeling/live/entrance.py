"""The one place where readings and people's actions enter: check, append, and only then acknowledge.

Every door (HTTP, MQTT) puts here what it decoded and answers when the future is done, which is after the commit. It also knows
when each sensor was last heard, for health.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

import numpy as np
import numpy.typing as npt

from tweeling.live.ingest.inbox import Inbox, Kept
from tweeling.live.store.contract import ReadingLog
from tweeling.live.window import WITHOUT_CLOCK, Window, hear
from tweeling.observation.sensors import Sensors
from tweeling.reading import CheckedReadings, Flag, Readings

LOOKED_BACK = 50_000
"""Readings that a new start looks back at, to know when its sensors were heard."""

Check = Callable[[Readings, int], CheckedReadings]
"""Flags readings that came at a time of the wall clock, and remembers what it saw; it is called in order of arrival."""


class Entrance:
    """Takes readings from any thread.

    Args:
        log: where they go; written through this entrance alone.
        check: of the twin's sensors.
        sensors: of the twin.
        clock: the wall clock, microseconds since 1970 UTC.
    """

    def __init__(self, log: ReadingLog, check: Check, sensors: Sensors, clock: Callable[[], int]) -> None:
        self._log, self._check, self._sensors, self._clock = log, check, sensors, clock
        self._inbox = Inbox(log)
        self._order = threading.Lock()
        self.counts = np.zeros(len(Flag), dtype=np.int64)
        """Readings by flag since the start."""
        self.window = Window.of(len(sensors))
        """Latest time of every sensor, and when it was heard; replaced as a whole."""
        known = log.after(max(log.last_sequence() - LOOKED_BACK, 0), limit=LOOKED_BACK)
        self._hear(known.sensor, known.time, known.flag, known.received)

    def put(self, readings: Readings) -> tuple[CheckedReadings, Future[Kept]]:
        """Checks readings and hands them on; the future is done when they are on disk.

        Raises:
            StoreError: so much waits for the disk that no more is taken.
        """
        with self._order:  # the check remembers, so it must see readings in the order in which they are kept
            received = self._clock()
            checked = self._check(readings, received)
            future = self._inbox.put(checked, received)
        future.add_done_callback(lambda done: self._note(checked, received, done))
        return checked, future

    def act(self, kind: str, finding: str, text: str, who: str) -> int:
        """Keeps what a person did about a finding; on disk when it returns its sequence."""
        return self._log.act(kind, finding, text, who, self._clock())

    def close(self) -> None:
        """Writes what waits and ends."""
        self._inbox.close()

    def _note(self, checked: CheckedReadings, received: int, done: Future[Kept]) -> None:
        if done.cancelled() or done.exception() is not None:
            return
        flag = done.result()[1]
        readings = checked.readings
        self._hear(readings.sensor, readings.time, flag, np.full(len(flag), received))
        self.counts = self.counts + np.bincount(flag, minlength=len(Flag))

    def _hear(
        self,
        sensor: npt.NDArray[np.object_],
        time: npt.NDArray[np.int64],
        flag: npt.NDArray[np.int8],
        received: npt.NDArray[np.int64],
    ) -> None:
        index = self._sensors.index
        place = np.fromiter((index.get(name, -1) for name in sensor), dtype=np.int64, count=len(sensor))
        telling = np.flatnonzero((place >= 0) & ~np.isin(flag, WITHOUT_CLOCK))
        self.window = hear(self.window, place[telling], time[telling], received[telling])
