"""Networks for tests: published ones, in `epyt` and `wntr` (found without importing them), and ones made by hand."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tweeling.network.network import (
    Curves,
    Demands,
    Energy,
    LinkKind,
    Links,
    LinkStatus,
    Network,
    Nodes,
    Options,
    Patterns,
    Pumps,
    Reservoirs,
    Tanks,
    Times,
)
from tweeling.units import FileUnits


def package_network(package: str, name: str) -> Path:
    """The file `name.inp` of a package."""
    found = importlib.util.find_spec(package)
    assert found is not None, f"{package} is not installed"
    assert found.origin is not None
    paths = sorted(Path(found.origin).parent.rglob(f"{name}.inp"))
    assert paths, f"{package} has no network {name}"
    return paths[0]


@dataclass(frozen=True)
class Link:
    """A link of a network made by hand; SI, as in `network.Links`. Nodes are numbered junctions first, then reservoirs."""

    start: int
    end: int
    kind: LinkKind = LinkKind.PIPE
    status: LinkStatus = LinkStatus.OPEN
    setting: float = np.nan
    length: float = 500.0
    diameter: float = 0.3
    roughness: float = 100.0
    minor_loss: float = 0.0
    curve: int = -1
    power: float = 0.0


def make_network(
    demand: Sequence[float],
    heads: Sequence[float],
    links: Sequence[Link],
    elevation: float = 0.0,
    curves: Sequence[tuple[Sequence[float], Sequence[float]]] = (),
    options: Options | None = None,
) -> Network:
    """A network by hand, of junctions J0, J1, ..., reservoirs R0, R1, ... and links L0, L1, ...

    Args:
        demand: m3/s of each junction.
        heads: m of each reservoir.
        links: pipes, pumps and valves.
        elevation: m, of all junctions.
        curves: flows (m3/s) and heads (m).
        options: of the network.
    """
    n_junctions, n_nodes = len(demand), len(demand) + len(heads)
    none, empty = np.full(n_nodes, np.nan), np.zeros(0)

    def column(name: str, dtype: type = np.float64) -> Any:
        return np.array([getattr(link, name) for link in links], dtype=dtype)

    pumps = np.flatnonzero(column("kind", np.int64) == LinkKind.PUMP)
    return Network(
        title=("by hand",),
        units=FileUnits("CMS"),
        nodes=Nodes(
            ids=tuple(f"J{i}" for i in range(n_junctions)) + tuple(f"R{i}" for i in range(len(heads))),
            n_junctions=n_junctions,
            elevation=np.concatenate([np.full(n_junctions, elevation), np.asarray(heads, dtype=float)]),
            emitter=np.zeros(n_junctions),
            x=none,
            y=none,
            initial_quality=np.zeros(n_nodes),
        ),
        demands=Demands(
            junction=np.arange(n_junctions), base=np.asarray(demand, dtype=float), pattern=np.full(n_junctions, -1)
        ),
        reservoirs=Reservoirs(node=np.arange(n_junctions, n_nodes), pattern=np.full(len(heads), -1)),
        tanks=Tanks(
            node=empty.astype(np.int64),
            **dict.fromkeys(("initial_level", "min_level", "max_level", "diameter", "min_volume"), empty),
            volume_curve=empty.astype(np.int64),
            can_overflow=empty.astype(bool),
            mixing_model=empty.astype(np.int64),
            mixing_fraction=empty,
            bulk_coefficient=empty,
        ),
        links=Links(
            ids=tuple(f"L{i}" for i in range(len(links))),
            kind=column("kind", np.int8),
            start=column("start", np.int64),
            end=column("end", np.int64),
            **{name: column(name) for name in ("length", "diameter", "roughness", "minor_loss", "setting")},
            status=column("status", np.int8),
            curve=column("curve", np.int64),
            leak_area=np.zeros(len(links)),
            leak_expansion=np.zeros(len(links)),
            bulk_coefficient=np.full(len(links), np.nan),
            wall_coefficient=np.full(len(links), np.nan),
        ),
        pumps=Pumps(
            link=pumps,
            power=column("power")[pumps],
            price=np.zeros(len(pumps)),
            **dict.fromkeys(("speed_pattern", "efficiency_curve", "price_pattern"), np.full(len(pumps), -1)),
        ),
        patterns=Patterns(),
        curves=Curves(
            ids=tuple(f"C{i}" for i in range(len(curves))),
            kind=("GENERIC",) * len(curves),
            x=tuple(np.asarray(x, dtype=float) for x, _ in curves),
            y=tuple(np.asarray(y, dtype=float) for _, y in curves),
        ),
        options=options or Options(),
        times=Times(),
        energy=Energy(),
    )
