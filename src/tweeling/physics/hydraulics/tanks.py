"""Tanks in time: explicit Euler on the volume, with EPANET's snap to full and to empty.

EPANET integrates cubic feet with its rounded cubic feet per second. Our flows are exact m3/s (see `tweeling.units`), so the
volume that a flow fills is `flow * volume_per_flow` m3 per second; the factor differs from 1 by about 1e-5. Without it levels
would drift from EPANET's by 1e-5 of the water moved.
"""

from __future__ import annotations

import numpy as np

from tweeling.network.network import Floats
from tweeling.physics.hydraulics.plan import TankTable
from tweeling.physics.kernels import events
from tweeling.physics.kernels.compiled import owned
from tweeling.units import METRES_PER_FOOT, FileUnits


def volume_per_flow(units: FileUnits) -> float:
    """m3 that EPANET puts into a tank in a second at a flow of 1 m3/s."""
    return units.cfs_per_si * METRES_PER_FOOT**3


def compiled_tanks(tanks: TankTable) -> events.Tanks:
    """Tanks as kernels take them."""
    ends = np.cumsum([0, *(level.size for level in tanks.curve_level)])
    per_tank = {name: owned(getattr(tanks, name)) for name in ("bottom", "min_head", "area", "min_volume", "max_volume")}
    return events.Tanks(
        fixed=owned(tanks.fixed, np.int64),
        **per_tank,
        curve_first=owned(ends, np.int64),
        curve_level=np.concatenate([np.zeros(0), *tanks.curve_level]),
        curve_volume=np.concatenate([np.zeros(0), *tanks.curve_volume]),
    )


def tank_heads(tanks: TankTable, volume: Floats) -> Floats:
    """Head in m of tanks that hold a volume in m3; both (member, tank)."""
    head = np.empty(volume.shape)
    for tank in range(volume.shape[1]):
        head[:, tank] = tanks.head(tank, volume[:, tank])
    return head


def tank_volumes(tanks: TankTable, head: Floats) -> Floats:
    """m3 in tanks at a head in m; both (member, tank)."""
    volume = np.empty(head.shape)
    for tank in range(head.shape[1]):
        volume[:, tank] = tanks.volume(tank, head[:, tank])
    return volume
