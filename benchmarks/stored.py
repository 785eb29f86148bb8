"""A twin over a store on disk, fed reading by reading as its doors would, for benchmarks of the loop."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tweeling.live.check import limits_of
from tweeling.live.entrance import door_check
from tweeling.live.run import Loop, Position, Steps
from tweeling.live.store.open import open_store
from tweeling.live.window import Window
from tweeling.network.network import Floats, Ints
from tweeling.reading import Readings

MINUTE = 60_000_000


class Town:
    """A store, the doors' check and a loop.

    Args:
        folder: where the store lies.
        steps: of the twin.
    """

    def __init__(self, folder: Path, steps: Steps[Any]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.steps, self.now = steps, 1_600_000_000_000_000
        self.store = open_store("sqlite:///twin.db", folder, write=("readings", "twin"))
        limits = limits_of(steps.network, steps.sensors, lateness=steps.config.time.lateness)
        self._check = door_check(steps.sensors, limits, Window.of(len(steps.sensors)))
        self.loop: Loop[Any] = Loop(steps, self.store.readings, self.store.twin, lambda: self.now)
        self.position: Position[Any] = self.loop.resume()

    def send(self, ids: Sequence[str], times: int | Ints, values: Floats) -> None:
        """Checks readings and keeps them; those without a number did not come.

        Args:
            ids: of their sensors; (reading,).
            times: microseconds since 1970 UTC; one for all, or (reading,).
            values: in each sensor's unit; (reading,).
        """
        there = np.flatnonzero(np.isfinite(values))
        empty = np.full(len(there), "", dtype=object)
        readings = Readings(
            sensor=np.array(ids, dtype=object)[there],
            time=np.broadcast_to(np.asarray(times, dtype=np.int64), len(values))[there],
            value=np.asarray(values, dtype=float)[there],
            unit=empty,
            quality=empty,
        )
        self.now += MINUTE
        self.store.readings.append(self._check(readings, self.now), self.now)

    def settle(self) -> None:
        """The loop does what there is to do."""
        self.position = self.loop.settle(self.position)

    def silence(self) -> None:
        """Nothing comes for so long that every cycle closes."""
        self.now += round(self.steps.config.time.give_up * 1e6) + MINUTE
        self.settle()

    def packed(self) -> bytes:
        """The last snapshot."""
        kept = self.store.twin.snapshot()
        assert kept is not None
        return kept[1]

    def close(self) -> None:
        """Lets go of the store."""
        self.store.close()
