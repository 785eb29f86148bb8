"""Trees and chains: what is folded, and that folded and unfolded equations have one solution."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from networks import Link, make_network, package_network
from tweeling.network.inp.read import read_network
from tweeling.physics.hydraulics.contract import Conditions, Flows, Outcome, Solution, Status, StoppingRule
from tweeling.physics.hydraulics.plan import Plan, make_plan
from tweeling.physics.kernels import cpu
from tweeling.physics.kernels.folding import Folding, fold
from tweeling.physics.kernels.structure import PIPE, link_groups

TIGHT = StoppingRule(accuracy=1e-12)


def folding(plan: Plan) -> Folding:
    return fold(plan, link_groups(plan) == PIPE)


def both(plan: Plan, conditions: Conditions, flows: Flows | None = None) -> tuple[Solution, Solution]:
    """The same members with and without folding."""
    flows = flows or plan.cold_flows(conditions)
    solutions = []
    with pytest.MonkeyPatch.context() as patch:
        for folded in (True, False):
            patch.setattr(cpu, "_parts", lambda plan, outlets, n_members, folded=folded: [(np.arange(n_members), folded)])
            solutions.append(cpu.solve(plan, conditions, flows, TIGHT))
    return solutions[0], solutions[1]


def assert_one_solution(plan: Plan, conditions: Conditions) -> Solution:
    folded, whole = both(plan, conditions)
    assert np.array_equal(folded.outcome, whole.outcome)
    good = whole.outcome <= Outcome.UNSUPPLIED
    # Behind a pressure valve through which nothing flows a dead end without demand is dry or not by rounding.
    fate = np.isnan(folded.head) != np.isnan(whole.head)
    assert not (fate[:, : plan.n_junctions] & (conditions.demand != 0)).any()
    heads = np.where(fate, np.nan, [folded.head, whole.head])
    np.testing.assert_allclose(heads[0, good], heads[1, good], rtol=0, atol=1e-7)
    np.testing.assert_allclose(folded.flows.link[good], whole.flows.link[good], rtol=0, atol=1e-9)
    np.testing.assert_allclose(folded.net_inflow[good], whole.net_inflow[good], rtol=0, atol=1e-9)
    np.testing.assert_allclose(folded.flows.demand[good], whole.flows.demand[good], rtol=0, atol=1e-12)
    return folded


def test_a_tree_a_chain_and_a_loop_are_found() -> None:
    # Reservoir 8 - 0 - 1 - 2 - 3 - 0 is a loop on one node; 1 - 4 - 5 is a tree; 3 - 6 - 7 is one, too.
    pipes = [(8, 0), (0, 1), (1, 2), (2, 3), (3, 0), (1, 4), (4, 5), (3, 6), (6, 7)]
    plan = make_plan(make_network([0.001] * 8, [100.0], [Link(*ends) for ends in pipes]))
    found = folding(plan)
    assert set(found.tree_node.tolist()) == {4, 5, 6, 7}
    order = found.tree_node.tolist()
    assert order.index(5) < order.index(4)
    assert order.index(7) < order.index(6)
    # Of the loop 0 - 1 - 2 - 3 - 0, one more node keeps its equation, so that no chain ends where it begins.
    assert found.folded.sum() == 4 + 2
    assert not found.folded[0]
    assert (found.chain_start != found.chain_end).all()


@pytest.mark.parametrize("name", ["Net3", "L-TOWN", "ky10", "BWSN_Network_1"])
def test_every_folded_junction_hangs_in_one_tree_or_lies_in_one_chain(name: str) -> None:
    plan = make_plan(read_network(package_network("epyt", name)))
    found, links = folding(plan), plan.network.links
    inside = np.delete(found.piece_node, found.piece_first[1:] - 1)
    assert sorted([*found.tree_node, *inside]) == np.flatnonzero(found.folded).tolist()
    taken = np.concatenate([found.tree_link, found.piece_link])
    assert len(set(taken.tolist())) == len(taken)
    # Along a chain, each piece joins the node before it with the node behind it.
    for chain in range(len(found.chain_start)):
        node = found.chain_start[chain]
        for piece in range(found.piece_first[chain], found.piece_first[chain + 1]):
            link, behind = found.piece_link[piece], found.piece_node[piece]
            assert {links.start[link], links.end[link]} == {node, behind}
            node = behind
        assert node == found.chain_end[chain]


def with_closed_pipes(name: str) -> tuple[Plan, Conditions]:
    """More members than lanes, each with other pipes closed, every fifth with none: lanes are used again."""
    plan = make_plan(read_network(package_network("epyt", name)))
    rng, base = np.random.default_rng(1), plan.conditions()
    pipes, status = np.flatnonzero(link_groups(plan) == PIPE), np.repeat(base.status, 40, axis=0)
    for member in range(40):
        status[member, rng.choice(pipes, member % 5)] = Status.CLOSED
    return plan, replace(base, status=status, demand=base.demand * rng.uniform(0.5, 1.5, (40, plan.n_junctions)))


@pytest.mark.parametrize("name", ["Net3", "L-TOWN", "ky10", "BWSN_Network_1", "Hanoi"])
def test_published_networks_with_closed_pipes_have_one_solution(name: str) -> None:
    solution = assert_one_solution(*with_closed_pipes(name))
    assert (solution.outcome == Outcome.UNSUPPLIED).any()


def test_a_member_with_a_leak_in_a_chain_is_solved_beside_one_without() -> None:
    plan = make_plan(read_network(package_network("epyt", "Net3")))
    inside = np.flatnonzero(folding(plan).folded)[:3]
    area = np.zeros((2, plan.n_junctions))
    area[1, inside] = 1e-3
    conditions = replace(plan.conditions(), leak_area=area)
    together = cpu.solve(plan, conditions, plan.cold_flows(conditions), TIGHT)
    assert (together.flows.leak_fixed[1, inside] > 1e-4).all()
    assert (together.flows.leak_fixed[0] == 0).all()
    for member in range(2):
        one = replace(conditions, leak_area=area[[member]])
        alone = cpu.solve(plan, one, plan.cold_flows(one), TIGHT)
        assert np.array_equal(together.head[[member]], alone.head)
        assert np.array_equal(together.flows.leak_fixed[[member]], alone.flows.leak_fixed)


@st.composite
def pipe_networks(draw: st.DrawFn) -> tuple[Plan, Conditions]:
    """Up to 12 junctions and two reservoirs, joined by pipes at random, some of them closed in some members."""
    n = draw(st.integers(1, 12))
    node = st.integers(0, n + 1)
    ends = draw(st.lists(st.tuples(node, node).filter(lambda pair: pair[0] != pair[1]), min_size=1, max_size=2 * n))
    size = st.sampled_from([0.05, 0.1, 0.2, 0.4])
    links = [Link(a, b, diameter=draw(size), length=draw(st.sampled_from([1.0, 50.0, 700.0]))) for a, b in ends]
    demand = draw(st.lists(st.sampled_from([0.0, 0.001, 0.004, -0.001]), min_size=n, max_size=n))
    plan = make_plan(make_network(demand, [80.0, 75.0], links))
    base, members = plan.conditions(), 3
    status = np.repeat(base.status, members, axis=0)
    for member in range(members):
        for link in draw(st.lists(st.integers(0, len(links) - 1), max_size=3)):
            status[member, link] = Status.CLOSED
    return plan, replace(base, status=status)


@settings(deadline=None)
@given(pipe_networks())
def test_random_pipes_have_one_solution(network: tuple[Plan, Conditions]) -> None:
    assert_one_solution(*network)
