"""Leaks that members bring: the orifice's law with an area that grows, pipes that leak at their ends, beside the file's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

import tweeling as tw
from networks import Link, make_network, package_network
from tweeling.errors import InputError
from tweeling.network.network import LinkKind, Network
from tweeling.physics.hydraulics import balance
from tweeling.physics.hydraulics.contract import Engine
from tweeling.physics.hydraulics.plan import make_plan
from tweeling.physics.hydraulics.reference import solve as reference
from tweeling.physics.kernels.cpu import solve as compiled

every_engine = pytest.mark.parametrize("engine", [reference, compiled], ids=["reference", "cpu"])

JET = 0.75 * np.sqrt(2 * 9.80665)
"""m3/s through 1 m2 of leak at 1 m."""
EPANETS_JET = 0.6 * np.sqrt(2 * 32.2 * 0.3048)
"""The same of a file's [LEAKAGE]: its own discharge coefficient, and 32.2 ft/s2."""


def line(lost: float) -> Network:
    """A junction 30 m below a reservoir, behind a pipe of 1 m that loses next to nothing, or much."""
    return make_network([0.0], [30.0], [Link(1, 0, diameter=1.0 - lost, length=1.0 + 1000 * lost)])


@every_engine
@pytest.mark.parametrize(("area", "growth"), [(2e-4, 0.0), (0.0, 5e-6), (2e-4, 5e-6)])
@pytest.mark.parametrize("lost", [0.0, 0.9])
def test_what_leaks_is_the_jet_of_an_area_that_grows_with_pressure(
    engine: Engine, area: float, growth: float, lost: float
) -> None:
    state = tw.solve(line(lost), leak_area=[area], leak_growth=[growth], engine=engine)
    pressure = state.pressure[0, 0]
    assert pressure < 29 if lost else pressure > 29.99
    assert state.leak[0, 0] == pytest.approx(JET * (area * pressure**0.5 + growth * pressure**1.5), rel=1e-6)
    assert state.flow[0, 0] == pytest.approx(state.leak[0, 0], rel=1e-9)


def test_a_leak_draws_nothing_in_below_the_ground() -> None:
    network = make_network([0.0], [30.0], [Link(1, 0)], elevation=40.0)
    state = tw.solve(network, leak_area=[1e-3], leak_growth=[1e-4])
    assert state.pressure[0, 0] < -9
    assert abs(state.leak[0, 0]) < 1e-8  # the barrier at no flow has a slope, as EPANET's


def test_a_pipe_leaks_half_at_each_end_and_all_at_its_only_junction() -> None:
    links = [Link(3, 0), Link(0, 1), Link(1, 2, kind=LinkKind.CHECK_VALVE_PIPE)]
    network = make_network([0.01, 0.02, 0.0], [50.0], links)
    pipe_area, pipe_growth = np.array([4e-4, 2e-4, 1e-4]), np.array([0.0, 2e-6, 6e-6])
    area, growth = [4e-4 + 1e-4, 1e-4 + 0.5e-4, 0.5e-4], [1e-6, 1e-6 + 3e-6, 3e-6]
    along = tw.solve(network, pipe_leak_area=pipe_area, pipe_leak_growth=pipe_growth)
    ends = tw.solve(network, leak_area=area, leak_growth=growth)
    np.testing.assert_array_equal(along.head, ends.head)
    both = tw.solve(network, leak_area=[0.0, 0.0, 1e-4], pipe_leak_area=pipe_area)
    np.testing.assert_allclose(both.conditions.leak_area, [[5e-4, 1.5e-4, 1.5e-4]], rtol=1e-12)


def leaky(network: Network, area: np.ndarray, expansion: np.ndarray) -> Network:
    """The network with [LEAKAGE] of its file, in the units of that."""
    links = replace(network.links, leak_area=area, leak_expansion=expansion)
    return replace(network, links=links)


@pytest.mark.parametrize("name", ["Net1", "Net3", "Hanoi"])  # feet, feet, metres; reservoirs, tanks
def test_members_leak_as_the_file_would_with_the_same_areas(name: str) -> None:
    network = tw.read_network(package_network("epyt", name))
    rng = np.random.default_rng(5)
    pipe = network.links.kind <= LinkKind.PIPE
    n_links = len(network.links)
    area, expansion = pipe * rng.uniform(0, 20, n_links), pipe * rng.uniform(0, 0.3, n_links)
    by_file = tw.solve(leaky(network, area, expansion))
    hundreds = network.links.length / network.units.length_si / 100
    rounding = network.units.cfs_per_si * 0.3048**3  # of EPANET's cubic feet
    scale = EPANETS_JET / JET / rounding * 1e-6 * hundreds
    by_members = tw.solve(network, pipe_leak_area=area * scale, pipe_leak_growth=expansion * scale)
    assert by_file.leak.sum() > 1e-3
    np.testing.assert_allclose(by_members.leak, by_file.leak, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(by_members.head, by_file.head, rtol=0, atol=1e-5)


def test_members_leaks_come_on_top_of_the_files() -> None:
    network = leaky(line(0.0), np.array([100.0]), np.array([10.0]))
    alone, added = tw.solve(network), tw.solve(network, leak_area=[1e-5], leak_growth=[1e-6])
    pressure = added.pressure[0, 0]
    more = JET * (1e-5 * pressure**0.5 + 1e-6 * pressure**1.5)
    assert added.leak[0, 0] - alone.leak[0, 0] == pytest.approx(more, rel=1e-4)


@pytest.fixture(scope="module")
def net3() -> Network:
    return tw.read_network(package_network("epyt", "Net3"))


def drawn(network: Network, members: int) -> dict[str, np.ndarray]:
    """Leaks of all four kinds; some elements have none."""
    rng = np.random.default_rng(11)
    pipe = network.links.kind <= LinkKind.PIPE

    def table(size: int, most: float) -> np.ndarray:
        return rng.uniform(0, most, (members, size)) * (rng.random((members, size)) < 0.3)

    n_junctions, n_links = network.nodes.n_junctions, len(network.links)
    return {
        "leak_area": table(n_junctions, 1e-4),
        "leak_growth": table(n_junctions, 1e-6),
        "pipe_leak_area": table(n_links, 1e-4) * pipe,
        "pipe_leak_growth": table(n_links, 1e-6) * pipe,
    }


def test_the_kernels_leak_as_the_reference_does(net3: Network) -> None:
    given = drawn(net3, 5)
    fast, clear = tw.solve(net3, **given), tw.solve(net3, **given, engine=reference)
    np.testing.assert_allclose(fast.head, clear.head, rtol=0, atol=1e-9 * np.abs(clear.head).max())
    np.testing.assert_allclose(fast.leak, clear.leak, rtol=0, atol=1e-9)


def test_mass_is_kept_by_a_judge_that_knows_the_law_of_leaks(net3: Network) -> None:
    state = tw.solve(net3, **drawn(net3, 5))
    lawful = balance.lawful_outflow(make_plan(net3), state.conditions, state.head)
    residual = balance.mass_residual(make_plan(net3), state.head, state.flow, lawful)
    assert state.leak.sum(axis=1).min() > 0.01
    assert np.abs(residual).max() < 1e-8


def one_by_one(solve: Callable[..., np.ndarray], given: dict[str, np.ndarray]) -> np.ndarray:
    members = len(given["leak_area"])
    return np.concatenate([solve(**{name: table[[member]] for name, table in given.items()}) for member in range(members)])


def test_a_member_leaks_the_same_alone_and_in_company(net3: Network) -> None:
    given = drawn(net3, 5)
    np.testing.assert_array_equal(one_by_one(lambda **one: tw.solve(net3, **one).leak, given), tw.solve(net3, **given).leak)
    given["level"] = np.random.default_rng(3).uniform(1, 8, (5, 3))  # so that members take steps of their own
    np.testing.assert_array_equal(
        one_by_one(lambda **one: tw.simulate(net3, hours=24, **one).leak, given), tw.simulate(net3, hours=24, **given).leak
    )


def test_a_run_leaks_by_the_pressure_of_the_moment(net3: Network) -> None:
    given = drawn(net3, 2)
    run = tw.simulate(net3, hours=6, **given)
    first = tw.solve(net3, **given)
    np.testing.assert_allclose(run.leak[:, 0], first.leak, rtol=0, atol=1e-9)
    whole = first.conditions.leak_area[:, None], first.conditions.leak_growth[:, None]
    pressure = np.maximum(run.pressure[:, :, : net3.nodes.n_junctions], 0)
    assert np.ptp(pressure, axis=1).max() > 1
    np.testing.assert_allclose(run.leak, JET * (whole[0] + whole[1] * pressure) * pressure**0.5, rtol=1e-5, atol=1e-8)


def test_a_derivative_to_area_knows_the_growth_beside_it() -> None:
    network = make_network([0.01, 0.02], [50.0], [Link(2, 0), Link(0, 1)])
    growth = np.array([4e-5, 2e-5])
    by = tw.sensitivities(network, tw.solve(network, leak_area=[1e-3, 0.0], leak_growth=growth), ["J1", "L0"])
    up, down = (tw.solve(network, leak_area=[1e-3 + step, 0.0], leak_growth=growth) for step in (1e-5, -1e-5))
    differences = [(up.head[0, 1] - down.head[0, 1]) / 2e-5, (up.flow[0, 0] - down.flow[0, 0]) / 2e-5]
    np.testing.assert_allclose(by.leak_area[0, :, 0], differences, rtol=1e-5)


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"leak_growth": [-1e-6, 0.0]}, "leak_growth holds negative numbers, first -1e-06 in row 0, place 0"),
        (
            {"pipe_leak_area": [[0, 0, 0, 0], [0, -2, 0, 0]]},
            "pipe_leak_area holds negative numbers, first -2 in row 1, place 1",
        ),
        ({"pipe_leak_growth": [1.0, 2.0]}, r"pipe_leak_growth has shape \(2,\); it must be \(member, 4\)"),
        ({"leak_growth": [np.inf, 0.0]}, "leak_growth holds numbers that are not finite"),
        ({"pipe_leak_area": [0, 0, 3e-4, 0]}, "pipe_leak_area has 0.0003 at link 'L2', row 0, which is no pipe"),
        ({"pipe_leak_growth": [0, 0, 0, 1e-6]}, "pipe_leak_growth has 1e-06 at link 'L3', row 0, which has no junction"),
    ],
)
def test_impossible_leaks_are_named(inputs: dict[str, object], words: str) -> None:
    links = [Link(2, 0), Link(0, 1), Link(0, 1, kind=LinkKind.TCV, setting=1.0), Link(2, 3)]
    network = make_network([0.01, 0.02], [50.0, 49.0], links)
    with pytest.raises(InputError, match=words):
        tw.solve(network, **inputs)  # type: ignore[arg-type]
