"""`GET /api/sensors`: what measures, and when it was last heard."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from tweeling.live.gaps import Rules
from tweeling.live.window import NEVER, Timing, level
from tweeling.reading import SECOND, iso_time
from tweeling.service.doors import Doors, answer, doors_of
from tweeling.service.schema import Problem, SensorsAnswer

router = APIRouter(tags=["sensors"])


@router.get("/api/sensors", response_model=SensorsAnswer, responses={401: {"model": Problem}})
def get_sensors(doors: Annotated[Doors, Depends(doors_of)]) -> Response:
    """All sensors, and when each was last heard."""
    return answer({"sensors": sensor_rows(doors)})


def sensor_rows(doors: Doors) -> list[dict[str, Any]]:
    """All sensors for JSON. Stale: silent, or behind half of the others, for longer than three intervals and `give_up`."""
    timing, window, now = Timing.of(doors.config), doors.entrance.window, doors.clock()
    patience = Rules.of(timing).patience
    reached = level(window)
    rows = []
    for place, row in enumerate(doors.sensors.rows):
        latest, heard = int(window.latest[place]), int(window.heard[place])
        known = latest != NEVER and reached is not None
        behind = max(reached - latest, 0) if known and reached is not None else None
        rows.append(
            {
                "sensor": row.id,
                "quantity": row.quantity,
                "element": row.element,
                "unit": row.unit,
                "std": row.std,
                "withheld": row.id in doors.config.sensors.withhold,
                "last_time": iso_time(latest) if known else None,
                "last_heard": iso_time(heard) if known else None,
                "behind_s": None if behind is None else behind / SECOND,
                "stale": behind is None or behind > patience or now - heard > patience,
            }
        )
    return rows
