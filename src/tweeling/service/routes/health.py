"""`GET /health` for people, `GET /metrics` for Prometheus."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from tweeling.live.store.contract import Cycle
from tweeling.live.window import Timing, level
from tweeling.reading import HOUR, SECOND, Flag, iso_time
from tweeling.service.doors import Doors, answer, doors_of, time_of
from tweeling.service.routes.sensors import sensor_rows
from tweeling.service.schema import HealthAnswer, Problem

router = APIRouter(tags=["health"])

NAMED = 5
"""Stale sensors that a sentence names."""
USUAL_CYCLES, USUAL = 2, HOUR
"""So far behind its sensors a twin may be, the longer of the two, without anybody being told that it is catching up."""


@router.get("/health", response_model=HealthAnswer, responses={401: {"model": Problem}})
def get_health(doors: Annotated[Doors, Depends(doors_of)]) -> Response:
    """Whether all is well, and if not why."""
    return answer(health_document(doors))


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}})
def get_metrics(doors: Annotated[Doors, Depends(doors_of)]) -> Response:
    """The same as numbers, in the text format of Prometheus."""
    return Response("\n".join(_metrics(health_document(doors), doors)) + "\n", media_type="text/plain; version=0.0.4")


def health_document(doors: Doors) -> dict[str, Any]:
    """What the doors see of themselves, the twin and the sensors."""
    figures = dict(doors.log.health())
    figures.pop("scorecard", None)  # has a route of its own
    reached = level(doors.entrance.window)
    alive = doors.twin_alive()
    stale = [row["sensor"] for row in sensor_rows(doors) if row["stale"]]
    last = doors.log.last_cycle()
    inputs = [dict(one) for one in doors.inputs()]
    why = _why(doors, alive, stale, figures)
    why += [f"{one['url']} gives no readings: {one['why']}" for one in inputs if not one["connected"]]
    return {
        "status": "degraded" if why else "ok",
        "why": why,
        "name": doors.config.name,
        "twin": {
            "alive": alive,
            "cycles": last.cycle + 1 if last else 0,
            "last_end": iso_time(last.end) if last else None,
            "saved": figures.pop("saved", None),
            "seconds_per_cycle": figures.pop("seconds", None),
            "figures": figures,
        },
        "doors": {
            "started": iso_time(doors.started),
            "last_sequence": doors.readings.last_sequence(),
            "by_flag": {flag.word: int(count) for flag, count in zip(Flag, doors.entrance.counts, strict=True) if count},
        },
        "inputs": inputs,
        "sensors": {
            "count": len(doors.sensors),
            "stale": stale,
            "last_time": iso_time(reached) if reached is not None else None,
        },
        "catching_up": _backlog(doors, reached, last),
        "gaps": doors.gaps.document(),
    }


def _backlog(doors: Doors, reached: int | None, last: Cycle | None) -> dict[str, float] | None:
    """Hours that the twin has taken, of those that are there; None while what is to come is no more than usual.

    A cycle waits for its end and for `lateness`; one more may be under way.
    """
    if reached is None:
        return None
    timing = Timing.of(doors.config)
    first = doors.log.first_cycle()
    begun = min(doors.entrance.window.earliest.min(), reached) if first is None else first.end - timing.cycle
    taken = begun if last is None else last.end
    if reached - timing.lateness - taken <= max(USUAL_CYCLES * timing.cycle, USUAL):
        return None
    return {"done": (int(taken) - int(begun)) / HOUR, "of": (reached - int(begun)) / HOUR}


def _why(doors: Doors, alive: bool, stale: list[str], figures: dict[str, Any]) -> list[str]:
    why = []
    if not alive:
        why.append("the twin's process is not running; readings are kept and it takes them when it is back")
    if stale:
        more = f" and {len(stale) - NAMED} more" if len(stale) > NAMED else ""
        why.append(f"{len(stale)} of {len(doors.sensors)} sensors are stale: {', '.join(stale[:NAMED])}{more}")
    if "rebuilding" in figures:
        why.append(f"the twin is being rebuilt from its readings: {figures['rebuilding'].get('why', '')}")
    return why


def _metrics(health: dict[str, Any], doors: Doors) -> list[str]:
    twin, sensors = health["twin"], health["sensors"]
    saved = time_of(twin["saved"], "saved")
    rows = [
        ("up", "gauge", "1 when nothing is wrong", [("", int(health["status"] == "ok"))]),
        ("twin_alive", "gauge", "Whether the twin's process lives", [("", int(twin["alive"]))]),
        ("cycles_total", "counter", "Cycles that have closed", [("", twin["cycles"])]),
        ("cycle_seconds", "gauge", "Seconds that the last cycle took", [("", twin["seconds_per_cycle"] or 0.0)]),
        ("cycle_age_seconds", "gauge", "Since the last cycle was saved", [("", _age(saved, doors.clock()))]),
        ("readings_last_sequence", "counter", "Readings that were kept", [("", health["doors"]["last_sequence"])]),
        (
            "readings_total",
            "counter",
            "Readings since the doors opened, by flag",
            [(f'{{flag="{flag}"}}', count) for flag, count in health["doors"]["by_flag"].items()],
        ),
        *_of_inputs(health["inputs"]),
        ("sensors", "gauge", "Sensors of the twin", [("", sensors["count"])]),
        ("sensors_stale", "gauge", "Sensors that are silent or behind", [("", len(sensors["stale"]))]),
        ("gaps_open", "gauge", "Sensors that were heard and fell silent", [("", health["gaps"]["count"])]),
        ("findings_open", "gauge", "Findings that are open", [("", sum(one.closed is None for one in doors.log.findings()))]),
    ]
    lines = []
    for name, kind, text, values in rows:
        lines += [f"# HELP tweeling_{name} {text}", f"# TYPE tweeling_{name} {kind}"]
        lines += [f"tweeling_{name}{labels} {value}" for labels, value in values]
    return lines


def _of_inputs(inputs: list[dict[str, Any]]) -> list[tuple[str, str, str, list[tuple[str, Any]]]]:
    """Of the doors that connect to somewhere else; none of them, no rows."""
    if not inputs:
        return []
    rows = (
        ("input_connected", "gauge", "Whether readings can come from there", "connected"),
        ("input_messages_total", "counter", "Messages that came", "received"),
        ("input_readings_total", "counter", "Readings that were kept", "readings"),
        ("input_undecodable_total", "counter", "Messages that could not be made out", "undecodable"),
        ("input_refused_total", "counter", "Messages that the store did not take, and that come again", "refused"),
        ("input_waiting", "gauge", "Messages that wait for the disk", "waiting"),
    )
    labels = [f'{{input="{number}"}}' for number in range(len(inputs))]
    return [
        (name, kind, text, [(label, int(one[key])) for label, one in zip(labels, inputs, strict=True)])
        for name, kind, text, key in rows
    ]


def _age(saved: int | None, now: int) -> float:
    return float("nan") if saved is None else (now - saved) / SECOND
