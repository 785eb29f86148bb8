"""`GET /api/ids` and `GET /api/geometry`: the network as a map draws it, once; the network's hash says whether it is still so.

The geometry is one block of numbers, little endian, in this order:

    4 bytes `TWG1`; uint32 nodes, links, bends
    float64 (node, 2)       x, y in the coordinates of the network's file; NaN where a node has none
    float64 (bend, 2)       of all links, each from its start to its end
    uint32 (link,) twice    start, end: places among the nodes
    uint32 (link + 1,)      where the bends of each link begin
    float32 (link,)         diameter, m; NaN where there is none
    uint8 (node,)           0 junction, 1 reservoir, 2 tank
    uint8 (link,)           0 pipe, 1 pump, 2 valve
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, Header, Response

from tweeling.network.network import LinkKind, Network
from tweeling.service.doors import Doors, answer, doors_of
from tweeling.service.schema import IdsAnswer, Problem

router = APIRouter(tags=["network"])

MAGIC = b"TWG1"
PIPES = (LinkKind.PIPE, LinkKind.CHECK_VALVE_PIPE)
Known = Annotated[str, Header(alias="If-None-Match", max_length=1000)]


@router.get("/api/ids", response_model=IdsAnswer, responses={401: {"model": Problem}})
def get_ids(doors: Annotated[Doors, Depends(doors_of)], known: Known = "") -> Response:
    """Ids of nodes and links, in the order in which geometry and values come."""
    if doors.network_hash in known:
        return Response(status_code=304)
    return marked(answer({"nodes": list(doors.network.nodes.ids), "links": list(doors.network.links.ids)}), doors)


@router.get(
    "/api/geometry",
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
        401: {"model": Problem},
    },
)
def get_geometry(doors: Annotated[Doors, Depends(doors_of)], known: Known = "") -> Response:
    """Where everything lies, as a block of numbers; docs/reference/service.md gives their order."""
    if doors.network_hash in known:
        return Response(status_code=304)
    return marked(Response(geometry(doors.network), media_type="application/octet-stream"), doors)


def marked(response: Response, doors: Doors) -> Response:
    """An answer with the network's hash as its ETag, asked for anew each time and sent only when it has changed."""
    response.headers["ETag"] = f'"{doors.network_hash}"'
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def geometry(network: Network) -> bytes:
    """The block of numbers at the head of this module."""
    nodes, links = network.nodes, network.links
    nothing = np.zeros((0, 2))
    bends = [links.vertices.get(link, nothing) for link in range(len(links))]
    begins = np.concatenate(([0], np.cumsum([len(bend) for bend in bends]))).astype("<u4")
    node_kind = np.zeros(len(nodes), dtype=np.uint8)
    node_kind[network.reservoirs.node], node_kind[network.tanks.node] = 1, 2
    link_kind = np.where(links.kind == LinkKind.PUMP, 1, np.where(np.isin(links.kind, PIPES), 0, 2)).astype(np.uint8)
    return b"".join(
        (
            MAGIC,
            np.array([len(nodes), len(links), begins[-1]], dtype="<u4").tobytes(),
            np.stack((nodes.x, nodes.y), axis=1).astype("<f8").tobytes(),
            np.concatenate([nothing, *bends]).astype("<f8").tobytes(),
            links.start.astype("<u4").tobytes(),
            links.end.astype("<u4").tobytes(),
            begins.tobytes(),
            links.diameter.astype("<f4").tobytes(),
            node_kind.tobytes(),
            link_kind.tobytes(),
        )
    )
