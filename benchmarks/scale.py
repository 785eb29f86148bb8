"""Does it stay fast when things are large? 100,000 nodes, 10,000 members, two cores.

Nodes: time of a cold solve on one core, per link and Newton iteration, of the towns that `joined.py` joins, alone, and of what
it makes of them; real networks beside. Members: the peak memory of a process that takes members of L-Town through a day and
keeps quantiles of all pressures. Cores: `tw.solve` in one and in two threads, on the wall, in turn. Members differ in demand.

    python benchmarks/scale.py [--quick] [nodes] [members] [cores]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from dataclasses import replace
from time import perf_counter, process_time
from typing import Any

import numpy as np

import reference
import tweeling as tw
from agreement import start
from common import data_folder, write_result
from joined import TOWNS, joined_network
from tweeling.network.network import Network
from tweeling.physics.hydraulics import balance
from tweeling.physics.hydraulics.contract import StoppingRule
from tweeling.physics.hydraulics.plan import make_plan
from tweeling.physics.kernels.cpu import solve

SIZES = (3_000, 10_000, 30_000, 100_000)
LINKS_AT_ONCE = 1_000_000
"""Members times links of a solve that is timed, but at least `LEAST_MEMBERS`: four blocks of 16."""
LEAST_MEMBERS = 64
REPETITIONS = 5
CORES = {"epyt/Net3": 1.8, "epyt/L-TOWN": 1.8, "epyt/ky10": 1.8, "epyt/BWSN_Network_2": 1.6, "data/vitens-25k": 1.6}
GIB = 2**30


def networks(names: tuple[str, ...]) -> dict[str, Network]:
    """Those of some networks that are there, by name."""
    there = {file.name: file.path for file in reference.files()}
    return {name: tw.read_network(there[name]) for name in names if name in there}


def demands(network: Network, members: int) -> Any:
    """Demands of 80 to 120 %, m3/s; (member, junction)."""
    base = make_plan(network).conditions().demand
    return base * np.random.default_rng(1).uniform(0.8, 1.2, (members, network.nodes.n_junctions))


def members_of(network: Network, quick: bool) -> int:
    """How many are solved at once."""
    return max(LEAST_MEMBERS, (LINKS_AT_ONCE // 10 if quick else LINKS_AT_ONCE) // len(network.links))


def nodes(quick: bool) -> tuple[list[dict[str, str]], list[dict[str, Any]]]:
    """Time per link and iteration by size."""
    cases = [_cost(name, network, quick) for name, network in networks(TOWNS).items()]
    small = _together(cases)
    big = [_cost(f"joined, {size:,} nodes", joined_network(size), quick) for size in SIZES[: 2 if quick else None]]
    real = networks(("epyt/BWSN_Network_2", "data/vitens-25k"))
    cases += big + [_cost(name, network, quick) for name, network in real.items()]
    rows = []
    for case in cases:
        largest = case is big[-1]
        ratio = case["ns"] / small
        rows.append(
            {
                "row": "time per link and iteration",
                "what": f"{case['name']}, {case['links']:,} links, {case['members']} members",
                "at_least": "3 times the towns alone" if largest else "",
                "aim": "2 times" if largest else "",
                "measured": f"{case['ns']:.1f} ns, {ratio:.1f} times; {case['iterations']:.1f} iterations; "
                f"mass {case['mass']:.0e} m3/s, energy {case['energy']:.0e} m",
                "verdict": "stated" if not largest else "met" if ratio <= 3 else "short",
            }
        )
    return rows, cases


def _cost(name: str, network: Network, quick: bool) -> dict[str, Any]:
    """Nanoseconds per link and iteration of a cold solve on one core, and whether it is one."""
    plan, members = make_plan(network), members_of(network, quick)
    base, cold = start(plan)
    conditions = replace(base, demand=base.demand * np.random.default_rng(1).uniform(0.8, 1.2, (members, plan.n_junctions)))
    seconds = []
    for _ in range(3 if quick else REPETITIONS):
        began = process_time()
        solution = solve(plan, conditions, cold, StoppingRule())
        seconds.append(process_time() - began)
    some = replace(conditions, demand=conditions.demand[:1])
    first = solve(plan, some, cold, StoppingRule())
    left = balance.residuals(plan, some, first)
    found = {
        "name": name,
        "links": len(network.links),
        "nodes": len(network.nodes),
        "members": members,
        "seconds": min(seconds),
        "iterations": float(solution.iterations.mean()),
        "ns": min(seconds) / (solution.iterations.sum() * len(network.links)) * 1e9,
        "settled": float((solution.outcome <= 1).mean()),
        "mass": float(left.mass[0]),
        "energy": float(left.energy[0]),
    }
    print(found, flush=True)
    return found


def _together(cases: list[dict[str, Any]]) -> float:
    """Time per link and iteration of the towns as `joined.py` mixes them: as many of each."""
    work = [case["links"] * case["iterations"] for case in cases]
    return float(np.average([case["ns"] for case in cases], weights=work))


def members(quick: bool) -> tuple[list[dict[str, str]], list[dict[str, Any]]]:
    """Peak memory of a day by number of members."""
    cases = []
    for count in (100, 1_000) if quick else (100, 1_000, 10_000):
        asked = [sys.executable, __file__, "child", str(count), "1" if quick else "24"]
        cases.append(json.loads(subprocess.run(asked, check=True, capture_output=True, text=True).stdout))
        print(cases[-1], flush=True)
    few, many = cases[0], cases[-1]
    each = (many["peak"] - few["peak"]) / (many["members"] - few["members"])
    peak = many["peak"] / GIB
    row = {
        "row": "memory",
        "what": f"a day of L-Town, {many['members']:,} members, quantiles of all pressures kept",
        "at_least": "4 GiB",
        "aim": "",
        "measured": f"{peak:.2f} GiB at most, {each / 1024:.0f} KiB a member beside {few['peak'] / 2**20:.0f} MiB; "
        f"{many['seconds']:.0f} s on two cores",
        "verdict": "met" if peak <= 4 else "short",
    }
    return [row], cases


def child(count: int, hours: float) -> None:
    """A day of so many members, in a process of its own: what it held at most, in bytes."""
    network = networks(("epyt/L-TOWN",))["epyt/L-TOWN"]
    began = perf_counter()
    tw.simulate(
        network, hours=hours, members=count, beliefs={"node_demand_sd": 0.2}, rng=1, keep="bands", quantities=["pressure"]
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"members": count, "peak": peak, "seconds": perf_counter() - began}))


def cores(quick: bool) -> tuple[list[dict[str, str]], list[dict[str, Any]]]:
    """Two threads against one."""
    asked = {name: (network, CORES[name]) for name, network in networks(tuple(CORES)).items()}
    if not quick:
        asked["joined, 100,000 nodes"] = joined_network(100_000), 1.6
    rows, cases = [], []
    for name, (network, least) in asked.items():
        count = members_of(network, quick) if quick else max(128, 4 * LINKS_AT_ONCE // len(network.links))
        demand = demands(network, count)
        seconds: dict[int, list[float]] = {1: [], 2: []}
        tw.solve(network, demand=demand[:64])
        for _ in range(3 if quick or len(network.nodes) > 50_000 else 9):
            for threads, times in seconds.items():
                os.environ["TWEELING_THREADS"] = str(threads)
                began = perf_counter()
                tw.solve(network, demand=demand)
                times.append(perf_counter() - began)
        ratio = float(np.median([one / two for one, two in zip(*seconds.values(), strict=True)]))
        cases.append({"name": name, "members": count, "seconds": seconds, "ratio": ratio})
        print(cases[-1], flush=True)
        rows.append(
            {
                "row": "two cores against one",
                "what": f"{name}, {len(network.nodes):,} nodes, {count:,} members",
                "at_least": f"{least:g} times",
                "aim": "",
                "measured": f"{ratio:.2f} times; {min(seconds[1]):.2f} s, {min(seconds[2]):.2f} s",
                "verdict": "met" if ratio >= least else "short",
            }
        )
    return rows, cases


PARTS = {"nodes": nodes, "members": members, "cores": cores}


def main() -> None:
    """Measures what is asked for, and writes the result when that is everything."""
    if sys.argv[1:2] == ["child"]:
        child(int(sys.argv[2]), float(sys.argv[3]))
        return
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="only these; then nothing is written")
    parser.add_argument("--quick", action="store_true", help="smaller and fewer; then nothing is written")
    asked = parser.parse_args()
    rows, details = [], {}
    for part in asked.parts or PARTS:
        more, details[part] = PARTS[part](asked.quick)
        rows += more
    for row in rows:
        print(f"{row['what']:70} {row['measured']}  {row['verdict']}")
    if asked.parts or asked.quick:
        return
    write_result(
        "scale",
        rows,
        notes=[
            "Time per link and iteration: seconds of CPU of a whole cold call of the engine on one core, best of five, over "
            "links and the sum of all members' iterations; residuals are those of the first member. The towns alone count as "
            "they are mixed in the joined networks, each as often.",
            "Two cores: the whole of `tw.solve` on the wall, one and two threads in turn; the median ratio of nine turns "
            "(three of the largest).",
            "Memory is the peak of the process (ru_maxrss), Python and compiled kernels included.",
            "" if data_folder() is not None else "vitens-25k is left out: its folder is not there.",
        ],
        details=details,
    )


if __name__ == "__main__":
    main()
