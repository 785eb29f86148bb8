"""Where members start, from their own flows and the course's; `physics/hydraulics/course.py` says what arrays mean."""

from __future__ import annotations

from tweeling.physics.hydraulics.contract import Status
from tweeling.physics.kernels.compiled import compiled_entry

CLOSED = int(Status.CLOSED)


@compiled_entry
def start_flows(course, is_open, alike, pumps, now, then, flow, before, status, start):  # type: ignore[no-untyped-def]
    """Fills `start`; `now` and `then` are the moments of the course before the member's, -1 for none."""
    for member in range(start.shape[0]):
        here, last = now[member], then[member]
        differs, switched = 0, 0
        if here >= 0:
            for link in range(start.shape[1]):
                differs += (status[member, link] > CLOSED) != is_open[here, link]
                switched += (before[member, link] > CLOSED) != is_open[here, link]
        if here < 0 or differs > 0:
            for link in range(start.shape[1]):
                start[member, link] = flow[member, link]
        elif last < 0 or switched > 0 or alike[here] != alike[last]:
            for link in range(start.shape[1]):
                start[member, link] = course[here, link]
        else:
            for link in range(start.shape[1]):
                start[member, link] = flow[member, link] + (course[here, link] - course[last, link])
            for link in pumps:  # a pump has no head to give that runs backwards
                start[member, link] = max(start[member, link], flow[member, link] / 2.0)
