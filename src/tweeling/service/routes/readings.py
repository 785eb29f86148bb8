"""`POST /api/readings`: a batch of readings, acknowledged when it is on disk."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.exceptions import HTTPException

from tweeling.live.ingest.decoded import Decoded, verdicts
from tweeling.live.ingest.formats import DECODERS, decode_body
from tweeling.service.doors import Doors, answer, doors_of
from tweeling.service.schema import Acknowledgement, Problem

router = APIRouter(tags=["readings"])

LARGEST_BODY = 8 << 20
IN_THIS_THREAD = 16 << 10
"""Bytes that are decoded at once; a larger body goes to a thread, so that others are answered meanwhile."""

_READING = {
    "type": "object",
    "required": ["sensor", "time"],
    "properties": {
        "sensor": {"type": "string"},
        "time": {"type": "string", "format": "date-time"},
        "value": {"type": "number", "nullable": True},
        "unit": {"type": "string"},
        "quality": {"type": "string"},
    },
}
_BODY: dict[str, Any] = {
    name: {"schema": {"type": "array", "items": _READING} if name.endswith("json") else {"type": "string", "format": "binary"}}
    for name in DECODERS
}


@router.post(
    "/api/readings",
    response_model=Acknowledgement,
    responses={status: {"model": Problem} for status in (400, 401, 413, 415, 503)},
    openapi_extra={"requestBody": {"required": True, "content": _BODY}},
)
async def post_readings(request: Request, doors: Annotated[Doors, Depends(doors_of)]) -> Response:
    """Takes readings: a JSON list, an Arrow stream or a Parquet file with the columns `sensor,time,value[,unit][,quality]`.

    The answer comes after the commit: what it calls stored is on disk. The same (sensor, time, value) again is a duplicate,
    acknowledged and not kept twice, so a sender that got no answer sends again. All that is not good about a reading is a
    verdict in the answer; a body that cannot be made out is refused whole.
    """
    body = await _body(request)
    if len(body) <= IN_THIS_THREAD:
        decoded = _decoded(doors, body, request)
    else:
        decoded = await asyncio.to_thread(_decoded, doors, body, request)
    if len(decoded) == 0:
        return answer({"stored": 0, "verdicts": [verdict.as_document() for verdict in decoded.refused]})
    kept = await asyncio.wrap_future(doors.entrance.put(decoded.readings))
    found = verdicts(decoded, kept.checked, kept.flags)
    return answer({"stored": kept.count, "verdicts": [verdict.as_document() for verdict in found]})


def _decoded(doors: Doors, body: bytes, request: Request) -> Decoded:
    return decode_body(body, request.headers.get("content-type", ""), doors.config.sensors.zone)


async def _body(request: Request) -> bytes:
    """The body, as long as it is not too large; it is not read further than that."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST_BODY:
            raise HTTPException(413, f"the body is larger than {LARGEST_BODY >> 20} MiB; send the readings in smaller batches")
        parts.append(part)
    return b"".join(parts)
