"""The judge itself: it finds nothing wrong with EPANET's answers, and finds exactly what is spoilt in them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from epanet_answer import epanet_steady
from networks import Link, make_network, package_network
from tweeling.network.inp.read import read_network
from tweeling.network.network import LinkKind
from tweeling.physics.hydraulics import balance
from tweeling.physics.hydraulics.contract import Solution, Status, StoppingRule
from tweeling.physics.hydraulics.plan import Plan, make_plan
from tweeling.physics.hydraulics.reference import solve

CASES = Path(__file__).parents[2] / "cases"


def case_plan(name: str) -> Plan:
    return make_plan(read_network(CASES / name / "network.inp"))


def solve_case(plan: Plan) -> Solution:
    conditions = plan.conditions()
    return solve(plan, conditions, plan.cold_flows(conditions), StoppingRule(head=1e-9))


@pytest.mark.parametrize("name", ["Net1", "Net2", "Hanoi", "Balerma", "foss_poly_1", "RuralNetwork"])
def test_epanets_own_answer_balances(name: str, tmp_path: Path) -> None:
    path = package_network("epyt", name)
    plan = make_plan(read_network(path))
    theirs = epanet_steady(path, tmp_path, accuracy=1e-6)
    conditions = plan.conditions()
    head, flow = theirs.head[None], theirs.flow[None]
    status = np.where(flow == 0, Status.CLOSED, Status.OPEN).astype(np.int8)
    energy = balance.energy_residual(plan, conditions, head, flow, status, conditions.setting)
    mass = balance.mass_residual(plan, head, flow, balance.lawful_outflow(plan, conditions, head))
    assert np.abs(energy).max() < 1e-6  # m; EPANET's last Newton step at 1e-6 of the flow
    assert np.abs(mass).max() < 1e-7  # m3/s; EPANET's closed links leak 1e-8 cfs per ft


def test_a_wrong_head_shows_at_the_links_it_touches_and_by_its_size() -> None:
    plan = case_plan("prv_open")
    conditions = plan.conditions()
    solution = solve_case(plan)
    head = solution.head.copy()
    node = plan.network.node("C")
    head[0, node] += 0.25
    energy = balance.energy_residual(plan, conditions, head, solution.flows.link, solution.status, solution.setting)
    touches = (plan.network.links.start == node) | (plan.network.links.end == node)
    np.testing.assert_allclose(energy[0], np.where(touches, 0.25, 0.0), atol=1e-9)


def test_a_wrong_flow_shows_at_both_ends_and_by_its_size() -> None:
    plan = case_plan("prv_open")
    solution = solve_case(plan)
    flow = solution.flows.link.copy()
    flow[0, plan.network.link("P2")] += 0.001
    mass = balance.mass_residual(plan, solution.head, flow, balance.outflow(solution.flows))
    expected = {plan.network.node("B"): -0.001, plan.network.node("C"): 0.001}
    np.testing.assert_allclose(mass[0], [expected.get(node, 0.0) for node in range(plan.n_junctions)], atol=1e-12)


@pytest.mark.parametrize(("case", "node"), [("prv_active", "B"), ("psv_active", "A")])
def test_an_active_pressure_valve_must_hold_its_setting(case: str, node: str) -> None:
    plan = case_plan(case)
    solution = solve_case(plan)
    head = solution.head.copy()
    head[0, plan.network.node(node)] += 0.5
    energy = balance.energy_residual(plan, plan.conditions(), head, solution.flows.link, solution.status, solution.setting)
    assert energy[0, plan.network.link("V")] == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize(
    ("case", "which"), [("fcv_active", "setting"), ("prv_closed", "leaking"), ("pump_cannot_lift", "leaking")]
)
def test_an_active_flow_valve_must_deliver_its_setting_and_a_closed_link_nothing(case: str, which: str) -> None:
    plan = case_plan(case)
    solution = solve_case(plan)
    right = balance.residuals(plan, plan.conditions(), solution)
    flows = replace(solution.flows, link=solution.flows.link + 0.5)
    wrong = balance.residuals(plan, plan.conditions(), replace(solution, flows=flows))
    assert getattr(right, which)[0] == pytest.approx(0, abs=1e-9)
    assert getattr(wrong, which)[0] == pytest.approx(0.5, abs=1e-9)


def test_a_pump_of_constant_power_gives_the_cube_of_its_speed() -> None:
    plan = case_plan("pump_constant_power")
    conditions, pump = plan.conditions(), plan.network.pumps.link[0]
    setting = conditions.setting.copy()
    flow = np.full(setting.shape, 0.01)
    whole = balance.head_loss(plan, conditions, flow, conditions.status, setting)[0, pump]
    setting[:, pump] = 0.5
    assert balance.head_loss(plan, conditions, flow, conditions.status, setting)[0, pump] == pytest.approx(whole / 8)
    assert whole < 0


def test_a_pressure_breaker_only_passes_what_loses_more() -> None:
    network = make_network([0.0, 0.0], [50.0], [Link(2, 0), Link(0, 1, LinkKind.PBV, setting=1.0, minor_loss=2.0)])
    plan = make_plan(network)
    conditions = plan.conditions()
    for flow, loss in ((0.01, 1.0), (-0.01, 1.0), (-1.0, 1.0), (1.0, 20.4)):
        flows = np.array([[0.0, flow]])
        assert balance.head_loss(plan, conditions, flows, conditions.status, conditions.setting)[0, 1] == pytest.approx(
            loss, rel=1e-2
        )


def test_a_position_valve_that_is_shut_has_the_largest_loss() -> None:
    network = make_network([0.0, 0.0], [50.0], [Link(2, 0), Link(0, 1, LinkKind.PCV, setting=0.0)])
    plan = make_plan(network)
    conditions = plan.conditions()
    loss = balance.head_loss(plan, conditions, np.array([[0.0, 1e-4]]), conditions.status, conditions.setting)[0, 1]
    assert loss == pytest.approx(1e8 * 0.3048 * (1e-4 * 35.3147) ** 2, rel=1e-3)


def test_a_dry_junction_owes_nothing() -> None:
    plan = case_plan("prv_open")
    solution = solve_case(plan)
    head = solution.head.copy()
    head[0, plan.network.node("C")] = np.nan
    flow = np.zeros_like(solution.flows.link)
    mass = balance.mass_residual(plan, head, flow, balance.outflow(solution.flows))
    energy = balance.energy_residual(plan, plan.conditions(), head, flow, solution.status, solution.setting)
    assert mass[0, plan.network.node("C")] == 0
    assert energy[0, plan.network.link("P2")] == 0
    assert balance.lawful_outflow(plan, plan.conditions(), head)[0, plan.network.node("C")] == 0


def test_a_tank_holds_what_came_in() -> None:
    plan = case_plan("tank_empty_fills")
    tanks, fixed = plan.network.tanks, plan.tanks.fixed
    area = np.pi * tanks.diameter[0] ** 2 / 4
    seconds, inflow = np.array([0.0, 600.0, 900.0]), np.zeros((3, plan.n_nodes - plan.n_junctions))
    inflow[:, fixed[0]] = [0.1, -0.05, 7.0]  # the last step has no end, so its flow does not count
    head = np.zeros_like(inflow)
    head[:, fixed[0]] = plan.network.nodes.elevation[tanks.node[0]] + np.array([0.0, 60.0, 45.0]) / area
    np.testing.assert_allclose(balance.tank_residual(plan, seconds, head, inflow), 0.0, atol=1e-9)
    head[1, fixed[0]] += 1.0 / area
    np.testing.assert_allclose(balance.tank_residual(plan, seconds, head, inflow), [[1.0], [-1.0]], atol=1e-9)
