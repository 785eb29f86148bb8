"""Several threads take members from one queue: each member goes to one of them, and it does not matter to which."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numba
import numpy as np
import numpy.typing as npt
import pytest

import tweeling as tw
from networks import package_network
from tweeling.network.network import Ints
from tweeling.physics.hydraulics.contract import StoppingRule
from tweeling.physics.hydraulics.plan import make_plan
from tweeling.physics.kernels.cpu import solve
from tweeling.physics.kernels.queue import take_next


@numba.njit(nogil=True)  # type: ignore[untyped-decorator]
def take_many(queue: Ints, taken: Ints) -> None:
    for i in range(taken.shape[0]):
        taken[i] = take_next(queue, 3)


def test_nobody_gets_a_number_that_another_has() -> None:
    queue, taken = np.zeros(1, dtype=np.int64), np.zeros((4, 500_000), dtype=np.int64)
    take_many(queue, taken[0, :0])  # compiled
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda mine: take_many(queue, mine), taken))
    np.testing.assert_array_equal(np.sort(taken, axis=None), 3 * np.arange(taken.size))


@pytest.mark.parametrize("members", [1, 17, 130, 1999])
def test_members_are_the_same_whoever_solves_them(members: int) -> None:
    plan = make_plan(tw.read_network(package_network("epyt", "Net3")))
    base = plan.conditions()
    shape: npt.NDArray[np.float64] = np.random.default_rng(members).uniform(0.3, 1.7, (members, plan.n_junctions))
    conditions = replace(base, demand=base.demand * shape)
    flows = plan.cold_flows(conditions)
    alone = solve(plan, conditions, flows, StoppingRule())
    for threads in (2, 3, 8):
        shared = solve(plan, conditions, flows, StoppingRule(), threads=threads)
        for name in ("head", "status", "net_inflow", "iterations", "outcome", "error"):
            np.testing.assert_array_equal(getattr(shared, name), getattr(alone, name), err_msg=name)
        for name, flow in vars(shared.flows).items():
            np.testing.assert_array_equal(flow, getattr(alone.flows, name), err_msg=name)
