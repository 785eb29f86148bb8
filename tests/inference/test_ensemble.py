"""Members: drawn from what is believed, driven by what is read, and water that balances."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import tweeling as tw
from networks import package_network
from tweeling.inference.assimilation.extended_filter import Belief, first_belief, parts, with_leak
from tweeling.inference.ensemble import (
    CENTRAL,
    FIRST,
    MOST_LEAKS,
    OPEN,
    Boundary,
    Interval,
    Members,
    Places,
    demand_noise,
    draw,
    first_track,
    members_of,
    pass_interval,
    rng,
)
from tweeling.inference.model import Doubts, Model, make_model
from tweeling.network.network import Floats, Network
from tweeling.network.zones import derive_zones
from tweeling.observation.sensors import Sensor, Sensors
from tweeling.physics.hydraulics.steady import default_engine

SENSORS = (
    *(Sensor(f"p{node}", "pressure", node, "m", 0.05) for node in ("105", "141", "187", "231")),
    Sensor("q10", "flow", "10", "m3/h", 1.0),
    Sensor("q335", "flow", "335", "m3/h", 1.0),
    Sensor("l1", "level", "1", "m", 0.01),
    Sensor("l3", "level", "3", "m", 0.01),
    Sensor("d157", "demand", "157", "m3/h", 0.1),
)
HOUR = 3600
MANY = 3000


@pytest.fixture(scope="module")
def network() -> Network:
    return tw.read_network(package_network("epyt", "Net3"))


@pytest.fixture(scope="module")
def model(network: Network) -> Model:
    withheld = np.array([1])
    sensors = Sensors.of_rows(SENSORS, network)
    zones = derive_zones(network)
    return make_model(network, sensors, zones, Doubts(), withheld=withheld, interval=HOUR, epoch=0, engine=default_engine())


@pytest.fixture(scope="module")
def belief(model: Model) -> Belief:
    """A belief with a mean and correlations."""
    first = first_belief(model)
    n = len(first.mean)
    random = np.random.default_rng(3)
    root = np.diag(np.sqrt(np.diag(first.covariance))) @ (np.eye(n) + random.normal(0, 0.3 / np.sqrt(n), (n, n)))
    return replace(first, mean=0.2 * root @ random.standard_normal(n), covariance=root @ root.T)


def nothing_read(model: Model) -> Boundary:
    return Boundary(*(np.full(len(rows), np.nan) for rows in (model.level, model.pump, model.meter)))


def as_the_file(model: Model, n_members: int = 3) -> Members:
    """Members that all believe that the file is right."""
    certain = replace(first_belief(model), covariance=np.zeros_like(first_belief(model).covariance))
    draws = draw(model, n_members, 1)
    born = draws.born @ model.directions.T @ model.directions  # nothing across the directions
    members = members_of(model, certain, replace(draws, born=born), [])
    return replace(members, fields=replace(members.fields, demand=np.ones_like(members.fields.demand)))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_members_have_the_mean_and_the_covariance_of_the_belief(model: Model, belief: Belief, seed: int) -> None:
    members = members_of(model, belief, draw(model, MANY, seed), [])
    np.testing.assert_array_equal(members.unknown[CENTRAL], belief.mean)
    np.testing.assert_array_equal(members.unknown[OPEN], 0.0)
    drawn = members.unknown[FIRST:]
    sd = np.sqrt(np.diag(belief.covariance))
    # The draws' own mean is taken off, so the members' is the belief's and not just near it.
    np.testing.assert_allclose((drawn.mean(axis=0) - belief.mean) / sd, 0, atol=1e-9)
    error = np.sqrt((belief.covariance**2 + np.outer(sd**2, sd**2)) / MANY)
    assert (np.abs(np.cov(drawn.T) - belief.covariance) < 5 * error).all()


def test_members_spelt_out_are_as_doubtful_as_the_priors_say(model: Model) -> None:
    members = members_of(model, first_belief(model), draw(model, MANY, 4), [])
    pipe, doubts = model.prior.pipe, model.doubts
    log_demand, log_roughness = (np.log(field[FIRST:]) for field in (members.fields.demand, members.fields.roughness[:, pipe]))
    spread = 5 / np.sqrt(2 * MANY)  # of an estimated sd, five standard errors
    np.testing.assert_allclose(log_demand.std(axis=0), np.sqrt(np.log1p(doubts.node_demand_sd**2)), rtol=spread)
    np.testing.assert_allclose(log_roughness.std(axis=0), doubts.roughness_sd, rtol=spread)
    mean = members.fields.demand[FIRST:].mean(axis=0)
    np.testing.assert_allclose(mean, 1.0, atol=5 * doubts.node_demand_sd / np.sqrt(MANY))
    np.testing.assert_allclose(members.factor[FIRST:].std(axis=0), 0.2, rtol=0.15)
    np.testing.assert_allclose(members.fields.demand[:FIRST], 1.0, rtol=1e-12)
    np.testing.assert_array_equal(members.fields.roughness[OPEN], 1.0)
    np.testing.assert_array_equal(members.factor[OPEN], 1.0)


def test_what_is_learnt_narrows_the_directions_and_leaves_what_lies_across_them(model: Model) -> None:
    direction = parts(model)[1]
    narrow = first_belief(model)
    variance = np.diag(narrow.covariance).copy()
    variance[direction] = 1e-8
    members = members_of(model, replace(narrow, covariance=np.diag(variance)), draw(model, MANY, 5), [])
    prior = model.prior
    node = len(prior.pipe) + prior.n_groups + np.arange(prior.n_junctions)
    log_demand = np.log(members.fields.demand[FIRST:]) / np.sqrt(np.log1p(model.doubts.node_demand_sd**2))
    # Of each coordinate of p there stays what the directions do not hold of it.
    left = 1 - (model.directions[:, node] ** 2).sum(axis=0)
    np.testing.assert_allclose(log_demand.var(axis=0), left, atol=5 * np.sqrt(2 / MANY))


def test_directions_are_orthonormal(model: Model) -> None:
    count = len(model.directions)
    assert 0 < count <= model.prior.size
    np.testing.assert_allclose(model.directions @ model.directions.T, np.eye(count), atol=1e-10)


def test_offsets_are_those_of_the_belief_and_for_withheld_sensors_as_large_as_usual(model: Model, belief: Belief) -> None:
    members = members_of(model, belief, draw(model, MANY, 6), [])
    offset = parts(model)[2]
    assert model.compared.sensor[model.compared.offset].tolist() == [0, 2, 3]
    np.testing.assert_array_equal(members.offset[:, [0, 2, 3]], members.unknown[:, offset])
    usual = np.sqrt((belief.mean[offset] ** 2 + np.diag(belief.covariance)[offset]).mean())
    np.testing.assert_allclose(members.offset[FIRST:, 1].std(), usual, rtol=0.07)
    np.testing.assert_array_equal(members.offset[:FIRST, 1], 0.0)
    np.testing.assert_array_equal(members.offset[:, 4:], 0.0)  # flows, levels and meters have none


def test_a_member_moves_little_when_the_belief_does(model: Model, belief: Belief) -> None:
    draws = draw(model, 50, 1)
    moved = replace(belief, covariance=belief.covariance * 1.0001)
    one, other = (members_of(model, b, draws, []).unknown for b in (belief, moved))
    sd = np.sqrt(np.diag(belief.covariance))
    assert (np.abs(other - one) / sd).max() < 1e-3


def leaking(model: Model, belief: Belief, n_members: int = 40) -> tuple[Members, Places]:
    pipes = np.array([model.network.link(name) for name in ("20", "111", "229")])
    places = Places(pipes, np.array([0.5, 0.3, 0.2]))
    wider = with_leak(belief, np.zeros(len(belief.mean)), 0.01, 0.004)
    return members_of(model, wider, draw(model, n_members, 1), [places]), places


def test_a_leak_is_at_one_place_of_a_member_and_at_all_of_the_central_run(model: Model, belief: Belief) -> None:
    members, places = leaking(model, belief, 1000)
    links, size = model.network.links, np.maximum(members.unknown[FIRST:, -1], 0.0)
    pairs = {frozenset((int(links.start[pipe]), int(links.end[pipe]))): i for i, pipe in enumerate(places.pipe)}
    n, counts = model.network.nodes.n_junctions, np.zeros(3)
    for row, flow in zip(members.leak[FIRST:], size, strict=True):
        at = np.flatnonzero(row)
        if not len(at):
            assert flow == 0
            continue
        (pair,) = [pair for pair in pairs if set(at.tolist()) <= pair]
        counts[pairs[pair]] += 1
        np.testing.assert_allclose(row[at], 0.5 * flow, rtol=1e-12)
        assert len(at) == sum(node < n for node in pair)
    # `place` is evenly spread over the members, not drawn: the shares are those of the probabilities to one member.
    np.testing.assert_allclose(counts / counts.sum(), places.probability, atol=0.01)
    central = members.leak[CENTRAL]
    for pipe, chance in zip(places.pipe, places.probability, strict=True):
        for end in (links.start[pipe], links.end[pipe]):
            if end < n:
                np.testing.assert_allclose(central[end], 0.5 * 0.01 * chance, rtol=1e-12)
    assert not members.leak[OPEN].any()


def supply(network: Network, interval: Interval) -> Floats:
    """What reservoirs and tanks give in all, m3/s; (row,)."""
    flow, links, n = interval.solution.flows.link, network.links, network.nodes.n_junctions
    return np.asarray(flow[:, links.start >= n].sum(axis=1) - flow[:, links.end >= n].sum(axis=1))


def test_members_with_a_leak_lose_exactly_what_it_loses(model: Model, belief: Belief) -> None:
    members, _ = leaking(model, belief)
    tight = replace(members, leak=np.zeros_like(members.leak))
    track = first_track(model, len(members.unknown), 0)
    with_it, without_it = (pass_interval(model, track, m, nothing_read(model), None)[1] for m in (members, tight))
    np.testing.assert_array_equal(with_it.demand, without_it.demand)  # customers take what they took
    for interval, leak in ((with_it, members.leak), (without_it, tight.leak)):
        np.testing.assert_allclose(supply(model.network, interval), interval.demand.sum(1) + leak.sum(1), atol=1e-9)
    lost = members.leak.sum(axis=1)
    np.testing.assert_allclose(supply(model.network, with_it) - supply(model.network, without_it), lost, atol=2e-9)
    assert lost[OPEN] == 0
    assert (lost[FIRST:] > 0).mean() > 0.9


def test_the_open_run_is_the_file_as_it_is(model: Model, belief: Belief) -> None:
    truth = tw.simulate(model.network, hours=12)
    members = members_of(model, belief, draw(model, 3, 1), [])
    track = first_track(model, len(members.unknown), 0)
    columns = [model.network.node(name) for name in ("105", "141", "187", "231")]
    pump = [model.network.link(name) for name in ("10", "335")]
    for hour in range(12):
        factors = demand_noise(model, 3, (1, hour), 0.5)
        track, interval = pass_interval(model, track, members, nothing_read(model), factors)
        at = int(np.flatnonzero(truth.times == hour * HOUR)[0])
        np.testing.assert_allclose(interval.read[OPEN, :4], truth.pressure[0, at, columns], rtol=0, atol=1e-4)
        np.testing.assert_allclose(interval.read[OPEN, 4:6], truth.flow[0, at, pump], rtol=0, atol=1e-6)
        tank = model.network.node("3")
        level = truth.head[0, at, tank] - model.network.nodes.elevation[tank]
        np.testing.assert_allclose(interval.read[OPEN, 7], level, atol=1e-4)


def test_members_who_believe_the_file_are_the_open_run(model: Model) -> None:
    members = as_the_file(model)
    _, interval = pass_interval(model, first_track(model, 5, 0), members, nothing_read(model), None)
    for row in (CENTRAL, 2, 3, 4):
        np.testing.assert_allclose(interval.solution.head[row], interval.solution.head[OPEN], atol=1e-4)


def test_levels_that_are_read_drive_all_rows(model: Model, belief: Belief) -> None:
    members = members_of(model, belief, draw(model, 4, 1), [])
    boundary = replace(nothing_read(model), level=np.array([3.0, np.nan]))
    track, interval = pass_interval(model, first_track(model, 6, 0), members, boundary, None)
    nodes = model.network.nodes
    tank = model.network.node("1")
    np.testing.assert_allclose(interval.solution.head[:, tank], nodes.elevation[tank] + 3.0, atol=1e-9)
    assert track.waited.tolist() == [0, -1]
    assert np.isnan(interval.filled).all()  # from one level no balance can be made


def test_between_two_levels_the_balance_of_the_tank_is_what_the_central_run_missed(model: Model, belief: Belief) -> None:
    members = members_of(model, belief, draw(model, 4, 1), [])
    track, _ = pass_interval(
        model, first_track(model, 6, 0), members, replace(nothing_read(model), level=np.array([3.0, 8.0])), None
    )
    tank = [int(np.flatnonzero(model.network.tanks.node == model.network.node(name))[0]) for name in ("1", "3")]
    area = np.pi / 4 * model.network.tanks.diameter[tank] ** 2
    expected = _levels_of(model, track.period.volume[CENTRAL, tank], area)
    read = expected + np.array([0.05, -0.02])
    later, interval = pass_interval(model, track, members, replace(nothing_read(model), level=read), None)
    np.testing.assert_allclose(interval.filled, np.array([0.05, -0.02]) * area / HOUR, rtol=1e-6)
    # After an hour without a reading the balance is of two hours.
    silent, _ = pass_interval(model, later, members, nothing_read(model), None)
    assert silent.waited.tolist() == [1, 1]
    expected = _levels_of(model, silent.period.volume[CENTRAL, tank], area)
    _, interval = pass_interval(model, silent, members, replace(nothing_read(model), level=expected + 0.1), None)
    np.testing.assert_allclose(interval.filled, 0.1 * area / (2 * HOUR), rtol=1e-6)


def _levels_of(model: Model, volume: Floats, area: Floats) -> Floats:
    """Levels of upright tanks; their lowest level stands for their lowest volume."""
    tanks = [int(np.flatnonzero(model.network.tanks.node == model.network.node(name))[0]) for name in ("1", "3")]
    low = model.network.tanks.min_level[tanks]
    least = model.free.plan.tanks.min_volume[tanks]
    return np.asarray(low + (volume - least) / area)


def test_customers_take_what_their_meter_says_in_all_rows_but_the_open_one(model: Model, belief: Belief) -> None:
    members = members_of(model, belief, draw(model, 4, 1), [])
    boundary = replace(nothing_read(model), meter=np.array([0.0123]))
    factors = demand_noise(model, 4, (1, 2, 3), 0.5)
    _, interval = pass_interval(model, first_track(model, 6, 0), members, boundary, factors)
    node = model.network.node("157")
    nominal = model.nominal_demand(0)[node]
    np.testing.assert_array_equal(np.delete(interval.demand[:, node], OPEN), 0.0123)
    np.testing.assert_allclose(interval.demand[OPEN, node], nominal)
    other = model.network.node("105")
    expected = (
        model.nominal_demand(0)[other] * members.factor[:, model.zones.of_junction[other]] * members.fields.demand[:, other]
    )
    np.testing.assert_allclose(interval.demand[FIRST:, other], expected[FIRST:] * factors[:, other], rtol=1e-12)


@pytest.mark.parametrize("running", [True, False])
def test_a_metered_pump_runs_when_its_meter_says_so(model: Model, belief: Belief, running: bool) -> None:
    members = members_of(model, belief, draw(model, 4, 1), [])
    flow = 0.1 if running else 0.0
    boundary = replace(nothing_read(model), pump=np.array([flow, flow]))
    _, interval = pass_interval(model, first_track(model, 6, 0), members, boundary, None)
    pumps = [model.network.link(name) for name in ("10", "335")]
    moved = interval.solution.flows.link[:, pumps]
    assert (moved > 0.01).all() if running else (np.abs(moved) < 1e-9).all()


def test_numbers_come_from_seed_cycle_and_purpose_alone(model: Model) -> None:
    one = demand_noise(model, 5, (1, 2, 3), 0.5)
    np.testing.assert_array_equal(one, demand_noise(model, 5, (1, 2, 3), 0.5))
    for other in ((2, 2, 3), (1, 3, 3), (1, 2, 4)):
        assert not np.array_equal(one, demand_noise(model, 5, other, 0.5))
    assert rng(1, 2).random() != rng(1, 20).random()
    many = demand_noise(model, 4000, (9, 9), 0.5)
    np.testing.assert_allclose(many.mean(), 1.0, atol=5 * 0.5 / np.sqrt(many.size))
    np.testing.assert_allclose(many.std(), 0.5, rtol=0.02)


def test_draws_are_of_the_seed_and_hold_all_leaks_that_can_be(model: Model) -> None:
    one, same, other = (draw(model, 30, seed) for seed in (1, 1, 2))
    for name in ("unknown", "place", "born", "withheld"):
        np.testing.assert_array_equal(getattr(one, name), getattr(same, name))
        assert not np.array_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_allclose(one.unknown.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(one.unknown.std(axis=0), 1, rtol=1e-12)
    assert one.unknown.shape[1] == parts(model)[3].start + MOST_LEAKS
    np.testing.assert_allclose(np.sort(one.place, axis=0), np.repeat((np.arange(30)[:, None] + 0.5) / 30, MOST_LEAKS, 1))
