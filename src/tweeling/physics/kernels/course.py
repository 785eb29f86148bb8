"""Where members start, from their own flows and the course's; `physics/hydraulics/course.py` says what arrays mean."""

from __future__ import annotations

from tweeling.physics.hydraulics.contract import Status
from tweeling.physics.kernels.compiled import compiled, compiled_entry

CLOSED = int(Status.CLOSED)
OWN, COURSE, BOTH = range(3)
"""What a member starts from."""


@compiled
def _moment_at(times, time):  # type: ignore[no-untyped-def]
    """The last moment up to a time, -1 for none."""
    low, high = 0, times.shape[0]
    while low < high:
        middle = (low + high) // 2
        if times[middle] <= time:
            low = middle + 1
        else:
            high = middle
    return low - 1


@compiled_entry
def choose_starts(times, is_open, alike, quiet, time, since, before, status, starts):  # type: ignore[no-untyped-def]
    """Fills `starts` with OWN, COURSE or BOTH; whether any is not OWN."""
    any_other = False
    for member in range(starts.shape[0]):
        here, last = _moment_at(times, time[member]), _moment_at(times, since[member])
        differs, switched = time[member] > times[-1], False
        if not differs:
            for link in range(status.shape[1]):
                differs |= (status[member, link] > CLOSED) != is_open[here, link]
                switched |= (before[member, link] > CLOSED) != is_open[here, link]
        starts[member] = BOTH
        if differs:
            starts[member] = OWN
        elif last < 0 or switched or alike[here] != alike[last]:
            starts[member] = COURSE
        elif here == last or (here == last + 1 and quiet[here]):
            starts[member] = OWN
        any_other |= starts[member] != OWN
    return any_other


@compiled_entry
def fill_starts(times, course, size, pumps, time, since, flow, starts, start):  # type: ignore[no-untyped-def]
    """Fills `start` as `starts` says."""
    for member in range(start.shape[0]):
        here, last = _moment_at(times, time[member]), _moment_at(times, since[member])
        if starts[member] == OWN:
            for link in range(start.shape[1]):
                start[member, link] = flow[member, link]
        elif starts[member] == COURSE:
            for link in range(start.shape[1]):
                start[member, link] = course[here, link]
        else:
            growth = size[here] / size[last] if size[last] > 0.0 else 1.0
            for link in range(start.shape[1]):
                start[member, link] = course[here, link] + growth * (flow[member, link] - course[last, link])
            for link in pumps:  # a pump has no head to give that runs backwards
                start[member, link] = max(start[member, link], flow[member, link] / 2.0)
