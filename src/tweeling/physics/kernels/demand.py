"""Demands by category and pattern, added up at junctions: at every step of every member, so it counts."""

from __future__ import annotations

from tweeling.physics.kernels.compiled import compiled, compiled_entry


@compiled
def _total(base, base_row, first, pattern, multiplier, row, junction):  # type: ignore[no-untyped-def]
    """Of a junction's categories, in their order."""
    total = 0.0
    for category in range(first[junction], first[junction + 1]):
        total += base[base_row, category] * multiplier[row, pattern[category]]
    return total


@compiled_entry
def required_demand(base, first, pattern, multiplier, row, factor, shared, demand):  # type: ignore[no-untyped-def]
    """Required demand, m3/s; (member, junction).

    Args:
        base: m3/s; (member or 1, category).
        first: where a junction's categories begin; (junction + 1,).
        pattern: column of `multiplier` of a category; (category,).
        multiplier: of all patterns; (period, pattern + 1).
        row: of a member in `multiplier`; (member,).
        factor: times which it is taken; (member or 1, junction).
        shared: filled with the demand in each period before factors, where all members have the same base; (period, junction).
        demand: filled; (member, junction).
    """
    same = base.shape[0] == 1
    if same:
        for period in range(shared.shape[0]):
            for junction in range(shared.shape[1]):
                shared[period, junction] = _total(base, 0, first, pattern, multiplier, period, junction)
    for member in range(demand.shape[0]):
        of, times = row[member], member if factor.shape[0] > 1 else 0
        if same:
            for junction in range(demand.shape[1]):
                demand[member, junction] = shared[of, junction] * factor[times, junction]
        else:
            for junction in range(demand.shape[1]):
                total = _total(base, member, first, pattern, multiplier, of, junction)
                demand[member, junction] = total * factor[times, junction]
