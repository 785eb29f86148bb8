"""Members that a Newton step alone does not settle: both engines find their steady state, and it keeps mass and laws."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tweeling.network.inp.read import read_network
from tweeling.physics.hydraulics import balance, reference
from tweeling.physics.hydraulics.contract import Conditions, Engine, Outcome, Solution, StoppingRule
from tweeling.physics.hydraulics.plan import Plan, make_plan
from tweeling.physics.kernels import cpu

ENGINES = pytest.mark.parametrize("engine", [reference.solve, cpu.solve])


def assert_a_steady_state(plan: Plan, conditions: Conditions, solution: Solution) -> None:
    assert (solution.outcome <= Outcome.UNSUPPLIED).all()
    left = balance.residuals(plan, conditions, solution)
    assert (left.mass < 1e-8).all()
    loss = balance.head_loss(plan, conditions, solution.flows.link, solution.status, solution.setting)
    assert (left.energy < 1e-3 + 1e-6 * np.nan_to_num(np.abs(loss)).max()).all()
    leaving = balance.outflow(solution.flows)
    # At no flow a tap's limit is 0.3 mm of pressure wide, which is worth some 1e-7 m3/s where litres are asked for.
    np.testing.assert_allclose(leaving, balance.lawful_outflow(plan, conditions, solution.head), rtol=1e-4, atol=1e-6)


@ENGINES
@pytest.mark.parametrize(("seed", "exponent"), [(2, 0.5), (22, 0.5), (52, 0.5), (3, 1.0), (4, 1.5)])
def test_taps_that_open_within_centimetres_behind_pipes_of_1_mm(
    tmp_path: Path, engine: Engine, seed: int, exponent: float
) -> None:
    """Hundreds of limits within 7 cm, and nothing but thin pipes that hold heads where all taps are shut or full."""
    rng = np.random.default_rng(seed)
    n = 60
    height = np.cumsum(rng.normal(0, 3, n)) + 20
    rng.choice(n, 12, replace=False)  # the seeds were found with a draw here
    lines = ["[JUNCTIONS]", *(f"J{i} {height[i]:.3f} {rng.exponential(0.5):.4f}" for i in range(n)), "[RESERVOIRS]", "R 40"]
    thin = rng.random(n) < 0.3
    lines += ["[PIPES]", "P R J0 100 1 100", "Q R J30 50 100 100"]
    lines += [f"P{i} J{i} J{i + 1} 50 {1 if thin[i] else 100} 100" for i in range(n - 1)]
    lines += [f"L{i} J{i} J{i + 9} 80 {1 if i % 4 == 0 else 80} 100" for i in range(0, n - 9, 3)]
    path = tmp_path / "taps.inp"
    path.write_text("\n".join([*lines, "[OPTIONS]", "UNITS LPS", "HEADLOSS H-W", "[END]"]))
    network = read_network(path)
    options = replace(network.options, demand_model="PDA", min_pressure=0.0, required_pressure=0.07, pressure_exponent=exponent)
    plan = make_plan(replace(network, options=options))
    base = plan.conditions()
    demand = base.demand * np.array([0.1, 1.0, 10.0, 100.0])[:, None]
    demand[:, 7::11] *= -0.3
    conditions = replace(base, demand=demand)
    solution = engine(plan, conditions, plan.cold_flows(conditions), StoppingRule())
    assert_a_steady_state(plan, conditions, solution)
