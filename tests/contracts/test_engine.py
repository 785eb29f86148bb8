"""What every hydraulic engine promises (`physics/hydraulics/contract.py`): one battery, run against each of `engines.MODULES`.

The tiny networks with closed solutions in `tests/cases` belong to it.
"""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.engines import FOUND, engine_named, every_engine
from networks import Link, make_network, package_network
from tweeling.network.inp.read import read_network
from tweeling.network.network import LinkKind, LinkStatus, Network, Options
from tweeling.physics.hydraulics import balance
from tweeling.physics.hydraulics.contract import Conditions, Engine, Flows, Outcome, Solution, Status, StoppingRule
from tweeling.physics.hydraulics.plan import Plan, make_plan

CASES = Path(__file__).parents[1] / "cases"
TIGHT = StoppingRule(accuracy=1e-12)
OWN = StoppingRule()


def varied(plan: Plan, n_members: int, seed: int = 1) -> Conditions:
    """Members that differ in demand, roughness and in which of their pipes are closed."""
    rng, base = np.random.default_rng(seed), plan.conditions()
    status = np.repeat(base.status, n_members, axis=0)
    pipes = np.flatnonzero(plan.network.links.kind <= LinkKind.PIPE)
    for member in range(1, n_members):
        status[member, rng.choice(pipes, size=member % 3)] = Status.CLOSED
    return replace(
        base,
        demand=base.demand * rng.uniform(0.5, 1.5, (n_members, plan.n_junctions)),
        roughness=base.roughness * rng.uniform(0.8, 1.2, (n_members, plan.n_links)),
        status=status,
    )


def solve_cold(solve: Engine, plan: Plan, conditions: Conditions, rule: StoppingRule = OWN) -> Solution:
    return solve(plan, conditions, plan.cold_flows(conditions), rule)


def rows(conditions: Any, members: npt.ArrayLike) -> Any:
    """Some members of conditions or flows; arrays of one row are everybody's."""
    picked = {f.name: getattr(conditions, f.name) for f in fields(conditions)}
    return replace(conditions, **{name: a if len(a) == 1 else a[members] for name, a in picked.items()})


def arrays(solution: Solution) -> dict[str, npt.NDArray[Any]]:
    """Every array of a solution by name."""
    named = {f.name: getattr(solution, f.name) for f in fields(solution) if f.name != "flows"}
    return named | {f"flows.{f.name}": getattr(solution.flows, f.name) for f in fields(Flows)}


def assert_identical(one: Solution, other: Solution, members: npt.ArrayLike = slice(None)) -> None:
    """Bit for bit, NaN being equal to NaN; `one` has those members that are picked from `other`."""
    theirs = arrays(other)
    for name, array in arrays(one).items():
        assert np.array_equal(array, theirs[name][members], equal_nan=array.dtype.kind == "f"), name


def published(name: str) -> Plan:
    return make_plan(read_network(package_network("epyt", name)))


# ------------------------------------------------------------------------------------------------- equivalence, bit for bit


@every_engine
@pytest.mark.parametrize("name", ["Net3", "BWSN_Network_1", "Anytown"])
def test_a_member_alone_is_the_same_bit_for_bit_as_among_any_neighbours(name: str, solve: Engine) -> None:
    plan = published(name)
    conditions = varied(plan, 21)
    together = solve_cold(solve, plan, conditions)
    for member in (0, 7, 20):
        assert_identical(solve_cold(solve, plan, rows(conditions, [member])), together, [member])
    shuffled = np.random.default_rng(2).permutation(21)[:13]
    assert_identical(solve_cold(solve, plan, rows(conditions, shuffled)), together, shuffled)


@every_engine
def test_a_solve_repeated_is_the_same_bit_for_bit(solve: Engine) -> None:
    plan = published("Net3")
    conditions = varied(plan, 5)
    assert_identical(solve_cold(solve, plan, conditions), solve_cold(solve, plan, conditions))


@every_engine
def test_a_solve_changes_nothing_that_it_is_given(solve: Engine) -> None:
    plan = published("Net3")
    conditions = varied(plan, 3)
    flows = plan.cold_flows(conditions)
    before = [array.copy() for thing in (conditions, flows) for array in vars(thing).values()]
    solve(plan, conditions, flows, OWN)
    after = [array for thing in (conditions, flows) for array in vars(thing).values()]
    assert all(np.array_equal(one, other, equal_nan=True) for one, other in zip(before, after, strict=True))


@pytest.mark.filterwarnings("ignore:Matrix is exactly singular")  # of the member that fails
@every_engine
def test_a_member_that_fails_never_spoils_its_neighbours(solve: Engine) -> None:
    plan = published("Net3")
    conditions = varied(plan, 9)
    healthy = solve_cold(solve, plan, conditions)
    sick = {name: np.repeat(a, 9, axis=0) if len(a) == 1 else a.copy() for name, a in vars(conditions).items()}
    sick["demand"][4] = np.nan
    sick["demand"][6] = 1e30
    sick["roughness"][2] = 0.0
    together = solve_cold(solve, plan, Conditions(**sick))
    others = [0, 1, 3, 5, 7, 8]
    assert_identical(solve_cold(solve, plan, rows(conditions, others)), together, others)
    assert_identical(solve_cold(solve, plan, rows(conditions, others)), healthy, others)
    assert Outcome(together.outcome[4]) not in (Outcome.OK, Outcome.UNSUPPLIED)


# ----------------------------------------------------------------------------------------------------- equivalence, numeric


def renumbered(network: Network, seed: int) -> tuple[Network, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The same network with its junctions and links in another order; new[i] is old[order[i]]."""
    rng = np.random.default_rng(seed)
    n = network.nodes.n_junctions
    nodes = np.concatenate([rng.permutation(n), np.arange(n, len(network.nodes))])
    links = rng.permutation(len(network.links))
    new_node, new_link = np.argsort(nodes), np.argsort(links)

    def by(table: Any, order: npt.NDArray[np.int64]) -> dict[str, Any]:
        arrays = {f.name: getattr(table, f.name) for f in fields(table)}
        return {name: a[order] for name, a in arrays.items() if isinstance(a, np.ndarray) and len(a) == len(order)}

    old = network.links
    swapped = by(old, links)
    swapped["start"], swapped["end"] = new_node[swapped["start"]], new_node[swapped["end"]]
    return (
        replace(
            network,
            nodes=replace(
                network.nodes,
                **by(network.nodes, nodes),
                ids=tuple(network.nodes.ids[i] for i in nodes),
                emitter=network.nodes.emitter[nodes[:n]],
                tag={},
                comment={},
            ),
            demands=replace(network.demands, junction=new_node[network.demands.junction], name={}),
            links=replace(old, **swapped, ids=tuple(old.ids[i] for i in links), vertices={}, tag={}, comment={}),
            pumps=replace(network.pumps, link=new_link[network.pumps.link]),
            controls=(),
            rules=(),
        ),
        nodes,
        links,
    )


@every_engine
@pytest.mark.parametrize("name", ["Net3", "BWSN_Network_1", "Anytown", "foss_poly_1", "Hanoi"])
def test_the_order_of_nodes_and_links_does_not_matter(name: str, solve: Engine) -> None:
    network = replace(read_network(package_network("epyt", name)), controls=(), rules=())
    other, nodes, links = renumbered(network, seed=3)
    ours, theirs = (solve_cold(solve, plan, plan.conditions(), TIGHT) for plan in map(make_plan, (network, other)))
    np.testing.assert_allclose(theirs.head, ours.head[:, nodes], rtol=0, atol=1e-9)
    np.testing.assert_allclose(theirs.flows.link, ours.flows.link[:, links], rtol=0, atol=1e-9)


@pytest.mark.skipif(len(FOUND) < 2, reason="only one engine is there")
@pytest.mark.parametrize("name", ["Net3", "BWSN_Network_1", "Anytown", "Balerma", "foss_poly_1"])
def test_all_engines_give_the_same_answers(name: str) -> None:
    plan = published(name)
    conditions = varied(plan, 6)
    first, *others = (solve_cold(engine_named(found), plan, conditions, TIGHT) for found in FOUND)
    for other in others:
        assert np.array_equal(first.outcome, other.outcome)
        assert np.array_equal(first.status, other.status)
        np.testing.assert_allclose(other.head, first.head, rtol=0, atol=1e-9)
        np.testing.assert_allclose(other.flows.link, first.flows.link, rtol=0, atol=1e-9)


# --------------------------------------------------------------------------------------------------- conservation, supply

PIPE_ROUGHNESS = {"HW": 100.0, "DW": 1e-3, "CM": 0.012}


@st.composite
def systems(draw: Any) -> Network:
    """A random network of pipes: a tree from a reservoir, more links on top, some closed, check valves, a second reservoir."""
    n = draw(st.integers(1, 9))
    formula = draw(st.sampled_from(sorted(PIPE_ROUGHNESS)))
    demand = draw(st.lists(st.sampled_from([0.0, 0.001, 0.02, -0.01]) | st.floats(0, 0.05), min_size=n, max_size=n))
    reservoirs = draw(st.lists(st.floats(10, 80), min_size=1, max_size=2))
    tree = [(n if i == 0 else draw(st.integers(0, i - 1)), i) for i in range(n)]
    node = st.integers(0, n + len(reservoirs) - 1)
    more = draw(st.lists(st.tuples(node, node).filter(lambda ends: ends[0] != ends[1] and min(ends) < n), max_size=5))
    links = [
        Link(
            *ends,
            kind=draw(st.sampled_from([LinkKind.PIPE, LinkKind.PIPE, LinkKind.PIPE, LinkKind.CHECK_VALVE_PIPE])),
            status=draw(st.sampled_from([LinkStatus.OPEN] * 4 + [LinkStatus.CLOSED])),
            length=draw(st.floats(1, 2000)),
            diameter=draw(st.floats(0.05, 0.8)),
            roughness=PIPE_ROUGHNESS[formula] * draw(st.floats(0.7, 1.4)),
            minor_loss=draw(st.sampled_from([0.0, 0.0, 3.0])),
        )
        for ends in tree + more
    ]
    # A check valve that a file closes is just a closed pipe to EPANET; here it stays what it is.
    links = [replace(link, status=LinkStatus.OPEN) if link.kind == LinkKind.CHECK_VALVE_PIPE else link for link in links]
    if any(link.kind == LinkKind.CHECK_VALVE_PIPE for link in links):
        demand = np.maximum(demand, 0.0)  # water let in behind a check valve has nowhere to go: there is no solution
    return make_network(demand, reservoirs, links, options=Options(headloss=formula))


@every_engine
@settings(max_examples=40)
@given(network=systems(), factors=st.lists(st.floats(0, 2), min_size=3, max_size=3))
def test_mass_and_energy_are_kept_wherever_there_is_supply(solve: Engine, network: Network, factors: list[float]) -> None:
    plan = make_plan(network)
    base = plan.conditions()
    conditions = replace(base, demand=base.demand * np.array(factors)[:, None])
    solution = solve_cold(solve, plan, conditions, StoppingRule(head=1e-8))
    assert set(solution.outcome) <= {Outcome.OK, Outcome.UNSUPPLIED}
    left = balance.residuals(plan, conditions, solution)
    assert left.mass.max() <= 1e-8
    assert left.energy.max() <= 1e-6
    assert left.leaking.max() == 0
    check_valves = network.links.kind == LinkKind.CHECK_VALVE_PIPE
    assert solution.flows.link[:, check_valves].min(initial=0) >= -plan.constants.flow_tolerance
    assert_supply_is_told(plan, conditions, solution)


def assert_supply_is_told(plan: Plan, conditions: Conditions, solution: Solution) -> None:
    """NaN exactly where no open link leads to a source, and the outcome and culprit say so."""
    links = plan.network.links
    for member in range(len(solution.head)):
        wet = set(range(plan.n_junctions, plan.n_nodes))
        open_links = np.flatnonzero(solution.status[member] > Status.CLOSED)
        while True:
            reached = {
                int(end)
                for link in open_links
                for end, other in ((links.start[link], links.end[link]), (links.end[link], links.start[link]))
                if int(other) in wet
            }
            if reached <= wet:
                break
            wet |= reached
        dry = [node for node in range(plan.n_nodes) if node not in wet]
        assert sorted(np.flatnonzero(np.isnan(solution.head[member]))) == dry
        assert solution.outcome[member] == (Outcome.UNSUPPLIED if dry else Outcome.OK)
        assert solution.culprit[member] in (dry or [-1])
        touched = np.isin(links.start, dry) | np.isin(links.end, dry)
        assert np.all(solution.flows.link[member, touched] == 0)


@every_engine
def test_a_zone_behind_a_closed_valve_is_named_and_the_rest_goes_on(solve: Engine) -> None:
    network = make_network([0.01, 0.0, 0.02], [50.0], [Link(3, 0), Link(0, 1), Link(1, 2)])
    plan = make_plan(network)
    conditions = plan.conditions()
    status = np.repeat(conditions.status, 2, axis=0)
    status[1, 1] = Status.CLOSED
    solution = solve_cold(solve, plan, replace(conditions, status=status))
    assert list(solution.outcome) == [Outcome.OK, Outcome.UNSUPPLIED]
    assert network.nodes.ids[solution.culprit[1]] == "J2"  # the one with a demand
    assert np.isnan(solution.head[1]).tolist() == [False, True, True, False]
    assert solution.flows.demand[1].tolist() == [0.01, 0.0, 0.0]
    assert solution.flows.link[1, 0] == pytest.approx(0.01, abs=1e-12)
    assert solution.net_inflow[1, 0] == pytest.approx(-0.01, abs=1e-12)


@every_engine
def test_a_network_whose_sources_are_all_shut_off_is_dry(solve: Engine) -> None:
    plan = make_plan(make_network([0.01, 0.02], [50.0], [Link(2, 0, status=LinkStatus.CLOSED), Link(0, 1)]))
    solution = solve_cold(solve, plan, plan.conditions())
    assert Outcome(solution.outcome[0]) == Outcome.UNSUPPLIED
    assert np.isnan(solution.head[0, :2]).all()
    assert not solution.flows.link.any()


# ------------------------------------------------------------------------------------------------------- shapes of trouble


@every_engine
def test_a_chain_of_sixteen_thousand_pipes_is_solved(solve: Engine) -> None:
    n = 16_000
    links = [Link(n if i == 0 else i - 1, i, length=10.0, diameter=1.0) for i in range(n)]
    plan = make_plan(make_network([1e-5] * n, [100.0], links))
    conditions = plan.conditions()
    solution = solve_cold(solve, plan, conditions)
    assert Outcome(solution.outcome[0]) == Outcome.OK
    np.testing.assert_allclose(solution.flows.link[0], 1e-5 * np.arange(n, 0, -1), rtol=0, atol=1e-8)
    assert balance.residuals(plan, conditions, solution).energy[0] < 1e-6


@every_engine
def test_a_pipe_without_length_joins_its_ends(solve: Engine) -> None:
    plan = make_plan(make_network([0.01, 0.01], [50.0], [Link(2, 0), Link(0, 1, length=0.0)]))
    solution = solve_cold(solve, plan, plan.conditions())
    assert Outcome(solution.outcome[0]) == Outcome.OK
    assert solution.flows.link[0] == pytest.approx([0.02, 0.01], abs=1e-9)
    assert solution.head[0, 0] == pytest.approx(solution.head[0, 1], abs=1e-5)


@every_engine
def test_a_network_at_rest_is_solved(solve: Engine) -> None:
    plan = make_plan(make_network([0.0, 0.0], [50.0], [Link(2, 0), Link(0, 1), Link(2, 1)]))
    solution = solve_cold(solve, plan, plan.conditions())
    assert Outcome(solution.outcome[0]) == Outcome.OK
    np.testing.assert_allclose(solution.head[0], 50.0, atol=1e-6)
    np.testing.assert_allclose(solution.flows.link[0], 0.0, atol=1e-5)


@every_engine
def test_a_network_without_junctions_is_solved(solve: Engine) -> None:
    plan = make_plan(make_network([], [50.0, 40.0], [Link(0, 1)]))
    conditions = plan.conditions()
    solution = solve_cold(solve, plan, conditions)
    assert Outcome(solution.outcome[0]) == Outcome.OK
    assert balance.residuals(plan, conditions, solution).energy[0] < 1e-6
    assert solution.net_inflow[0].sum() == pytest.approx(0.0, abs=1e-12)


@every_engine
def test_one_junction_without_links_is_unsupplied(solve: Engine) -> None:
    plan = make_plan(make_network([0.01], [50.0], []))
    solution = solve_cold(solve, plan, plan.conditions())
    assert Outcome(solution.outcome[0]) == Outcome.UNSUPPLIED
    assert np.isnan(solution.head[0, 0])
    assert solution.head[0, 1] == 50.0
    assert solution.flows.link.shape == (1, 0)
    assert solution.net_inflow[0].tolist() == [0.0]


@every_engine
def test_a_part_that_no_link_joins_to_a_source_is_unsupplied(solve: Engine) -> None:
    plan = make_plan(make_network([0.01, 0.01, 0.01], [50.0], [Link(3, 0), Link(1, 2)]))
    solution = solve_cold(solve, plan, plan.conditions())
    assert Outcome(solution.outcome[0]) == Outcome.UNSUPPLIED
    assert np.isnan(solution.head[0]).tolist() == [False, True, True, False]
    assert solution.flows.link[0] == pytest.approx([0.01, 0.0], abs=1e-12)


@every_engine
def test_one_junction_at_a_reservoir_gets_its_demand(solve: Engine) -> None:
    plan = make_plan(make_network([0.01], [50.0], [Link(1, 0)]))
    solution = solve_cold(solve, plan, plan.conditions())
    assert Outcome(solution.outcome[0]) == Outcome.OK
    assert solution.flows.link[0, 0] == pytest.approx(0.01, abs=1e-12)


@every_engine
def test_demand_behind_a_pump_that_is_off_is_unsupplied(solve: Engine) -> None:
    curve = ([0.0, 0.02, 0.04], [60.0, 50.0, 20.0])
    pump = Link(2, 0, kind=LinkKind.PUMP, status=LinkStatus.CLOSED, setting=0.0, curve=0, diameter=0.0, length=0.0)
    plan = make_plan(make_network([0.0, 0.01], [0.0], [pump, Link(0, 1)], curves=[curve]))
    off = plan.conditions()
    on = replace(off, status=np.array([[Status.OPEN, Status.OPEN]], dtype=np.int8), setting=np.array([[1.0, np.nan]]))
    assert Outcome(solve_cold(solve, plan, off).outcome[0]) == Outcome.UNSUPPLIED
    running = solve_cold(solve, plan, on)
    assert Outcome(running.outcome[0]) == Outcome.OK
    assert running.head[0, 0] == pytest.approx(60 - 10 * 0.25, abs=1e-6)  # 60 - 10 (q / 0.02)^2, through all three points


@every_engine
@pytest.mark.parametrize("kind", [LinkKind.PRV, LinkKind.PSV, LinkKind.FCV, LinkKind.PBV, LinkKind.TCV, LinkKind.PCV])
def test_a_valve_fixed_open_or_closed_is_just_that(kind: LinkKind, solve: Engine) -> None:
    for status in (LinkStatus.OPEN, LinkStatus.CLOSED):
        links = [Link(2, 0), Link(0, 1, kind=kind, status=status, length=0.0)]
        plan = make_plan(make_network([0.0, 0.01], [50.0], links))
        solution = solve_cold(solve, plan, plan.conditions())
        assert Outcome(solution.outcome[0]) == (Outcome.OK if status == LinkStatus.OPEN else Outcome.UNSUPPLIED)
        if status == LinkStatus.OPEN:
            assert solution.head[0, 0] == pytest.approx(solution.head[0, 1], abs=1e-5)


@every_engine
def test_a_pressure_reducing_valve_that_a_member_starves_is_told_and_not_its_neighbour(solve: Engine) -> None:
    valve = Link(0, 1, kind=LinkKind.PRV, status=LinkStatus.ACTIVE, setting=20.0, length=0.0)
    plan = make_plan(make_network([0.0, 0.0, 0.01], [50.0], [Link(3, 0), valve, Link(1, 2)]))
    conditions = plan.conditions()
    status = np.repeat(conditions.status, 2, axis=0)
    status[1, 0] = Status.CLOSED
    solution = solve_cold(solve, plan, replace(conditions, status=status))
    assert list(solution.outcome) == [Outcome.OK, Outcome.UNSUPPLIED]
    assert solution.head[0, 1] == pytest.approx(20.0, abs=1e-9)
    assert np.isnan(solution.head[1, :3]).all()


@every_engine
def test_a_warm_start_from_the_solution_takes_fewer_iterations_and_ends_there(solve: Engine) -> None:
    plan = published("Net3")
    conditions = plan.conditions()
    cold = solve_cold(solve, plan, conditions)
    warm = solve(plan, replace(conditions, status=cold.status, setting=cold.setting), cold.flows, OWN)
    assert warm.iterations[0] < cold.iterations[0]
    np.testing.assert_allclose(warm.head, cold.head, rtol=0, atol=1e-5)
    np.testing.assert_allclose(warm.flows.link, cold.flows.link, rtol=0, atol=1e-6)


@every_engine
def test_a_closed_link_conducts_nothing_where_the_open_ones_conduct_less_than_its_trickle(solve: Engine) -> None:
    thin = Link(1, 0, length=1000.0, diameter=1e-3)
    pump = Link(1, 0, kind=LinkKind.PUMP, status=LinkStatus.CLOSED, setting=0.0, power=1000.0, diameter=0.0, length=0.0)
    plan = make_plan(make_network([0.01], [50.0], [thin, pump]))
    conditions = plan.conditions()
    solution = solve_cold(solve, plan, conditions)
    assert Outcome(solution.outcome[0]) == Outcome.OK
    assert solution.flows.link[0] == pytest.approx([0.01, 0.0], abs=1e-12)
    assert balance.residuals(plan, conditions, solution).energy[0] < 1e-9 * abs(solution.head[0, 0])


THIN = Link(0, 0, length=1000.0, diameter=1e-3)
"""A pipe of 1 mm: 0.01 m3/s lose more than 1e10 m in it."""


@every_engine
def test_wide_pipes_behind_one_of_a_millimetre_share_the_flow_as_ever(solve: Engine) -> None:
    wide, twice = (Link(0, 1, length=length, diameter=1.0) for length in (10.0, 10.0 * 2**1.852))
    plan = make_plan(make_network([0.0, 3.0], [50.0], [replace(THIN, start=2, end=0), wide, twice]))
    conditions = plan.conditions()
    solution = solve_cold(solve, plan, conditions)
    assert Outcome(solution.outcome[0]) == Outcome.OK
    assert solution.head[0, 0] < -1e12
    assert solution.flows.link[0] == pytest.approx([3.0, 2.0, 1.0], abs=1e-6)
    assert balance.residuals(plan, conditions, solution).mass[0] <= 1e-12


@every_engine
def test_pipes_without_length_by_darcy_weisbach_may_form_a_loop(solve: Engine) -> None:
    none = [
        Link(0, 1, length=0.0, roughness=1e-3),
        Link(1, 2, length=0.0, roughness=1e-3),
        Link(0, 2, length=0.0, roughness=1e-3),
    ]
    plan = make_plan(
        make_network([0.0, 0.01, 0.01], [50.0], [Link(3, 0, roughness=1e-3), *none], options=Options(headloss="DW"))
    )
    conditions = plan.conditions()
    solution = solve_cold(solve, plan, conditions)
    assert Outcome(solution.outcome[0]) == Outcome.OK
    assert solution.flows.link[0] == pytest.approx([0.02, 0.01, 0.0, 0.01], abs=1e-9)


@every_engine
def test_a_valve_whose_curve_is_flat_between_reservoirs_that_differ_by_that_much_is_solved(solve: Engine) -> None:
    valve = Link(0, 1, LinkKind.GPV, curve=0, length=0.0)
    ends = [Link(2, 0, length=10.0, diameter=10.0), Link(1, 3, length=10.0, diameter=10.0)]
    curve = ([0.0, 0.01, 0.02, 0.04], [0.0, 2.0, 2.0, 9.0])
    for difference, flow in ((1.9, 0.0095), (2.1, 0.02 + 0.1 / 350)):
        plan = make_plan(make_network([0.0, 0.0], [50.0, 50.0 - difference], [ends[0], valve, ends[1]], curves=[curve]))
        solution = solve_cold(solve, plan, plan.conditions())
        assert Outcome(solution.outcome[0]) == Outcome.OK
        assert solution.flows.link[0, 1] == pytest.approx(flow, abs=1e-7)


@every_engine
def test_a_pressure_breaker_meets_a_flow_back_with_the_same_drop(solve: Engine) -> None:
    breaker = Link(0, 1, LinkKind.PBV, setting=10.0, minor_loss=2.0, diameter=0.1)
    plan = make_plan(make_network([0.0, 0.0], [50.0, 50.0], [Link(2, 0, diameter=0.5), breaker, Link(1, 3, diameter=0.5)]))
    conditions = plan.conditions()
    solution = solve_cold(solve, plan, conditions)
    assert Outcome(solution.outcome[0]) == Outcome.OK
    assert solution.flows.link[0, 1] < -0.1  # it drives 10 m backwards through two pipes, though 2 v2/2g at 0.1 m would be more
    assert balance.residuals(plan, conditions, solution).energy[0] < 1e-6


@every_engine
def test_a_pump_of_constant_power_against_a_closed_way_closes_and_never_runs_backward(solve: Engine) -> None:
    pump = Link(2, 0, LinkKind.PUMP, power=1000.0, setting=1.0, length=0.0, diameter=0.0)
    valve = Link(1, 0, LinkKind.CHECK_VALVE_PIPE)
    plan = make_plan(make_network([0.0, 0.01], [50.0], [pump, valve, Link(2, 1)]))
    solution = solve_cold(solve, plan, plan.conditions())
    assert Outcome(solution.outcome[0]) in (Outcome.OK, Outcome.UNSUPPLIED)
    assert solution.flows.link[0] == pytest.approx([0.0, 0.0, 0.01], abs=1e-9)


@every_engine
def test_a_flow_valve_that_lets_through_less_than_is_taken_behind_it_is_named(solve: Engine) -> None:
    valve = Link(0, 1, LinkKind.FCV, LinkStatus.ACTIVE, 0.01, length=0.0)
    shut = Link(3, 2, LinkKind.PUMP, LinkStatus.CLOSED, 0.0, power=1000.0, length=0.0, diameter=0.0)
    plan = make_plan(make_network([0.0, 0.0, 0.02], [50.0], [shut, Link(3, 0), valve, Link(1, 2)]))
    solution = solve_cold(solve, plan, plan.conditions())
    assert Outcome(solution.outcome[0]) == Outcome.UNBALANCED
    assert plan.network.links.ids[solution.culprit[0]] == "L2"


@every_engine
def test_one_solution_serves_both_formulas_of_a_leak(solve: Engine) -> None:
    plan = make_plan(make_network([0.0], [30.0], [Link(1, 0, diameter=1.0, length=1.0)]))
    conditions = replace(plan.conditions(), leak_area=np.array([[1e-4]]))
    solution = solve_cold(solve, plan, conditions)
    pressure = solution.head[0, 0]
    assert solution.flows.leak_fixed[0, 0] == pytest.approx(0.75e-4 * np.sqrt(2 * 9.80665 * pressure), rel=1e-6)
    assert solution.flows.link[0, 0] == pytest.approx(solution.flows.leak_fixed[0, 0], rel=1e-9)
