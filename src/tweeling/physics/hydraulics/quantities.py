"""What a run can keep: a row for each quantity. To add one: a row here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tweeling.network.network import Network
from tweeling.physics.hydraulics.contract import Codes, Solution, Status


@dataclass(frozen=True)
class Quantity:
    """A quantity of a steady state.

    Args:
        axis: `node`, `junction` or `link`: what it is per.
        unit: SI, in words that udunits knows.
        meaning: in one line.
        of: takes it from a solution; (member, element).
        is_code: whether it is a small integer with no mean or quantile.
    """

    axis: str
    unit: str
    meaning: str
    of: Callable[[Solution, Network], npt.NDArray[Any]]
    is_code: bool = False


_RESULT = np.array([0 if s <= Status.CLOSED else 2 if s == Status.ACTIVE else 1 for s in Status], dtype=np.int8)


def result_status(status: Codes) -> Codes:
    """0 closed, 1 open, 2 regulating from `Status`; any shape."""
    return np.asarray(_RESULT[status])


def _pressure(solution: Solution, network: Network) -> npt.NDArray[Any]:
    return np.asarray(solution.head - network.nodes.elevation)


def _leak(solution: Solution, _: Network) -> npt.NDArray[Any]:
    return solution.flows.leak_fixed + solution.flows.leak_variable


QUANTITIES: Mapping[str, Quantity] = {
    "head": Quantity("node", "m", "hydraulic head", lambda s, _: s.head),
    "pressure": Quantity("node", "m", "pressure head: head minus elevation", _pressure),
    "demand": Quantity(
        "junction", "m3 s-1", "consumption delivered, leaks and emitters not included", lambda s, _: s.flows.demand
    ),
    "flow": Quantity("link", "m3 s-1", "flow, positive from the link's start to its end", lambda s, _: s.flows.link),
    "status": Quantity("link", "1", "0 closed, 1 open, 2 regulating", lambda s, _: result_status(s.status), is_code=True),
    "emitter": Quantity("junction", "m3 s-1", "outflow of emitters", lambda s, _: s.flows.emitter),
    "leak": Quantity("junction", "m3 s-1", "outflow of leaks", _leak),
}
USUAL = ("head", "demand", "flow", "status")
