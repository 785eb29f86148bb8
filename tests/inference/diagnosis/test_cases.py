"""When a case listens and when not, and which valves are one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from inference.diagnosis.test_verdict import ROWS, library
from tweeling.inference.diagnosis import cases
from tweeling.inference.diagnosis.cases import CALM, REFINE_HOURS, SETTLE_HOURS, Case, Diagnosis
from tweeling.inference.diagnosis.evidence import Evidence
from tweeling.inference.diagnosis.verdict import Verdict
from tweeling.inference.ensemble import Places
from tweeling.reading import HOUR

NOWHERE = Places(np.zeros(0, dtype=np.int64), np.zeros(0))
NOTHING = Verdict(-10.0, np.zeros(5), np.zeros(4), np.zeros(1), np.zeros(4), np.zeros(4), np.zeros(4))


def evidence(weight: np.ndarray | None = None) -> Evidence:
    n = 2 * ROWS
    table = np.eye(n) if weight is None else weight
    return Evidence(np.array([0]), np.zeros((1, 3, n)), np.zeros((1, n)), table[None], np.ones(1), np.ones(1))


def case(number: int = 1, kind: str = "leak", element: str = "e0", opened: float = 0.0, isolated: int = -1) -> Case:
    at = round(opened * HOUR)
    return Case(number, kind, element, at, at, at, evidence(), NOWHERE, isolated, NOTHING)


def diagnosis(*open_cases: Case, suspicion: float = -5.0) -> Diagnosis:
    return Diagnosis(evidence(), suspicion, 0.0, 0, "", open_cases, len(open_cases), 1.0)


def listens(one: Case, world: Diagnosis, hour: float) -> bool:
    heard = cases._still_heard(one, world, round(hour * HOUR))
    assert (heard.number, heard.verdict, heard.places) == (one.number, one.verdict, one.places)  # nothing else changes
    return len(heard.evidence) == 1


def test_a_case_listens_for_a_day() -> None:
    one = case()
    assert listens(one, diagnosis(one), 1.0)
    assert listens(one, diagnosis(one), REFINE_HOURS)
    assert not listens(one, diagnosis(one), REFINE_HOURS + 0.1)


def test_a_case_stops_when_something_else_is_found() -> None:
    one, later = case(), case(number=2, kind="valve", opened=3.0)
    assert not listens(one, diagnosis(one, later), 3.5)
    assert listens(later, diagnosis(one, later), 3.5)


def test_a_case_stops_when_something_else_seems_wrong_once_it_has_settled() -> None:
    one = case()
    restless = diagnosis(one, suspicion=CALM + 1)
    assert listens(one, restless, SETTLE_HOURS - 0.5)
    assert not listens(one, restless, SETTLE_HOURS + 0.5)


def test_a_sensor_that_is_not_listened_to_says_no_more() -> None:
    one = case(kind="sensor", isolated=2)
    assert not listens(one, diagnosis(one), 0.1)


@pytest.mark.parametrize(
    ("angle", "age", "same"), [(0.1, 10.0, True), (np.pi - 0.1, 10.0, True), (1.2, 10.0, False), (0.1, -1.0, False)]
)
def test_two_valves_that_sensors_see_alike_are_one(angle: float, age: float, same: bool) -> None:
    signature = np.zeros((2 * ROWS, 3))
    signature[0, 0] = 1.0
    signature[:2, 1] = np.cos(angle), np.sin(angle)
    signature[0, 2] = 5.0  # a leak of the same name as a valve
    causes = replace(library(signature, [1, 1, 0]), element=("v1", "v2", "v1"))
    old, new = case(kind="valve", element="v1"), case(number=2, kind="valve", element="v2", opened=10.0)
    young = (round(-age * HOUR), np.eye(2 * ROWS))
    assert cases._same_valve(causes, old, new, young) is same
