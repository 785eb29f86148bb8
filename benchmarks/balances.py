"""Balances of mass, energy and tank volume at every hydraulic step of a day, by a function that the solver does not use.

python benchmarks/balances.py [--quick]
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np

import reference
from agreement import engine
from common import write_result
from tweeling.network.inp.read import read_network
from tweeling.physics.hydraulics import balance
from tweeling.physics.hydraulics.contract import StoppingRule
from tweeling.physics.hydraulics.drivers import Drivers
from tweeling.physics.hydraulics.period import Period, conditions_now, first_state, step
from tweeling.physics.hydraulics.plan import make_plan
from tweeling.units import METRES_PER_FOOT

NETWORKS = ("epyt/L-TOWN", "epyt/Net3", "epyt/ky10", "epyt/BWSN_Network_1", "wntr/Net6")
MASS, ENERGY, VOLUME = 1e-6, 1e-3, 1e-6
"""m3/s, m, m3 of one step"""
DAY = 24 * 3600


@dataclass(frozen=True)
class Worst:
    """The largest residuals of all members and steps: m3/s, m, m3; and how many steady states."""

    mass: float
    energy: float
    volume: float
    states: int


def day(file: reference.File, n_members: int) -> Worst:
    """Takes members through a day and keeps the books beside them."""
    plan = make_plan(read_network(file.path))
    period, solve = Period.of(plan), engine("cpu")
    rng = np.random.default_rng(1)
    drivers = Drivers.of(plan).with_demand_factor(rng.uniform(0.8, 1.2, (n_members, plan.n_junctions)))
    state = first_state(period, n_members, drivers)
    mass = energy = volume = 0.0
    states = 0
    while (state.time < DAY).any():
        left = np.flatnonzero(state.time < DAY)
        state, now = state.rows(left), drivers.rows(left)
        drivers = now
        multiplier = period.patterns.at(period.clock.period(state.time))
        conditions, _ = conditions_now(period, state, now, multiplier)
        after, moment = step(period, state, now, solve, StoppingRule(), until=DAY)
        residual = balance.residuals(plan, conditions, moment.solution)
        mass, energy = max(mass, float(residual.mass.max())), max(energy, float(residual.energy.max()))
        states += len(left)
        fixed = plan.tanks.fixed
        came = (
            moment.solution.net_inflow[:, fixed] * plan.network.units.cfs_per_si * METRES_PER_FOOT**3 * moment.seconds[:, None]
        )
        volume = max(volume, float(np.abs(after.volume - state.volume - came - moment.adjusted).max(initial=0.0)))
        state = after
    return Worst(mass, energy, volume, states)


def main() -> None:
    """Balances every network and writes the result."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--quick", action="store_true", help="two members, two networks; then nothing is written")
    asked = parser.parse_args()
    there = {file.name: file for file in reference.files()}
    rows = []
    for name in NETWORKS[1:3] if asked.quick else NETWORKS:
        worst = day(there[name], 2 if asked.quick else 20)
        print(f"{name:22} {worst}", flush=True)
        good = worst.mass <= MASS and worst.energy <= ENERGY and worst.volume <= VOLUME
        rows.append(
            {
                "row": "balances",
                "what": f"{name}, a day of 20 members, {worst.states} steady states",
                "at_least": f"mass {MASS:.0e} m3/s, energy {ENERGY:.0e} m, tank volume {VOLUME:.0e} m3 a step",
                "aim": "",
                "measured": f"{worst.mass:.1e} m3/s, {worst.energy:.1e} m, {worst.volume:.1e} m3",
                "verdict": "met" if good else "short",
            }
        )
    if not asked.quick:
        write_result("balances", rows, notes=["The largest residuals of all members and steps, with our own stopping rule."])


if __name__ == "__main__":
    main()
