"""Sensitivities against differences of tight solves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tweeling as tw
from differences import differences, inputs_of, settled
from networks import package_network
from tweeling.errors import InputError, UnknownElementError
from tweeling.network.network import Floats, Ints, LinkKind
from tweeling.physics.hydraulics.adjoint import TABLES, Place, adjoint_tables, conductance_of
from tweeling.physics.hydraulics.contract import Conditions, Status, StoppingRule
from tweeling.physics.hydraulics.influence import Influence, influence
from tweeling.physics.hydraulics.plan import Plan, make_plan
from tweeling.physics.hydraulics.sensitivity import fast_tables, rows_of, sensitivities_of
from tweeling.physics.kernels.cpu import solve
from tweeling.physics.kernels.structure import pressure_valves

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
    with pytest.raises(InputError, match=r"\('link', 909\)"):
        tw.sensitivities(town, state, [("link", 909)])
    for output in (10, ("link", "p1"), ("link", -1), ("node", 1.5), ("node", 1, 2), ("pump", 0)):
        with pytest.raises(InputError, match="there is no output"):
            tw.sensitivities(town, state, [output])  # type: ignore[list-item]
    for outputs in ("n54", None, 3):
        with pytest.raises(InputError, match="give a list of ids"):
            tw.sensitivities(town, state, outputs)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="wanted is the text 'demand'"):
        tw.sensitivities(town, state, ["n54"], wanted="demand")
    with pytest.raises(InputError, match="'colour'; there are demand, log_roughness"):
        tw.sensitivities(town, state, ["n54"], wanted=["colour"])
    with pytest.raises(InputError, match="another network"):
        tw.sensitivities(tw.read_network(package_network("epyt", "Net1")), state, ["n54"])
    some = tw.sensitivities(town, state, ["n54"], wanted=["demand"])
    with pytest.raises(InputError, match="speed were not asked for, but to demand"):
        _ = some.speed


# ------------------------------------------------------------------------------------- all inputs against differences


def assert_as_differences(plan: Plan, conditions: Conditions, seen: dict[str, int]) -> None:
    """All derivatives of all heads and flows; `seen` counts what could be judged, table by table."""
    solution = solve(plan, conditions, plan.cold_flows(conditions), StoppingRule())
    conditions, solution = settled(solve, plan, conditions, solution)
    places: list[Place] = [("node", node) for node in range(plan.n_nodes)] + [("link", link) for link in range(plan.n_links)]
    found = sensitivities_of(plan, conditions, solution, places)
    for name, given in inputs_of(plan, conditions, solution).items():
        theirs = differences(solve, plan, conditions, solution, places, given)
        column = plan.pump_of_link[theirs.element] if name == "speed" else theirs.element
        ours = getattr(found, name)[0][:, column]
        size = np.nan_to_num(np.maximum(np.abs(ours), np.abs(theirs.estimate))).max(1, initial=0.0)[:, None]
        judged = theirs.doubt <= 1e-6 * size + LEAST
        wrong = judged & ~(np.abs(ours - theirs.estimate) <= 1e-5 * size + LEAST)
        assert not wrong.any(), (name, [(places[row], int(column[at])) for row, at in np.argwhere(wrong)[:5]])
        seen[name] = seen.get(name, 0) + int(judged.sum())


LEAST = 3e-9
"""m per m, or m3/s per m and the like: smaller derivatives are rounding, of both."""
CASES = sorted(path.parent for path in (Path(__file__).parents[2] / "cases").glob("*/network.inp"))


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_every_law_and_status_is_as_differences_say(case: Path) -> None:
    plan, seen = make_plan(tw.read_network(case / "network.inp")), dict[str, int]()
    assert_as_differences(plan, plan.conditions(), seen)
    assert case.name == "check_valve_at_rest" or seen["demand"] > 0
    assert seen["log_roughness"] > 0


# ------------------------------------------------------------------------------------- the compiled adjoint is the clear one


def some_places(plan: Plan, count: int = 40) -> list[Place]:
    """Heads and flows all over the network, every pressure valve's among them."""
    rng = np.random.default_rng(3)
    nodes = rng.choice(plan.n_nodes, min(count, plan.n_nodes), replace=False)
    links = rng.choice(plan.n_links, min(count, plan.n_links), replace=False)
    valves = [link for link, _, _ in pressure_valves(plan)]
    return [("node", int(node)) for node in nodes] + [("link", int(link)) for link in {*links.tolist(), *valves}]


def varied(plan: Plan, n_members: int) -> Conditions:
    """Members that differ in demand, roughness, leaks, emitters and which of their pipes are closed."""
    rng, base = np.random.default_rng(4), plan.conditions()
    status = np.repeat(base.status, n_members, axis=0)
    pipes = np.flatnonzero(plan.network.links.kind <= LinkKind.PIPE)
    for member in range(1, n_members):
        status[member, rng.choice(pipes, size=member % 3)] = Status.CLOSED
    junctions = (n_members, plan.n_junctions)
    return replace(
        base,
        demand=base.demand * rng.uniform(0.5, 1.5, junctions),
        roughness=base.roughness * rng.uniform(0.8, 1.2, (n_members, plan.n_links)),
        status=status,
        leak_area=1e-5 * (rng.random(junctions) < 0.1),
        emitter=base.emitter + 1e-5 * (rng.random(junctions) < 0.1),
        leak_growth=1e-7 * (rng.random(junctions) < 0.1),
    )


def everywhere_in_use(conditions: Conditions) -> Conditions:
    """Demand at every junction: a pipe at rest passes 1e6 m3/s per m, beside which SciPy's elimination loses its digits."""
    typical, rng = np.abs(conditions.demand).mean(), np.random.default_rng(6)
    return replace(conditions, demand=conditions.demand + typical * rng.uniform(0.5, 1.5, conditions.demand.shape))


def published(name: str, **options: object) -> Plan:
    network = tw.read_network(package_network("epyt", name))
    return make_plan(replace(network, options=replace(network.options, **options)))  # type: ignore[arg-type]


PRESSURE_DRIVEN = {"demand_model": "PDA", "min_pressure": 3.0, "required_pressure": 30.0}


@pytest.mark.parametrize(
    ("name", "options"),
    [("L-TOWN", {}), ("L-TOWN", PRESSURE_DRIVEN), ("BWSN_Network_1", {}), ("ky10", {}), ("Net3", PRESSURE_DRIVEN)],
)
def test_the_compiled_adjoint_gives_what_the_clear_one_gives(name: str, options: dict[str, object]) -> None:
    plan = published(name, **options)
    conditions = everywhere_in_use(varied(plan, 4))
    solution = solve(plan, conditions, plan.cold_flows(conditions), StoppingRule())
    places = some_places(plan)
    moved = influence(plan, conditions, solution)
    fast = fast_tables(plan, conditions, solution, places, TABLES)
    clear = adjoint_tables(plan, moved, pressure_valves(plan), places, TABLES)
    for table in TABLES:
        np.testing.assert_array_equal(np.isnan(fast[table]), np.isnan(clear[table]), err_msg=table)
        difference, size = np.abs(np.nan_to_num(fast[table] - clear[table])), largest(clear[table])
        assert (difference <= 1e-9 * (size + size.max(initial=0.0))).all(), table


def largest(table: Floats) -> Floats:
    """Largest of each row; (member, output, 1)."""
    return np.asarray(np.abs(np.nan_to_num(table)).max(-1, initial=0.0, keepdims=True))


@pytest.mark.parametrize(("name", "options"), [("Net3", PRESSURE_DRIVEN), ("BWSN_Network_1", {}), ("ky10", {})])
def test_the_compiled_adjoint_keeps_its_digits_beside_pipes_at_rest(name: str, options: dict[str, object]) -> None:
    plan = published(name, **options)
    conditions = varied(plan, 2)
    solution = solve(plan, conditions, plan.cold_flows(conditions), StoppingRule())
    junctions = np.random.default_rng(5).choice(plan.n_junctions, 30, replace=False)
    moved = influence(plan, conditions, solution)
    found = fast_tables(plan, conditions, solution, [("node", int(node)) for node in junctions], ("demand",))["demand"]
    for member in range(2):
        truth = -weights_in_long_doubles(plan, moved, member, junctions) * moved.demand[member]
        there = ~moved.dry[member, junctions]
        assert np.isnan(found[member, ~there]).all()
        size = np.abs(truth).max(1)[:, None]
        assert (np.abs(found[member] - truth) <= 1e-9 * size)[there].all()


def weights_in_long_doubles(plan: Plan, moved: Influence, member: int, junctions: Ints) -> Floats:
    """Weights of junctions for heads, by dense elimination with 64 bits of mantissa; (output, junction)."""
    n, links = plan.n_junctions, plan.network.links
    matrix, right = np.zeros((plan.n_nodes, plan.n_nodes), np.longdouble), np.zeros((n, len(junctions)), np.longdouble)
    for link, slope in enumerate(conductance_of(plan, moved)[member]):
        start, end = links.start[link], links.end[link]
        for row, column, sign in ((start, start, 1), (end, end, 1), (start, end, -1), (end, start, -1)):
            matrix[row, column] += sign * slope
    matrix[np.arange(n), np.arange(n)] += moved.outlet[member]
    holding = [valve for valve in pressure_valves(plan) if moved.holds[member, valve[0]]]
    for _, holds, passes_on in holding:
        matrix[passes_on] += matrix[holds]
        matrix[holds] = np.arange(plan.n_nodes) == holds
    for node in np.flatnonzero(moved.dry[member]):
        matrix[node] = np.arange(plan.n_nodes) == node
    matrix, right[junctions, np.arange(len(junctions))] = matrix[:n, :n].T.copy(), 1.0
    for k in range(n):
        pivot = k + int(np.abs(matrix[k:, k]).argmax())
        matrix[[k, pivot]], right[[k, pivot]] = matrix[[pivot, k]], right[[pivot, k]]
        below = k + 1 + np.flatnonzero(matrix[k + 1 :, k])
        factor = matrix[below, k] / matrix[k, k]
        columns = k + np.flatnonzero(matrix[k, k:])
        matrix[np.ix_(below, columns)] -= factor[:, None] * matrix[k, columns]
        right[below] -= factor[:, None] * right[k]
    for k in range(n - 1, -1, -1):
        right[k] = (right[k] - matrix[k, k + 1 :] @ right[k + 1 :]) / matrix[k, k]
    for _, holds, passes_on in reversed(holding):
        right[holds] = right[passes_on]
    return right.T.astype(np.float64)


@pytest.mark.parametrize("name", ["L-TOWN", "BWSN_Network_1"])
def test_a_member_alone_has_the_derivatives_that_it_has_among_others_bit_for_bit(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = published(name)
    conditions = varied(plan, 37)
    solution = solve(plan, conditions, plan.cold_flows(conditions), StoppingRule())
    places = some_places(plan)
    together = fast_tables(plan, conditions, solution, places, TABLES)
    monkeypatch.setenv("TWEELING_THREADS", "3")
    threaded = fast_tables(plan, conditions, solution, places, TABLES)
    for member in (0, 15, 16, 36):
        row = slice(member, member + 1)
        alone = fast_tables(plan, rows_of(conditions, row), rows_of(solution, row), places, TABLES)
        for table in TABLES:
            np.testing.assert_array_equal(alone[table], together[table][row], err_msg=table)
    for table in TABLES:
        np.testing.assert_array_equal(threaded[table], together[table], err_msg=table)


def test_only_the_tables_that_are_wanted_are_made_and_they_are_the_same(town: tw.Network, state: tw.State) -> None:
    whole = tw.sensitivities(town, state, OUTPUTS)
    some = tw.sensitivities(town, state, OUTPUTS, wanted=("speed", "leak_area"))
    assert sorted(some.tables) == ["leak_area", "speed"]
    np.testing.assert_array_equal(some.speed, whole.speed)
    np.testing.assert_array_equal(some.leak_area, whole.leak_area)
