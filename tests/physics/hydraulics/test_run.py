"""`tweeling.simulate`: what is kept, and that it depends on nothing but what was asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray

import tweeling as tw
from networks import package_network
from physics.hydraulics.periods import town
from tweeling.errors import InputError, TooLargeError, UnknownElementError
from tweeling.network.inp.read import read_network
from tweeling.network.network import Network
from tweeling.physics.hydraulics import crew, keep
from tweeling.physics.hydraulics.contract import Outcome, Solution
from tweeling.physics.kernels.cpu import solve

BELIEFS = tw.Beliefs(zone_factor_sd=0.1, node_demand_sd=0.2, roughness_sd=0.1)


@pytest.fixture(scope="module")
def net3() -> Network:
    """A network of 97 nodes, with tanks, pumps and controls."""
    return read_network(package_network("epyt", "Net3"))


@pytest.fixture(scope="module")
def run(net3: Network) -> tw.Run:
    """Seven hours of 70 members."""
    return tw.simulate(net3, hours=7, members=70, beliefs=BELIEFS, rng=3)


def test_a_run_has_the_shapes_it_promises(net3: Network, run: tw.Run) -> None:
    assert run.times.tolist() == [3600 * hour for hour in range(8)]
    assert run.head.shape == run.pressure.shape == (70, 8, 97)
    assert run.demand.shape == (70, 8, 92)
    assert run.flow.shape == run.status.shape == (70, 8, 119)
    assert (run.node_ids, run.link_ids) == (net3.nodes.ids, net3.links.ids)
    assert run.status.dtype == np.int8
    assert set(np.unique(run.status)) <= {0, 1, 2}
    np.testing.assert_array_equal(run.pressure, run.head - net3.nodes.elevation)
    assert (run.info.outcome == Outcome.OK).all()
    assert (run.info.steps >= 8).all()


def test_no_hours_are_one_steady_state(net3: Network) -> None:
    now, state = tw.simulate(net3, hours=0), tw.solve(net3)
    assert now.times.tolist() == [0]
    np.testing.assert_array_equal(now.head[0, 0], state.head[0])
    assert now.info.steps.tolist() == [1]
    assert (now.energy.energy == 0).all()


@pytest.mark.parametrize("threads", ["1", "3"])
def test_results_depend_on_no_chunk_and_no_thread(
    threads: str, net3: Network, run: tw.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWEELING_THREADS", threads)
    monkeypatch.setattr(crew, "chunk_size", lambda network: 27)
    again = tw.simulate(net3, hours=7, members=70, beliefs=BELIEFS, rng=3)
    for name, array in run.results.items():
        np.testing.assert_array_equal(again.results[name], array, err_msg=name)
    np.testing.assert_array_equal(again.energy.cost, run.energy.cost)
    np.testing.assert_array_equal(again.info.iterations, run.info.iterations)


def test_more_members_begin_with_the_same_ones(net3: Network, run: tw.Run) -> None:
    few = tw.simulate(net3, hours=7, members=3, beliefs=BELIEFS, rng=3)
    np.testing.assert_array_equal(few.head, run.head[:3])


def test_a_generator_gives_what_its_seed_gives(net3: Network) -> None:
    one, two, other = (tw.simulate(net3, hours=0, members=2, beliefs=BELIEFS, rng=np.random.default_rng(s)) for s in (5, 5, 6))
    np.testing.assert_array_equal(one.head, two.head)
    assert not np.array_equal(one.head, other.head)
    assert one.seed is not None
    again = tw.simulate(net3, hours=0, members=2, beliefs=BELIEFS, rng=one.seed)
    np.testing.assert_array_equal(one.head, again.head)


def test_bands_are_the_quantiles_of_the_members(net3: Network, run: tw.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep, "WINDOW", 70 * 3 * 8 * (97 + 92 + 119))  # three report times at once
    monkeypatch.setattr(crew, "chunk_size", lambda network: 32)
    bands = tw.simulate(net3, hours=7, members=70, beliefs=BELIEFS, rng=3, keep="bands")
    assert bands.levels == (0.05, 0.5, 0.95)
    for name in ("head", "demand", "flow"):
        expected = np.quantile(run.results[name], bands.levels, axis=0)
        np.testing.assert_allclose(bands.results[name], expected, rtol=1e-12, atol=1e-15, err_msg=name)
    np.testing.assert_array_equal(bands.pressure, bands.head - net3.nodes.elevation)
    np.testing.assert_array_equal(bands.energy.energy, run.energy.energy)
    with pytest.raises(InputError, match="not kept 'status'"):
        _ = bands.status


def test_a_band_counts_only_members_that_have_supply() -> None:
    values = np.array([[1.0, np.nan, 1.0], [3.0, np.nan, np.nan], [2.0, np.nan, 2.0]])
    assert keep.quantiles(values, keep.LEVELS)[1].tolist()[::2] == [2.0, 1.5]
    np.testing.assert_allclose(keep.quantiles(values, keep.LEVELS)[:, 0], [1.1, 2.0, 2.9], rtol=1e-12)
    assert np.isnan(keep.quantiles(values, keep.LEVELS)[:, 1]).all()


def test_only_named_elements_are_kept(net3: Network, run: tw.Run) -> None:
    some = tw.simulate(net3, hours=7, members=70, beliefs=BELIEFS, rng=3, keep=["10", "Lake", "1", "335"])
    node = [net3.node(name) for name in some.node_ids]
    link = [net3.link(name) for name in some.link_ids]
    assert set(some.node_ids) == {"10", "Lake", "1"}
    assert set(some.link_ids) == {"10", "335"}, "10 is a node and a link: both"
    np.testing.assert_array_equal(some.head, run.head[:, :, node])
    np.testing.assert_array_equal(some.pressure, run.pressure[:, :, node])
    np.testing.assert_array_equal(some.flow, run.flow[:, :, link])
    np.testing.assert_array_equal(some.demand, run.demand[:, :, [net3.node("10")]])
    with pytest.raises(UnknownElementError, match="nowhere"):
        tw.simulate(net3, hours=1, keep=["nowhere"])


def test_too_much_to_keep_is_refused_with_its_size(net3: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep, "LIMIT", 10**6)
    with pytest.raises(TooLargeError, match=r"0\.0 GiB.*keep='bands'"):
        tw.simulate(net3, hours=24, members=100)
    assert tw.simulate(net3, hours=1, members=100, keep="bands").head.shape == (3, 2, 97)


@pytest.mark.parametrize("window", [keep.WINDOW, 1])
def test_a_file_holds_what_memory_holds(
    window: int, net3: Network, run: tw.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tweeling.physics.hydraulics.netcdf.WINDOW", window)
    monkeypatch.setattr(crew, "chunk_size", lambda network: 27)
    path = tmp_path / "run.nc"
    filed = tw.simulate(net3, hours=7, members=70, beliefs=BELIEFS, rng=3, keep=path)
    assert sorted(tmp_path.iterdir()) == [path]
    with xarray.open_dataset(path) as data:
        for name in ("head", "pressure", "demand", "flow", "status"):
            expected = getattr(run, name)
            np.testing.assert_array_equal(data[name].values, expected.astype(np.int8 if name == "status" else np.float32))
            assert data[name].attrs["units"]
        assert data["head"].dims == ("member", "time", "node")
        assert data["flow"].dims == ("member", "time", "link")
        assert data["demand"].dims == ("member", "time", "junction")
        assert data["node"].values.tolist() == list(net3.nodes.ids)
        assert data["time"].values.tolist() == run.times.tolist()
        assert float(data["head"].sel(node="Lake", member=3, time=3600)) == np.float32(run.head[3, 1, net3.node("Lake")])
        assert data.attrs["seed"] == "3"
        assert len(data.attrs["network_hash"]) == 64
        assert data.attrs["source"].startswith("tweeling ")
    with pytest.raises(InputError, match=r"run\.nc"):
        _ = filed.head


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, RuntimeError])
def test_a_run_that_is_broken_off_leaves_no_file(trouble: type[BaseException], net3: Network, tmp_path: Path) -> None:
    def broken(*asked: Any) -> Solution:
        broken.calls += 1  # type: ignore[attr-defined]
        if broken.calls > 3:  # type: ignore[attr-defined]
            raise trouble
        return solve(*asked)

    broken.calls = 0  # type: ignore[attr-defined]
    path = tmp_path / "run.nc"
    path.write_text("what was there before")
    with pytest.raises(trouble):
        tw.simulate(net3, hours=24, members=5, keep=path, engine=broken)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["what was there before"]


def test_progress_ends_at_the_whole(net3: Network) -> None:
    told: list[tuple[int, int]] = []
    tw.simulate(net3, hours=5, members=70, progress=lambda done, total: told.append((done, total)))
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert told[-1] == (70 * 6, 70 * 6)


def test_demands_replace_the_files_and_follow_its_pattern(tmp_path: Path) -> None:
    network = read_network(town(tmp_path, DEMANDS="J2 8 DAY\nJ2 1", OPTIONS="Units LPS\nDemand Multiplier 2"))
    demand = np.array([[0, 1e-3, 2e-3, 0], [0, 3e-3, 0, 1e-3]])
    run = tw.simulate(network, hours=6, demand=demand)
    day = np.array([0.5, 0.5, 0.8, 0.8, 1.4, 1.4, 1.6])
    assert run.demand.shape[0] == 2
    np.testing.assert_allclose(run.demand[:, :, 1], demand[:, 1:2] * day, rtol=1e-12)
    np.testing.assert_allclose(run.demand[1, :, 3], 1e-3 * day, rtol=1e-12)
    np.testing.assert_allclose(run.demand[:, :, 2], demand[:, 2:3] + 0 * day, rtol=1e-12)


def test_inputs_are_those_of_each_member(tmp_path: Path) -> None:
    network = read_network(town(tmp_path))
    link, tank = network.links.index, network.node("T")
    level = np.array([[1.0], [2.0], [5.0]])
    run = tw.simulate(network, hours=2, level=level)
    np.testing.assert_allclose(run.head[:, 0, tank] - 40, level[:, 0])
    status = np.ones((3, 6))
    status[1, link["P3"]], status[2, link["PU"]] = 0, 0
    run = tw.simulate(network, hours=2, status=status)
    assert run.status[:, 0, link["P3"]].tolist() == [1, 0, 1]
    assert run.status[:, 0, link["PU"]].tolist() == [1, 1, 0]
    assert (run.flow[2, :, link["PU"]] == 0).all()
    leak = np.zeros((2, 4))
    leak[1, 2] = 1e-4
    run = tw.simulate(network, hours=2, leak_area=leak)
    pressure = run.pressure[1, :, 2]
    np.testing.assert_allclose(run.leak[1, :, 2], 0.75 * 1e-4 * np.sqrt(2 * 9.80665 * pressure), rtol=1e-6)
    assert (run.leak[0] == 0).all()
    rough = np.tile(network.links.roughness, (2, 1))
    rough[1] *= 0.5
    run = tw.simulate(network, hours=0, roughness=rough)
    assert run.pressure[1, 0, 0] > run.pressure[0, 0, 0] + 1
    speed = np.tile(network.links.setting, (2, 1))
    speed[1, link["PU"]] = 0.8
    run = tw.simulate(network, hours=0, setting=speed)
    assert 0 < run.flow[1, 0, link["PU"]] < run.flow[0, 0, link["PU"]]


@pytest.mark.parametrize(
    ("asked", "match"),
    [
        ({"demand": [1.0, 2.0]}, r"demand has shape \(2,\); it must be \(member, 4\) or \(4,\)"),
        ({"demand": np.zeros((3, 4)), "members": 5}, "demand has 3 rows, but there are 5 members"),
        ({"demand": [np.nan] * 4}, "not finite"),
        ({"level": [-1.0]}, "negative"),
        ({"status": [3] * 6}, "status holds other numbers"),
        ({"members": 0}, "at least one"),
        ({"hours": -1}, "hours"),
        ({"hours": float("nan")}, "hours"),
        ({"keep": "everything"}, "keep is 'everything'"),
        ({"quantities": ["heat"]}, "there is no quantity 'heat'"),
        ({"beliefs": {"node_sd": 0.1}}, "there is no belief 'node_sd'"),
        ({"beliefs": {"node_demand_sd": -0.1}}, "node_demand_sd"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(asked: dict[str, Any], match: str, tmp_path: Path) -> None:
    network = read_network(town(tmp_path))
    with pytest.raises(InputError, match=match):
        tw.simulate(network, **{"hours": 1, **asked})


def test_the_worst_outcome_is_named_with_its_element_and_time(tmp_path: Path) -> None:
    network = read_network(town(tmp_path, CONTROLS="LINK P5 CLOSED AT TIME 1:30"))
    run = tw.simulate(network, hours=3, members=2)
    assert run.info.outcome.tolist() == [Outcome.UNSUPPLIED] * 2
    assert run.info.culprit == ("J4", "J4")
    assert run.info.time.tolist() == [5400, 5400]
    j4 = network.node("J4")
    assert np.isnan(run.head[0, :, j4]).tolist() == [False, False, True, True]
    assert run.demand[0, :, j4].tolist()[2:] == [0, 0]


def test_the_number_of_threads_must_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWEELING_THREADS", "many")
    with pytest.raises(InputError, match="TWEELING_THREADS is 'many'"):
        crew.thread_count()


@pytest.mark.parametrize(
    ("members", "threads", "sizes"),
    [
        (100, "2", [100]),  # not enough to do for two
        (1001, "2", [500, 501]),
        (1001, "3", [333, 334, 334]),
        (20_000, "2", [5000] * 4),  # 9,600 at most
        (1, "64", [1]),
    ],
)
def test_members_are_shared_out_evenly_to_threads_that_have_enough_to_do(
    members: int, threads: str, sizes: list[int], net3: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWEELING_THREADS", threads)
    chunks = crew.chunks_of(net3, members)
    assert [len(chunk) for chunk in chunks] == sizes
    assert [member for chunk in chunks for member in chunk] == list(range(members))
