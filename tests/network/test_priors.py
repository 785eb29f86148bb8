"""What is believed before anything is measured."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from networks import package_network
from tweeling.network.fingerprint import network_hash
from tweeling.network.inp.read import read_network
from tweeling.network.network import LinkKind, Network
from tweeling.network.priors import Beliefs, draw


@pytest.fixture(scope="module")
def net1() -> Network:
    """A small network."""
    return read_network(package_network("epyt", "Net1"))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_factors_have_mean_one_and_the_standard_deviation_believed(seed: int, net1: Network) -> None:
    n = 4096
    factors = draw(net1, Beliefs(zone_factor_sd=0.2, node_demand_sd=0.3, roughness_sd=0.1), seed, range(n))
    pipes = factors.roughness[:, net1.links.kind <= LinkKind.PIPE]
    np.testing.assert_allclose(pipes.mean(axis=0), 1, atol=5 * 0.1 / np.sqrt(n))
    np.testing.assert_allclose(pipes.std(axis=0), 0.1, rtol=0.1)
    sd = np.sqrt((1 + 0.2**2) * (1 + 0.3**2) - 1)
    np.testing.assert_allclose(factors.demand.mean(axis=0), 1, atol=5 * sd / np.sqrt(n))
    np.testing.assert_allclose(factors.demand.std(axis=0), sd, rtol=0.15)
    assert (factors.roughness[:, net1.links.kind > LinkKind.PIPE] == 1).all()


def test_a_zone_moves_as_one(net1: Network) -> None:
    factors = draw(net1, Beliefs(zone_factor_sd=0.2, node_demand_sd=0, roughness_sd=0), 1, range(200))
    assert (factors.demand == factors.demand[:, :1]).all()
    assert factors.demand.std() > 0.1


def test_a_member_is_the_same_in_whatever_pieces_it_is_drawn(net1: Network) -> None:
    whole = draw(net1, Beliefs(), 9, range(200))
    for piece in (range(3), range(60, 70), range(100, 200)):
        part = draw(net1, Beliefs(), 9, piece)
        np.testing.assert_array_equal(part.demand, whole.demand[piece.start : piece.stop])
        np.testing.assert_array_equal(part.roughness, whole.roughness[piece.start : piece.stop])


def test_one_belief_leaves_the_draws_of_the_others(net1: Network) -> None:
    one = draw(net1, Beliefs(node_demand_sd=0.3), 9, range(5))
    two = draw(net1, Beliefs(node_demand_sd=0.1), 9, range(5))
    np.testing.assert_array_equal(one.roughness, two.roughness)
    assert not np.array_equal(one.demand, two.demand)


def test_a_belief_that_is_not_named_is_certain() -> None:
    assert Beliefs.of({"roughness_sd": 0.2}) == Beliefs(zone_factor_sd=0, node_demand_sd=0, roughness_sd=0.2)


def test_equal_networks_have_one_fingerprint_and_a_change_another(net1: Network) -> None:
    again = read_network(package_network("epyt", "Net1"))
    assert network_hash(again) == network_hash(net1)
    length = net1.links.length.copy()
    length[3] = np.nextafter(length[3], np.inf)
    other = dataclasses.replace(net1, links=dataclasses.replace(net1.links, length=length))
    assert network_hash(other) != network_hash(net1)
