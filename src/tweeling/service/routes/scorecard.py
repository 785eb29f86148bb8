"""`GET /api/scorecard`: how well the twin does, judged by the sensors that it never assimilates."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from tweeling.service.doors import Doors, answer, doors_of
from tweeling.service.schema import Problem, ScorecardAnswer

router = APIRouter(tags=["scorecard"])


@router.get("/api/scorecard", response_model=ScorecardAnswer, responses={401: {"model": Problem}})
def get_scorecard(doors: Annotated[Doors, Depends(doors_of)]) -> Response:
    """The scores as they stand after the last cycle; empty as long as there are none."""
    health = doors.log.health()
    return answer({"at": health.get("end"), "scores": health.get("scorecard") or {}})
