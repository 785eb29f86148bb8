"""What happens between two steady states, member by member: which controls fire, what they do, when the next event comes.

Called by `physics/hydraulics/controls.py` and `tanks.py`, which say what the arrays mean; at every step of every member, so it
counts.
"""

from __future__ import annotations

import numpy as np

from tweeling.physics.hydraulics.clock import DAY
from tweeling.physics.hydraulics.contract import Status
from tweeling.physics.kernels.compiled import compiled, compiled_entry

BELOW, ABOVE, AT_TIME, AT_CLOCK, ALWAYS = range(5)
"""Kinds of control, in the order of `controls.KINDS`."""
CLOSED, ACTIVE = int(Status.CLOSED), int(Status.ACTIVE)


@compiled
def _whole(seconds):  # type: ignore[no-untyped-def]
    """Rounded half up, as EPANET rounds the time to a tank's limit, 1e15 s at most; what lies behind is 0."""
    return np.int64(np.floor(min(seconds, 1e15) + 0.5)) if seconds > 0.0 else 0


@compiled
def _same(a, b):  # type: ignore[no-untyped-def]
    """Whether settings are equal; no setting (NaN) equals no setting."""
    return a == b or (np.isnan(a) and np.isnan(b))


@compiled_entry
def tank_limits(least, most, volume, filling, resting, step):  # type: ignore[no-untyped-def]
    """Cuts steps short where the first tank is full or empty; `tanks.step_to_limits`."""
    for member in range(len(step)):
        for tank in range(len(least)):
            rate = filling[member, tank]
            if abs(rate) > resting:
                limit = most[tank] if rate > 0.0 else least[tank]
                seconds = _whole((limit - volume[member, tank]) / rate)
                if 0 < seconds < step[member]:
                    step[member] = seconds


@compiled_entry
def controls_firing(kind, tank, level, seconds, clock_start, time, volume, filling, fires):  # type: ignore[no-untyped-def]
    """Which controls act at the members' times; `ControlTable.firing`."""
    for member in range(len(time)):
        of_day = (time[member] + clock_start) % DAY
        for control in range(len(kind)):
            which = kind[control]
            if which == BELOW:
                near = level[control] + abs(filling[member, tank[control]])
                fires[member, control] = volume[member, tank[control]] <= near
            elif which == ABOVE:
                near = level[control] - abs(filling[member, tank[control]])
                fires[member, control] = volume[member, tank[control]] >= near
            elif which == AT_TIME:
                fires[member, control] = time[member] == seconds[control]
            elif which == AT_CLOCK:
                fires[member, control] = of_day == seconds[control] % DAY
            else:
                fires[member, control] = True


@compiled_entry
def controls_act(table, fires, status, setting, flow):  # type: ignore[no-untyped-def]
    """Statuses, settings and first flows of restarted pumps, in the file's order of controls; `ControlTable.act`.

    `table` is (link, status, has_setting, setting, first flow: NaN for what is no pump of constant power).
    """
    links, wanted, has_setting, target, first_flow = table
    for member in range(fires.shape[0]):
        for control in range(len(links)):
            if not fires[member, control]:
                continue
            link = links[control]
            closed, closes = status[member, link] <= CLOSED, wanted[control] <= CLOSED
            # A valve that is told to regulate starts regulating, whatever it does now.
            changes = closed != closes or wanted[control] == ACTIVE
            changes = changes or (has_setting[control] and not _same(setting[member, link], target[control]))
            if closed and not closes and not np.isnan(first_flow[control]):
                flow[member, link] = first_flow[control]
            if changes:
                status[member, link] = wanted[control]
                if has_setting[control]:
                    setting[member, link] = target[control]


@compiled_entry
def next_control(table, kinds, clock_start, resting, time, tank_head, volume, filling, status, setting, step):  # type: ignore[no-untyped-def]
    """Cuts steps short where the first control would change something; `ControlTable.step_to_next`.

    `table` as in `controls_act`, `kinds` is (kind, tank, seconds, head and volume of the level).
    """
    links, wanted, has_setting, target, _ = table
    kind, tanks, seconds, head, level = kinds
    for member in range(len(step)):
        for control in range(len(links)):
            which, tank, until = kind[control], tanks[control], 0
            if which in (BELOW, ABOVE):
                rate, now = filling[member, tank], tank_head[member, tank]
                rises = now < head[control] and rate > resting
                falls = now > head[control] and rate < -resting
                if rises if which == ABOVE else falls:
                    until = _whole((level[control] - volume[member, tank]) / rate)
            elif which == AT_TIME:
                until = max(seconds[control] - time[member], 0)
            elif which == AT_CLOCK:
                until = (seconds[control] - (time[member] + clock_start) % DAY) % DAY
            if 0 < until < step[member]:
                link = links[control]
                changes = status[member, link] != wanted[control]
                if changes or (has_setting[control] and not _same(setting[member, link], target[control])):
                    step[member] = until
