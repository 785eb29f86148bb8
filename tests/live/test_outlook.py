"""The outlook: bands of the next day, made from the state alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from networks import package_network
from tweeling.live.advance import Twin, TwinState
from tweeling.live.bands import READING, read_bands
from tweeling.live.outlook import Strides, in_strides, look_ahead, pack_outlook
from tweeling.live.steps import make_steps
from tweeling.observation.sensors import Sensor
from tweeling.reading import SECOND
from twins import NET3, batches_of, before, hidden_town, make_folder, taken, twin_of

HOUR = 3600 * SECOND


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Twin:
    return twin_of(
        tmp_path_factory.mktemp("twin"),
        "Net3",
        NET3,
        ensemble={"members": 40},
        forecast={"horizon": "12h", "step": "1h"},
        output={"limits.pressure": 30.0},
    )


@pytest.fixture(scope="module")
def state(twin: Twin) -> TwinState:
    cycles = batches_of(twin, hidden_town(twin.network, twin, 12))
    return taken(twin, before(twin, cycles), cycles)[0]


def test_it_reaches_as_far_as_is_asked_in_whole_steps_after_the_state(twin: Twin, state: TwinState) -> None:
    outlook = look_ahead(twin, state)
    assert outlook.made == state.end
    assert outlook.times.tolist() == [state.end + hour * HOUR for hour in range(1, 13)]
    assert outlook.expected.shape == (12, 3, len(NET3))
    assert len(outlook.estimates) == 12


def test_it_changes_nothing_and_is_the_same_again(twin: Twin, state: TwinState) -> None:
    mean, volume = state.belief.mean.copy(), state.track.period.volume.copy()
    first, again = look_ahead(twin, state), look_ahead(twin, state)
    np.testing.assert_array_equal(first.expected, again.expected)
    np.testing.assert_array_equal(state.belief.mean, mean)
    np.testing.assert_array_equal(state.track.period.volume, volume)


def test_readings_that_come_lie_in_its_bands_about_as_often_as_they_say(twin: Twin) -> None:
    inside = count = 0
    for seed in (3, 4):
        cycles = batches_of(twin, hidden_town(twin.network, twin, 36, seed=seed))
        state, _ = taken(twin, before(twin, cycles), cycles[:24])
        outlook = look_ahead(twin, state)
        came = np.concatenate([batch.seen for batch in cycles[24:36]])
        low, high = outlook.expected[:, 1], outlook.expected[:, 2]
        known = np.isfinite(came)
        inside += int(((came >= low) & (came <= high))[known].sum())
        count += int(known.sum())
    # 240 readings that hang together: far fewer independent ones, and tanks that drift with the level of demand
    assert inside / count > 0.7


def test_what_is_far_ahead_is_less_sure(twin: Twin, state: TwinState) -> None:
    belief = look_ahead(twin, state)
    pressure = np.array([step["pressure"][2] - step["pressure"][1] for step in belief.estimates])
    junctions = twin.network.nodes.n_junctions
    assert np.median(pressure[-1, :junctions]) > np.median(pressure[0, :junctions])


def test_the_chance_of_a_broken_limit_is_the_share_of_members_below_it(twin: Twin, state: TwinState) -> None:
    for step in look_ahead(twin, state).estimates:
        _median, low, high, broken = step["pressure"]
        drinks = np.arange(len(broken)) < twin.network.nodes.n_junctions
        assert np.isnan(broken[~drinks]).all()
        assert (broken[drinks & (low > 30.0)] <= 0.05).all()
        assert (broken[drinks & (high < 30.0)] >= 0.95).all()
        assert ((broken[drinks] >= 0) & (broken[drinks] <= 1)).all()


def test_a_town_without_tanks_has_no_memory_so_long_strides_say_what_short_ones_do(tmp_path: Path) -> None:
    hung = (Sensor("pressure:13", "pressure", "13", "m", 0.05), Sensor("flow:1", "flow", "1", "m3/h", 1.0))
    said = []
    for step in ("1h", "3h"):
        twin = twin_of(
            tmp_path / step,
            "Hanoi",
            hung,
            beliefs={"demand_noise_sd": 0.0},
            forecast={"horizon": "6h", "step": step},
        )
        cycles = batches_of(twin, hidden_town(twin.network, twin, 6))
        said.append(look_ahead(twin, taken(twin, before(twin, cycles), cycles)[0]))
    hourly, rare = said
    same = np.isin(hourly.times, rare.times)
    assert same.sum() == len(rare.times) == 2
    np.testing.assert_allclose(hourly.expected[same], rare.expected, rtol=1e-6, atol=1e-6)


def test_it_packs_into_the_columns_of_estimates(twin: Twin, state: TwinState) -> None:
    outlook = look_ahead(twin, state)
    table = read_bands(pack_outlook(twin, outlook)).to_pandas()
    rows = table[table["quantity"] == READING]
    assert len(rows) == 12 * len(NET3)
    assert set(table["quantity"]) == {READING, "pressure", "flow"}
    last = table[(table["quantity"] == "flow") & (table["time"] == table["time"].max())]
    np.testing.assert_allclose(last["median"], outlook.estimates[-1]["flow"][0], rtol=1e-6)


def test_strides_skip_patterns_of_demand_and_keep_those_of_reservoirs(twin: Twin) -> None:
    network = twin.network
    slow = in_strides(twin.model, 7200)
    assert isinstance(slow.free.clock, Strides)
    assert slow.free.clock.period(np.array([7200])) == twin.model.free.clock.period(np.array([7200]))
    driven = replace(network, reservoirs=replace(network.reservoirs, pattern=np.zeros_like(network.reservoirs.pattern)))
    free = replace(twin.model.free, plan=replace(twin.model.free.plan, network=driven))
    assert in_strides(replace(twin.model, free=free), 7200).free is free


def test_without_a_horizon_there_is_none(tmp_path: Path) -> None:
    config = make_folder(tmp_path, package_network("epyt", "Net3"), NET3, forecast={"horizon": "0s"})
    assert make_steps(config).look_ahead is None
