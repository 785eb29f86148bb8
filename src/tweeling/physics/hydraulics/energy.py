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
from tweeling.physics.hydraulics.contract import Solution, Status
from tweeling.physics.hydraulics.drivers import Multipliers
from tweeling.physics.hydraulics.plan import Plan
from tweeling.units import KW_PER_HP, METRES_PER_FOOT

JOULES_PER_KWH = 3.6e6


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

    def plus(self, power: PumpPower, seconds: Ints) -> PumpEnergy:
        """These sums and a step more; a step of no time changes nothing.

        Args:
            power: during the step.
            seconds: (member,).
        """
        dt = seconds[:, None].astype(float)
        counts = np.where(seconds > 0, 1.0, 0.0)
        total = np.zeros(len(seconds))
        for pump in range(power.power.shape[1]):
            total += power.power[:, pump]
        return PumpEnergy(
            online=self.online + power.running * dt,
            volume=self.volume + power.flow * dt,
            energy=self.energy + power.power * dt,
            efficiency_time=self.efficiency_time + power.efficiency * dt,
            peak=np.maximum(self.peak, power.power * counts[:, None]),
            cost=self.cost + power.price * power.power * dt / JOULES_PER_KWH,
            total_peak=np.maximum(self.total_peak, total * counts),
        )


@dataclass(frozen=True, eq=False)
class PumpPower:
    """What pumps do at a moment; all (member, pump).

    Args:
        running: 1 or 0.
        flow: m3/s.
        power: W.
        efficiency: 0 to 1; 0 for a pump that stands still.
        price: per kWh; one row where all members pay the same.
    """

    running: Floats
    flow: Floats
    power: Floats
    efficiency: Floats
    price: Floats


def pump_power(plan: Plan, solution: Solution, multiplier: Multipliers) -> PumpPower:
    """Power, efficiency and price of pumps in a steady state.

    Args:
        plan: the network's.
        solution: of all members.
        multiplier: of all patterns at the members' times.
    """
    network = plan.network
    link = network.pumps.link
    running = np.take(solution.status, link, axis=1) > Status.CLOSED
    flow = np.where(running, np.abs(np.take(solution.flows.link, link, axis=1)), 0.0)
    lift = np.abs(
        np.take(solution.head, network.links.start[link], axis=1) - np.take(solution.head, network.links.end[link], axis=1)
    )
    efficiency = _efficiency(plan, flow, np.take(solution.setting, link, axis=1))
    feet_cfs = lift / METRES_PER_FOOT * flow * network.units.cfs_per_si
    power = feet_cfs * network.options.specific_gravity / 8.814 / efficiency * KW_PER_HP * 1e3
    return PumpPower(
        running=running.astype(float),
        flow=flow,
        # A pump without supply has no head and moves no water.
        power=np.where(running & ~np.isnan(power), power, 0.0),
        efficiency=np.where(running, efficiency, 0.0),
        price=_price(plan, multiplier),
    )


def _efficiency(plan: Plan, flow: Floats, speed: Floats) -> Floats:
    """Efficiency between 0.01 and 1 at a flow in m3/s and a speed; (member, pump)."""
    network = plan.network
    percent = np.full(flow.shape, network.energy.efficiency)
    for pump, curve in enumerate(network.pumps.efficiency_curve):
        if curve < 0:
            continue
        running = np.where(speed[:, pump] > 0, speed[:, pump], 1.0)
        at = flow[:, pump] / running / network.units.flow_si
        best = np.interp(at, network.curves.x[curve], network.curves.y[curve])
        percent[:, pump] = 100 - (100 - best) * _tenth_power(1 / running)
    return np.asarray(np.clip(percent, 1.0, 100.0) / 100)


def _tenth_power(x: Floats) -> Floats:
    """Numbers to the power 0.1, one by one: NumPy's own loop may round by position in the array; (member,)."""
    numbers, where = np.unique(x, return_inverse=True)
    return np.array([number**0.1 for number in numbers.tolist()])[where]


def _price(plan: Plan, multiplier: Multipliers) -> Floats:
    """Price per kWh of each pump; (member, pump)."""
    network = plan.network
    pumps, general = network.pumps, network.energy
    price = np.where(pumps.price > 0, pumps.price, general.price)
    pattern = np.where(pumps.price_pattern >= 0, pumps.price_pattern, general.price_pattern)
    return price * multiplier.of(pattern)
