"""The sensors of a network: what each measures, where, in which unit and how well.

`sensors.csv` has the columns `sensor,quantity,element,unit,std`; `std` is the instrument's alone, in `unit`. Inside, a sensor
is a row of arrays in SI.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tweeling.errors import InputError
from tweeling.network.network import Floats, Ints, Network
from tweeling.units import QUANTITIES, UNITS, dimension, si_per

COLUMNS = ("sensor", "quantity", "element", "unit", "std")
LONGEST_ID = 200


@dataclass(frozen=True)
class Sensor:
    """One row of `sensors.csv`.

    Args:
        id: how readings name it.
        quantity: one of `units.QUANTITIES`.
        element: id of a node, of a link for `flow`, of a tank for `level`.
        unit: of its readings, unless they say otherwise.
        std: standard deviation of the instrument, in `unit`.
    """

    id: str
    quantity: str
    element: str
    unit: str
    std: float


@dataclass(frozen=True, eq=False)
class Sensors:
    """All sensors of a twin, checked against its network.

    Args:
        rows: as the file has them.
        element: index of the node, or of the link for `flow`; (sensor,).
        std: of the instrument, SI; (sensor,).
        si_per_unit: m or m3/s in one of the sensor's unit; (sensor,).
    """

    rows: tuple[Sensor, ...]
    element: Ints
    std: Floats
    si_per_unit: Floats

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Ids in the file's order."""
        return tuple(row.id for row in self.rows)

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Index of a sensor by id."""
        return {row.id: place for place, row in enumerate(self.rows)}

    def of(self, quantity: str) -> npt.NDArray[np.int64]:
        """Indices of the sensors of a quantity."""
        return np.array([i for i, row in enumerate(self.rows) if row.quantity == quantity], dtype=np.int64)

    @staticmethod
    def of_rows(rows: Iterable[Sensor], network: Network, where: str = "the sensors") -> Sensors:
        """Sensors checked against a network.

        Raises:
            InputError: what is wrong, with `where` and the sensor.
        """
        rows = tuple(rows)
        seen: set[str] = set()
        for row in rows:
            if row.id in seen:
                raise InputError(f"{where}: sensor {row.id!r} is there twice; give each an id of its own")
            seen.add(row.id)
        return Sensors(
            rows=rows,
            element=np.array([_element(row, network, where) for row in rows], dtype=np.int64),
            std=np.array([row.std * si_per(row.unit) for row in rows], dtype=float),
            si_per_unit=np.array([si_per(row.unit) for row in rows], dtype=float),
        )


def read_sensors(path: str | Path, network: Network) -> Sensors:
    """Reads `sensors.csv`.

    Args:
        path: of the file.
        network: that the sensors hang in.

    Raises:
        InputError: a file that cannot be read, or a row that makes no sense; it names the line.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (table.fieldnames or ())]
            if missing:
                raise InputError(f"{path}: no column {', '.join(missing)}; a sensor file has {','.join(COLUMNS)}")
            rows = [_sensor(row, f"{path}, line {table.line_num}") for row in table]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a table of sensors: {error}") from error
    if not rows:
        raise InputError(f"{path} names no sensor")
    return Sensors.of_rows(rows, network, str(path))


def _sensor(row: Mapping[str, str | None], where: str) -> Sensor:
    cells = {name: (row[name] or "").strip() for name in COLUMNS}
    if not cells["sensor"] or len(cells["sensor"]) > LONGEST_ID:
        raise InputError(f"{where}: a sensor needs an id of 1 to {LONGEST_ID} characters")
    if cells["quantity"] not in QUANTITIES:
        raise InputError(f"{where}: quantity {cells['quantity']!r} is not one of {', '.join(QUANTITIES)}")
    if cells["unit"] not in UNITS:
        raise InputError(f"{where}: unit {cells['unit']!r} is not one of {', '.join(UNITS)}")
    if dimension(cells["unit"]) != QUANTITIES[cells["quantity"]]:
        raise InputError(f"{where}: {cells['quantity']} cannot be in {cells['unit']}")
    try:
        std = float(cells["std"])
    except ValueError:
        std = math.nan
    if not (math.isfinite(std) and std > 0):
        raise InputError(f"{where}: std {cells['std']!r} is no number above 0; it is the instrument's, in {cells['unit']}")
    return Sensor(cells["sensor"], cells["quantity"], cells["element"], cells["unit"], std)


def _element(row: Sensor, network: Network, where: str) -> int:
    """Index of what a sensor measures."""
    index = network.links.index if row.quantity == "flow" else network.nodes.index
    kind = "link" if row.quantity == "flow" else "node"
    if row.element not in index:
        raise InputError(f"{where}: sensor {row.id!r} is at {row.element!r}, which is no {kind} of the network")
    place = index[row.element]
    if row.quantity == "level" and place not in network.tanks.node:
        raise InputError(f"{where}: sensor {row.id!r} measures a level at {row.element!r}, which is no tank")
    if row.quantity == "demand" and place >= network.nodes.n_junctions:
        raise InputError(f"{where}: sensor {row.id!r} measures a demand at {row.element!r}, which is no junction")
    return place
