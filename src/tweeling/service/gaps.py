"""Keeps the gaps of a running service: told by the entrance what came, and by a clock that time has passed; logs each once."""

from __future__ import annotations

import threading
from typing import Any

import structlog

from tweeling.live import gaps
from tweeling.live.gaps import Gaps, Rules, Told
from tweeling.live.window import Window
from tweeling.network.network import Ints
from tweeling.observation.sensors import Sensors
from tweeling.reading import iso_time

SHOWN_OPEN, SHOWN_CLOSED = 100, 50

log = structlog.get_logger()


class GapKeeper:
    """The gaps of the sensors of a service; may be told from any thread.

    Args:
        sensors: of the twin.
        window: when they were heard, before this process began.
        rules: when silence is a gap.
    """

    def __init__(self, sensors: Sensors, window: Window, rules: Rules) -> None:
        self._sensors, self._rules = sensors, rules
        self._gaps = Gaps(window.latest, window.heard)
        self._lock = threading.Lock()

    def hear(self, sensor: Ints, time: Ints, now: int) -> None:
        """Some readings came; see `live/gaps.py`."""
        with self._lock:
            self._gaps, told = gaps.hear(self._gaps, self._rules, sensor, time, now)
        self._log(told)

    def look(self, reached: int | None, now: int) -> None:
        """Time has passed; see `live/gaps.py`."""
        with self._lock:
            self._gaps, told = gaps.look(self._gaps, self._rules, reached, now)
        self._log(told)

    def document(self) -> dict[str, Any]:
        """For health."""
        known = self._gaps
        still = [gap for _, gap in sorted(known.open.items())]
        return {
            "count": len(still),
            "open": [
                {"sensor": self._name(gap.sensor), "from": iso_time(gap.begin), "noticed": iso_time(gap.noticed)}
                for gap in still[:SHOWN_OPEN]
            ],
            "closed": [
                {
                    "sensor": self._name(gap.sensor),
                    "from": iso_time(gap.begin),
                    "to": iso_time(gap.end),
                    "noticed": iso_time(gap.noticed),
                    "missing": gap.missing,
                }
                for gap in reversed(known.closed[-SHOWN_CLOSED:])
                if gap.end is not None
            ],
        }

    def _name(self, sensor: int) -> str:
        return self._sensors.rows[sensor].id

    def _log(self, told: Told) -> None:
        for gap in told.opened:
            log.warning("gap opened", sensor=self._name(gap.sensor), **{"from": iso_time(gap.begin)})
        for gap in told.closed:
            span = {"from": iso_time(gap.begin), "to": iso_time(gap.end or gap.begin)}
            log.info("gap closed", sensor=self._name(gap.sensor), **span, missing=gap.missing)
