"""Speed against EPANET: steady states of many members on one core, both codes timed in turn.

EPANET stops when its last step has moved no more than 1e-5 of all flow; ours when no more is left to move, and it goes on to
1e-6 or 1e-7 where its residuals would else be larger than EPANET's. Cold: 1 ft/s in every link and the file's statuses. Warm:
both go on from the flows of the unperturbed solution with the file's statuses (EPANET: `initH(NOSAVE)`). EPANET's time is
initH + runH, setters of demands left out; ours is the whole call of the engine, packing and unpacking included; both in seconds
of CPU, for machines are shared. Members have demands of 80 to 120 %.

    python benchmarks/speed.py [--quick] [PART OF A NAME ...]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

import reference
from agreement import engine, start
from common import write_result
from tweeling.network.inp.read import read_network
from tweeling.network.network import LinkKind
from tweeling.physics.hydraulics import balance
from tweeling.physics.hydraulics.contract import Conditions, Flows, Solution, Status, StoppingRule
from tweeling.physics.hydraulics.plan import Plan, make_plan

RULE = StoppingRule(accuracy=1e-5)
TIGHTER = (RULE, StoppingRule(accuracy=1e-6), StoppingRule(accuracy=1e-7))
"""Ours stops at the first of these that leaves residuals no larger than EPANET's at 1e-5."""
REPETITIONS = 5
RESIDUAL_MEMBERS = 10


@dataclass(frozen=True)
class Town:
    """A network: how many members ours solves and EPANET solves per repetition, and the ratio that is asked, and aimed at."""

    name: str
    members: int
    epanet: int
    least: float
    aim: float


TOWNS = (
    Town("epyt/L-TOWN", 1000, 60, 15, 30),
    Town("epyt/Net3", 1000, 400, 12, 30),
    Town("epyt/ky10", 1000, 60, 15, 30),
    Town("epyt/BWSN_Network_2", 1000, 8, 8, 20),
    Town("data/vitens-25k", 200, 5, 8, 20),
)


class Epanet:
    """EPANET with the members' demands, timed."""

    def __init__(self, path: Path, factors: Any) -> None:
        self.toolkit = reference.Toolkit(path, Path(tempfile.mkdtemp()) / "report.txt")
        self.en, self.project = self.toolkit.en, self.toolkit.project
        self.toolkit.limits(1e-5)
        self.factors = factors
        en, project = self.en, self.project
        self.base = [
            (node, category, en.getbasedemand(project, node, category))
            for node in range(1, factors.shape[1] + 1)
            for category in range(1, en.getnumdemands(project, node) + 1)
        ]
        en.openH(project)

    def demands(self, factor: Any) -> None:
        """Sets every demand to its base times a factor of its junction."""
        set_base, project = self.en.setbasedemand, self.project
        for node, category, value in self.base:
            set_base(project, node, category, value * factor[node - 1])

    def solve(self, flag: int) -> float:
        """Seconds of one initH and runH."""
        init, run, project = self.en.initH, self.en.runH, self.project
        began = process_time()
        init(project, flag)
        run(project)
        return process_time() - began

    def member(self, member: int, warm: bool) -> tuple[float, float]:
        """Seconds and iterations of one member."""
        if warm:
            self.demands(np.ones(self.factors.shape[1]))
            self.solve(self.en.INITFLOW)
        self.demands(self.factors[member])
        seconds = self.solve(self.en.NOSAVE if warm else self.en.INITFLOW)
        return seconds, self.en.getstatistic(self.project, self.en.ITERATIONS)

    def overhead(self) -> float:
        """Seconds that two calls into the toolkit cost by themselves."""
        began = process_time()
        for _ in range(20_000):
            self.en.getcount(self.project, self.en.NODECOUNT)
        return (process_time() - began) / 10_000


def residuals_of_epanet(plan: Plan, conditions: Conditions, epanet: Epanet) -> tuple[float, float]:
    """Largest residuals of mass (m3/s) and energy (m) of the state that EPANET holds; control valves left out."""
    toolkit, units = epanet.toolkit, epanet.toolkit.units
    flow = (toolkit.links(epanet.en.FLOW) * units.flow_si)[None]
    head = (toolkit.nodes(epanet.en.HEAD) * units.length_si)[None]
    leaving = (toolkit.nodes(epanet.en.DEMAND) * units.flow_si)[None, : plan.n_junctions]
    return _residuals(plan, conditions, head, flow, leaving)


def residuals_of_both(
    plan: Plan, conditions: Conditions, solution: Solution, epanet: Epanet, members: list[int], warm: bool
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Largest residuals of mass and energy over some members, ours and EPANET's; EPANET solves them once more."""
    mine, theirs = [], []
    leaving = balance.outflow(solution.flows)
    for member in members:
        alone = replace(conditions, demand=conditions.demand[[member]])
        mine.append(_residuals(plan, alone, solution.head[[member]], solution.flows.link[[member]], leaving[[member]]))
        epanet.member(member, warm)
        theirs.append(residuals_of_epanet(plan, alone, epanet))
    return _largest(mine), _largest(theirs)


def no_larger(mine: tuple[float, float], theirs: tuple[float, float]) -> bool:
    """Whether our residuals of mass and energy are no larger than EPANET's, or too small to tell (1e-8 m3/s, 1e-6 m)."""
    return all(ours <= max(other, small) for ours, other, small in zip(mine, theirs, (1e-8, 1e-6), strict=True))


def _largest(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    return max(mass for mass, _ in pairs), max(energy for _, energy in pairs)


def _residuals(plan: Plan, conditions: Conditions, head: Any, flow: Any, leaving: Any) -> tuple[float, float]:
    status = np.where(flow == 0, Status.CLOSED, Status.OPEN).astype(np.int8)
    with np.errstate(all="ignore"):
        energy = balance.energy_residual(plan, conditions, head, flow, status, conditions.setting)
    valves = np.isin(plan.network.links.kind, (LinkKind.PRV, LinkKind.PSV, LinkKind.FCV))
    mass = balance.mass_residual(plan, head, flow, leaving)
    return float(np.abs(mass).max(initial=0)), float(np.abs(np.where(valves, 0.0, energy)).max(initial=0))


def compare(town: Town, file: reference.File, members: int, repetitions: int) -> list[dict[str, Any]]:
    """Cold, warm and as used; one mapping each."""
    plan = make_plan(read_network(file.path))
    solve = engine("cpu")
    base, cold = start(plan)
    rng = np.random.default_rng(1)
    factors = rng.uniform(0.8, 1.2, (members, plan.n_junctions))
    perturbed = replace(base, demand=base.demand * factors)
    settled = solve(plan, base, cold, RULE)
    kept = replace(perturbed, status=settled.status, setting=settled.setting)
    epanet = Epanet(file.path, factors)
    cases: tuple[tuple[str, Conditions, Flows, bool, StoppingRule], ...] = (
        ("cold", perturbed, cold, False, RULE),
        ("warm", perturbed, settled.flows, True, RULE),
        ("as used", kept, settled.flows, True, StoppingRule()),
    )
    found = []
    for name, conditions, flows, warm, wanted in cases:
        ratios, ours_us, theirs_us, their_iterations = [], [], [], []
        for rule in TIGHTER if wanted is RULE else (wanted,):
            solution = solve(plan, conditions, flows, rule)  # compiled and in the cache from here on
            some = list(range(min(RESIDUAL_MEMBERS, members)))
            if no_larger(*residuals_of_both(plan, conditions, solution, epanet, some, warm)):
                break
        for repetition in range(repetitions):
            picked = [(repetition * town.epanet + i) % members for i in range(min(town.epanet, members))]
            timed = [epanet.member(member, warm) for member in picked]
            began = process_time()
            solution = solve(plan, conditions, flows, rule)
            ours_us.append((process_time() - began) / members * 1e6)
            theirs_us.append(float(np.mean([seconds for seconds, _ in timed])) * 1e6)
            their_iterations += [iterations for _, iterations in timed]
            ratios.append(theirs_us[-1] / ours_us[-1])
        mine, theirs = residuals_of_both(plan, conditions, solution, epanet, picked[:RESIDUAL_MEMBERS], warm)
        found.append(
            {
                "network": town.name,
                "start": name,
                "accuracy": rule.accuracy,
                "ratio": float(np.median(ratios)),
                "ratios": ratios,
                "ours_us": float(np.median(ours_us)),
                "epanet_us": float(np.median(theirs_us)),
                "ours_iterations": float(solution.iterations.mean()),
                "epanet_iterations": float(np.mean(their_iterations)),
                "ours_converged": float((solution.outcome <= 1).mean()),
                "mass": [mine[0], theirs[0]],
                "energy": [mine[1], theirs[1]],
                "members": members,
                "epanet_members": min(town.epanet, members) * repetitions,
                "call_overhead_us": epanet.overhead() * 1e6,
            }
        )
        print(_said(found[-1]), flush=True)
    return found


def _said(case: dict[str, Any]) -> str:
    mass, energy = (" / ".join(f"{value:.0e}" for value in case[name]) for name in ("mass", "energy"))
    tighter = "" if case["accuracy"] in (None, RULE.accuracy) else f" (ours stops at {case['accuracy']:.0e})"
    return (
        f"{case['network']:20} {case['start']:8} {case['ratio']:5.1f} x{tighter}: {case['ours_us']:.1f} us, EPANET "
        f"{case['epanet_us']:.0f} us a member; iterations {case['ours_iterations']:.1f} / {case['epanet_iterations']:.1f}; "
        f"mass {mass} m3/s, energy {energy} m; converged {100 * case['ours_converged']:.1f} %"
    )


def main() -> None:
    """Times every network and writes the result."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("parts", nargs="*", help="only networks whose name contains one of these; then nothing is written")
    parser.add_argument("--quick", action="store_true", help="few members, two repetitions; then nothing is written")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    there = {file.name: file for file in reference.files()}
    cases: list[dict[str, Any]] = []
    rows = []
    for town in TOWNS:
        if town.name not in there or (asked.parts and not any(part in town.name for part in asked.parts)):
            continue
        members, repetitions = (64, 2) if asked.quick else (town.members, REPETITIONS)
        for case in compare(town, there[town.name], members, repetitions):
            cases.append(case)
            asks = case["start"] != "as used"
            mine, theirs = zip(case["mass"], case["energy"], strict=True)
            balanced = no_larger(mine, theirs)
            rows.append(
                {
                    "row": "speed, one core, " + case["start"],
                    "what": f"{town.name}, {case['members']} members",
                    "at_least": f"EPANET / ours >= {town.least:g}" if asks else "",
                    "aim": f"{town.aim:g}" if asks else "",
                    "measured": _said(case).split(maxsplit=1)[1].removeprefix(case["start"]).strip(),
                    "verdict": "stated" if not asks else "met" if case["ratio"] >= town.least and balanced else "short",
                }
            )
    if asked.parts or asked.quick:
        return
    write_result(
        "speed",
        rows,
        notes=[
            "Median of five repetitions in which EPANET and we are timed in turn, pinned to one core; time a member, mean "
            f"iterations and residuals as ours / EPANET's. Residuals are the largest of {RESIDUAL_MEMBERS} members, by a "
            "function that neither code uses; residuals up to 1e-8 m3/s and 1e-6 m count as none.",
            "Cold and warm stop at 1e-5 in both codes (ours later where its residuals would be larger); as used, ours keeps "
            "the statuses of the unperturbed solution and stops by its own rule (losses right to 1e-7 m), "
            "while EPANET does what it does when warm.",
            "EPANET solves a sample of the members in each repetition: "
            + "; ".join(f"{town.name} {town.epanet}" for town in TOWNS if town.name in there)
            + f". Two calls into its toolkit cost {min(c['call_overhead_us'] for c in cases):.1f} us by themselves, included.",
            "Rows of the data folder are left out where it is not there."
            if reference.data_folder() is None
            else "vitens-25k is run with fewer members, for memory and time.",
        ],
        details=cases,
    )


if __name__ == "__main__":
    main()
