"""A zone behind a pressure sustaining valve is taken out while valves go to and fro, and comes back once all else rests.

The network is one of random kinds (`made/zoo 66` of the campaign of damage) whose demands depend on pressure, and turn on and
off within 7 cm.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tweeling.network.inp.read import read_network
from tweeling.physics.hydraulics import reference
from tweeling.physics.hydraulics.contract import Conditions, Outcome, StoppingRule
from tweeling.physics.hydraulics.plan import Plan, make_plan
from tweeling.physics.kernels import cpu


def town() -> tuple[Plan, Conditions]:
    network = read_network(Path(__file__).with_name("second_chance.inp"))
    options = replace(
        network.options, demand_model="PDA", min_pressure=0.0, required_pressure=0.07, pressure_exponent=0.5
    )  # EPANET takes no range below 0.1 ft
    plan = make_plan(replace(network, options=options))
    return plan, plan.conditions()


@pytest.mark.parametrize("solve", [reference.solve, cpu.solve])
def test_the_zone_is_supplied(solve) -> None:  # type: ignore[no-untyped-def]
    plan, conditions = town()
    solution = solve(plan, conditions, plan.cold_flows(conditions), StoppingRule())
    assert solution.outcome[0] == Outcome.OK
    assert not np.isnan(solution.head).any()
    # Not at the first try: in between the zone was dry.
    stopped = solve(plan, conditions, plan.cold_flows(conditions), replace(StoppingRule(), trials=40))
    assert np.isnan(stopped.head).any()


def test_stopped_in_any_trial_members_leave_nothing_behind_in_their_lanes() -> None:
    plan, one = town()
    many = replace(one, demand=one.demand.repeat(40, 0))
    alone = cpu.solve(plan, one, plan.cold_flows(one), StoppingRule())
    for trials in range(1, int(alone.iterations[0]) + 2):
        rule = replace(StoppingRule(), trials=trials)
        alone = cpu.solve(plan, one, plan.cold_flows(one), rule)
        together = cpu.solve(plan, many, plan.cold_flows(many), rule)
        np.testing.assert_array_equal(together.head, alone.head.repeat(40, 0))
        np.testing.assert_array_equal(together.flows.link, alone.flows.link.repeat(40, 0))
        assert (together.outcome == alone.outcome).all()
    assert alone.outcome[0] == Outcome.OK
