"""Tanks over time: explicit Euler on the volume, with EPANET's snap to full and to empty.

EPANET integrates cubic feet with its rounded cubic feet per second. Our flows are exact m3/s (see `tweeling.units`), so the
volume that a flow fills is `flow * volume_per_flow` m3 per second; the factor differs from 1 by about 1e-5. Without it levels
would drift from EPANET's by 1e-5 of the water moved.
"""

from __future__ import annotations

import numpy as np

from tweeling.network.network import Floats, Ints
from tweeling.physics.hydraulics.plan import TankTable
from tweeling.physics.kernels.events import tank_limits
from tweeling.units import METRES_PER_FOOT, FileUnits


def volume_per_flow(units: FileUnits) -> float:
    """m3 that EPANET puts into a tank in a second at a flow of 1 m3/s."""
    return units.cfs_per_si * METRES_PER_FOOT**3


def tank_heads(tanks: TankTable, volume: Floats) -> Floats:
    """Head in m of tanks that hold a volume in m3; both (member, tank)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        head = tanks.min_head + (volume - tanks.min_volume) / tanks.area
    for tank, curve in enumerate(tanks.curve_level):
        if curve.size:
            head[:, tank] = tanks.head(tank, volume[:, tank])
    return head


def tank_volumes(tanks: TankTable, head: Floats) -> Floats:
    """m3 in tanks at a head in m; both (member, tank)."""
    volume = tanks.min_volume + (head - tanks.min_head) * tanks.area
    for tank, curve in enumerate(tanks.curve_level):
        if curve.size:
            volume[:, tank] = tanks.volume(tank, head[:, tank])
    return volume


def step_to_limits(tanks: TankTable, step: Ints, volume: Floats, filling: Floats, resting: float) -> Ints:
    """A step cut short where the first tank is full or empty; (member,).

    Args:
        tanks: their limits.
        step: s; (member,).
        volume: m3; (member, tank).
        filling: m3 per second, negative when a tank empties; (member, tank).
        resting: a filling up to this size counts as none.
    """
    step = step.copy()
    arrays = (tanks.min_volume, tanks.max_volume, volume, filling)
    tank_limits(*(np.require(array, requirements=["C", "W"]) for array in arrays), resting, step)
    return step


def fill(tanks: TankTable, volume: Floats, filling: Floats, seconds: Ints) -> Floats:
    """Volumes after some time at a constant filling; a tank within a second of full or empty is full or empty.

    A full tank that can overflow spills what still comes; other tanks have closed their links by then.

    Args:
        tanks: their limits.
        volume: m3; (member, tank).
        filling: m3 per second; (member, tank).
        seconds: (member,).

    Returns:
        m3; (member, tank).
    """
    volume = volume + filling * seconds[:, None]
    full = volume + filling >= tanks.max_volume
    empty = ~full & (volume - filling <= tanks.min_volume)
    return np.where(full, tanks.max_volume, np.where(empty, tanks.min_volume, volume))
