"""`tw.solve` as its user sees it."""

from __future__ import annotations

import numpy as np
import pytest

import tweeling as tw
from networks import Link, make_network, package_network
from tweeling.errors import InputError
from tweeling.network.network import LinkKind, LinkStatus


@pytest.fixture(scope="module")
def town() -> tw.Network:
    return tw.read_network(package_network("epyt", "L-TOWN"))


def test_without_inputs_the_files_state_at_time_0_is_solved(town: tw.Network) -> None:
    state = tw.solve(town)
    assert state.head.shape == (1, 785)
    assert state.demand.shape == (1, 782)
    assert state.info.status.tolist() == ["ok"]
    assert state.info.culprit == ("",)
    np.testing.assert_array_equal(state.pressure, state.head - town.nodes.elevation)


def test_members_share_what_has_one_row_and_differ_in_the_rest(town: tw.Network) -> None:
    base = tw.solve(town)
    demand = base.demand * np.array([[1.0], [1.2]])
    both = tw.solve(town, demand=demand)
    np.testing.assert_array_equal(both.head[0], base.head[0])
    assert both.flow[1, town.link("p227")] > both.flow[0, town.link("p227")]


def test_an_array_may_be_written_into_between_two_solves(town: tw.Network) -> None:
    roughness, leak_area = town.links.roughness[None].copy(), np.full((1, town.nodes.n_junctions), 1e-5)
    before = tw.solve(town, roughness=roughness, leak_area=leak_area)
    roughness *= 0.7
    leak_area *= 2
    after = tw.solve(town, roughness=roughness, leak_area=leak_area)
    fresh = tw.solve(town, roughness=roughness.copy(), leak_area=leak_area.copy())
    np.testing.assert_array_equal(after.head, fresh.head)
    assert np.abs(after.head - before.head).max() > 0.1


def test_results_do_not_depend_on_threads(town: tw.Network, monkeypatch: pytest.MonkeyPatch) -> None:
    demand = tw.solve(town).demand * np.random.default_rng(1).uniform(0.5, 1.5, (200, 1))
    monkeypatch.setenv("TWEELING_THREADS", "1")
    alone = tw.solve(town, demand=demand)
    monkeypatch.setenv("TWEELING_THREADS", "3")
    shared = tw.solve(town, demand=demand)
    np.testing.assert_array_equal(alone.head, shared.head)
    np.testing.assert_array_equal(alone.flow, shared.flow)


def test_a_start_changes_the_way_and_not_the_end(town: tw.Network) -> None:
    cold = tw.solve(town, accuracy=1e-10)
    warm = tw.solve(town, start=cold, accuracy=1e-10)
    assert warm.info.iterations[0] < cold.info.iterations[0]
    np.testing.assert_allclose(warm.head, cold.head, atol=1e-9)


def test_a_zone_behind_a_closed_pipe_is_named_and_has_no_head() -> None:
    network = make_network([0.01, 0.02], [50.0], [Link(2, 0), Link(0, 1, status=LinkStatus.CLOSED)])
    state = tw.solve(network)
    assert state.info.status.tolist() == ["unsupplied"]
    assert state.info.culprit == (network.nodes.ids[1],)
    assert np.isnan(state.head[0, 1])
    assert state.demand[0].tolist() == [0.01, 0.0]
    assert state.flow[0, 0] == pytest.approx(0.01, abs=1e-12)
    assert state.flow[0, 1] == 0.0


def test_a_status_given_closes_a_pipe_for_one_member_only() -> None:
    network = make_network([0.01, 0.02], [50.0], [Link(2, 0), Link(0, 1), Link(2, 1, kind=LinkKind.PIPE)])
    state = tw.solve(network, status=[[1, 1, 1], [1, 0, 1]])
    assert state.status.tolist() == [[1, 1, 1], [1, 0, 1]]
    assert state.flow[1].tolist() == pytest.approx([0.01, 0.0, 0.02])
    assert abs(state.flow[0, 1]) > 1e-6


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"demand": [1.0, 2.0, 3.0]}, r"demand has shape \(3,\); it must be \(member, 2\)"),
        ({"demand": [np.nan, 0.0]}, "demand holds numbers that are not finite"),
        ({"leak_growth": "much"}, "leak_growth is no table of numbers"),
        ({"pipe_leak_area": [[0.0], [0.0, 1.0]]}, "pipe_leak_area is no table of numbers"),
        ({"accuracy": 5.0}, "accuracy is 5.0; it must lie between 0 and 1"),
        ({"status": [7]}, "status holds other numbers"),
        ({"leak_area": [-1.0, 0.0]}, "leak_area holds negative numbers"),
    ],
)
def test_impossible_inputs_say_what_is_wrong(inputs: dict[str, object], words: str) -> None:
    network = make_network([0.01, 0.02], [50.0], [Link(2, 0)])
    with pytest.raises(InputError, match=words):
        tw.solve(network, **inputs)  # type: ignore[arg-type]


def test_a_start_of_another_network_is_refused(town: tw.Network) -> None:
    network = make_network([0.01], [50.0], [Link(1, 0)])
    with pytest.raises(InputError, match="start has 1 members and 1 links"):
        tw.solve(town, start=tw.solve(network))
