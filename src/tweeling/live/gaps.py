"""Gaps: spans of time for which a sensor that was heard gave no reading.

A gap opens when a sensor falls silent, and closes with its first reading of a later time; it also opens and closes at once when
a reading is so much later than the one before that some are missing between them. Its span is in the time of the readings: from
the last one before to the first one after. What a broker or a gateway held back and delivers later, in order, leaves no hole:
such a gap closes with nothing missing.

Silent is a sensor that was not heard for `patience` by the wall clock, or whose time is by that much behind the others'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tweeling.live.window import NEVER, Timing
from tweeling.network.network import Ints

SILENT_INTERVALS = 3
MOST_CLOSED = 200
"""Closed gaps that are remembered; the last ones."""


@dataclass(frozen=True)
class Rules:
    """When silence is a gap, in microseconds.

    Args:
        patience: how long a sensor may be silent.
        interval: of its readings.
    """

    patience: int
    interval: int

    @staticmethod
    def of(timing: Timing) -> Rules:
        """Of `[time]`: three intervals, and at least `give_up`."""
        return Rules(max(SILENT_INTERVALS * timing.interval, timing.give_up), timing.interval)


@dataclass(frozen=True)
class Gap:
    """A span without readings.

    Args:
        sensor: index.
        begin: time of the last reading before it.
        noticed: when, by the wall clock.
        end: time of the first reading after it; None while it is open.
        missing: readings that should have come between them; 0 while it is open.
    """

    sensor: int
    begin: int
    noticed: int
    end: int | None = None
    missing: int = 0


@dataclass(frozen=True, eq=False)
class Gaps:
    """What is remembered.

    Args:
        latest: time of each sensor's latest reading, `NEVER` before the first; (sensor,).
        heard: when each was last heard, by the wall clock; (sensor,).
        open: by sensor.
        closed: the last ones, oldest first.
    """

    latest: Ints
    heard: Ints
    open: Mapping[int, Gap] = field(default_factory=dict)
    closed: tuple[Gap, ...] = ()


@dataclass(frozen=True)
class Told:
    """What a step found.

    Args:
        opened: sensors that fell silent.
        closed: gaps that ended, or were found whole.
    """

    opened: tuple[Gap, ...] = ()
    closed: tuple[Gap, ...] = ()


def hear(gaps: Gaps, rules: Rules, sensor: Ints, time: Ints, now: int) -> tuple[Gaps, Told]:
    """After some readings came, in whatever order.

    Args:
        gaps: before.
        rules: see there.
        sensor: index of each reading's; (reading,).
        time: microseconds; (reading,).
        now: when they came, by the wall clock.
    """
    if not len(sensor):
        return gaps, Told()
    heard = gaps.heard.copy()
    heard[sensor] = np.maximum(heard[sensor], now)
    later = time > gaps.latest[sensor]
    who, when, before = _steps(gaps.latest, sensor[later], time[later])
    latest = gaps.latest.copy()
    np.maximum.at(latest, who, when)
    ended = np.flatnonzero(_ends_one(gaps, rules, who, when, before))
    rows = zip(who[ended].tolist(), before[ended].tolist(), when[ended].tolist(), strict=True)
    closed = tuple(_closed(gaps, rules, one, begin, end, now) for one, begin, end in rows)
    still = {one: gap for one, gap in gaps.open.items() if latest[one] == gap.begin}
    after = Gaps(latest, heard, still, (*gaps.closed, *closed)[-MOST_CLOSED:])
    return after, Told(closed=closed)


def _steps(latest: Ints, sensor: Ints, time: Ints) -> tuple[Ints, Ints, Ints]:
    """Each reading beside the time of the one before it of its sensor, by sensor and time."""
    order = np.lexsort((time, sensor))
    who, when = sensor[order], time[order]
    before = np.roll(when, 1)
    first = np.ones(len(who), dtype=bool)
    first[1:] = who[1:] != who[:-1]
    before[first] = latest[who[first]]
    return who, when, before


def _ends_one(gaps: Gaps, rules: Rules, who: Ints, when: Ints, before: Ints) -> npt.NDArray[np.bool_]:
    """Which readings come after a gap: too long after the one before, or the first after an open one."""
    never = before == NEVER
    ends: npt.NDArray[np.bool_] = when - np.where(never, when, before) > rules.patience
    if not gaps.open:
        return ends
    begin = np.full(len(gaps.latest), NEVER)
    for gap in gaps.open.values():
        begin[gap.sensor] = gap.begin
    ends |= ~never & (before == begin[who])
    return ends


def _closed(gaps: Gaps, rules: Rules, sensor: int, begin: int, end: int, now: int) -> Gap:
    open_one = gaps.open.get(sensor)
    noticed = open_one.noticed if open_one is not None and open_one.begin == begin else now
    return Gap(sensor, begin, noticed, end, max(round((end - begin) / rules.interval) - 1, 0))


def look(gaps: Gaps, rules: Rules, reached: int | None, now: int) -> tuple[Gaps, Told]:
    """After time has passed.

    Args:
        gaps: before.
        rules: see there.
        reached: the time that half of the sensors have reached; None when none was heard.
        now: by the wall clock.
    """
    known = gaps.latest != NEVER
    safe = np.where(known, gaps.latest, now)
    silent = known & (now - np.where(known, gaps.heard, now) > rules.patience)
    if reached is not None:
        silent |= known & (reached - safe > rules.patience)
    new = [one for one in np.flatnonzero(silent).tolist() if one not in gaps.open]
    if not new:
        return gaps, Told()
    opened = tuple(Gap(one, int(gaps.latest[one]), now) for one in new)
    still = dict(gaps.open) | {gap.sensor: gap for gap in opened}
    return Gaps(gaps.latest, gaps.heard, still, gaps.closed), Told(opened=opened)
