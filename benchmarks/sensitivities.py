"""Derivatives of `tw.sensitivities`: against differences of tight solves, all inputs; and what they cost.

Differences (`tests/differences.py`): every input is moved both ways by steps that shrink by 4, each solve to 1e-12; the three
estimates that agree best are extrapolated. Not judged, and counted: inputs for which in every pair a status flips or a link or
an outlet passes to another piece of its law; entries whose three estimates differ by more than 1e-6 of their row, for they do
not know themselves; rows that are nothing but rounding (below 1e-9 in SI). An entry is right within 1e-5 of the largest of
its row.

    python benchmarks/sensitivities.py [--quick] [PART OF A NAME ...]
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time
from typing import Any

os.environ.setdefault("TWEELING_THREADS", "1")  # one core is what is measured

import numpy as np
import numpy.typing as npt

import reference
import tweeling as tw
from agreement import engine, start
from common import write_result
from tweeling.network.inp.read import read_network
from tweeling.network.network import LinkKind, Network
from tweeling.physics.hydraulics.contract import Conditions, Outcome, Status, StoppingRule
from tweeling.physics.hydraulics.plan import Plan, make_plan
from tweeling.physics.hydraulics.sensitivity import sensitivities_of

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from differences import Place, differences, inputs_of, settled

LIMIT, KNOWN, LEAST = 1e-5, 1e-6, 1e-9
"""of the largest of a row: what an entry may be off, what estimates may differ; SI: rows that are only rounding."""
SENSORS, METERS = 33, 3
MEMBERS = 100
REPETITIONS = 9
L_TOWN_METERS = ("p227", "p235", "PUMP_1")


@dataclass(frozen=True)
class Case:
    """A network and what is changed in it before derivatives are taken."""

    name: str
    file: str
    change: Callable[[Network], Network] = lambda network: network
    leaks: bool = False


def pressure_driven(network: Network) -> Network:
    """Demands that depend on pressure, with some that are not met in full."""
    options = replace(network.options, demand_model="PDA", min_pressure=5.0, required_pressure=45.0)
    return replace(network, options=options)


def darcy_weisbach(network: Network) -> Network:
    """Old steel by Darcy-Weisbach."""
    roughness = np.where(network.links.kind <= LinkKind.PIPE, 2.6e-4, network.links.roughness)
    links = replace(network.links, roughness=roughness)
    return replace(network, options=replace(network.options, headloss="DW"), links=links)


CASES = (
    Case("Net3", "epyt/Net3"),
    Case("L-Town", "epyt/L-TOWN"),
    Case("ky10", "epyt/ky10"),
    Case("BWSN_Network_1", "epyt/BWSN_Network_1"),
    Case("L-Town, pressure-driven, leaks and emitters", "epyt/L-TOWN", pressure_driven, leaks=True),
    Case("Net3, Darcy-Weisbach, leaks and emitters", "epyt/Net3", darcy_weisbach, leaks=True),
)


@dataclass
class Verdict:
    """What was found of one table of one case."""

    table: str
    inputs: int
    excluded: int
    judged: int = 0
    undecided: int = 0
    wrong: int = 0
    worst: float = 0.0


def outputs_of(network: Network) -> list[Place]:
    """As many heads and flows as L-Town has sensors, drawn at random; valves that hold a pressure are among the flows."""
    rng = np.random.default_rng(1)
    nodes = rng.choice(network.nodes.n_junctions, min(SENSORS, network.nodes.n_junctions), replace=False)
    links = rng.choice(len(network.links), METERS, replace=False)
    valves = np.flatnonzero(np.isin(network.links.kind, (LinkKind.PRV, LinkKind.PSV)))[:2]
    places: list[Place] = [("node", int(node)) for node in nodes]
    return [*places, *(("link", int(link)) for link in {*links.tolist(), *valves.tolist()})]


def conditions_of(case: Case, plan: Plan) -> Conditions:
    """The file's conditions at time 0, with leaks and emitters at every tenth junction where the case says so."""
    conditions, _ = start(plan)
    if not case.leaks:
        return conditions
    rng = np.random.default_rng(2)
    some = rng.random((2, 1, plan.n_junctions)) < 0.1
    typical = float(np.abs(conditions.demand).mean())
    return replace(conditions, leak_area=some[0] * typical * 0.05, emitter=conditions.emitter + some[1] * typical * 0.2)


def judge(case: Case, file: reference.File) -> tuple[list[Verdict], str]:
    """Every input of one case, and a word on its state."""
    plan, solve = make_plan(case.change(read_network(file.path))), engine("cpu")
    conditions = conditions_of(case, plan)
    solution = solve(plan, conditions, plan.cold_flows(conditions), StoppingRule())
    conditions, solution = settled(solve, plan, conditions, solution)
    places = outputs_of(plan.network)
    found = sensitivities_of(plan, conditions, solution, places)
    verdicts = []
    for name, given in inputs_of(plan, conditions, solution).items():
        theirs = differences(solve, plan, conditions, solution, places, given)
        column = plan.pump_of_link[theirs.element] if name == "speed" else theirs.element
        ours = getattr(found, name)[0][:, column]
        verdicts.append(_verdict(name, ours, theirs.estimate, theirs.doubt))
    active = int((solution.status == Status.ACTIVE).sum())
    return verdicts, f"{Outcome(solution.outcome[0]).name.lower()}, {active} valves regulating"


def _verdict(name: str, ours: Any, estimate: Any, doubt: Any) -> Verdict:
    verdict = Verdict(name, ours.shape[1], int(np.isnan(doubt).all(0).sum()))
    if not ours.size:
        return verdict
    size = np.nan_to_num(np.maximum(np.abs(ours), np.abs(estimate))).max(1, initial=0.0)[:, None]
    there = ~np.isnan(doubt) & (size > LEAST) & ~np.isnan(ours)
    known = there & (doubt <= KNOWN * size)
    off = np.where(known, np.abs(ours - estimate) / np.maximum(size, LEAST), 0.0)
    verdict.judged, verdict.undecided = int(known.sum()), int((there & ~known).sum())
    verdict.wrong, verdict.worst = int((off > LIMIT).sum()), float(off.max(initial=0.0))
    return verdict


def differences_row(case: Case, verdicts: list[Verdict], state: str) -> dict[str, str]:
    """One row of the page."""
    judged, wrong = sum(v.judged for v in verdicts), sum(v.wrong for v in verdicts)
    worst = max(verdicts, key=lambda v: v.worst)
    inputs, excluded = sum(v.inputs for v in verdicts), sum(v.excluded for v in verdicts)
    return {
        "row": "sensitivities, finite differences",
        "what": f"{case.name} ({state})",
        "at_least": "all within 1e-5 of the row's largest",
        "aim": "",
        "measured": f"{judged:,} entries of {inputs:,} inputs: {wrong} wrong, largest {worst.worst:.1e} ({worst.table}); "
        f"{excluded} inputs at a kink, {sum(v.undecided for v in verdicts):,} entries that differences do not know",
        "verdict": "met" if wrong == 0 and judged > 0 else "short",
    }


def seconds(work: Callable[[], Any], repetitions: int) -> float:
    """Least seconds of CPU of several."""
    work()
    best = np.inf
    for _ in range(repetitions):
        began = process_time()
        work()
        best = min(best, process_time() - began)
    return float(best)


def speed(file: reference.File, repetitions: int) -> tuple[list[dict[str, str]], dict[str, float]]:
    """L-Town, 36 outputs and all inputs: one member, and per member of a batch."""
    network = read_network(file.path)
    rng = np.random.default_rng(3)
    junctions = rng.choice(network.nodes.n_junctions, SENSORS, replace=False)
    outputs = [*(network.nodes.ids[node] for node in junctions), *L_TOWN_METERS]
    one = tw.solve(network)
    spread: npt.NDArray[np.float64] = rng.uniform(0.8, 1.2, (MEMBERS, network.nodes.n_junctions))
    many = tw.solve(network, demand=one.conditions.demand * spread)
    rough = tw.solve(
        network,
        demand=one.conditions.demand * spread,
        roughness=network.links.roughness * rng.uniform(0.9, 1.1, (MEMBERS, len(network.links))),
    )
    some = ("demand", "log_roughness", "setting")
    times = {
        "one": seconds(lambda: tw.sensitivities(network, one, outputs), 5 * repetitions),
        "batch": seconds(lambda: tw.sensitivities(network, many, outputs), repetitions) / MEMBERS,
        "batch, own roughness": seconds(lambda: tw.sensitivities(network, rough, outputs), repetitions) / MEMBERS,
        "batch, three tables": seconds(lambda: tw.sensitivities(network, many, outputs, some), repetitions) / MEMBERS,
    }
    limits = {"one": (5e-3, 1e-3), "batch": (1e-3, 2e-4), "batch, own roughness": (1e-3, 2e-4)}
    names = {
        "one": "one member",
        "batch": f"per member of {MEMBERS}",
        "batch, own roughness": f"per member of {MEMBERS}, each with roughness of its own",
        "batch, three tables": f"per member of {MEMBERS}, demand, roughness and settings only",
    }
    rows = []
    for key, value in times.items():
        least, aim = limits.get(key, (None, None))
        rows.append({
            "row": "sensitivities, speed",
            "what": f"L-Town, {SENSORS} heads and {METERS} flows by all inputs, {names[key]}",
            "at_least": f"{least * 1e3:g} ms" if least else "",
            "aim": f"{aim * 1e3:g} ms" if aim else "",
            "measured": f"{value * 1e3:.3f} ms" + (", aim met" if aim and value <= aim else ""),
            "verdict": "stated" if least is None else "met" if value <= least else "short",
        })  # fmt: skip
    return rows, times


def main() -> None:
    """Judges, measures, and writes the result."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("parts", nargs="*", help="only cases whose name contains one of these")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions; writes nothing")
    asked = parser.parse_args()
    files = {file.name: file for file in reference.files()}
    rows, details = [], {}
    for case in CASES:
        if asked.parts and not any(part.lower() in case.name.lower() for part in asked.parts):
            continue
        verdicts, state = judge(case, files[case.file])
        rows.append(differences_row(case, verdicts, state))
        details[case.name] = [vars(verdict) for verdict in verdicts]
        print(rows[-1]["what"], "-", rows[-1]["measured"], flush=True)
        for verdict in verdicts:
            print("   ", verdict, flush=True)
    times, details["seconds"] = speed(files["epyt/L-TOWN"], 3 if asked.quick else REPETITIONS)
    for row in times:
        print(row["what"], "-", row["measured"], flush=True)
    if not asked.quick and not asked.parts:
        notes = [" ".join(str(__doc__).split("\n\n")[1].split())]
        notes.append(
            "Speed: the whole call of `tw.sensitivities` on one core for a state that is solved, seconds of CPU, least of "
            "several; all seven tables unless said otherwise."
        )
        write_result("sensitivities", [*rows, *times], notes, details)


if __name__ == "__main__":
    main()
