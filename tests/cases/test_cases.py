"""Tiny networks with closed solutions, one per law and per transition of status: ours and EPANET's against the closed solution.

A case is a folder with `network.inp` and `expected.toml`, which derives the solution and gives the reason of its tolerance.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts.engines import every_engine
from epanet_answer import epanet_steady
from tweeling.network.inp.read import read_network
from tweeling.physics.hydraulics import balance
from tweeling.physics.hydraulics.contract import Engine, Outcome, Status, StoppingRule
from tweeling.physics.hydraulics.plan import make_plan

CASES = sorted(folder.parent for folder in Path(__file__).parent.glob("*/expected.toml"))
TIGHT = StoppingRule(head=1e-9)

every_case = pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])


def expected(case: Path) -> dict[str, Any]:
    return tomllib.loads((case / "expected.toml").read_text(encoding="utf-8"))


@every_engine
@every_case
def test_an_engine_finds_the_closed_solution(case: Path, solve: Engine) -> None:
    told = expected(case)
    plan = make_plan(read_network(case / "network.inp"))
    network, units = plan.network, plan.network.units
    conditions = plan.conditions()
    solution = solve(plan, conditions, plan.cold_flows(conditions), TIGHT)
    assert solution.outcome[0] == Outcome.OK
    for name, head in told["head"].items():
        ours = solution.head[0, network.node(name)] / units.length_si
        assert ours == pytest.approx(head, rel=0, abs=told["tolerance"]["head"]), name
    for name, flow in told["flow"].items():
        ours = solution.flows.link[0, network.link(name)] / units.flow_si
        assert ours == pytest.approx(flow, rel=0, abs=told["tolerance"]["flow"]), name
    for name, status in told.get("status", {}).items():
        assert Status(solution.status[0, network.link(name)]) == Status[status], name


@every_case
def test_epanet_finds_the_closed_solution(case: Path, tmp_path: Path) -> None:
    told = expected(case)
    network = read_network(case / "network.inp")
    theirs = epanet_steady(case / "network.inp", tmp_path, told.get("epanet", {}).get("accuracy", 1e-7))
    for name, head in told["head"].items():
        value = theirs.head[network.node(name)] / network.units.length_si
        assert value == pytest.approx(head, rel=0, abs=told["tolerance"]["head"]), name
    for name, flow in told["flow"].items():
        value = theirs.flow[network.link(name)] / network.units.flow_si
        assert value == pytest.approx(flow, rel=0, abs=told["tolerance"]["flow"]), name


@every_engine
@every_case
def test_a_solution_keeps_mass_and_energy(case: Path, solve: Engine) -> None:
    plan = make_plan(read_network(case / "network.inp"))
    conditions = plan.conditions()
    solution = solve(plan, conditions, plan.cold_flows(conditions), StoppingRule(accuracy=1e-12))
    left = balance.residuals(plan, conditions, solution)
    largest = np.abs(solution.flows.link).max()
    assert left.mass[0] <= 1e-11 * largest
    assert left.energy[0] <= 1e-8
    assert left.setting[0] <= 1e-9
    assert left.leaking[0] == 0
    lawful = balance.lawful_outflow(plan, conditions, solution.head)
    np.testing.assert_allclose(balance.outflow(solution.flows), lawful, rtol=0, atol=1e-8)
