"""`tweeling init`: a folder for a twin, with a commented TWIN.toml."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Annotated

import typer

CONFIG, NETWORK, SENSORS = "TWIN.toml", "network.inp", "sensors.csv"

TEMPLATE = """\
# What this twin is of, what it believes, and where its readings come from. Paths are relative to this file.
# Spans of time are written 5min, 1h, 8d12h, 2y. What stands behind a # is the usual value.

name = "{name}"

# The EPANET file, and the moment that its pattern time 0 is.
network = {{ file = "network.inp", pattern_zero = "2018-01-01T00:00:00Z" }}

# Each sensor and the interval at which they report; zone: of times that name none.
# withhold = ["pressure:n54"]: sensors that are never assimilated and score the twin instead.
sensors = {{ file = "sensors.csv", interval = "5min", zone = "UTC", withhold = [] }}

# cycle: how often the twin updates. lateness: how long a cycle waits for stragglers. revise: how far the twin goes back for
# readings that come later still. give_up: silence after which a cycle closes without them.
# catch_up = "1h": a twin that is so far behind (a backlog, a night without power) takes cycles of that length until it is not.
# clock = "wall" when readings are stamped by the clock on the wall, "readings" when they may come from any time.
time = {{ cycle = "5min", lateness = "10min", revise = "24h", give_up = "15min", clock = "readings" }}

# How many plausible members, and the seed of all that is drawn.
ensemble = {{ members = 100, seed = 1 }}

# Doubts before anything is measured: relative standard deviations; sensor_offset_sd in m.
# beliefs = {{ zone_factor_sd = 0.2, node_demand_sd = 0.3, roughness_sd = 0.1, sensor_offset_sd = 0.1 }}

# Where readings come from; HTTP is always there. A broker of MQTT: docs/reference/mqtt.md says what it needs.
# inputs = [ {{ kind = "http" }}, {{ kind = "mqtt", url = "mqtt://127.0.0.1:1883", topic = "tweeling/{name}/readings" }} ]

# Where readings and results are kept, and how long.
store = {{ url = "sqlite:///twin.db", keep = "2y" }}

# What is kept of the estimates. limits: a quantity below its limit breaks it (SI); the twin says how likely that is.
output = {{ every = "1h", quantities = ["pressure", "flow"], elements = "all", limits = {{ pressure = 20.0 }} }}

# How far the twin looks ahead, in which steps, and how often anew; horizon = "0s" for not at all.
forecast = {{ horizon = "24h", step = "30min", every = "1h" }}

# Other hosts than 127.0.0.1 need a token of at least 16 characters: token = "..."
service = {{ host = "127.0.0.1", port = 8080 }}
"""


def init(
    folder: Annotated[Path, typer.Argument(help="To make; must not hold a TWIN.toml yet.")],
    inp: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="EPANET file (.inp) of the network.")],
    sensors: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Table of sensors (.csv).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say what was made as JSON.")] = False,
) -> None:
    """Make the folder of a twin: copies of its files, and a TWIN.toml with an explanation of every line.

    Without --sensors the table of sensors is a template, with one pressure sensor at a node of the network to replace.

    Example: tweeling init town --inp town.inp --sensors sensors.csv
    """
    import tweeling as tw
    from tweeling.errors import InputError
    from tweeling.live.config import read_config
    from tweeling.observation.sensors import read_sensors

    if (folder / CONFIG).exists():
        raise InputError(f"{folder / CONFIG} is there already; name another folder, or change that file")
    network = tw.read_network(inp)
    if sensors is not None:
        read_sensors(sensors, network)
    folder.mkdir(parents=True, exist_ok=True)
    copy(inp, folder / NETWORK)
    if sensors is not None:
        copy(sensors, folder / SENSORS)
    else:
        (folder / SENSORS).write_text(sensor_template(network.nodes.ids[0]), encoding="utf-8")
    name = re.sub(r"[^\w.-]+", "-", folder.resolve().name) or "twin"
    (folder / CONFIG).write_text(TEMPLATE.format(name=name[:100]), encoding="utf-8")
    read_config(folder / CONFIG)
    if as_json:
        made = {"config": str(folder / CONFIG), "network": str(folder / NETWORK), "sensors": str(folder / SENSORS)}
        typer.echo(json.dumps(made | {"sensors_are_a_template": sensors is None}, indent=1))
        return
    typer.echo(f"{folder / CONFIG} is ready" if sensors else f"{folder / SENSORS} is a template: fill in your sensors")
    typer.echo(f"next: tweeling serve {folder / CONFIG}")


def sensor_template(node: str) -> str:
    """A table of one sensor, at a node."""
    return f"sensor,quantity,element,unit,std\npressure:{node},pressure,{node},m,0.1\n"


def copy(source: Path, target: Path) -> None:
    """Copies a file, unless it is the same one."""
    if target.exists() and source.samefile(target):
        return
    shutil.copyfile(source, target)
