"""`GET /api/state`: the twin's estimate of a quantity at all elements."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from starlette.exceptions import HTTPException

from tweeling.live.bands import read_bands
from tweeling.live.window import Timing
from tweeling.reading import iso_time
from tweeling.service.doors import Doors, answer, doors_of, estimate_document, quantity_of, time_of, unit_of
from tweeling.service.schema import Problem, StateAnswer

router = APIRouter(tags=["estimates"])

LOOKED_BACK = (1, 12, 300)
"""In cycles of the longer length: where a cycle before some time is looked for, after the shorter one."""


@router.get("/api/state", response_model=StateAnswer, responses={code: {"model": Problem} for code in (400, 401, 404)})
def get_state(
    doors: Annotated[Doors, Depends(doors_of)],
    quantity: Annotated[str, Query(max_length=100)] = "pressure",
    at: Annotated[str | None, Query(max_length=100, description="The state at this time; by default the last one.")] = None,
) -> Response:
    """The estimate of a quantity at all elements, at the end of the last cycle that ended at or before `at`."""
    quantity_of(quantity)
    moment = time_of(at, "at")
    end, packed = last_before(doors, moment)
    rows = estimate_rows(packed, quantity)
    if not rows:
        kept = ", ".join(doors.config.output.quantities)
        raise HTTPException(404, f"no {quantity} is kept; output.quantities of TWIN.toml names {kept}")
    asked = end if moment is None else moment
    return answer({"at": iso_time(asked), "cycle_end": iso_time(end), "quantity": quantity, "elements": rows})


def last_before(doors: Doors, moment: int | None) -> tuple[int, bytes]:
    """The bands of the last cycle that ended at or before a time."""
    last = doors.log.last_cycle()
    if last is None:
        raise HTTPException(404, "no cycle has closed yet; GET /health says what the twin waits for")
    upto = last.end if moment is None else min(moment, last.end)
    timing = Timing.of(doors.config)
    for span in (timing.cycle, *(cycles * timing.catch_up for cycles in LOOKED_BACK)):
        found = list(doors.log.estimates(upto - span, upto))
        if found:
            return found[-1]
    raise HTTPException(404, f"no estimates are kept from before {iso_time(upto)}; ask for a later time")


def estimate_rows(packed: bytes, quantity: str) -> dict[str, dict[str, Any]]:
    """The estimates of a quantity by element, for JSON."""
    import pyarrow.compute as pc

    table = read_bands(packed)
    table = table.filter(pc.equal(table["quantity"], quantity))
    unit, elements = unit_of(quantity), table["element"].to_pylist()
    bands = zip(*(table[name].to_pylist() for name in ("median", "low", "high", "level")), strict=True)
    return {element: estimate_document(band, unit) for element, band in zip(elements, bands, strict=True)}
