"""`GET /api/residuals`: how the readings of every sensor lay in the twin's bands.

A sensor that is assimilated has been seen by the twin that says where it should be; only those withheld measure how well the
twin does where it has no sensor.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Query, Response

from tweeling.live.bands import READING, read_bands
from tweeling.live.window import USABLE, indices
from tweeling.network.network import Floats
from tweeling.reading import SECOND, iso_time
from tweeling.service.doors import Doors, answer, doors_of, unit_of
from tweeling.service.schema import Problem, ResidualsAnswer

router = APIRouter(tags=["scorecard"])

HOUR = 3600 * SECOND


@router.get("/api/residuals", response_model=ResidualsAnswer, responses={code: {"model": Problem} for code in (400, 401)})
def get_residuals(
    doors: Annotated[Doors, Depends(doors_of)],
    hours: Annotated[float, Query(gt=0, le=168, description="How far back.")] = 24.0,
) -> Response:
    """Coverage, bias and spread of every sensor's readings around the twin's bands, over the last hours."""
    last = doors.log.last_cycle()
    end = last.end if last else doors.clock()
    start = end - round(hours * HOUR)
    times, bands = _expected(doors, start, end)
    measured = _measured(doors, times, start, end)
    rows = [_residual(doors, place, measured[:, place], bands[:, :, place]) for place in range(len(doors.sensors))]
    return answer({"from": iso_time(start), "to": iso_time(end), "sensors": rows})


def _expected(doors: Doors, start: int, end: int) -> tuple[np.ndarray, Floats]:
    """Times at which sensors were expected to read something, and median, low and high; (time,), (time, 3, sensor)."""
    import pyarrow.compute as pc

    index, n_sensors = doors.sensors.index, len(doors.sensors)
    times, bands = [np.zeros(0, dtype=np.int64)], [np.zeros((0, 3, n_sensors))]
    for _end, packed in doors.log.estimates(start, end):
        table = read_bands(packed)
        table = table.filter(pc.equal(table["quantity"], READING))
        time, row = np.unique(table["time"].cast("int64").to_numpy(), return_inverse=True)
        place = np.array([index.get(name, -1) for name in table["element"].to_pylist()], dtype=np.int64)
        known = place >= 0
        found = np.full((len(time), 3, n_sensors), np.nan)
        for number, name in enumerate(("median", "low", "high")):
            found[row[known], number, place[known]] = table[name].to_numpy()[known]
        times.append(time)
        bands.append(found)
    return np.concatenate(times), np.concatenate(bands)


def _measured(doors: Doors, times: np.ndarray, start: int, end: int) -> Floats:
    """Readings at those times, SI; the last good one counts; (time, sensor)."""
    stored = doors.readings.between(start, end)
    place = indices(stored, doors.sensors)
    row = np.searchsorted(times, stored.time).clip(max=max(len(times) - 1, 0))
    found = np.full((len(times), len(doors.sensors)), np.nan)
    if len(times):
        good = (place >= 0) & np.isin(stored.flag, USABLE) & (times[row] == stored.time)
        found[row[good], place[good]] = stored.clean[good]
    return found


def _residual(doors: Doors, place: int, measured: Floats, bands: Floats) -> dict[str, Any]:
    """Of one sensor; measured is (time,), bands (time, 3)."""
    sensor = doors.sensors.rows[place]
    known = np.isfinite(measured) & np.isfinite(bands).all(axis=1)
    median, low, high = bands[known].T
    value, n = measured[known], int(known.sum())
    numbers: dict[str, float | None] = dict.fromkeys(("coverage", "bias", "rmse", "half_width"))
    if n:
        numbers = {
            "coverage": float(((value >= low) & (value <= high)).mean()),
            "bias": float((value - median).mean()),
            "rmse": float(np.sqrt(((value - median) ** 2).mean())),
            "half_width": float((high - low).mean() / 2),
        }
    return {
        "sensor": sensor.id,
        "quantity": sensor.quantity,
        "element": sensor.element,
        "unit": unit_of(sensor.quantity),
        "withheld": sensor.id in doors.config.sensors.withhold,
        "n": n,
    } | numbers
