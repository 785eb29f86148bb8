"""In the twin: what is wrong with a reading beside the ones around it. A pure step over the batches of the cycles.

**Spike**: a reading that is far from the one before and from the one after, on the same side, while those two are alike. A
step that stays is good, for a burst looks like one. Far is twice the largest such peak that the sensor has lately shown by
itself and eight times its instrument's deviation. The last reading of a batch has no next one yet: when it jumps further than
the sensor ever does, it is held back (its value is NaN and its flag good) and never assimilated; should the next one return,
it was a spike and is counted as one, and should the step stay, the twin has seen it one interval later. The price is one
reading of a step that is larger than all before it and falls on the end of a cycle.

**Stuck**: more equal readings in a row than three times the sensor's longest run by itself. Good sensors hold runs: behind a
pressure valve, in a full tank, at a pump that stands still. Only the readings beyond that are flagged.

What a sensor does by itself is learned as it goes, fading to half in 30 days of five minutes; nothing is judged in a sensor's
first two days. What was flagged teaches too, but a little at a time: a change of habit is learned, a fault is not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tweeling.live.batch import Batch
from tweeling.network.network import Floats, Ints
from tweeling.observation.sensors import Sensors
from tweeling.reading import Flag

FAR = 2.0
"""Times the largest peak or jump of the sensor's own; at 1.5 a good year of L-Town has a hundred false alarms, at 2 none."""
LONG = 3.0
"""Times the longest run of the sensor's own; at 2 that year has 23 false alarms."""
STDS = 8.0
RETURNED = 0.5
"""Of the peak's height: how much the readings on both sides of a spike may differ."""
GROWTH = 1.5
"""By which a flagged peak or run may raise what counts as the sensor's own."""
LEAST_RUN = 24
"""Equal readings that are never stuck."""
ENOUGH = 576
"""Readings before anything is judged: two days of five minutes."""
FADE = 0.5 ** (1 / 8640)
"""A reading."""


@dataclass(frozen=True, eq=False)
class WatchState:
    """What is known of each sensor's habits; all (sensor,).

    Args:
        floor: SI; smaller peaks and jumps are never remarked on.
        heard: readings so far.
        before, last: the last two readings that were no spikes, SI; NaN before the first.
        peak: largest height over both neighbours, SI, fading.
        jump: largest change from one reading to the next, SI, fading.
        run: readings in a row that are equal to `last`.
        longest: longest run, fading.
        spikes, stuck: readings found to be so.
    """

    floor: Floats
    heard: Ints
    before: Floats
    last: Floats
    peak: Floats
    jump: Floats
    run: Ints
    longest: Floats
    spikes: Ints
    stuck: Ints

    @staticmethod
    def first(sensors: Sensors) -> WatchState:
        """Before anything was heard."""
        count, none = np.zeros(len(sensors), dtype=np.int64), np.full(len(sensors), np.nan)
        zero = np.zeros(len(sensors))
        return WatchState(STDS * sensors.std, count, none, none, zero, zero, count, zero, count, count)


def watch(state: WatchState, batch: Batch) -> tuple[WatchState, Batch]:
    """Flags spikes and stuck sensors of a cycle.

    Args:
        state: after the cycle before.
        batch: as the door's check left it; a value of NaN is not looked at.

    Returns:
        The state after, and the batch with `value` NaN and `flag` set where a reading must not be assimilated; `seen` is kept.
    """
    value, flag = batch.value.copy(), batch.flag.copy()
    row_of_last = np.full(len(state.last), -1)
    for row, new in enumerate(batch.value):
        state, spike, stuck = _take(state, new)
        earlier = np.flatnonzero(spike & (row_of_last >= 0))
        _set_flag(value, flag, row_of_last[earlier], earlier, Flag.SPIKE)
        _set_flag(value, flag, np.full(int(stuck.sum()), row), np.flatnonzero(stuck), Flag.STUCK)
        row_of_last[~np.isnan(new)] = row
    held = np.flatnonzero(_is_suspicious(state) & (row_of_last >= 0))
    value[row_of_last[held], held] = np.nan
    return state, replace(batch, value=value, flag=flag)


def _take(state: WatchState, new: Floats) -> tuple[WatchState, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Takes one interval's readings: which sensors' reading before turns out to be a spike, which are stuck."""
    there = ~np.isnan(new)
    known = state.heard >= ENOUGH
    up, down = state.last - state.before, state.last - new
    judged = there & (up * down > 0)  # false where one of the three is missing
    height = np.where(judged, np.minimum(np.abs(up), np.abs(down)), 0.0)
    apart = np.abs(new - state.before)
    spike = judged & known & (height > _far(state.peak, state.floor)) & (apart <= RETURNED * height)
    same = there & (new == state.last)
    ended = there & ~same
    run = np.where(same, state.run + 1, np.where(there, 1, state.run))
    stuck = same & known & (run > np.maximum(LEAST_RUN, LONG * state.longest))
    fade = np.where(there, FADE, 1.0)
    settled = there & ~spike
    return (
        replace(
            state,
            heard=state.heard + there,
            before=np.where(settled, state.last, state.before),
            last=np.where(there, new, state.last),
            peak=_learned(state.peak * fade, height, known, state.floor),
            jump=_learned(state.jump * fade, np.where(settled & (state.heard > 1), np.abs(up), 0.0), known, state.floor),
            run=run,
            longest=_learned(state.longest * fade, np.where(ended, state.run, 0), known, LEAST_RUN / LONG),
            spikes=state.spikes + spike,
            stuck=state.stuck + stuck,
        ),
        spike,
        stuck,
    )


def _far(own: Floats, floor: Floats) -> Floats:
    return np.maximum(FAR * own, floor)


def _learned(own: Floats, seen: npt.NDArray[np.float64], known: npt.NDArray[np.bool_], floor: Floats | float) -> Floats:
    """What a sensor does by itself after one more observation; once it is known well, one observation teaches a little."""
    most = np.where(known, GROWTH * np.maximum(own, floor), np.inf)
    return np.maximum(own, np.minimum(seen, most))


def _is_suspicious(state: WatchState) -> npt.NDArray[np.bool_]:
    """Whether the last reading is further from the one before than the sensor has ever moved; False where one is missing."""
    moved = np.abs(state.last - state.before)
    far = (moved > _far(state.jump, state.floor)) & (moved > _far(state.peak, state.floor))
    return (state.heard >= ENOUGH) & far


def _set_flag(value: Floats, flag: npt.NDArray[np.int8], rows: Ints, sensors: Ints, which: Flag) -> None:
    value[rows, sensors] = np.nan
    flag[rows, sensors] = which
