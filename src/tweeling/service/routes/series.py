"""`GET /api/series`: measurements, and the twin's bands beside them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Query, Response
from starlette.exceptions import HTTPException

from tweeling.errors import InputError, UnknownElementError
from tweeling.live.bands import READING, read_bands
from tweeling.live.store.contract import StoredReadings
from tweeling.live.window import Timing
from tweeling.reading import SECOND, Flag, iso_time
from tweeling.service.doors import (
    Doors,
    answer,
    doors_of,
    element_of,
    estimate_document,
    outlook_of,
    quantity_of,
    shown,
    time_of,
    unit_of,
)
from tweeling.service.schema import Problem, SeriesAnswer

router = APIRouter(tags=["estimates"])

DAY = 86400 * SECOND
MOST_CYCLES = 3000
MOST_READINGS = 200_000
Name = Annotated[str | None, Query(max_length=200)]


@router.get("/api/series", response_model=SeriesAnswer, responses={code: {"model": Problem} for code in (400, 401, 404)})
def get_series(
    doors: Annotated[Doors, Depends(doors_of)],
    quantity: Name = None,
    sensor: Name = None,
    element: Name = None,
    start: Annotated[str | None, Query(alias="from", max_length=100)] = None,
    end: Annotated[str | None, Query(alias="to", max_length=100)] = None,
) -> Response:
    """What a sensor measured beside what the twin held to be likely there; or the same for a quantity of an element.

    Of a sensor the bands are of its reading, its own offset included; of an element, of the quantity itself. Readings with time
    in (from, to]; by default the last day.
    """
    if (sensor is None) == (element is None):
        raise InputError("name either a sensor or an element: /api/series?sensor=..., or ?quantity=pressure&element=...")
    span = _span(doors, start, end)
    if sensor is not None:
        if sensor not in doors.sensors.index:
            raise UnknownElementError(f"there is no sensor {shown(sensor)}; GET /api/sensors lists them")
        row = doors.sensors.rows[doors.sensors.index[sensor]]
        if quantity not in (None, row.quantity):
            raise InputError(f"sensor {sensor!r} measures {row.quantity}, not {shown(str(quantity))}")
        return _series(doors, row.quantity, row.element, [sensor], (READING, sensor), span)
    quantity = quantity_of(quantity or "pressure")
    element = element_of(doors, quantity, str(element))
    names = [row.id for row in doors.sensors.rows if (row.quantity, row.element) == (quantity, element)]
    return _series(doors, quantity, element, names, (quantity, element), span)


def _span(doors: Doors, start: str | None, end: str | None) -> tuple[int, int]:
    """From where to where, both in the time of the readings."""
    upto, since = time_of(end, "to"), time_of(start, "from")
    if upto is None:
        last = doors.log.last_cycle()
        reached = int(doors.entrance.window.latest.max(initial=0)) if last is None else last.end
        upto = reached if since is None else max(reached, since)
    since = upto - DAY if since is None else since
    if since > upto:
        raise InputError("from is after to")
    if upto - since > MOST_CYCLES * Timing.of(doors.config).cycle:
        raise InputError(f"that is more than {MOST_CYCLES} cycles; ask for less at a time")
    return since, upto


def _series(
    doors: Doors, quantity: str, element: str, sensors: Sequence[str], kept_as: tuple[str, str], span: tuple[int, int]
) -> Response:
    unit = unit_of(quantity)
    document = {
        "quantity": quantity,
        "unit": unit,
        "sensor": kept_as[1] if kept_as[0] == READING else None,
        "element": element,
        "measured": [row for name in sensors for row in _measured(doors.readings.between(*span, sensor=name))],
        "bands": _bands(doors, *kept_as, unit, span),
    } | _outlook(doors, *kept_as, unit)
    return answer(document)


def _measured(stored: StoredReadings) -> list[dict[str, Any]]:
    if len(stored) > MOST_READINGS:
        raise HTTPException(400, f"that is more than {MOST_READINGS} readings; ask for less at a time")
    return [
        {
            "time": iso_time(int(stored.time[place])),
            "sensor": stored.sensor[place],
            "value": float(stored.clean[place]),
            "flag": Flag(int(stored.flag[place])).word,
        }
        for place in np.lexsort((stored.sequence, stored.time)).tolist()
    ]


def _bands(doors: Doors, quantity: str, element: str, unit: str, span: tuple[int, int]) -> list[dict[str, Any]]:
    """The estimates of one element, with time in the span; a cycle that ends after it has some of them."""
    found = []
    for _end, packed in doors.log.estimates(span[0], span[1] + Timing.of(doors.config).catch_up):
        rows = _of_one(read_bands(packed), quantity, element)
        found += [(time, band) for time, band in rows if span[0] < time <= span[1]]
    return _documents(found, unit)


def _outlook(doors: Doors, quantity: str, element: str, unit: str) -> dict[str, Any]:
    """What is to come of one element, after the last cycle."""
    outlook, last = outlook_of(doors), doors.log.last_cycle()
    if outlook is None or last is None:
        return {"forecast": [], "forecast_made": None}
    rows = [(time, band) for time, band in _of_one(outlook.bands, quantity, element) if time > last.end]
    return {"forecast": _documents(rows, unit), "forecast_made": iso_time(outlook.made)}


def _of_one(table: Any, quantity: str, element: str) -> list[tuple[int, list[float]]]:
    """Times and bands of one element."""
    import pyarrow.compute as pc

    table = table.filter(pc.and_(pc.equal(table["quantity"], quantity), pc.equal(table["element"], element)))
    bands = zip(*(table[name].to_pylist() for name in ("median", "low", "high", "level")), strict=True)
    return list(zip(table["time"].cast("int64").to_pylist(), map(list, bands), strict=True))


def _documents(rows: Sequence[tuple[int, list[float]]], unit: str) -> list[dict[str, Any]]:
    return [{"time": iso_time(time), "estimate": estimate_document(band, unit)} for time, band in rows]
