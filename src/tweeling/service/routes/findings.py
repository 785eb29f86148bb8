"""`/api/findings`: what the twin has found, and what people say about it."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Body, Depends, Path, Response

from tweeling.errors import UnknownElementError
from tweeling.service.doors import Doors, answer, doors_of, shown
from tweeling.service.schema import Deed, DeedAnswer, FindingsAnswer, Problem

router = APIRouter(tags=["findings"])


@router.get("/api/findings", response_model=FindingsAnswer, responses={401: {"model": Problem}})
def get_findings(doors: Annotated[Doors, Depends(doors_of)]) -> Response:
    """Every finding in its last revision, in the order in which they were raised."""
    return answer({"findings": [finding.as_document() for finding in doors.log.findings()]})


@router.post(
    "/api/findings/{name}/{kind}",
    response_model=DeedAnswer,
    responses={code: {"model": Problem} for code in (400, 401, 404, 415, 503)},
)
def post_action(
    doors: Annotated[Doors, Depends(doors_of)],
    name: Annotated[str, Path(max_length=200)],
    kind: Literal["confirm", "reject", "note", "close"],
    deed: Annotated[Deed | None, Body()] = None,
) -> Response:
    """Keeps what a person says about a finding; the twin takes it with its next cycle, as it takes readings."""
    if all(finding.id != name for finding in doors.log.findings()):
        raise UnknownElementError(f"there is no finding {shown(name)}; GET /api/findings lists them")
    deed = deed or Deed()
    sequence = doors.entrance.act(kind, name, deed.text, deed.who, deed.cause)
    return answer({"sequence": sequence, "finding": name, "kind": kind})
