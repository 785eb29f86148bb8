"""What sensors read is what the state says; what a row's derivatives say is what the engine does."""

from __future__ import annotations

import numpy as np
import pytest

import tweeling as tw
from networks import package_network
from tweeling.network.network import Floats, Network
from tweeling.observation.operator import Comparison, make_comparison, observe
from tweeling.observation.sensors import Sensor, Sensors

STEP = 1e-6
ROWS = (
    Sensor("near the source", "pressure", "n1", "m", 0.02),
    Sensor("far away", "head", "n54", "kPa", 0.2),
    Sensor("behind PRV-3", "pressure", "n215", "m", 0.02),
    Sensor("inflow", "flow", "p227", "m3/h", 0.1),
    Sensor("pump", "flow", "PUMP_1", "L/s", 0.1),
    Sensor("valve A", "flow", "PRV-1", "m3/h", 0.1),
    Sensor("valve B", "flow", "PRV-3", "m3/h", 0.1),
    Sensor("tank", "level", "T1", "m", 0.005),
    Sensor("customer", "demand", "n4", "L/h", 1.0),
)


@pytest.fixture(scope="module")
def town() -> Network:
    return tw.read_network(package_network("epyt", "L-TOWN"))


@pytest.fixture(scope="module")
def sensors(town: Network) -> Sensors:
    return Sensors.of_rows(ROWS, town)


@pytest.fixture(scope="module")
def state(town: Network) -> tw.State:
    return tw.solve(town, accuracy=1e-10)


@pytest.fixture(scope="module")
def comparison(town: Network, sensors: Sensors) -> Comparison:
    return make_comparison(town, sensors, np.zeros(0, dtype=np.int64))


def readings(town: Network, state: tw.State) -> Floats:
    """What the rows of the comparison are, taken from the state by hand; (member, row)."""
    links, nodes = town.links, town.nodes
    tank = town.node("T1")
    filling = state.flow[:, links.end == tank].sum(axis=1) - state.flow[:, links.start == tank].sum(axis=1)
    pressure = [state.head[:, town.node(name)] - nodes.elevation[town.node(name)] for name in ("n1", "n215")]
    flow = [state.flow[:, town.link(name)] for name in ("p227", "PUMP_1", "PRV-1", "PRV-3")]
    return np.stack([pressure[0], state.head[:, town.node("n54")], pressure[1], *flow, filling], axis=1)


def test_sensors_read_what_the_state_says(town: Network, sensors: Sensors, state: tw.State) -> None:
    read = observe(town, sensors, state.solution)
    wanted = readings(town, state)
    np.testing.assert_array_equal(read[:, :7], wanted[:, :7])
    tank = town.node("T1")
    np.testing.assert_array_equal(read[:, 7], state.head[:, tank] - town.nodes.elevation[tank])
    np.testing.assert_array_equal(read[:, 8], state.demand[:, town.node("n4")])


def test_every_sensor_but_a_meter_is_compared_once(comparison: Comparison, town: Network) -> None:
    assert comparison.sensor.tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert comparison.balance.tolist() == [-1] * 7 + [0]
    assert comparison.offset.tolist() == [True] * 3 + [False] * 5  # a flow has no offset: a meter is off by a factor
    np.testing.assert_allclose(comparison.area[7], np.pi / 4 * town.tanks.diameter[0] ** 2)
    np.testing.assert_allclose(comparison.std[[1, 3, 4]], [0.2 / 9.80665, 0.1 / 3600, 1e-4])


def test_rows_are_the_sums_of_heads_and_flows_that_they_say(comparison: Comparison, town: Network, state: tw.State) -> None:
    tables = {"node": state.head[0], "link": state.flow[0]}
    sums = comparison.weight @ np.array([tables[kind][index] for kind, index in comparison.outputs])
    wanted = readings(town, state)[0]
    elevation = np.array([town.nodes.elevation[town.node(name)] for name in ("n1", "n215")])
    wanted[[0, 2]] += elevation  # a pressure is a head less something constant
    # A valve that holds a pressure passes on what the pipe before it brings, less what is taken between the two.
    between = set(ends_of(town, town.link("PRV-3"))) & set(ends_of(town, stand_in(comparison, 6)))
    wanted[6] += sum(state.demand[0, node] for node in between)
    np.testing.assert_allclose(sums, wanted, rtol=0, atol=1e-8)


def ends_of(town: Network, link: int) -> tuple[int, int]:
    return int(town.links.start[link]), int(town.links.end[link])


def stand_in(comparison: Comparison, row: int) -> int:
    """The one link whose flow a row is."""
    (output,) = np.flatnonzero(comparison.weight[row])
    kind, link = comparison.outputs[output]
    assert kind == "link"
    return link


def test_the_pipe_beside_a_pressure_valve_stands_for_it(comparison: Comparison, town: Network) -> None:
    for name, row in (("PRV-1", 5), ("PRV-3", 6)):
        pipe = stand_in(comparison, row)
        assert pipe != town.link(name)
        assert set(ends_of(town, town.link(name))) & set(ends_of(town, pipe))


def test_those_withheld_are_in_no_row_and_a_comparison_of_nothing_is_empty(town: Network, sensors: Sensors) -> None:
    some = make_comparison(town, sensors, np.array([0, 3, 7]))
    assert some.sensor.tolist() == [1, 2, 4, 5, 6]
    nothing = make_comparison(town, sensors, np.arange(len(sensors)))
    assert len(nothing) == 0
    assert nothing.derivative(np.zeros((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("junction", ["n4", "n54", "n215", "n300"])
def test_derivatives_by_demand_are_those_of_the_engine(
    comparison: Comparison, town: Network, state: tw.State, junction: str
) -> None:
    step = np.zeros(town.nodes.n_junctions)
    step[town.node(junction)] = STEP
    base = state.conditions.demand[0]
    both = readings(town, tw.solve(town, demand=np.stack([base - step, base + step]), start=state, accuracy=1e-12))
    by_demand, _, _ = comparison.rows_of(tw.sensitivities(town, state, comparison.outputs))
    wanted = (both[1] - both[0]) / (2 * STEP)
    # Heads of 1e2 m are known to 1e-13 of themselves: over 2e-6 m3/s that is 1e-5 at best (test_sensitivity.py).
    np.testing.assert_allclose(by_demand[:, town.node(junction)], wanted, rtol=1e-5, atol=5e-5)
    assert np.abs(wanted).max() > 0.01


@pytest.mark.parametrize("pipe", ["p227", "p37", "p68"])
def test_derivatives_by_roughness_are_those_of_the_engine(
    comparison: Comparison, town: Network, state: tw.State, pipe: str
) -> None:
    link, span = town.link(pipe), 1e-4
    rough = np.repeat(town.links.roughness[None], 2, axis=0)
    rough[:, link] *= np.exp([-span, span])
    both = readings(town, tw.solve(town, roughness=rough, start=state, accuracy=1e-12))
    _, by_roughness, _ = comparison.rows_of(tw.sensitivities(town, state, comparison.outputs))
    np.testing.assert_allclose(by_roughness[:, link], (both[1] - both[0]) / (2 * span), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("valve", ["PRV-1", "PRV-3"])
def test_derivatives_by_the_setting_of_a_valve_are_those_of_the_engine(
    comparison: Comparison, town: Network, state: tw.State, valve: str
) -> None:
    link, span = town.link(valve), 1e-3
    setting = np.repeat(town.links.setting[None], 2, axis=0)
    setting[:, link] += [-span, span]
    both = readings(town, tw.solve(town, setting=setting, start=state, accuracy=1e-12))
    _, _, by_setting = comparison.rows_of(tw.sensitivities(town, state, comparison.outputs))
    wanted = (both[1] - both[0]) / (2 * span)
    np.testing.assert_allclose(by_setting[:, link], wanted, rtol=1e-4, atol=1e-7)
    assert np.abs(wanted).max() > 0.1


def test_a_link_is_not_taken_for_a_node_of_the_same_id() -> None:
    network = tw.read_network(package_network("epyt", "Net3"))
    assert {"10", "20", "40"} <= set(network.nodes.ids) & set(network.links.ids)
    rows = (Sensor("pump", "flow", "10", "m3/h", 1.0), Sensor("tank", "level", "1", "m", 0.01))
    comparison = make_comparison(network, Sensors.of_rows(rows, network), np.zeros(0, dtype=np.int64))
    running = np.full(len(network.links), 1, dtype=np.int8)
    state = tw.solve(network, status=running, accuracy=1e-10)
    by_demand, _, _ = comparison.rows_of(tw.sensitivities(network, state, comparison.outputs))
    step = np.zeros(network.nodes.n_junctions)
    step[network.node("105")] = 1e-5
    base = state.conditions.demand[0]
    both = tw.solve(network, demand=np.stack([base - step, base + step]), status=running, start=state, accuracy=1e-12)
    tank, links = network.node("1"), network.links
    filling = both.flow[:, links.end == tank].sum(axis=1) - both.flow[:, links.start == tank].sum(axis=1)
    found = by_demand[:, network.node("105")]
    wanted = [both.flow[1, network.link("10")] - both.flow[0, network.link("10")], filling[1] - filling[0]]
    np.testing.assert_allclose(found, np.array(wanted) / 2e-5, rtol=1e-4)
