"""Where does the time of a steady state go? Parts of the engine, alone, again and again on the same 16 members.

    python benchmarks/iteration.py [PART OF A NAME ...]

A part that is called alone finds its numbers in the cache where they fit, and its time differs from its share in a solve; the
whole iteration stands beside. Compiling the parts takes some minutes the first time.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import replace
from time import process_time
from typing import Any

import numpy as np

import reference
from agreement import engine, start
from common import write_result
from speed import TOWNS
from tweeling.network.inp.read import read_network
from tweeling.physics.hydraulics.contract import StoppingRule
from tweeling.physics.hydraulics.plan import Plan, make_plan
from tweeling.physics.kernels import cpu, entering, leaving, members, newton, tangents
from tweeling.physics.kernels.compiled import compiled_entry
from tweeling.physics.kernels.packed import Packed
from tweeling.physics.kernels.structure import EARLY_PIPE
from tweeling.physics.kernels.tables import Output, compiled_of
from tweeling.physics.kernels.vector import LANES, store

REPETITIONS = 7
LINKS = 100_000
"""Links times calls that are timed at once."""
INFINITE = float("inf")


@compiled_entry
def enter(compiled, given, block, output, times):  # type: ignore[no-untyped-def]
    """Members come into the lanes."""
    for _ in range(times):
        for lane in range(LANES):
            block.moving[lane], block.iteration[lane], block.redraw[lane] = lane, 0, False
        entering.enter(compiled, given, block, LANES, True)


@compiled_entry
def laws(compiled, given, block, output, times):  # type: ignore[no-untyped-def]
    """Tangents of plain pipes and chains."""
    for _ in range(times):
        for place in range(compiled.structure.groups[EARLY_PIPE]):
            p, c = tangents.plain_pipe(compiled, block, place)
            store(block.conductance, place, p)
            store(block.constant, place, c)


@compiled_entry
def special(compiled, given, block, output, times):  # type: ignore[no-untyped-def]
    """Tangents of all other links."""
    for _ in range(times):
        tangents.early_pipes(compiled, block)
        tangents.machines(compiled, block)


@compiled_entry
def iterate(compiled, given, block, output, times):  # type: ignore[no-untyped-def]
    """Whole Newton steps."""
    for _ in range(times):
        newton.newton_step(compiled, given, block, INFINITE)


@compiled_entry
def substitute(compiled, given, block, output, times):  # type: ignore[no-untyped-def]
    """The way back: heads and flows move."""
    for _ in range(times):
        newton._substitute(compiled, block, INFINITE)


@compiled_entry
def conclude(compiled, given, block, output, times):  # type: ignore[no-untyped-def]
    """Statuses and convergence."""
    for _ in range(times):
        members._conclude_all(compiled, given, block, output, 1e-5, False, 200, 2, 10)


@compiled_entry
def leave(compiled, given, block, output, times):  # type: ignore[no-untyped-def]
    """Results of members are written."""
    for _ in range(times):
        for lane in range(LANES):
            block.moving[lane] = lane
        leaving.leave(compiled, given, block, output, LANES)


PARTS = (enter, laws, special, iterate, substitute, conclude, leave)


def profile(plan: Plan) -> dict[str, float]:
    """Time of every part, in us a member."""
    base, cold = start(plan)
    settled = engine("cpu")(plan, base, cold, StoppingRule(accuracy=1e-5))
    factors = np.random.default_rng(1).uniform(0.8, 1.2, (LANES, plan.n_junctions))
    conditions = replace(base, demand=base.demand * factors, status=settled.status, setting=settled.setting)
    compiled, outlets = compiled_of(plan, folded=not plan.pressure_driven), cpu._outlets_of(plan, conditions)
    given = cpu._given(plan, compiled.fields, conditions, settled.flows, outlets)
    block, links = cpu._block(plan, compiled.fields, given), (LANES, plan.n_links)
    block.member[:] = np.arange(LANES)
    output = Output(
        head=np.empty((LANES, plan.n_nodes)),
        flow=np.empty(links),
        outlet_flow=np.empty((LANES, len(given.outlet_kind))),
        status=np.array(np.broadcast_to(conditions.status, links), np.int8, order="C"),
        setting=cpu._settings(plan, conditions, LANES),
        inflow=np.empty((LANES, plan.n_nodes - plan.n_junctions)),
        iterations=np.empty(LANES, dtype=np.int64),
        outcome=np.empty(LANES, dtype=np.int8),
        culprit=np.empty(LANES, dtype=np.int64),
        error=np.empty(LANES),
    )
    arguments, times = (compiled, Packed(given), Packed(block), Packed(output)), max(2, LINKS // plan.n_links)
    found = {}
    for part in PARTS:
        enter(*arguments, 1)
        iterate(*arguments, 3)
        found[part.__name__] = min(_seconds(part, arguments, times) for _ in range(REPETITIONS)) / (times * LANES) * 1e6
    return found


def _seconds(part: Callable[..., None], arguments: tuple[Any, ...], times: int) -> float:
    began = process_time()
    part(*arguments, times)
    return process_time() - began


def main() -> None:
    """Profiles every network and writes the result."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("parts", nargs="*", help="only networks whose name contains one of these; then nothing is written")
    asked = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    there = {file.name: file for file in reference.files()}
    rows = []
    for town in TOWNS:
        if town.name not in there or (asked.parts and not any(part in town.name for part in asked.parts)):
            continue
        plan = make_plan(read_network(there[town.name].path))
        profile(plan)  # compiled and in the cache from here on
        found = profile(plan)
        structure = compiled_of(plan, folded=True).fields.structure
        said = ", ".join(f"{name} {microseconds:.2f}" for name, microseconds in found.items())
        print(f"{town.name:20} {said}", flush=True)
        rows.append(
            {
                "row": "where the time goes, us a member",
                "what": f"{town.name}: {plan.n_junctions} junctions, {len(structure.first) - 1} with an equation",
                "at_least": "",
                "aim": "",
                "measured": said,
                "verdict": "stated",
            }
        )
    if not asked.parts:
        write_result(
            "iteration",
            rows,
            notes=[
                "Best of seven, one core. " + " ".join(f"{part.__name__}: {part.__doc__.lower()}" for part in PARTS),
                "The whole iteration is special, the way there (laws among it) and substitute.",
            ],
        )


if __name__ == "__main__":
    main()
