"""When a cycle closes, and what it takes.

The twin lives in the time of its readings. A cycle takes the readings after the end of the one before, up to and with its own
end T, a whole multiple of its length since 1970. It closes when the watermark reaches T: the latest time that half of the
sensors heard in the last hour have reached, minus `lateness`. So one wrong clock moves nothing. "Heard in the last hour" is by
the clock of the door (`StoredReadings.received`), so that sensors that fell silent together do not hold the others for ever.

**Two lengths.** A twin that is `catch_up` or more behind takes a cycle of that length where one can begin, so that a backlog is
soon behind it; else one of `cycle`. How long a cycle was follows from the row before it; the first is always of `cycle`.

Everything here is pure; `live/run.py` talks to stores and clocks.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tweeling.live.batch import Batch
from tweeling.live.config import TwinConfig
from tweeling.live.store.contract import StoredReadings
from tweeling.live.store.versions import counting
from tweeling.network.network import Ints
from tweeling.observation.sensors import Sensors
from tweeling.reading import HOUR, SECOND, Flag

NEVER = np.iinfo(np.int64).min
"""The time of a sensor that was not heard."""
ALWAYS = np.iinfo(np.int64).max
MOST_DUE = 1000
"""So many cycles are named at once; whoever closed them asks again."""
HOLDS_ON = ("flow", "demand")
"""Quantities whose reading holds for an interval, so that several in one interval are averaged."""
USABLE = (Flag.GOOD, Flag.LATE)
"""Late says when a reading came, not that it is wrong: whoever goes back for it uses it as if it had come in order."""
WITHOUT_CLOCK = (Flag.UNKNOWN_SENSOR, Flag.BAD_CLOCK)
"""Flags of readings whose time says nothing about where the others are."""


@dataclass(frozen=True)
class Timing:
    """The rules of `[time]`, in microseconds.

    Args:
        cycle: length of a cycle.
        catch_up: length of one while the twin is that far behind; at least `cycle`.
        lateness: how long a cycle waits for stragglers.
        revise: how far the twin goes back for late readings.
        give_up: silence, by the wall clock, after which a cycle closes without its watermark.
        interval: of the sensors.
        by_wall: whether readings are stamped by the wall clock, so that silence is time that passes.
    """

    cycle: int
    catch_up: int
    lateness: int
    revise: int
    give_up: int
    interval: int
    by_wall: bool

    @staticmethod
    def of(config: TwinConfig) -> Timing:
        """As `TWIN.toml` says."""
        rules = config.time
        return Timing(
            cycle=round(rules.cycle * SECOND),
            catch_up=round((rules.catch_up or rules.cycle) * SECOND),
            lateness=round(rules.lateness * SECOND),
            revise=round(rules.revise * SECOND),
            give_up=round(rules.give_up * SECOND),
            interval=round(config.sensors.interval * SECOND),
            by_wall=rules.clock == "wall",
        )

    def end_of(self, time: int) -> int:
        """The end of the cycle, not of one that catches up, that takes a reading of this time."""
        return -(-time // self.cycle) * self.cycle

    def end_after(self, closed: int, limit: int) -> int:
        """The end of the cycle after one that ended at `closed`, for a twin that has heard as far as `limit`."""
        catches_up = closed % self.catch_up == 0 and closed + self.catch_up <= limit
        return closed + (self.catch_up if catches_up else self.cycle)

    def could_be(self, ends: Ints) -> bool:
        """Whether cycles with these ends, in order, have the lengths that these rules give."""
        length = np.diff(ends)
        long = (length == self.catch_up) & (ends[1:] % self.catch_up == 0)
        return not (ends % self.cycle).any() and bool((long | (length == self.cycle)).all())


@dataclass(frozen=True, eq=False)
class Window:
    """Where the sensors are, and what has closed.

    Args:
        earliest, latest: time of each sensor's readings, `ALWAYS` and `NEVER` before the first; (sensor,), int64.
        heard: when each was last heard, by the wall clock of the door; (sensor,), int64.
        closed: end of the last cycle that closed; None before the first.
    """

    earliest: Ints
    latest: Ints
    heard: Ints
    closed: int | None = None

    @staticmethod
    def of(n_sensors: int, closed: int | None = None) -> Window:
        """Before anything was heard."""
        return Window(np.full(n_sensors, ALWAYS), np.full(n_sensors, NEVER), np.full(n_sensors, NEVER), closed)


def hear(window: Window, sensor: Ints, time: Ints, received: Ints) -> Window:
    """The window after some readings, in whatever order.

    Args:
        window: before.
        sensor: index; (reading,).
        time: of the readings, microseconds; (reading,).
        received: by the wall clock; (reading,).
    """
    earliest, latest, heard = window.earliest.copy(), window.latest.copy(), window.heard.copy()
    np.minimum.at(earliest, sensor, time)
    np.maximum.at(latest, sensor, time)
    np.maximum.at(heard, sensor, received)
    return dataclasses.replace(window, earliest=earliest, latest=latest, heard=heard)


def close(window: Window, end: int) -> Window:
    """The window after a cycle closed."""
    return dataclasses.replace(window, closed=end)


def level(window: Window) -> int | None:
    """The latest time that half of the sensors heard in the last hour have reached; None before any was heard.

    Of two or more sensors at least two must have reached it: half of two or three would be one, and that one may be wrong.
    """
    reached = np.sort(window.latest[_active(window)])
    return int(reached[len(reached) - _half(len(reached))]) if len(reached) else None


def due(window: Window, timing: Timing, now: int) -> list[tuple[int, str]]:
    """Cycles that are to be closed, in order: their ends, and why; at most `MOST_DUE` at once.

    Args:
        window: as it stands.
        timing: rules.
        now: by the wall clock, microseconds.
    """
    reached = level(window)
    if reached is None:
        return []
    first = window.closed is None
    closed = _start(window, timing) if window.closed is None else window.closed
    found: list[tuple[int, str]] = []
    for limit, reason in _limits(window, timing, reached, now):
        while len(found) < MOST_DUE:
            end = closed + timing.cycle if first else timing.end_after(closed, limit)
            if end > limit:
                break
            found.append((end, reason))
            closed, first = end, False
    return found


def is_silent(window: Window, timing: Timing, now: int) -> bool:
    """Whether nothing came for `give_up`."""
    return bool(len(window.heard)) and now - int(window.heard.max()) >= timing.give_up


def _limits(window: Window, timing: Timing, reached: int, now: int) -> Iterator[tuple[int, str]]:
    """Up to where cycles are to close, and for which reason."""
    yield reached - timing.lateness, "watermark"
    if is_silent(window, timing, now):
        # What was heard is taken; where readings are stamped by the wall clock, silence is time that passes, too.
        yield timing.end_of(reached), "give_up"
        if timing.by_wall:
            yield now - timing.give_up, "give_up"


def _active(window: Window) -> npt.NDArray[np.bool_]:
    newest = window.heard.max(initial=NEVER)
    return np.asarray((window.heard != NEVER) & (window.heard >= max(newest, NEVER + HOUR) - HOUR), dtype=np.bool_)


def _half(count: int) -> int:
    return max((count + 1) // 2, min(count, 2))


def _start(window: Window, timing: Timing) -> int:
    """The start of the first cycle, which takes the first time that half of the sensors have: one wrong clock moves nothing."""
    begun = np.sort(window.earliest[_active(window)])
    return timing.end_of(int(begun[_half(len(begun)) - 1])) - timing.cycle


def indices(stored: StoredReadings, sensors: Sensors) -> Ints:
    """Index of each reading's sensor, -1 where it is not one of ours; (reading,)."""
    index = sensors.index
    return np.fromiter((index.get(sensor, -1) for sensor in stored.sensor), dtype=np.int64, count=len(stored))


def collect_batch(stored: StoredReadings, sensors: Sensors, config: TwinConfig, start: int, end: int) -> Batch:
    """The readings of a cycle on the grid of the sensors' interval, whatever order they came in.

    A time between two grid times belongs to the interval that the later one closes; the last of several points counts, and
    the mean of several flows or demands. Which version of one time counts: `live/store/versions.py`.

    Args:
        stored: at least the readings with time in (start, end].
        sensors: columns of the batch.
        config: of the twin.
        start: end of the cycle before, microseconds.
        end: T, microseconds.
    """
    timing = Timing.of(config)
    steps = (end - start) // timing.interval
    place = indices(stored, sensors)
    inside = (place >= 0) & (stored.time > start) & (stored.time <= end)
    chosen = _taken(stored, inside, place)
    row = steps - 1 - (end - stored.time[chosen]) // timing.interval
    seen, flag = _on_grid(stored, chosen, (row, place[chosen]), (steps, len(sensors)), _holding(sensors))
    value = np.where(np.isin(flag, USABLE), seen, np.nan)
    times = end - timing.interval * np.arange(steps - 1, -1, -1, dtype=np.int64)
    return Batch(end=end, times=times, value=value, seen=seen, flag=flag)


def _holding(sensors: Sensors) -> npt.NDArray[np.bool_]:
    return np.array([row.quantity in HOLDS_ON for row in sensors.rows], dtype=bool)


def _taken(stored: StoredReadings, inside: npt.NDArray[np.bool_], place: Ints) -> Ints:
    """Which readings count, in order of sensor and time, so that sums do not depend on who came first."""
    taken = np.flatnonzero(inside)
    columns = {field.name: getattr(stored, field.name)[taken] for field in dataclasses.fields(stored)}
    taken = taken[counting(StoredReadings(**columns))]
    return taken[np.lexsort((stored.time[taken], place[taken]))]


def _on_grid(
    stored: StoredReadings,
    chosen: Ints,
    cell: tuple[Ints, Ints],
    shape: tuple[int, int],
    holding: npt.NDArray[np.bool_],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int8]]:
    """What was seen in each cell of the grid, and its flag; readings come in order of sensor and time."""
    clean, flags = stored.clean[chosen], stored.flag[chosen]
    usable = np.isin(flags, USABLE) & np.isfinite(clean)
    seen, flag = np.full(shape, np.nan), np.full(shape, Flag.MISSING_VALUE, dtype=np.int8)
    for wanted in (~usable, usable):  # the usable ones last: they win
        where = (cell[0][wanted], cell[1][wanted])
        seen[where] = clean[wanted]
        flag[where] = flags[wanted]
    flag[cell[0][usable], cell[1][usable]] = Flag.GOOD
    total, count = np.zeros(shape), np.zeros(shape)
    averaged = usable & holding[cell[1]]
    where = (cell[0][averaged], cell[1][averaged])
    np.add.at(total, where, clean[averaged])
    np.add.at(count, where, 1.0)
    several = count > 1
    seen[several] = total[several] / count[several]
    return seen, flag
