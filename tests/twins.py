"""Twins for tests: a folder with all that `TWIN.toml` names, and the readings of a hidden town as the cycles take them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from networks import package_network
from tweeling.live.advance import CycleInfo, Twin, TwinState, advance, first_state, make_twin
from tweeling.live.batch import Batch
from tweeling.live.config import TwinConfig, read_config
from tweeling.live.ingest.files import Grid
from tweeling.live.replay import batches
from tweeling.network.network import Floats, Network
from tweeling.observation.sensors import Sensor
from tweeling.plant.run import PlantRun, simulate_plant
from tweeling.reading import Flag

START = datetime(2018, 1, 1, tzinfo=UTC)
L_TOWN_PRESSURES = (
    "n1 n4 n31 n54 n105 n114 n163 n188 n215 n229 n288 n296 n332 n342 n410 n415 n429 n458 n469 n495 n506 n516 n519 n549 "
    "n613 n636 n644 n679 n722 n726 n740 n752 n769"
).split()
L_TOWN = (
    *(Sensor(f"pressure:{node}", "pressure", node, "m", 0.02) for node in L_TOWN_PRESSURES),
    *(Sensor(f"flow:{link}", "flow", link, "m3/h", 0.1) for link in ("p227", "p235", "PUMP_1")),
    Sensor("level:T1", "level", "T1", "m", 0.005),
)
"""The sensors of the published town, without the meters of its customers."""
NET3 = (
    *(Sensor(f"pressure:{node}", "pressure", node, "m", 0.05) for node in ("105", "119", "141", "187", "203", "231")),
    *(Sensor(f"flow:{link}", "flow", link, "m3/h", 1.0) for link in ("10", "335")),
    *(Sensor(f"level:{tank}", "level", tank, "m", 0.01) for tank in ("1", "3")),
)
"""Ten sensors that were made up: pressures, the two pumps, and two of the three tanks."""


MILD = {"node_demand_sd": 0.02, "demand_noise_sd": 0.05, "roughness_sd": 0.01, "zone_factor_sd": 0.01, "sensor_offset_sd": 0.02}
"""A hidden town that is almost as the model says, so that a single fault stands out within hours."""


def make_folder(folder: Path, network: Path, hung: Sequence[Sensor], **sections: Mapping[str, Any]) -> TwinConfig:
    """A folder with a network, its sensors and `TWIN.toml`; hourly readings and cycles and ten members unless told.

    Args:
        folder: is made if need be.
        network: its file is copied.
        hung: rows of `sensors.csv`.
        sections: keys of sections of `TWIN.toml`, beside or instead of those above.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(network, folder / "network.inp")
    rows = [f"{row.id},{row.quantity},{row.element},{row.unit},{row.std}" for row in hung]
    (folder / "sensors.csv").write_text("\n".join(["sensor,quantity,element,unit,std", *rows, ""]))
    given = {
        "network": {"file": "network.inp"},
        "sensors": {"file": "sensors.csv", "interval": "1h"},
        "time": {"cycle": "1h"},
        "ensemble": {"members": 10},
    }
    for name, keys in sections.items():
        given[name] = given.get(name, {}) | dict(keys)
    lines = [f"{name}.{key} = {json.dumps(value)}" for name, keys in given.items() for key, value in keys.items()]
    (folder / "TWIN.toml").write_text("\n".join([*lines, ""]))
    return read_config(folder / "TWIN.toml")


def twin_of(folder: Path, name: str, hung: Sequence[Sensor], **sections: Mapping[str, Any]) -> Twin:
    """A twin of a network of the package epyt."""
    return make_twin(make_folder(folder, package_network("epyt", name), hung, **sections))


def hidden_town(
    network: Network, twin: Twin, hours: float, events: Sequence[Mapping[str, Any]] = (), seed: int = 1, **truth: Any
) -> PlantRun:
    """What happens in reality, at the interval of the twin's sensors."""
    interval = twin.config.sensors.interval
    world = {"seed": seed, "start": START, "days": hours / 24, "interval": interval, "truth": truth, "events": list(events)}
    return simulate_plant(network, twin.sensors, world)


def batches_of(twin: Twin, run: PlantRun, values: Floats | None = None) -> list[Batch]:
    """The cycles of a run of the hidden town; `values` instead of its readings, SI; (step, sensor)."""
    return batches(twin, Grid(run.times, run.values if values is None else values))


def before(twin: Twin, cycles: Sequence[Batch]) -> TwinState:
    """The state before the first cycle."""
    return first_state(twin, cycles[0].end - round(twin.config.time.cycle * 1e6))


def taken(twin: Twin, state: TwinState, cycles: Sequence[Batch]) -> tuple[TwinState, list[CycleInfo]]:
    """The state after some cycles, and what each had to say."""
    infos = []
    for batch in cycles:
        state, info = advance(twin, state, batch)
        infos.append(info)
    return state, infos


def without(batch: Batch, gone: Any) -> Batch:
    """A batch in which some readings are missing; `gone` picks (step, sensor)."""
    value, seen, flag = batch.value.copy(), batch.seen.copy(), batch.flag.copy()
    value[gone], seen[gone], flag[gone] = np.nan, np.nan, Flag.MISSING_VALUE
    return replace(batch, value=value, seen=seen, flag=flag)
