"""Energy of pumps: power, efficiency, price.

As EPANET 2.3 (`hydraul.c`, `getenergy` and `addenergy`), with one difference: what a pump draws during a step follows from
the steady state at its beginning. EPANET looks after the step, when tanks have moved and rules have switched: a pump that a
rule stops loses the whole step before.

Reference of the speed correction of efficiency: Sarbu and Borza (1998), Energetic optimization of water pumping.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from tweeling.network.network import Floats, Ints
from tweeling.physics.hydraulics.contract import Solution
from tweeling.physics.hydraulics.drivers import Multipliers
from tweeling.physics.hydraulics.plan import Plan
from tweeling.physics.kernels.compiled import owned
from tweeling.physics.kernels.energy import PumpTariff, use_pumps


@dataclass(frozen=True, eq=False)
class PumpEnergy:
    """What pumps have used since the start; SI, and the currency of the file.

    Args:
        online: s; (member, pump).
        volume: pumped, m3; (member, pump).
        energy: J; (member, pump).
        efficiency_time: efficiency (0 to 1) times seconds online; (member, pump).
        peak: largest power, W; (member, pump).
        cost: of the energy; (member, pump).
        total_peak: largest power of all pumps together, W; (member,). The file's demand charge is per kW of it.
    """

    online: Floats
    volume: Floats
    energy: Floats
    efficiency_time: Floats
    peak: Floats
    cost: Floats
    total_peak: Floats

    @staticmethod
    def none(n_members: int, n_pumps: int) -> PumpEnergy:
        """Sums before anything has run."""
        shape = (n_members, n_pumps)
        per_pump = {entry.name: np.zeros(shape) for entry in fields(PumpEnergy) if entry.name != "total_peak"}
        return PumpEnergy(**per_pump, total_peak=np.zeros(n_members))

    @property
    def efficiency(self) -> Floats:
        """Mean efficiency while online, 0 to 1, NaN for a pump that never ran; (member, pump)."""
        return np.divide(self.efficiency_time, self.online, out=np.full_like(self.online, np.nan), where=self.online > 0)


@dataclass(frozen=True, eq=False)
class PumpPower:
    """What pumps do at a moment; all (member, pump).

    Args:
        running: 1 or 0.
        flow: m3/s.
        power: W.
        efficiency: 0 to 1; 0 for a pump that stands still.
        price: per kWh.
    """

    running: Floats
    flow: Floats
    power: Floats
    efficiency: Floats
    price: Floats


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
    power = PumpPower(*(np.empty(energy.online.shape) for _ in fields(PumpPower)))
    after = PumpEnergy(*(np.empty(array.shape) for array in vars(energy).values()))
    state = (owned(solution.status, np.int8), owned(solution.flows.link), owned(solution.head), owned(solution.setting))
    before, sums = tuple(map(owned, vars(energy).values())), tuple(vars(after).values())
    use_pumps(tariff, multiplier.table, multiplier.row, *state, seconds, tuple(vars(power).values()), before, sums)
    return power, after
