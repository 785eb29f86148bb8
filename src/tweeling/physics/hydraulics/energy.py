"""Energy of pumps: power, efficiency, price.

As EPANET 2.3 (`hydraul.c`, `getenergy` and `addenergy`), with one difference: what a pump draws during a step follows from
the steady state at its beginning. EPANET looks after the step, when tanks have moved and rules have switched: a pump that a
rule stops loses the whole step before.

Reference of the speed correction of efficiency: Sarbu and Borza (1998), Energetic optimization of water pumping.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tweeling.network.network import Floats, Ints
from tweeling.physics.hydraulics.contract import Solution
from tweeling.physics.hydraulics.drivers import Multipliers
from tweeling.physics.hydraulics.plan import Plan
from tweeling.physics.kernels.compiled import owned
from tweeling.physics.kernels.energy import (
    COST,
    DOES,
    EFFICIENCY,
    EFFICIENCY_TIME,
    ENERGY,
    FLOW,
    ONLINE,
    PEAK,
    POWER,
    PRICE,
    RUNNING,
    SUMS,
    VOLUME,
    PumpTariff,
    use_pumps,
)


@dataclass(frozen=True, eq=False)
class PumpEnergy:
    """What pumps have used since the start; SI, and the currency of the file.

    Args:
        sums: all that is said of single pumps, see the properties; (member, what, pump).
        total_peak: largest power of all pumps together, W; (member,). The file's demand charge is per kW of it.
    """

    sums: Floats
    total_peak: Floats

    @staticmethod
    def none(n_members: int, n_pumps: int) -> PumpEnergy:
        """Sums before anything has run."""
        return PumpEnergy(np.zeros((n_members, SUMS, n_pumps)), np.zeros(n_members))

    @property
    def online(self) -> Floats:
        """Time that pumps ran, s; (member, pump)."""
        return self.sums[:, ONLINE]

    @property
    def volume(self) -> Floats:
        """Pumped, m3; (member, pump)."""
        return self.sums[:, VOLUME]

    @property
    def energy(self) -> Floats:
        """Drawn, J; (member, pump)."""
        return self.sums[:, ENERGY]

    @property
    def efficiency(self) -> Floats:
        """Mean efficiency while online, 0 to 1, NaN for a pump that never ran; (member, pump)."""
        total, online = self.sums[:, EFFICIENCY_TIME], self.online
        return np.divide(total, online, out=np.full_like(online, np.nan), where=online > 0)

    @property
    def peak(self) -> Floats:
        """Largest power, W; (member, pump)."""
        return self.sums[:, PEAK]

    @property
    def cost(self) -> Floats:
        """Of the energy; (member, pump)."""
        return self.sums[:, COST]


@dataclass(frozen=True, eq=False)
class PumpPower:
    """What pumps do at a moment.

    Args:
        does: all of it, see the properties; (member, what, pump).
    """

    does: Floats

    @property
    def running(self) -> Floats:
        """1 or 0; (member, pump)."""
        return self.does[:, RUNNING]

    @property
    def flow(self) -> Floats:
        """m3/s; (member, pump)."""
        return self.does[:, FLOW]

    @property
    def power(self) -> Floats:
        """W; (member, pump)."""
        return self.does[:, POWER]

    @property
    def efficiency(self) -> Floats:
        """0 to 1; 0 for a pump that stands still; (member, pump)."""
        return self.does[:, EFFICIENCY]

    @property
    def price(self) -> Floats:
        """Per kWh; (member, pump)."""
        return self.does[:, PRICE]


def tariff_of(plan: Plan) -> PumpTariff:
    """Pumps and what their energy costs, as kernels take them."""
    network = plan.network
    pumps, general, curves = network.pumps, network.energy, network.curves
    points = [(curves.x[c], curves.y[c]) if c >= 0 else (np.zeros(0), np.zeros(0)) for c in pumps.efficiency_curve]
    pattern = np.where(pumps.price_pattern >= 0, pumps.price_pattern, general.price_pattern)
    return PumpTariff(
        link=owned(pumps.link, np.int64),
        start=network.links.start[pumps.link],
        end=network.links.end[pumps.link],
        price=np.where(pumps.price > 0, pumps.price, general.price),
        pattern=owned(pattern, np.int64),
        curve_first=np.cumsum([0, *(len(flow) for flow, _ in points)]),
        curve_flow=np.concatenate([np.zeros(0), *(flow for flow, _ in points)]) * network.units.flow_si,
        curve_percent=np.concatenate([np.zeros(0), *(percent for _, percent in points)]),
        percent=float(general.efficiency),
        cfs_per_si=float(network.units.cfs_per_si),
        specific_gravity=float(network.options.specific_gravity),
    )


def used(
    tariff: PumpTariff, energy: PumpEnergy, solution: Solution, multiplier: Multipliers, seconds: Ints
) -> tuple[PumpPower, PumpEnergy]:
    """What pumps do in a steady state, and what they have used once it has lasted.

    Args:
        tariff: the pumps.
        energy: used before.
        solution: of all members.
        multiplier: of all patterns at the members' times.
        seconds: how long the step lasts; one of no time changes nothing; (member,).
    """
    does, sums = np.empty((len(seconds), DOES, len(tariff.link))), np.empty(energy.sums.shape)
    total_peak = np.empty(len(seconds))
    state = (owned(solution.status, np.int8), owned(solution.flows.link), owned(solution.head), owned(solution.setting))
    before = (owned(energy.sums), owned(energy.total_peak))
    use_pumps(tariff, multiplier.table, multiplier.row, *state, seconds, does, *before, sums, total_peak)
    return PumpPower(does), PumpEnergy(sums, total_peak)
