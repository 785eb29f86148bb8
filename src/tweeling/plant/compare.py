"""Was it true? Findings beside what happened to the hidden town.

A finding is about an event when it was raised after the event began and does not speak of a time after the event's end. Of
several it is about the one of its own cause, the nearest of those. It is right when the cause is right and so is the place: the
likeliest link within `NEAR` of the leak or of the closed link, or the sensor itself. One of unknown cause is right
when anything was going on.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tweeling.errors import InputError
from tweeling.finding import Finding
from tweeling.network.network import Network
from tweeling.network.ways import Ways
from tweeling.reading import SECOND, microseconds

CALIBRATION = Path(__file__).with_name("calibration.json")
NEAR = 300.0
"""m of pipe: a first candidate that is this close to a leak or a closed link has found it."""
HOUR = 3600.0
CAUSE = {
    "leak": "leak",
    "close": "valve",
    "open": "valve",
    "setting": "valve",
    "pump": "model",
    "demand": "demand",
    "drift": "sensor",
    "offset": "sensor",
    "spike": "sensor",
    "stuck": "sensor",
    "gap": "sensor",
}
"""What a finding about an event of each kind should call it."""
SIZES = {
    "flow_m3h": (1 / HOUR, "m3/s"),
    "m_per_day": (1.0, "m/d"),
    "m": (1.0, "m"),
    "setting": (1.0, ""),
    "factor": (1.0, ""),
    "per_day": (1.0, ""),
    "size": (1.0, ""),
}
"""How the size of an event leaves: a factor on it, and the unit; "" where it is in what the event is about."""


@dataclass(frozen=True)
class Happened:
    """An event that has happened.

    Args:
        index: its place in the truth.
        kind: as `PLANT.toml` spells it.
        element, sensor: ids of what it happened to; of a demand several junctions, or `all`.
        at, until: microseconds since 1970 UTC; `until` is None while it lasts.
        size: value and unit; None where it has none.
    """

    index: int
    kind: str
    element: tuple[str, ...]
    sensor: str
    at: int
    until: int | None
    size: tuple[float, str] | None

    @property
    def cause(self) -> str:
        """What a finding about it should say."""
        return CAUSE[self.kind]


@dataclass(frozen=True)
class Compared:
    """A finding beside the truth; what cannot be told is None.

    Args:
        id: of the finding.
        event: index of the event that it is about.
        cause_right: whether it says the cause of that event.
        right: whether cause and place are right.
        metres: along pipes, from its likeliest pipe or link to the true one.
        hours_late: from the beginning of the event to the finding.
    """

    id: str
    event: int | None
    cause_right: bool | None
    right: bool | None
    metres: float | None
    hours_late: float | None


def read_truth(path: Path) -> dict[str, Any]:
    """What is true, as `record.truth_document` made it.

    Raises:
        InputError: a file that cannot be made out.
    """
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        document["events"]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path} cannot be read as a truth: {error}") from error
    return document


def happened(truth: Mapping[str, Any], now: int) -> list[Happened]:
    """The events that have begun.

    Args:
        truth: from `read_truth`.
        now: where the town is, microseconds since 1970 UTC.
    """
    events = [_event(place, event, now) for place, event in enumerate(truth["events"])]
    return [event for event in events if event.at <= now]


def has_ended(truth: Mapping[str, Any], now: int) -> bool:
    """Whether every event has begun: nothing new is to come."""
    return len(happened(truth, now)) == len(truth["events"])


def _event(place: int, event: Mapping[str, Any], now: int) -> Happened:
    element = event.get("element") or ()
    until = None if event["until"] is None else _time(event["until"])
    return Happened(
        index=place,
        kind=event["kind"],
        element=(element,) if isinstance(element, str) else tuple(element),
        sensor=event.get("sensor") or "",
        at=_time(event["at"]),
        until=until if until is not None and until <= now else None,
        size=next(((event[key] * factor, unit) for key, (factor, unit) in SIZES.items() if key in event), None),
    )


def _time(text: str) -> int:
    return microseconds(datetime.fromisoformat(text))


def compared(findings: Sequence[Finding], events: Sequence[Happened], network: Network) -> list[Compared]:
    """Each finding beside the events that have happened."""
    ways = Ways(network)
    return [_compared(finding, events, ways) for finding in findings]


def _compared(finding: Finding, events: Sequence[Happened], ways: Ways) -> Compared:
    going_on = [
        event for event in events if event.at <= finding.raised and (event.until is None or event.until >= finding.since)
    ]
    if not going_on:
        wrong = None if finding.kind == "unknown" else False
        return Compared(finding.id, None, wrong, False, None, None)
    event = min(going_on, key=lambda one: (one.cause != finding.kind, _away(finding, one, ways), -one.at))
    away = _away(finding, event, ways)
    cause_right = None if finding.kind == "unknown" else event.cause == finding.kind
    return Compared(
        id=finding.id,
        event=event.index,
        cause_right=cause_right,
        right=cause_right is None or (cause_right and _is_there(finding, event, away)),
        metres=away if math.isfinite(away) else None,
        hours_late=(finding.raised - event.at) / SECOND / HOUR,
    )


def _away(finding: Finding, event: Happened, ways: Ways) -> float:
    """Metres along pipes from the likeliest candidate to where the event is; infinite where either is no link."""
    links = ways.network.links.index
    if not finding.candidates or event.kind == "demand" or not event.element or event.element[0] not in links:
        return math.inf
    return ways.metres(event.element[0], [finding.candidates[0].element])[0]


def _is_there(finding: Finding, event: Happened, away: float) -> bool:
    """Whether a finding whose cause is right has the right place; a cause without a place has."""
    candidates = [candidate.element for candidate in finding.candidates]
    if event.cause in ("leak", "valve"):
        return away <= NEAR
    if event.cause == "sensor":
        return event.sensor == (candidates[0] if candidates else finding.subject)
    return True
