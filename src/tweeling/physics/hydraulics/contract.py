"""What a hydraulic engine takes and gives: one steady state for all members at once.

An engine is a function `solve(plan, conditions, flows, rule) -> Solution`. The NumPy reference
(`physics/hydraulics/reference.py`) is the specification; `physics/kernels/cpu.py` must equal it. Extended periods
(`physics/hydraulics/period.py`) call an engine step after step and know nothing of its inside.

Arrays are `(member, element)` in SI. An array of conditions that all members share may have one row.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from tweeling.errors import InputError
from tweeling.network.network import Floats, Ints

if TYPE_CHECKING:
    from tweeling.physics.hydraulics.plan import Plan

Codes = npt.NDArray[np.int8]


class Status(IntEnum):
    """What a link does inside a solve; EPANET's statuses (`types.h`), in its order: up to CLOSED no water passes."""

    XHEAD = 0
    """A pump that cannot lift so high: closed until the next status check."""
    TEMPORARILY_CLOSED = 1
    """A link of a full or an empty tank: closed until the next status check."""
    CLOSED = 2
    OPEN = 3
    ACTIVE = 4
    """A control valve that holds its setting."""
    XFLOW = 5
    XFCV = 6
    """A flow control valve that cannot deliver its setting: open."""
    XPRESSURE = 7
    """A pressure valve whose setting makes no consistent equations: open."""


class Outcome(IntEnum):
    """How a member's solve ended."""

    OK = 0
    UNSUPPLIED = 1
    """Balanced, but some junctions have no open way to a source; `Solution.culprit` is one of them."""
    UNBALANCED = 2
    """Not within accuracy after all trials; `culprit` is the link with the largest change of flow."""
    CYCLING = 3
    """The trials ended because statuses kept changing; `culprit` is the link that changed last."""


@dataclass(frozen=True, eq=False)
class Conditions:
    """What holds during one steady state.

    Args:
        demand: required demand, m3/s; (member, junction).
        fixed_head: head of reservoirs and tanks, m, in node order; (member, fixed).
        status: `Status` to start from; (member, link), int8.
        setting: as `Links.setting`, NaN for none; (member, link).
        roughness: as `Links.roughness`; (member, link).
        emitter: m3/s per m^exponent; (member, junction).
        leak_area: A, area of a leak at no pressure, m2; (member, junction).
        leak_growth: m, growth of that area with pressure p, m2 per m; (member, junction). What leaks is
            0.75 (A + m p) sqrt(2 g p), on top of the file's leakage.
    """

    demand: Floats
    fixed_head: Floats
    status: Codes
    setting: Floats
    roughness: Floats
    emitter: Floats
    leak_area: Floats
    leak_growth: Floats


@dataclass(frozen=True, eq=False)
class Flows:
    """Where a solve starts from, and half of where it ends; a restart needs exactly this (beside conditions).

    Args:
        link: m3/s; (member, link).
        emitter: m3/s out of the network; (member, junction).
        leak_fixed, leak_variable: m3/s through leaks of fixed and of pressure-dependent area; (member, junction).
        demand: delivered demand, m3/s; (member, junction). Equals the required demand unless pressure-driven or unsupplied.
    """

    link: Floats
    emitter: Floats
    leak_fixed: Floats
    leak_variable: Floats
    demand: Floats


@dataclass(frozen=True)
class StoppingRule:
    """When a member has converged, and how long it may try.

    Args:
        accuracy: part of all flow that may be left to move (`laws.left_to_move`); None uses our own rule, `head`. EPANET's
            accuracy is what the last step has moved, from which one cannot tell what is left.
        head: m: no link's head loss may be off from its head difference by more than this; and 1e-9 of all flow be left.
        trials: iterations at most.
        check_frequency, max_check: links are checked for a change of status every so many iterations up to max_check, and
            whenever converged.
    """

    accuracy: float | None = None
    head: float = 1e-7
    trials: int = 400
    check_frequency: int = 2
    max_check: int = 10

    def __post_init__(self) -> None:
        """Refuses what no solve could meet.

        Raises:
            InputError: an accuracy that does not lie between 0 and 1.
        """
        known = self.accuracy is None or isinstance(self.accuracy, int | float | np.number)
        if not known or (self.accuracy is not None and not 0 < self.accuracy < 1):
            raise InputError(f"accuracy is {self.accuracy!r}; it must lie between 0 and 1; EPANET's usual is 0.001")


@dataclass(frozen=True, eq=False)
class Solution:
    """A steady state for all members.

    Args:
        head: m; (member, node). NaN at junctions without supply.
        flows: with `flows.link` positive from start to end and 0 in closed links and in links without supply.
        status: `Status` at the end; (member, link), int8.
        setting: settings at the end (a junction-pressure control may have changed them); (member, link).
        net_inflow: into each reservoir and tank, m3/s; (member, fixed).
        iterations: (member,).
        outcome: `Outcome`; (member,), int8.
        culprit: node index for UNSUPPLIED, link index for UNBALANCED and CYCLING, -1 for OK; (member,).
        error: part of all flow that the last step left to move; (member,).
    """

    head: Floats
    flows: Flows
    status: Codes
    setting: Floats
    net_inflow: Floats
    iterations: Ints
    outcome: Codes
    culprit: Ints
    error: Floats


class Engine(Protocol):
    """A way to solve steady states of a batch; all engines pass `tests/contracts/engine.py`."""

    def __call__(self, plan: Plan, conditions: Conditions, flows: Flows, rule: StoppingRule) -> Solution:
        """Solves every member on its own; never raises for a member that does not converge."""
        ...

    def __hash__(self) -> int:
        """What was found with an engine is kept for it."""
        ...
