"""What tests of sending share: two sensors, pieces of a run, and a clock that moves only when somebody waits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tweeling.observation.sensors import Sensor, Sensors
from tweeling.plant.run import Piece
from tweeling.plant.send import Habits

ROWS = (Sensor("p", "pressure", "J0", "m", 0.02), Sensor("q", "flow", "L0", "m3/h", 0.1))
SENSORS = Sensors(rows=ROWS, element=np.zeros(2, np.int64), std=np.ones(2), si_per_unit=np.ones(2))


def piece(steps: int, first: int = 0) -> Piece:
    times = 300_000_000 * np.arange(first, first + steps, dtype=np.int64)
    readings = np.stack([np.arange(steps) + 0.25, np.arange(steps) + 100.5], axis=1)
    nothing = np.zeros((steps, 0))
    return Piece(times, readings, readings, nothing, np.ones(steps), np.zeros(steps))


@dataclass
class Wall:
    """A clock that moves only when somebody waits."""

    now: float = 0.0
    waits: list[float] = field(default_factory=list)

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


def habits(wall: Wall, said: list[str], **keys: Any) -> Habits:
    return Habits(say=said.append, clock=lambda: wall.now, wait=wall.wait, **keys)
