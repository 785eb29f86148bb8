"""The one place where readings and people's actions enter: check, append, and only then acknowledge.

Every door (HTTP, MQTT) puts here what it decoded and answers when the future is done, which is after the commit. A good reading
whose cycle has closed is flagged late here: that says when it came, and the twin goes back for it as long as it is not older
than `revise`. The entrance also knows when each sensor was last heard, for health.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import Future

import numpy as np
import numpy.typing as npt

from tweeling.live.check import ClockState, Limits, check_readings
from tweeling.live.ingest.inbox import Check, Inbox, Kept
from tweeling.live.store.contract import ReadingLog
from tweeling.live.window import NEVER, WITHOUT_CLOCK, Window, hear
from tweeling.network.network import Ints
from tweeling.observation.sensors import Sensors
from tweeling.reading import CheckedReadings, Flag, Readings

LOOKED_BACK = 50_000
"""Readings that a new start looks back at, to know when its sensors were heard."""

LATE = "its cycle has closed; the twin goes back for it at the next one, unless it is older than time.revise"


def door_check(sensors: Sensors, limits: Limits, window: Window) -> Check:
    """The check of `live/check.py`, with its memory.

    Args:
        sensors: that are known.
        limits: of them.
        window: when they were heard, before this process began.
    """
    state = ClockState(latest=window.latest, claimed=np.full(len(sensors), NEVER))

    def check(readings: Readings, received: int) -> CheckedReadings:
        nonlocal state
        state, checked = check_readings(sensors, limits, state, readings, received)
        return checked

    return check


def heard_so_far(log: ReadingLog, sensors: Sensors) -> Window:
    """The window that the last readings of a log make."""
    known = log.after(max(log.last_sequence() - LOOKED_BACK, 0), limit=LOOKED_BACK)
    return _heard(Window.of(len(sensors)), sensors, known.sensor, known.time, known.flag, known.received)


class Entrance:
    """Takes readings from any thread.

    Args:
        log: where they go; written through this entrance alone.
        check: of the twin's sensors.
        sensors: of the twin.
        window: when they were heard, before this process began.
        closed: end of the last cycle that closed, None before the first; asked for each group.
        clock: the wall clock, microseconds since 1970 UTC.
        heard: told of every group what was heard: index of each reading's sensor, its time, and when it came.
    """

    def __init__(
        self,
        log: ReadingLog,
        check: Check,
        sensors: Sensors,
        window: Window,
        closed: Callable[[], int | None],
        clock: Callable[[], int],
        heard: Callable[[Ints, Ints, int], None] = lambda _sensor, _time, _now: None,
    ) -> None:
        self._log, self._check, self._sensors, self._closed, self._clock = log, check, sensors, closed, clock
        self._tell_heard = heard
        self._inbox = Inbox(log, self._judge)
        self.counts = np.zeros(len(Flag), dtype=np.int64)
        """Readings by flag since the start, duplicates as what they duplicate."""
        self.window = window
        """Latest time of every sensor, and when it was heard; replaced as a whole."""

    def put(self, readings: Readings) -> Future[Kept]:
        """Hands readings on; the future is done when they are checked and on disk.

        Raises:
            StoreError: so much waits for the disk that no more is taken.
        """
        return self._inbox.put(readings, self._clock())

    def act(self, kind: str, finding: str, text: str, who: str, cause: str = "") -> int:
        """Keeps what a person did about a finding; on disk when it returns its sequence."""
        return self._log.act(kind, finding, text, who, self._clock(), cause)

    def close(self) -> None:
        """Writes what waits and ends."""
        self._inbox.close()

    def _judge(self, readings: Readings, received: int) -> CheckedReadings:
        checked = _with_late(self._check(readings, received), self._closed())
        sensor, telling = _telling(self._sensors, readings.sensor, checked.flag)
        time = readings.time[telling]
        self.window = hear(self.window, sensor, time, np.full(len(time), received))
        self._tell_heard(sensor, time, received)
        self.counts = self.counts + np.bincount(checked.flag, minlength=len(Flag))
        return checked


def _with_late(checked: CheckedReadings, closed: int | None) -> CheckedReadings:
    late = np.flatnonzero((checked.flag == Flag.GOOD) & (checked.readings.time <= closed)) if closed is not None else ()
    if not len(late):
        return checked
    flag, why = checked.flag.copy(), checked.why.copy()
    flag[late], why[late] = Flag.LATE, LATE
    return dataclasses.replace(checked, flag=flag, why=why)


def _heard(
    window: Window,
    sensors: Sensors,
    sensor: npt.NDArray[np.object_],
    time: npt.NDArray[np.int64],
    flag: npt.NDArray[np.int8],
    received: npt.NDArray[np.int64],
) -> Window:
    place, telling = _telling(sensors, sensor, flag)
    return hear(window, place, time[telling], received[telling])


def _telling(sensors: Sensors, sensor: npt.NDArray[np.object_], flag: npt.NDArray[np.int8]) -> tuple[Ints, Ints]:
    """Readings that say where their sensor is: its index, and their place."""
    index = sensors.index
    place = np.fromiter((index.get(name, -1) for name in sensor), dtype=np.int64, count=len(sensor))
    telling = np.flatnonzero((place >= 0) & ~np.isin(flag, WITHOUT_CLOCK))
    return place[telling], telling
