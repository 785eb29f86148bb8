"""`GET /api/truth`: in a demo, what has really happened so far, and whether the findings were right."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response
from starlette.exceptions import HTTPException

from tweeling.live.window import level
from tweeling.plant.compare import CALIBRATION, Happened, compared, happened, has_ended, read_truth
from tweeling.reading import iso_time
from tweeling.service.doors import Doors, answer, doors_of
from tweeling.service.schema import Problem, TruthAnswer

router = APIRouter(tags=["demo"])

LONG_AGO = -(2**62)


@router.get("/api/truth", response_model=TruthAnswer, responses={code: {"model": Problem} for code in (401, 404)})
def get_truth(doors: Annotated[Doors, Depends(doors_of)]) -> Response:
    """The events that have begun, each finding beside them, and how often such a finding has been right. Only in a demo."""
    demo = doors.config.demo
    if demo is None:
        raise HTTPException(404, "this twin is no demo: nobody knows what is true")
    truth, reached = read_truth(doors.config.path(demo.truth)), level(doors.entrance.window)
    now = LONG_AGO if reached is None else reached
    events = happened(truth, now)
    return answer(
        {
            "ended": has_ended(truth, now),
            "events": [_document(event) for event in events],
            "findings": [asdict(one) for one in compared(doors.log.findings(), events, doors.network)],
            "calibration": json.loads(CALIBRATION.read_text(encoding="utf-8")) if CALIBRATION.exists() else None,
        }
    )


def _document(event: Happened) -> dict[str, Any]:
    element = ", ".join(event.element)
    return {
        "kind": event.kind,
        "cause": event.cause,
        "subject": event.sensor or element,
        "element": element or None,
        "sensor": event.sensor or None,
        "at": iso_time(event.at),
        "until": None if event.until is None else iso_time(event.until),
        "size": None if event.size is None else {"value": event.size[0], "unit": event.size[1]},
    }
