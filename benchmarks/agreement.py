"""Agreement with EPANET, steady state at time 0: every network that `epyt`, `wntr` and the data folder have.

On the nodes and links where EPANET stands still (`reference.py`) heads must be within 1e-4 m and flows within
max(1e-5 of the largest, 3e-6 m3/s). Where EPANET is not settled there is no answer to agree with: there the residuals of mass
and energy, which `physics/hydraulics/balance.py` computes for both codes alike, must be no larger than EPANET's. Networks with
one of EPANET's warnings 1 to 5 are run and listed and do not count.

Writes the list to docs/reference/agreement.md.

    python benchmarks/agreement.py [--quick] [--engine NAME] [PART OF A NAME ...]
"""

from __future__ import annotations

import argparse
import dataclasses
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np
import numpy.typing as npt

import reference
from common import write_result
from reference import Answer, File, Steady
from tweeling.network.inp.read import read_network
from tweeling.physics.hydraulics import balance
from tweeling.physics.hydraulics.contract import Conditions, Engine, Flows, Outcome, Solution, Status, StoppingRule
from tweeling.physics.hydraulics.period import Period
from tweeling.physics.hydraulics.plan import Plan, make_plan
from tweeling.physics.hydraulics.tanks import tank_volumes
from tweeling.physics.kernels.events import act_controls

HEAD = 1e-4
"""m"""
FLOW, LEAST_FLOW = 1e-5, 3e-6
"""of the largest flow; m3/s"""
SMALL_MASS, SMALL_ENERGY = 1e-8, 1e-6
"""m3/s, m: residuals up to these are no residuals, whatever EPANET's are."""
LARGE_MASS = 1e-5
"""m3/s: an answer that loses more is no answer."""
STRAY_WARNINGS = {1, 2, 3, 4, 5}
VERDICTS = {
    "agrees": "on all settled nodes and links",
    "balanced": "EPANET is nowhere settled; our residuals are no larger than its",
    "EPANET leaks": "EPANET's closed links let dh / 1e8 (ft, cfs) through; with that as a demand we agree",
    "second solution": "another valve, pump or check valve status with residuals as small as EPANET's",
    "differs": "none of these: a failure",
    "EPANET does not balance": "not scored: its answer loses water; no solution exists",
    "EPANET does not converge": "not scored",
    "EPANET refuses": "not scored",
    "warning": "not scored: EPANET's warnings 1 to 5",
}
AGREE, EXPLAINED = ("agrees", "balanced"), ("EPANET leaks", "second solution")
Again = Callable[[npt.NDArray[np.float64]], Solution]
QUICK_LARGEST = 300_000
"""bytes"""
PAGE = Path(__file__).parents[1] / "docs" / "reference" / "agreement.md"
ROUNDING = 1e-11
"""of a head: two files have pipes of 1e-7 m and heads of 1e31 m."""
OWN_RULE = StoppingRule(head=1e-7)
"""Ours is asked for more than by default, as EPANET is."""
PREAMBLE = """\
Made by `make bench ONLY=agreement`; not edited by hand. Steady state at time 0. *Reference* is the tightest of
EPANET's accuracies 1e-5, 1e-6 and 1e-7 that converged; *settled* counts nodes and links where the next looser one
gives the same (head within 5e-5 m, flow within 5e-6 of the largest, same status). Differences are the largest on
those; they must stay below 1e-4 m and max(1e-5 of the largest flow, 3e-6 m3/s). Residuals (ours / EPANET's) are
computed for both codes by one function that neither uses; they decide where EPANET is not settled. *Statuses* counts
links open in one code and closed in the other. Networks with EPANET's warnings 1 to 5 are listed and not scored."""
ENGINES = {
    "reference": "tweeling.physics.hydraulics.reference",
    "cpu": "tweeling.physics.kernels.cpu",
}


@dataclass(frozen=True)
class Row:
    """What came of one network; differences are the largest on settled nodes and links.

    Args:
        verdict: one of `VERDICTS`.
        nodes, links: settled of all.
        statuses: links that let water pass in one code and not in the other.
        mass, energy: largest residuals, ours and EPANET's; m3/s, m.
    """

    name: str
    verdict: str
    why: str = ""
    accuracy: float | None = None
    warnings: tuple[int, ...] = ()
    nodes: str = ""
    links: str = ""
    head: float | None = None
    flow: float | None = None
    statuses: int = 0
    outcome: str = ""
    iterations: int = 0
    mass: tuple[float, float] | None = None
    energy: tuple[float, float] | None = None


def engine(name: str) -> Engine:
    """An engine by name."""
    return import_module(ENGINES[name]).solve  # type: ignore[no-any-return]


def start(plan: Plan) -> tuple[Conditions, Flows]:
    """The file's conditions at time 0 after simple controls have acted, which EPANET lets them do first, and cold flows."""
    conditions = plan.conditions()
    flows = plan.cold_flows(conditions)
    status, setting, flow = conditions.status.copy(), conditions.setting.copy(), flows.link.copy()
    volume = tank_volumes(plan.tanks, conditions.fixed_head[:, plan.tanks.fixed])
    still = np.zeros((1, len(plan.tank_of_fixed)))
    act_controls(Period.of(plan).happenings, np.zeros(1, dtype=np.int64), volume, still, status, setting, flow)
    started = dataclasses.replace(conditions, status=status, setting=setting)
    return started, plan.cold_flows(started)


def judge(file: File, solve: Engine) -> Row:
    """Solves one network and compares it with EPANET."""
    theirs = reference.steady(file)
    if isinstance(theirs, str):
        return Row(file.name, "EPANET refuses", theirs)
    plan = make_plan(read_network(file.path))
    conditions, flows = start(plan)
    ours = solve(plan, conditions, flows, OWN_RULE)
    outcome = Outcome(ours.outcome[0])
    row = Row(file.name, "", outcome=outcome.name.lower(), iterations=int(ours.iterations[0]))
    if theirs.reference is None:
        return dataclasses.replace(row, verdict="EPANET does not converge")

    def again(more: npt.NDArray[np.float64]) -> Solution:
        return solve(plan, dataclasses.replace(conditions, demand=conditions.demand + more), flows, OWN_RULE)

    return _compare(row, plan, conditions, ours, theirs, theirs.reference, again)


@dataclass(frozen=True)
class Difference:
    """Ours and EPANET's on settled nodes and links: m, (node,); m3/s, (link,); and whether they count as the same."""

    head: npt.NDArray[np.float64]
    flow: npt.NDArray[np.float64]
    small: bool


def difference(ours: Solution, theirs: Steady, best: Answer) -> Difference:
    """Compares a solution with EPANET's; a node that is dry in ours only is infinitely far off."""
    head = np.abs(np.where(np.isnan(ours.head[0]), np.inf, ours.head[0]) - best.head)
    head = np.where(theirs.node_settled, np.maximum(head - ROUNDING * np.abs(best.head), 0.0), 0.0)
    flow = np.where(theirs.link_settled, np.abs(ours.flows.link[0] - best.flow), 0.0)
    largest = np.abs(best.flow).max(initial=0.0)
    small = head.max() <= HEAD and flow.max(initial=0.0) <= max(FLOW * largest, LEAST_FLOW)
    return Difference(head, flow, bool(small))


def _compare(row: Row, plan: Plan, conditions: Conditions, ours: Solution, theirs: Steady, best: Answer, again: Again) -> Row:
    apart = difference(ours, theirs, best)
    mass, energy = residuals(plan, conditions, ours, best, theirs.supplied)
    balanced = mass[0] <= max(mass[1], SMALL_MASS) and energy[0] <= max(energy[1], SMALL_ENERGY)
    everywhere = bool(theirs.node_settled[theirs.supplied].all() and theirs.link_settled.all())
    passing = (ours.status[0] > Status.CLOSED, best.status > Status.CLOSED)
    other = np.flatnonzero(passing[0] != passing[1])
    ids = plan.network.links.ids
    good = apart.small and (everywhere or balanced)
    why = ""
    if good:
        verdict = "agrees" if theirs.node_settled.any() else "balanced"
    elif mass[1] > LARGE_MASS:
        verdict, why = "EPANET does not balance", f"it loses {mass[1]:.1e} m3/s"
    elif balanced and difference(again(leaks(plan, theirs, best)), theirs, best).small:
        verdict, why = "EPANET leaks", f"the same once its loss of up to {mass[1]:.0e} m3/s through closed links is a demand"
    elif balanced and other.size:
        names = ", ".join(f"{ids[link]} {'open' if passing[0][link] else 'closed'}" for link in other[:4])
        verdict, why = "second solution", f"in ours {names}"
    else:
        verdict = "differs"
        why = f"node {plan.network.nodes.ids[int(apart.head.argmax())]}, link {ids[int(apart.flow.argmax())]}"
        why += "" if everywhere or balanced else "; residuals larger than EPANET's"
    if STRAY_WARNINGS & set(best.warnings):
        verdict, why = "warning", f"{verdict}{'; ' if why else ''}{why}"
    return dataclasses.replace(
        row,
        verdict=verdict,
        why=why,
        accuracy=best.accuracy,
        warnings=best.warnings,
        nodes=f"{int(theirs.node_settled.sum())}/{len(best.head)}",
        links=f"{int(theirs.link_settled.sum())}/{len(best.flow)}",
        head=float(apart.head.max()),
        flow=float(apart.flow.max(initial=0.0)),
        statuses=len(other),
        mass=mass,
        energy=energy,
    )


def leaks(plan: Plan, theirs: Steady, best: Answer) -> npt.NDArray[np.float64]:
    """What EPANET's flows lose at each junction beside its outflow, m3/s; (1, junction). Its closed links pass dh / 1e8 in ft
    and cfs, which its results do not show.
    """
    n = plan.n_junctions
    head = np.where(theirs.supplied, best.head, np.nan)[None]
    return balance.mass_residual(plan, head, best.flow[None], best.outflow[None, :n])


def residuals(
    plan: Plan, conditions: Conditions, ours: Solution, best: Answer, supplied: npt.NDArray[np.bool_]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """The largest residuals of mass (m3/s) and energy (m), ours and EPANET's."""
    n = plan.n_junctions
    head = np.where(supplied, best.head, np.nan)[None]
    flow, status, setting = best.flow[None], best.status[None], best.setting[None]
    mine = balance.residuals(plan, conditions, ours)
    with np.errstate(all="ignore"):
        energy = balance.energy_residual(plan, conditions, head, flow, status, setting)
        mass = balance.mass_residual(plan, head, flow, best.outflow[None, :n])
    return (float(mine.mass[0]), float(np.abs(mass).max(initial=0.0))), (float(mine.energy[0]), float(np.abs(energy).max()))


def page(rows: list[Row]) -> str:
    """The list as Markdown."""
    lines = [
        "# Agreement with EPANET, network by network",
        "",
        *wrap(PREAMBLE, 120),
        "",
        *(f"- *{verdict}*: {meaning}" for verdict, meaning in VERDICTS.items()),
        "",
        "| network | verdict | reference | warnings | settled nodes | settled links | head, m | flow, m3/s | statuses "
        "| our outcome | mass, m3/s | energy, m | |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [
            row.name,
            row.verdict,
            "" if row.accuracy is None else f"{row.accuracy:.0e}",
            " ".join(map(str, row.warnings)),
            row.nodes,
            row.links,
            _number(row.head),
            _number(row.flow),
            str(row.statuses),
            f"{row.outcome} {row.iterations}",
            "" if row.mass is None else " / ".join(map(_number, row.mass)),
            "" if row.energy is None else " / ".join(map(_number, row.energy)),
            row.why.replace("|", "/"),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}"


def _plain(row: Row) -> dict[str, Any]:
    """A row for JSON, which knows no infinity."""

    def plain(value: Any) -> Any:
        if isinstance(value, tuple):
            return [plain(part) for part in value]
        return str(value) if isinstance(value, float) and not np.isfinite(value) else value

    return {key: plain(value) for key, value in dataclasses.asdict(row).items()}


def main() -> None:
    """Compares every network and writes the list."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("parts", nargs="*", help="only networks whose name contains one of these; then nothing is written")
    parser.add_argument("--quick", action="store_true", help="small files only; then nothing is written")
    parser.add_argument("--engine", choices=ENGINES, default="cpu")
    asked = parser.parse_args()
    rows = []
    for file in reference.files(asked.parts):
        if asked.quick and file.path.stat().st_size > QUICK_LARGEST:
            continue
        row = judge(file, engine(asked.engine))
        rows.append(row)
        print(
            f"{row.name[:40]:40} {row.verdict:15} {row.outcome:10} {row.iterations:3d}  head {_number(row.head):7} flow "
            f"{_number(row.flow):7} settled {row.nodes:11} statuses {row.statuses}  {row.why[:80]}",
            flush=True,
        )
    scored = [row for row in rows if row.verdict in (*AGREE, *EXPLAINED, "differs")]
    count = Counter(row.verdict for row in rows)
    agree, explained = sum(count[v] for v in AGREE), sum(count[v] for v in EXPLAINED)
    print(f"{agree} of {len(scored)} scored networks agree, {explained} explained; {dict(count)}")
    if asked.parts or asked.quick:
        return
    PAGE.write_text(page(rows), encoding="utf-8")
    head = max(row.head or 0.0 for row in rows if row.verdict in AGREE)
    outside = "" if reference.data_folder() else " The data folder was not there: its networks are missing."
    write_result(
        "agreement",
        [
            {
                "row": "agreement, steady",
                "what": "networks that agree on all settled nodes and links",
                "at_least": "all",
                "aim": "",
                "measured": f"{agree} of {len(scored)} (largest difference of head {head:.1e} m), {explained} more explained",
                "verdict": "met" if agree + explained == len(scored) else "short",
            }
        ],
        notes=[
            "The list per network: `docs/reference/agreement.md`." + outside,
            "Explained: " + "; ".join(f"{row.name}: {row.verdict} ({row.why})" for row in rows if row.verdict in EXPLAINED),
            f"Not scored: {len(rows) - len(scored)} files that EPANET refuses, does not solve, or solves with warnings 1 to 5.",
        ],
        details=[_plain(row) for row in rows],
    )


if __name__ == "__main__":
    main()
