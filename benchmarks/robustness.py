"""Robustness: random breaks, closures and pump failures on five networks. Does every member end well, or say what is dry?

python benchmarks/robustness.py [--quick]
"""

from __future__ import annotations

import argparse
import traceback
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

import reference
import tweeling as tw
from agreement import engine, start
from common import write_result
from tweeling.network.changes import BreakPipe, Change, CloseLink, StopPump
from tweeling.network.inp.read import read_network
from tweeling.network.network import LinkKind
from tweeling.physics.hydraulics import balance
from tweeling.physics.hydraulics.contract import Conditions, Outcome, Status, StoppingRule
from tweeling.physics.hydraulics.plan import Plan, make_plan

NETWORKS = ("epyt/L-TOWN", "epyt/Net3", "epyt/ky10", "epyt/BWSN_Network_1", "epyt/BWSN_Network_2")
MASS, ENERGY = 1e-6, 1e-3
"""m3/s, m: what a member that says it has converged may be off"""
EVENTS, CHANGED, DAYS = 200, 20, 5
"""on each network: members of a batch, changed networks that are solved, and of these the ones that run for a day"""


def spoilt(plan: Plan, base: Conditions, n_members: int, rng: np.random.Generator) -> Conditions:
    """Members with 1 to 5 pipes closed, up to 3 breaks of 1 to 300 cm2, pumps that fail, demands of 0 to 300 %."""
    kind = plan.network.links.kind
    pipes, pumps = np.flatnonzero(kind <= LinkKind.PIPE), np.flatnonzero(kind == LinkKind.PUMP)
    status = np.repeat(base.status, n_members, axis=0)
    leak = np.zeros((n_members, plan.n_junctions))
    demand = np.repeat(base.demand, n_members, axis=0) * rng.choice([0.0, 0.5, 1.0, 1.0, 1.0, 3.0], (n_members, 1))
    for member in range(n_members):
        status[member, rng.choice(pipes, rng.integers(1, 6))] = Status.CLOSED
        broken = rng.choice(plan.n_junctions, rng.integers(0, 4))
        leak[member, broken] = 10 ** rng.uniform(-4, -1.5, len(broken))
        if rng.random() < 0.3:
            status[member, pumps[rng.random(len(pumps)) < 0.5]] = Status.CLOSED
    return replace(base, status=status, leak_area=leak, demand=demand)


def event(network: tw.Network, rng: np.random.Generator) -> Change:
    """A pipe that closes or breaks or, where there are pumps, a pump that stops."""
    kind, ids = network.links.kind, network.links.ids
    pipe, pumps = ids[rng.choice(np.flatnonzero(kind <= LinkKind.PIPE))], np.flatnonzero(kind == LinkKind.PUMP)
    events: list[Change] = [CloseLink(pipe), BreakPipe(pipe, coefficient=10 ** rng.uniform(-4, -2))]
    if len(pumps):
        events.append(StopPump(ids[rng.choice(pumps)]))
    return events[rng.integers(len(events))]


def changed(network: tw.Network, n_events: int, n_days: int) -> tuple[Counter[str], list[str]]:
    """How events on a network of their own end: steady states, and 24 hours of the first of them; and which end badly."""
    rng = np.random.default_rng(2)
    count: Counter[str] = Counter()
    bad = []
    for number in range(n_events):
        change = event(network, rng)
        ended = {}
        try:
            after = network.with_changes([change])
            ended["steady"] = str(tw.solve(after).info.status[0])
            if number < n_days:
                ended["day"] = str(tw.simulate(after, hours=24, keep=[network.nodes.ids[0]]).info.status[0])
        except Exception:  # what is counted here
            traceback.print_exc()
            ended["run"] = "exception"
        count.update(ended.values())
        bad += [f"{what} {how}: {change}" for what, how in ended.items() if how not in ("ok", "unsupplied")]
    return count, bad


def main() -> None:
    """Solves every event and counts how it ended."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--quick", action="store_true", help="20 events on each network; then nothing is written")
    asked = parser.parse_args()
    there = {file.name: file for file in reference.files()}
    count: Counter[str] = Counter()
    details: dict[str, Any] = {}
    alone: Counter[str] = Counter()
    badly: dict[str, list[str]] = {}
    for name in NETWORKS:
        network = read_network(there[name].path)
        ended_alone, badly[name] = changed(network, 3 if asked.quick else CHANGED, 1 if asked.quick else DAYS)
        alone.update(ended_alone)
        print(f"{name:25} alone: {dict(ended_alone)} {badly[name]}", flush=True)
        plan = make_plan(network)
        base, _ = start(plan)
        conditions = spoilt(plan, base, 20 if asked.quick else EVENTS, np.random.default_rng(1))
        try:
            solution = engine("cpu")(plan, conditions, plan.cold_flows(conditions), StoppingRule())
        except Exception:  # what is counted here
            traceback.print_exc()
            count["exception"] += len(conditions.demand)
            continue
        ended = Counter(Outcome(outcome).name.lower() for outcome in solution.outcome)
        left = balance.residuals(plan, conditions, solution)
        told = solution.outcome <= Outcome.UNSUPPLIED
        named = int(((solution.outcome == Outcome.UNSUPPLIED) & (solution.culprit >= 0)).sum())
        details[name] = {
            "ended": dict(ended),
            "dry island named": named,
            "balanced": int((told & (left.mass <= MASS) & (left.energy <= ENERGY)).sum()),
            "mass": f"{left.mass[told].max(initial=0):.0e}",
            "energy": f"{left.energy[told].max(initial=0):.0e}",
            "failed members": np.flatnonzero(~told).tolist(),
        }
        count.update(ended)
        print(f"{name:25} {details[name]}", flush=True)
    total = sum(count.values())
    good_alone = (alone["ok"] + alone["unsupplied"]) / sum(alone.values())
    good = (count["ok"] + count["unsupplied"]) / total
    balanced = sum(found["balanced"] for found in details.values()) / total
    print(f"{total} events: {100 * good:.2f} % end well, {100 * balanced:.2f} % balance, {count['exception']} exceptions")
    if asked.quick:
        return
    write_result(
        "robustness",
        [
            {
                "row": "robustness",
                "what": f"{total} random breaks, closures and pump failures on {len(NETWORKS)} networks",
                "at_least": "0 exceptions; > 99.5 % converge or name a dry island",
                "aim": "",
                "measured": f"{count['exception']} exceptions; {100 * good:.2f} % say so, {100 * balanced:.2f} % balance",
                "verdict": "met" if min(good, balanced) > 0.995 and not count["exception"] else "short",
            },
            {
                "row": "robustness",
                "what": f"{CHANGED} changed networks of each by `tw.solve`, {DAYS} of them a day by `tw.simulate`",
                "at_least": "0 exceptions; > 99.5 % converge or name a dry island",
                "aim": "",
                "measured": f"{alone['exception']} exceptions; {100 * good_alone:.2f} % of {sum(alone.values())} runs say so",
                "verdict": "met" if good_alone > 0.995 and not alone["exception"] else "short",
            },
        ],
        notes=[
            *(
                f"{name}: {found['ended']}; {found['balanced']} balance within {MASS:.0e} m3/s and {ENERGY:.0e} m, the worst "
                f"of those that say so is off by {found['mass']} m3/s and {found['energy']} m."
                for name, found in details.items()
            ),
            *(f"{name}: changed networks that end badly: {'; '.join(found)}." for name, found in badly.items() if found),
        ],
        details=details,
    )


if __name__ == "__main__":
    main()
