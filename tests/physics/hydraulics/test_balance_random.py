"""Small random networks of everything there is: whatever a member says of itself, its balances must say, too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from small_networks import small_networks
from tweeling.network.network import Network
from tweeling.physics.hydraulics import balance
from tweeling.physics.hydraulics.contract import Outcome, StoppingRule
from tweeling.physics.hydraulics.plan import make_plan
from tweeling.physics.hydraulics.reference import passes, solve, unreached


# The specification, and the same examples every time: of a hundred thousand cases of damage some still fail, more of them in
# the kernels (`benchmarks/damage.py` counts them).
@settings(max_examples=60, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(
    network=small_networks(),
    factors=st.lists(st.sampled_from([0.0, 1.0, 3.0, 100.0]), min_size=2, max_size=2),
    leak=st.sampled_from([0.0, 1e-4, 1e-2]),
)
def test_what_a_member_tells_is_balanced(network: Network, factors: list[float], leak: float) -> None:
    plan = make_plan(network)
    base = plan.conditions()
    area = np.zeros((1, plan.n_junctions))
    area[0, 0] = leak
    conditions = replace(base, demand=base.demand * np.array(factors)[:, None], leak_area=area)
    with np.errstate(all="ignore"):  # heads of 1e10 m and their squares
        solution = solve(plan, conditions, plan.cold_flows(conditions), StoppingRule(head=1e-8))
        told = solution.outcome <= Outcome.UNSUPPLIED
        left = balance.residuals(plan, conditions, solution)
        loss = np.abs(balance.head_loss(plan, conditions, solution.flows.link, solution.status, solution.setting))
        lawful = balance.lawful_outflow(plan, conditions, solution.head)
    leaving = balance.outflow(solution.flows)
    sums = np.abs(solution.flows.link).sum(1) + np.abs(leaving).sum(1)
    heads = np.nan_to_num(np.abs(solution.head)).max(1)
    assert np.all(left.mass[told] <= 1e-8 + 1e-13 * sums[told])
    least = plan.constants.min_gradient * np.abs(solution.flows.link).max(1, initial=0)
    # A flow of 1e-12 m3/s, which delays nobody, is worth some mm in a pipe of 1 mm.
    assert np.all(left.energy[told] <= 5e-3 + (1e-12 * heads + 1e-6 * np.nan_to_num(loss).max(1) + least)[told])
    assert np.all(left.leaking[told] == 0)
    assert np.all(left.setting[solution.outcome == Outcome.OK] <= 1e-9)  # nothing flows in dry zones
    barred = 2 * (heads + 100) / plan.constants.barrier
    assert np.all(np.abs(leaving - lawful).max(1)[told] <= (1e-6 + barred + 1e-6 * sums)[told])
    dry = unreached(plan, passes(plan, solution.status, solution.setting))
    np.testing.assert_array_equal(np.isnan(solution.head)[told], dry[told])
    np.testing.assert_array_equal(solution.outcome[told] == Outcome.UNSUPPLIED, dry.any(1)[told])
    assert np.all(told | (solution.culprit >= 0))
