"""What is drawn: as much doubt as was asked for, the same from the same seed, and nothing that a twin could not be told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tweeling as tw
from networks import package_network
from plant.towns import QUIET, TOWN, every_sensor, read_town, world
from tweeling.network.network import Network
from tweeling.observation.sensors import Sensor, Sensors
from tweeling.plant import drivers, instruments
from tweeling.plant.config import plant_world
from tweeling.plant.events import EVENTS, wet_pipes
from tweeling.plant.run import simulate_plant
from tweeling.plant.truth import Hidden, hide


@pytest.fixture(scope="module")
def l_town() -> Network:
    return tw.read_network(package_network("epyt", "L-TOWN"))


@pytest.fixture(scope="module")
def l_town_sensors(l_town: Network) -> Sensors:
    rows = [Sensor(f"p:{name}", "pressure", name, "m", 0.02) for name in l_town.nodes.ids[: l_town.nodes.n_junctions]]
    rows += [Sensor(f"d:{name}", "demand", name, "L/h", 4.0) for name in l_town.nodes.ids[:50]]
    return Sensors.of_rows(rows, l_town)


def hidden_of(network: Network, sensors: Sensors, seed: int, **truth: float) -> Hidden:
    return hide(network, sensors, plant_world(world(hours=24, interval="5min", seed=seed, truth=QUIET | truth)))


def moments(samples: np.ndarray) -> tuple[float, float, float]:
    """Mean, standard deviation, and the standard error of the mean of independent samples."""
    return float(samples.mean()), float(samples.std(ddof=1)), float(samples.std(ddof=1) / np.sqrt(samples.size))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_factors_and_offsets_have_the_spread_that_was_asked_for(l_town: Network, l_town_sensors: Sensors, seed: int) -> None:
    hidden = hidden_of(l_town, l_town_sensors, seed, roughness_sd=0.1, node_demand_sd=0.3, sensor_offset_sd=0.2)
    pipes = hidden.roughness_factor[l_town.links.kind <= 1]
    pressures = np.array([row.quantity == "pressure" for row in l_town_sensors.rows])
    for samples, mean, sd in ((pipes, 1, 0.1), (hidden.demand_factor, 1, 0.3), (hidden.offset[pressures], 0, 0.2)):
        found_mean, found_sd, error = moments(samples)
        assert abs(found_mean - mean) < 4 * error
        assert found_sd == pytest.approx(sd, rel=4 * 1.5 / np.sqrt(2 * samples.size))  # heavier tails than the normal's
    assert (hidden.offset[~pressures] == 0).all()
    assert (hidden.roughness_factor[l_town.links.kind > 1] == 1).all()
    np.testing.assert_allclose(hidden.network.links.roughness, l_town.links.roughness * hidden.roughness_factor)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_demand_noise_has_mean_1_differs_by_node_and_lasts_in_part(l_town: Network, l_town_sensors: Sensors, seed: int) -> None:
    noise = {"demand_noise_sd": 0.4, "demand_noise_share": 0.5, "demand_noise_lasts": 3600.0}
    hidden = hidden_of(l_town, l_town_sensors, seed, **noise)
    state = drivers.first_drive(hidden)
    _, factor, level = drivers._factors(hidden, state, 288)
    assert (factor > 0).all()
    assert (level == 1).all()
    logs = np.log(factor)
    by_node = factor.mean(axis=0)  # independent between nodes
    assert abs(by_node.mean() - 1) < 4 * by_node.std(ddof=1) / np.sqrt(by_node.size)
    assert factor.std() == pytest.approx(0.4, rel=0.02)
    centred = logs - np.log1p(0.4**2) / -2
    autocorrelation = (centred[1:] * centred[:-1]).mean() / (centred**2).mean()
    assert autocorrelation == pytest.approx(0.5 * np.exp(-300 / 3600), abs=0.02)
    between = np.corrcoef(logs[::12].T)
    assert abs(between[np.triu_indices(len(between), 1)].mean()) < 0.01


def test_the_level_of_the_town_wanders_as_far_and_as_slowly_as_asked(l_town: Network, l_town_sensors: Sensors) -> None:
    levels = []
    for seed in range(200):
        hidden = hidden_of(l_town, l_town_sensors, seed, zone_factor_sd=0.1, zone_factor_lasts=86400.0)
        small = replace(hidden, model=replace(l_town, nodes=replace(l_town.nodes, n_junctions=1)), demand_factor=np.ones(1))
        levels.append(drivers._factors(small, drivers.first_drive(small), 288)[2])
    logs = np.log(np.array(levels))
    assert np.array(levels).mean() == pytest.approx(1.0, abs=4 * 0.1 / np.sqrt(200))
    assert logs.std() == pytest.approx(0.1, rel=0.15)
    correlation = np.corrcoef(logs[:, 0], logs[:, 287])[0, 1]
    assert correlation == pytest.approx(np.exp(-287 / 288), abs=4 / np.sqrt(200))


def test_pieces_of_any_length_drive_the_same_town(l_town: Network, l_town_sensors: Sensors) -> None:
    truth = {"demand_noise_sd": 0.4, "zone_factor_sd": 0.1}
    hidden = hidden_of(l_town, l_town_sensors, 5, **truth)
    _, whole = drivers.drive(hidden, drivers.first_drive(hidden), 20, 300)
    state, parts = drivers.first_drive(hidden), []
    for count in (1, 12, 7):
        state, part = drivers.drive(hidden, state, count, 300)
        parts.append(part)
    np.testing.assert_array_equal(np.concatenate([part.patterns for part in parts], axis=1), whole.patterns)
    np.testing.assert_array_equal(np.concatenate([part.level for part in parts]), whole.level)


def test_an_inflow_follows_its_pattern_only(tmp_path: Path) -> None:
    network = read_town(tmp_path, TOWN.replace(" dale     5  3", " dale     5  -1"))
    sensors = every_sensor(network)
    run = simulate_plant(network, sensors, world(truth=QUIET | {"demand_noise_sd": 0.4, "node_demand_sd": 0.3}))
    demand = run.exact[:, sensors.of("demand")]
    np.testing.assert_allclose(demand[:, network.node("dale")], -1e-3, rtol=1e-9)
    assert demand[:, network.node("mill")].std() > 1e-4


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_instruments_have_the_noise_of_their_std_and_a_resolution_of_at_most_half_of_it(
    l_town: Network, l_town_sensors: Sensors, seed: int
) -> None:
    hidden = hidden_of(l_town, l_town_sensors, seed, noise=True)
    exact = np.full((96, len(l_town_sensors)), 50.0)
    _, readings = instruments.read(hidden, instruments.first_state(hidden), exact)
    pressure = readings[:, l_town_sensors.of("pressure")]
    mean, sd, error = moments(pressure - 50)
    assert abs(mean) < 4 * error
    assert sd**2 == pytest.approx(0.02**2 + 0.01**2 / 12, rel=4 * np.sqrt(2 / pressure.size))
    np.testing.assert_array_equal(pressure, np.round(pressure, 2))


def test_resolutions_are_1_2_or_5_times_a_power_of_ten() -> None:
    step, decimals = instruments.resolution(np.array([0.02, 0.05, 0.1, 0.2, 4.0, 1.0, 30.0, 0.013]))
    np.testing.assert_allclose(step, [0.01, 0.02, 0.05, 0.1, 2.0, 0.5, 10.0, 0.005])
    np.testing.assert_array_equal(decimals, [2, 2, 2, 1, 0, 1, -1, 3])


def test_an_offset_is_in_every_reading_of_its_sensor(tmp_path: Path) -> None:
    network = read_town(tmp_path)
    sensors = every_sensor(network)
    run = simulate_plant(network, sensors, world(truth=QUIET | {"sensor_offset_sd": 0.2}))
    offset = [run.truth["sensor_offset_m"].get(name, 0.0) for name in sensors.ids]
    assert np.count_nonzero(offset) == len(network.nodes)
    np.testing.assert_allclose(run.values - run.exact, np.broadcast_to(offset, run.values.shape), rtol=0, atol=1e-12)


def test_a_meter_does_not_run_backwards(l_town: Network, l_town_sensors: Sensors) -> None:
    hidden = hidden_of(l_town, l_town_sensors, 1, noise=True)
    exact = np.zeros((96, len(l_town_sensors)))
    _, readings = instruments.read(hidden, instruments.first_state(hidden), exact)
    assert (readings[:, l_town_sensors.of("demand")] >= 0).all()
    assert (readings[:, l_town_sensors.of("pressure")] < 0).any()


RANDOM_WORLD = {
    "truth": {},
    "events": [
        {"kind": "leak", "element": "random", "at": "random", "flow_m3h": 2},
        {"kind": "gap", "sensor": "random", "at": "1h", "until": "2h"},
    ],
}


def test_the_same_seed_gives_the_same_and_another_seed_another_world(tmp_path: Path) -> None:
    network = read_town(tmp_path)
    sensors = every_sensor(network)
    first, again, other = (
        simulate_plant(network, sensors, world(hours=12, seed=seed, **RANDOM_WORLD)) for seed in (11, 11, 12)
    )
    assert first.values.tobytes() == again.values.tobytes()
    assert json.dumps(first.truth) == json.dumps(again.truth)
    assert (first.exact != other.exact).any()
    drawn = [{(event["kind"], event.get("element"), event["at"]) for event in run.truth["events"]} for run in (first, other)]
    assert drawn[0] != drawn[1]


def test_one_doubt_less_leaves_the_others_as_they_are(l_town: Network, l_town_sensors: Sensors) -> None:
    both = hidden_of(l_town, l_town_sensors, 4, roughness_sd=0.1, node_demand_sd=0.3)
    one = hidden_of(l_town, l_town_sensors, 4, node_demand_sd=0.3)
    np.testing.assert_array_equal(both.demand_factor, one.demand_factor)


def test_random_pipes_are_long_enough_open_and_wet(tmp_path: Path) -> None:
    text = TOWN.replace("[RESERVOIRS]", " far  1  0\n away  1  0\n[RESERVOIRS]")
    text = text.replace(
        " check ",
        " alone  far  away  100  100  100\n cut  away  mill  100  100  100  0  Closed\n short  mill  hill  5 100 100\n check ",
    )
    network = read_town(tmp_path, text)
    assert wet_pipes(network) == ["main", "lane", "ring", "arc", "side"]
    drawn = set()
    events = [{"kind": "leak", "element": "random", "at": "random", "flow_m3h": 1}]
    for seed in range(40):
        hidden = hide(network, every_sensor(network), plant_world(world(events, hours=100, seed=seed)))
        drawn.add(hidden.happenings[0].subject)
        assert 25 <= hidden.happenings[0].start <= 75
    assert drawn == set(wet_pipes(network))


def test_every_kind_of_event_can_be_random(tmp_path: Path) -> None:
    network = read_town(tmp_path)
    sizes = {
        "leak": {"flow_m3h": 1},
        "setting": {"setting": 20},
        "pump": {"factor": 0.9},
        "demand": {"factor": 2},
        "drift": {"m_per_day": 1},
        "offset": {"m": 1},
        "spike": {"m": 5},
    }
    expected = {"leak": "pipes", "close": "pipes", "open": ("spare",), "setting": ("reduce",), "pump": ("lift",)}
    sensors = every_sensor(network)
    for kind in EVENTS:
        where = {"sensor": "random"} if kind in ("drift", "offset", "spike", "stuck", "gap") else {"element": "random"}
        event = {"kind": kind, "at": "1h"} | where | sizes.get(kind, {})
        hidden = hide(network, sensors, plant_world(world([event])))
        subject = hidden.happenings[0].subject
        if kind in ("drift", "offset", "spike"):
            assert sensors.rows[sensors.index[subject]].unit == "m"
        elif kind in expected:
            assert subject in (wet_pipes(network) if expected[kind] == "pipes" else expected[kind])
