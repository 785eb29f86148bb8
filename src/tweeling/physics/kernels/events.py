"""What happens between two steady states, member by member: controls act, tanks move, the next event comes.

Called by `physics/hydraulics/period.py` at every step of every member, so it counts: each kernel goes through the members once.
`tests/physics/kernels/test_events.py` says the same in NumPy.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tweeling.network.network import Floats, Ints
from tweeling.physics.hydraulics.clock import DAY
from tweeling.physics.hydraulics.contract import Codes, Status
from tweeling.physics.kernels.compiled import compiled, compiled_entry

BELOW, ABOVE, AT_TIME, AT_CLOCK, ALWAYS = range(5)
"""Kinds of control, in the order of `controls.KINDS`."""
CLOSED, ACTIVE = int(Status.CLOSED), int(Status.ACTIVE)


class Controls(NamedTuple):
    """See `ControlTable`; `first_flow` of a pump of constant power that the control starts, NaN for others; (control,)."""

    kind: Ints
    link: Ints
    tank: Ints
    seconds: Ints
    head: Floats
    volume: Floats
    status: Codes
    has_setting: npt.NDArray[np.bool_]
    setting: Floats
    first_flow: Floats


class Tanks(NamedTuple):
    """See `TankTable`; curves end to end, tank t's from `curve_first[t]` to `curve_first[t + 1]`."""

    fixed: Ints
    bottom: Floats
    min_head: Floats
    area: Floats
    min_volume: Floats
    max_volume: Floats
    curve_first: Ints
    curve_level: Floats
    curve_volume: Floats


class Reservoirs(NamedTuple):
    """Position among the fixed nodes, head before its pattern in m, column of the multipliers; (reservoir,)."""

    fixed: Ints
    elevation: Floats
    pattern: Ints


class Happenings(NamedTuple):
    """All that happens in time: `per_flow` m3 for a flow of 1 m3/s in a second; a tank rests up to `resting` m3 per second."""

    controls: Controls
    tanks: Tanks
    reservoirs: Reservoirs
    start_clock: int
    per_flow: float
    resting: float


@compiled
def between(x, y, first, end, at):  # type: ignore[no-untyped-def]
    """Y at `at` on the straight lines between points `first` to `end`, level beyond them (`np.interp`)."""
    if not at > x[first]:
        return y[first] if at <= x[first] else at  # NaN stays NaN
    for point in range(first + 1, end):
        if at < x[point]:
            slope = (y[point] - y[point - 1]) / (x[point] - x[point - 1])
            return slope * (at - x[point - 1]) + y[point - 1]
    return y[end - 1]


@compiled_entry
def write_fixed_heads(happenings, multiplier, row, volume, head):  # type: ignore[no-untyped-def]
    """Fills `head`, (member, fixed): reservoirs by their patterns, tanks by what they hold (`tanks.tank_heads`)."""
    reservoirs, tanks = happenings.reservoirs, happenings.tanks
    for member in range(head.shape[0]):
        for reservoir in range(reservoirs.fixed.shape[0]):
            factor = multiplier[row[member], reservoirs.pattern[reservoir]]
            head[member, reservoirs.fixed[reservoir]] = reservoirs.elevation[reservoir] * factor
        for tank in range(volume.shape[1]):
            first, end, held = tanks.curve_first[tank], tanks.curve_first[tank + 1], volume[member, tank]
            if end > first:
                level = between(tanks.curve_volume, tanks.curve_level, first, end, held)
                head[member, tanks.fixed[tank]] = tanks.bottom[tank] + level
            else:
                height = (held - tanks.min_volume[tank]) / tanks.area[tank]
                head[member, tanks.fixed[tank]] = tanks.min_head[tank] + height


@compiled
def _fires(happenings, control, time, volume, net_inflow, member):  # type: ignore[no-untyped-def]
    """Whether a control acts; a level counts as reached when the tank would be there within one second."""
    controls = happenings.controls
    which, tank, seconds = controls.kind[control], controls.tank[control], controls.seconds[control]
    if which == AT_TIME:
        return time == seconds
    if which == AT_CLOCK:
        return (time + happenings.start_clock) % DAY == seconds % DAY
    if which == ALWAYS:
        return True
    near = abs(net_inflow[member, happenings.tanks.fixed[tank]] * happenings.per_flow)
    if which == BELOW:
        return volume[member, tank] <= controls.volume[control] + near
    return volume[member, tank] >= controls.volume[control] - near


@compiled
def _other_setting(controls, control, setting):  # type: ignore[no-untyped-def]
    """Whether a control's link has another setting than the control gives; no setting (NaN) equals no setting."""
    wanted = controls.setting[control]
    return controls.has_setting[control] and not (setting == wanted or (np.isnan(setting) and np.isnan(wanted)))


@compiled
def _changes(controls, control, status, setting):  # type: ignore[no-untyped-def]
    """Whether a control that acts changes its link; a valve that is told to regulate starts anew, whatever it does now."""
    wanted = controls.status[control]
    differs = (status <= CLOSED) != (wanted <= CLOSED)
    return differs or wanted == ACTIVE or _other_setting(controls, control, setting)


@compiled_entry
def controls_change(happenings, time, volume, net_inflow, status, setting):  # type: ignore[no-untyped-def]
    """Whether any control changes anything at the members' times."""
    controls = happenings.controls
    for member in range(time.shape[0]):
        for control in range(controls.kind.shape[0]):
            link = controls.link[control]
            changes = _changes(controls, control, status[member, link], setting[member, link])
            if changes and _fires(happenings, control, time[member], volume, net_inflow, member):
                return True
    return False


@compiled_entry
def act_controls(happenings, time, volume, net_inflow, status, setting, flow):  # type: ignore[no-untyped-def]
    """Sets statuses, settings and first flows of restarted pumps in place, in the file's order of controls."""
    controls = happenings.controls
    for member in range(time.shape[0]):
        for control in range(controls.kind.shape[0]):
            link, wanted = controls.link[control], controls.status[control]
            changes = _changes(controls, control, status[member, link], setting[member, link])
            if not (changes and _fires(happenings, control, time[member], volume, net_inflow, member)):
                continue
            if status[member, link] <= CLOSED < wanted and not np.isnan(controls.first_flow[control]):
                flow[member, link] = controls.first_flow[control]
            status[member, link] = wanted
            if controls.has_setting[control]:
                setting[member, link] = controls.setting[control]


@compiled
def _whole(seconds):  # type: ignore[no-untyped-def]
    """Rounded half up, as EPANET rounds the time to a tank's limit, 1e15 s at most; what lies behind is 0."""
    return np.int64(np.floor(min(seconds, 1e15) + 0.5)) if seconds > 0.0 else 0


@compiled_entry
def cut_steps(happenings, time, fixed_head, volume, net_inflow, status, setting, latest, step):  # type: ignore[no-untyped-def]
    """Cuts steps short, in place: the first tank is full or empty, the first control changes something, it is `latest`."""
    controls, tanks, per_flow, resting = happenings.controls, happenings.tanks, happenings.per_flow, happenings.resting
    for member in range(time.shape[0]):
        seconds = step[member]
        for tank in range(tanks.fixed.shape[0]):
            rate = net_inflow[member, tanks.fixed[tank]] * per_flow
            if abs(rate) > resting:
                limit = tanks.max_volume[tank] if rate > 0.0 else tanks.min_volume[tank]
                until = _whole((limit - volume[member, tank]) / rate)
                if 0 < until < seconds:
                    seconds = until
        for control in range(controls.kind.shape[0]):
            which, tank, until = controls.kind[control], controls.tank[control], 0
            if which in (BELOW, ABOVE):
                fixed, level = tanks.fixed[tank], controls.head[control]
                rate, head = net_inflow[member, fixed] * per_flow, fixed_head[member, fixed]
                comes = (head < level and rate > resting) if which == ABOVE else (head > level and rate < -resting)
                if comes:
                    until = _whole((controls.volume[control] - volume[member, tank]) / rate)
            elif which == AT_TIME:
                until = max(controls.seconds[control] - time[member], 0)
            elif which == AT_CLOCK:
                until = (controls.seconds[control] - (time[member] + happenings.start_clock) % DAY) % DAY
            if 0 < until < seconds:
                link = controls.link[control]
                other = status[member, link] != controls.status[control]
                if other or _other_setting(controls, control, setting[member, link]):
                    seconds = until
        step[member] = min(seconds, max(latest - time[member], 0))


@compiled_entry
def fill_tanks(happenings, volume, net_inflow, seconds, after, gain):  # type: ignore[no-untyped-def]
    """Volumes after some time, and what tanks gain beside their inflow by that rule; `period._filled`."""
    tanks = happenings.tanks
    for member in range(volume.shape[0]):
        for tank in range(volume.shape[1]):
            rate = net_inflow[member, tanks.fixed[tank]] * happenings.per_flow
            held = volume[member, tank] + rate * seconds[member]
            kept = held
            if held + rate >= tanks.max_volume[tank]:
                kept = tanks.max_volume[tank]
            elif held - rate <= tanks.min_volume[tank]:
                kept = tanks.min_volume[tank]
            after[member, tank], gain[member, tank] = kept, kept - held
