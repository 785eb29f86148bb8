"""The networks that `damage.py` damages: published ones, and made ones with one large trouble or many small ones."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

import reference
import tweeling as tw
from made_town import made_town
from tweeling.network.inp.read import read_network

Rows = Sequence[str]


def published(name: str) -> tw.Network:
    """A network that a package or the data folder carries."""
    found = [file for file in reference.files() if file.name == name]
    if not found:
        raise SystemExit(f"the network {name} is not there; the data folder is named by TWEELING_DATA")
    return read_network(found[0].path)


def chain() -> tw.Network:
    """16,000 pipes one behind the other, a reservoir at its head."""
    n = 16_000
    return _network(
        JUNCTIONS=[f"J{i} 0 0.01" for i in range(n)],
        RESERVOIRS=["R 100"],
        PIPES=[f"P{i} {'R' if i == 0 else f'J{i - 1}'} J{i} 10 1000 100" for i in range(n)],
        OPTIONS=["UNITS LPS", "HEADLOSS H-W"],
    )


def parallel() -> tw.Network:
    """A thousand pipes side by side, from 20 mm to 2 m wide and from 1 m to 10 km long."""
    rng = np.random.default_rng(1)
    width, length = 10 ** rng.uniform(1.3, 3.3, 1000), 10 ** rng.uniform(0, 4, 1000)
    return _network(
        JUNCTIONS=["A 5 1", "B 0 20", "C 2 5"],
        RESERVOIRS=["R 60"],
        PIPES=["P R A 100 500 110", "Q B C 300 200 110"] + [f"P{i} A B {length[i]} {width[i]} 100" for i in range(1000)],
        OPTIONS=["UNITS LPS", "HEADLOSS H-W"],
    )


def town(n_links: int) -> tw.Network:
    """A made-up town by Darcy-Weisbach: mostly trees, hilly, with several reservoirs."""
    layout = made_town(n_links, seed=1)
    n_nodes, links, bends = struct.unpack_from("<3I", layout, 4)
    at = 16
    xy = np.frombuffer(layout, "<f8", 2 * n_nodes, at).reshape(-1, 2)
    at += 16 * (n_nodes + bends)
    start, end = np.frombuffer(layout, "<u4", 2 * links, at).reshape(2, -1)
    at += 8 * links + 4 * (links + 1)
    width = np.frombuffer(layout, "<f4", links, at) * 1000
    source = np.frombuffer(layout, "u1", n_nodes, at + 4 * links) > 0
    rng = np.random.default_rng(1)
    height, need = 10 + 10 * np.sin(xy[:, 0] / 900) * np.cos(xy[:, 1] / 700), rng.exponential(0.05, n_nodes)
    length = np.maximum(np.hypot(*(xy[start] - xy[end]).T), 1.0)
    return _network(
        JUNCTIONS=[f"N{i} {height[i]} {need[i]}" for i in range(n_nodes) if not source[i]],
        RESERVOIRS=[f"N{i} {70 + rng.normal()}" for i in range(n_nodes) if source[i]],
        PIPES=[f"P{i} N{start[i]} N{end[i]} {length[i]} {width[i]} 0.1" for i in range(links)],
        OPTIONS=["UNITS LPS", "HEADLOSS D-W"],
    )


LAWS = ("HEAD ONE", "HEAD THREE", "HEAD MANY", "POWER 4")
VALVES = ("PRV", "PSV", "PBV", "FCV", "TCV", "GPV", "PCV")
CURVES = (
    *("ONE 20 40", "THREE 0 50", "THREE 20 40", "THREE 40 15", "MANY 0 60", "MANY 10 55", "MANY 30 40", "MANY 50 10"),
    *("LOSS 0 0", "LOSS 10 2", "LOSS 20 2", "LOSS 40 9", "PART 10 5", "PART 50 30", "PART 100 100"),
)


def zoo(number: int) -> tw.Network:
    """A small random network: valves of every kind, pumps of every law, tanks, emitters, check valves, close together."""
    rng = np.random.default_rng(number)
    n = 25
    junctions: list[str] = []
    pipes: list[str] = []
    pumps: list[str] = []
    valves: list[str] = []

    def junction() -> str:
        junctions.append(f"J{len(junctions)} {rng.uniform(0, 25):.2f} {rng.choice([0, rng.exponential(1.5)]):.3f}")
        return f"J{len(junctions) - 1}"

    def pipe(start: str, end: str) -> None:
        rough = {"H-W": rng.uniform(60, 140), "D-W": rng.uniform(0.05, 3), "C-M": rng.uniform(0.01, 0.02)}[formula]
        loss, kind = rng.choice([0, 0, 5.0]), rng.choice(["OPEN", "CV"], p=[0.9, 0.1])
        size = f"{10 ** rng.uniform(0, 3.3):.2f} {rng.choice([50, 80, 100, 150, 250, 400])}"
        pipes.append(f"P{len(pipes)} {start} {end} {size} {rough:.4f} {loss} {kind}")

    def valve(start: str, end: str) -> None:
        kind = rng.choice(VALVES)
        pressure, width = rng.uniform(5, 50), rng.choice([80, 150])
        at = {"FCV": rng.uniform(0, 15), "TCV": rng.uniform(0, 300), "GPV": "LOSS", "PCV": rng.uniform(0, 100)}
        curve = rng.choice(["", "PART"]) if kind == "PCV" else ""
        before, after = junction(), junction()
        pipe(start, before)
        valves.append(f"V{len(valves)} {before} {after} {width} {kind} {at.get(kind, pressure)} {rng.choice([0, 2])} {curve}")
        pipe(after, end)

    def pump(start: str, end: str) -> None:
        pumps.append(f"U{len(pumps)} {start} {end} {rng.choice(LAWS)} SPEED {rng.choice([1, 1, 0.8, 1.2])}")

    formula = ("H-W", "D-W", "C-M")[number % 3]
    sources = ["R0", "R1", "T0", "T1"]
    nodes: list[str] = []
    for _ in range(n):
        here = junction()
        before = str(rng.choice(nodes)) if nodes else "R0"
        join = rng.choice([pipe, valve, pump], p=[0.7, 0.2, 0.1])
        join(before, here)
        nodes.append(here)
    for source in sources[1:]:
        rng.choice([pipe, pump], p=[0.7, 0.3])(source, str(rng.choice(nodes)))
    for _ in range(n // 3):
        start, end = (str(node) for node in rng.choice(nodes, 2, replace=False))
        rng.choice([pipe, valve, pump], p=[0.7, 0.25, 0.05])(start, end)
    return _network(
        JUNCTIONS=junctions,
        RESERVOIRS=[f"R0 {rng.uniform(30, 80):.2f}", f"R1 {rng.uniform(0, 50):.2f}"],
        TANKS=[f"T{i} {rng.uniform(20, 50):.2f} 3 0 6 15 0" for i in range(2)],
        PIPES=pipes,
        PUMPS=pumps,
        VALVES=valves,
        CURVES=CURVES,
        EMITTERS=[f"{node} {rng.uniform(0.01, 0.5):.3f}" for node in rng.choice(nodes, 2, replace=False)],
        OPTIONS=["UNITS LPS", f"HEADLOSS {formula}", f"BACKFLOW ALLOWED {rng.choice(['YES', 'NO'])}"],
    )


def _network(**sections: Rows) -> tw.Network:
    text = "\n\n".join("\n".join([f"[{name}]", *lines]) for name, lines in sections.items())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.inp"
        path.write_text(text + "\n\n[END]\n", encoding="utf-8")
        return read_network(path)


ZOOS = 200
PUBLISHED = {
    "epyt/L-TOWN": 12,
    "epyt/Net3": 12,
    "epyt/ky10": 8,
    "epyt/BWSN_Network_1": 10,
    "epyt/BWSN_Network_2": 1,
    "epyt/Anytown": 6,
    "epyt/Richmond_standard": 6,
    "epyt/ky5": 6,
    "epyt/ky8": 5,
    "epyt/ky13": 5,
    "epyt/KL": 3,
    "wntr/Net6": 2,
    "data/vitens-25k": 0.4,
}
WEIGHTS: Mapping[str, float] = {
    **PUBLISHED,
    "made/chain of 16,000": 0.5,
    "made/thousand parallel pipes": 5,
    "made/town of 2,000": 4,
    **{f"made/zoo {number}": 0.1 for number in range(ZOOS)},
}
"""Networks and their shares of the cases; those that take long have small ones."""
_MAKERS: Mapping[str, Callable[[], tw.Network]] = {
    **{name: partial(published, name) for name in PUBLISHED},
    "made/chain of 16,000": chain,
    "made/thousand parallel pipes": parallel,
    "made/town of 2,000": partial(town, 2000),
    **{f"made/zoo {number}": partial(zoo, number) for number in range(ZOOS)},
}


@lru_cache(maxsize=2)
def network_named(name: str) -> tw.Network:
    """One of `WEIGHTS`."""
    if name not in _MAKERS:
        raise SystemExit(f"there is no network {name}; there are {', '.join(_MAKERS)}")
    return _MAKERS[name]()
