"""What a run can keep: a row for each quantity. To add one: a row here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tweeling.network.network import Ints, Network
from tweeling.physics.hydraulics.contract import Codes, Solution, Status


@dataclass(frozen=True)
class Quantity:
    """A quantity of a steady state.

    Args:
        axis: `node`, `junction` or `link`: what it is per.
        unit: SI, in words that udunits knows.
        meaning: in one line.
        of: takes it from a solution, of all elements or of some by index; (member, element).
        is_code: whether it is a small integer with no mean or quantile.
    """

    axis: str
    unit: str
    meaning: str
    of: Callable[[Solution, Network, Ints | None], npt.NDArray[Any]]
    is_code: bool = False


_RESULT = np.array([0 if s <= Status.CLOSED else 2 if s == Status.ACTIVE else 1 for s in Status], dtype=np.int8)


def result_status(status: Codes) -> Codes:
    """0 closed, 1 open, 2 regulating from `Status`; any shape."""
    return np.asarray(_RESULT[status])


def _some(array: npt.NDArray[Any], chosen: Ints | None) -> npt.NDArray[Any]:
    return array if chosen is None else np.take(array, chosen, axis=1)


def _pressure(solution: Solution, network: Network, chosen: Ints | None) -> npt.NDArray[Any]:
    elevation = network.nodes.elevation if chosen is None else network.nodes.elevation[chosen]
    return np.asarray(_some(solution.head, chosen) - elevation)


def _leak(solution: Solution, _: Network, chosen: Ints | None) -> npt.NDArray[Any]:
    return np.asarray(_some(solution.flows.leak_fixed, chosen) + _some(solution.flows.leak_variable, chosen))


QUANTITIES: Mapping[str, Quantity] = {
    "head": Quantity("node", "m", "hydraulic head", lambda s, _, e: _some(s.head, e)),
    "pressure": Quantity("node", "m", "pressure head: head minus elevation", _pressure),
    "demand": Quantity(
        "junction", "m3 s-1", "consumption delivered, leaks and emitters not included", lambda s, _, e: _some(s.flows.demand, e)
    ),
    "flow": Quantity(
        "link", "m3 s-1", "flow, positive from the link's start to its end", lambda s, _, e: _some(s.flows.link, e)
    ),
    "status": Quantity(
        "link", "1", "0 closed, 1 open, 2 regulating", lambda s, _, e: result_status(_some(s.status, e)), is_code=True
    ),
    "emitter": Quantity("junction", "m3 s-1", "outflow of emitters", lambda s, _, e: _some(s.flows.emitter, e)),
    "leak": Quantity("junction", "m3 s-1", "outflow of leaks", _leak),
}
USUAL = ("head", "demand", "flow", "status")
