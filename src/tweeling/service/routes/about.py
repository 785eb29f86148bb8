"""`GET /api/about` and `GET /api/timeline`: what the twin is of, and from when to when it has something to say."""

from __future__ import annotations

from importlib.metadata import version as version_of
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, Response

from tweeling.estimate import LEVEL
from tweeling.reading import iso_time
from tweeling.service.doors import Doors, answer, doors_of, outlook_of, unit_of
from tweeling.service.schema import AboutAnswer, Problem, TimelineAnswer
from tweeling.units import QUANTITIES

router = APIRouter(tags=["about"])

VERSION = version_of("tweeling")


@router.get("/api/about", response_model=AboutAnswer, responses={401: {"model": Problem}})
def get_about(doors: Annotated[Doors, Depends(doors_of)]) -> Response:
    """What the twin is of; the same for as long as the service runs."""
    config, nodes = doors.config, doors.network.nodes
    return answer(
        {
            "name": config.name,
            "version": VERSION,
            "demo": config.demo is not None,
            "network": {
                "hash": doors.network_hash,
                "nodes": len(nodes),
                "links": len(doors.network.links),
                "placed": bool((np.isfinite(nodes.x) & np.isfinite(nodes.y)).any()),
            },
            "members": config.ensemble.members,
            "level": LEVEL,
            "cycle_s": config.time.cycle,
            "interval_s": config.sensors.interval,
            "quantities": list(config.output.quantities) if config.output.elements == "all" else [],
            "units": {quantity: unit_of(quantity) for quantity in QUANTITIES},
            "limits": dict(config.output.limits),
        }
    )


@router.get("/api/timeline", response_model=TimelineAnswer, responses={401: {"model": Problem}})
def get_timeline(doors: Annotated[Doors, Depends(doors_of)]) -> Response:
    """Ends of the first and the last cycle that are kept, and how far the outlook reaches beyond."""
    first, last, outlook = doors.log.first_cycle(), doors.log.last_cycle(), outlook_of(doors)
    return answer(
        {
            "first": iso_time(first.end) if first else None,
            "last": iso_time(last.end) if last else None,
            "forecast_made": iso_time(outlook.made) if outlook else None,
            "forecast_until": iso_time(outlook.until) if outlook else None,
            "cycle_s": doors.config.time.cycle,
        }
    )
