"""Random damage on many networks: does every member converge, or say truly what is dry? Balances judged apart from the solver.

A case is good when its member converged or named a junction without supply, when every junction's balance is closed to
1e-8 m3/s (and a part in 1e13 of the flows that meet there, their rounding), heads and outlets keep their laws, and what is
called dry is cut off. Everything else is a failure and listed by network, batch and member.

    python benchmarks/damage.py [--cases N] [--seed S] [--fresh] [--only NETWORK [--batch B [--member M]]]

Stop it when you like: finished batches are kept in the system's temporary folder, and the same command goes on.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from agreement import engine
from common import write_result
from damage_cases import BATCH, Batch, batch_of
from damage_networks import WEIGHTS, ZOOS, network_named
from tweeling.network.network import Bools, Floats, LinkKind
from tweeling.physics.hydraulics import balance
from tweeling.physics.hydraulics.contract import Conditions, Outcome, Solution, Status, StoppingRule
from tweeling.physics.hydraulics.plan import PumpLaw
from tweeling.physics.hydraulics.reference import unreached

MASS, ROUNDING = 1e-8, 1e-13
"""m3/s a junction may be off; and in addition of the sum of all flows that meet there, which is their rounding"""
ENERGY, LAW, ACCURATE = 1e-3, 1e-6, 1e-6
"""m a link's loss may be off from its head difference, m3/s an outlet may be off its law; and in addition so many parts of the
loss, and of the sum of all flows, for that is what the stopping rule asks for"""
GOOD = ("ok", "unsupplied")
NAMED = "impossible"
"""A flow control valve that lets less through than the zone behind it takes, named and proven: counted apart."""
HIGHEST = 1e6
"""m: as high as a pump of constant power is asked to lift."""
DETAILS = 100
"""Failures that are listed one by one."""


def share(n_cases: int) -> Iterator[tuple[str, int, range]]:
    """(network, batch, members) of a campaign, network by network."""
    whole = sum(WEIGHTS.values())
    done, upto = 0, 0.0
    for name, weight in WEIGHTS.items():
        upto += weight
        cases, done = round(n_cases * upto / whole) - done, round(n_cases * upto / whole)
        for batch in range(-(-cases // BATCH)):
            yield name, batch, range(min(BATCH, cases - batch * BATCH))


def judged(made: Batch, solution: Solution) -> list[dict[str, Any]]:
    """What became of each member: `verdict`, one of `GOOD` or why not, and what shows it."""
    plan, conditions, n = made.plan, made.conditions, made.plan.n_junctions
    head, flow = solution.head, solution.flows.link
    leaving = balance.outflow(solution.flows)
    mass = np.abs(balance.mass_residual(plan, head, flow, leaving))
    met = _meeting(plan, flow, leaving)
    over = np.nan_to_num(mass - ROUNDING * met, nan=np.inf).max(1, initial=0.0)
    loss = balance.head_loss(plan, conditions, flow, solution.status, solution.setting)
    energy = np.abs(balance.energy_residual(plan, conditions, head, flow, solution.status, solution.setting))
    size = ROUNDING * np.nan_to_num(np.abs(head)).max(1, keepdims=True) + (
        ACCURATE * np.abs(np.nan_to_num(loss)) + plan.constants.min_gradient * np.abs(flow)
    )
    energy = np.nan_to_num(energy - size, nan=np.inf).max(1, initial=0.0)
    lawful = balance.lawful_outflow(plan, conditions, head)
    # Outlets stay inside their limits by a barrier, which EPANET made steep, not upright.
    pressure = np.abs(np.nan_to_num(head[:, :n])) + np.abs(plan.network.nodes.elevation[:n])
    moves = np.abs(flow).sum(1, keepdims=True) + np.abs(leaving).sum(1, keepdims=True)
    off = np.abs(leaving - lawful) - ACCURATE * moves - 2 * pressure / plan.constants.barrier
    off = np.nan_to_num(off, nan=np.inf).max(1, initial=0.0)
    told_dry = np.isnan(head[:, :n])
    cut = unreached(plan, _open(made, solution))[:, :n]
    wronged = _wronged(made, solution, told_dry)
    rows = []
    for member, outcome in enumerate(solution.outcome):
        verdict = Outcome(outcome).name.lower()
        if verdict in GOOD:
            if over[member] > MASS:
                verdict = "mass"
            elif energy[member] > ENERGY:
                verdict = "energy"
            elif off[member] > LAW:
                verdict = "law"
            elif (told_dry[member] != cut[member]).any():
                verdict = "dry by mistake"
            elif wronged[member]:
                verdict = "could be supplied"
        elif verdict == "unbalanced" and _impossible(made, solution, member):
            verdict = "impossible"
        rows.append(
            {
                "verdict": verdict,
                "iterations": int(solution.iterations[member]),
                "mass": _finite(mass[member].max(initial=0.0)),
                "energy": _finite(energy[member]),
                "law": _finite(off[member]),
                "culprit": _named(made, solution, member),
            }
        )
    return rows


def _finite(number: float) -> float:
    """The number as JSON can hold it."""
    return float(np.nan_to_num(number, nan=1e99, posinf=1e99))


def _meeting(plan: Any, flow: Floats, leaving: Floats) -> Floats:
    """Sum of the sizes of all flows at a junction, m3/s; (member, junction)."""
    links = plan.network.links
    met = np.abs(leaving)
    for row, q in zip(met, np.abs(flow), strict=True):
        for ends in (links.start, links.end):
            row += np.bincount(ends, q, plan.n_nodes)[: plan.n_junctions]
    return met


def _open(made: Batch, solution: Solution) -> Bools:
    links = made.plan.network.links
    stopped = (links.kind == LinkKind.PUMP) & (solution.setting == 0)
    return np.asarray((solution.status > Status.CLOSED) & ~stopped)


def _wronged(made: Batch, solution: Solution, dry: Bools) -> Bools:
    """Members with a dry zone that needs water, and a link that closed by itself though it could bring water there."""
    plan, links = made.plan, made.plan.network.links
    everywhere = np.concatenate([dry, np.zeros((len(dry), plan.n_nodes - plan.n_junctions), bool)], axis=1)
    brings = (solution.status <= Status.CLOSED) & (solution.status != Status.TEMPORARILY_CLOSED)
    brings &= ~everywhere[:, links.start] & everywhere[:, links.end]
    result = np.zeros(len(dry), bool)
    for member in np.flatnonzero(brings.any(1)):
        zone = _zones(plan, _open(made, solution)[member])[: plan.n_junctions]
        for link in np.flatnonzero(brings[member]):
            behind, reach = zone == zone[links.end[link]], _reach(made, solution, member, int(link))
            # What comes in there and flows out by pressure goes its own way: heads before the link say nothing.
            if (made.conditions.demand[member, behind] < 0).any() and _by_pressure(made, member, behind):
                continue
            takes = _taken(made, member, np.where(behind, min(reach, HIGHEST), np.nan)) if reach > -np.inf else 0.0
            result[member] |= takes > max(MASS, _least(made, solution, member, int(link)))
    return result


def _by_pressure(made: Batch, member: int, where: Bools) -> bool:
    """Whether what leaves at some junctions depends on their pressure."""
    low, high = (_taken(made, member, np.where(where, head, np.nan)) for head in (-HIGHEST, HIGHEST))
    return low < high


def _taken(made: Batch, member: int, head: Floats) -> float:
    """What leaves at junctions by demand, leaks and emitters at heads in m, NaN where not asked; less what comes in there."""
    given = Conditions(**{name: array[member : member + 1] for name, array in vars(made.conditions).items()})
    return float(balance.lawful_outflow(made.plan, given, head[None]).sum())


def _impossible(made: Batch, solution: Solution, member: int) -> bool:
    """Whether a zone gets more from its active flow control valves than it can take, or less than it takes at the least.

    Then there is no solution. The valve must be the culprit, and no link that closed by itself may be able to help.
    """
    plan, links, n = made.plan, made.plan.network.links, made.plan.n_junctions
    culprit, status = int(solution.culprit[member]), solution.status[member]
    limits = (links.kind == LinkKind.FCV) & (status == Status.ACTIVE)
    if culprit < 0 or not limits[culprit]:
        return False
    zone = _zones(plan, _open(made, solution)[member] & ~limits)
    for end in (links.start[culprit], links.end[culprit]):
        inside = zone == zone[end]
        if inside[n:].any():
            continue
        given_in = solution.setting[member, limits]
        gets = given_in[inside[links.end[limits]]].sum() - given_in[inside[links.start[limits]]].sum()
        least, most = (_taken(made, member, np.where(inside[:n], head, np.nan)) for head in (-HIGHEST, HIGHEST))
        into, out = inside[links.end] & ~inside[links.start], inside[links.start] & ~inside[links.end]
        lacks, spare = gets < least - MASS, gets > most + MASS
        helps = (status <= Status.CLOSED) & ((into & lacks) | (out & spare))
        if (lacks or spare) and all(_reach(made, solution, member, int(link)) == -np.inf for link in np.flatnonzero(helps)):
            return True
    return False


def _reach(made: Batch, solution: Solution, member: int, link: int) -> float:
    """Head to which a link that closed by itself could raise its end, m; -inf where something else keeps it closed."""
    plan, links, elevation = made.plan, made.plan.network.links, made.plan.network.nodes.elevation
    head, setting = solution.head[member, links.start[link]], solution.setting[member, link]
    match LinkKind(links.kind[link]):
        case LinkKind.CHECK_VALVE_PIPE:
            return float(head)
        case LinkKind.PRV if not np.isnan(setting):
            return float(min(head, elevation[links.end[link]] + setting))
        case LinkKind.PSV if head > elevation[links.start[link]] + setting + 1e-3:
            return float(head)
        case LinkKind.PUMP if setting > 0 and made.conditions.status[member, link] > Status.CLOSED:
            return float(head + setting**2 * plan.pumps.max_gain[plan.pump_of_link[link]])
    return -np.inf


def _least(made: Batch, solution: Solution, member: int, link: int) -> float:
    """The least flow that a link can bring, m3/s: below some a pump of constant power stands against a closed way."""
    plan, pump = made.plan, made.plan.pump_of_link[link]
    if pump < 0 or plan.pumps.law[pump] != PumpLaw.POWER:
        return 0.0
    strength = plan.pumps.r[pump] * solution.setting[member, link] ** 3
    return float(np.sqrt(strength / plan.constants.high_resistance))


def _zones(plan: Any, is_open: Bools) -> Any:
    """The part of the network, joined by open links, that each node is in; (node,)."""
    links = plan.network.links
    ends = (links.start[is_open], links.end[is_open])
    return connected_components(coo_array((np.ones(len(ends[0])), ends), shape=(plan.n_nodes,) * 2), directed=False)[1]


def _named(made: Batch, solution: Solution, member: int) -> str:
    network, culprit = made.plan.network, int(solution.culprit[member])
    if culprit < 0:
        return ""
    if solution.outcome[member] == Outcome.UNSUPPLIED:
        return f"node {network.nodes.ids[culprit]}"
    return f"{LinkKind(network.links.kind[culprit]).name} {network.links.ids[culprit]}"


def run(name: str, seed: int, batch: int, members: range) -> list[dict[str, Any]]:
    """Solves and judges some cases; an exception spoils them all and is a verdict."""
    np.seterr(all="ignore")  # balances of members that failed
    made = batch_of(network_named(name), name, seed, batch, members)
    try:
        solution = engine("cpu")(made.plan, made.conditions, made.plan.cold_flows(made.conditions), StoppingRule())
        rows = judged(made, solution)
    except Exception:  # what is counted here
        rows = [{"verdict": "exception", "why": traceback.format_exc()} for _ in members]
    for row, member, damage in zip(rows, members, made.damage, strict=True):
        row |= {"network": name, "batch": batch, "member": member, "damage": [*made.network_damage, *damage]}
    return rows


def campaign(n_cases: int, seed: int, kept: Path) -> dict[str, Any]:
    """Runs all cases that are not in the file `kept` yet, and sums them up."""
    done = {}
    if kept.exists():
        done = {(entry["network"], entry["batch"]): entry for entry in map(json.loads, kept.read_text().splitlines())}
    begun, told = time.monotonic(), time.monotonic()
    with kept.open("a", encoding="utf-8") as file:
        for name, batch, members in share(n_cases):
            if (name, batch) in done:
                continue
            rows = run(name, seed, batch, members)
            bad = [row for row in rows if row["verdict"] not in GOOD]
            entry = {
                "network": name,
                "batch": batch,
                "verdicts": dict(Counter(row["verdict"] for row in rows)),
                "rounded": sum(row.get("mass", 0.0) > MASS for row in rows if row["verdict"] in GOOD),
                "damage": dict(Counter(damage for row in rows for damage in {*row["damage"]})),
                "failures": bad,
            }
            done[name, batch] = entry
            file.write(json.dumps(entry) + "\n")
            file.flush()
            if time.monotonic() - told > 20:
                told = time.monotonic()
                _tell(summed(done), told - begun)
    _tell(summed(done), time.monotonic() - begun)
    return summed(done)


def summed(done: dict[tuple[str, int], dict[str, Any]]) -> dict[str, Any]:
    """The counts of a campaign, all together and by network (all zoos as one)."""
    verdicts: Counter[str] = Counter()
    damage: Counter[str] = Counter()
    networks: dict[str, Counter[str]] = {}
    for (name, _), entry in done.items():
        verdicts.update(entry["verdicts"])
        damage.update(entry["damage"])
        label = f"made/zoo, {ZOOS} of them" if name.startswith("made/zoo") else name
        networks.setdefault(label, Counter()).update(entry["verdicts"])
    return {
        "cases": sum(verdicts.values()),
        "verdicts": dict(verdicts),
        "rounded": sum(entry["rounded"] for entry in done.values()),
        "damage": dict(damage),
        "networks": {name: dict(count) for name, count in networks.items()},
        "failures": [row for entry in done.values() for row in entry["failures"]],
    }


def _tell(found: dict[str, Any], seconds: float) -> None:
    good = sum(found["verdicts"].get(verdict, 0) for verdict in GOOD)
    print(
        f"{seconds:6.0f} s {found['cases']:7} cases, {100 * good / found['cases']:.3f} % good: {found['verdicts']}", flush=True
    )


def write(found: dict[str, Any], seed: int) -> None:
    """Writes the result."""
    cases, verdicts = found["cases"], found["verdicts"]
    good = sum(verdicts.get(verdict, 0) for verdict in GOOD)
    named = good + verdicts.get(NAMED, 0)
    said = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items())
    write_result(
        "damage",
        [
            {
                "row": "damage",
                "what": f"{cases:,} cases of random damage on {len(WEIGHTS)} networks",
                "at_least": f"0 exceptions; > 99.9 % converge or name what is wrong, balances closed to {MASS:.0e} m3/s",
                "aim": "",
                "measured": f"{verdicts.get('exception', 0)} exceptions; {100 * good / cases:.3f} % converge or name a "
                f"dry zone, {100 * named / cases:.3f} % with those that name why there is no solution",
                "verdict": "met" if named / cases > 0.999 and "exception" not in verdicts else "short",
            }
        ],
        notes=[
            f"Seed {seed}: {said}. In {found['rounded']} of the good cases a balance is off by more than {MASS:.0e} m3/s, but "
            f"not by more than that and {ROUNDING:.0e} of the flows that meet there (extreme demands of 1e4 m3/s and more).",
            f"How often each damage came: {', '.join(f'{kind} {n}' for kind, n in sorted(found['damage'].items()))}.",
            *(f"{name}: {', '.join(f'{n} {verdict}' for verdict, n in c.items())}." for name, c in found["networks"].items()),
        ],
        details={"seed": seed, "failures": found["failures"][:DETAILS]},
    )


def main() -> None:
    """Runs a campaign, or one case of it."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fresh", action="store_true", help="do not go on where the last campaign was stopped")
    parser.add_argument("--only", metavar="NETWORK", help="this one; then nothing is written")
    parser.add_argument("--batch", type=int, default=0)
    parser.add_argument("--member", type=int, help="one member of the batch")
    asked = parser.parse_args()
    if asked.only:
        members = range(BATCH) if asked.member is None else range(asked.member, asked.member + 1)
        for row in run(asked.only, asked.seed, asked.batch, members):
            print(json.dumps(row))
        return
    kept = Path(tempfile.gettempdir()) / f"tweeling-damage-{asked.cases}-{asked.seed}.jsonl"
    if asked.fresh:
        kept.unlink(missing_ok=True)
    found = campaign(asked.cases, asked.seed, kept)
    write(found, asked.seed)


if __name__ == "__main__":
    main()
