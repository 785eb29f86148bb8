"""Equivalence: a member's answer depends on no neighbour, chunk or thread (bit for bit), nor on order or engine (1e-9).

python benchmarks/equivalence.py [--quick]
"""

from __future__ import annotations

import argparse
import pickle
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import reference
from agreement import engine
from common import write_result
from tweeling.network.inp.read import read_network
from tweeling.physics.hydraulics.contract import StoppingRule
from tweeling.physics.hydraulics.drivers import Drivers
from tweeling.physics.hydraulics.period import Period, first_state, step
from tweeling.physics.hydraulics.plan import make_plan
from tweeling.physics.hydraulics.steady import solve_in_threads

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from contracts.test_engine import arrays, renumbered, rows, solve_cold, varied

EXACT = ("epyt/L-TOWN", "epyt/Net3", "epyt/ky10", "epyt/BWSN_Network_1")
NUMERIC = ("epyt/Net3", "epyt/Anytown", "epyt/BWSN_Network_1", "epyt/Balerma", "epyt/Hanoi", "epyt/ky3", "epyt/L-TOWN")
TIGHT = StoppingRule(accuracy=1e-12)


def same(one: object, other: object, members: object = slice(None)) -> bool:
    """Whether all arrays of two solutions are equal bit for bit."""
    theirs = arrays(other)  # type: ignore[arg-type]
    return all(
        np.array_equal(a, theirs[name][members], equal_nan=a.dtype.kind == "f")
        for name, a in arrays(one).items()  # type: ignore[arg-type]
    )


def exact(file: reference.File, n_members: int) -> dict[str, bool]:
    """Neighbours, chunks, threads, alone, restart."""
    plan, solve = make_plan(read_network(file.path)), engine("cpu")
    conditions = varied(plan, n_members)
    together = solve_cold(solve, plan, conditions)
    rng = np.random.default_rng(5)
    some = rng.permutation(n_members)[: n_members // 2 + 1]
    chunks = [np.arange(i, min(i + size, n_members)) for size in (1, 7, 64) for i in range(0, n_members, size)]
    threaded = solve_in_threads(plan, conditions, plan.cold_flows(conditions), StoppingRule())
    return {
        "neighbours": same(solve_cold(solve, plan, rows(conditions, some)), together, some),
        "chunks and alone": all(
            same(solve_cold(solve, plan, rows(conditions, chunk)), together, chunk)
            for chunk in chunks[:: 1 + len(chunks) // 40]
        ),
        "threads": same(threaded, together),
        "restart": restart(file),
    }


def restart(file: reference.File) -> bool:
    """Whether a run that is stored and taken up half way ends where one without a stop ends."""
    plan, solve = make_plan(read_network(file.path)), engine("cpu")
    period, drivers = Period.of(plan), Drivers.of(plan)
    state = first_state(period, 2, drivers)
    stored = b""
    for number in range(24):
        if number == 12:
            stored = pickle.dumps(state)
        state, _ = step(period, state, drivers, solve, StoppingRule())
    again = pickle.loads(stored)
    for _ in range(12):
        again, _ = step(period, again, drivers, solve, StoppingRule())
    return all(np.array_equal(one, other, equal_nan=True) for one, other in zip(leaves(again), leaves(state), strict=True))


def leaves(table: object) -> list[np.ndarray]:
    """All arrays in a dataclass of arrays and dataclasses."""
    if isinstance(table, np.ndarray):
        return [table]
    return [array for part in vars(table).values() for array in leaves(part)]


def numeric(file: reference.File) -> tuple[float, float]:
    """Largest difference of heads in m between two orders of nodes and links, and between NumPy and Numba."""
    network = replace(read_network(file.path), controls=(), rules=())
    other, nodes, _ = renumbered(network, seed=3)
    plan, again = make_plan(network), make_plan(other)
    ours = solve_cold(engine("cpu"), plan, plan.conditions(), TIGHT).head
    order = np.abs(solve_cold(engine("cpu"), again, again.conditions(), TIGHT).head - ours[:, nodes])
    numpy = np.abs(solve_cold(engine("reference"), plan, plan.conditions(), TIGHT).head - ours)
    return float(np.nanmax(order)), float(np.nanmax(numpy))


def main() -> None:
    """Compares and writes the result."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--quick", action="store_true", help="small networks, few members; then nothing is written")
    asked = parser.parse_args()
    there = {file.name: file for file in reference.files()}
    out = []
    for name in EXACT[1:2] if asked.quick else EXACT:
        found = exact(there[name], 20 if asked.quick else 200)
        print(f"{name:22} {found}", flush=True)
        out.append(
            {
                "row": "equivalence, bit for bit",
                "what": f"{name}: {', '.join(found)}",
                "at_least": "exact",
                "aim": "",
                "measured": "exact" if all(found.values()) else "not: " + ", ".join(k for k, v in found.items() if not v),
                "verdict": "met" if all(found.values()) else "short",
            }
        )
    for name in NUMERIC[:2] if asked.quick else NUMERIC:
        order, numpy = numeric(there[name])
        print(f"{name:22} other order {order:.1e} m, NumPy and Numba {numpy:.1e} m", flush=True)
        out.append(
            {
                "row": "equivalence, numeric",
                "what": f"{name}: other order of nodes and links; NumPy and Numba; at accuracy 1e-12",
                "at_least": "1e-9 m",
                "aim": "",
                "measured": f"{order:.1e} m; {numpy:.1e} m",
                "verdict": "met" if max(order, numpy) <= 1e-9 else "short",
            }
        )
    if not asked.quick:
        write_result("equivalence", out, notes=["Members differ in demands, roughness and closed pipes."])


if __name__ == "__main__":
    main()
