"""L-Town, the town of the demo: where its file lies, and which sensors it has.

L-Town is the network of the BattLeDIM competition (Vrachimis et al. 2022). Its file comes with the package epyt, which is never
imported: only its folder is looked up.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from tweeling.errors import MissingExtraError
from tweeling.network.network import Network
from tweeling.network.zones import derive_zones
from tweeling.observation.sensors import Sensor

PRESSURES = """
n1 n4 n31 n54 n105 n114 n163 n188 n215 n229 n288 n296 n332 n342 n410 n415 n429 n458 n469 n495 n506 n516 n519 n549 n613 n636 n644
n679 n722 n726 n740 n752 n769
""".split()
"""Where L-Town's pressures are read; flows and the level are at `FLOWS` and `LEVEL`."""
FLOWS, LEVEL = ("p227", "p235", "PUMP_1"), "T1"
UNMETERED = "n5 n12 n14 n15 n37 n38 n348 n359 n363 n380".split()
"""Customers of area C without a meter that is read."""
WITHHELD = ("pressure:n54", "pressure:n342", "pressure:n679")
"""Pressures that score the twin: in the north-west, the middle and the east of the town."""


def l_town_file() -> Path:
    """L-Town's EPANET file, in the folder of the package that carries it.

    Raises:
        MissingExtraError: the package is not installed; the message says how to install it.
    """
    found = importlib.util.find_spec("epyt")
    path = None if found is None or found.origin is None else Path(found.origin).parent / "networks" / "L-TOWN.inp"
    if path is None or not path.is_file():
        raise MissingExtraError("L-Town comes with the package epyt, which is not here; install it: pip install --no-deps epyt")
    return path


def l_town_sensors(network: Network) -> list[Sensor]:
    """L-Town's sensors: 33 pressures, 3 flows, a level, and a meter at each customer of area C."""
    zones, nodes, demands = derive_zones(network), network.nodes, network.demands
    area_c = zones.of_junction[nodes.index["n1"]]
    customers = np.unique(demands.junction[demands.base > 0])
    of_area = [nodes.ids[junction] for junction in customers if zones.of_junction[junction] == area_c]
    return [
        *(Sensor(f"pressure:{name}", "pressure", name, "m", 0.02) for name in PRESSURES),
        *(Sensor(f"flow:{name}", "flow", name, "m3/h", 0.1) for name in FLOWS),
        Sensor(f"level:{LEVEL}", "level", LEVEL, "m", 0.005),
        *(Sensor(f"demand:{name}", "demand", name, "L/h", 1.0) for name in of_area if name not in UNMETERED),
    ]
