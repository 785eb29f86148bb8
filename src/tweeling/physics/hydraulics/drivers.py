"""What drives an extended period from outside: demands by patterns, reservoir heads, pump speeds; and what a member believes.

Every member may stand at its own time, so a multiplier is looked up per member and pattern.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tweeling.network.network import Floats, Ints, Network, freeze
from tweeling.physics.hydraulics.plan import Plan
from tweeling.physics.kernels.compiled import owned
from tweeling.physics.kernels.demand import required_demand
from tweeling.physics.kernels.memory import empty


@dataclass(frozen=True, eq=False)
class PatternTable:
    """All patterns end to end; behind the last one a pattern that is always 1, so that index -1 means "no pattern".

    Args:
        first, length: where a pattern's multipliers begin and how many there are; (pattern + 1,).
        values: multipliers; (value,).
    """

    first: Ints
    length: Ints
    values: Floats

    @staticmethod
    def of(network: Network) -> PatternTable:
        """The patterns of a network."""
        values = [np.asarray(v, dtype=float) for v in network.patterns.values] + [np.ones(1)]
        length = np.array([len(v) for v in values])
        return PatternTable(
            freeze(np.cumsum(length) - length, np.int64), freeze(length, np.int64), freeze(np.concatenate(values), float)
        )

    def at(self, period: Ints) -> Multipliers:
        """Multipliers of all patterns in the members' pattern periods, (member,)."""
        first, last = (int(period.min()), int(period.max())) if len(period) else (0, 0)
        if last - first < len(period):
            periods, row = np.arange(first, last + 1), period - first
        else:
            periods, row = np.unique(period, return_inverse=True)
        return Multipliers(np.take(self.values, self.first + periods[:, None] % self.length), row)


@dataclass(frozen=True, eq=False)
class Multipliers:
    """Multipliers of all patterns at the members' times; many members stand in the same period.

    Args:
        table: (period, pattern + 1).
        row: of a member in the table; (member,).
    """

    table: Floats
    row: Ints

    def of(self, pattern: Ints) -> Floats:
        """Multipliers of some patterns, -1 for none; (member or 1, given pattern)."""
        table = np.take(self.table, pattern, axis=1)
        return table if len(table) == 1 else np.take(table, self.row, axis=0)


@dataclass(frozen=True, eq=False)
class Drivers:
    """What a run is driven by; an array that all members share has one row.

    Args:
        base: base demands, m3/s, the file's multiplier included; (member, category).
        junction: of a category; (category,).
        pattern: of a category, -1 for none; (category,).
        factor: times which a junction's demand is taken; (member, junction). None is 1.
        roughness: as `Links.roughness`; (member, link).
        emitter: m3/s per m^exponent; (member, junction).
        leak_area: m2; leak_growth: m2 per m of pressure; (member, junction). See `Conditions`.
    """

    base: Floats
    junction: Ints
    pattern: Ints
    factor: Floats | None
    roughness: Floats
    emitter: Floats
    leak_area: Floats
    leak_growth: Floats

    @staticmethod
    def of(plan: Plan) -> Drivers:
        """What the file says, in one row for all members."""
        network = plan.network
        demands = network.demands
        return Drivers(
            base=demands.base[None] * network.options.demand_multiplier,
            junction=demands.junction,
            pattern=np.where(demands.pattern >= 0, demands.pattern, network.options.pattern),
            factor=None,
            roughness=network.links.roughness[None],
            emitter=network.nodes.emitter[None],
            leak_area=np.zeros((1, plan.n_junctions)),
            leak_growth=np.zeros((1, plan.n_junctions)),
        )

    def with_demand(self, network: Network, demand: Floats) -> Drivers:
        """Base demands replaced: one category a junction, with the pattern of the file's first one.

        Args:
            network: of these drivers.
            demand: m3/s before patterns (and without the file's multiplier); (member, junction).
        """
        n_junctions = network.nodes.n_junctions
        pattern = np.full(n_junctions, network.options.pattern)
        pattern[self.junction[::-1]] = self.pattern[::-1]
        return replace(self, base=demand, junction=np.arange(n_junctions), pattern=pattern)

    def with_demand_factor(self, factor: Floats) -> Drivers:
        """Demands times a factor; (member, junction)."""
        return replace(self, factor=factor if self.factor is None else self.factor * factor)

    def replaced(
        self, *, roughness: Floats | None = None, leak_area: Floats | None = None, leak_growth: Floats | None = None
    ) -> Drivers:
        """With another roughness or leaks; None keeps what there is."""
        return replace(
            self,
            roughness=self.roughness if roughness is None else roughness,
            leak_area=self.leak_area if leak_area is None else leak_area,
            leak_growth=self.leak_growth if leak_growth is None else leak_growth,
        )

    def rows(self, members: slice | Ints) -> Drivers:
        """The drivers of some members."""

        def pick(array: Floats) -> Floats:
            return array if len(array) == 1 else array[members]

        return replace(
            self,
            base=pick(self.base),
            factor=None if self.factor is None else pick(self.factor),
            roughness=pick(self.roughness),
            emitter=pick(self.emitter),
            leak_area=pick(self.leak_area),
            leak_growth=pick(self.leak_growth),
        )

    @cached_property
    def _categories(self) -> tuple[Ints, Ints]:
        """Where the categories of each junction begin, (junction + 1,), and the column of `Multipliers` of each category."""
        n_junctions = self.emitter.shape[1]
        return np.searchsorted(self.junction, np.arange(n_junctions + 1)), self.pattern.astype(np.int64)

    def demand(self, multiplier: Multipliers) -> Floats:
        """Required demand, m3/s; (member, junction), one row where all members ask for the same.

        Args:
            multiplier: of all patterns at the members' times.
        """
        first, pattern = self._categories
        table, row = multiplier.table, multiplier.row
        n_junctions = len(first) - 1
        factor = np.ones((1, n_junctions)) if self.factor is None else self.factor
        shared = np.empty((len(table), n_junctions))
        alike = len(self.base) == len(factor) == len(table) == 1
        demand = empty((1 if alike else len(row), n_junctions))
        required_demand(owned(self.base), first, pattern, table, row, owned(factor), shared, demand)
        return demand

    def parts(self, multiplier: Multipliers) -> Floats:
        """Required demand by category, m3/s; (member or 1, category)."""
        parts = multiplier.of(self.pattern) * self.base
        return parts if self.factor is None else parts * np.take(self.factor, self.junction, axis=1)
