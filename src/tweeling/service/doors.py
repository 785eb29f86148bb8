"""What the routes work with, and small things that several of them need."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import msgspec
from fastapi import Request, Response

from tweeling.errors import InputError, UnknownElementError
from tweeling.live.bands import read_bands
from tweeling.live.config import TwinConfig
from tweeling.live.entrance import Entrance
from tweeling.live.store.contract import ReadingLog, TwinLog
from tweeling.network.fingerprint import network_hash
from tweeling.network.network import Network
from tweeling.observation.sensors import Sensors
from tweeling.reading import microseconds
from tweeling.service.gaps import GapKeeper
from tweeling.service.stream import Broadcaster
from tweeling.units import QUANTITIES, SI

SHOWN = 80
"""Characters of a stranger's text that an answer repeats."""


@dataclass(frozen=True, eq=False)
class Doors:
    """A twin seen from its doors.

    Args:
        config, network, sensors: of the twin.
        readings: the log that the entrance writes.
        log: the twin's, read only.
        entrance: where readings and actions enter.
        twin_alive: whether the twin's process lives.
        clock: the wall clock, microseconds since 1970 UTC.
        started: by that clock.
        gaps: when sensors were silent.
        inputs: how each door fares that connects to somewhere else, as a document.
        broadcaster: of the event stream.
    """

    config: TwinConfig
    network: Network
    sensors: Sensors
    readings: ReadingLog
    log: TwinLog
    entrance: Entrance
    twin_alive: Callable[[], bool]
    clock: Callable[[], int]
    started: int
    gaps: GapKeeper
    inputs: Callable[[], Sequence[Mapping[str, Any]]] = tuple
    broadcaster: Broadcaster = field(default_factory=Broadcaster)

    @cached_property
    def network_hash(self) -> str:
        """Changes when anything of the network does."""
        return network_hash(self.network)

    @cached_property
    def last_outlook(self) -> list[Outlook]:
        """The outlook that was read last, if any: reading it anew for every question would cost more than answering."""
        return []


@dataclass(frozen=True, eq=False)
class Outlook:
    """The newest outlook that the twin has kept.

    Args:
        made: end of the cycle that it starts from, microseconds since 1970 UTC.
        until: the last time that it tells of.
        bands: a table with the columns of `live/bands.py`.
    """

    made: int
    until: int
    bands: Any


def outlook_of(doors: Doors) -> Outlook | None:
    """The newest outlook; None where there is none, or where the twin has passed it."""
    kept, last = doors.log.outlook(), doors.log.last_cycle()
    if kept is None or last is None:
        return None
    known = doors.last_outlook[0] if doors.last_outlook else None
    if known is None or known.made != kept[0]:
        table = read_bands(kept[1])
        until = int(table["time"].cast("int64").to_numpy().max()) if len(table) else kept[0]
        known = Outlook(kept[0], until, table)
        doors.last_outlook[:] = [known]
    return known if known.until > last.end >= known.made else None


async def doors_of(request: Request) -> Doors:
    """The doors of the application that a request came to; a FastAPI dependency (async, or each call would cost a thread)."""
    doors: Doors = request.app.state.doors
    return doors


def answer(document: Any) -> Response:
    """A document as JSON; what is no number becomes null."""
    return Response(msgspec.json.encode(document), media_type="application/json")


def time_of(text: str | None, name: str) -> int | None:
    """A parameter as microseconds since 1970 UTC.

    Raises:
        InputError: no time; it says how to write one.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(re.sub(r" (\d\d:\d\d)$", r"+\1", text))  # a plus sign that a URL made a space
        return microseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise InputError(f"{name}={shown(text)} is no time; write it as 2018-01-01T00:05:00Z") from error


def quantity_of(name: str) -> str:
    """A quantity that Tweeling knows.

    Raises:
        InputError: any other.
    """
    if name not in QUANTITIES:
        raise InputError(f"quantity={shown(name)} is not one of {', '.join(QUANTITIES)}")
    return name


def element_of(doors: Doors, quantity: str, name: str) -> str:
    """An element of the network that a quantity can be of.

    Raises:
        UnknownElementError: there is none; it says where to look.
    """
    kind = "link" if quantity == "flow" else "node"
    index = doors.network.links.index if quantity == "flow" else doors.network.nodes.index
    if name not in index:
        raise UnknownElementError(f"the network has no {kind} {shown(name)}; GET /api/network lists them")
    return name


def unit_of(quantity: str) -> str:
    """The unit in which a quantity leaves."""
    return SI[QUANTITIES[quantity]]


def estimate_document(band: Sequence[float], unit: str) -> dict[str, Any]:
    """Median, low, high and level as an estimate for JSON: numbers as short as their seven digits, null where there is none."""
    numbers = [float(f"{value:.7g}") if math.isfinite(value) else None for value in band[:3]]
    return dict(zip(("median", "low", "high"), numbers, strict=True)) | {"level": round(band[3], 6), "unit": unit}


def shown(text: str) -> str:
    """A stranger's text, quoted, without what moves a cursor, and not longer than need be."""
    short = text if len(text) <= SHOWN else f"{text[:SHOWN]}... ({len(text)} characters)"
    return repr(short)
