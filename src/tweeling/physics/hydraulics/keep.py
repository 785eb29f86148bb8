"""What becomes of a run's results: all in memory, bands over the members, or a file (`netcdf.py`).

A run goes through *windows* of report times and *chunks* of members. A keeper gives arrays to fill for a chunk and a window
and hears when they are full. Chunk by chunk is the usual order; quantiles need all members of a time at once, so for bands
every chunk passes a window before any goes on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tweeling.errors import TooLargeError, UnknownElementError
from tweeling.estimate import quantiles
from tweeling.network.network import Ints, Network
from tweeling.physics.hydraulics.contract import Solution
from tweeling.physics.hydraulics.quantities import QUANTITIES

LEVELS = (0.05, 0.5, 0.95)
"""Quantiles of bands."""
LIMIT = 4 * 2**30
"""Bytes that results may take in memory."""
WINDOW = 128 * 2**20
"""Bytes that the results of a window may take while it is worked on."""

Arrays = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Selection:
    """Which elements are kept of which quantities.

    Args:
        quantities: names in `QUANTITIES`.
        nodes, links: indices in ascending order, None for all.
        n_junctions, n_nodes, n_links: how many of each axis are kept.
    """

    quantities: tuple[str, ...]
    nodes: Ints | None
    links: Ints | None
    n_junctions: int
    n_nodes: int
    n_links: int

    @staticmethod
    def of(network: Network, quantities: Sequence[str], elements: Sequence[str] | None) -> Selection:
        """A selection from names.

        Args:
            network: whose elements.
            quantities: names in `QUANTITIES`.
            elements: ids of nodes and links, None for all. An id that both a node and a link have selects both.

        Raises:
            UnknownElementError: an id that the network has not.
        """
        n_junctions = network.nodes.n_junctions
        if elements is None:
            return Selection(tuple(quantities), None, None, n_junctions, len(network.nodes), len(network.links))
        for name in elements:
            if name not in network.nodes.index and name not in network.links.index:
                raise UnknownElementError(f"keep names {name!r}, which is neither a node nor a link of the network")
        nodes = np.array(sorted({network.nodes.index[n] for n in elements if n in network.nodes.index}), dtype=np.int64)
        links = np.array(sorted({network.links.index[n] for n in elements if n in network.links.index}), dtype=np.int64)
        return Selection(tuple(quantities), nodes, links, int((nodes < n_junctions).sum()), len(nodes), len(links))

    def count(self, quantity: str) -> int:
        """How many elements a quantity is kept of."""
        return {"node": self.n_nodes, "junction": self.n_junctions, "link": self.n_links}[QUANTITIES[quantity].axis]

    def pick(self, quantity: str, solution: Solution, network: Network) -> npt.NDArray[Any]:
        """A quantity of the elements that are kept; (member, element)."""
        axis = QUANTITIES[quantity].axis
        chosen = self.links if axis == "link" else self.nodes
        if axis == "junction" and chosen is not None:
            chosen = chosen[: self.n_junctions]
        return QUANTITIES[quantity].of(solution, network, chosen)

    def empty(self, n_members: int, n_times: int, number: npt.DTypeLike = np.float64) -> dict[str, npt.NDArray[Any]]:
        """Arrays to fill, (member, time, element) by quantity."""
        return {
            name: np.empty((n_members, n_times, self.count(name)), dtype=np.int8 if QUANTITIES[name].is_code else number)
            for name in self.quantities
        }

    def size(self, number: int = 8) -> int:
        """Bytes of one member at one time, for numbers of so many bytes."""
        return sum(self.count(name) * (1 if QUANTITIES[name].is_code else number) for name in self.quantities)


class Keeper(Protocol):
    """Takes the results of a run, window by window."""

    selection: Selection
    """What is kept."""
    windows: Sequence[range]
    """Positions of report times, in order."""
    together: bool
    """Whether all members must pass a window before any goes on."""

    def arrays(self, members: range, window: range) -> Arrays:
        """Arrays (member, time, element) to fill for some members in a window; called from any thread."""
        ...

    def filled(self, members: range, window: range, arrays: Arrays) -> None:
        """Hears that they are full; called from any thread."""
        ...

    def passed(self, window: range, position: int) -> None:
        """Hears that all members have passed a report time of a window; called from any thread, if they go together."""
        ...


class InMemory:
    """Keeps everything.

    Raises:
        TooLargeError: it would take more than `LIMIT` bytes.
    """

    together = False

    def __init__(self, selection: Selection, n_members: int, n_times: int) -> None:
        size = selection.size() * n_members * n_times
        if size > LIMIT:
            raise TooLargeError(
                f"keeping everything would take {size / 2**30:.1f} GiB in memory, more than {LIMIT / 2**30:.0f}: keep='bands' "
                "gives quantiles over the members, a list of ids keeps only those elements, a path writes a netCDF file"
            )
        self.selection = selection
        self.windows: Sequence[range] = [range(n_times)]
        self.results = selection.empty(n_members, n_times)

    def arrays(self, members: range, window: range) -> Arrays:
        """Views of the results."""
        return {name: array[members.start : members.stop] for name, array in self.results.items()}

    def filled(self, members: range, window: range, arrays: Arrays) -> None:
        """Nothing is left to do."""

    def passed(self, window: range, position: int) -> None:
        """Nothing is left to do."""


class Bands:
    """Keeps quantiles over the members; a status has none and is not kept.

    `results` are (level, time, element). A quantile is over the members that have a number: an element without supply counts
    in none, one that never has supply gets NaN.
    """

    together = True

    def __init__(self, selection: Selection, n_members: int, n_times: int) -> None:
        numbers = tuple(name for name in selection.quantities if not QUANTITIES[name].is_code)
        self.selection = replace(selection, quantities=numbers)
        per_time = max(self.selection.size() * n_members, 1)
        length = max(1, WINDOW // per_time)
        self.windows: Sequence[range] = [range(first, min(first + length, n_times)) for first in range(0, n_times, length)]
        self.results = {name: np.empty((len(LEVELS), n_times, selection.count(name))) for name in numbers}
        self._now: dict[str, npt.NDArray[Any]] = self.selection.empty(n_members, length)

    def arrays(self, members: range, window: range) -> Arrays:
        """Views of the present window."""
        return {name: array[members.start : members.stop, : len(window)] for name, array in self._now.items()}

    def filled(self, members: range, window: range, arrays: Arrays) -> None:
        """Nothing to do before all members are there."""

    def passed(self, window: range, position: int) -> None:
        """Takes the quantiles."""
        for name, array in self._now.items():
            self.results[name][:, position] = quantiles(array[:, position - window.start], LEVELS)
