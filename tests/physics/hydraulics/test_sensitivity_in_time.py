"""Derivatives through time against closed solutions and differences of runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import tweeling as tw
from networks import package_network
from physics.hydraulics.periods import town
from tweeling.errors import InputError, UnknownElementError
from tweeling.network.network import Floats
from tweeling.physics.hydraulics.sensitivity_in_time import INPUTS
from tweeling.physics.hydraulics.tanks import volume_per_flow

OUTPUTS = ("T", "J1", "J3", "PU", "P3")
VOLUMES = "V 0 0\nV 2 600\nV 4 1500\nV 5.98 2000"


def run_outputs(network: tw.Network, hours: float, **inputs: Floats) -> Floats:
    """Outputs at the end; (member, output)."""
    run = tw.simulate(network, hours=hours, accuracy=1e-12, **inputs)  # type: ignore[arg-type]
    heads = [run.head[:, -1, network.nodes.index[name]] for name in OUTPUTS[:3]]
    return np.stack([*heads, *(run.flow[:, -1, network.links.index[name]] for name in OUTPUTS[3:])], axis=1)


def differences(network: tw.Network, hours: float, name: str, base: Floats, step: Floats) -> Floats:
    """Central differences by every element of an input, or to the right where it is 0; (output, element)."""
    table = np.concatenate([base + np.diag(step), base - np.diag(np.where(base > 0, step, -2 * step)), base[None]])
    found, count = run_outputs(network, hours, **{name: table}), len(base)
    up, other, here = found[:count], found[count:-1], found[-1]
    right = (4 * up - other - 3 * here) / (2 * step[:, None])
    return np.asarray(np.where((base > 0)[:, None], (up - other) / (2 * step[:, None]), right).T)


def assert_close(ours: Floats, theirs: Floats, relative: float) -> None:
    size = np.abs(theirs).max(1, initial=0.0)[:, None]
    assert (np.abs(ours - theirs) <= relative * size + 1e-9).all(), np.abs(ours - theirs).max(1) / size[:, 0]


def test_a_tank_that_alone_feeds_a_customer_falls_as_its_area_says(tmp_path: Path) -> None:
    network = tw.read_network(
        town(tmp_path, JUNCTIONS="J1 10 5", RESERVOIRS="", TANKS="T 40 3 0.5 5.98 20 0", PIPES="P1 T J1 300 250 120", PUMPS="",
             ENERGY="", CURVES="", OPTIONS="Units LPS\nHeadloss H-W")
    )  # fmt: skip
    found = tw.sensitivities_in_time(network, ["T", "P1"], hours=5, wanted=("level", "demand", "log_demand"), reports=True)
    fallen = found.times * volume_per_flow(network.units) / (np.pi * 100)
    np.testing.assert_allclose(found.level[0, :, 0, 0], 1.0, rtol=1e-12)
    np.testing.assert_allclose(found.demand[0, :, 0, 0], -fallen, rtol=1e-12)
    np.testing.assert_allclose(found.log_demand[0, :, 0, 0], -0.005 * fallen, rtol=1e-12)
    np.testing.assert_allclose(found.demand[0, :, 1, 0], 1.0, rtol=1e-12)
    np.testing.assert_allclose(found.value[0, :, 1], 0.005, rtol=1e-12)
    assert not found.events.any()


@pytest.mark.parametrize("shape", ["cylinder", "curve"])
def test_derivatives_without_events_are_as_differences_of_runs(tmp_path: Path, shape: str) -> None:
    curves = {} if shape == "cylinder" else {"CURVES": f"H 30 40\nE 10 55\nE 25 75\nE 40 70\n{VOLUMES}"}
    tank = "T 40 2.2 0.5 5.98 20 0" + ("" if shape == "cylinder" else " V")
    network = tw.read_network(town(tmp_path, TANKS=tank, OPTIONS="Units LPS\nHeadloss H-W\nPattern 1", **curves))
    found = tw.sensitivities_in_time(network, OUTPUTS, hours=3, wanted=INPUTS, accuracy=1e-12)
    assert found.events[0, 0] == 0
    level, pumps = network.tanks.initial_level, network.pumps.link
    assert_close(found.level[0, 0], differences(network, 3, "level", level, np.array([1e-3])), 1e-5)
    area = np.zeros(network.nodes.n_junctions)
    assert_close(found.leak_area[0, 0], differences(network, 3, "leak_area", area, area + 1e-6), 1e-5)
    base = network.demands.base
    taken = differences(network, 3, "demand", base, np.maximum(base, 1e-3) * 1e-2) * base
    assert_close(found.log_demand[0, 0], taken, 1e-5)
    rough = network.links.roughness
    pipes = np.flatnonzero(rough > 0)
    step = np.where(rough > 0, 1e-3 * rough, 1.0)
    assert_close(
        found.log_roughness[0, 0][:, pipes], (differences(network, 3, "roughness", rough, step) * rough)[:, pipes], 1e-5
    )
    setting = network.links.setting.copy()
    both = np.stack([np.where(np.arange(len(setting)) == pumps[0], setting + h, setting) for h in (1e-4, -1e-4)])
    speeds = run_outputs(network, 3, setting=both)
    assert_close(found.speed[0, 0], ((speeds[0] - speeds[1]) / 2e-4)[:, None], 1e-5)


def test_a_step_that_a_level_ends_moves_the_clock(tmp_path: Path) -> None:
    network = tw.read_network(
        town(
            tmp_path,
            TANKS="T 40 3 0.5 5.98 20 0",
            CONTROLS="LINK PU CLOSED IF NODE T ABOVE 3.6\nLINK PU OPEN IF NODE T BELOW 3.1",
        )
    )
    found = tw.sensitivities_in_time(network, OUTPUTS, hours=6, wanted=("level", "log_demand"), accuracy=1e-12)
    assert found.events[0, 0] == 2
    # Runs end such steps at whole seconds: a step of 0.05 m makes that small, and shows the curvature instead.
    assert_close(found.level[0, 0], differences(network, 6, "level", network.tanks.initial_level, np.array([0.05])), 0.02)
    base = network.demands.base
    taken = differences(network, 6, "demand", base, np.maximum(base, 1e-3) * 0.05) * base
    assert_close(found.log_demand[0, 0], taken, 0.03)


def test_a_full_tank_forgets_what_was_before(tmp_path: Path) -> None:
    network = tw.read_network(town(tmp_path))
    found = tw.sensitivities_in_time(network, ["T"], hours=6, wanted=("level", "demand"), reports=True)
    full = int(np.argmax(found.value[0, :, 0] >= 45.98))
    assert full > 0
    assert found.level[0, full - 1, 0, 0] > 0.5
    assert found.level[0, full, 0, 0] == 0
    assert (found.demand[0, full] == 0).all()
    assert found.events[0, full] > found.events[0, full - 1] == 0


def test_members_and_reports_do_not_change_a_derivative() -> None:
    network = tw.read_network(package_network("epyt", "Net3"))
    levels = network.tanks.initial_level + np.array([[0.0], [0.3], [-0.2]])
    outputs = [network.nodes.ids[node] for node in (5, 40, 95)] + [network.links.ids[20]]
    together = tw.sensitivities_in_time(network, outputs, hours=8, level=levels, wanted=INPUTS, reports=True)
    alone = tw.sensitivities_in_time(network, outputs, hours=8, level=levels[1], wanted=INPUTS)
    assert len(alone.times) == 1
    np.testing.assert_array_equal(alone.value[0, 0], together.value[1, -1])
    for name in INPUTS:
        np.testing.assert_array_equal(alone.tables[name][0, 0], together.tables[name][1, -1], err_msg=name)


def test_at_the_start_they_are_those_of_the_steady_state() -> None:
    network = tw.read_network(package_network("epyt", "Net3"))
    outputs = [network.nodes.ids[node] for node in (5, 40)]
    found = tw.sensitivities_in_time(network, outputs, hours=0, wanted=INPUTS)
    steady = tw.sensitivities(network, tw.solve(network), outputs)
    np.testing.assert_array_equal(found.leak_area[0, 0], steady.leak_area[0])
    np.testing.assert_array_equal(found.setting[0, 0], steady.setting[0])
    np.testing.assert_array_equal(found.emitter[0, 0], steady.emitter[0])
    tanks, reservoirs = (node - network.nodes.n_junctions for node in (network.tanks.node, network.reservoirs.node))
    np.testing.assert_allclose(found.level[0, 0], steady.fixed_head[0][:, tanks], rtol=1e-12)
    np.testing.assert_array_equal(found.reservoir_head[0, 0], steady.fixed_head[0][:, reservoirs])


def test_what_cannot_be_asked_for_is_named() -> None:
    network = tw.read_network(package_network("epyt", "Net1"))
    with pytest.raises(InputError, match="'fixed_head'; there are level, demand"):
        tw.sensitivities_in_time(network, ["2"], hours=1, wanted=["fixed_head"])
    with pytest.raises(InputError, match="hours is -1"):
        tw.sensitivities_in_time(network, ["2"], hours=-1)
    for hours in ("1", float("nan"), float("inf"), 1e300):
        with pytest.raises(InputError, match="it must be a number from 0 to 1,000,000"):
            tw.sensitivities_in_time(network, ["2"], hours=hours)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="accuracy is -1; it must lie between 0 and 1"):
        tw.sensitivities_in_time(network, ["2"], hours=1, accuracy=-1)
    with pytest.raises(InputError, match="wanted is the text 'level'"):
        tw.sensitivities_in_time(network, ["2"], hours=1, wanted="level")
    with pytest.raises(UnknownElementError, match="n9"):
        tw.sensitivities_in_time(network, ["n9"], hours=1)
    found = tw.sensitivities_in_time(network, ["2"], hours=1, wanted=["level"])
    with pytest.raises(InputError, match="speed were not asked for, but to level"):
        _ = found.speed
