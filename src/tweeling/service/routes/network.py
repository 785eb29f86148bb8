"""`GET /api/network`: where everything lies, as GeoJSON."""

from __future__ import annotations

import math
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from tweeling.network.network import LinkKind, Network
from tweeling.service.doors import Doors, answer, doors_of
from tweeling.service.schema import NetworkAnswer, Problem

router = APIRouter(tags=["network"])


@router.get("/api/network", response_model=NetworkAnswer, responses={401: {"model": Problem}})
def get_network(doors: Annotated[Doors, Depends(doors_of)]) -> Response:
    """Nodes as points and links as lines between them, in the coordinates of the network's file."""
    network = doors.network
    return answer({"type": "FeatureCollection", "features": _nodes(network) + _links(network)})


def _nodes(network: Network) -> list[dict[str, Any]]:
    nodes = network.nodes
    kinds = dict.fromkeys(network.reservoirs.node.tolist(), "reservoir") | dict.fromkeys(network.tanks.node.tolist(), "tank")
    found = []
    for node, name in enumerate(nodes.ids):
        place = _place(network, node)
        geometry = None if place is None else {"type": "Point", "coordinates": place}
        properties = {"kind": kinds.get(node, "junction"), "tag": nodes.tag.get(node)}
        found.append({"type": "Feature", "id": name, "geometry": geometry, "properties": properties})
    return found


def _links(network: Network) -> list[dict[str, Any]]:
    links, ids = network.links, network.nodes.ids
    found = []
    for link, name in enumerate(links.ids):
        start, end = int(links.start[link]), int(links.end[link])
        places = [_place(network, start), _place(network, end)]
        geometry = None if None in places else {"type": "LineString", "coordinates": places}
        kind = LinkKind(links.kind[link]).name.lower()
        properties = {"kind": kind, "start": ids[start], "end": ids[end], "tag": links.tag.get(link)}
        found.append({"type": "Feature", "id": name, "geometry": geometry, "properties": properties})
    return found


def _place(network: Network, node: int) -> list[float] | None:
    place = [float(network.nodes.x[node]), float(network.nodes.y[node])]
    return place if all(math.isfinite(number) for number in place) else None
