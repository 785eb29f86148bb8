"""A town for plant tests: a loop behind a pump and a reducing valve, steady but for what a test makes happen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tweeling.network.inp.read import read_network
from tweeling.network.network import Network
from tweeling.observation.sensors import Sensor, Sensors

START = datetime(2018, 1, 1, tzinfo=UTC)
QUIET: dict[str, Any] = {
    "roughness_sd": 0,
    "node_demand_sd": 0,
    "demand_noise_sd": 0,
    "zone_factor_sd": 0,
    "sensor_offset_sd": 0,
    "noise": False,
}
"""The model is true and instruments are perfect."""

TOWN = """\
[JUNCTIONS]
 square  10  5
 mill    12  2
 hill    30  1
 dale     5  3
[RESERVOIRS]
 lake    60
 well    10
[PIPES]
 main    lake    square  1000  300  100
 lane    square  mill    500   150  100
 ring    mill    hill    400   150  100
 arc     hill    square  600   150  100
 side    square  dale    800   60   100
 spare   mill    square  300   100  100  0  Closed
 check   well    hill    700   100  100  0  CV
[PUMPS]
 lift    well    hill    HEAD curve
[VALVES]
 reduce  square  dale    100  PRV  30
[CURVES]
 curve   5       60
[OPTIONS]
 Units   LPS
[TIMES]
 Hydraulic Timestep 1:00
[END]
"""


def read_town(folder: Path, text: str = TOWN) -> Network:
    """The town, or another text."""
    path = folder / "town.inp"
    path.write_text(text)
    return read_network(path)


def every_sensor(network: Network) -> Sensors:
    """A pressure at every node, a flow at every link, a meter at every junction, a level at every tank; in SI."""
    nodes, tanks = network.nodes, network.tanks.node
    rows = [Sensor(f"pressure:{name}", "pressure", name, "m", 0.02) for name in nodes.ids]
    rows += [Sensor(f"flow:{name}", "flow", name, "m3/s", 1e-5) for name in network.links.ids]
    rows += [Sensor(f"demand:{name}", "demand", name, "m3/s", 1e-5) for name in nodes.ids[: nodes.n_junctions]]
    rows += [Sensor(f"level:{nodes.ids[tank]}", "level", nodes.ids[tank], "m", 0.01) for tank in tanks]
    return Sensors.of_rows(rows, network)


def world(events: Sequence[dict[str, Any]] = (), hours: float = 4, **keys: Any) -> dict[str, Any]:
    """A quiet world in hourly intervals, but for the events and what a test asks for."""
    return {"start": START, "days": hours / 24, "interval": "1h", "truth": QUIET, "events": list(events)} | keys
