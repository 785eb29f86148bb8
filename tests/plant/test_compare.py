"""Findings beside a truth that is known, one case at a time."""

from __future__ import annotations

from typing import Any

import pytest

from networks import Link, make_network
from tweeling.finding import CAUSES, Candidate, Finding
from tweeling.plant.compare import CAUSE, NEAR, Compared, compared, happened, has_ended
from tweeling.plant.events import EVENTS
from tweeling.reading import SECOND, iso_time

HOUR = 3600 * SECOND
TOWN = make_network(
    demand=(0.0,) * 4,
    heads=(50.0,),
    links=(Link(4, 0, length=200.0), Link(0, 1, length=200.0), Link(1, 2, length=200.0), Link(2, 3, length=200.0)),
)
"""A line: from the middle of one pipe to the middle of the next are 200 m."""


def truth(*events: dict[str, Any]) -> dict[str, Any]:
    """Events as a truth file has them; `at` and `until` in hours."""
    return {
        "events": [
            event | {"at": iso_time(event["at"] * HOUR), "until": iso_time(event["until"] * HOUR) if "until" in event else None}
            for event in events
        ]
    }


def finding(kind: str, *candidates: str, since: float = 10, raised: float = 12, subject: str = "zone-1") -> Finding:
    places = tuple(Candidate(name, 1 / len(candidates)) for name in candidates)
    causes = {cause: float(cause == kind) for cause in CAUSES}
    times = int(since * HOUR), int(raised * HOUR)
    return Finding("f-0001", kind, subject, *times, None, 1, 0.9, causes, places, None, (), "Look.")


def beside(what: Finding, *events: dict[str, Any], now: float = 100) -> Compared:
    return compared([what], happened(truth(*events), int(now * HOUR)), TOWN)[0]


LEAK = {"kind": "leak", "element": "L0", "at": 9, "flow_m3h": 18.0}
CLOSED = {"kind": "close", "element": "L3", "at": 9}
DRIFT = {"kind": "drift", "sensor": "pressure:J1", "at": 9, "m_per_day": 0.5}


@pytest.mark.parametrize(("pipe", "metres", "right"), [("L0", 0, True), ("L1", 200, True), ("L2", 400, False)])
def test_a_leak_is_right_when_its_likeliest_pipe_is_near(pipe: str, metres: float, right: bool) -> None:
    assert beside(finding("leak", pipe, "L0"), LEAK) == Compared("f-0001", 0, True, right, metres, 3.0)


def test_a_closed_valve_is_right_when_its_likeliest_place_is_near() -> None:
    for first in ("L0", "L1", "L2", "L3"):
        found = beside(finding("valve", first, "L3"), CLOSED)
        assert found.cause_right is True
        assert found.metres is not None
        assert found.right is (found.metres <= NEAR)
    assert {beside(finding("valve", first), CLOSED).right for first in ("L0", "L3")} == {True, False}


def test_a_sensor_is_right_when_it_is_the_one() -> None:
    assert beside(finding("sensor", "pressure:J1"), DRIFT).right is True
    assert beside(finding("sensor", subject="pressure:J1"), DRIFT).right is True
    found = beside(finding("sensor", "pressure:J2"), DRIFT)
    assert (found.cause_right, found.right, found.metres) == (True, False, None)


def test_another_cause_than_what_happened_is_wrong_however_near() -> None:
    assert beside(finding("leak", "L3"), CLOSED) == Compared("f-0001", 0, False, False, 0.0, 3.0)


def test_a_finding_before_anything_happened_is_wrong_and_about_nothing() -> None:
    assert beside(finding("leak", "L0", raised=8, since=7), LEAK) == Compared("f-0001", None, False, False, None, None)


def test_a_finding_about_a_time_after_the_event_is_wrong() -> None:
    assert beside(finding("leak", "L0", since=20, raised=21), LEAK | {"until": 15}).event is None
    assert beside(finding("leak", "L0", since=14, raised=21), LEAK | {"until": 15}).right is True


def test_of_several_events_it_is_about_the_one_of_its_cause_and_the_nearest_of_those() -> None:
    far = LEAK | {"element": "L3"}
    assert beside(finding("leak", "L1"), CLOSED, far, LEAK).event == 2
    assert beside(finding("valve", "L3"), LEAK, CLOSED).event == 1
    assert beside(finding("unknown"), LEAK | {"at": 1}, CLOSED).event == 1


def test_the_unknown_names_no_cause_and_is_right_when_something_was_going_on() -> None:
    found = beside(finding("unknown"), DRIFT)
    assert (found.cause_right, found.right) == (None, True)
    assert beside(finding("unknown")).right is False


def test_what_has_not_happened_yet_is_not_told_nor_when_it_will_end() -> None:
    document = truth(LEAK | {"until": 50}, CLOSED | {"at": 30})
    (event,) = happened(document, 20 * HOUR)
    assert (event.kind, event.until, event.size) == ("leak", None, (pytest.approx(0.005), "m3/s"))
    assert not has_ended(document, 20 * HOUR)
    assert [event.until for event in happened(document, 60 * HOUR)] == [50 * HOUR, None]
    assert has_ended(document, 60 * HOUR)


def test_every_kind_of_event_has_a_cause_that_a_finding_can_say() -> None:
    assert set(CAUSE) == set(EVENTS)
    assert set(CAUSE.values()) <= set(CAUSES)
