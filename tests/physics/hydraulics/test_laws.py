"""What every law of a link owes to the method that solves it: it never falls with the flow, and it never jumps.

Where a law jumps there may be no steady state at all, only one on either side.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tweeling.network.inp.read import read_network
from tweeling.network.network import Floats, LinkKind
from tweeling.physics.hydraulics import laws
from tweeling.physics.hydraulics.plan import Plan, make_plan

TEXT = """[JUNCTIONS]
A 0 0
B 0 0
[RESERVOIRS]
R 50
[PIPES]
pipe R A 100 100 {rough} 2
thin R B 100 1 {rough} 0
[PUMPS]
one A B HEAD ONE
three A B HEAD THREE
many A B HEAD MANY SPEED 0.8
power A B POWER 4
[VALVES]
open A B 100 TCV 0
throttle A B 100 TCV 20
loss A B 100 GPV LOSS
above A B 100 GPV ABOVE
position A B 100 PCV 40 2 PART
breaker A B 100 PBV 10 2
[CURVES]
ONE 20 40
THREE 0 50
THREE 20 40
THREE 40 15
MANY 0 60
MANY 10 55
MANY 30 40
MANY 50 10
LOSS 0 0
LOSS 10 2
LOSS 20 2
LOSS 40 9
ABOVE 5 3
ABOVE 40 9
PART 10 5
PART 50 30
PART 100 100
[OPTIONS]
UNITS LPS
HEADLOSS {formula}
[END]
"""


def losses(plan: Plan, flow: Floats) -> Floats:
    """Losses of all links, m; (member, link) from (member, link)."""
    conditions = plan.conditions()
    setting, rough = (np.broadcast_to(array, flow.shape) for array in (conditions.setting, conditions.roughness))
    return laws.link_loss(plan, flow, setting, plan.resistance(rough), rough)[0]


@pytest.mark.parametrize(("formula", "rough"), [("H-W", 100), ("D-W", 0.1), ("C-M", 0.012)])
def test_no_law_jumps_and_none_falls(tmp_path: Path, formula: str, rough: float) -> None:
    path = tmp_path / "all.inp"
    path.write_text(TEXT.format(formula=formula, rough=rough))
    plan = make_plan(read_network(path))
    links = plan.network.links
    # A pump of constant power has no law for flow back, and stands still next to none.
    least = np.array([1e-3 if name == "power" else -0.2 for name in links.ids])
    flow = least + np.linspace(0, 1, 401)[:, None] * (0.2 - least)
    # On a flat piece of a curve a loss rises by EPANET's least slope, and is back at the next point.
    assert (np.diff(losses(plan, flow), axis=0) >= -1e-6).all()
    low, high = flow[:-1], flow[1:]
    for _ in range(100):  # into the half over which more is lost
        middle = (low + high) / 2
        first, second, third = (losses(plan, at) for at in (low, middle, high))
        left = np.abs(second - first) > np.abs(third - second)
        low, high = np.where(left, low, middle), np.where(left, middle, high)
    jump = np.abs(losses(plan, high) - losses(plan, low)) / (1 + np.abs(losses(plan, low)))
    assert (jump < 1e-6).all(), [str(links.ids[at]) for at in np.flatnonzero((jump >= 1e-6).any(0))]
    assert set(links.kind) >= {LinkKind.PIPE, LinkKind.PUMP, LinkKind.GPV, LinkKind.PCV, LinkKind.PBV, LinkKind.TCV}
