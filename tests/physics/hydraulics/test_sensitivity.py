"""Sensitivities against differences of tight solves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tweeling as tw
from differences import differences, inputs_of, settled
from networks import package_network
from tweeling.errors import InputError, UnknownElementError
from tweeling.network.network import Floats
from tweeling.physics.hydraulics.adjoint import Place
from tweeling.physics.hydraulics.contract import Conditions, StoppingRule
from tweeling.physics.hydraulics.plan import Plan, make_plan
from tweeling.physics.hydraulics.sensitivity import sensitivities_of
from tweeling.physics.kernels.cpu import solve

STEP = {"demand": 1e-6, "roughness": 1e-4, "setting": 1e-3}


@pytest.fixture(scope="module")
def town() -> tw.Network:
    return tw.read_network(package_network("epyt", "L-TOWN"))


@pytest.fixture(scope="module")
def state(town: tw.Network) -> tw.State:
    return tw.solve(town, accuracy=1e-10)


OUTPUTS = ("n54", "n410", "T1", "p227")


def outputs_of(network: tw.Network, state: tw.State) -> Floats:
    heads = [state.head[:, network.nodes.index[name]] for name in OUTPUTS[:3]]
    return np.stack([*heads, state.flow[:, network.links.index["p227"]]], axis=1)


def difference(network: tw.Network, state: tw.State, name: str, low: Floats, high: Floats, span: float) -> Floats:
    both = tw.solve(network, start=state, accuracy=1e-12, **{name: np.stack([low, high])})  # type: ignore[arg-type]
    values = outputs_of(network, both)
    return (values[1] - values[0]) / span


@pytest.mark.parametrize("junction", [210, 399, 665])
def test_demand(town: tw.Network, state: tw.State, junction: int) -> None:
    step = np.zeros(town.nodes.n_junctions)
    step[junction] = STEP["demand"]
    base = state.conditions.demand[0]
    expected = difference(town, state, "demand", base - step, base + step, 2 * STEP["demand"])
    found = tw.sensitivities(town, state, OUTPUTS).demand[0, :, junction]
    # A difference of heads of 1e2 m, known to 1e-13, over 2e-6 m3/s: 1e-5 at best; heads move by 20 to 100 m per m3/s.
    np.testing.assert_allclose(found, expected, atol=5e-5)


@pytest.mark.parametrize("pipe", ["p227", "p37", "p68"])
def test_roughness(town: tw.Network, state: tw.State, pipe: str) -> None:
    link, base = town.link(pipe), town.links.roughness
    low, high = base.copy(), base.copy()
    low[link] *= np.exp(-STEP["roughness"])
    high[link] *= np.exp(STEP["roughness"])
    expected = difference(town, state, "roughness", low, high, 2 * STEP["roughness"])
    found = tw.sensitivities(town, state, OUTPUTS).log_roughness[0, :, link]
    np.testing.assert_allclose(found, expected, atol=1e-7)


@pytest.mark.parametrize("valve", ["PRV-1", "PRV-2", "PRV-3"])
def test_setting_of_a_pressure_valve(town: tw.Network, state: tw.State, valve: str) -> None:
    link, base = town.link(valve), state.solution.setting[0]
    step = np.zeros(len(town.links))
    step[link] = STEP["setting"]
    expected = difference(town, state, "setting", base - step, base + step, 2 * STEP["setting"])
    found = tw.sensitivities(town, state, OUTPUTS).setting[0, :, link]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_head_of_the_tank(town: tw.Network, state: tw.State) -> None:
    level = town.tanks.initial_level
    expected = difference(town, state, "level", level - 1e-3, level + 1e-3, 2e-3)
    tank = int(town.tanks.node[0]) - town.nodes.n_junctions
    found = tw.sensitivities(town, state, OUTPUTS).fixed_head[0, :, tank]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_what_cannot_be_asked_for_is_named(town: tw.Network, state: tw.State) -> None:
    with pytest.raises(UnknownElementError, match="n4100"):
        tw.sensitivities(town, state, ["n4100"])
    with pytest.raises(InputError, match=r"\('link', 909\)"):
        tw.sensitivities(town, state, [("link", 909)])
    with pytest.raises(InputError, match="'colour'; there are demand, log_roughness"):
        tw.sensitivities(town, state, ["n54"], wanted=["colour"])
    with pytest.raises(InputError, match="another network"):
        tw.sensitivities(tw.read_network(package_network("epyt", "Net1")), state, ["n54"])
    some = tw.sensitivities(town, state, ["n54"], wanted=["demand"])
    with pytest.raises(InputError, match="speed were not asked for, but to demand"):
        _ = some.speed


# ------------------------------------------------------------------------------------- all inputs against differences


def assert_as_differences(plan: Plan, conditions: Conditions, seen: dict[str, int]) -> None:
    """All derivatives of all heads and flows; `seen` counts what could be judged, table by table."""
    solution = solve(plan, conditions, plan.cold_flows(conditions), StoppingRule())
    conditions, solution = settled(solve, plan, conditions, solution)
    places: list[Place] = [("node", node) for node in range(plan.n_nodes)] + [("link", link) for link in range(plan.n_links)]
    found = sensitivities_of(plan, conditions, solution, places)
    for name, given in inputs_of(plan, conditions, solution).items():
        theirs = differences(solve, plan, conditions, solution, places, given)
        column = plan.pump_of_link[theirs.element] if name == "speed" else theirs.element
        ours = getattr(found, name)[0][:, column]
        size = np.nan_to_num(np.maximum(np.abs(ours), np.abs(theirs.estimate))).max(1, initial=0.0)[:, None]
        judged = theirs.doubt <= 1e-6 * size + LEAST
        wrong = judged & ~(np.abs(ours - theirs.estimate) <= 1e-5 * size + LEAST)
        assert not wrong.any(), (name, [(places[row], int(column[at])) for row, at in np.argwhere(wrong)[:5]])
        seen[name] = seen.get(name, 0) + int(judged.sum())


LEAST = 3e-9
"""m per m, or m3/s per m and the like: smaller derivatives are rounding, of both."""
CASES = sorted(path.parent for path in (Path(__file__).parents[2] / "cases").glob("*/network.inp"))


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_every_law_and_status_is_as_differences_say(case: Path) -> None:
    plan, seen = make_plan(tw.read_network(case / "network.inp")), dict[str, int]()
    assert_as_differences(plan, plan.conditions(), seen)
    assert case.name == "check_valve_at_rest" or seen["demand"] > 0
    assert seen["log_roughness"] > 0
