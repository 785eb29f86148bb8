"""What the hidden town does: EPANET's own answers, events from their beginning to their end, and water that balances."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tweeling as tw
from epanet_period import epanet_period
from networks import package_network
from plant.towns import START, TOWN, every_sensor, read_town, world
from tweeling.errors import InputError
from tweeling.network.changes import Change, CloseLink, OpenLink, ScaleDemands, SetSetting
from tweeling.network.network import Network
from tweeling.observation.sensors import Sensors
from tweeling.plant.config import plant_world
from tweeling.plant.run import PlantRun, run_plant, simulate_plant
from tweeling.plant.truth import hide

NETWORKS = ("Net1", "Net3", "L-TOWN")


def part(run: PlantRun, sensors: Sensors, quantity: str) -> np.ndarray:
    """What the sensors of a quantity should read; (step, sensor)."""
    return run.exact[:, sensors.of(quantity)]


def undoubted(name: str, hours: float) -> tuple[Path, Network, Sensors, PlantRun]:
    path = package_network("epyt", name)
    network = tw.read_network(path)
    sensors = every_sensor(network)
    times = network.times
    start = START + timedelta(seconds=times.start_clock)
    zero = start - timedelta(seconds=times.pattern_start)
    keys = world(hours=hours, start=start, pattern_zero=zero, interval=times.hydraulic_step)
    return path, network, sensors, simulate_plant(network, sensors, keys)


@pytest.mark.parametrize("name", NETWORKS)
def test_without_doubt_the_readings_are_those_of_epanets_own_run(name: str, tmp_path: Path) -> None:
    path, network, sensors, run = undoubted(name, hours=12)
    own = epanet_period(path, tmp_path, accuracy=1e-5, hours=12)
    step = network.times.hydraulic_step
    at = np.searchsorted(own.time, step * np.arange(len(run.times)))
    pressure = own.head[at] - network.nodes.elevation
    np.testing.assert_allclose(part(run, sensors, "pressure"), pressure, rtol=0, atol=1e-4)
    means = [_mean(own.flow, own, step * i, step) for i in range(len(run.times))]
    largest = np.abs(own.flow).max()
    np.testing.assert_allclose(part(run, sensors, "flow"), means, rtol=0, atol=1e-5 * largest)
    demand = own.demand[at, : network.nodes.n_junctions]
    np.testing.assert_allclose(part(run, sensors, "demand"), demand, rtol=0, atol=1e-5 * largest)
    np.testing.assert_array_equal(run.values, run.exact)


def _mean(values: np.ndarray, own: Any, begin: int, seconds: int) -> np.ndarray:
    """The mean over an interval of what holds from one steady state to the next."""
    during = (own.time >= begin) & (own.time < begin + seconds)
    weights = np.diff(np.append(own.time[during], begin + seconds))
    return np.asarray(np.average(values[during], axis=0, weights=weights))


@pytest.mark.parametrize("name", NETWORKS)
def test_without_doubt_the_readings_are_those_of_our_own_engine(name: str) -> None:
    _, network, sensors, run = undoubted(name, hours=6)
    ours = tw.simulate(network, hours=6)
    seconds = (run.times - run.times[0]) // 1_000_000
    mine, theirs = np.isin(seconds, ours.times), np.isin(ours.times, seconds)
    assert mine.sum() >= 6
    np.testing.assert_allclose(part(run, sensors, "pressure")[mine], ours.pressure[0, theirs], rtol=0, atol=1e-3)


EVENTS: dict[str, tuple[dict[str, Any], Sequence[Change]]] = {
    "close a pipe": ({"kind": "close", "element": "lane"}, [CloseLink("lane")]),
    "close a valve": ({"kind": "close", "element": "reduce"}, [CloseLink("reduce")]),
    "stop a pump": ({"kind": "close", "element": "lift"}, [CloseLink("lift")]),
    "open a pipe": ({"kind": "open", "element": "spare"}, [OpenLink("spare")]),
    "open a valve": ({"kind": "open", "element": "reduce"}, [OpenLink("reduce")]),
    "a wrong setting": ({"kind": "setting", "element": "reduce", "setting": 26}, [SetSetting("reduce", 26.0)]),
    "a slow pump": ({"kind": "setting", "element": "lift", "setting": 0.9}, [SetSetting("lift", 0.9)]),
    "more demand": ({"kind": "demand", "element": "mill", "factor": 3}, [ScaleDemands(3.0, ("mill",))]),
    "less of two": ({"kind": "demand", "element": ["mill", "dale"], "factor": 0.5}, [ScaleDemands(0.5, ("mill", "dale"))]),
    "all demand": ({"kind": "demand", "element": "all", "factor": 1.2}, [ScaleDemands(1.2)]),
}


@pytest.mark.parametrize("what", EVENTS)
def test_an_event_acts_from_its_beginning_to_its_end_and_as_the_change_of_its_kind(what: str, tmp_path: Path) -> None:
    event, changes = EVENTS[what]
    network = read_town(tmp_path)
    sensors = every_sensor(network)
    run = simulate_plant(network, sensors, world([event | {"at": "1h", "until": "3h"}]))
    before, during = tw.solve(network), tw.solve(network.with_changes(changes))
    assert np.abs(during.pressure[0] - before.pressure[0])[:4].max() > 0.005
    for step, state in enumerate((before, during, during, before)):
        junctions = slice(0, 4)
        np.testing.assert_allclose(part(run, sensors, "pressure")[step, junctions], state.pressure[0, junctions], atol=1e-3)
        np.testing.assert_allclose(part(run, sensors, "flow")[step], state.flow[0], rtol=0, atol=1e-6)
        np.testing.assert_allclose(part(run, sensors, "demand")[step], state.demand[0], rtol=0, atol=1e-9)


def test_the_setting_of_a_flow_valve_is_in_m3h(tmp_path: Path) -> None:
    network = read_town(tmp_path, TOWN.replace("PRV  30", "FCV  0.4"))
    sensors = every_sensor(network)
    events = [{"kind": "setting", "element": "reduce", "setting": 1.08, "at": "1h", "until": "2h"}]
    flow = part(simulate_plant(network, sensors, world(events)), sensors, "flow")[:, network.link("reduce")]
    np.testing.assert_allclose(flow, [4e-4, 3e-4, 4e-4, 4e-4], rtol=1e-4)


def test_a_worn_pump_adds_less_head_at_every_flow(tmp_path: Path) -> None:
    network = read_town(tmp_path)
    sensors = every_sensor(network)
    events = [{"kind": "pump", "element": "lift", "at": "1h", "until": "2h", "factor": 0.9}]
    run = simulate_plant(network, sensors, world(events))
    head = part(run, sensors, "pressure") + network.nodes.elevation
    lift = head[:, network.node("hill")] - head[:, network.node("well")]
    flow = part(run, sensors, "flow")[:, network.link("lift")]
    curve = 60 * (4 / 3 - (flow / 0.005) ** 2 / 3)  # EPANET's curve of one point
    np.testing.assert_allclose(lift / curve, [1, 0.9, 1, 1], rtol=0, atol=1e-5)
    assert flow[1] < 0.95 * flow[0]


def test_water_does_not_run_back_through_a_pump_that_is_worn_out(tmp_path: Path) -> None:
    network = read_town(tmp_path)
    sensors = every_sensor(network)
    run = simulate_plant(
        network, sensors, world([{"kind": "pump", "element": "lift", "at": "1h", "until": "2h", "factor": 0.5}])
    )
    flow = part(run, sensors, "flow")[:, network.link("lift")]
    np.testing.assert_allclose(flow[2:], flow[0], rtol=1e-6)
    assert flow[0] > 1e-3
    assert abs(flow[1]) < 1e-6


def test_what_cannot_be_supplied_reads_no_less_than_a_vacuum(tmp_path: Path) -> None:
    network = read_town(tmp_path)
    sensors = every_sensor(network)
    events = [{"kind": "close", "element": name, "at": "1h"} for name in ("reduce", "side")]
    pressure = part(simulate_plant(network, sensors, world(events)), sensors, "pressure")[:, network.node("dale")]
    assert pressure[0] == pytest.approx(30, abs=1e-3)
    np.testing.assert_array_equal(pressure[1:], -10.33)


def test_controls_and_rules_do_not_undo_what_a_hand_has_done(tmp_path: Path) -> None:
    text = """\
[CONTROLS]
 LINK lane OPEN AT TIME 2
[RULES]
 RULE again
 IF SYSTEM TIME > 1
 THEN LINK arc STATUS = OPEN
[END]
"""
    network = read_town(tmp_path, TOWN.replace("[END]\n", text))
    sensors = every_sensor(network)
    events = [{"kind": "close", "element": name, "at": "1h", "until": "4h"} for name in ("lane", "arc")]
    flow = part(simulate_plant(network, sensors, world(events, hours=6)), sensors, "flow")
    links = [network.link("lane"), network.link("arc")]
    np.testing.assert_allclose(flow[1:4, links], 0.0, atol=1e-7)
    assert (np.abs(flow[[0, 4, 5]][:, links]) > 1e-4).all()


LEAK = {"kind": "leak", "element": "lane", "at": "1h", "flow_m3h": 5.0}


def leak_of(run: PlantRun, number: int = 0) -> dict[str, Any]:
    flow: dict[str, Any] = run.truth["events"][number]["flow"]
    return flow


def test_the_flow_of_a_leak_is_that_asked_for_at_the_pressure_before_it_and_follows_the_orifices_law(tmp_path: Path) -> None:
    network = read_town(tmp_path)
    sensors = every_sensor(network)
    jump = {"kind": "demand", "at": "2h", "factor": 4.0}
    run = simulate_plant(network, sensors, world([LEAK | {"until": "3h"}, jump]))
    flow = np.array(leak_of(run)["means_m3h"])
    pressure = part(run, sensors, "pressure")[:, [network.node("square"), network.node("mill")]].mean(axis=1)
    assert len(flow) == 2
    np.testing.assert_allclose(flow / 5, np.sqrt(pressure[1:3] / pressure[0]), rtol=3e-3)  # the middle is no mean of the ends
    assert 0.97 * 5 < flow[0] < 5.0  # its own pressure falls when it opens
    assert pressure[2] < 0.97 * pressure[1]
    assert leak_of(run)["mean_m3h"] == pytest.approx(flow.mean(), rel=1e-6)


def test_no_leak_flows_before_it_begins_or_after_it_has_ended(tmp_path: Path) -> None:
    network = read_town(tmp_path)
    hidden = hide(network, every_sensor(network), plant_world(world([LEAK | {"until": "3h"}])))
    leak = np.concatenate([piece.leak for piece in run_plant(hidden)])[:, 0]
    assert ((leak > 0) == [False, True, True, False]).all()


@pytest.mark.parametrize("name", ["Net1", "Net3", "L-TOWN"])
def test_what_flows_in_is_consumed_or_stored_or_leaks(name: str) -> None:
    network = tw.read_network(package_network("epyt", name))
    sensors = every_sensor(network)
    events = [{"kind": "leak", "element": "random", "at": "2h", "until": "5h", "flow_m3h": 20}]
    keys = world(events, hours=8, interval="5min", truth={}, seed=3)
    run = simulate_plant(network, sensors, keys)
    links, n_junctions = network.links, network.nodes.n_junctions
    flow = part(run, sensors, "flow")
    # A leak is on a pipe; what flows in is counted at reservoirs and tanks, where no pipe is cut: at its own end.
    into = (links.start >= n_junctions).astype(float) - (links.end >= n_junctions)
    cut = network.link(run.truth["events"][0]["element"])
    assert into[cut] == 0
    leak = (flow * into).sum(axis=1) - part(run, sensors, "demand").sum(axis=1)
    acted = np.zeros(len(run.times), bool)
    acted[24:60] = True
    np.testing.assert_allclose(leak[~acted], 0, atol=1e-5 * np.abs(flow).max())
    hourly = leak[acted].reshape(3, 12).mean(axis=1) * 3600
    np.testing.assert_allclose(hourly, leak_of(run)["means_m3h"], atol=0.05)
    assert leak_of(run)["first_m3h"] == pytest.approx(20, rel=0.05)
    assert run.truth["events"][0]["until"] == "2018-01-01T05:00:00Z"


@pytest.mark.parametrize(("grows", "shares"), [("4h", [0.25, 0.5, 0.75, 1]), ("150min", [0.4, 0.8, 1, 1])])
def test_a_growing_leak_reaches_its_flow_when_it_is_to(grows: str, shares: list[float], tmp_path: Path) -> None:
    network = read_town(tmp_path)
    run = simulate_plant(network, every_sensor(network), world([LEAK | {"grows": grows}], hours=8))
    flow = np.array(leak_of(run)["means_m3h"])
    assert flow[0] == 0
    np.testing.assert_allclose(flow[1:5] / 5, shares, atol=0.02)
    np.testing.assert_allclose(flow[4:], flow[4], rtol=1e-6)


@pytest.mark.parametrize("unit", ["GPM", "LPS"])
@pytest.mark.parametrize("formula", ["H-W", "D-W", "C-M"])
def test_units_and_head_loss_formulas_of_the_file_do_not_matter_to_what_is_asked(
    unit: str, formula: str, tmp_path: Path
) -> None:
    roughness = {"H-W": "100", "D-W": "0.5", "C-M": "0.012"}[formula]
    text = TOWN.replace("  100\n", f"  {roughness}\n").replace("  100  0 ", f"  {roughness}  0 ")
    text = text.replace("Units   LPS", f"Units   {unit}\n Headloss {formula}")
    network = read_town(
        tmp_path, text.replace("500   150", "500   12").replace("1000  300", "1000  24") if unit == "GPM" else text
    )
    event = LEAK | {"element": "main", "flow_m3h": 1.0}
    run = simulate_plant(network, every_sensor(network), world([event]))
    assert leak_of(run)["first_m3h"] == pytest.approx(1.0, rel=0.05)


def test_patterns_fall_on_the_days_of_the_week(tmp_path: Path) -> None:
    days = " ".join(str(day) for day in range(1, 8))
    text = TOWN.replace("[OPTIONS]", f"[PATTERNS]\n week {days}\n[OPTIONS]\n Pattern week")
    network = read_town(tmp_path, text.replace("[TIMES]", "[TIMES]\n Pattern Timestep 24:00"))
    sensors = every_sensor(network)
    # 2018-01-04 is a Thursday.
    late = world(hours=30, start="2018-01-04T22:00:00Z")
    demand = part(simulate_plant(network, sensors, late), sensors, "demand")[:, 0] * 1000 / 5
    np.testing.assert_allclose(demand, [4] * 2 + [5] * 24 + [6] * 4, rtol=1e-9)
    moved = simulate_plant(network, sensors, late | {"pattern_zero": "2018-01-04T00:00:00Z"})
    np.testing.assert_allclose(part(moved, sensors, "demand")[:, 0] * 1000 / 5, [1] * 2 + [2] * 24 + [3] * 4, rtol=1e-9)


def test_an_interval_longer_than_a_pattern_period_reads_the_mean_flow(tmp_path: Path) -> None:
    text = TOWN.replace("[OPTIONS]", "[PATTERNS]\n beat 1 3\n[OPTIONS]\n Pattern beat")
    network = read_town(tmp_path, text.replace("[TIMES]", "[TIMES]\n Pattern Timestep 0:30"))
    sensors = every_sensor(network)
    demand = part(simulate_plant(network, sensors, world()), sensors, "demand")[:, 0]
    np.testing.assert_allclose(demand, 2 * 0.005, rtol=1e-9)


def test_what_epanet_cannot_solve_is_said_in_its_words() -> None:
    network = tw.read_network(package_network("epyt", "anytown-exeter"))
    sensors = every_sensor(network)
    with pytest.raises(InputError, match=r"EPANET could not run the hidden town.*Error 110"):
        simulate_plant(network, sensors, world(hours=24))


def test_stopping_halfway_leaves_no_process_and_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Watched(subprocess.Popen[bytes]):
        def __init__(self, command: Any, **keys: Any) -> None:
            super().__init__(command, **keys)
            started.append(self)

    network = read_town(tmp_path)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    hidden = hide(network, every_sensor(network), plant_world(world(hours=1000)))
    monkeypatch.setattr(subprocess, "Popen", Watched)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    pieces = run_plant(hidden, stop)
    next(pieces)
    assert any(scratch.iterdir())
    with pytest.raises(KeyboardInterrupt):
        next(pieces)
    assert started[0].returncode is not None
    assert list(scratch.iterdir()) == []
