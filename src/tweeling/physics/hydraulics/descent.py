"""How far to go along a Newton step: not beyond the least content.

With statuses as they are, a steady state is the least *content*: the sum of the integrals of all losses over flow, convex in
flows that keep mass (Collins et al. 1978; Piller 1995). A Newton step from flows that keep mass leads downhill. A whole one is
almost always best; but where a law bends sharply (a tap that runs dry, a demand that is met, a pipe that begins to flow) it may
lead far up the other side, and back again, for ever. Then a part of it is taken.

The slope of the content along a step is sum (loss at a flow - head difference after the step) change of flow. At the start of a
step it is negative, at its least point 0.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tweeling.network.network import Bools, Floats

NEAR = 0.5
"""A part of a step will do where the slope is at most so much of what it was at the start, up or down."""
SHRINK = 16.0
"""How fast the part shrinks until the slope is down: kinks may lie at 1e-10 of a step."""
LOOKS = 12
"""Slopes looked at, at most."""


def part_of_step(slope: Callable[[Floats], Floats], which: Bools) -> Floats:
    """The part of its last step that each member should have gone; (member,).

    Args:
        slope: the content's slope by part of the step, of all members; (member,) from (member,).
        which: members that are asked for; others get 1; (member,).
    """
    least, most = np.zeros(len(which)), np.ones(len(which))
    first, there = slope(least), slope(most)
    enough = NEAR * np.abs(first)
    seeks = which & (first < 0) & (there > enough)
    for _ in range(LOOKS):
        if not seeks.any():
            break
        part = np.where(least == 0, most / SHRINK, np.sqrt(least * most))
        there = slope(np.where(seeks, part, most))
        least = np.where(seeks & (there < 0), part, least)
        good = np.abs(there) <= enough
        # Just behind a kink the next tangent knows what lies there: where none is near enough, the far end is taken.
        most = np.where(seeks & ((there >= 0) | good), part, most)
        seeks &= ~good
    return most
