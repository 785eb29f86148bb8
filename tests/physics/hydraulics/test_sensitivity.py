"""Sensitivities against differences of tight solves."""

from __future__ import annotations

import numpy as np
import pytest

import tweeling as tw
from networks import package_network
from tweeling.errors import InputError, UnknownElementError
from tweeling.network.network import Floats

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
    with pytest.raises(InputError, match="'PRV-1' is regulating pressure"):
        tw.sensitivities(town, state, ["PRV-1"])
