"""`GET /api/stream`: what is new, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Header, Response
from fastapi.responses import StreamingResponse

from tweeling.errors import StoreError
from tweeling.live.bands import READING, read_bands
from tweeling.live.store.contract import Cycle
from tweeling.reading import iso_time
from tweeling.service.doors import Doors, doors_of, estimate_document, unit_of
from tweeling.service.routes.health import health_document
from tweeling.service.schema import Problem

router = APIRouter(tags=["stream"])

LOOK_SECONDS = 0.25
"""How often the doors look whether the twin has something new."""

log = structlog.get_logger()
Events = list[tuple[str, Any]]


@dataclass(frozen=True)
class Seen:
    """What listeners were told.

    Args:
        cycle: the last one.
        findings: revision by id.
        health: status and reasons.
    """

    cycle: Cycle | None = None
    findings: Mapping[str, int] | None = None
    health: tuple[str, ...] = ()


@router.get(
    "/api/stream",
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}, 401: {"model": Problem}},
)
async def get_stream(
    doors: Annotated[Doors, Depends(doors_of)],
    last_event_id: Annotated[str, Header(max_length=100)] = "",
) -> Response:
    """Events `state`, `finding` and `health`. A browser that comes back sends `Last-Event-ID` and gets what it missed."""
    return StreamingResponse(
        doors.broadcaster.listen(last_event_id, lambda: news(doors, Seen())[1]),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def watch(doors: Doors) -> None:
    """Looks for what is new and tells the listeners, for ever."""
    seen, _ = await asyncio.to_thread(news, doors, Seen())
    trouble = ""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            seen, events = await asyncio.to_thread(news, doors, seen)
        except StoreError as error:
            if str(error) != trouble:
                log.error("the twin's log cannot be read", why=str(error))
            trouble = str(error)
            continue
        if trouble:
            log.info("the twin's log can be read again")
            trouble = ""
        for kind, data in events:
            await doors.broadcaster.publish(kind, data)


def news(doors: Doors, seen: Seen) -> tuple[Seen, Events]:
    """What is new since something was seen."""
    events: Events = []
    cycle = doors.log.last_cycle()
    findings = seen.findings
    if cycle != seen.cycle or findings is None:
        if cycle is not None:
            events.append(("state", _state(doors, cycle)))
        known, found = findings or {}, doors.log.findings()
        events += [("finding", one.as_document()) for one in found if known.get(one.id) != one.revision]
        findings = {one.id: one.revision for one in found}
    health = health_document(doors)
    words = (health["status"], *health["why"])
    if words != seen.health or cycle != seen.cycle:
        events.append(("health", health))
    return Seen(cycle, findings, words), events


def _state(doors: Doors, cycle: Cycle) -> dict[str, Any]:
    """A cycle: its end, and what each sensor should read then."""
    document: dict[str, Any] = {"cycle": cycle.cycle, "cycle_end": iso_time(cycle.end), "reason": cycle.reason, "sensors": {}}
    for _end, packed in doors.log.estimates(cycle.end - 1, cycle.end):
        for row in read_bands(packed).to_pylist():
            if row["quantity"] == READING and row["element"] in doors.sensors.index:  # the last step of the cycle wins
                unit = unit_of(doors.sensors.rows[doors.sensors.index[row["element"]]].quantity)
                band = [row[name] for name in ("median", "low", "high", "level")]
                document["sensors"][row["element"]] = estimate_document(band, unit)
    return document
