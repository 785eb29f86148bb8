"""`GET /api/values`: a quantity at all elements, past, now or to come, as numbers for a map.

Four rows of float32, little endian, one number for each node or link in the network's order: median, low, high, and the
probability that the quantity's limit is broken. NaN where there is none. `GET /api/state` gives the same estimates by name.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Query, Response
from starlette.exceptions import HTTPException

from tweeling.live.bands import read_bands
from tweeling.network.network import Network
from tweeling.reading import iso_time
from tweeling.service.doors import Doors, doors_of, outlook_of, quantity_of, time_of
from tweeling.service.routes.state import last_before
from tweeling.service.schema import Problem

router = APIRouter(tags=["estimates"])

COLUMNS = ("median", "low", "high", "broken")


@router.get(
    "/api/values",
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
        **{code: {"model": Problem} for code in (400, 401, 404)},
    },
)
def get_values(
    doors: Annotated[Doors, Depends(doors_of)],
    quantity: Annotated[str, Query(max_length=100)] = "pressure",
    at: Annotated[str | None, Query(max_length=100, description="By default the last cycle; later: the outlook.")] = None,
) -> Response:
    """Median, low, high and the probability that the limit is broken, each a float32 for every node or link, in their order.

    The headers say of what time they are (`Tweeling-End`), what was the last cycle when they were believed (`Tweeling-Made`),
    and whether they are `past`, `now` or `forecast` (`Tweeling-Kind`).
    """
    quantity_of(quantity)
    moment, last = time_of(at, "at"), doors.log.last_cycle()
    kind, end, made, table = _to_come(doors, moment) if last and moment and moment > last.end else (None, 0, 0, None)
    if kind is None:
        end, packed = last_before(doors, moment)
        kind, made, table = "now" if last and end == last.end else "past", end, read_bands(packed)
    rows = values(table, quantity, doors.network)
    if rows is None:
        kept = ", ".join(doors.config.output.quantities)
        raise HTTPException(404, f"no {quantity} is kept; output.quantities of TWIN.toml names {kept}")
    headers = {"Tweeling-End": iso_time(end), "Tweeling-Made": iso_time(made), "Tweeling-Kind": kind}
    return Response(
        rows.astype("<f4").tobytes(), media_type="application/octet-stream", headers=headers | {"Cache-Control": "no-store"}
    )


def _to_come(doors: Doors, moment: int) -> tuple[str | None, int, int, Any]:
    """The step of the outlook at or before a time; no kind where there is none."""
    import pyarrow.compute as pc

    outlook, last = outlook_of(doors), doors.log.last_cycle()
    if outlook is None or last is None:
        return None, 0, 0, None
    times = outlook.bands["time"].cast("int64")
    known = np.unique(times.to_numpy())
    known = known[(known <= moment) & (known > last.end)]
    if not len(known):
        return None, 0, 0, None
    return "forecast", int(known[-1]), outlook.made, outlook.bands.filter(pc.equal(times, int(known[-1])))


def values(table: Any, quantity: str, network: Network) -> np.ndarray | None:
    """`COLUMNS` of a quantity in the network's order; (4, node or link). None where the table has nothing of it."""
    import pyarrow.compute as pc

    table = table.filter(pc.equal(table["quantity"], quantity))
    if not len(table):
        return None
    index = network.links.index if quantity == "flow" else network.nodes.index
    place = np.array([index[name] for name in table["element"].to_pylist()], dtype=np.int64)
    rows = np.full((len(COLUMNS), len(index)), np.nan, dtype=np.float32)
    for row, name in zip(rows, COLUMNS, strict=True):
        row[place] = table[name].to_numpy()
    return rows
