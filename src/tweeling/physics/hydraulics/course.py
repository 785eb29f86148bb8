"""The course: how the network runs by its file, from which members start their steady states.

A member's own last flows are a good start as long as nothing changes. When a pattern moves on they are off by what the whole
network does then, and that the course knows: the member starts from the course's flows plus its own difference to them, which
grows and shrinks with the course's flows in all. Where links have just been opened or closed, or there are no flows yet, it
starts from the course's flows. All that only while it has open what the course has open, and while the course moves; else it
starts from its own flows. So a member's start is a function of the member and its network alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tweeling.network.network import Bools, Floats, Ints
from tweeling.physics.hydraulics.contract import Codes
from tweeling.physics.kernels.course import choose_starts, fill_starts
from tweeling.physics.kernels.memory import empty

MOST_VALUES = 2**19
"""Flows that a course holds at most: two days of 1,000 links in steps of five minutes. Where it ends, members go on alone."""

HARDLY = 0.01
"""Change of the course, of its flows in all, below which a member's own flows are as good a start."""


@dataclass(frozen=True, eq=False)
class Course:
    """Moments of one run.

    Args:
        time: s, ascending from 0; (moment,).
        flow: m3/s; (moment, link).
        is_open: whether a link lets water pass; (moment, link).
        alike: number of the set of open links, the same for the same set; (moment,).
        size: sum of all flows, m3/s; (moment,).
        quiet: whether flows have hardly moved since the moment before; (moment,).
        pumps: links; (pump,).
    """

    time: Ints
    flow: Floats
    is_open: Bools
    alike: Ints
    size: Floats
    quiet: Bools
    pumps: Ints

    @staticmethod
    def of(time: Ints, flow: Floats, is_open: Bools, pumps: Ints) -> Course:
        """A course of some moments; see above."""
        alike = np.unique(is_open, axis=0, return_inverse=True)[1].reshape(-1)
        size = np.abs(flow).sum(axis=1)
        quiet = np.zeros(len(time), dtype=bool)
        quiet[1:] = np.abs(np.diff(flow, axis=0)).sum(axis=1) <= HARDLY * size[:-1]
        return Course(time, flow, is_open, alike.astype(np.int64), size, quiet, pumps.copy())

    def start(self, time: Ints, since: Ints, flow: Floats, before: Codes, status: Codes) -> Floats:
        """Flows to start from, m3/s; (member, link).

        Args:
            time: s, now; (member,).
            since: s, when the last steady state was, -1 before the first; (member,).
            flow: of that; (member, link).
            before, status: of links then and now; (member, link).
        """
        starts = np.empty(len(time), dtype=np.int8)
        if not choose_starts(self.time, self.is_open, self.alike, self.quiet, time, since, before, status, starts):
            return flow
        start = empty((len(time), flow.shape[1]))
        fill_starts(self.time, self.flow, self.size, self.pumps, time, since, flow, starts, start)
        return start
