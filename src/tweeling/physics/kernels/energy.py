"""What pumps draw in a steady state and have used since the start; `physics/hydraulics/energy.py` says what arrays mean.

`tests/physics/kernels/test_energy.py` says the same in NumPy.
"""

from __future__ import annotations

from typing import NamedTuple

from tweeling.network.network import Floats, Ints
from tweeling.physics.hydraulics.contract import Status
from tweeling.physics.kernels.compiled import compiled, compiled_entry
from tweeling.physics.kernels.events import between
from tweeling.units import KW_PER_HP, METRES_PER_FOOT

CLOSED = int(Status.CLOSED)
JOULES_PER_KWH = 3.6e6
RUNNING, FLOW, POWER, EFFICIENCY, PRICE = range(5)
DOES = 5
"""Rows of `PumpPower.does`."""
ONLINE, VOLUME, ENERGY, EFFICIENCY_TIME, PEAK, COST = range(6)
SUMS = 6
"""Rows of `PumpEnergy.sums`."""


class PumpTariff(NamedTuple):
    """Pumps and what their energy costs.

    Args:
        link, start, end: of the pump and of its nodes; (pump,).
        price: per kWh, before its pattern; pattern: column of the multipliers; (pump,).
        curve_first: where a pump's efficiency curve begins; (pump + 1,). Pumps without one are `percent` efficient.
        curve_flow, curve_percent: of all curves, m3/s and %.
        percent: of pumps without a curve.
        cfs_per_si, specific_gravity: as in `FileUnits` and the options.
    """

    link: Ints
    start: Ints
    end: Ints
    price: Floats
    pattern: Ints
    curve_first: Ints
    curve_flow: Floats
    curve_percent: Floats
    percent: float
    cfs_per_si: float
    specific_gravity: float


@compiled
def _efficiency(tariff, pump, flow, speed):  # type: ignore[no-untyped-def]
    """Efficiency between 0.01 and 1; at another speed than 1 by Sarbu and Borza."""
    first, end, percent = tariff.curve_first[pump], tariff.curve_first[pump + 1], tariff.percent
    if end > first:
        turning = speed if speed > 0.0 else 1.0
        best = between(tariff.curve_flow, tariff.curve_percent, first, end, flow / turning)
        percent = 100.0 - (100.0 - best) * (1.0 / turning) ** 0.1
    return min(max(percent, 1.0), 100.0) / 100.0


@compiled_entry
def use_pumps(tariff, multiplier, row, status, flow, head, setting, seconds, does, before, peak_before, sums, total_peak):  # type: ignore[no-untyped-def]
    """Fills `does` with what pumps do, `sums` and `total_peak` with what was used `before` and in a step of so many seconds."""
    for member in range(seconds.shape[0]):
        dt, total = float(seconds[member]), 0.0
        for pump in range(tariff.link.shape[0]):
            link, running, q, watts, efficiency = tariff.link[pump], 0.0, 0.0, 0.0, 0.0
            if status[member, link] > CLOSED:
                running, q = 1.0, abs(flow[member, link])
                efficiency = _efficiency(tariff, pump, q, setting[member, link])
                lift = abs(head[member, tariff.start[pump]] - head[member, tariff.end[pump]])
                feet_cfs = lift / METRES_PER_FOOT * q * tariff.cfs_per_si
                watts = feet_cfs * tariff.specific_gravity / 8.814 / efficiency * KW_PER_HP * 1e3
                if not watts >= 0.0:  # a pump without supply has no head and moves no water
                    watts = 0.0
            price = tariff.price[pump] * multiplier[row[member], tariff.pattern[pump]]
            now, was, then = does[member], before[member], sums[member]
            now[RUNNING, pump], now[FLOW, pump], now[POWER, pump] = running, q, watts
            now[EFFICIENCY, pump], now[PRICE, pump] = efficiency, price
            then[ONLINE, pump] = was[ONLINE, pump] + running * dt
            then[VOLUME, pump] = was[VOLUME, pump] + q * dt
            then[ENERGY, pump] = was[ENERGY, pump] + watts * dt
            then[EFFICIENCY_TIME, pump] = was[EFFICIENCY_TIME, pump] + efficiency * dt
            then[PEAK, pump] = max(was[PEAK, pump], watts) if dt > 0.0 else was[PEAK, pump]
            then[COST, pump] = was[COST, pump] + price * watts * dt / JOULES_PER_KWH
            total += watts
        total_peak[member] = max(peak_before[member], total) if dt > 0.0 else peak_before[member]
