"""The course: how the network runs by its file, from which members start their steady states.

A member's own last flows are a good start as long as nothing changes. When a pattern moves on they are off by what the whole
network does then, and that the course knows: the member starts from the course's flows plus its own difference to them, which
grows and shrinks with the course's flows in all. Where links have just been opened or closed, or there are no flows yet, it
starts from the course's flows. All that only while it has open what the course has open; else it starts from its own flows. So
a member's start is a function of the member and its network alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tweeling.network.network import Bools, Floats, Ints
from tweeling.physics.hydraulics.contract import Codes
from tweeling.physics.kernels.course import start_flows
from tweeling.physics.kernels.memory import empty

MOST_VALUES = 2**19
"""Flows that a course holds at most: two days of 1,000 links in steps of five minutes. Where it ends, members go on alone."""


@dataclass(frozen=True, eq=False)
class Course:
    """Moments of one run.

    Args:
        time: s, ascending from 0; (moment,).
        flow: m3/s; (moment, link).
        is_open: whether a link lets water pass; (moment, link).
        alike: number of the set of open links, the same for the same set; (moment,).
        size: sum of all flows, m3/s; (moment,).
        pumps: links; (pump,).
    """

    time: Ints
    flow: Floats
    is_open: Bools
    alike: Ints
    size: Floats
    pumps: Ints

    @staticmethod
    def of(time: Ints, flow: Floats, is_open: Bools, pumps: Ints) -> Course:
        """A course of some moments; see above."""
        alike = np.unique(is_open, axis=0, return_inverse=True)[1].reshape(-1)
        return Course(time, flow, is_open, alike.astype(np.int64), np.abs(flow).sum(axis=1), pumps.copy())

    def start(self, time: Ints, since: Ints, flow: Floats, before: Codes, status: Codes) -> Floats:
        """Flows to start from, m3/s; (member, link).

        Args:
            time: s, now; (member,).
            since: s, when the last steady state was, -1 before the first; (member,).
            flow: of that; (member, link).
            before, status: of links then and now; (member, link).
        """
        start = empty((len(time), flow.shape[1]))
        start_flows(
            self.time, self.flow, self.is_open, self.alike, self.size, self.pumps, time, since, flow, before, status, start
        )
        return start
