"""Demands by category and pattern, added up at junctions: at every step of every member, so it counts."""

from __future__ import annotations

import numpy as np

from tweeling.network.network import Floats, Ints
from tweeling.physics.kernels.compiled import compiled_entry


def required_demand(base: Floats, junction: Ints, pattern: Ints, multiplier: Floats, n_junctions: int) -> Floats:
    """Required demand, m3/s, the categories of a junction added in their order; (member, junction).

    Args:
        base: m3/s; (member or 1, category).
        junction: of a category, ascending; (category,).
        pattern: of a category, -1 for the last multiplier; (category,).
        multiplier: of all patterns; (member, pattern + 1).
        n_junctions: how many there are.
    """
    demand = np.empty((len(multiplier), n_junctions))
    first = np.searchsorted(junction, np.arange(n_junctions + 1))
    where = np.where(pattern < 0, multiplier.shape[1] - 1, pattern)
    _add_up(*(np.require(array, requirements=["C", "W"]) for array in (base, first, where, multiplier)), demand)
    return demand


@compiled_entry
def _add_up(base, first, pattern, multiplier, demand):  # type: ignore[no-untyped-def]
    for member in range(demand.shape[0]):
        row = member if base.shape[0] > 1 else 0
        for junction in range(demand.shape[1]):
            total = 0.0
            for category in range(first[junction], first[junction + 1]):
                total += base[row, category] * multiplier[member, pattern[category]]
            demand[member, junction] = total
